//! Commands of a vector function over a tensor, tile of rows by tile of rows.

use bitgauge_arch::command::{Operation, Target, Vector};
use bitgauge_arch::program::Operand;

use super::{Context, Lowered};
use crate::error::CompileError;
use crate::scratch::Slots;
use crate::tiling::geometry::band;
use crate::tiling::sweep::{Refusal, Sweep, Tiling};
use crate::view::{View, reg};
use crate::write::{Chip, Emitter};

impl Sweep {
    /// The best tiling, found once for all layers alike.
    fn plan(&self, context: &Context<'_, '_>) -> Result<Tiling, CompileError> {
        let (shape, area) = (self.shape(), context.emitter.area);
        let plans = &context.emitter.plans;
        if let Some(tiling) = plans.sweep(&shape, &area) {
            return Ok(tiling);
        }
        let tiling = shape.choose(context.emitter.accelerator, &area).map_err(|refusal| match refusal {
            Refusal::Short(short) => context.short(short),
            Refusal::Unsupported(why) => context.unsupported(why),
        })?;
        plans.keep_sweep(shape, area, tiling.clone());
        Ok(tiling)
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
