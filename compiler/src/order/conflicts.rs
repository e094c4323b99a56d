//! Which earlier commands a command must come after, whatever layers they belong to.
//!
//! Beside the unit-wise hazards that tokens are made of, this keeps every reader of a range: commands of
//! one unit may be reordered here, so that the latest reader does not stand for those before it. Only
//! within one layer do the commands of a unit keep their order.

use bitgauge_arch::footprint::{Access, Port, Run};

use crate::hazards::Spaces;

/// A command: its place in the natural order, and the queue it keeps its order in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Toucher {
    command: u32,
    queue: u32,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    writer: Option<Toucher>,
    readers: Readers,
}

/// The latest reader of each queue. Few ranges have more than two, and most are read very often.
#[derive(Clone, Debug, Default)]
struct Readers {
    first: [Option<Toucher>; 2],
    others: Vec<Toucher>,
}

impl Readers {
    fn add(&mut self, own: Toucher) {
        for slot in &mut self.first {
            if slot.is_none_or(|reader| reader.queue == own.queue) {
                *slot = Some(own);
                return;
            }
        }
        self.others.retain(|reader| reader.queue != own.queue);
        self.others.push(own);
    }

    fn clear(&mut self) {
        self.first = [None; 2];
        self.others.clear();
    }

    fn iter(&self) -> impl Iterator<Item = &Toucher> {
        self.first.iter().flatten().chain(&self.others)
    }
}

/// Interval maps of all spaces.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    spaces: Spaces<Entry>,
}

impl Conflicts {
    /// Registers the runs of `command` in `queue`; adds the commands it must come after to `before`.
    pub fn visit(&mut self, command: u32, queue: u32, runs: &[Run], before: &mut Vec<u32>) {
        let own = Toucher { command, queue };
        let from = before.len();
        for run in runs.iter().filter(|run| run.port != Port::Write) {
            self.spaces.of(run.space).change(run, false, |entry| {
                before
                    .extend(entry.writer.filter(|writer| writer.queue != queue).map(|writer| writer.command));
                entry.readers.add(own);
            });
        }
        for run in runs.iter().filter(|run| run.port == Port::Write) {
            self.spaces.of(run.space).change(run, true, |entry| {
                let touchers = entry.writer.iter().chain(entry.readers.iter());
                before.extend(touchers.filter(|other| other.queue != queue).map(|other| other.command));
                entry.writer = Some(own);
                entry.readers.clear();
            });
        }
        before[from..].sort_unstable();
        let mut kept = from;
        for index in from..before.len() {
            if index == from || before[index] != before[kept - 1] {
                before[kept] = before[index];
                kept += 1;
            }
        }
        before.truncate(kept);
    }
}

/// The same runs in fewer ranges: regular runs become one. More may seem to conflict, never less.
pub(super) fn coarse(runs: &[Run], ranges: &mut Vec<Run>) {
    ranges.clear();
    let many = runs.iter().map(|run| run.count).sum::<u64>() > 8;
    if !many {
        return ranges.extend_from_slice(runs);
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
    use bitgauge_arch::footprint::Space;

    use super::*;

    fn access(port: Port, start: u64, end: u64) -> Run {
        Run { space: Space::External, port, start, length: end - start, count: 1, stride: 0 }
    }

    #[test]
    fn a_write_comes_after_every_reader_of_other_queues() {
        let mut conflicts = Conflicts::default();
        let mut visit = |command, queue, port, start, end| {
            let mut before = Vec::new();
            conflicts.visit(command, queue, &[access(port, start, end)], &mut before);
            before
        };
        assert!(visit(0, 0, Port::Write, 0, 10).is_empty());
        assert_eq!(visit(1, 1, Port::Read, 0, 4), [0]);
        assert_eq!(visit(2, 1, Port::Read, 2, 8), [0]);
        assert_eq!(visit(3, 2, Port::Read, 6, 12), [0]);
        assert_eq!(visit(4, 3, Port::Write, 0, 12), [0, 1, 2, 3]);
        assert!(visit(5, 3, Port::Write, 4, 6).is_empty());
        assert_eq!(visit(6, 0, Port::Read, 3, 5), [4, 5]);
    }

    #[test]
    fn regular_runs_become_one_range() {
        let many = Run { count: 20, stride: 10, ..access(Port::Write, 0, 4) };
        let mut ranges = Vec::new();
        let shape = |ranges: &[Run]| -> Vec<_> {
            ranges.iter().flat_map(Run::accesses).map(|access| (access.start, access.end)).collect()
        };
        coarse(&[many], &mut ranges);
        assert_eq!(shape(&ranges), [(0, 194)]);
        let one = access(Port::Write, 300, 310);
        coarse(&[many, one], &mut ranges);
        assert_eq!(shape(&ranges), [(0, 310)]);
        coarse(&[Run { count: 3, ..many }], &mut ranges);
        assert_eq!(shape(&ranges), [(0, 4), (10, 14), (20, 24)]);
        coarse(&[Run { stride: 300, ..many }], &mut ranges);
        assert_eq!(ranges.len(), 20);
    }
}
