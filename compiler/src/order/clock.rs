//! Predicted times of commands, for choosing their order; nothing but speed depends on them.

use bitgauge_arch::command::Unit;

use crate::survey::Survey;
use crate::tiling::command::Cost;

/// When units and commands are free and done.
#[derive(Debug)]
pub(super) struct Clock {
    free: [u64; 4],
    bus: u64,
    /// End of each command; `None` before it has its place.
    ends: Vec<Option<u64>>,
}

impl Clock {
    pub fn new(commands: usize) -> Clock {
        Clock { free: [0; 4], bus: 0, ends: vec![None; commands] }
    }

    /// When what a command of `unit` must come after is done; `None` while some of it has no place yet. Does not
    /// change any more once it is known.
    pub fn after(&self, unit: Unit, before: impl Iterator<Item = u32>, survey: &Survey) -> Option<u64> {
        let mut after = 0;
        for other in before {
            let end = self.ends[other as usize]?;
            // A unit ends its commands in order anyway.
            if survey.cost(other as usize).unit != unit {
                after = after.max(end);
            }
        }
        Some(after)
    }

    /// When a command can start that comes after what is done in cycle `after`.
    pub fn start(&self, cost: &Cost, after: u64) -> u64 {
        let start = self.free[cost.unit.index()].max(after);
        if cost.beats > 0 { start.max(self.bus) } else { start }
    }

    /// Gives a command its place.
    pub fn run(&mut self, command: usize, cost: &Cost, start: u64) {
        self.free[cost.unit.index()] = start + cost.busy;
        if cost.beats > 0 {
            self.bus = self.bus.max(start) + cost.beats;
        }
        self.ends[command] = Some(start + cost.whole);
    }
}
