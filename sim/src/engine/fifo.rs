//! The FIFO of beats between a unit and the bus, as far as time goes: when its beats leave, and when there is
//! room for more.

use std::collections::VecDeque;

/// When some beats leave: so many at once, and as many cycles later as many more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    pub first: u64,
    pub end: u64,
    pub cycle: u64,
    pub together: u64,
    /// Which bits of a beat's number among these say when it leaves.
    steps: u64,
}

/// Beats with a known time of leaving. Room is asked for in ascending order.
#[derive(Debug)]
pub(super) struct Fifo {
    pub size: u64,
    /// Beats with a known time of leaving.
    pub left: u64,
    leaving: VecDeque<Leaving>,
}

impl Fifo {
    pub fn new(size: u64) -> Fifo {
        Fifo { size, left: 0, leaving: VecDeque::new() }
    }

    /// The next beats, up to `end`, leave from `cycle` on, `together` at once: a power of two of them, or all.
    #[inline]
    pub fn leave(&mut self, end: u64, cycle: u64, together: u64) {
        let first = self.left;
        let steps = if end - first == together { 0 } else { together.wrapping_neg() };
        debug_assert!(steps == 0 || together.is_power_of_two());
        self.leaving.push_back(Leaving { first, end, cycle, together, steps });
        self.left = end;
    }

    /// The first cycle in which there is room for the beats up to `upto`, if it is known; and how many beats in
    /// all have room then or each a cycle after the one before, where beats leave alone.
    #[inline]
    pub fn room(&mut self, upto: u64) -> Option<(u64, u64)> {
        if upto <= self.size {
            return Some((0, self.size - upto + 1));
        }
        let index = upto - self.size - 1;
        if index >= self.left {
            return None;
        }
        while self.leaving.front().is_some_and(|leaving| leaving.end <= index) {
            self.leaving.pop_front();
        }
        let leaving = self.leaving.front()?;
        // Without a division: much waits for this.
        let since = (index - leaving.first) & leaving.steps;
        Some((leaving.cycle + since + 1, leaving.end - index))
    }

    /// Whether it is known that there is room for the beats up to `upto` in cycle `at`. If not, less may be asked
    /// for next.
    #[inline]
    pub fn has_room(&mut self, upto: u64, at: u64) -> bool {
        let Some(index) = upto.checked_sub(self.size + 1) else { return true };
        if index >= self.left {
            return false;
        }
        let before = self.leaving.iter().take_while(|leaving| leaving.end <= index).count();
        // The last beat that leaves with it leaves last.
        let there =
            self.leaving.get(before).is_some_and(|leaving| leaving.cycle + index - leaving.first < at);
        if there {
            for _ in 0..before {
                self.leaving.pop_front();
            }
        }
        there
    }

    /// What was noted last.
    #[inline]
    pub fn last(&self) -> Option<&Leaving> {
        self.leaving.back()
    }

    /// Everything is as it was, `beats` later and `cycles` later.
    pub fn shift(&mut self, beats: u64, cycles: u64) {
        self.left += beats;
        for leaving in &mut self.leaving {
            leaving.first += beats;
            leaving.end += beats;
            leaving.cycle += cycles;
        }
    }
}
