//! The external memory, model `fixed`: one registered request per requester, one grant per cycle, one beat
//! per cycle.

use std::collections::VecDeque;

/// Requesters, in the order of [`Memory::pending`].
pub(crate) const FETCH: usize = 0;
/// See [`FETCH`].
pub(crate) const LOAD: usize = 1;
/// See [`FETCH`].
pub(crate) const STORE: usize = 2;
/// Bursts that may be outstanding.
pub(crate) const OUTSTANDING: usize = 4;

/// A request of a burst.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// Cycle in which it is registered.
    pub cycle: u64,
    /// Byte address.
    pub address: u64,
    /// Beats.
    pub beats: u64,
}

/// A granted burst.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant {
    pub requester: usize,
    pub request: Request,
    /// Cycle of the first beat.
    pub start: u64,
}

/// Arbiter and data bus.
#[derive(Debug)]
pub(crate) struct Memory {
    latency: u64,
    pub pending: [Option<Request>; 3],
    /// Last beats of the outstanding bursts, in order.
    last_beats: VecDeque<u64>,
    bus_free: u64,
    last_granted: usize,
}

impl Memory {
    pub fn new(latency: u64) -> Memory {
        Memory { latency, pending: [None; 3], last_beats: VecDeque::new(), bus_free: 0, last_granted: STORE }
    }

    /// The grant of cycle `now`, if there is one.
    pub fn grant(&mut self, now: u64) -> Option<Grant> {
        while self.last_beats.front().is_some_and(|&last| last < now) {
            self.last_beats.pop_front();
        }
        if self.last_beats.len() >= OUTSTANDING {
            return None;
        }
        let asks = |requester: usize| self.pending[requester].is_some_and(|request| request.cycle < now);
        let order = if self.last_granted == LOAD { [FETCH, STORE, LOAD] } else { [FETCH, LOAD, STORE] };
        let requester = order.into_iter().find(|&requester| asks(requester))?;
        let request = self.pending[requester].take()?;
        if requester != FETCH {
            self.last_granted = requester;
        }
        let start = (now + self.latency).max(self.bus_free);
        self.bus_free = start + request.beats;
        self.last_beats.push_back(self.bus_free - 1);
        Some(Grant { requester, request, start })
    }

    /// The next cycle after `now` in which a grant may be possible.
    pub fn wake(&self, now: u64) -> Option<u64> {
        let earliest = self.pending.iter().flatten().map(|request| request.cycle + 1).min()?;
        let place = if self.last_beats.len() >= OUTSTANDING {
            self.last_beats.front().map_or(0, |last| last + 1)
        } else {
            0
        };
        Some(earliest.max(place).max(now + 1))
    }
}

/// First burst of the bytes `address..end`: its beats. None is longer than `most` bytes or crosses 4 KiB.
pub(crate) fn first_burst(address: u64, end: u64, most: u64, bus: u64) -> u64 {
    // The bus is a power of two.
    most.min(end - address).min(4096 - address % 4096) >> bus.trailing_zeros()
}
