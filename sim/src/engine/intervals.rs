//! Sets of cycles as sorted, disjoint, half-open intervals: how stall and busy cycles are counted without
//! stepping through them.

use crate::result::{StallReason, UnitCycles};

/// A set of cycles. Pushed in any order, nearly always ascending.
#[derive(Clone, Debug, Default)]
pub(crate) struct Intervals {
    list: Vec<(u64, u64)>,
    unsorted: bool,
}

impl Intervals {
    /// Adds `start..end`.
    pub fn push(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        if let Some(last) = self.list.last_mut() {
            if start >= last.0 && start <= last.1 {
                last.1 = last.1.max(end);
                return;
            }
            self.unsorted |= start < last.0;
        }
        self.list.push((start, end));
    }

    /// Sorts and joins.
    fn normalize(&mut self) {
        if !self.unsorted {
            return;
        }
        self.list.sort_unstable();
        self.unsorted = false;
        let list = std::mem::take(&mut self.list);
        for (start, end) in list {
            self.push(start, end);
        }
    }

    /// Number of cycles.
    fn measure(&self) -> u64 {
        self.list.iter().map(|(start, end)| end - start).sum()
    }

    /// The union of two sets.
    fn union(mut self, mut other: Intervals) -> Intervals {
        self.normalize();
        other.normalize();
        if other.list.is_empty() {
            return self;
        }
        let mut result =
            Intervals { list: Vec::with_capacity(self.list.len() + other.list.len()), unsorted: false };
        let (mut left, mut right) = (self.list.iter().peekable(), other.list.iter().peekable());
        loop {
            let next = match (left.peek(), right.peek()) {
                (Some(a), Some(b)) if a.0 <= b.0 => left.next(),
                (_, Some(_)) => right.next(),
                (Some(_), None) => left.next(),
                (None, None) => return result,
            };
            if let Some(&(start, end)) = next {
                result.push(start, end);
            }
        }
    }
}

/// What one unit did, state by state. A cycle may be in several; the order of priority decides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity {
    pub busy: Intervals,
    /// A second stream of busy cycles, with an order of its own.
    pub busy_too: Intervals,
    /// By [`StallReason`].
    pub stalled: [Intervals; 6],
}

impl Activity {
    /// A stalled interval.
    pub fn stall(&mut self, reason: StallReason, start: u64, end: u64) {
        self.stalled[reason as usize].push(start, end);
    }

    /// Counts each cycle once, and returns the cycles in which there was anything to do.
    pub fn count(self, cycles: u64) -> UnitCycles {
        let mut seen = self.busy.union(self.busy_too);
        let mut result = UnitCycles { busy: seen.measure(), ..UnitCycles::default() };
        let mut counted = result.busy;
        for (slot, intervals) in result.stalled.iter_mut().zip(self.stalled) {
            seen = seen.union(intervals);
            *slot = seen.measure() - counted;
            counted += *slot;
        }
        result.idle = cycles.saturating_sub(counted);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cycle_counts_once_and_for_the_first_reason() {
        let mut activity = Activity::default();
        activity.busy.push(5, 10);
        activity.busy_too.push(0, 2);
        activity.stall(StallReason::Memory, 8, 20);
        activity.stall(StallReason::Token, 12, 14);
        activity.stall(StallReason::Token, 1, 3);
        let count = activity.count(30);
        assert_eq!(count.busy, 7);
        assert_eq!(count.stalled, [3, 0, 8, 0, 0, 0]);
        assert_eq!(count.idle, 12);
    }
}
