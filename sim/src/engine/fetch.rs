//! Command fetch: asks for words as the prefetch buffer has room, and says when each word is there.

use super::memory::{Grant, Request, first_burst};
use crate::plan::Plan;
use bitgauge_arch::command::Word;
use bitgauge_arch::timing::FETCH_BURST_BYTES;

const WORD: u64 = Word::BYTES as u64;

/// The fetcher and its prefetch buffer.
#[derive(Debug)]
pub(crate) struct Fetch {
    bus: u64,
    most: u64,
    start: u64,
    end: u64,
    /// Next byte to ask for.
    next: u64,
    room_bytes: u64,
    /// First cycle in which a request may be registered.
    free_at: u64,
    /// Cycle from which each word is seen.
    pub seen: Vec<u64>,
    /// Words that dispatch took.
    pub taken: u64,
    waiting: bool,
}

impl Fetch {
    pub fn new(plan: &Plan) -> Fetch {
        // Words are 16 bytes and addresses aligned, so the last beat never reaches beyond the words.
        let end = plan.command_address + plan.steps.len() as u64 * WORD;
        Fetch {
            bus: plan.bus,
            most: FETCH_BURST_BYTES.min(plan.max_burst_beats * plan.bus),
            start: plan.command_address,
            end,
            next: plan.command_address,
            room_bytes: u64::from(plan.accelerator.controller.prefetch_words) * WORD,
            free_at: 1,
            seen: Vec::with_capacity(plan.steps.len()),
            taken: 0,
            waiting: false,
        }
    }

    /// The request registered in cycle `now`. Must run before dispatch takes the cycle's word: room is seen
    /// one cycle later.
    pub fn request(&mut self, now: u64) -> Option<Request> {
        if self.waiting || now < self.free_at || self.next >= self.end {
            return None;
        }
        let beats = self.next_beats();
        let held = self.next - self.start - WORD * self.taken;
        if held + beats * self.bus > self.room_bytes {
            return None;
        }
        self.waiting = true;
        Some(Request { cycle: now, address: self.next, beats })
    }

    /// Whether nothing is asked for until dispatch takes a word.
    #[inline]
    pub fn is_full(&self) -> bool {
        let held = self.next - self.start - WORD * self.taken;
        !self.waiting && (self.next >= self.end || held + self.next_beats() * self.bus > self.room_bytes)
    }

    fn next_beats(&self) -> u64 {
        first_burst(self.next, self.end, self.most, self.bus)
    }

    /// Notes when the words of a burst are seen.
    pub fn granted(&mut self, now: u64, grant: &Grant) {
        self.waiting = false;
        self.free_at = now + 1;
        self.next += grant.request.beats * self.bus;
        let first = grant.request.address - self.start;
        while (self.seen.len() as u64 + 1) * WORD <= self.next - self.start {
            let last_byte = (self.seen.len() as u64 + 1) * WORD - 1;
            self.seen.push(grant.start + (last_byte - first) / self.bus + 1);
        }
    }
}
