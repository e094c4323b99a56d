//! The array: feed, wavefront, drain.
//!
//! With W = bytes of a scratchpad line, R x C the array, L the post-processor's lanes:
//!
//! - A feeder reads one line per cycle and deals lines to its rows in turn; a row consumes each line in
//!   `b = max(R, C, 4, B(min(W, channels)))` cycles, where `B` is what the kind of processing element takes for so
//!   many codes ([`crate::mac`]). A fold (one product of R rows and C columns over all of K) takes
//!   `beats = kernel_rows * kernel_cols * segments * ceil(channels / W) * b` cycles of feeding.
//! - Fold f's value k enters PE(r, c) at cycle `feed_start + FEED_LATENCY + f * interval + k + r + c`. Its
//!   sum is complete, in the PE's shadow accumulator, `beats` cycles after its first value.
//! - The drain takes column group by column group (C / L groups of L columns), rows 0 to R-1, one row of a
//!   group in `drain_steps` cycles (more than one where L outputs or residuals are wider than a line). Its
//!   first read follows the first fold end at PE(0, 0) by `drain_offset`, the least offset at which every
//!   sum is complete when its turn comes.
//! - `drain_interval` is the least distance of two folds at which no sum is overwritten before its turn and
//!   the drain keeps up. Folds follow at `interval = max(beats, drain_interval)`.

use crate::Accelerator;
use crate::command::Compute;

/// Cycles from the `exec` to the first feeder read: registers are copied and address generators loaded.
pub const COMPUTE_SETUP: u64 = 4;
/// Cycles from a feeder's read to the term that PE(0, 0) makes of what was read: memory, lane, operands.
pub const FEED_LATENCY: u64 = 3;
/// Cycles from a drain read to the write in the scratchpad being visible.
pub const POST_LATENCY: u64 = 8;

/// The closed form of one compute command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComputeTiming {
    /// Folds over rows (M).
    pub row_folds: u64,
    /// Folds over columns (N).
    pub column_folds: u64,
    /// Cycles of feeding per fold: padded K.
    pub beats: u64,
    /// Distance of folds.
    pub interval: u64,
    /// Least distance of folds that the drain allows.
    pub drain_interval: u64,
    /// First fold end at PE(0, 0) to first drain read.
    pub drain_offset: u64,
    /// Drain reads of a fold, in cycles.
    pub drain_cycles: u64,
    /// Useful multiply-accumulates: M N K without padding. Taps outside the map count.
    pub macs: u64,
    /// Multiply-accumulates that the array could have done while it was fed.
    pub slots: u64,
}

impl ComputeTiming {
    /// Folds in all.
    #[must_use]
    pub fn folds(&self) -> u64 {
        self.row_folds * self.column_folds
    }

    /// Cycles from the first feeder read until the feeder can read for the next command.
    #[must_use]
    pub fn feed_cycles(&self) -> u64 {
        if self.folds() == 0 { 0 } else { (self.folds() - 1) * self.interval + self.beats }
    }

    /// Cycles from the first feeder read to the end of the last fold at PE(0, 0).
    #[must_use]
    pub fn last_fold_end(&self) -> u64 {
        FEED_LATENCY + self.feed_cycles()
    }

    /// Cycles from the first feeder read to the command's end.
    #[must_use]
    pub fn end(&self) -> u64 {
        if self.folds() == 0 {
            0
        } else {
            self.last_fold_end() + self.drain_offset + self.drain_cycles + POST_LATENCY
        }
    }

    /// Cycles of the command alone on an idle unit, from `exec` to end.
    #[must_use]
    pub fn alone(&self) -> u64 {
        COMPUTE_SETUP + self.end()
    }
}

/// How the drain takes a fold's sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainTiming {
    /// Drain reads of a fold, in cycles.
    pub cycles: u64,
    /// First fold end at PE(0, 0) to first drain read.
    pub offset: u64,
    /// Least distance of folds that the drain allows.
    pub interval: u64,
}

/// Cycles for one row of a column group: more than one where outputs or residuals are wider than a line.
#[must_use]
pub fn drain_steps(accelerator: &Accelerator, command: &Compute) -> u64 {
    let widest = command.residual().map_or(command.output(), |residual| residual.max(command.output()));
    widest.lines(u64::from(accelerator.post.lanes), u64::from(accelerator.line_bytes())).max(1)
}

/// The drain of an array of `rows` and `cols` through `lanes` lanes, `steps` cycles for each row of a group.
#[must_use]
pub fn drain(rows: u64, cols: u64, lanes: u64, steps: u64) -> DrainTiming {
    let groups = cols / lanes;
    let cycles = steps * rows * groups;
    // Turn of (row r, group g): offset + steps * (g * rows + r). Complete at r + last column of g + 1;
    // overwritten at interval + r + first column of g. Both are extreme at the corners.
    let corners = || {
        [0, rows - 1]
            .into_iter()
            .flat_map(move |row| [0, groups - 1].into_iter().map(move |group| (row, group)))
    };
    let turn = |row: u64, group: u64| steps * (group * rows + row);
    let offset = corners()
        .map(|(row, group)| (row + (group + 1) * lanes).saturating_sub(turn(row, group)))
        .max()
        .unwrap_or(0);
    let keep = corners()
        .map(|(row, group)| (offset + turn(row, group)).saturating_sub(row + group * lanes))
        .max()
        .unwrap_or(0);
    DrainTiming { cycles, offset, interval: keep.max(cycles) }
}

/// The timing of a command.
#[must_use]
pub fn compute(accelerator: &Accelerator, command: &Compute) -> ComputeTiming {
    let rows = u64::from(accelerator.array.rows);
    let cols = u64::from(accelerator.array.cols);
    let lanes = u64::from(accelerator.post.lanes);
    let pixels = u64::from(command.out_rows) * u64::from(command.out_cols);
    let positions =
        u64::from(command.kernel_rows) * u64::from(command.kernel_cols) * u64::from(command.segments);
    let channels = u64::from(command.channels);
    let lines = command.segment_lines(u64::from(accelerator.line_bytes()));
    let beats =
        positions * lines * accelerator.line_beats(command.operands(), command.operand_container(), channels);

    let DrainTiming { cycles: drain_cycles, offset: drain_offset, interval: drain_interval } =
        drain(rows, cols, lanes, drain_steps(accelerator, command));

    let useful = positions * u64::from(command.channels);
    let macs = pixels
        * u64::from(command.outputs)
        * if command.grouped == 1 { useful / u64::from(command.channels.max(1)) } else { useful };
    let (row_folds, column_folds) = (pixels.div_ceil(rows), u64::from(command.outputs).div_ceil(cols));
    let folds = row_folds * column_folds;
    ComputeTiming {
        row_folds,
        column_folds,
        beats,
        interval: beats.max(drain_interval),
        drain_interval,
        drain_offset,
        drain_cycles,
        macs,
        slots: accelerator.array.rate(command.operands()).products_in(folds * beats * rows * cols),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks every PE and every drain turn of two folds at `interval`; true if each sum is read after it is
    /// complete and not after it is overwritten.
    fn safe(rows: u64, cols: u64, lanes: u64, steps: u64, offset: u64, interval: u64) -> (bool, bool) {
        let (mut complete, mut kept) = (true, true);
        for group in 0..cols / lanes {
            for row in 0..rows {
                let turn = offset + steps * (group * rows + row);
                for column in group * lanes..(group + 1) * lanes {
                    complete &= turn > row + column;
                    kept &= turn <= interval + row + column;
                }
            }
        }
        (complete, kept && interval >= steps * rows * cols / lanes)
    }

    #[test]
    fn offset_and_interval_are_tight_for_every_shape() {
        for rows in [2u32, 3, 8, 16, 31, 64] {
            for cols in [2u32, 6, 8, 16, 48, 64] {
                for lanes in [1u32, 2, 4, 8, 16] {
                    for wide in [0, 1] {
                        if cols % lanes != 0 {
                            continue;
                        }
                        let mut accelerator = crate::description::tests_support::reference();
                        accelerator.array.rows = rows;
                        accelerator.array.cols = cols;
                        accelerator.post.lanes = lanes;
                        accelerator.memory.bus_bits = 32;
                        let command = Compute { output_wide: wide, ..Compute::default() };
                        let timing = compute(&accelerator, &command);
                        let steps = timing.drain_cycles / u64::from(rows * (cols / lanes));
                        let check = |offset, interval| {
                            safe(u64::from(rows), u64::from(cols), u64::from(lanes), steps, offset, interval)
                        };
                        assert_eq!(check(timing.drain_offset, timing.drain_interval), (true, true));
                        assert!(!check(timing.drain_offset - 1, timing.drain_interval).0);
                        assert!(!check(timing.drain_offset, timing.drain_interval - 1).1);
                    }
                }
            }
        }
    }
}
