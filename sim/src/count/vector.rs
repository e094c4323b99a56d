//! Actions of a vector command.

use bitgauge_arch::actions::Action;
use bitgauge_arch::code::Container;
use bitgauge_arch::command::{Vector, VectorFunction};

use super::{Ports, Tally, inside};

/// A command's groups of lanes: how many, and in how many lines their codes lie.
struct Groups {
    /// Groups of a pixel.
    groups: u64,
    /// A group's codes of 16 bits are wider than a line.
    two_lines: bool,
    /// The second of them exists for the last group.
    second_half: bool,
}

impl Groups {
    fn of(ports: Ports, channels: u32) -> Groups {
        let (lanes, channels) = (ports.vector_lanes, u64::from(channels));
        Groups {
            groups: channels.div_ceil(lanes),
            two_lines: 2 * lanes > ports.line,
            second_half: channels.saturating_sub(1) % lanes >= lanes.div_ceil(2),
        }
    }

    /// Lines that are read of a pixel's codes, group by group.
    fn lines(&self, container: Container) -> u64 {
        if container == Container::Word && self.two_lines {
            2 * self.groups - u64::from(!self.second_half)
        } else {
            self.groups
        }
    }
}

pub(super) fn count(ports: Ports, v: &Vector, counts: &mut Tally) {
    use Action as A;
    use VectorFunction as F;
    let Some(function) = v.function() else { return };
    let pixels = u64::from(v.out_rows) * u64::from(v.out_cols);
    let codes = pixels * u64::from(v.channels);
    let groups = Groups::of(ports, v.channels);
    let taps = u64::from(v.kernel_rows) * u64::from(v.kernel_cols);
    // Bytes of the tables and parameters of all lanes at once.
    let (table, parameters) = (ports.vector_lanes * ports.line, ports.parameters(ports.vector_lanes));
    let mut written = v.output().bytes_of(codes);
    let mut operations = codes;
    let lines = match function {
        F::Copy => {
            // Whole lines: what lies behind a pixel's last code is of no use to anybody.
            let lines = pixels * v.source().lines(u64::from(v.channels), ports.line);
            written = lines * ports.line;
            lines
        }
        F::Add => {
            let second = v.second().map_or(0, |second| groups.lines(second));
            operations += if second > 0 { codes } else { 0 };
            pixels * (groups.lines(v.source()) + second)
        }
        F::Table => {
            counts.add(A::TableReadByte, pixels * groups.groups * table);
            pixels * groups.groups
        }
        F::MaxPool | F::AveragePool | F::Depthwise => {
            operations = codes * taps;
            if function == F::Depthwise {
                counts.add(A::VectorMac, operations);
                counts.add(A::WeightReadByte, pixels * groups.groups * taps * ports.line);
                counts.add(A::ParameterReadByte, pixels * groups.groups * parameters);
                operations = 0;
            }
            groups.groups
                * inside(v.out_rows, v.stride_rows, v.kernel_rows, v.dilation_rows, v.pad_top, v.in_rows)
                * inside(v.out_cols, v.stride_cols, v.kernel_cols, v.dilation_cols, v.pad_left, v.in_cols)
        }
        F::Softmax => {
            // The passes of sum and emission look the exponentials up.
            operations = 3 * codes;
            counts.add(A::TableReadByte, 2 * pixels * groups.groups * table);
            3 * pixels * groups.groups
        }
        F::LayerNorm => {
            operations = 2 * codes;
            // The second pass takes a group in halves where its codes, in or out, are wider than a line.
            let halves = groups.two_lines && v.source().max(v.output()) == Container::Word;
            let steps = if halves { 2 * groups.groups } else { groups.groups };
            // Bytes of channels with shifts are shifted in both passes.
            let shifted = ports.channel_shifts && v.source() == Container::Byte;
            let shifts = if shifted { groups.groups } else { 0 };
            counts.add(A::ParameterReadByte, pixels * (steps + shifts) * parameters);
            let second = if v.source() == Container::Word { groups.lines(Container::Word) } else { steps };
            pixels * (groups.lines(v.source()) + second)
        }
        F::Patch => {
            written = pixels * u64::from(v.kernel_rows) * u64::from(v.run_bytes);
            operations = written;
            patch_lines(ports.line, v)
        }
    };
    counts.add(A::ActivationReadByte, lines * ports.line);
    let target =
        if function == F::Copy && v.to_weight == 1 { A::WeightWriteByte } else { A::ActivationWriteByte };
    counts.add(target, written);
    counts.add(A::VectorOperation, operations);
}

/// Lines that the runs of a patch command touch, in rows and lines that the map has.
fn patch_lines(line: u64, v: &Vector) -> u64 {
    let rows = inside(v.out_rows, v.stride_rows, v.kernel_rows, v.dilation_rows, v.pad_top, v.in_rows);
    let (line, run, row) = (line as i64, i64::from(v.run_bytes), i64::from(v.row_bytes));
    let of_column = |column: u32| -> u64 {
        let start = i64::from(column) * i64::from(v.run_step_bytes) - i64::from(v.pad_left);
        if run == 0 {
            return 0;
        }
        // Lines by number: those of the run, and of the row.
        let (first, last) = (start.div_euclid(line), (start + run - 1).div_euclid(line));
        let last = last.min((row - 1).div_euclid(line));
        (last - first.max(0) + 1).max(0) as u64
    };
    rows * (0..v.out_cols).map(of_column).sum::<u64>()
}
