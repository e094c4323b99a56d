//! What a command reads and writes: the ground of token insertion, race checks and bank-port checks.

mod banks;
mod dma;
mod units;

use crate::Accelerator;
use crate::command::{Command, Operation};

pub use banks::{banks, fill_bank_masks, fill_masks};
pub use dma::{format_is_valid, length_table_bytes};

/// An address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// External memory, bytes.
    External,
    /// Activation scratchpad, lines.
    Activation,
    /// Weight scratchpad, lines.
    Weight,
    /// Parameter memory of the post-processor, entries.
    PostParameter,
    /// Parameter memory of the vector unit, entries.
    VectorParameter,
    /// Tables of the post-processor, tables.
    PostTable,
    /// Tables of the vector unit, tables.
    VectorTable,
}

impl Space {
    /// All spaces.
    pub const ALL: [Space; 7] = [
        Space::External,
        Space::Activation,
        Space::Weight,
        Space::PostParameter,
        Space::VectorParameter,
        Space::PostTable,
        Space::VectorTable,
    ];

    /// Name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Space::External => "external memory",
            Space::Activation => "activation scratchpad",
            Space::Weight => "weight scratchpad",
            Space::PostParameter => "post-processor parameters",
            Space::VectorParameter => "vector parameters",
            Space::PostTable => "post-processor tables",
            Space::VectorTable => "vector tables",
        }
    }

    /// Size in the space's own unit.
    #[must_use]
    pub fn size(self, accelerator: &Accelerator, memory_bytes: u64) -> u64 {
        match self {
            Space::External => memory_bytes,
            Space::Activation => u64::from(accelerator.activation_lines()),
            Space::Weight => u64::from(accelerator.weight_lines()),
            Space::PostParameter | Space::VectorParameter => u64::from(accelerator.post.parameter_entries),
            Space::PostTable | Space::VectorTable => 2,
        }
    }
}

/// Which port of the unit an access goes through; a command may use several read ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Port {
    /// Main read.
    Read,
    /// Residual read of the compute unit.
    Residual,
    /// Write.
    Write,
}

/// A half-open range of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Where.
    pub space: Space,
    /// How.
    pub port: Port,
    /// First unit.
    pub start: u64,
    /// One past the last unit.
    pub end: u64,
}

/// Ranges of a space that follow each other evenly: rows of a tile, mostly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where.
    pub space: Space,
    /// How.
    pub port: Port,
    /// First unit of the first range.
    pub start: u64,
    /// Units of each range.
    pub length: u64,
    /// Ranges, one at least.
    pub count: u64,
    /// Units from the start of a range to that of the next; more than `length` where there are several.
    pub stride: u64,
}

impl Run {
    /// First unit of the last range.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.start + (self.count - 1) * self.stride
    }

    /// One past the last unit of the last range.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.last() + self.length
    }

    /// The ranges, in their order.
    pub fn accesses(&self) -> impl Iterator<Item = Access> + use<> {
        let Run { space, port, start, length, count, stride } = *self;
        (0..count).map(move |index| {
            let start = start + index * stride;
            Access { space, port, start, end: start + length }
        })
    }
}

/// Collects ranges, joining neighbours.
struct Collector<'a> {
    runs: &'a mut Vec<Run>,
    /// How many are of other commands.
    others: usize,
}

impl Collector<'_> {
    /// The last run, where it is of the same kind.
    fn before(&mut self, space: Space, port: Port) -> Option<&mut Run> {
        let last = self.runs[self.others..].last_mut();
        last.filter(|last| last.space == space && last.port == port)
    }

    fn push(&mut self, space: Space, port: Port, start: u64, length: u64) {
        if length == 0 {
            return;
        }
        let mut run = Run { space, port, start, length, count: 1, stride: 0 };
        if let Some(last) = self.before(space, port) {
            let at = last.last();
            if at <= start && start <= at + last.length {
                run = Run { start: at, length: last.length.max(start + length - at), ..run };
                if last.count == 1 {
                    *last = run;
                    return;
                }
                // The last of several ranges becomes longer than the others.
                if run.length == last.length {
                    return;
                }
                last.count -= 1;
            } else if last.length == length && start > at && (last.count == 1 || start == at + last.stride) {
                last.stride = start - at;
                last.count += 1;
                return;
            }
        }
        self.runs.push(run);
    }

    /// `count` runs of `length`, `stride` apart.
    fn strided(&mut self, space: Space, port: Port, start: u64, count: u64, stride: u64, length: u64) {
        if count > 0 && stride <= length {
            return self.push(space, port, start, (count - 1) * stride + length);
        }
        let mut run = Run { space, port, start, length, count, stride };
        while let Some(last) = self.before(space, port).filter(|_| run.count > 1) {
            let at = last.last();
            if (last.stride, last.length) == (stride, length) && run.start == at + stride {
                last.count += run.count;
                return;
            }
            if run.start < at || run.start > at + last.length {
                break;
            }
            // It joins the one before.
            self.push(space, port, run.start, length);
            run = Run { start: run.start + stride, count: run.count - 1, ..run };
        }
        if run.count > 1 && length > 0 {
            self.runs.push(run);
        } else if run.count == 1 {
            self.push(space, port, run.start, length);
        }
    }
}

/// Every access of a command. Addresses may lie outside their space: the validator checks.
#[must_use]
pub fn footprint(accelerator: &Accelerator, command: &Command) -> Vec<Access> {
    let mut runs = Vec::new();
    add_footprint(accelerator, &command.operation, &mut runs);
    runs.iter().flat_map(Run::accesses).collect()
}

/// Adds every access of an operation to a list, as [`footprint`] finds them.
pub fn add_footprint(accelerator: &Accelerator, operation: &Operation, runs: &mut Vec<Run>) {
    let collector = &mut Collector { others: runs.len(), runs };
    match operation {
        Operation::Load(load) => dma::of_load(collector, accelerator, load),
        Operation::Store(store) => dma::of_store(collector, accelerator, store),
        Operation::Compute(compute) => units::of_compute(collector, accelerator, compute),
        Operation::Vector(vector) => units::of_vector(collector, accelerator, vector),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: range by range, as units are touched.
    #[test]
    fn runs_are_the_joined_ranges_in_their_order() {
        let mut state = 3u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        let (mut runs, mut several) = (Vec::new(), 0);
        for _ in 0..3000 {
            let mut expected: Vec<Access> = Vec::new();
            runs.truncate(below(2) as usize);
            let others = runs.len();
            let mut collector = Collector { others, runs: &mut runs };
            for _ in 0..1 + below(4) {
                let port = [Port::Read, Port::Write][below(2) as usize];
                let [start, count, stride, length] = [below(40), below(6), below(12), below(5)];
                collector.strided(Space::Weight, port, start, count, stride, length);
                for index in 0..if length > 0 { count } else { 0 } {
                    let (start, end) = (start + index * stride, start + index * stride + length);
                    match expected.last_mut() {
                        Some(last) if last.port == port && (last.start..=last.end).contains(&start) => {
                            last.end = last.end.max(end);
                        }
                        _ => expected.push(Access { space: Space::Weight, port, start, end }),
                    }
                }
            }
            let found: Vec<_> = runs[others..].iter().flat_map(Run::accesses).collect();
            assert_eq!(found, expected);
            several += runs[others..].iter().filter(|run| run.count > 2).count();
            assert!(runs[others..].iter().all(|run| run.count == 1 || run.stride > run.length));
        }
        assert!(several > 1000, "{several}");
    }
}
