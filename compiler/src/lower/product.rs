//! Emission of a planned product: loads, compute commands, stores, tile by tile.

use bitgauge_arch::arith::post::PARAMETER_BYTES;
use bitgauge_arch::arith::{ChannelParameter, Post, Residual};
use bitgauge_arch::command::{Compute, Operation, Target, Vector};
use bitgauge_arch::program::Operand;
use bitgauge_models::integer::Window;

use super::Context;
use super::geometry::{Band, ChannelTile, Geometry, Patch, band};
use super::plan::{Order, Plan, Shortage, plan};
use crate::emit::{Chip, Emitter, parameter_bytes, reg};
use crate::error::CompileError;
use crate::scratch::Slots;
use crate::view::View;

/// The columns operand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Weights<'a> {
    /// `[n][position][segment][channel]`.
    Constant(&'a [i8]),
    /// Rows are n, groups are segments.
    Tensor(View),
}

/// Parameters of N outputs, or of M rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parameters<'a> {
    Each(&'a [ChannelParameter]),
    Same(ChannelParameter),
}

/// A product to emit.
#[derive(Clone, Debug)]
pub(crate) struct Product<'a> {
    pub geometry: Geometry,
    pub weights: Weights<'a>,
    pub parameters: Parameters<'a>,
    pub post: Post,
    pub residual: Option<Residual>,
    pub pad_code: u32,
    /// Which of the post-processor's tables.
    pub table: Option<u32>,
    pub input_operand: Operand,
    pub weight_operand: Operand,
}

impl Product<'_> {
    /// Flattens a pointwise product to rows of one column where all strides allow it.
    pub fn flatten(&mut self) {
        let geometry = &mut self.geometry;
        if geometry.window != Window::POINT || geometry.patch.is_some() {
            return;
        }
        let residual = geometry.residual.map(|view| view.flat());
        let (Some(input), Some(output)) = (geometry.input.flat(), geometry.output.flat()) else { return };
        if residual.is_none_or(|view| view.is_some()) {
            geometry.input = input;
            geometry.output = output;
            geometry.residual = residual.flatten();
        }
    }

    /// Plans; the caller may plan once for several equal products.
    pub fn plan(&self, context: &Context<'_, '_>) -> Result<Plan, CompileError> {
        plan(&self.geometry, context.emitter.accelerator, &context.emitter.area).map_err(
            |Shortage { what, needed, available, hint }| context.does_not_fit(what, needed, available, hint),
        )
    }

    /// Emits all commands of the plan.
    pub fn emit(&self, emitter: &mut Emitter<'_>, plan: &Plan) {
        let mut run = Run::new(self, emitter, plan);
        let parts = self.geometry.output.rows.div_ceil(plan.rows);
        let count = plan.tiles.len() as u64;
        match plan.order {
            Order::Pixels => (0..parts).for_each(|part| (0..count).for_each(|tile| run.step(part, tile))),
            Order::Channels => (0..count).for_each(|tile| (0..parts).for_each(|part| run.step(part, tile))),
        }
        run.finish();
    }
}

/// One line for people.
pub(crate) fn describe(plan: &Plan, geometry: &Geometry) -> String {
    let order = match plan.order {
        Order::Pixels => "pixels outside",
        Order::Channels => "channels outside",
    };
    let weights =
        if plan.slots[3] as usize >= plan.tiles.len() { "weights resident" } else { "weights streamed" };
    format!(
        "{}array, {} tiles of {} pixels, {} of {} channels, {order}, {weights}{}",
        if geometry.patch.is_some() { "vector unit gathers windows, " } else { "" },
        geometry.output.rows.div_ceil(plan.rows),
        plan.rows * geometry.output.cols,
        plan.tiles.len(),
        plan.tiles.first().map_or(0, |tile| tile.count),
        if plan.double { "" } else { ", single buffers" },
    )
}

/// Emission under way.
struct Run<'p, 'e, 'a> {
    product: &'p Product<'p>,
    emitter: &'e mut Emitter<'a>,
    plan: &'p Plan,
    inputs: Slots,
    outputs: Slots,
    residuals: Slots,
    weights: Slots,
    raw: Slots,
    /// Raw tiles loaded so far.
    raw_count: u64,
    /// Addresses of constant weight tiles.
    weight_tiles: Vec<u64>,
    /// Addresses of parameter tiles; one where all fit at once.
    parameter_tiles: Vec<u64>,
    /// Which parameter tile is loaded, and its first entry.
    parameters: Option<(u64, u64)>,
    /// Which channel tiles have their part of the parameters loaded, where they are loaded in parts.
    parts_loaded: Vec<bool>,
}

impl<'p, 'e, 'a> Run<'p, 'e, 'a> {
    fn new(product: &'p Product<'p>, emitter: &'e mut Emitter<'a>, plan: &'p Plan) -> Self {
        let cursors = emitter.region_cursors;
        let slots = |index: usize, kind: usize| {
            let (start, lines) = plan.regions.regions[index];
            Slots::new(start, lines, plan.lines[kind], plan.slots[kind], cursors[index])
        };
        let (start, total) = emitter.area.weights;
        let weights = Slots::new(start, total, plan.lines[3], plan.slots[3], emitter.weight_cursor);
        let mut run = Run {
            product,
            plan,
            inputs: slots(0, 0),
            outputs: slots(1, 1),
            residuals: slots(2, 2),
            raw: slots(3, 4),
            raw_count: 0,
            weights,
            weight_tiles: Vec::new(),
            parameter_tiles: Vec::new(),
            parameters: None,
            parts_loaded: vec![false; plan.tiles.len()],
            emitter,
        };
        run.place_constants();
        run
    }

    fn place_constants(&mut self) {
        let geometry = &self.product.geometry;
        if let Weights::Constant(weights) = self.product.weights {
            let each = (geometry.positions() * geometry.input.groups * geometry.input.channels) as usize;
            for tile in &self.plan.tiles {
                let from = tile.first as usize * each;
                let codes = weights.get(from..from + tile.count as usize * each).unwrap_or_default();
                self.weight_tiles.push(self.emitter.constant(codes.iter().map(|&code| code as u8).collect()));
            }
        }
        let of = |first: u64, count: u64| match self.product.parameters {
            Parameters::Each(all) => {
                parameter_bytes(all.iter().skip(first as usize).take(count as usize).copied())
            }
            Parameters::Same(one) => parameter_bytes(std::iter::repeat_n(one, count as usize)),
        };
        let tiles: Vec<(u64, u64)> = if self.parameters_at_once() {
            vec![(0, self.parameter_count())]
        } else if geometry.parameter_per_row {
            let rows = geometry.output.rows;
            (0..rows)
                .step_by(self.plan.rows as usize)
                .map(|row| (row, self.plan.rows.min(rows - row)))
                .collect()
        } else {
            self.plan.tiles.iter().map(|tile| (tile.first, tile.count)).collect()
        };
        for (first, count) in tiles {
            let address = self.emitter.constant(of(first, count));
            self.parameter_tiles.push(address);
        }
    }

    fn parameter_count(&self) -> u64 {
        let geometry = &self.product.geometry;
        if geometry.parameter_per_row {
            return geometry.output.rows;
        }
        match self.product.parameters {
            Parameters::Each(_) => geometry.outputs,
            // The same entry over and over serves every tile.
            Parameters::Same(_) => self.plan.tiles.iter().map(|tile| tile.count).max().unwrap_or(0),
        }
    }

    fn parameters_at_once(&self) -> bool {
        self.parameter_count() <= u64::from(self.emitter.accelerator.post.parameter_entries)
    }

    /// Whether a tile's parameters can be loaded from the middle of all: the first tile then waits for its
    /// own alone.
    fn parameters_in_parts(&self) -> bool {
        let bus = self.emitter.bus();
        self.parameters_at_once()
            && !self.product.geometry.parameter_per_row
            && matches!(self.product.parameters, Parameters::Each(_))
            && self.plan.tiles.iter().all(|tile| (tile.first * PARAMETER_BYTES as u64).is_multiple_of(bus))
    }

    fn parameter_part(&mut self, tile: u64) -> u64 {
        let base = match self.parameters {
            Some((_, base)) => base,
            None => {
                let base = self.emitter.take_parameters(self.parameter_count(), false);
                self.parameters = Some((0, base));
                base
            }
        };
        let cut = &self.plan.tiles[tile as usize];
        if !std::mem::replace(&mut self.parts_loaded[tile as usize], true) {
            let address = self.parameter_tiles[0] + cut.first * PARAMETER_BYTES as u64;
            self.emitter.fill_parameters(address, base + cut.first, cut.count, false);
        }
        base + cut.first
    }

    /// First parameter entry of a tile, loading what is not there.
    fn parameter_base(&mut self, part: u64, tile: u64) -> u64 {
        if self.parameters_in_parts() {
            return self.parameter_part(tile);
        }
        let at_once = self.parameters_at_once();
        let per_row = self.product.geometry.parameter_per_row;
        let key = match (at_once, per_row) {
            (true, _) => 0,
            (false, true) => part,
            (false, false) => tile,
        };
        let base = match self.parameters {
            Some((held, base)) if held == key => base,
            _ => {
                let rows = self.product.geometry.output.rows;
                let count = match (at_once, per_row) {
                    (true, _) => self.parameter_count(),
                    (false, true) => self.plan.rows.min(rows - part * self.plan.rows),
                    (false, false) => self.plan.tiles[tile as usize].count,
                };
                let base = self.emitter.load_parameters(self.parameter_tiles[key as usize], count, false);
                self.parameters = Some((key, base));
                base
            }
        };
        match (at_once, per_row, self.product.parameters) {
            (true, true, _) => base + part * self.plan.rows,
            (true, false, Parameters::Each(_)) => base + self.plan.tiles[tile as usize].first,
            _ => base,
        }
    }

    fn load_weights(&mut self, tile: u64) -> u64 {
        let (line, fill) = self.weights.get(tile);
        if !fill {
            return line;
        }
        let geometry = &self.product.geometry;
        let words = geometry.input.words(self.emitter.line());
        let cut = &self.plan.tiles[tile as usize];
        match self.product.weights {
            Weights::Constant(_) => {
                let pixels = cut.count * geometry.positions() * geometry.input.groups;
                let shape = [pixels, geometry.input.channels, words];
                self.emitter.load_bytes(
                    self.weight_tiles[tile as usize],
                    Target::Weight,
                    line,
                    shape,
                    self.product.weight_operand,
                );
            }
            Weights::Tensor(view) => {
                for group in 0..view.groups {
                    let chip = Chip { line: line + group * words, pixel_stride: view.groups * words };
                    let rows = (cut.first, cut.first + cut.count);
                    self.emitter.load(
                        &view,
                        group,
                        rows,
                        (0, view.channels),
                        Target::Weight,
                        chip,
                        self.product.weight_operand,
                    );
                }
            }
        }
        line
    }

    fn step(&mut self, part: u64, tile: u64) {
        let geometry = &self.product.geometry;
        let (output, line) = (geometry.output, self.emitter.line());
        let rows = (part * self.plan.rows, ((part + 1) * self.plan.rows).min(output.rows));
        let cut = self.plan.tiles[tile as usize].clone();
        let whole = self.plan.order == Order::Pixels;
        let key = if whole { part } else { part * self.plan.tiles.len() as u64 + tile };

        // Weights first: they may be there long before the input is.
        let weight_line = self.load_weights(tile);
        let parameter_base = self.parameter_base(part, tile);
        let reach = band(&geometry.window, geometry.input.rows, rows);
        let (input_line, fill) = self.inputs.get(part);
        let words = geometry.input.words(line);
        let segment_stride = self.plan.lines[0] / geometry.input.groups;
        if fill {
            match &geometry.patch {
                Some(patch) => self.gather(patch, rows, input_line),
                None => {
                    for group in 0..geometry.input.groups {
                        let chip = Chip { line: input_line + group * segment_stride, pixel_stride: words };
                        let channels = (0, geometry.input.channels);
                        let operand = self.product.input_operand;
                        let input = &geometry.input;
                        self.emitter.load(
                            input,
                            group,
                            reach.rows,
                            channels,
                            Target::Activation,
                            chip,
                            operand,
                        );
                    }
                }
            }
        }
        let strides = |view: &View| {
            if whole { view.groups * view.words(line) } else { (cut.count * view.container).div_ceil(line) }
        };
        let residual = geometry.residual.map(|view| {
            let (start, fill) = self.residuals.get(key);
            let chip = Chip { line: start, pixel_stride: strides(&view) };
            if fill {
                for (group, channels, word) in self.parts(&view, &cut) {
                    let chip = Chip { line: chip.line + word, ..chip };
                    self.emitter.load(
                        &view,
                        group,
                        rows,
                        channels,
                        Target::Activation,
                        chip,
                        Operand::Residual,
                    );
                }
            }
            // A tile's first line, counted in this view's containers.
            let word = if whole { cut.word * view.container / output.container } else { 0 };
            (view, Chip { line: start + word, ..chip })
        });
        let (output_line, _) = self.outputs.get(key);
        let chip = Chip { line: output_line, pixel_stride: strides(&output) };
        let word = if whole { cut.word } else { 0 };
        let place = Place { weight_line, parameter_base, input_line, segment_stride, reach };
        let mut compute = self.compute(&cut, rows.1 - rows.0, &place);
        compute.output_line = reg(chip.line + word);
        compute.output_pixel_stride = reg(chip.pixel_stride);
        if let (Some((view, chip)), Some(rescale)) = (residual, self.product.residual) {
            compute.residual_enable = 1;
            compute.residual_wide = u32::from(view.container == 2);
            compute.residual_line = reg(chip.line);
            compute.residual_pixel_stride = reg(chip.pixel_stride);
            compute.residual_mantissa = u32::from(rescale.requant.mantissa);
            compute.residual_shift = u32::from(rescale.requant.shift);
            compute.residual_zero_point = rescale.zero_point;
        }
        self.emitter.push(Operation::Compute(compute), Operand::Output);
        if !whole || tile as usize + 1 == self.plan.tiles.len() {
            for (group, channels, word) in self.parts(&output, &cut) {
                self.emitter.store(&output, group, rows, channels, Chip { line: chip.line + word, ..chip });
            }
        }
    }

    /// Loads raw rows and gathers the vectors of output rows `rows` from them.
    fn gather(&mut self, patch: &Patch, rows: (u64, u64), input_line: u64) {
        let reach = band(&patch.window, patch.map.rows, rows);
        let (raw_line, _) = self.raw.get(self.raw_count);
        self.raw_count += 1;
        let words = patch.map.words(self.emitter.line());
        let chip = Chip { line: raw_line, pixel_stride: words };
        let channels = (0, patch.map.channels);
        self.emitter.load(&patch.map, 0, reach.rows, channels, Target::Activation, chip, Operand::Input);
        let geometry = &self.product.geometry;
        let vector = Vector {
            source_line: reg(raw_line),
            output_line: reg(input_line),
            in_rows: reg(reach.rows.1 - reach.rows.0),
            pad_top: reg(reach.pad_top),
            row_stride: reg(words),
            pixel_stride: reg(words),
            output_pixel_stride: reg(geometry.input.words(self.emitter.line())),
            ..patch.command(rows.1 - rows.0, geometry.output.cols)
        };
        self.emitter.push(Operation::Vector(vector), Operand::Input);
    }

    /// What of a tensor of the output's shape is moved at once: all groups, or the parts of a tile.
    fn parts(&self, view: &View, cut: &ChannelTile) -> Vec<(u64, (u64, u64), u64)> {
        let words = view.words(self.emitter.line());
        match self.plan.order {
            Order::Pixels => {
                (0..view.groups).map(|group| (group, (0, view.channels), group * words)).collect()
            }
            Order::Channels => {
                let scale = |word: u64| word * view.container / self.product.geometry.output.container;
                cut.parts.iter().map(|&(group, channels, word)| (group, channels, scale(word))).collect()
            }
        }
    }

    fn compute(&self, cut: &ChannelTile, rows: u64, place: &Place) -> Compute {
        let geometry = &self.product.geometry;
        let (input, window, post) = (&geometry.input, &geometry.window, &self.product.post);
        let words = input.words(self.emitter.line());
        Compute {
            activation_line: reg(place.input_line),
            weight_line: reg(place.weight_line),
            out_rows: reg(rows),
            out_cols: reg(geometry.output.cols),
            in_rows: reg(place.reach.rows.1 - place.reach.rows.0),
            in_cols: reg(input.cols),
            kernel_rows: reg(window.kernel[0] as u64),
            kernel_cols: reg(window.kernel[1] as u64),
            stride_rows: reg(window.stride[0] as u64),
            stride_cols: reg(window.stride[1] as u64),
            pad_top: reg(place.reach.pad_top),
            pad_left: reg(window.pad[1] as u64),
            dilation_rows: reg(window.dilation[0] as u64),
            dilation_cols: reg(window.dilation[1] as u64),
            channels: reg(input.channels),
            segments: reg(input.groups),
            segment_stride: reg(place.segment_stride),
            pad_code: self.product.pad_code,
            row_stride: reg(input.cols * words),
            activation_signed: u32::from(input.signed),
            parameter_per_row: u32::from(geometry.parameter_per_row),
            pixel_stride: reg(words),
            outputs: reg(cut.count),
            weight_stride: reg(self.plan.weight_lines),
            parameter_base: reg(place.parameter_base),
            output_wide: u32::from(geometry.output.container == 2),
            table_enable: u32::from(self.product.table.is_some()),
            table_select: self.product.table.unwrap_or(0),
            zero_point: post.zero_point,
            clamp_low: post.clamp_low,
            clamp_high: post.clamp_high,
            ..Compute::default()
        }
    }

    fn finish(self) {
        self.emitter.weight_cursor = self.weights.cursor();
        self.emitter.region_cursors =
            [self.inputs.cursor(), self.outputs.cursor(), self.residuals.cursor(), self.raw.cursor()];
    }
}

/// Where a tile's operands are.
struct Place {
    weight_line: u64,
    parameter_base: u64,
    input_line: u64,
    segment_stride: u64,
    reach: Band,
}
