//! The event-driven timing engine: `docs/reference/cycles.md`, without stepping through idle cycles.
//!
//! The loop goes from one cycle in which something may change to the next: a grant of the memory, or the start or
//! end of a command. What follows from these with known cycles is found at once, ahead of time: lines written
//! and read, requests, words that are dispatched and leave their queues. Looking at a command too often is
//! harmless, and a test against a stepper that looks in every cycle shows that it is never too seldom.

mod compute;
mod fetch;
mod fifo;
mod front;
mod intervals;
mod leap;
mod load;
mod memory;
mod queue;
mod store;
mod traffic;
mod units;

use std::rc::Rc;

use bitgauge_arch::command::Unit;

use self::compute::Compute;
use self::fetch::Fetch;
use self::front::{Front, NEVER, Tokens};
use self::intervals::Activity;
use self::load::Load;
use self::memory::Memory;
use self::store::Store;
use crate::error::SimError;
use crate::exec::Coded;
use crate::plan::Plan;
use crate::result::{Burst, CommandSpan, UnitCycles};

/// How often this thread took the ways that save work: tests see to it that they are taken.
#[cfg(test)]
pub(crate) mod reached {
    use std::cell::Cell;

    thread_local! {
        /// Leaps over a load's bursts.
        pub static LEAPS: Cell<usize> = const { Cell::new(0) };
        /// Several blocks that a store read at once, and those that the FIFO had no room for.
        pub static BLOCKS: Cell<[usize; 2]> = const { Cell::new([0; 2]) };
    }
}

/// Does what commands do to memories, when they start. Programs without races cannot tell the start of a
/// command from its end.
pub(crate) trait DataPath {
    /// Executes a command; lengths of `zvc` blocks come back.
    fn execute(&mut self, command: usize) -> Result<Option<Rc<Coded>>, SimError>;
}

/// Beats and bursts moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// Per layer: beats read, beats written.
    pub layers: Vec<[u64; 2]>,
    /// Beats of command fetch.
    pub fetch: u64,
    /// Every burst, where asked for.
    pub bursts: Vec<Burst>,
    /// Beats of all grants, counted apart.
    pub beats: u64,
}

/// What the engine finds out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timed {
    pub cycles: u64,
    pub units: [UnitCycles; 4],
    pub spans: Vec<CommandSpan>,
    /// First feeder read and end of feeding of each compute command, by position of its span.
    pub feeds: Vec<(usize, u64, u64)>,
    pub traffic: Traffic,
}

struct Engine<'a, D> {
    plan: &'a Plan,
    data: &'a mut D,
    trace: bool,
    /// Next cycle in which a command may start or end.
    due: u64,
    /// First cycle in which the next word may be dispatched.
    dispatched: u64,
    fetch: Fetch,
    fronts: [Front; 4],
    tokens: Tokens,
    memory: Memory,
    load: Load,
    store: Store,
    compute: Compute,
    activity: [Activity; 4],
    /// Command whose bursts the load unit asks for.
    loading: u32,
    ended: Vec<(u32, u64)>,
    /// The layer whose bursts the load unit asks for.
    loading_layer: usize,
    timed: Timed,
}

/// Runs the plan to its end.
pub(crate) fn run<D: DataPath>(
    plan: &Plan,
    data: &mut D,
    trace: bool,
    cycle_limit: u64,
) -> Result<Timed, SimError> {
    let traffic = Traffic { layers: vec![[0; 2]; plan.layers], ..Traffic::default() };
    let mut engine = Engine {
        plan,
        data,
        trace,
        due: NEVER,
        dispatched: 0,
        fetch: Fetch::new(plan),
        fronts: Unit::ALL.map(|unit| Front::new(unit, plan.accelerator.controller.queue_words)),
        tokens: Tokens::default(),
        memory: Memory::new(plan.latency),
        load: Load::new(plan),
        store: Store::new(plan),
        compute: Compute::default(),
        activity: Default::default(),
        loading: 0,
        ended: Vec::new(),
        loading_layer: 0,
        timed: Timed { traffic, spans: Vec::with_capacity(plan.commands.len()), ..Timed::default() },
    };
    engine.dispatch();
    let mut now = 0;
    loop {
        let (grant, due) = (engine.memory.wake(), engine.due);
        let next = grant.min(due);
        if next == NEVER {
            break;
        }
        now = next;
        if now >= cycle_limit {
            return Err(SimError::CycleLimit { limit: cycle_limit });
        }
        if due <= grant {
            engine.visit(now)?;
        } else {
            let grant = engine.memory.grant(now);
            engine.granted(now, &grant);
            now = engine.leap(now, engine.due.min(cycle_limit));
        }
    }
    let end =
        engine.end_taken().ok_or_else(|| SimError::Deadlock { cycle: now, state: engine.describe() })?;
    if end >= cycle_limit {
        return Err(SimError::CycleLimit { limit: cycle_limit });
    }
    let Engine { compute, mut activity, mut timed, .. } = engine;
    compute.finish(&mut activity[Unit::Compute.index()]);
    timed.cycles = end + 1;
    timed.units = activity.map(|unit| unit.count(timed.cycles));
    Ok(timed)
}

impl<D: DataPath> Engine<'_, D> {
    /// The cycle in which dispatch takes `end`, if nothing is left to do: all queues are empty by then, and all
    /// commands have ended.
    fn end_taken(&self) -> Option<u64> {
        let (index, seen) = self.fetch.word()?;
        let mut at = seen.max(self.dispatched);
        for front in &self.fronts {
            at = at.max(front.queue.empty_at()?).max(front.last_end);
        }
        let idle = self.fronts.iter().all(|front| front.flying.is_empty());
        (idle && index + 1 == self.plan.steps.len()).then_some(at)
    }

    /// What each part waits for, for people.
    fn describe(&self) -> String {
        let mut text = format!("{} of {} words dispatched", self.fetch.taken(), self.plan.steps.len());
        for front in &self.fronts {
            let head = match front.waiting {
                Some((reason, since)) => format!("waits for a {} since cycle {since}", reason.name()),
                None => format!("{} words queued", front.queue.len()),
            };
            text += &format!("; {}: {head}, {} in flight", front.unit.name(), front.flying.len());
        }
        text
    }
}
