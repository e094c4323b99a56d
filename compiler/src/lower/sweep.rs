//! A vector function over a tensor, tile of rows by tile of rows.

use bitgauge_arch::command::{Operation, Target, Vector, VectorFunction};
use bitgauge_arch::program::Operand;
use bitgauge_arch::timing;
use bitgauge_models::integer::Window;

use super::geometry::{band, band_rows};
use super::long::Long;
use super::{Context, Lowered};
use crate::cost::{Work, moves_cycles, moves_store_cycles, part_sizes};
use crate::emit::{Chip, Emitter, reg};
use crate::error::CompileError;
use crate::scratch::{Regions, Slots};
use crate::view::{MOST, View};

/// What is swept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sweep {
    pub operator: &'static str,
    /// One or two operands; the window slides over the first.
    pub inputs: Vec<View>,
    pub output: View,
    pub window: Option<Window>,
    /// The window is longer than a command's, along rows.
    pub long: Option<Long>,
    /// Registers that do not depend on the tile.
    pub registers: Vector,
    /// Most channels handled at once; a function of whole pixels has no choice.
    pub most_channels: u64,
    /// All channels of a pixel are needed at once.
    pub whole_pixels: bool,
}

/// A chosen tiling.
#[derive(Clone, Debug)]
pub(crate) struct Tiling {
    rows: u64,
    channels: u64,
    regions: Regions,
    lines: [u64; 3],
    slots: u64,
    work: Work,
    double: bool,
}

impl Sweep {
    /// Pixel functions see tensors as one column of pixels where strides allow it.
    fn flatten(&mut self) {
        if self.window.is_some() {
            return;
        }
        let flat: Option<Vec<View>> = self.inputs.iter().map(View::flat).collect();
        if let (Some(inputs), Some(output)) = (flat, self.output.flat()) {
            self.inputs = inputs;
            self.output = output;
        }
        let code = self.registers.function;
        if code == VectorFunction::Add.code() || code == VectorFunction::Table.code() {
            // Of their codes each is for itself.
            let parts = self.output.parts_of_pixels();
            let cut: Option<Vec<View>> = self.inputs.iter().map(|view| view.cut_pixels(parts)).collect();
            if let (Some(inputs), Some(output)) = (cut, self.output.cut_pixels(parts)) {
                self.inputs = inputs;
                self.output = output;
            }
        }
    }

    fn command(&self, rows: u64, channels: u64) -> Vector {
        Vector {
            out_rows: reg(rows),
            out_cols: reg(self.output.cols),
            channels: reg(channels),
            // Of two operands the narrow ones share a sign; 16-bit codes are signed anyway.
            source_signed: u32::from(self.inputs.iter().all(|view| view.signed || view.container == 2)),
            source_wide: u32::from(self.inputs[0].container == 2),
            second_wide: u32::from(self.inputs.get(1).is_some_and(|view| view.container == 2)),
            output_wide: u32::from(self.output.container == 2),
            ..self.registers.clone()
        }
    }

    fn input_rows(&self, rows: u64) -> u64 {
        self.window.map_or(rows, |window| band_rows(&window, self.inputs[0].rows, rows))
    }

    /// What a tiling depends on, beside the area: nothing else is looked at when it is chosen.
    fn shape(&self) -> Sweep {
        let Vector { function, second_enable, kernel_rows, kernel_cols, run_bytes, .. } = self.registers;
        let view = |view: &View| View { address: 0, ..*view };
        Sweep {
            operator: "",
            inputs: self.inputs.iter().map(view).collect(),
            output: view(&self.output),
            registers: Vector {
                function,
                second_enable,
                kernel_rows,
                kernel_cols,
                run_bytes,
                ..Vector::default()
            },
            ..*self
        }
    }

    /// The best tiling, found once for all layers alike.
    fn plan(&self, context: &Context<'_, '_>) -> Result<Tiling, CompileError> {
        let (shape, area) = (self.shape(), context.emitter.area);
        let plans = &context.emitter.plans;
        if let Some(tiling) = plans.sweep(&shape, &area) {
            return Ok(tiling);
        }
        let tiling = shape.choose(context)?;
        plans.keep_sweep(shape, area, tiling.clone());
        Ok(tiling)
    }

    fn choose(&self, context: &Context<'_, '_>) -> Result<Tiling, CompileError> {
        let accelerator = context.emitter.accelerator;
        let (line, bus) = (context.emitter.line(), context.emitter.bus());
        let step = match self.window {
            Some(_) => self.output.row_step(bus),
            None => {
                self.inputs.iter().chain([&self.output]).map(|view| view.row_step(bus)).max().unwrap_or(1)
            }
        };
        let bank = u64::from(accelerator.activation_bank_lines());
        let banks = u64::from(accelerator.scratchpad.banks);
        let latency = u64::from(accelerator.memory.latency_cycles);
        let channel_steps = line.max(bus);
        let mut best: Option<Tiling> = None;
        let mut least = u64::MAX;
        let mut smallest = u64::MAX;
        for channels in part_sizes(self.output.channels, channel_steps) {
            let sliceable = self
                .inputs
                .iter()
                .chain([&self.output])
                .all(|view| view.can_slice(bus, channel_steps, channels))
                || channels == self.output.channels;
            if channels > self.most_channels
                || !sliceable
                || self.whole_pixels && channels < self.output.channels
            {
                continue;
            }
            let chunks = self.output.channels.div_ceil(channels);
            for rows in part_sizes(self.output.rows, step) {
                let width = self.inputs[0].cols.max(self.output.cols);
                if self.input_rows(rows).max(rows) * width > MOST
                    || channels > MOST
                    || self.long.is_some() && rows > 1
                {
                    continue;
                }
                let parts = self.output.rows.div_ceil(rows) * chunks * self.output.groups;
                let words = |view: &View| (channels * view.container).div_ceil(line);
                let mut lines = [0, rows * self.output.cols * words(&self.output), 0];
                let mut load = 0;
                for (index, view) in self.inputs.iter().enumerate() {
                    let count = self.input_rows(rows);
                    let behind = self.long.filter(|_| index == 0).map_or(0, |long| long.behind);
                    lines[2 * index] = (count * view.cols + behind) * words(view);
                    let moves = view.moves(0, (0, count.min(view.rows)), (0, channels));
                    load += moves_cycles(accelerator, &moves, view);
                }
                smallest = smallest.min(lines.iter().map(|lines| lines.div_ceil(bank)).sum::<u64>() * bank);
                let moves = self.output.moves(0, (0, rows), (0, channels));
                let store = moves_cycles(accelerator, &moves, &self.output);
                let path = moves_store_cycles(accelerator, &moves, &self.output);
                let cycles = timing::vector_cycles(accelerator, &self.command(rows, channels));
                let work = Work {
                    bus: (load + store + 16 * 20 / bus) * parts,
                    store: path * parts,
                    unit: cycles * parts,
                    tile: cycles,
                    band: if chunks > 1 { cycles * parts } else { cycles },
                    head: (0, 0),
                    fill: load + 2 * latency,
                    drain: path + latency,
                };
                for slots in [2, 1] {
                    let slots = slots.min(parts);
                    let needs = [slots * lines[0], slots * lines[1], slots * lines[2], 0];
                    let Some(regions) = context.emitter.area.regions(needs, bank, banks) else { continue };
                    let double = slots > 1 || parts == 1;
                    let tiling = Tiling { rows, channels, regions, lines, slots, work, double };
                    let cycles =
                        if context.emitter.area.shared() { work.beside() } else { work.cycles(double) };
                    if cycles < least {
                        least = cycles;
                        best = Some(tiling);
                    }
                    break;
                }
            }
        }
        best.ok_or_else(|| {
            let width = self.inputs[0].cols.max(self.output.cols);
            if smallest == u64::MAX && width.max(self.output.channels) > MOST {
                let what = if width > MOST { "a command, columns of a row" } else { "a command, channels" };
                let hint = "cut the map into several, or use a smaller one";
                context.does_not_fit(what, width.max(self.output.channels), MOST, hint)
            } else if smallest == u64::MAX && self.long.is_some() {
                context.unsupported("the output rows of so long a window do not start bus-aligned")
            } else if smallest == u64::MAX {
                let entries = u64::from(accelerator.post.parameter_entries);
                context.does_not_fit(
                    "parameter memory, entries",
                    self.output.channels,
                    entries,
                    "raise [post] parameter_entries",
                )
            } else {
                let lines = u64::from(accelerator.activation_lines());
                let hint = "raise [scratchpad] activation_kib";
                context.does_not_fit("activation scratchpad, lines in whole banks", smallest, lines, hint)
            }
        })
    }

    /// Cycles of the best tiling.
    pub fn cycles(&self, context: &Context<'_, '_>) -> Result<u64, CompileError> {
        self.plan(context).map(|tiling| tiling.work.cycles(tiling.double))
    }

    /// Plans and emits. `chunk` loads what a range of channels needs and completes the registers.
    pub fn run(
        mut self,
        context: &mut Context<'_, '_>,
        mut chunk: impl FnMut(&mut Emitter<'_>, (u64, u64), &mut Vector),
    ) -> Result<Lowered, CompileError> {
        self.flatten();
        let tiling = self.plan(context)?;
        let emitter = &mut *context.emitter;
        let cursors = emitter.region_cursors;
        let mut slots = [0, 1, 2].map(|index| {
            let (start, lines) = tiling.regions.regions[index];
            let deep = lines / tiling.lines[index].max(1);
            Slots::new(start, lines, tiling.lines[index], deep.min(8).max(tiling.slots), cursors[index])
        });
        let line = emitter.line();
        let mut key = 0;
        let all = if emitter.trial { 0 } else { self.output.channels };
        for first in (0..all).step_by(tiling.channels.max(1) as usize) {
            let channels = (first, (first + tiling.channels).min(self.output.channels));
            let mut registers = self.command(0, channels.1 - channels.0);
            chunk(emitter, channels, &mut registers);
            for group in 0..self.output.groups {
                for row in (0..self.output.rows).step_by(tiling.rows.max(1) as usize) {
                    let rows = (row, (row + tiling.rows).min(self.output.rows));
                    self.tile(emitter, &mut slots, [group, key, line], rows, channels, registers.clone());
                    key += 1;
                }
            }
        }
        emitter.region_cursors = [slots[0].cursor(), slots[1].cursor(), slots[2].cursor(), 0];
        Ok(Lowered {
            operator: self.operator,
            product: None,
            mapping: format!(
                "vector unit, {key} tiles of {} pixels, {} channels{}",
                tiling.rows * self.output.cols,
                tiling.channels,
                if tiling.double { "" } else { ", single buffers" },
            ),
            work: tiling.work,
        })
    }

    fn tile(
        &self,
        emitter: &mut Emitter<'_>,
        slots: &mut [Slots; 3],
        [group, key, line]: [u64; 3],
        rows: (u64, u64),
        channels: (u64, u64),
        mut registers: Vector,
    ) {
        let words = |view: &View| ((channels.1 - channels.0) * view.container).div_ceil(line);
        let operands = [Operand::Input, Operand::Residual];
        registers.out_rows = reg(rows.1 - rows.0);
        for (index, view) in self.inputs.iter().enumerate() {
            let (start, _) = slots[2 * index].get(key);
            let mut reach = rows;
            if let (0, Some(window)) = (index, &self.window) {
                let band = band(window, view.rows, rows);
                reach = band.rows;
                registers.pad_top = reg(band.pad_top);
            }
            let chip = Chip { line: start, pixel_stride: words(view) };
            emitter.load(view, group, reach, channels, Target::Activation, chip, operands[index.min(1)]);
            let behind = self.long.filter(|_| index == 0).map_or(0, |long| long.behind);
            if behind > 0 {
                // Zeros, as the padding would be.
                let count = channels.1 - channels.0;
                let zeros = emitter.constant(vec![registers.pad_code as u8; (behind * count) as usize]);
                let at = start + view.cols * words(view);
                let shape = [behind, count, words(view)];
                emitter.load_bytes(zeros, Target::Activation, at, shape, Operand::Parameter);
            }
            if index == 0 {
                registers.source_line = reg(start);
                registers.in_rows = reg(self.long.map_or(reach.1 - reach.0, |long| long.kernel[0]));
                registers.in_cols = reg(self.long.map_or(view.cols, |long| long.in_cols(view.cols)));
                registers.pixel_stride = reg(words(view));
                registers.row_stride = reg(self.long.map_or(view.cols, |long| long.step) * words(view));
            } else {
                registers.second_line = reg(start);
                registers.second_pixel_stride = reg(words(view));
            }
        }
        let (start, _) = slots[1].get(key);
        let chip = Chip { line: start, pixel_stride: words(&self.output) };
        registers.output_line = reg(chip.line);
        registers.output_pixel_stride = reg(chip.pixel_stride);
        emitter.push(Operation::Vector(registers), Operand::Output);
        emitter.store(&self.output, group, rows, channels, chip);
    }
}
