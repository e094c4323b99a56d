//! The load unit: its request side asks for bursts, its write side turns beats into lines.
//!
//! When a burst is granted, the times of all its beats are known; so are then the times of all lines that
//! they complete. The write side runs ahead of time to there, and no event is spent on a line.

mod write;

use std::collections::VecDeque;

use super::fifo::Fifo;
use super::intervals::Activity;
use super::leap::Pace;
use super::memory::{Grant, LOAD, Memory, first_burst};
use crate::exec::Coded;
use crate::plan::{Plan, Transfer};
use crate::result::StallReason;
use bitgauge_arch::timing::{DmaShape, LOAD_SETUP, UNPACK_LATENCY, ZVC_TABLE_CYCLES};
use std::rc::Rc;

/// What the request side still has to ask for.
#[derive(Debug)]
pub(super) struct Asking {
    shape: DmaShape,
    coded: Option<Rc<Coded>>,
    external: u64,
    stride: u64,
    /// Bytes of all beats of a block, without `zvc`.
    block_bytes: u64,
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
    line_bits: u64,
    last_bits: u64,
    /// Where lines of a burst are written together: whole lines are so many whole beats, a power of two.
    whole: Option<u32>,
    /// Beats before the block; beats of the block.
    base: u64,
    block_beats: u64,
    block: u64,
    /// Position in the block: lines left, line of the pixel (where lines differ), bits.
    lines_left: u64,
    line: u64,
    bits: u64,
    /// Coded lines written so far.
    written: usize,
}

/// The load unit beyond its front.
#[derive(Debug)]
pub(crate) struct Load {
    pub(super) bus: u64,
    pub(super) most: u64,
    pub(super) fifo: Fifo,
    pub(super) asking: Option<Asking>,
    pub(super) free_at: u64,
    waiting: bool,
    /// Data beats asked for and granted.
    pub(super) asked: u64,
    pub(super) writing: VecDeque<Writing>,
    /// First cycle in which the next line may be written.
    pub(super) next_write: u64,
    pub(super) pace: Pace,
}

impl Load {
    pub fn new(plan: &Plan) -> Load {
        Load {
            bus: plan.bus,
            most: plan.max_burst_beats * plan.bus,
            fifo: Fifo::new(plan.load_fifo_beats()),
            asking: None,
            free_at: 0,
            waiting: false,
            asked: 0,
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
        transfer: &Transfer,
        coded: Option<Rc<Coded>>,
        activity: &mut Activity,
    ) -> Option<u64> {
        let shape = transfer.shape;
        if shape.lines() == 0 {
            // One line that writes nothing. The times of all lines before it are known.
            let cycle = self.next_write.max(now + LOAD_SETUP + 2);
            self.next_write = cycle + 1;
            activity.busy.push(cycle, cycle + 1);
            activity.stall(StallReason::Memory, now, cycle + 1);
            return Some(cycle + UNPACK_LATENCY);
        }
        let external = u64::from(transfer.external);
        let table = coded.is_some();
        let block_bytes = shape.raw_bytes.next_multiple_of(self.bus);
        let (next, bytes) = if table {
            (u64::from(transfer.table), (2 * shape.blocks).next_multiple_of(self.bus))
        } else {
            (external, block_bytes)
        };
        let stride = u64::from(transfer.stride);
        self.asking = Some(Asking {
            shape,
            coded: coded.clone(),
            external,
            stride,
            block_bytes,
            block: 0,
            next,
            end: next + bytes,
            table,
        });
        self.free_at = now + 1 + LOAD_SETUP;
        let (line_bits, last_bits) = (u64::from(transfer.line_bits), u64::from(transfer.last_bits));
        let mut writing = Writing {
            command: number,
            start: now,
            shape,
            line_bits,
            last_bits,
            whole: whole_beats(line_bits, &shape, coded.is_none(), self.bus),
            base: self.asked,
            block_beats: 0,
            block: 0,
            lines_left: shape.pixels * shape.pixel_lines,
            line: 0,
            bits: 0,
            written: 0,
            coded,
        };
        writing.block_beats = writing.beats_of(0, self.bus);
        self.writing.push_back(writing);
        None
    }

    /// Makes the next request, once the cycle is known in which it is registered.
    #[inline]
    pub fn request(&mut self, memory: &mut Memory) {
        let Some(asking) = self.asking.as_ref().filter(|_| !self.waiting) else { return };
        let beats = first_burst(asking.next, asking.end, self.most, self.bus);
        let mut cycle = self.free_at;
        if asking.table {
            // The table's buffer is free once all earlier lines are written.
            cycle = cycle.max(self.next_write);
        }
        if !asking.table {
            let Some((room, _)) = self.fifo.room(self.asked + beats) else { return };
            cycle = cycle.max(room);
        }
        self.waiting = true;
        memory.ask(LOAD, cycle, asking.next, beats);
    }

    /// The bytes of a burst that carry data, and whether they are of the length table. Before it is granted.
    pub fn carries(&self, grant: &Grant) -> (u64, bool) {
        let Some(asking) = &self.asking else { return (0, false) };
        let used = if asking.table {
            let used = 2 * asking.shape.blocks;
            let begin = asking.end - used.next_multiple_of(self.bus);
            used - used.min(grant.address - begin)
        } else {
            let used = match &asking.coded {
                Some(coded) => u64::from(coded.blocks[asking.block as usize].bytes),
                None => asking.shape.raw_bytes,
            };
            used - used.min(grant.address - (asking.external + asking.block * asking.stride))
        };
        (used.min(grant.beats * self.bus), asking.table)
    }

    /// Goes on after a grant. Whether the request side is done.
    #[inline]
    pub fn granted(
        &mut self,
        now: u64,
        grant: &Grant,
        activity: &mut Activity,
        ended: &mut Vec<(u32, u64)>,
    ) -> bool {
        self.waiting = false;
        self.free_at = now + 1;
        let Some(asking) = &mut self.asking else { return true };
        let beats = grant.beats;
        let (table, first) = (asking.table, self.asked);
        asking.next += beats * self.bus;
        let mut done = false;
        if asking.next >= asking.end {
            if table {
                asking.table = false;
                self.free_at = self.free_at.max(grant.start + beats + ZVC_TABLE_CYCLES);
            } else {
                asking.block += 1;
            }
            done = asking.block == asking.shape.blocks;
            if done {
                self.asking = None;
            } else {
                asking.next = asking.external + asking.block * asking.stride;
                asking.end = asking.next
                    + match &asking.coded {
                        Some(coded) => u64::from(coded.blocks[asking.block as usize].beats) * self.bus,
                        None => asking.block_bytes,
                    };
            }
        }
        if !table {
            let even = self.fifo.left == first && beats * self.bus == self.most && !done;
            self.asked += beats;
            self.write(first, grant.start, activity, ended);
            // Whether the lines of the burst, a whole one and nothing else, were written together.
            let written = self.fifo.last().filter(|leaving| even && leaving.first == first);
            match written.filter(|leaving| leaving.end == self.asked) {
                Some(leaving) => self.pace.note(now, grant, (leaving.cycle, leaving.together)),
                None => self.pace.disturb(),
            }
        }
        done
    }
}

/// The power of two of the beats of a line, where whole lines are so many beats and take a cycle each.
pub(in crate::engine) fn whole_beats(line_bits: u64, shape: &DmaShape, plain: bool, bus: u64) -> Option<u32> {
    let beats = line_bits / (8 * bus);
    let whole = plain && shape.cycles_per_line == 1 && beats * 8 * bus == line_bits;
    (whole && beats.is_power_of_two()).then(|| beats.trailing_zeros())
}
