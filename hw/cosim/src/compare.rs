//! The Verilog's outcome beside the expected one.

use std::fmt;

use bitgauge_arch::actions::{Action, ActionCounts};
use bitgauge_arch::command::Unit;
use bitgauge_rtl::export::ACCESSES;

use crate::run::{COUNTERS, RtlRun};
use crate::trace::Span;

/// What the run should show.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// Cycles of the run; `None` where only bits are compared.
    pub cycles: Option<u64>,
    /// Per unit: busy, stalled by reason, idle.
    pub counters: [[u64; COUNTERS]; 4],
    /// Every command in program order.
    pub commands: Vec<Span>,
    /// What is done to memories, bus and array, by action; others than [`ACCESSES`] are not looked at. Other cycles
    /// change none of it.
    pub actions: &'a ActionCounts,
    /// External memory after the run.
    pub memory: &'a [u8],
}

/// A difference; the first in time comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A command starts in another cycle.
    Start {
        /// Position in the program.
        command: usize,
        /// Who runs it.
        unit: Unit,
        /// Cycle expected.
        expected: u64,
        /// Cycle on the RTL; `u64::MAX` where it never started.
        found: u64,
    },
    /// A command ends in another cycle.
    End {
        /// Position in the program.
        command: usize,
        /// Who runs it.
        unit: Unit,
        /// Cycle expected.
        expected: u64,
        /// Cycle on the RTL; `u64::MAX` where it never ended.
        found: u64,
    },
    /// The run takes another number of cycles.
    Cycles {
        /// Cycles expected.
        expected: u64,
        /// Cycles on the RTL.
        found: u64,
    },
    /// A counter says something else.
    Counter {
        /// Whose.
        unit: Unit,
        /// Which.
        name: &'static str,
        /// Value expected.
        expected: u64,
        /// Value on the RTL.
        found: u64,
    },
    /// Something else is read or written, so many bytes or bits.
    Access {
        /// Which memory and direction, or register of the array.
        action: Action,
        /// Bytes or bits expected.
        expected: u64,
        /// Those that the enables at the RTL's ports say.
        found: u64,
    },
    /// The bench complains.
    Complaint(String),
    /// A byte of external memory differs.
    Memory {
        /// Its address.
        address: usize,
        /// Byte expected.
        expected: u8,
        /// Byte the RTL left.
        found: u8,
        /// Bytes that differ in all.
        count: usize,
    },
    /// External memory has another size.
    Size {
        /// Bytes expected.
        expected: usize,
        /// Bytes the bench gave.
        found: usize,
    },
}

/// Names of the counters in their order.
pub(crate) const NAMES: [&str; COUNTERS] =
    ["busy", "token", "bank", "memory", "operand", "codec", "drain", "idle"];

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cycle =
            |found: u64| if found == u64::MAX { "never".to_owned() } else { format!("in cycle {found}") };
        match self {
            Difference::Start { command, unit, expected, found } => write!(
                f,
                "command {command}: signal {}_start rises {}, expected in cycle {expected}",
                unit.name(),
                cycle(*found)
            ),
            Difference::End { command, unit, expected, found } => write!(
                f,
                "command {command}: signal {}_end rises {}, expected in cycle {expected}",
                unit.name(),
                cycle(*found)
            ),
            Difference::Cycles { expected, found } => write!(f, "{found} cycles, expected {expected}"),
            Difference::Counter { unit, name, expected, found } => {
                write!(f, "counter {}_{name} is {found}, expected {expected}", unit.name())
            }
            Difference::Access { action, expected, found } => {
                write!(f, "accesses of `{}` at the ports are {found}, expected {expected}", action.name())
            }
            Difference::Complaint(text) => write!(f, "the bench: {text}"),
            Difference::Memory { address, expected, found, count } => write!(
                f,
                "{count} bytes of external memory differ, the first at {address:#x}: {found:#04x}, expected {expected:#04x}"
            ),
            Difference::Size { expected, found } => {
                write!(f, "the bench gave {found} bytes of external memory, expected {expected}")
            }
        }
    }
}

impl Difference {
    /// The earlier of the two cycles of a command's event.
    fn cycle(&self) -> u64 {
        match self {
            Difference::Start { expected, found, .. } | Difference::End { expected, found, .. } => {
                (*expected).min(*found)
            }
            _ => u64::MAX,
        }
    }
}

/// All differences: events of commands in the order of time, then totals, counters, accesses and memory.
#[must_use]
pub fn compare(expected: &Expected<'_>, run: &RtlRun) -> Vec<Difference> {
    let mut differences = Vec::new();
    if let Some(cycles) = expected.cycles {
        let mut next = [0; 4];
        for (command, span) in expected.commands.iter().enumerate() {
            let unit = span.unit;
            let missing = Span { unit, start: u64::MAX, end: u64::MAX };
            let found = run.spans[unit.index()].get(next[unit.index()]).copied().unwrap_or(missing);
            next[unit.index()] += 1;
            if found.start != span.start {
                let (expected, found) = (span.start, found.start);
                differences.push(Difference::Start { command, unit, expected, found });
            }
            if found.end != span.end {
                let (expected, found) = (span.end, found.end);
                differences.push(Difference::End { command, unit, expected, found });
            }
        }
        for unit in Unit::ALL {
            for extra in run.spans[unit.index()].iter().skip(next[unit.index()]) {
                let (command, found) = (expected.commands.len(), extra.start);
                differences.push(Difference::Start { command, unit, expected: u64::MAX, found });
            }
        }
        differences.sort_by_key(Difference::cycle);
        if run.cycles != cycles {
            differences.push(Difference::Cycles { expected: cycles, found: run.cycles });
        }
        for unit in Unit::ALL {
            for (index, name) in NAMES.into_iter().enumerate() {
                let (expected, found) =
                    (expected.counters[unit.index()][index], run.counters[unit.index()][index]);
                if expected != found {
                    differences.push(Difference::Counter { unit, name, expected, found });
                }
            }
        }
    }
    for action in ACCESSES {
        let (expected, found) = (expected.actions.get(action), run.accesses.get(action));
        if expected != found {
            differences.push(Difference::Access { action, expected, found });
        }
    }
    differences.extend(run.complaints.iter().cloned().map(Difference::Complaint));
    let mut unequal = expected.memory.iter().zip(&run.memory).enumerate().filter(|(_, (a, b))| a != b);
    if let Some((address, (&expected, &found))) = unequal.next() {
        differences.push(Difference::Memory { address, expected, found, count: 1 + unequal.count() });
    }
    // A dump that ends early would otherwise compare nothing of what is missing.
    if expected.memory.len() != run.memory.len() {
        let (expected, found) = (expected.memory.len(), run.memory.len());
        differences.push(Difference::Size { expected, found });
    }
    differences
}

#[cfg(test)]
mod tests;
