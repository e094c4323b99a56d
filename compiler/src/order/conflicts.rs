//! Which earlier commands a command must come after, whatever layers they belong to.
//!
//! Beside the unit-wise hazards that tokens are made of, this keeps every reader of a range: commands of
//! one unit may be reordered here, so that the latest reader does not stand for those before it. Only
//! within one layer do the commands of a unit keep their order.

use bitgauge_arch::footprint::{Port, Run};

use crate::hazards::Spaces;
use crate::survey::{Side, Survey};

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

/// Which commands each command must come after, for what they do on one side.
#[derive(Debug)]
pub(super) struct Before {
    /// One list behind the other.
    list: Vec<u32>,
    /// Where each list begins.
    first: Vec<usize>,
}

impl Before {
    /// Looks at all commands, each of queue `queues`, in the natural order.
    pub fn new(survey: &Survey, queues: &[u32], side: Side) -> Before {
        let mut conflicts = Conflicts::default();
        let mut before = Before { list: Vec::new(), first: Vec::with_capacity(queues.len() + 1) };
        for (index, &queue) in queues.iter().enumerate() {
            before.first.push(before.list.len());
            conflicts.visit(index as u32, queue, survey.coarse(index, side), &mut before.list);
        }
        before.first.push(before.list.len());
        before
    }

    /// What `command` must come after.
    pub fn of(&self, command: u32) -> &[u32] {
        &self.list[self.first[command as usize]..self.first[command as usize + 1]]
    }
}

/// Interval maps of spaces.
#[derive(Debug, Default)]
struct Conflicts {
    spaces: Spaces<Entry>,
}

impl Conflicts {
    /// Registers the runs of `command` in `queue`; adds the commands it must come after to `before`.
    fn visit(&mut self, command: u32, queue: u32, runs: &[Run], before: &mut Vec<u32>) {
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
}
