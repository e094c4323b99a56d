//! The store's read side: lines read as far as the FIFO's room is known.

use std::collections::VecDeque;

use bitgauge_arch::timing::{STORE_READ_LATENCY, STORE_ZVC_CHOICE, STORE_ZVC_LATENCY};

use super::{Reading, Ready, Store};
use crate::engine::fifo::Fifo;
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
        let shift = (8 * self.bus).trailing_zeros();
        loop {
            // Lines of whole beats need room for one more at least.
            if job.whole.is_some() && self.completed >= self.fifo.left + self.fifo.size {
                return None;
            }
            if job.bits == 0 {
                let from = self.next_read;
                self.next_read += job.blocks(from, (self.most, self.bus), &mut self.fifo, &mut self.ready);
                activity.busy.push(from, self.next_read);
                self.completed = job.base;
            }
            let cycle = match job.run(shift, self.next_read, &mut self.fifo, activity) {
                Some(last) => last,
                None => job.one(shift, self.next_read, &mut self.fifo, activity)?,
            };
            let beats = if job.lines_left == 0 { job.block_beats } else { job.bits >> shift };
            self.next_read = cycle + job.shape.cycles_per_line;
            self.completed = job.base + beats;
            if beats >= job.cut + job.next_beats {
                job.cut_ready(&mut self.ready, beats, cycle + STORE_READ_LATENCY, (self.most, self.bus));
            }
            if job.lines_left == 0 {
                job.base = self.completed;
                job.block += 1;
                if job.block == job.shape.blocks {
                    if let Some(last) = self.ready.back_mut() {
                        last.last = true;
                    }
                    self.reading = None;
                    return Some(self.next_read);
                }
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
            let (room, _) = self.fifo.room(job.base + beats)?;
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
            let (room, _) = self.fifo.room(self.completed + 1)?;
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

impl Reading {
    /// Reads blocks of a burst each that have room by the time of their turn, but not the command's last block.
    /// Returns the cycles it takes.
    #[inline]
    fn blocks(
        &mut self,
        from: u64,
        (most, bus): (u64, u64),
        fifo: &mut Fifo,
        ready: &mut VecDeque<Ready>,
    ) -> u64 {
        let whole = self.end - self.next;
        if whole > most {
            return 0;
        }
        let every = self.lines_left * self.shape.cycles_per_line;
        let mut blocks = 0;
        while self.block + blocks + 1 < self.shape.blocks
            && 4096 - ((self.next + blocks * self.stride) & 4095) >= whole
            && fifo.has_room(self.base + (blocks + 1) * self.block_beats, from + blocks * every)
        {
            blocks += 1;
        }
        #[cfg(test)]
        {
            let [several, full] = crate::engine::reached::BLOCKS.get();
            let is_full = self.base + (blocks + 1) * self.block_beats > fifo.size + fifo.left;
            crate::engine::reached::BLOCKS
                .set([several + usize::from(blocks > 1), full + usize::from(is_full)]);
        }
        if blocks > 0 {
            ready.push_back(Ready {
                command: self.command,
                cycle: from + every - self.shape.cycles_per_line + STORE_READ_LATENCY,
                address: self.next,
                more: blocks - 1,
                every,
                stride: self.stride,
                beats: self.block_beats,
                bytes: self.bytes(),
                table: false,
                last: false,
            });
            self.base += blocks * self.block_beats;
            self.block += blocks;
            self.enter(bus);
        }
        blocks * every
    }

    /// Reads the lines that follow each other evenly, if there are any, up to the one that completes the next
    /// burst: the cycle of the last.
    #[inline]
    fn run(&mut self, shift: u32, from: u64, fifo: &mut Fifo, activity: &mut Activity) -> Option<u64> {
        let power = self.whole.filter(|_| self.bits & ((1 << shift) - 1) == 0)?;
        let begun = self.bits >> shift;
        let even = self.line_bits == self.last_bits;
        let alike = if even { self.lines_left } else { self.shape.pixel_lines - 1 - self.line };
        let missing = (self.cut + self.next_beats).saturating_sub(begun);
        let lines = ((missing + (1 << power) - 1) >> power).max(1).min(alike);
        if lines == 0 {
            return None;
        }
        let (room, row) = fifo.room(self.base + begun + (1 << power))?;
        let lines = lines.min(1 + ((row - 1) >> power));
        // The read side catches up with room that comes a beat a cycle, if lines are longer: a line at a time.
        let late = room < from && room + ((lines - 1) << power) > from;
        let lines = if late && power > 0 { 1 } else { lines };
        let apart = if room < from { 1 } else { 1 << power };
        let cycle = room.max(from);
        activity.busy.push_comb(cycle, 1, apart, lines);
        self.bits += lines * self.line_bits;
        self.lines_left -= lines;
        // Where all lines are alike, it does not matter which of a pixel's is the next.
        if !even {
            self.line += lines;
        }
        Some(cycle + (lines - 1) * apart)
    }

    /// Reads a line, once there is room: in which cycle.
    fn one(&mut self, shift: u32, from: u64, fifo: &mut Fifo, activity: &mut Activity) -> Option<u64> {
        let last_of_pixel = self.line + 1 == self.shape.pixel_lines;
        let bits = self.bits + if last_of_pixel { self.last_bits } else { self.line_bits };
        let beats = if self.lines_left == 1 { self.block_beats } else { bits >> shift };
        let (room, _) = fifo.room(self.base + beats)?;
        let cycle = room.max(from);
        activity.busy.push(cycle, cycle + self.shape.cycles_per_line);
        self.bits = bits;
        self.lines_left -= 1;
        self.line = if last_of_pixel { 0 } else { self.line + 1 };
        Some(cycle)
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
        let round = |bytes: u64| (bytes + bus - 1) & !(bus - 1);
        self.next = self.external + self.block * self.stride;
        self.end = self.next + round(self.bytes());
        self.block_beats = (self.end - self.next) >> bus.trailing_zeros();
        self.lines_left = self.shape.pixels * self.shape.pixel_lines;
        self.line = 0;
        self.bits = 0;
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
                more: 0,
                every: 0,
                stride: 0,
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
        ready.push_back(Ready {
            command,
            cycle,
            address,
            more: 0,
            every: 0,
            stride: 0,
            beats,
            bytes,
            table: true,
            last,
        });
    }
}
