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

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use bitgauge_arch::command::Unit;
use bitgauge_arch::program::Operand;
use bitgauge_arch::timing::{IN_FLIGHT, LOAD_SETUP, STORE_READ_LATENCY};

use self::compute::{Compute, Placed};
use self::fetch::Fetch;
use self::front::{Flying, Front, NEVER, Tokens, obstacle};
use self::intervals::Activity;
use self::load::Load;
use self::memory::{FETCH, Grant, LOAD, Memory, STORE};
use self::store::Store;
use crate::error::SimError;
use crate::exec::Coded;
use crate::plan::{Plan, Shape, Step};
use crate::result::{Burst, CommandSpan, StallReason, UnitCycles};

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

    /// Commands that end: their tokens and ports are seen from this cycle on.
    fn retire(&mut self, now: u64) -> Result<(), SimError> {
        for unit in 0..4 {
            let Some(flying) = self.fronts[unit].flying.front().filter(|flying| flying.end <= now) else {
                continue;
            };
            let signal = self.plan.commands[flying.command as usize].command.signal;
            let span = &mut self.timed.spans[flying.span];
            span.end = flying.end;
            // What neither works nor waits for memory.
            let rest = match Unit::ALL[unit] {
                Unit::Load => Some(StallReason::Codec),
                Unit::Store => Some(StallReason::Operand),
                _ => None,
            };
            if let Some(reason) = rest {
                self.activity[unit].stall(reason, span.start, span.end);
            }
            self.fronts[unit].last_end = flying.end;
            self.fronts[unit].flying.pop_front();
            self.changes += 1;
            // The end of the next may have been known, and raised.
            if let Some(end) = self.fronts[unit].flying.front().map(|flying| flying.end)
                && end != NEVER
            {
                self.alarm(now, end);
            }
            if self.activity[unit].is_full() {
                self.settle(now, unit);
            }
            self.tokens.give(unit, signal).map_err(|to| SimError::TokenOverflow {
                cycle: now,
                from: Unit::ALL[unit],
                to: Unit::ALL[to],
            })?;
        }
        Ok(())
    }

    /// Counts a unit's past. Cycles are noted from the start of a command in flight on, from where the head
    /// waits, and where the drain was seen to work with the command after it.
    fn settle(&mut self, now: u64, unit: usize) {
        let front = &self.fronts[unit];
        let flying = front.flying.iter().map(|flying| self.timed.spans[flying.span].start);
        let mut until = flying.chain(front.waiting.map(|(_, since)| since)).min().unwrap_or(now).min(now);
        if unit == Unit::Compute.index() {
            until = until.min(self.compute.noted());
        }
        self.activity[unit].settle(until);
    }

    /// Moves the next word to its queue; true if it is the `end` and may be taken.
    fn dispatch(&mut self, now: u64) -> bool {
        let index = self.fetch.taken as usize;
        let Some(&step) = self.plan.steps.get(index) else { return false };
        // Words not yet granted raise an alarm at their grant.
        let Some(&seen) = self.fetch.seen.get(index) else { return false };
        if seen > now {
            self.alarm(now, seen);
            return false;
        }
        let unit = match step {
            Step::Set(unit) | Step::Exec(unit, _) => unit.index(),
            Step::End => {
                return self.fronts.iter().all(|front| front.queue.is_empty() && front.flying.is_empty());
            }
        };
        if self.fronts[unit].queue.len() < self.plan.accelerator.controller.queue_words as usize {
            self.fronts[unit].queue.push_back((now + 1, step));
            self.fetch.taken += 1;
            self.soon = true;
        }
        false
    }

    /// Looks at the head of a unit's queue.
    fn front(&mut self, now: u64, unit: usize) -> Result<(), SimError> {
        let command = match self.fronts[unit].head(now) {
            None => return Ok(()),
            Some(Step::Exec(_, command)) => command,
            Some(_) => {
                self.fronts[unit].queue.pop_front();
                self.fronts[unit].looked = NEVER;
                self.soon = true;
                return Ok(());
            }
        };
        let front = &self.fronts[unit];
        let known = front.looked == self.changes && now < front.looked_until;
        if known && front.waiting.is_some() {
            return Ok(());
        }
        let reason = if known {
            None
        } else {
            let feeding = self.fronts.iter().flat_map(|front| &front.flying).map(|flying| flying.early_end);
            let until = feeding.filter(|&end| end > now).min().unwrap_or(NEVER);
            let reason = obstacle(self.plan, &self.fronts, &self.tokens, unit, command, now);
            let front = &mut self.fronts[unit];
            (front.looked, front.looked_until) = (self.changes, until);
            if front.waiting.map(|(reason, _)| reason) != reason {
                if let Some((old, since)) = front.waiting.take() {
                    front.waited[old as usize] += now - since;
                    self.activity[unit].stall(old, since, now);
                }
                front.waiting = reason.map(|reason| (reason, now));
            }
            reason
        };
        let front = &mut self.fronts[unit];
        if reason.is_some() {
            return Ok(());
        }
        if front.free_at > now || front.flying.len() >= IN_FLIGHT {
            let at = front.free_at;
            self.alarm(now, at);
            return Ok(());
        }
        self.start(now, unit, command)
    }

    /// Starts a command.
    fn start(&mut self, now: u64, unit: usize, command: u32) -> Result<(), SimError> {
        let plan = self.plan;
        let planned = &plan.commands[command as usize];
        let coded = self.data.execute(command as usize)?;
        self.changes += 1;
        let front = &mut self.fronts[unit];
        front.looked = NEVER;
        front.queue.pop_front();
        self.tokens.take(unit, planned.command.wait);
        let span = self.timed.spans.len();
        let waited = std::mem::take(&mut front.waited);
        self.timed.spans.push(CommandSpan { command, unit: planned.unit, start: now, end: NEVER, waited });
        front.flying.push_back(Flying {
            command,
            span,
            end: NEVER,
            early_end: NEVER,
            early_ports: planned.early_ports,
            late_ports: planned.late_ports,
        });
        self.soon = true;
        match (planned.unit, planned.shape) {
            (_, Shape::Vector(cycles)) => {
                self.activity[unit].busy.push(now, now + cycles);
                self.free(now, unit, now + cycles);
                self.end(now, unit, command, now + cycles);
            }
            (_, Shape::Compute(timing)) => {
                let Placed { feed_start, feed_end, end } =
                    self.compute.begin(now, &timing, &mut self.activity[unit]);
                self.timed.feeds.push((span, feed_start, feed_end));
                if let Some(flying) = self.fronts[unit].flying.back_mut() {
                    flying.early_end = feed_end;
                }
                self.free(now, unit, feed_end);
                self.end(now, unit, command, end);
            }
            (Unit::Load, _) => {
                self.loading = command;
                self.loading_layer = planned.layer as usize;
                if let Some(end) = self.load.begin(now, command, planned, coded, &mut self.activity[unit]) {
                    self.free(now, unit, now + 1 + LOAD_SETUP);
                    self.end(now, unit, command, end);
                } else {
                    self.fronts[unit].free_at = NEVER;
                }
            }
            (_, _) => {
                if self.store.begin(now, command, planned, coded) {
                    self.free(now, unit, now + 1);
                    self.end(now, unit, command, now + STORE_READ_LATENCY);
                } else {
                    self.fronts[unit].free_at = NEVER;
                    self.read_store(now);
                }
            }
        }
        Ok(())
    }

    /// Lets the store's read side go as far as it can.
    fn read_store(&mut self, now: u64) {
        let unit = Unit::Store.index();
        if let Some(at) = self.store.read(&mut self.activity[unit]) {
            self.free(now, unit, at);
        }
    }

    /// The first stage of a unit is free from `at` on.
    fn free(&mut self, now: u64, unit: usize, at: u64) {
        self.fronts[unit].free_at = at;
        self.alarm(now, at);
    }

    /// The end of a command is known.
    fn end(&mut self, now: u64, unit: usize, command: u32, at: u64) {
        let at = self.fronts[unit].finish(command, at);
        if unit == Unit::Compute.index() {
            self.compute.raise_end(at);
        }
        self.alarm(now, at);
    }

    /// A burst has its place on the bus.
    fn granted(&mut self, now: u64, grant: &Grant) {
        match grant.requester {
            FETCH => {
                self.load.pace.disturb();
                self.fetch.granted(now, grant);
                if let Some(&seen) = self.fetch.seen.get(self.fetch.taken as usize) {
                    self.alarm(now, seen);
                }
                self.timed.traffic.fetch += grant.request.beats;
                self.count(grant, None, grant.request.beats * self.plan.bus, false);
            }
            LOAD => {
                let unit = Unit::Load.index();
                let mut ended = std::mem::take(&mut self.ended);
                let loading = self.loading;
                let (bytes, table, done) =
                    self.load.granted(now, grant, &mut self.activity[unit], &mut ended);
                self.timed.traffic.layers[self.loading_layer][0] += grant.request.beats;
                self.count(grant, Some(loading), bytes, table);
                if done {
                    self.free(now, unit, now + 1);
                }
                for (command, end) in ended.drain(..) {
                    self.end(now, unit, command, end);
                }
                self.ended = ended;
            }
            _ => {
                self.load.pace.disturb();
                let unit = Unit::Store.index();
                let Some(stored) = self.store.granted(now, grant, &mut self.activity[unit]) else { return };
                let layer = self.plan.commands[stored.command as usize].layer as usize;
                self.timed.traffic.layers[layer][1] += grant.request.beats;
                self.count(grant, Some(stored.command), stored.bytes, stored.table);
                if let Some(end) = stored.end {
                    self.end(now, unit, stored.command, end);
                }
                self.read_store(now);
            }
        }
    }

    /// Counts a burst, and keeps it where asked for.
    #[inline]
    fn count(&mut self, grant: &Grant, command: Option<u32>, bytes: u64, table: bool) {
        self.timed.traffic.beats += grant.request.beats;
        if self.trace {
            self.keep(grant, command, bytes, table);
        }
    }

    /// Keeps a burst.
    fn keep(&mut self, grant: &Grant, command: Option<u32>, bytes: u64, table: bool) {
        let beats = grant.request.beats;
        let planned = command.map(|command| &self.plan.commands[command as usize]);
        self.timed.traffic.bursts.push(Burst {
            cycle: grant.start,
            address: grant.request.address,
            beats: beats as u32,
            bytes: bytes as u32,
            write: grant.requester == STORE,
            operand: match planned {
                None => Operand::Command,
                Some(_) if table => Operand::LengthTable,
                Some(planned) => planned.operand,
            },
            layer: planned.map_or(u32::MAX, |planned| planned.layer),
        });
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
