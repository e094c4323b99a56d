//! How commands move: dispatched, started at the head of a queue, ended.

use bitgauge_arch::command::Unit;
use bitgauge_arch::timing::{IN_FLIGHT, LOAD_SETUP, STORE_READ_LATENCY};

use super::compute::Placed;
use super::front::{Flying, Front, NEVER, obstacle};
use super::{DataPath, Engine};
use crate::error::SimError;
use crate::plan::{Ports, Shape, Step};
use crate::result::{CommandSpan, StallReason};

impl<D: DataPath> Engine<'_, D> {
    /// Everything that happens in a cycle in which commands may move.
    pub(super) fn visit(&mut self, now: u64) -> Result<(), SimError> {
        self.retire(now)?;
        for unit in 0..4 {
            if self.fronts[unit].look_at <= now {
                self.front(now, unit)?;
            }
        }
        self.due = self.fronts.iter().map(Front::due).min().unwrap_or(NEVER);
        Ok(())
    }

    /// Commands that end: their tokens and ports are seen from this cycle on.
    fn retire(&mut self, now: u64) -> Result<(), SimError> {
        for unit in 0..4 {
            let Some(flying) = self.fronts[unit].flying.front().filter(|flying| flying.end <= now) else {
                continue;
            };
            let signal = self.plan.shared[flying.command as usize].signal;
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
            self.fronts[unit].land();
            if self.activity[unit].is_full() {
                self.settle(now, unit);
            }
            self.tokens.give(unit, signal).map_err(|to| SimError::TokenOverflow {
                cycle: now,
                from: Unit::ALL[unit],
                to: Unit::ALL[to],
            })?;
            // It may be what a head waits for, or what kept the next of its own unit.
            for front in &mut self.fronts {
                if front.waiting.is_some() || front.unit.index() == unit {
                    front.look(now);
                }
            }
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

    /// Moves words to their queues, ahead of time: up to one that is not granted yet, or whose queue has room in
    /// a cycle not known yet.
    pub(super) fn dispatch(&mut self) {
        while let Some((index, seen)) = self.fetch.word() {
            let (unit, command) = match self.plan.steps[index] {
                Step::Set(unit) => (unit, None),
                Step::Exec(unit, command) => (unit, Some(command)),
                Step::End => break,
            };
            let front = &mut self.fronts[unit.index()];
            let Some(room) = front.queue.room() else { break };
            let at = seen.max(room).max(self.dispatched);
            self.dispatched = at + 1;
            if front.queue.push(at + 1, command) {
                front.look(at);
            }
            self.fetch.take(at);
        }
        self.fetch.request(&mut self.memory);
    }

    /// Looks at the head of a unit's queue.
    fn front(&mut self, now: u64, unit: usize) -> Result<(), SimError> {
        let Some(command) = self.fronts[unit].queue.head() else { return Ok(()) };
        let reason = obstacle(self.plan, &self.fronts, &self.tokens, unit, command, now);
        let feeding_ends = if reason.is_some() { self.feeding_ends(now) } else { NEVER };
        let front = &mut self.fronts[unit];
        if front.waiting.map(|(reason, _)| reason) != reason {
            if let Some((old, since)) = front.waiting.take() {
                front.waited[old as usize] += now - since;
                self.activity[unit].stall(old, since, now);
            }
            front.waiting = reason.map(|reason| (reason, now));
        }
        front.look_at = match reason {
            // Ends have all heads looked at that wait.
            Some(StallReason::Token) => NEVER,
            Some(_) => feeding_ends,
            None if front.flying.len() >= IN_FLIGHT => NEVER,
            None if front.free_at > now => front.free_at,
            None => return self.start(now, unit, command),
        };
        Ok(())
    }

    /// When ports are free next but by the end of a command.
    fn feeding_ends(&self, now: u64) -> u64 {
        let feeding = self.fronts[Unit::Compute.index()].flying.iter().map(|flying| flying.early_end);
        feeding.filter(|&end| end > now).min().unwrap_or(NEVER)
    }

    /// Starts a command.
    fn start(&mut self, now: u64, unit: usize, command: u32) -> Result<(), SimError> {
        let plan = self.plan;
        let (shape, shared) = (&plan.shapes[command as usize], &plan.shared[command as usize]);
        let coded = self.data.execute(command as usize)?;
        let front = &mut self.fronts[unit];
        front.queue.start(now);
        front.look_at = front.queue.head_at;
        self.tokens.take(unit, shared.wait);
        let span = self.timed.spans.len();
        let waited = std::mem::take(&mut front.waited);
        self.timed.spans.push(CommandSpan { command, unit: shared.unit, start: now, end: NEVER, waited });
        front.fly(Flying {
            command,
            span,
            end: NEVER,
            early_end: NEVER,
            early_ports: shared.early_ports,
            late_ports: shared.late_ports,
        });
        self.hold(now, unit, shared.ports());
        self.dispatch();
        match shape {
            &Shape::Vector(cycles) => {
                self.activity[unit].busy.push(now, now + cycles);
                self.free(unit, now + cycles);
                self.end(unit, command, now + cycles);
            }
            Shape::Compute(timing) => {
                let Placed { feed_start, feed_end, end } =
                    self.compute.begin(now, timing, &mut self.activity[unit]);
                self.timed.feeds.push((span, feed_start, feed_end));
                if let Some(flying) = self.fronts[unit].flying.back_mut() {
                    flying.early_end = feed_end;
                }
                self.free(unit, feed_end);
                self.end(unit, command, end);
            }
            Shape::Load(transfer) => {
                self.loading = command;
                self.loading_layer = shared.layer as usize;
                if let Some(end) = self.load.begin(now, command, transfer, coded, &mut self.activity[unit]) {
                    self.free(unit, now + 1 + LOAD_SETUP);
                    self.end(unit, command, end);
                } else {
                    self.fronts[unit].free_at = NEVER;
                    self.load.request(&mut self.memory);
                }
            }
            Shape::Store(transfer) => {
                if self.store.begin(now, command, transfer, coded) {
                    self.free(unit, now + 1);
                    self.end(unit, command, now + STORE_READ_LATENCY);
                } else {
                    self.fronts[unit].free_at = NEVER;
                    self.read_store();
                }
            }
        }
        Ok(())
    }

    /// Lets the store's read side go as far as it can.
    pub(super) fn read_store(&mut self) {
        let unit = Unit::Store.index();
        if let Some(at) = self.store.read(&mut self.activity[unit]) {
            self.free(unit, at);
        }
        self.store.request(&mut self.memory);
    }

    /// The first stage of a unit is free from `at` on.
    pub(super) fn free(&mut self, unit: usize, at: u64) {
        let front = &mut self.fronts[unit];
        front.free_at = at;
        front.look(at);
        self.due = self.due.min(front.look_at);
    }

    /// The end of a command is known.
    pub(super) fn end(&mut self, unit: usize, command: u32, at: u64) {
        let front = &mut self.fronts[unit];
        let at = front.finish(command, at);
        self.due = self.due.min(front.due());
        if unit == Unit::Compute.index() {
            self.compute.raise_end(at);
        }
    }

    /// A unit takes ports: heads that wait for nothing but their own units may have to wait for them. Those of
    /// units before it are looked at in the next cycle.
    fn hold(&mut self, now: u64, unit: usize, ports: Ports) {
        for other in (0..4).filter(|&other| other != unit) {
            let front = &mut self.fronts[other];
            let Some(head) = front.queue.head().filter(|_| front.waiting.is_none()) else { continue };
            if self.plan.shared[head as usize].ports() & ports != 0 {
                front.look(now + u64::from(other < unit));
            }
        }
    }
}
