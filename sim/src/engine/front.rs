//! A unit's front: its queue, the commands in flight, and why its head waits.

use std::collections::VecDeque;

use bitgauge_arch::command::Unit;

use super::queue::Queue;
use crate::plan::{Plan, Ports};
use crate::result::StallReason;

/// A time that is not known yet.
pub(crate) const NEVER: u64 = u64::MAX;

/// A command between start and end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flying {
    pub command: u32,
    /// Index of its span.
    pub span: usize,
    /// [`NEVER`] while unknown.
    pub end: u64,
    /// From when on its early ports are free.
    pub early_end: u64,
    pub early_ports: Ports,
    pub late_ports: Ports,
}

/// Queue and state of one unit.
#[derive(Debug)]
pub(crate) struct Front {
    pub unit: Unit,
    pub queue: Queue,
    pub flying: VecDeque<Flying>,
    /// Ports of all commands in flight, those that are free before the end as well.
    pub ports: Ports,
    /// From when on the first stage is free.
    pub free_at: u64,
    /// End of the last command that ended.
    pub last_end: u64,
    /// Why the head waits, and since when.
    pub waiting: Option<(StallReason, u64)>,
    /// When to look at the head next: nothing can change before that would let it start or would make it wait.
    pub look_at: u64,
    /// Cycles the head has waited so far.
    pub waited: [u64; 6],
}

impl Front {
    pub fn new(unit: Unit, queue_words: u32) -> Front {
        Front {
            unit,
            queue: Queue::new(queue_words),
            flying: VecDeque::new(),
            ports: 0,
            free_at: 0,
            last_end: 0,
            waiting: None,
            look_at: NEVER,
            waited: [0; 6],
        }
    }

    /// The next cycle in which a command may start or end.
    #[inline]
    pub fn due(&self) -> u64 {
        self.look_at.min(self.flying.front().map_or(NEVER, |flying| flying.end))
    }

    /// Has the head looked at in cycle `at`, or once it is seen.
    #[inline]
    pub fn look(&mut self, at: u64) {
        self.look_at = self.look_at.min(at.max(self.queue.head_at));
    }

    /// A command takes its ports.
    pub fn fly(&mut self, command: Flying) {
        self.ports |= command.early_ports | command.late_ports;
        self.flying.push_back(command);
    }

    /// The command that has been in flight longest ends.
    pub fn land(&mut self) {
        self.flying.pop_front();
        let flying = self.flying.iter();
        self.ports = flying.fold(0, |ports, command| ports | command.early_ports | command.late_ports);
    }

    /// Ports held in cycle `now`, of those of interest.
    fn held(&self, now: u64, of: Ports) -> Ports {
        if self.ports & of == 0 {
            return 0;
        }
        self.flying.iter().fold(0, |held, command| {
            held | command.late_ports | if command.early_end > now { command.early_ports } else { 0 }
        })
    }

    /// Sets the end of a command; one command ends a cycle at most, in order, so it may be
    /// raised, and may raise those behind it.
    pub fn finish(&mut self, command: u32, end: u64) -> u64 {
        if let Some(flying) = self.flying.iter_mut().find(|flying| flying.command == command) {
            flying.end = end;
        }
        let mut raised = end;
        let mut least = self.last_end + 1;
        for flying in self.flying.iter_mut().take_while(|flying| flying.end != NEVER) {
            flying.end = flying.end.max(least);
            least = flying.end + 1;
            if flying.command == command {
                raised = flying.end;
            }
        }
        raised
    }
}

/// Token counters and what a command waits for.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    /// `counters[from][to]`.
    counters: [[u32; 4]; 4],
}

impl Tokens {
    /// Whether all awaited tokens are there.
    pub fn ready(&self, unit: usize, wait: u8) -> bool {
        (0..4).all(|from| from == unit || wait >> from & 1 == 0 || self.counters[from][unit] > 0)
    }

    /// Takes the awaited tokens.
    pub fn take(&mut self, unit: usize, wait: u8) {
        for from in (0..4).filter(|&from| from != unit && wait >> from & 1 == 1) {
            self.counters[from][unit] -= 1;
        }
    }

    /// Gives tokens; the unit whose counter is full, if one is.
    pub fn give(&mut self, unit: usize, signal: u8) -> Result<(), usize> {
        for to in (0..4).filter(|&to| to != unit && signal >> to & 1 == 1) {
            if self.counters[unit][to] >= bitgauge_arch::command::TOKEN_MAX {
                return Err(to);
            }
            self.counters[unit][to] += 1;
        }
        Ok(())
    }
}

/// Why `command` at the head of `fronts[unit]` may not start in cycle `now`, other than for its own unit.
pub(crate) fn obstacle(
    plan: &Plan,
    fronts: &[Front; 4],
    tokens: &Tokens,
    unit: usize,
    command: u32,
    now: u64,
) -> Option<StallReason> {
    let shared = &plan.shared[command as usize];
    let wait = shared.wait;
    let barrier = wait >> unit & 1 == 1 && !fronts[unit].flying.is_empty();
    if barrier || !tokens.ready(unit, wait) {
        return Some(StallReason::Token);
    }
    let named = shared.ports();
    let held = (0..4).any(|other| other != unit && fronts[other].held(now, named) & named != 0);
    held.then_some(StallReason::Bank)
}
