//! Which earlier commands a command must come after, whatever layers they belong to.
//!
//! Beside the unit-wise hazards that tokens are made of, this keeps every reader of a range: commands of
//! one unit may be reordered here, so that the latest reader does not stand for those before it. Only
//! within one layer do the commands of a unit keep their order.

use std::collections::BTreeMap;

use bitgauge_arch::footprint::{Access, Port, Space};

/// A command: its place in the natural order, and the queue it keeps its order in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Toucher {
    command: u32,
    queue: u32,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    end: u64,
    writer: Option<Toucher>,
    readers: Vec<Toucher>,
}

/// Interval maps of all spaces.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    spaces: BTreeMap<Space, BTreeMap<u64, Entry>>,
}

impl Conflicts {
    /// Registers the accesses of `command` in `queue`; adds the commands it must come after to `before`.
    pub fn visit(&mut self, command: u32, queue: u32, accesses: &[Access], before: &mut Vec<u32>) {
        let own = Toucher { command, queue };
        let from = before.len();
        for access in accesses.iter().filter(|access| access.port != Port::Write) {
            let map = self.spaces.entry(access.space).or_default();
            cut(map, access.start, access.end);
            let mut at = access.start;
            let mut gaps = Vec::new();
            for (&key, entry) in map.range_mut(access.start..access.end) {
                if key > at {
                    gaps.push((at, key));
                }
                at = entry.end;
                before
                    .extend(entry.writer.filter(|writer| writer.queue != queue).map(|writer| writer.command));
                entry.readers.retain(|reader| reader.queue != queue);
                entry.readers.push(own);
            }
            if at < access.end {
                gaps.push((at, access.end));
            }
            for (start, end) in gaps {
                map.insert(start, Entry { end, writer: None, readers: vec![own] });
            }
        }
        for access in accesses.iter().filter(|access| access.port == Port::Write) {
            let map = self.spaces.entry(access.space).or_default();
            cut(map, access.start, access.end);
            while let Some((&key, entry)) = map.range(access.start..access.end).next() {
                let touchers = entry.writer.iter().chain(&entry.readers);
                before.extend(touchers.filter(|other| other.queue != queue).map(|other| other.command));
                map.remove(&key);
            }
            map.insert(access.start, Entry { end: access.end, writer: Some(own), readers: Vec::new() });
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

/// Makes both ends boundaries.
fn cut(map: &mut BTreeMap<u64, Entry>, start: u64, end: u64) {
    for at in [start, end] {
        if let Some((&key, entry)) = map.range_mut(..at).next_back()
            && key < at
            && entry.end > at
        {
            let upper = entry.clone();
            entry.end = at;
            map.insert(at, upper);
        }
    }
}

/// The same accesses in fewer ranges: regular runs become one. More may seem to conflict, never less.
pub(super) fn coarse(accesses: &[Access]) -> Vec<Access> {
    let mut ranges: Vec<Access> = Vec::new();
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
    ranges
}

#[cfg(test)]
mod tests {
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
        assert_eq!(coarse(&many), [access(Port::Write, 0, 194)]);
        assert_eq!(coarse(&many[..3]).len(), 3);
    }
}
