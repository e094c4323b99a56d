//! What is known of each operation by itself, before any order is chosen: what it touches, and what it takes.
//!
//! No operation needs another one for that, so they are looked at in parallel, while those behind them are made; and
//! so are afterwards external memory and the on-chip memories, as no conflict in one says anything of the others.

use std::sync::mpsc::{Receiver, Sender, channel};

use bitgauge_arch::Accelerator;
use bitgauge_arch::command::Operation;
use bitgauge_arch::footprint::{Access, Run, Space, add_footprint, fill_masks};
use rayon::Scope;

use crate::tiling::command::Cost;

/// Operations that are looked at together.
pub(crate) const CHUNK: usize = 2048;

/// The operations, and what each touches and takes.
#[derive(Debug)]
pub(crate) struct Survey {
    chunks: Vec<Chunk>,
}

/// Looks at operations as they come.
#[derive(Debug)]
pub(crate) struct Surveyor<'a> {
    accelerator: &'a Accelerator,
    /// Constants lie in external memory from here on: nobody writes there, and nothing waits for it.
    written: u64,
    chunks: usize,
    sender: Sender<(usize, Chunk)>,
    receiver: Receiver<(usize, Chunk)>,
}

/// Where operations conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// External memory.
    External,
    /// Scratchpads, parameters and tables.
    OnChip,
}

#[derive(Debug, Default)]
struct Chunk {
    operations: Vec<Operation>,
    /// Of both sides.
    runs: [Lists; 2],
    /// Where they differ, in fewer ranges.
    coarse: [Lists; 2],
    costs: Vec<Cost>,
}

/// Runs of operations, one list behind the other.
#[derive(Debug, Default)]
struct Lists {
    runs: Vec<Run>,
    ends: Vec<u32>,
}

impl Lists {
    fn of(&self, place: usize) -> &[Run] {
        let first = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.runs[first as usize..self.ends[place] as usize]
    }
}

impl<'a> Surveyor<'a> {
    pub fn new(accelerator: &'a Accelerator, written: u64) -> Surveyor<'a> {
        let (sender, receiver) = channel();
        Surveyor { accelerator, written, chunks: 0, sender, receiver }
    }

    /// Looks at the next [`CHUNK`] operations, or the last ones, and fills in their bank masks.
    pub fn look<'scope>(&mut self, scope: &Scope<'scope>, operations: Vec<Operation>)
    where
        'a: 'scope,
    {
        let (place, accelerator, written) = (self.chunks, self.accelerator, self.written);
        let sender = self.sender.clone();
        self.chunks += 1;
        scope.spawn(move |_| {
            // The receiver outlives the scope, or nobody wants to know.
            let _ = sender.send((place, Chunk::new(accelerator, operations, written)));
        });
    }

    /// What was found. All of it is there when the scope is left.
    pub fn survey(self) -> Survey {
        drop(self.sender);
        let mut chunks: Vec<_> = self.receiver.into_iter().collect();
        chunks.sort_unstable_by_key(|(place, _)| *place);
        Survey { chunks: chunks.into_iter().map(|(_, chunk)| chunk).collect() }
    }
}

impl Survey {
    /// All operations, in their natural order.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.chunks.iter().flat_map(|chunk| &chunk.operations)
    }

    /// Operation `index`.
    pub fn operation(&self, index: usize) -> &Operation {
        &self.chunks[index / CHUNK].operations[index % CHUNK]
    }

    /// What operation `index` touches on a side, but for constants.
    pub fn runs(&self, index: usize, side: Side) -> &[Run] {
        self.chunks[index / CHUNK].runs[side as usize].of(index % CHUNK)
    }

    /// The same in fewer ranges: more may seem to be touched, never less.
    pub fn coarse(&self, index: usize, side: Side) -> &[Run] {
        let Chunk { runs, coarse, .. } = &self.chunks[index / CHUNK];
        let (runs, coarse) = (&runs[side as usize], &coarse[side as usize]);
        match coarse.of(index % CHUNK) {
            [] => runs.of(index % CHUNK),
            ranges => ranges,
        }
    }

    /// What operation `index` takes.
    pub fn cost(&self, index: usize) -> &Cost {
        &self.chunks[index / CHUNK].costs[index % CHUNK]
    }
}

impl Chunk {
    fn new(accelerator: &Accelerator, mut operations: Vec<Operation>, written: u64) -> Chunk {
        let count = operations.len();
        let lists = || Lists { runs: Vec::with_capacity(2 * count), ends: Vec::with_capacity(count) };
        let mut chunk = Chunk { runs: [lists(), lists()], ..Chunk::default() };
        let (mut runs, mut ranges) = (Vec::new(), Vec::new());
        for operation in &mut operations {
            runs.clear();
            add_footprint(accelerator, operation, &mut runs);
            fill_masks(accelerator, operation, &runs);
            add(&mut chunk.runs, &runs, written);
            coarse(&runs, &mut ranges);
            add(&mut chunk.coarse, &ranges, written);
            chunk.costs.push(Cost::new(accelerator, operation));
        }
        Chunk { operations, ..chunk }
    }
}

/// Adds what an operation touches, each to its side.
fn add(sides: &mut [Lists; 2], runs: &[Run], written: u64) {
    for run in runs {
        let side = if run.space == Space::External { Side::External } else { Side::OnChip };
        if side == Side::OnChip || run.start < written {
            sides[side as usize].runs.push(*run);
        }
    }
    for side in sides {
        side.ends.push(side.runs.len() as u32);
    }
}

/// Makes the same runs in fewer ranges where there are many, and else none: regular runs become one. More may seem
/// to be touched, never less.
fn coarse(runs: &[Run], ranges: &mut Vec<Run>) {
    ranges.clear();
    let many = runs.iter().map(|run| run.count).sum::<u64>() > 8;
    if !many {
        return;
    }
    for run in runs {
        let near = |range: &Run, start: u64| {
            (range.space, range.port) == (run.space, run.port)
                && start >= range.start
                && start.saturating_sub(range.end()) <= 64 * run.length
        };
        for Access { start, end, .. } in run.accesses() {
            let Some(last) = ranges.last_mut().filter(|last| near(last, start)) else {
                ranges.push(Run { start, length: run.length, count: 1, ..*run });
                continue;
            };
            last.length = end.max(last.end()) - last.start;
            // If one of the run is near, all behind it are.
            if run.stride <= 65 * run.length {
                last.length = run.end().max(last.end()) - last.start;
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bitgauge_arch::footprint::Port;

    use super::*;

    #[test]
    fn regular_runs_become_one_range() {
        let one =
            Run { space: Space::External, port: Port::Write, start: 300, length: 10, count: 1, stride: 0 };
        let many = Run { start: 0, length: 4, count: 20, stride: 10, ..one };
        let mut ranges = Vec::new();
        let mut shape = |runs: &[Run]| -> Vec<_> {
            coarse(runs, &mut ranges);
            ranges.iter().flat_map(Run::accesses).map(|access| (access.start, access.end)).collect()
        };
        assert_eq!(shape(&[many]), [(0, 194)]);
        assert_eq!(shape(&[many, one]), [(0, 310)]);
        assert_eq!(shape(&[Run { count: 3, ..many }]), []);
        assert_eq!(shape(&[Run { stride: 300, ..many }]).len(), 20);
    }
}
