//! Actions of a command in closed form: everything but traffic on the bus, which is counted where it is
//! granted.
//!
//! Memories are counted as their ports are used. A read is of a whole line, however few of its bytes somebody
//! needs: of a bank of a scratchpad, of all memories that hold parameters side by side, of every lane's copy of the
//! tables. A write is of the bytes that are enabled, in every lane's copy where it goes to the tables. Feeders read for
//! rows and columns that exist and positions inside the map only; the post-processor reads a column's parameters once
//! per fold, a row's once per row and fold. Positions outside a map are not read, but count as multiply-accumulates
//! and operations.

mod vector;

use bitgauge_arch::actions::{Action, ActionCounts};
use bitgauge_arch::arith::PARAMETER_BYTES;
use bitgauge_arch::command::{Compute, Operation, Target};
use bitgauge_arch::timing::drain_steps;

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

/// Bytes of the memories with a port on the chip.
#[derive(Clone, Copy, Debug)]
struct Ports {
    /// A line of a scratchpad; also what the tables of a lane give at once.
    line: u64,
    /// Lanes of the post-processor.
    post_lanes: u64,
    /// Lanes of the vector unit.
    vector_lanes: u64,
    /// Channels can have shifts.
    channel_shifts: bool,
}

impl Ports {
    fn of(plan: &Plan) -> Ports {
        Ports {
            line: plan.line,
            post_lanes: u64::from(plan.accelerator.post.lanes),
            vector_lanes: u64::from(plan.accelerator.vector.lanes),
            channel_shifts: plan.accelerator.vector.channel_shifts,
        }
    }

    /// A read of the parameters of so many lanes: they lie side by side with all that is written as one line.
    fn parameters(&self, lanes: u64) -> u64 {
        self.line.max(PARAMETER_BYTES as u64 * lanes)
    }
}

/// Counts of one command.
pub(crate) fn command(plan: &Plan, operation: &Operation, shape: &Shape, counts: &mut Tally) {
    use Action as A;
    let ports = Ports::of(plan);
    match (operation, shape) {
        (Operation::Load(load), Shape::Load(Transfer { shape, .. })) => {
            let (written, bytes) = match load.target() {
                Some(Target::Activation) => (A::ActivationWriteByte, shape.pixels * shape.pixel_bytes),
                Some(Target::Weight) => (A::WeightWriteByte, shape.pixels * shape.pixel_bytes),
                Some(Target::PostTable) => (A::TableWriteByte, shape.codes * ports.post_lanes),
                Some(Target::VectorTable) => (A::TableWriteByte, shape.codes * ports.vector_lanes),
                _ => (A::ParameterWriteByte, shape.codes),
            };
            counts.add(written, shape.blocks * bytes);
        }
        (Operation::Store(_), Shape::Store(Transfer { shape, .. })) => {
            // A block that `zvc` codes is counted first, which reads it once more.
            let times = 1 + u64::from(is_zvc(operation));
            let lines = shape.blocks * shape.pixels * shape.pixel_lines;
            counts.add(A::ActivationReadByte, times * lines * ports.line);
        }
        (Operation::Compute(c), Shape::Compute(timing)) => {
            let array = &plan.accelerator.array;
            let elements = u64::from(array.rows) * u64::from(array.cols);
            let beats = timing.folds() * timing.beats;
            let product = array.product_actions(c.operands());
            counts.add(product.useful, product.each * timing.macs);
            counts.add(product.padding, product.each * (timing.slots - timing.macs));
            // Every element takes part in every beat of a fold; its shadow takes the sum at the fold's end.
            let ends = timing.folds() * elements;
            counts.add(A::PeRegisterBit, beats * elements * array.pe_register_bits());
            counts.add(A::PeAccumulatorBit, (beats * elements + ends) * u64::from(array.accumulator_bits));
            compute(plan, c, timing.row_folds, timing.column_folds, counts);
        }
        (Operation::Vector(v), _) => vector::count(ports, v, counts),
        _ => {}
    }
}

fn compute(plan: &Plan, c: &Compute, row_folds: u64, column_folds: u64, counts: &mut Tally) {
    use Action as A;
    let ports = Ports::of(plan);
    let pixels = u64::from(c.out_rows) * u64::from(c.out_cols);
    let outputs = u64::from(c.outputs);
    if pixels == 0 || outputs == 0 {
        return;
    }
    let words = c.segment_lines(ports.line);
    let inside = inside(c.out_rows, c.stride_rows, c.kernel_rows, c.dilation_rows, c.pad_top, c.in_rows)
        * inside(c.out_cols, c.stride_cols, c.kernel_cols, c.dilation_cols, c.pad_left, c.in_cols);
    counts.add(A::ActivationReadByte, column_folds * inside * u64::from(c.segments) * words * ports.line);
    let positions = u64::from(c.kernel_rows) * u64::from(c.kernel_cols) * u64::from(c.segments);
    counts.add(A::WeightReadByte, row_folds * outputs * positions * words * ports.line);
    let entries = if c.parameter_per_row == 1 { pixels * column_folds } else { row_folds * outputs };
    counts.add(A::ParameterReadByte, entries * ports.parameters(1));
    if c.accumulate == 1 {
        return;
    }
    counts.add(A::ActivationWriteByte, pixels * c.output().bytes_of(outputs));
    let turns = pixels * turns(plan, c);
    if c.residual_enable == 1 {
        counts.add(A::ActivationReadByte, turns * ports.line);
    }
    if c.table_enable == 1 {
        counts.add(A::TableReadByte, turns * ports.post_lanes * ports.line);
    }
    counts.add(A::PostRequantize, pixels * outputs);
}

/// Turns of the drain for one row of all folds over columns: the groups of lanes with outputs, those in two steps
/// where a group is wider than a line and has outputs in its second half.
fn turns(plan: &Plan, c: &Compute) -> u64 {
    let (cols, lanes) = (plan.accelerator.array.cols, plan.accelerator.post.lanes);
    let two_steps = drain_steps(&plan.accelerator, c) > 1;
    // Folds but the last are full; a group's halves are lanes / 2 each.
    let of = |outputs: u32| {
        let groups = outputs.div_ceil(lanes);
        groups + if two_steps { outputs / lanes + u32::from(outputs % lanes > lanes / 2) } else { 0 }
    };
    u64::from(c.outputs / cols) * u64::from(of(cols)) + u64::from(of(c.outputs % cols))
}

#[cfg(test)]
mod tests;
