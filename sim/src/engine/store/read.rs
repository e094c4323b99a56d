//! The store's read side: lines read as far as the FIFO's room is known.

use std::collections::VecDeque;

use bitgauge_arch::timing::{STORE_READ_LATENCY, STORE_ZVC_CHOICE, STORE_ZVC_LATENCY};

use super::{Reading, Ready, Store};
use crate::engine::intervals::Activity;
use crate::engine::memory::first_burst;

impl Store {
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
        // Where whole lines are so many whole beats, the lines of a burst are read together.
        let beats = job.line_bits >> shift;
        let whole = cycles == 1 && beats > 0 && beats << shift == job.line_bits;
        loop {
            if whole && job.bits & (beat_bits - 1) == 0 {
                let begun = job.bits >> shift;
                // The line that completes the burst is left to the general way, and a pixel's shorter last line.
                let left = (job.cut + job.next_beats).saturating_sub(begun + 1);
                let mut run = if beats == 1 { left } else { left / beats };
                if job.line_bits != job.last_bits {
                    run = run.min(job.shape.pixel_lines - 1 - job.line);
                }
                let rooms = even_run(job.base + begun, run, beats, self.fifo, self.left, &self.leave_times);
                if let Some((cycle, apart)) = rooms.and_then(|rooms| rooms.begin(self.next_read)) {
                    activity.busy.push_comb(cycle, 1, apart, run);
                    self.next_read = cycle + (run - 1) * apart + 1;
                    self.completed = job.base + begun + run * beats;
                    job.advance(run, job.line_bits);
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
}

/// The first cycle in which the FIFO has room for its beats up to `completed`, where that is known.
#[inline]
fn room(completed: u64, fifo: u64, left: u64, leave_times: &[u64]) -> Option<u64> {
    let Some(index) = completed.checked_sub(fifo + 1) else { return Some(0) };
    (index < left).then(|| leave_times[index as usize & (leave_times.len() - 1)] + 1)
}

/// When the FIFO has room for each of some lines: first and last known.
struct Rooms {
    first: u64,
    last: u64,
    run: u64,
    beats: u64,
}

impl Rooms {
    /// The cycle of the first of reads that follow each other evenly from `from` on, if they do, and the cycles
    /// from one to the next.
    #[inline]
    fn begin(&self, from: u64) -> Option<(u64, u64)> {
        if self.last <= from {
            // Rooms ascend: all of them are there.
            Some((from, 1))
        } else if self.first >= from && self.last - self.first == (self.run - 1) * self.beats {
            // At most a beat leaves in a cycle, so here one leaves in each.
            Some((self.first, self.beats))
        } else {
            None
        }
    }
}

/// The rooms of the `run` lines of `beats` beats behind beat `begun`, where they are known and there are any.
#[inline]
fn even_run(begun: u64, run: u64, beats: u64, fifo: u64, left: u64, leave_times: &[u64]) -> Option<Rooms> {
    if run == 0 {
        return None;
    }
    let first = room(begun + beats, fifo, left, leave_times)?;
    let last = room(begun + run * beats, fifo, left, leave_times)?;
    Some(Rooms { first, last, run, beats })
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
    pub(super) fn enter(&mut self, bus: u64) {
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
