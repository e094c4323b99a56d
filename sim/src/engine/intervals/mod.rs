//! Sets of cycles as sorted, disjoint, half-open intervals: how stall and busy cycles are counted without
//! stepping through them.

mod busy;

pub(super) use busy::Busy;

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

    /// Takes away what lies before `until`. Must be in order.
    fn discard(&mut self, until: u64) {
        let whole = self.list.partition_point(|&(_, end)| end <= until);
        self.list.drain(..whole);
        if let Some((start, _)) = self.list.first_mut() {
            *start = until.max(*start);
        }
    }
}

/// Entries that are kept before what is past is counted: few enough to stay in the cache.
const KEPT: usize = if cfg!(test) { 8 } else { 4096 };

/// What one unit did, state by state. A cycle may be in several; the order of priority decides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity {
    pub busy: Busy,
    /// A second stream of busy cycles, with an order of its own.
    pub busy_too: Intervals,
    /// By [`StallReason`].
    pub stalled: [Intervals; 6],
    /// What was counted already.
    past: UnitCycles,
    /// Entries at which the past is counted next.
    full: usize,
}

impl Activity {
    /// A stalled interval.
    pub fn stall(&mut self, reason: StallReason, start: u64, end: u64) {
        self.stalled[reason as usize].push(start, end);
    }

    /// Whether so much is noted that the past should be counted.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.busy.list.len() > self.full + KEPT
    }

    /// Counts what lies before `until`: nothing is noted there any more.
    pub fn settle(&mut self, until: u64) {
        let until = self.busy.seam(until);
        self.add_past(until);
        self.busy.discard(until);
        self.busy_too.discard(until);
        self.stalled.iter_mut().for_each(|stalled| stalled.discard(until));
        self.full = self.busy.list.len();
    }

    /// Counts each cycle once, and returns the cycles in which there was anything to do.
    pub fn count(mut self, cycles: u64) -> UnitCycles {
        self.add_past(u64::MAX);
        let mut result = self.past;
        result.idle = cycles.saturating_sub(result.busy + result.stalled_total());
        result
    }

    /// Adds what lies before `until`: each cycle once, to the first of its states in the order of priority.
    fn add_past(&mut self, until: u64) {
        self.busy_too.normalize();
        self.stalled.iter_mut().for_each(Intervals::normalize);
        let UnitCycles { busy, stalled, .. } = &mut self.past;
        *busy += self.busy.measure(until);
        // What is left of each set that is not empty, in the order of priority.
        let states = std::iter::once((&self.busy_too, busy)).chain(self.stalled.iter().zip(stalled));
        let mut states: Vec<_> = states
            .filter(|(set, _)| !set.list.is_empty())
            .map(|(set, counted)| (set.list.as_slice(), counted))
            .collect();
        let (mut within, mut at) = (self.busy.within(), 0);
        while at < until {
            // From the first cycle that is in any of them, up to where one before it begins or it ends.
            let (mut from, mut to, mut first) = (until, until, None);
            for (place, (list, _)) in states.iter_mut().enumerate() {
                while let Some((_, rest)) = list.split_first().filter(|((_, end), _)| *end <= at) {
                    *list = rest;
                }
                let Some(&(start, end)) = list.first() else { continue };
                let start = start.max(at);
                if start < from {
                    (to, first) = (end.min(from), Some(place));
                    from = start;
                    // What is behind it in the order cannot come first any more.
                    if start == at {
                        break;
                    }
                }
            }
            let Some(place) = first else { return };
            *states[place].1 += (to - from) - within.count(from, to);
            at = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combs_measure_as_their_cycles_do() {
        let mut state = 5u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        for _ in 0..500 {
            let (mut busy, mut others) = (Busy::default(), Intervals::default());
            let (mut cycles, mut other) = (vec![false; 1000], vec![false; 1000]);
            let mut at = 0;
            while at < 600 {
                at += below(9) * below(2);
                let (length, count) = (1 + below(3), 1 + below(6));
                let period = length + below(4);
                busy.push_comb(at, length, period, count);
                for tooth in 0..count {
                    cycles[(at + tooth * period) as usize..][..length as usize].fill(true);
                }
                at += (count - 1) * period + length;
            }
            for _ in 0..below(9) {
                let (start, length) = (below(700), below(90));
                others.push(start, start + length);
                other[start as usize..][..length as usize].fill(true);
            }
            others.normalize();
            let count = |of: &dyn Fn(usize) -> bool| (0..1000).filter(|&cycle| of(cycle)).count() as u64;
            assert_eq!(busy.measure(u64::MAX), count(&|cycle| cycles[cycle]));
            let mut within = busy.within();
            let common: u64 = others.list.iter().map(|&(from, to)| within.count(from, to)).sum();
            assert_eq!(common, count(&|cycle| cycles[cycle] && other[cycle]));
        }
    }

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
