//! Emission of a planned product, tile by tile.

use bitgauge_arch::command::{Compute, Operation, Target, Vector};
use bitgauge_arch::program::Operand;

use super::emit::{Chip, Emitter};
use super::in_parts::Tile;
use super::product::Product;
use crate::scratch::Slots;
use crate::tiling::geometry::{Band, ChannelTile, Patch, band};
use crate::tiling::plan::{Order, Plan};
use crate::view::{View, reg};

/// Emission under way.
pub(super) struct Run<'p, 'e, 'a> {
    pub(super) product: &'p Product<'p>,
    pub(super) emitter: &'e mut Emitter<'a>,
    pub(super) plan: &'p Plan,
    pub(super) inputs: Slots,
    pub(super) outputs: Slots,
    pub(super) residuals: Slots,
    pub(super) weights: Slots,
    pub(super) raw: Slots,
    /// Raw tiles loaded so far.
    pub(super) raw_count: u64,
    /// Addresses of constant weight tiles.
    pub(super) weight_tiles: Vec<u64>,
    /// Addresses of parameter tiles; one where all fit at once.
    pub(super) parameter_tiles: Vec<u64>,
    /// Which parameter tile is loaded, and its first entry.
    pub(super) parameters: Option<(u64, u64)>,
    /// Which channel tiles have their part of the parameters loaded, where they are loaded in parts.
    pub(super) parts_loaded: Vec<bool>,
}

impl<'p, 'e, 'a> Run<'p, 'e, 'a> {
    pub(super) fn new(product: &'p Product<'p>, emitter: &'e mut Emitter<'a>, plan: &'p Plan) -> Self {
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

    pub(super) fn step(&mut self, part: u64, tile: u64) {
        let geometry = &self.product.geometry;
        let (output, line) = (geometry.output, self.emitter.line());
        let rows = (part * self.plan.rows, ((part + 1) * self.plan.rows).min(output.rows));
        let plan = self.plan;
        let cut = &plan.tiles[tile as usize];
        let whole = self.plan.order == Order::Pixels;
        let key = if whole { part } else { part * self.plan.tiles.len() as u64 + tile };

        // Weights first: they may be there long before the input is.
        let weight_line = if self.plan.parts.is_none() { self.load_weights(tile) } else { 0 };
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
                for (group, channels, word) in self.parts(&view, cut) {
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
        let written = Chip { line: chip.line + word, ..chip };
        if let Some(parts) = self.plan.parts {
            let tile = Tile { index: tile, cut, rows, place, output: written, residual };
            self.compute_in_parts(&tile, parts);
        } else {
            let mut compute = self.compute(cut, rows.1 - rows.0, &place);
            compute.output_line = reg(written.line);
            compute.output_pixel_stride = reg(written.pixel_stride);
            if let Some((view, chip)) = residual {
                self.add_residual(&mut compute, &view, chip);
            }
            self.emitter.push(Operation::Compute(compute), Operand::Output);
        }
        if !whole || tile as usize + 1 == self.plan.tiles.len() {
            for (group, channels, word) in self.parts(&output, cut) {
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

    /// Has the post-processor add codes of `view` that are at `chip`.
    pub(super) fn add_residual(&self, compute: &mut Compute, view: &View, chip: Chip) {
        let Some(rescale) = self.product.residual else { return };
        compute.residual_enable = 1;
        compute.residual_wide = u32::from(view.container == 2);
        compute.residual_line = reg(chip.line);
        compute.residual_pixel_stride = reg(chip.pixel_stride);
        compute.residual_mantissa = u32::from(rescale.requant.mantissa);
        compute.residual_shift = u32::from(rescale.requant.shift);
        compute.residual_zero_point = rescale.zero_point;
    }

    pub(super) fn compute(&self, cut: &ChannelTile, rows: u64, place: &Place) -> Compute {
        let geometry = &self.product.geometry;
        let (input, window, post) = (&geometry.input, &geometry.window, &self.product.post);
        let long = geometry.long;
        let line = self.emitter.line();
        let words = input.words(line);
        let skip = geometry.blocks.map_or(0, |blocks| blocks.skip(cut.first, geometry.line_codes(line)));
        let mut compute = Compute {
            activation_line: reg(place.input_line + skip),
            weight_line: reg(place.weight_line),
            out_rows: reg(rows),
            out_cols: reg(geometry.output.cols),
            in_rows: reg(long.map_or(place.reach.rows.1 - place.reach.rows.0, |long| long.kernel[0])),
            in_cols: reg(long.map_or(input.cols, |long| long.in_cols(input.cols))),
            kernel_rows: reg(geometry.kernel()[0]),
            kernel_cols: reg(geometry.kernel()[1]),
            stride_rows: reg(long.map_or(window.stride[0] as u64, |_| 1)),
            stride_cols: reg(window.stride[1] as u64),
            pad_top: reg(place.reach.pad_top),
            pad_left: reg(window.pad[1] as u64),
            dilation_rows: reg(long.map_or(window.dilation[0] as u64, |_| 1)),
            dilation_cols: reg(window.dilation[1] as u64),
            channels: reg(geometry.segment()),
            grouped: u32::from(geometry.walked()),
            segments: reg(input.groups),
            segment_stride: reg(place.segment_stride),
            pad_code: u32::from(input.operand.repeated(self.product.pad_code as u8)),
            row_stride: reg(long.map_or(input.cols, |long| long.step) * words),
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
        };
        compute.set_operands(geometry.operands);
        compute.container = input.operand.code();
        compute.tag_shift = input.tag_shift;
        compute
    }

    pub(super) fn finish(self) {
        self.emitter.weight_cursor = self.weights.cursor();
        self.emitter.region_cursors =
            [self.inputs.cursor(), self.outputs.cursor(), self.residuals.cursor(), self.raw.cursor()];
    }
}

/// Where a tile's operands are.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub weight_line: u64,
    pub parameter_base: u64,
    pub input_line: u64,
    pub segment_stride: u64,
    pub reach: Band,
}

impl Product<'_> {
    /// Emits all commands of the plan.
    pub fn emit(&self, emitter: &mut Emitter<'_>, plan: &Plan) {
        if emitter.trial {
            return;
        }
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
