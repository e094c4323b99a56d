//! A unit's queue of command words: ahead of time, as far as the cycles are known in which words leave it.
//!
//! Register writes leave one a cycle, so only commands have to be waited for. What stands in the queue begins
//! with a command.

use std::collections::VecDeque;

use super::front::NEVER;

/// Words dispatched to a unit, and when they leave.
#[derive(Debug)]
pub(crate) struct Queue {
    /// Words that leave in a cycle not known yet: each with the cycle from which it is seen, and its command
    /// where it is one. The first is a command.
    waiting: VecDeque<(u64, Option<u32>)>,
    /// When the words left that left last, as many as the queue holds: a power of two.
    left_at: Vec<u64>,
    /// Words that came, and words with a known cycle of leaving.
    came: u64,
    left: u64,
    /// First cycle in which the next word may leave.
    turn: u64,
    /// From when on the command at the head is seen; [`NEVER`] without one.
    pub head_at: u64,
}

impl Queue {
    pub fn new(words: u32) -> Queue {
        Queue {
            waiting: VecDeque::new(),
            left_at: vec![0; words as usize],
            came: 0,
            left: 0,
            turn: 0,
            head_at: NEVER,
        }
    }

    fn slot(&self, word: u64) -> usize {
        word as usize & (self.left_at.len() - 1)
    }

    /// The first cycle in which there is room for one more word, where that is known.
    pub fn room(&self) -> Option<u64> {
        let Some(before) = self.came.checked_sub(self.left_at.len() as u64) else { return Some(0) };
        (before < self.left).then(|| self.left_at[self.slot(before)] + 1)
    }

    /// A word comes, seen from cycle `seen` on. Whether it is a command that comes to the head.
    pub fn push(&mut self, seen: u64, command: Option<u32>) -> bool {
        self.came += 1;
        let head = self.waiting.is_empty();
        if head && command.is_none() {
            self.leave(self.turn.max(seen));
            return false;
        }
        if head {
            self.head_at = self.turn.max(seen);
        }
        self.waiting.push_back((seen, command));
        head
    }

    /// The command at the head, whether it is seen yet or not.
    #[inline]
    pub fn head(&self) -> Option<u32> {
        self.waiting.front().and_then(|&(_, command)| command)
    }

    /// The command at the head starts in cycle `now`, and leaves with the register writes behind it.
    pub fn start(&mut self, now: u64) {
        self.waiting.pop_front();
        self.leave(now);
        self.head_at = NEVER;
        while let Some(&(seen, command)) = self.waiting.front() {
            let at = self.turn.max(seen);
            if command.is_some() {
                self.head_at = at;
                return;
            }
            self.waiting.pop_front();
            self.leave(at);
        }
    }

    fn leave(&mut self, at: u64) {
        let slot = self.slot(self.left);
        self.left_at[slot] = at;
        self.left += 1;
        self.turn = at + 1;
    }

    /// The first cycle in which it is seen to be empty, where it will be.
    pub fn empty_at(&self) -> Option<u64> {
        self.waiting.is_empty().then_some(self.turn)
    }

    /// Words that wait for the command at the head, and it.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }
}
