//! The store unit: its read side turns lines into beats, its write side asks for bursts of them.
//!
//! The read side runs ahead of time as far as the FIFO's room is known, which is up to the last beat that
//! was granted a place on the bus.

use std::collections::VecDeque;
use std::rc::Rc;

use bitgauge_arch::command::Operation;
use bitgauge_arch::timing::{DmaShape, STORE_READ_LATENCY, STORE_SETUP, STORE_ZVC_CHOICE, STORE_ZVC_LATENCY};

use super::intervals::Activity;
use super::memory::{Grant, Request, first_burst};
use crate::exec::Coded;
use crate::plan::{Plan, Planned};
use crate::result::StallReason;

/// What the read side still has to read.
#[derive(Debug)]
struct Reading {
    command: u32,
    shape: DmaShape,
    coded: Option<Rc<Coded>>,
    line_bits: u64,
    last_bits: u64,
    external: u64,
    stride: u64,
    table_address: u64,
    /// Beats completed before the block.
    base: u64,
    block: u64,
    pixel: u64,
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

/// A burst whose data is in the FIFO from a known cycle on.
#[derive(Clone, Copy, Debug)]
struct Ready {
    command: u32,
    cycle: u64,
    address: u64,
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
    line: u64,
    latency: u64,
    fifo: u64,
    reading: Option<Reading>,
    next_read: u64,
    /// Beats with a known time of leaving.
    left: u64,
    leave_times: Vec<u64>,
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
        let fifo = plan.store_fifo_beats();
        Store {
            bus: plan.bus,
            most: plan.max_burst_beats * plan.bus,
            line: plan.line,
            latency: plan.latency,
            fifo,
            reading: None,
            next_read: 0,
            left: 0,
            leave_times: vec![0; (4 * fifo).next_power_of_two() as usize],
            completed: 0,
            ready: VecDeque::new(),
            free_at: 0,
            waiting: false,
        }
    }

    /// Starts a command; true if it has nothing to store.
    pub fn begin(&mut self, now: u64, number: u32, planned: &Planned, coded: Option<Rc<Coded>>) -> bool {
        let (Some(shape), Operation::Store(store)) = (planned.dma(), &planned.command.operation) else {
            return true;
        };
        if shape.lines() == 0 {
            return true;
        }
        let (line_bits, last_bits) = planned.line_bits(self.line);
        let mut reading = Reading {
            command: number,
            shape,
            coded,
            line_bits,
            last_bits,
            external: u64::from(store.external_address),
            stride: u64::from(store.external_block_stride),
            table_address: u64::from(store.length_table),
            base: self.completed,
            block: 0,
            pixel: 0,
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

    /// Reads all lines for which there is room in a known cycle. Returns from when on the read side is free,
    /// once it has read its last line.
    pub fn read(&mut self, activity: &mut Activity) -> Option<u64> {
        if self.reading.as_ref()?.coded.is_some() {
            return self.read_coded(activity);
        }
        let job = self.reading.as_mut()?;
        let beat_bits = 8 * self.bus;
        let shift = beat_bits.trailing_zeros();
        let cycles = job.shape.cycles_per_line;
        // Where every line is one beat, the lines of a burst are read together.
        let even = cycles == 1 && [job.line_bits, job.last_bits] == [beat_bits; 2];
        loop {
            if even {
                let begun = job.bits >> shift;
                // The line that completes the burst is left to the general way.
                let run = (job.cut + job.next_beats).saturating_sub(begun + 1);
                let cycle = even_run(job.base + begun, run, self.fifo, self.left, &self.leave_times)
                    .and_then(|room| room.begin(self.next_read));
                if let Some(cycle) = cycle {
                    activity.busy.push(cycle, cycle + run);
                    self.next_read = cycle + run;
                    self.completed = job.base + begun + run;
                    job.advance(run, beat_bits);
                }
            }
            let last_of_pixel = job.line + 1 == job.shape.pixel_lines;
            let last_of_block = last_of_pixel && job.pixel + 1 == job.shape.pixels;
            let bits = job.bits + if last_of_pixel { job.last_bits } else { job.line_bits };
            let block_beats = if last_of_block { bits.div_ceil(beat_bits) } else { bits >> shift };
            let completed = job.base + block_beats;
            let room = room(completed, self.fifo, self.left, &self.leave_times)?;
            let cycle = self.next_read.max(room);
            activity.busy.push(cycle, cycle + cycles);
            self.next_read = cycle + cycles;
            self.completed = completed;
            job.bits = bits;
            job.line += 1;
            let inside = cycle + STORE_READ_LATENCY;
            if last_of_pixel {
                job.line = 0;
                job.pixel += 1;
            }
            if block_beats >= job.cut + job.next_beats {
                job.cut_ready(&mut self.ready, block_beats, inside, (self.most, self.bus));
            }
            if last_of_block {
                job.base = self.completed;
                job.block += 1;
                if job.block == job.shape.blocks {
                    if let Some(last) = self.ready.back_mut() {
                        last.last = true;
                    }
                    self.reading = None;
                    return Some(cycle + cycles);
                }
                job.pixel = 0;
                job.bits = 0;
                job.enter(self.bus);
            }
        }
    }

    /// The same for `zvc`: block by block, counted and coded; then the table, a beat at a time.
    fn read_coded(&mut self, activity: &mut Activity) -> Option<u64> {
        let job = self.reading.as_mut()?;
        let cut = (self.most, self.bus);
        let lines = job.shape.pixels * job.shape.pixel_lines;
        while job.block < job.shape.blocks {
            if !job.counted {
                activity.busy.push(self.next_read, self.next_read + lines);
                self.next_read += lines - 1 + STORE_ZVC_CHOICE;
                job.counted = true;
            }
            let beats = job.bytes().div_ceil(self.bus);
            let room = room(job.base + beats, self.fifo, self.left, &self.leave_times)?;
            let cycle = self.next_read.max(room);
            let over = cycle + lines * job.shape.cycles_per_line;
            activity.busy.push(cycle, over);
            let inside = over - 1 + STORE_ZVC_LATENCY;
            self.next_read = inside + 1;
            job.cut_ready(&mut self.ready, beats, inside, cut);
            job.base += beats;
            self.completed = job.base;
            job.block += 1;
            job.counted = false;
            if job.block < job.shape.blocks {
                job.enter(self.bus);
            } else {
                job.next = job.table_address;
                job.end = job.next + (2 * job.shape.blocks).next_multiple_of(self.bus);
            }
        }
        while job.table_beats < (2 * job.shape.blocks).div_ceil(self.bus) {
            let room = room(self.completed + 1, self.fifo, self.left, &self.leave_times)?;
            let cycle = self.next_read.max(room);
            activity.busy.push(cycle, cycle + 1);
            self.next_read = cycle + 1;
            self.completed += 1;
            job.table_beats += 1;
            job.cut_table(&mut self.ready, cycle + STORE_READ_LATENCY, cut);
        }
        self.reading = None;
        Some(self.next_read)
    }

    /// The next request, once the cycle is known in which it is registered: `now` or later.
    pub fn request(&mut self, now: u64) -> Option<Request> {
        let ready = self.ready.front().filter(|_| !self.waiting)?;
        let cycle = ready.cycle.max(self.free_at).max(now);
        self.waiting = true;
        Some(Request { cycle, address: ready.address, beats: ready.beats })
    }

    /// Goes on after a grant.
    pub fn granted(&mut self, now: u64, grant: &Grant, activity: &mut Activity) -> Option<Stored> {
        self.waiting = false;
        self.free_at = now + 1;
        let ready = self.ready.pop_front()?;
        let end = grant.start + ready.beats;
        activity.busy_too.push(grant.start, end);
        activity.stall(StallReason::Memory, grant.request.cycle, end + self.latency);
        for cycle in grant.start..end {
            let slot = self.left as usize & (self.leave_times.len() - 1);
            self.leave_times[slot] = cycle;
            self.left += 1;
        }
        Some(Stored {
            bytes: ready.bytes,
            table: ready.table,
            command: ready.command,
            end: ready.last.then_some(end + self.latency),
        })
    }
}

/// The first cycle in which the FIFO has room for its beats up to `completed`, where that is known.
#[inline]
fn room(completed: u64, fifo: u64, left: u64, leave_times: &[u64]) -> Option<u64> {
    let Some(index) = completed.checked_sub(fifo + 1) else { return Some(0) };
    (index < left).then(|| leave_times[index as usize & (leave_times.len() - 1)] + 1)
}

/// When the FIFO has room for each of some beats: first and last known.
struct Rooms {
    first: u64,
    last: u64,
    run: u64,
}

impl Rooms {
    /// The cycle of the first of reads that follow each other cycle by cycle from `from` on, if they do.
    #[inline]
    fn begin(&self, from: u64) -> Option<u64> {
        if self.last <= from {
            // Rooms ascend: all of them are there.
            Some(from)
        } else if self.first >= from && self.last - self.first == self.run - 1 {
            Some(self.first)
        } else {
            None
        }
    }
}

/// The rooms of the `run` beats behind beat `begun`, where they are known and there are any.
#[inline]
fn even_run(begun: u64, run: u64, fifo: u64, left: u64, leave_times: &[u64]) -> Option<Rooms> {
    if run == 0 {
        return None;
    }
    let first = room(begun + 1, fifo, left, leave_times)?;
    let last = room(begun + run, fifo, left, leave_times)?;
    Some(Rooms { first, last, run })
}

impl Reading {
    /// Goes on by `lines` whole lines of the block, not its last.
    fn advance(&mut self, lines: u64, line_bits: u64) {
        self.bits += lines * line_bits;
        self.line += lines;
        if self.line >= self.shape.pixel_lines {
            self.pixel += self.line / self.shape.pixel_lines;
            self.line %= self.shape.pixel_lines;
        }
    }

    /// Bytes of the current block.
    fn bytes(&self) -> u64 {
        match &self.coded {
            Some(coded) => u64::from(coded.blocks[self.block as usize].bytes),
            None => self.shape.raw_bytes,
        }
    }

    /// Begins the current block.
    fn enter(&mut self, bus: u64) {
        self.next = self.external + self.block * self.stride;
        self.end = self.next + self.bytes().next_multiple_of(bus);
        self.cut = 0;
        self.next_beats = 0;
    }

    /// Hands over the block's bursts that `beats` beats complete.
    fn cut_ready(&mut self, ready: &mut VecDeque<Ready>, beats: u64, cycle: u64, (most, bus): (u64, u64)) {
        while self.next < self.end {
            let burst = first_burst(self.next, self.end, most, bus);
            self.next_beats = burst;
            if self.cut + burst > beats {
                return;
            }
            let bytes = (self.bytes() - self.cut * bus).min(burst * bus);
            let (command, address) = (self.command, self.next);
            ready.push_back(Ready {
                command,
                cycle,
                address,
                beats: burst,
                bytes,
                table: false,
                last: false,
            });
            self.cut += burst;
            self.next += burst * bus;
        }
    }

    /// Hands over the burst of the length table that the beats read so far complete.
    fn cut_table(&mut self, ready: &mut VecDeque<Ready>, cycle: u64, (most, bus): (u64, u64)) {
        let used = 2 * self.shape.blocks;
        let beats = first_burst(self.next, self.end, most, bus);
        let before = self.next - self.table_address;
        if self.table_beats * bus < before + beats * bus {
            return;
        }
        let (command, address) = (self.command, self.next);
        let bytes = (used - before).min(beats * bus);
        self.next += beats * bus;
        let last = self.next == self.end;
        ready.push_back(Ready { command, cycle, address, beats, bytes, table: true, last });
    }
}
