//! The external memory, model `fixed`: one registered request per requester, one grant per cycle, one beat
//! per cycle.

use super::front::NEVER;

/// Requesters, in the order in which the memory keeps their requests.
pub(crate) const FETCH: usize = 0;
/// See [`FETCH`].
pub(crate) const LOAD: usize = 1;
/// See [`FETCH`].
pub(crate) const STORE: usize = 2;
/// Bursts that may be outstanding.
pub(crate) const OUTSTANDING: usize = 4;

/// A granted burst.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant {
    pub requester: usize,
    /// Cycle in which it was registered.
    pub asked: u64,
    /// Byte address.
    pub address: u64,
    /// Beats.
    pub beats: u64,
    /// Cycle of the first beat.
    pub start: u64,
}

/// Arbiter and data bus.
#[derive(Debug)]
pub(crate) struct Memory {
    latency: u64,
    /// Of each requester's request the cycle in which it is registered, [`NEVER`] where there is none; its
    /// address, its beats.
    pub(super) registered: [u64; 3],
    pub(super) addresses: [u64; 3],
    beats: [u64; 3],
    /// From when on each of the places for an outstanding burst is free. Bursts end in the order of their
    /// grants, so the places are taken in turn.
    pub(super) places: [u64; OUTSTANDING],
    turn: usize,
    pub(super) bus_free: u64,
    /// First cycle in which the next grant may be given.
    pub(super) next: u64,
    last_granted: usize,
}

impl Memory {
    pub fn new(latency: u64) -> Memory {
        Memory {
            latency,
            registered: [NEVER; 3],
            addresses: [0; 3],
            beats: [0; 3],
            places: [0; OUTSTANDING],
            turn: 0,
            bus_free: 0,
            next: 0,
            last_granted: STORE,
        }
    }

    /// Takes a request that is registered in cycle `cycle`.
    #[inline]
    pub fn ask(&mut self, requester: usize, cycle: u64, address: u64, beats: u64) {
        self.registered[requester] = cycle;
        self.addresses[requester] = address;
        self.beats[requester] = beats;
    }

    /// The grant of cycle `now`, which is [`Memory::wake`].
    #[inline]
    pub fn grant(&mut self, now: u64) -> Grant {
        let asks = |requester: usize| self.registered[requester] < now;
        let (second, third) = if self.last_granted == LOAD { (STORE, LOAD) } else { (LOAD, STORE) };
        let requester = if asks(FETCH) {
            FETCH
        } else if asks(second) {
            second
        } else {
            third
        };
        let asked = std::mem::replace(&mut self.registered[requester], NEVER);
        let (address, beats) = (self.addresses[requester], self.beats[requester]);
        if requester != FETCH {
            self.last_granted = requester;
        }
        let start = (now + self.latency).max(self.bus_free);
        self.bus_free = start + beats;
        self.places[self.turn] = self.bus_free;
        self.turn = (self.turn + 1) % OUTSTANDING;
        self.next = now + 1;
        Grant { requester, asked, address, beats, start }
    }

    /// The cycle of the next grant, as requests stand; [`NEVER`] without one.
    #[inline]
    pub fn wake(&self) -> u64 {
        let [fetch, load, store] = self.registered;
        let earliest = fetch.min(load).min(store);
        if earliest == NEVER { NEVER } else { (earliest + 1).max(self.places[self.turn]).max(self.next) }
    }
}

/// First burst of the bytes `address..end`: its beats. None is longer than `most` bytes or crosses 4 KiB.
#[inline]
pub(crate) fn first_burst(address: u64, end: u64, most: u64, bus: u64) -> u64 {
    // The bus is a power of two.
    most.min(end - address).min(4096 - address % 4096) >> bus.trailing_zeros()
}
