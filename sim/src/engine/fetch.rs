//! Command fetch: asks for words as the prefetch buffer has room, and says when each word is there.

use std::collections::VecDeque;

use super::memory::{FETCH, Grant, Memory, first_burst};
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
    /// Words that were granted, and cycles from which those are seen that are not taken yet.
    granted: usize,
    seen: VecDeque<u64>,
    /// Words that dispatch took, and in which cycles the last of them: as many as the buffer holds or more.
    taken: usize,
    taken_at: Vec<u64>,
    waiting: bool,
}

impl Fetch {
    pub fn new(plan: &Plan) -> Fetch {
        let end = plan.command_address + plan.steps.len() as u64 * WORD;
        Fetch {
            bus: plan.bus,
            most: FETCH_BURST_BYTES.min(plan.max_burst_beats * plan.bus),
            start: plan.command_address,
            end,
            next: plan.command_address,
            room_bytes: u64::from(plan.accelerator.controller.prefetch_words) * WORD,
            free_at: 1,
            granted: 0,
            seen: VecDeque::new(),
            taken: 0,
            taken_at: vec![0; plan.accelerator.controller.prefetch_words.next_power_of_two() as usize],
            waiting: false,
        }
    }

    /// Makes the next request, once the cycle is known in which it is registered: that of the word whose leaving
    /// makes room is seen a cycle later.
    pub fn request(&mut self, memory: &mut Memory) {
        if self.waiting || self.next >= self.end {
            return;
        }
        // Words are 16 bytes and addresses aligned, so the last beat never reaches beyond the words. Pieces
        // count from the first word: a rest of one that crosses a page comes next.
        let piece = self.most - (self.next - self.start) % self.most;
        let beats = first_burst(self.next, self.end, piece, self.bus);
        let bytes = self.next - self.start + beats * self.bus;
        let words = bytes.saturating_sub(self.room_bytes).div_ceil(WORD) as usize;
        let room = match words.checked_sub(1) {
            None => 0,
            Some(last) if last < self.taken => self.taken_at[self.slot(last)] + 1,
            Some(_) => return,
        };
        self.waiting = true;
        memory.ask(FETCH, room.max(self.free_at), self.next, beats);
    }

    /// The next word and the cycle from which it is seen, where that is known.
    #[inline]
    pub fn word(&self) -> Option<(usize, u64)> {
        self.seen.front().map(|&seen| (self.taken, seen))
    }

    /// Dispatch takes the next word in cycle `at`.
    pub fn take(&mut self, at: u64) {
        let slot = self.slot(self.taken);
        self.taken_at[slot] = at;
        self.taken += 1;
        self.seen.pop_front();
    }

    /// Words taken so far.
    pub fn taken(&self) -> usize {
        self.taken
    }

    fn slot(&self, word: usize) -> usize {
        word & (self.taken_at.len() - 1)
    }

    /// Notes when the words of a burst are seen.
    pub fn granted(&mut self, now: u64, grant: &Grant) {
        self.waiting = false;
        self.free_at = now + 1;
        self.next += grant.beats * self.bus;
        let first = grant.address - self.start;
        while (self.granted as u64 + 1) * WORD <= self.next - self.start {
            self.granted += 1;
            let last_byte = self.granted as u64 * WORD - 1;
            // The bus is a power of two.
            self.seen.push_back(grant.start + ((last_byte - first) >> self.bus.trailing_zeros()) + 1);
        }
    }
}
