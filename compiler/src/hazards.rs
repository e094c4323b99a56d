//! Which earlier commands a command must not overtake.
//!
//! For each address space an interval map holds, for every range, the command that wrote it last and the
//! latest reader of each unit since. A read depends on the writer, a write on writer and readers.

use std::collections::BTreeMap;

use bitgauge_arch::command::Unit;
use bitgauge_arch::footprint::{Access, Port, Space};

/// Command indices plus one; 0 is none.
type Index = u32;

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    end: u64,
    writer: Index,
    writer_unit: usize,
    readers: [Index; 4],
}

/// What a command depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// For each unit: its latest command that must have ended, plus one.
    pub latest: [Index; 4],
    /// The latest compute command, plus one, that must have ended before this compute command: here the one
    /// whose output it reads.
    pub own: Index,
}

/// Interval maps of all spaces.
#[derive(Debug, Default)]
pub(crate) struct Hazards {
    spaces: BTreeMap<Space, BTreeMap<u64, Entry>>,
}

impl Hazards {
    /// Registers the accesses of command `index` and returns what it depends on.
    pub fn visit(&mut self, index: usize, unit: Unit, accesses: &[Access]) -> Needs {
        let mut needs = Needs::default();
        let own = unit.index();
        for access in accesses {
            let map = self.spaces.entry(access.space).or_default();
            for entry in overlapping(map, access.start, access.end) {
                let writer = &mut needs.latest[entry.writer_unit];
                *writer = (*writer).max(entry.writer);
                if access.port == Port::Write {
                    for (latest, reader) in needs.latest.iter_mut().zip(entry.readers) {
                        *latest = (*latest).max(reader);
                    }
                } else if unit == Unit::Compute && entry.writer_unit == own {
                    needs.own = needs.own.max(entry.writer);
                }
            }
        }
        needs.latest[own] = 0;
        let mark = index as Index + 1;
        for access in accesses.iter().filter(|access| access.port != Port::Write) {
            read(self.spaces.entry(access.space).or_default(), access.start, access.end, own, mark);
        }
        for access in accesses.iter().filter(|access| access.port == Port::Write) {
            let map = self.spaces.entry(access.space).or_default();
            clear(map, access.start, access.end);
            map.insert(
                access.start,
                Entry { end: access.end, writer: mark, writer_unit: own, readers: [0; 4] },
            );
        }
        needs
    }
}

fn overlapping(map: &BTreeMap<u64, Entry>, start: u64, end: u64) -> impl Iterator<Item = Entry> + '_ {
    let before =
        map.range(..=start).next_back().map(|(_, entry)| *entry).filter(move |entry| entry.end > start);
    let after = (start + 1 < end).then(|| map.range(start + 1..end).map(|(_, entry)| *entry));
    before.into_iter().chain(after.into_iter().flatten())
}

/// Makes `at` a boundary.
fn split(map: &mut BTreeMap<u64, Entry>, at: u64) {
    if let Some((&start, entry)) = map.range_mut(..at).next_back()
        && start < at
        && entry.end > at
    {
        let upper = *entry;
        entry.end = at;
        map.insert(at, upper);
    }
}

fn clear(map: &mut BTreeMap<u64, Entry>, start: u64, end: u64) {
    split(map, start);
    split(map, end);
    while let Some((&key, _)) = map.range(start..end).next() {
        map.remove(&key);
    }
}

fn read(map: &mut BTreeMap<u64, Entry>, start: u64, end: u64, unit: usize, mark: Index) {
    split(map, start);
    split(map, end);
    let mut at = start;
    let mut gaps = Vec::new();
    for (&key, entry) in map.range_mut(start..end) {
        if key > at {
            gaps.push((at, key));
        }
        entry.readers[unit] = mark;
        at = entry.end;
    }
    if at < end {
        gaps.push((at, end));
    }
    for (from, to) in gaps {
        let mut entry = Entry { end: to, ..Entry::default() };
        entry.readers[unit] = mark;
        map.insert(from, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(port: Port, start: u64, end: u64) -> Access {
        Access { space: Space::Activation, port, start, end }
    }

    #[test]
    fn reads_depend_on_writers_and_writes_on_readers() {
        let mut hazards = Hazards::default();
        assert_eq!(hazards.visit(0, Unit::Load, &[access(Port::Write, 0, 10)]), Needs::default());
        let needs = hazards.visit(1, Unit::Compute, &[access(Port::Read, 5, 8), access(Port::Write, 20, 30)]);
        assert_eq!(needs.latest, [1, 0, 0, 0]);
        assert_eq!(hazards.visit(2, Unit::Store, &[access(Port::Read, 29, 31)]).latest, [0, 2, 0, 0]);
        assert_eq!(hazards.visit(3, Unit::Load, &[access(Port::Write, 0, 5)]).latest, [0; 4]);
        assert_eq!(hazards.visit(4, Unit::Load, &[access(Port::Write, 7, 9)]).latest, [0, 2, 0, 0]);
        assert_eq!(hazards.visit(5, Unit::Compute, &[access(Port::Write, 30, 31)]).latest, [0, 0, 0, 3]);
    }

    #[test]
    fn compute_waits_for_what_compute_wrote() {
        let mut hazards = Hazards::default();
        hazards.visit(0, Unit::Compute, &[access(Port::Write, 0, 4)]);
        assert_eq!(hazards.visit(1, Unit::Compute, &[access(Port::Write, 0, 4)]).own, 0);
        assert_eq!(hazards.visit(2, Unit::Compute, &[access(Port::Residual, 3, 9)]).own, 2);
    }
}
