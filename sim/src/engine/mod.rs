//! The event-driven timing engine: `docs/reference/cycles.md`, without stepping through idle cycles.
//!
//! The loop visits the cycles in which something may change. In each it lets the parts act once, in a fixed
//! order; a part that acts leaves a note of when to look again. The parts that move commands (ends, dispatch,
//! fronts) are looked at only when one of their own notes is due, as most visits are the memory's alone.
//! Looking too often is harmless, and a test against a stepper that looks in every cycle shows that it is
//! never too seldom.

mod compute;
mod fetch;
mod front;
mod intervals;
mod leap;
mod load;
mod memory;
mod store;
mod traffic;
mod units;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use bitgauge_arch::command::Unit;

use self::compute::Compute;
use self::fetch::Fetch;
use self::front::{Front, NEVER, Tokens};
use self::intervals::Activity;
use self::load::Load;
use self::memory::{FETCH, LOAD, Memory, STORE};
use self::store::Store;
use crate::error::SimError;
use crate::exec::Coded;
use crate::plan::Plan;
use crate::result::{Burst, CommandSpan, UnitCycles};

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
    /// Cycles in which commands may move.
    alarms: BinaryHeap<Reverse<u64>>,
    /// Whether commands may move in the next cycle.
    soon: bool,
    /// Whether commands may move in this cycle.
    due: bool,
    /// Next cycle in which the memory or one of its requesters may act; found anew in every visit.
    memory_next: u64,
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
    /// Starts and ends of commands: nothing else takes and gives tokens and ports, but the end of a command's
    /// feeding.
    changes: u64,
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
        alarms: BinaryHeap::new(),
        soon: true,
        due: true,
        memory_next: NEVER,
        fetch: Fetch::new(plan),
        fronts: Unit::ALL.map(Front::new),
        tokens: Tokens::default(),
        memory: Memory::new(plan.latency),
        load: Load::new(plan),
        store: Store::new(plan),
        compute: Compute::default(),
        activity: Default::default(),
        loading: 0,
        ended: Vec::new(),
        changes: 0,
        loading_layer: 0,
        timed: Timed { traffic, spans: Vec::with_capacity(plan.commands.len()), ..Timed::default() },
    };
    let mut now = 0;
    loop {
        if engine.due {
            if engine.visit(now)? {
                break;
            }
        } else {
            engine.memory_next = NEVER;
            engine.fetch(now);
            engine.bus(now);
            let alarm = engine.alarms.peek().map_or(NEVER, |alarm| alarm.0);
            now = engine.leap(now, alarm.min(cycle_limit));
        }
        now = engine.next(now).ok_or_else(|| SimError::Deadlock { cycle: now, state: engine.describe() })?;
        if now >= cycle_limit {
            return Err(SimError::CycleLimit { limit: cycle_limit });
        }
    }
    let Engine { compute, mut activity, mut timed, .. } = engine;
    compute.finish(&mut activity[Unit::Compute.index()]);
    timed.cycles = now + 1;
    timed.units = activity.map(|unit| unit.count(timed.cycles));
    Ok(timed)
}

impl<D: DataPath> Engine<'_, D> {
    /// Everything that happens in a cycle in which commands may move; true once `end` is taken.
    fn visit(&mut self, now: u64) -> Result<bool, SimError> {
        self.memory_next = NEVER;
        self.retire(now)?;
        self.fetch(now);
        if self.dispatch(now) {
            return Ok(true);
        }
        for unit in 0..4 {
            self.front(now, unit)?;
        }
        self.bus(now);
        Ok(false)
    }

    /// The fetcher's request.
    #[inline]
    fn fetch(&mut self, now: u64) {
        if let Some(request) = self.fetch.request(now) {
            self.memory.ask(FETCH, request);
        }
    }

    /// The memory's grant and the units' requests.
    #[inline]
    fn bus(&mut self, now: u64) {
        if let Some(grant) = self.memory.grant(now) {
            self.granted(now, &grant);
            if grant.requester == FETCH {
                self.memory_next = now + 1;
            }
        }
        if let Some(request) = self.load.request(now) {
            self.memory.ask(LOAD, request);
        }
        if let Some(request) = self.store.request(now) {
            self.memory.ask(STORE, request);
        }
        self.memory_next = self.memory_next.min(self.memory.wake(now));
    }

    fn alarm(&mut self, now: u64, at: u64) {
        if at == now + 1 {
            self.soon = true;
        } else if at > now && at != NEVER {
            self.alarms.push(Reverse(at));
        }
    }

    /// The next cycle to visit.
    fn next(&mut self, now: u64) -> Option<u64> {
        let alarm = self.alarms.peek().map_or(NEVER, |alarm| alarm.0);
        let commands = if std::mem::take(&mut self.soon) { now + 1 } else { alarm };
        let next = commands.min(self.memory_next);
        self.due = commands == next;
        while self.alarms.peek().is_some_and(|alarm| alarm.0 <= next) {
            self.alarms.pop();
        }
        (next != NEVER).then_some(next)
    }

    /// What each part waits for, for people.
    fn describe(&self) -> String {
        let mut text = format!("{} of {} words dispatched", self.fetch.taken, self.plan.steps.len());
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
