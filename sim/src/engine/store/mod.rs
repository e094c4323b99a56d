//! The store unit: its read side turns lines into beats, its write side asks for bursts of them.
//!
//! The read side runs ahead of time as far as the FIFO's room is known, which is up to the last beat that
//! was granted a place on the bus.

mod read;

use std::collections::VecDeque;
use std::rc::Rc;

use bitgauge_arch::timing::{DmaShape, STORE_SETUP};

use super::fifo::Fifo;
use super::intervals::Activity;
use super::load::whole_beats;
use super::memory::{Grant, Memory, STORE};
use crate::exec::Coded;
use crate::plan::{Plan, Transfer};
use crate::result::StallReason;

/// What the read side still has to read.
#[derive(Debug)]
struct Reading {
    command: u32,
    shape: DmaShape,
    coded: Option<Rc<Coded>>,
    line_bits: u64,
    last_bits: u64,
    /// Where lines of a burst are read together: whole lines are so many whole beats, a power of two.
    whole: Option<u32>,
    external: u64,
    stride: u64,
    table_address: u64,
    /// Beats completed before the block; beats of the block.
    base: u64,
    block_beats: u64,
    block: u64,
    /// Position in the block: lines left, line of the pixel (where lines differ), bits.
    lines_left: u64,
    line: u64,
    bits: u64,
    /// The block's next burst and one past its last byte.
    next: u64,
    end: u64,
    /// The lines of the block are counted (`zvc`).
    counted: bool,
    /// Beats of the table read so far (`zvc`).
    table_beats: u64,
    /// Beats of the block cut into bursts so far, and of the next burst.
    cut: u64,
    next_beats: u64,
}

/// A burst whose data is in the FIFO from a known cycle on, and those like it behind it.
#[derive(Clone, Copy, Debug)]
struct Ready {
    command: u32,
    cycle: u64,
    address: u64,
    /// Bursts behind it; cycles and bytes from each to the next.
    more: u64,
    every: u64,
    stride: u64,
    beats: u64,
    bytes: u64,
    table: bool,
    last: bool,
}

/// The store unit beyond its front.
#[derive(Debug)]
pub(crate) struct Store {
    bus: u64,
    most: u64,
    latency: u64,
    fifo: Fifo,
    reading: Option<Reading>,
    next_read: u64,
    /// Beats completed by the lines read so far.
    completed: u64,
    ready: VecDeque<Ready>,
    free_at: u64,
    waiting: bool,
}

/// What a grant of the store unit brings about.
pub(crate) struct Stored {
    /// Bytes that carry data.
    pub bytes: u64,
    /// Whether they are of the length table.
    pub table: bool,
    /// The command the burst belongs to.
    pub command: u32,
    /// The end of the command, with its last burst.
    pub end: Option<u64>,
}

impl Store {
    pub fn new(plan: &Plan) -> Store {
        Store {
            bus: plan.bus,
            most: plan.max_burst_beats * plan.bus,
            latency: plan.latency,
            fifo: Fifo::new(plan.store_fifo_beats()),
            reading: None,
            next_read: 0,
            completed: 0,
            ready: VecDeque::new(),
            free_at: 0,
            waiting: false,
        }
    }

    /// Starts a command; true if it has nothing to store.
    pub fn begin(&mut self, now: u64, number: u32, transfer: &Transfer, coded: Option<Rc<Coded>>) -> bool {
        let shape = transfer.shape;
        if shape.lines() == 0 {
            return true;
        }
        let (line_bits, last_bits) = (u64::from(transfer.line_bits), u64::from(transfer.last_bits));
        let mut reading = Reading {
            command: number,
            shape,
            whole: whole_beats(line_bits, &shape, coded.is_none(), self.bus),
            coded,
            line_bits,
            last_bits,
            external: u64::from(transfer.external),
            stride: u64::from(transfer.stride),
            table_address: u64::from(transfer.table),
            base: self.completed,
            block_beats: 0,
            block: 0,
            lines_left: 0,
            line: 0,
            bits: 0,
            next: 0,
            end: 0,
            counted: false,
            table_beats: 0,
            cut: 0,
            next_beats: 0,
        };
        reading.enter(self.bus);
        self.reading = Some(reading);
        self.next_read = self.next_read.max(now + 1 + STORE_SETUP);
        false
    }

    /// Makes the next request, once the cycle is known in which it is registered.
    #[inline]
    pub fn request(&mut self, memory: &mut Memory) {
        let Some(ready) = self.ready.front().filter(|_| !self.waiting) else { return };
        let cycle = ready.cycle.max(self.free_at);
        self.waiting = true;
        memory.ask(STORE, cycle, ready.address, ready.beats);
    }

    /// Goes on after a grant.
    pub fn granted(&mut self, now: u64, grant: &Grant, activity: &mut Activity) -> Option<Stored> {
        self.waiting = false;
        self.free_at = now + 1;
        let ready = self.ready.front_mut()?;
        let end = grant.start + ready.beats;
        activity.busy_too.push(grant.start, end);
        activity.stall(StallReason::Memory, grant.asked, end + self.latency);
        self.fifo.leave(self.fifo.left + ready.beats, grant.start, 1);
        let last = ready.last && ready.more == 0;
        let stored = Stored {
            bytes: ready.bytes,
            table: ready.table,
            command: ready.command,
            end: last.then_some(end + self.latency),
        };
        if ready.more == 0 {
            self.ready.pop_front();
        } else {
            ready.more -= 1;
            ready.cycle += ready.every;
            ready.address += ready.stride;
        }
        Some(stored)
    }
}
