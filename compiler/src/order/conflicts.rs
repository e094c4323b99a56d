//! Which earlier commands a command must come after, whatever layers they belong to.
//!
//! Beside the unit-wise hazards that tokens are made of, this keeps every reader of a range: commands of
//! one unit may be reordered here, so that the latest reader does not stand for those before it. Only
//! within one layer do the commands of a unit keep their order.

use bitgauge_arch::footprint::{Access, Port};

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

    fn iter(&self) -> impl Iterator<Item = &Toucher> {
        self.first.iter().flatten().chain(&self.others)
    }
}

/// Interval maps of all spaces.
#[derive(Debug)]
pub(super) struct Conflicts {
    spaces: Spaces<Entry>,
}

impl Default for Conflicts {
    fn default() -> Conflicts {
        // Regular runs are one range here.
        Conflicts { spaces: Spaces::new(15, 11) }
    }
}

impl Conflicts {
    /// Registers the accesses of `command` in `queue`; adds the commands it must come after to `before`.
    pub fn visit(&mut self, command: u32, queue: u32, accesses: &[Access], before: &mut Vec<u32>) {
        let own = Toucher { command, queue };
        let from = before.len();
        for access in accesses.iter().filter(|access| access.port != Port::Write) {
            self.spaces.of(access.space).change(access.start, access.end, |entry| {
                before
                    .extend(entry.writer.filter(|writer| writer.queue != queue).map(|writer| writer.command));
                entry.readers.add(own);
            });
        }
        let written = Entry { writer: Some(own), readers: Readers::default() };
        for access in accesses.iter().filter(|access| access.port == Port::Write) {
            self.spaces.of(access.space).set(access.start, access.end, &written, |entry| {
                let touchers = entry.writer.iter().chain(entry.readers.iter());
                before.extend(touchers.filter(|other| other.queue != queue).map(|other| other.command));
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

/// The same accesses in fewer ranges: regular runs become one. More may seem to conflict, never less.
pub(super) fn coarse(accesses: &[Access], ranges: &mut Vec<Access>) {
    ranges.clear();
    for access in accesses {
        if accesses.len() > 8
            && let Some(last) = ranges.last_mut()
            && (last.space, last.port) == (access.space, access.port)
            && access.start >= last.start
            && access.start.saturating_sub(last.end) <= 64 * (access.end - access.start)
        {
            last.end = last.end.max(access.end);
            continue;
        }
        ranges.push(*access);
    }
}

#[cfg(test)]
mod tests {
    use bitgauge_arch::footprint::Space;

    use super::*;

    fn access(port: Port, start: u64, end: u64) -> Access {
        Access { space: Space::External, port, start, end }
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
        let many: Vec<Access> =
            (0..20).map(|index| access(Port::Write, index * 10, index * 10 + 4)).collect();
        let mut ranges = Vec::new();
        coarse(&many, &mut ranges);
        assert_eq!(ranges, [access(Port::Write, 0, 194)]);
        coarse(&many[..3], &mut ranges);
        assert_eq!(ranges.len(), 3);
    }
}
