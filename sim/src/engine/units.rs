//! How commands move: dispatched, started at the head of a queue, ended.

use bitgauge_arch::command::Unit;
use bitgauge_arch::timing::{IN_FLIGHT, LOAD_SETUP, STORE_READ_LATENCY};

use super::compute::Placed;
use super::front::{Flying, NEVER, obstacle};
use super::{DataPath, Engine};
use crate::error::SimError;
use crate::plan::{Shape, Step};
use crate::result::{CommandSpan, StallReason};

impl<D: DataPath> Engine<'_, D> {
    /// Commands that end: their tokens and ports are seen from this cycle on.
    pub(super) fn retire(&mut self, now: u64) -> Result<(), SimError> {
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
    pub(super) fn dispatch(&mut self, now: u64) -> bool {
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
    pub(super) fn front(&mut self, now: u64, unit: usize) -> Result<(), SimError> {
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
            // Other units release all their ports at the end.
            let feeding = self.fronts[Unit::Compute.index()].flying.iter().map(|flying| flying.early_end);
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
    pub(super) fn read_store(&mut self, now: u64) {
        let unit = Unit::Store.index();
        if let Some(at) = self.store.read(&mut self.activity[unit]) {
            self.free(now, unit, at);
        }
    }

    /// The first stage of a unit is free from `at` on.
    pub(super) fn free(&mut self, now: u64, unit: usize, at: u64) {
        self.fronts[unit].free_at = at;
        self.alarm(now, at);
    }

    /// The end of a command is known.
    pub(super) fn end(&mut self, now: u64, unit: usize, command: u32, at: u64) {
        let at = self.fronts[unit].finish(command, at);
        if unit == Unit::Compute.index() {
            self.compute.raise_end(at);
        }
        self.alarm(now, at);
    }
}
