//! The load unit: its request side asks for bursts, its write side turns beats into lines.
//!
//! When a burst is granted, the times of all its beats are known; so are then the times of all lines that
//! they complete. The write side runs ahead of time to there, and no event is spent on a line.

mod write;

use std::collections::VecDeque;

use super::intervals::Activity;
use super::leap::Pace;
use super::memory::{Grant, Request, first_burst};
use crate::exec::Coded;
use crate::plan::{Plan, Planned};
use crate::result::StallReason;
use bitgauge_arch::command::Operation;
use bitgauge_arch::timing::{DmaShape, LOAD_SETUP, UNPACK_LATENCY, ZVC_TABLE_CYCLES};
use std::rc::Rc;

/// What the request side still has to ask for.
#[derive(Debug)]
pub(super) struct Asking {
    shape: DmaShape,
    coded: Option<Rc<Coded>>,
    external: u64,
    stride: u64,
    /// Block of the next burst; the table counts as the one before the first.
    block: u64,
    /// Next byte, and one past the last byte of the block.
    pub(super) next: u64,
    pub(super) end: u64,
    table: bool,
}

/// What the write side still has to write.
#[derive(Debug)]
pub(super) struct Writing {
    command: u32,
    start: u64,
    shape: DmaShape,
    coded: Option<Rc<Coded>>,
    /// Bits of a whole line, and of the last line of a pixel.
    pub(super) line_bits: u64,
    last_bits: u64,
    /// Beats before the block; beats of the block.
    base: u64,
    block_beats: u64,
    /// Position in the block.
    block: u64,
    pixel: u64,
    line: u64,
    bits: u64,
    /// Lines written so far.
    written: usize,
}

/// When some beats leave the FIFO: so many at once, and as many cycles later as many more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) cycle: u64,
    together: u64,
}

/// The load unit beyond its front.
#[derive(Debug)]
pub(crate) struct Load {
    pub(super) bus: u64,
    pub(super) most: u64,
    line: u64,
    pub(super) fifo: u64,
    pub(super) asking: Option<Asking>,
    pub(super) free_at: u64,
    waiting: bool,
    /// Data beats asked for, granted, and with a known time of leaving.
    pub(super) asked: u64,
    pub(super) left: u64,
    pub(super) leaving: VecDeque<Leaving>,
    pub(super) writing: VecDeque<Writing>,
    /// First cycle in which the next line may be written.
    pub(super) next_write: u64,
    pub(super) pace: Pace,
}

impl Load {
    pub fn new(plan: &Plan) -> Load {
        let fifo = plan.load_fifo_beats();
        Load {
            bus: plan.bus,
            most: plan.max_burst_beats * plan.bus,
            line: plan.line,
            fifo,
            asking: None,
            free_at: 0,
            waiting: false,
            asked: 0,
            left: 0,
            leaving: VecDeque::new(),
            writing: VecDeque::new(),
            next_write: 0,
            pace: Pace::default(),
        }
    }

    /// Starts a command; its end if it has nothing to load.
    pub fn begin(
        &mut self,
        now: u64,
        number: u32,
        planned: &Planned,
        coded: Option<Rc<Coded>>,
        activity: &mut Activity,
    ) -> Option<u64> {
        let (Some(shape), Operation::Load(load)) = (planned.dma(), &planned.command.operation) else {
            return Some(now);
        };
        if shape.lines() == 0 {
            // One line that writes nothing. The times of all lines before it are known.
            let cycle = self.next_write.max(now + LOAD_SETUP + 2);
            self.next_write = cycle + 1;
            activity.busy.push(cycle, cycle + 1);
            activity.stall(StallReason::Memory, now, cycle + 1);
            return Some(cycle + UNPACK_LATENCY);
        }
        let external = u64::from(load.external_address);
        let table = coded.is_some();
        let (next, bytes) = if table {
            (u64::from(load.length_table), (2 * shape.blocks).next_multiple_of(self.bus))
        } else {
            (external, shape.raw_bytes.next_multiple_of(self.bus))
        };
        let stride = u64::from(load.external_block_stride);
        self.asking = Some(Asking {
            shape,
            coded: coded.clone(),
            external,
            stride,
            block: 0,
            next,
            end: next + bytes,
            table,
        });
        self.free_at = now + 1 + LOAD_SETUP;
        let (line_bits, last_bits) = planned.line_bits(self.line);
        let mut writing = Writing {
            command: number,
            start: now,
            shape,
            coded,
            line_bits,
            last_bits,
            base: self.asked,
            block_beats: 0,
            block: 0,
            pixel: 0,
            line: 0,
            bits: 0,
            written: 0,
        };
        writing.block_beats = writing.beats_of(0, self.bus);
        self.writing.push_back(writing);
        None
    }

    /// The next request, once the cycle is known in which it is registered.
    pub fn request(&mut self) -> Option<Request> {
        let asking = self.asking.as_ref().filter(|_| !self.waiting)?;
        let beats = first_burst(asking.next, asking.end, self.most, self.bus);
        let mut cycle = self.free_at;
        if asking.table {
            // The table's buffer is free once all earlier lines are written.
            cycle = cycle.max(self.next_write);
        }
        if !asking.table && self.asked + beats > self.fifo {
            let index = self.asked + beats - self.fifo - 1;
            if index >= self.left {
                return None;
            }
            // Later requests ask for later beats.
            while self.leaving.front().is_some_and(|leaving| leaving.end <= index) {
                self.leaving.pop_front();
            }
            let leaving = self.leaving.front()?;
            let since = index - leaving.first;
            let since = if leaving.together == 1 { since } else { since - since % leaving.together };
            cycle = cycle.max(leaving.cycle + since + 1);
        }
        self.waiting = true;
        Some(Request { cycle, address: asking.next, beats })
    }

    /// Goes on after a grant. Returns the bytes that carry data, whether they are of the length table, and
    /// whether the request side is done.
    pub fn granted(
        &mut self,
        now: u64,
        grant: &Grant,
        activity: &mut Activity,
        ended: &mut Vec<(u32, u64)>,
    ) -> (u64, bool, bool) {
        self.waiting = false;
        self.free_at = now + 1;
        let Some(asking) = &mut self.asking else { return (0, false, true) };
        let beats = grant.request.beats;
        let (table, first) = (asking.table, self.asked);
        asking.next += beats * self.bus;
        let exhausted = asking.next >= asking.end;
        let bytes = if table {
            let used = 2 * asking.shape.blocks;
            let begin = asking.end - used.next_multiple_of(self.bus);
            used - used.min(grant.request.address - begin)
        } else {
            let used = match &asking.coded {
                Some(coded) => u64::from(coded.blocks[asking.block as usize].bytes),
                None => asking.shape.raw_bytes,
            };
            used - used.min(grant.request.address - (asking.external + asking.block * asking.stride))
        }
        .min(beats * self.bus);
        let mut done = false;
        if exhausted {
            if table {
                asking.table = false;
                self.free_at = self.free_at.max(grant.start + beats + ZVC_TABLE_CYCLES);
            } else {
                asking.block += 1;
            }
            done = asking.block == asking.shape.blocks;
            if !done {
                asking.next = asking.external + asking.block * asking.stride;
                let bytes = match &asking.coded {
                    Some(coded) => u64::from(coded.blocks[asking.block as usize].beats) * self.bus,
                    None => asking.shape.raw_bytes.next_multiple_of(self.bus),
                };
                asking.end = asking.next + bytes;
            }
        }
        if done {
            self.asking = None;
        }
        if !table {
            let even = self.left == first;
            self.asked += beats;
            self.write(first, grant.start, activity, ended);
            // Whether the lines of the burst, all of it and nothing else, were written together.
            let written = self.leaving.back().filter(|leaving| even && leaving.first == first);
            let written = written.filter(|leaving| leaving.end == self.asked && !done);
            self.pace.note(now, grant, written.map(|leaving| (leaving.cycle, leaving.together)));
        }
        (bytes, table, done)
    }
}
