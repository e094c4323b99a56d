//! Actions of a command in closed form: everything but traffic on the bus, which is counted where it is
//! granted.
//!
//! Choices: a feeder reads whole lines, for rows and columns that exist and positions inside the map only.
//! The post-processor reads a column's parameters once per fold, a row's once per row and fold. The
//! vector unit reads its operands, weights and parameters for every code it handles; positions outside a map
//! are not read, but count as multiply-accumulates and operations.

use bitgauge_arch::actions::{Action, ActionCounts};
use bitgauge_arch::command::{Compute, Operation, Target, Vector, VectorFunction};

use crate::plan::{Plan, Shape, Transfer, is_zvc};

/// Positions inside the map, summed over outputs and taps of one axis.
fn inside(outputs: u32, stride: u32, taps: u32, dilation: u32, pad: u32, size: u32) -> u64 {
    let (outputs, stride, pad) = (u64::from(outputs), u64::from(stride), u64::from(pad));
    // Outputs whose position, counted from the padding's start, is before `end`.
    let before = |end: u64, at: u64| match (end.saturating_sub(at), stride) {
        (0, _) => 0,
        (_, 0) => outputs,
        (room, 1) => room.min(outputs),
        (room, _) => room.div_ceil(stride).min(outputs),
    };
    let within = |tap: u32| {
        let at = u64::from(tap) * u64::from(dilation);
        before(pad + u64::from(size), at) - before(pad, at)
    };
    (0..taps).map(within).sum()
}

/// A count per action: there are few actions, and many commands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally([u64; Action::ALL.len()]);

impl Tally {
    fn add(&mut self, action: Action, count: u64) {
        self.0[action as usize] += count;
    }

    /// What was counted.
    pub fn counts(&self) -> ActionCounts {
        let mut counts = ActionCounts::default();
        for (action, count) in Action::ALL.iter().zip(self.0) {
            counts.add(*action, count);
        }
        counts
    }
}

/// Counts of one command.
pub(crate) fn command(plan: &Plan, operation: &Operation, shape: &Shape, counts: &mut Tally) {
    use Action as A;
    match (operation, shape) {
        (Operation::Load(load), Shape::Load(Transfer { shape, .. })) => {
            let written = match load.target() {
                Some(Target::Activation) => A::ActivationWriteByte,
                Some(Target::Weight) => A::WeightWriteByte,
                _ => A::ParameterWriteByte,
            };
            counts.add(
                written,
                shape.blocks
                    * if written == A::ParameterWriteByte {
                        shape.codes
                    } else {
                        shape.pixels * shape.pixel_bytes
                    },
            );
        }
        (Operation::Store(_), Shape::Store(Transfer { shape, .. })) => {
            // A block that `zvc` codes is counted first, which reads it once more.
            let times = 1 + u64::from(is_zvc(operation));
            counts.add(A::ActivationReadByte, times * shape.blocks * shape.pixels * shape.pixel_bytes);
        }
        (Operation::Compute(c), Shape::Compute(timing)) => {
            let array = &plan.accelerator.array;
            counts.add(A::ArrayMac, timing.macs);
            let all = timing.folds() * timing.beats * u64::from(array.rows) * u64::from(array.cols);
            counts.add(A::ArrayPaddingMac, all - timing.macs);
            compute(plan, c, timing.row_folds, timing.column_folds, counts);
        }
        (Operation::Vector(v), _) => vector(v, counts),
        _ => {}
    }
}

fn compute(plan: &Plan, c: &Compute, row_folds: u64, column_folds: u64, counts: &mut Tally) {
    use Action as A;
    let pixels = u64::from(c.out_rows) * u64::from(c.out_cols);
    let outputs = u64::from(c.outputs);
    if pixels == 0 || outputs == 0 {
        return;
    }
    let words = u64::from(c.channels).div_ceil(plan.line);
    let inside = inside(c.out_rows, c.stride_rows, c.kernel_rows, c.dilation_rows, c.pad_top, c.in_rows)
        * inside(c.out_cols, c.stride_cols, c.kernel_cols, c.dilation_cols, c.pad_left, c.in_cols);
    counts.add(A::ActivationReadByte, column_folds * inside * u64::from(c.segments) * words * plan.line);
    let positions = u64::from(c.kernel_rows) * u64::from(c.kernel_cols) * u64::from(c.segments);
    counts.add(A::WeightReadByte, row_folds * outputs * positions * words * plan.line);
    let entries = if c.parameter_per_row == 1 { pixels * column_folds } else { row_folds * outputs };
    counts.add(A::ParameterReadByte, 8 * entries);
    if c.accumulate == 1 {
        return;
    }
    counts.add(A::ActivationWriteByte, pixels * outputs * u64::from(1 + c.output_wide));
    if c.residual_enable == 1 {
        counts.add(A::ActivationReadByte, pixels * outputs * u64::from(1 + c.residual_wide));
    }
    if c.table_enable == 1 {
        counts.add(A::ParameterReadByte, pixels * outputs);
    }
    counts.add(A::PostRequantize, pixels * outputs);
}

fn vector(v: &Vector, counts: &mut Tally) {
    use Action as A;
    use VectorFunction as F;
    let Some(function) = v.function() else { return };
    let pixels = u64::from(v.out_rows) * u64::from(v.out_cols);
    let codes = pixels * u64::from(v.channels);
    let taps = u64::from(v.kernel_rows) * u64::from(v.kernel_cols);
    let source = codes * u64::from(1 + v.source_wide);
    let (mut read, mut written) = (source, codes * u64::from(1 + v.output_wide));
    let mut operations = codes;
    match function {
        F::Copy => written = source,
        F::Add => {
            if v.second_enable == 1 {
                read += codes * u64::from(1 + v.second_wide);
                operations += codes;
            }
        }
        F::Table => counts.add(A::ParameterReadByte, 2 * codes),
        F::MaxPool | F::AveragePool | F::Depthwise => {
            read = u64::from(v.channels)
                * inside(v.out_rows, v.stride_rows, v.kernel_rows, v.dilation_rows, v.pad_top, v.in_rows)
                * inside(v.out_cols, v.stride_cols, v.kernel_cols, v.dilation_cols, v.pad_left, v.in_cols);
            operations = codes * taps;
            if function == F::Depthwise {
                counts.add(A::VectorMac, operations);
                counts.add(A::WeightReadByte, operations);
                counts.add(A::ParameterReadByte, 8 * codes);
                operations = 0;
            }
        }
        F::Softmax => {
            (read, operations) = (3 * source, 3 * codes);
            counts.add(A::ParameterReadByte, 4 * codes);
        }
        F::LayerNorm => {
            (read, operations) = (2 * source, 2 * codes);
            counts.add(A::ParameterReadByte, 8 * codes);
        }
        F::Patch => {
            written = pixels * u64::from(v.kernel_rows) * u64::from(v.run_bytes);
            (read, operations) = (written, written);
        }
    }
    counts.add(A::ActivationReadByte, read);
    let target =
        if function == F::Copy && v.to_weight == 1 { A::WeightWriteByte } else { A::ActivationWriteByte };
    counts.add(target, written);
    counts.add(A::VectorOperation, operations);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Random, accelerator, compute, program};
    use bitgauge_arch::command::Command;

    /// Position by position.
    #[test]
    fn positions_inside_a_map_are_counted_once_each() {
        let mut random = Random(9);
        for _ in 0..2000 {
            let [outputs, stride, taps, dilation, pad, size] =
                [9, 4, 5, 4, 7, 9].map(|bound| random.small(bound));
            let place = |output: u32, tap: u32| i64::from(output * stride + tap * dilation) - i64::from(pad);
            let all = (0..outputs).flat_map(|output| (0..taps).map(move |tap| (output, tap)));
            let count =
                all.filter(|&(output, tap)| (0..i64::from(size)).contains(&place(output, tap))).count();
            assert_eq!(inside(outputs, stride, taps, dilation, pad, size), count as u64);
        }
    }

    /// Fold by fold, entry by entry, as the hardware fills its lanes.
    #[test]
    fn parameters_are_read_once_per_fold() {
        let mut random = Random(8);
        let (mut several, mut checked) = ([0, 0], 0);
        while checked < 300 {
            let accelerator = accelerator(&mut random);
            let (rows, cols) = (accelerator.array.rows, accelerator.array.cols);
            let mut c = compute(&mut random);
            c.table_enable = random.small(2);
            let command = Command { wait: 0, signal: 0, operation: Operation::Compute(c.clone()) };
            let Ok(plan) = Plan::new(&program(accelerator, &[command], Vec::new())) else { continue };
            let mut counts = Tally::default();
            super::command(&plan, &plan.commands[0].operation, &plan.shapes[0], &mut counts);
            let (pixels, mut read) = (c.out_rows * c.out_cols, 0);
            for column in (0..c.outputs).step_by(cols as usize) {
                for pixel in (0..pixels).step_by(rows as usize) {
                    let per_row = c.parameter_per_row == 1;
                    read += 8 * if per_row { rows.min(pixels - pixel) } else { cols.min(c.outputs - column) };
                    several[c.parameter_per_row as usize] += u32::from(pixel > 0 && column > 0);
                }
            }
            read += pixels * c.outputs * c.table_enable;
            assert_eq!(
                counts.counts().get(Action::ParameterReadByte),
                u64::from(read),
                "{rows}x{cols} {c:?}"
            );
            checked += 1;
        }
        assert!(several.iter().all(|&count| count > 20), "{several:?}");
    }
}
