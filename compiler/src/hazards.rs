//! Which earlier commands a command must not overtake.
//!
//! For each address space a map of runs holds, for every unit, the command that wrote it last and the latest
//! reader of each unit since. A read depends on the writer, a write on writer and readers.

use bitgauge_arch::command::Unit;
use bitgauge_arch::footprint::{Port, Run, Space};

use crate::ranges::Ranges;

/// Command indices plus one; 0 is none.
type Index = u32;

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// The writer and, in the two lowest bits, its unit.
    writer: u32,
    readers: [Index; 4],
}

impl Entry {
    /// The writer's unit, and its index.
    #[inline]
    fn writer(self) -> (usize, Index) {
        ((self.writer & 3) as usize, self.writer >> 2)
    }
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

impl Needs {
    /// What another depends on as well.
    pub fn add(&mut self, other: Needs) {
        self.latest = latest(self.latest, other.latest);
        self.own = self.own.max(other.own);
    }
}

/// The ranges of every space, by its place in [`Space::ALL`].
#[derive(Debug)]
pub(crate) struct Spaces<T>([Ranges<T>; 7]);

impl<T: Clone + Default> Default for Spaces<T> {
    /// Nothing known yet; pages are about as long as what a command touches without a gap.
    fn default() -> Spaces<T> {
        Spaces(Space::ALL.map(|space| match space {
            Space::External => Ranges::new(10),
            _ => Ranges::new(4),
        }))
    }
}

impl<T> Spaces<T> {
    /// The ranges of one space.
    #[inline]
    pub fn of(&mut self, space: Space) -> &mut Ranges<T> {
        &mut self.0[space as usize]
    }
}

/// Interval maps of all spaces.
#[derive(Debug, Default)]
pub(crate) struct Hazards {
    spaces: Spaces<Entry>,
}

impl Hazards {
    /// Registers the runs of command `index` and returns what it depends on.
    pub fn visit(&mut self, index: usize, unit: Unit, runs: &[Run]) -> Needs {
        let own = unit.index();
        let mark = index as Index + 1;
        // By unit; writers and readers apart, as one of the former is chosen and all of the latter are compared.
        let (mut writers, mut readers) = ([0; 4], [0; 4]);
        let note = |writers: &mut [Index; 4], entry: Entry| {
            let (unit, writer) = entry.writer();
            writers[unit] = writers[unit].max(writer);
        };
        for run in runs.iter().filter(|run| run.port != Port::Write) {
            self.spaces.of(run.space).change(run, false, |entry| {
                note(&mut writers, *entry);
                entry.readers[own] = mark;
            });
        }
        let own_writer = if unit == Unit::Compute { writers[own] } else { 0 };
        // What the command itself has just read or written counts for its own unit, which is left out below.
        let written = Entry { writer: mark << 2 | own as u32, readers: [0; 4] };
        for run in runs.iter().filter(|run| run.port == Port::Write) {
            self.spaces.of(run.space).change(run, true, |entry| {
                note(&mut writers, *entry);
                readers = latest(readers, entry.readers);
                *entry = written;
            });
        }
        let mut needs = Needs { latest: latest(writers, readers), own: own_writer };
        needs.latest[own] = 0;
        needs
    }
}

/// The later of two, unit by unit.
#[inline]
fn latest(one: [Index; 4], other: [Index; 4]) -> [Index; 4] {
    std::array::from_fn(|unit| one[unit].max(other[unit]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(port: Port, start: u64, end: u64) -> Run {
        Run { space: Space::Activation, port, start, length: end - start, count: 1, stride: 0 }
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
