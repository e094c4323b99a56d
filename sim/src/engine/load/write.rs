//! The load's write side: lines of the beats that have been granted.

use bitgauge_arch::timing::UNPACK_LATENCY;

use super::{Load, Writing};
use crate::engine::fifo::Fifo;
use crate::engine::intervals::Activity;
use crate::result::StallReason;

/// The beats that have been granted: all before `granted`; the last burst's come from `start` on, from beat
/// `first` on.
#[derive(Clone, Copy)]
struct Came {
    first: u64,
    start: u64,
    granted: u64,
}

impl Load {
    /// Writes all lines whose beats have been granted; the last burst starts with beat `first` in cycle
    /// `start`.
    #[inline]
    pub(super) fn write(
        &mut self,
        first: u64,
        start: u64,
        activity: &mut Activity,
        ended: &mut Vec<(u32, u64)>,
    ) {
        let came = Came { first, start, granted: self.asked };
        let shift = (8 * self.bus).trailing_zeros();
        while let Some(job) = self.writing.front_mut() {
            while job.run(came, shift, &mut self.next_write, &mut self.fifo, activity)
                || job.one(came, shift, &mut self.next_write, &mut self.fifo, activity)
            {
                if job.lines_left == 0 && job.next_block(shift) {
                    break;
                }
                if job.is_level(came.granted, shift) {
                    return;
                }
            }
            if job.lines_left > 0 {
                return;
            }
            let last = self.next_write - job.shape.cycles_per_line;
            activity.stall(StallReason::Memory, job.start, last + 1);
            ended.push((job.command, self.next_write - 1 + UNPACK_LATENCY));
            self.writing.pop_front();
        }
    }
}

impl Writing {
    /// Writes some lines together, if there are any that follow each other evenly.
    #[inline]
    fn run(
        &mut self,
        came: Came,
        shift: u32,
        next_write: &mut u64,
        fifo: &mut Fifo,
        activity: &mut Activity,
    ) -> bool {
        let Some(power) = self.whole.filter(|_| self.bits & ((1 << shift) - 1) == 0) else { return false };
        let beats = 1 << power;
        let begun = self.base + (self.bits >> shift);
        let lines = ((came.granted - begun) >> power).min(self.alike());
        let seen = came.start + (begun + beats).saturating_sub(came.first);
        let cycle = seen.max(*next_write).max(self.start + 1);
        // Lines of one beat follow each other however late they are; longer ones catch up.
        if lines == 0 || begun + beats <= came.first || (power > 0 && cycle != seen) {
            return false;
        }
        fifo.leave(begun + (lines << power), cycle, beats);
        *next_write = cycle + ((lines - 1) << power) + 1;
        activity.busy.push_comb(cycle, 1, beats, lines);
        self.advance(lines);
        true
    }

    /// Writes a line, if all its beats have been granted.
    #[inline]
    fn one(
        &mut self,
        came: Came,
        shift: u32,
        next_write: &mut u64,
        fifo: &mut Fifo,
        activity: &mut Activity,
    ) -> bool {
        let round = |bits: u64| (bits + (1 << shift) - 1) >> shift;
        let last_of_pixel = self.line + 1 == self.shape.pixel_lines;
        let (bits, needed) = if let Some(coded) = &self.coded {
            let most = round(self.bits + self.shape.most_line_bits);
            (u64::from(coded.line_bits[self.written]), most.min(self.block_beats))
        } else {
            let bits = self.bits + if last_of_pixel { self.last_bits } else { self.line_bits };
            (bits, round(bits))
        };
        let needed = self.base + needed;
        if needed > came.granted {
            return false;
        }
        let seen = if needed > came.first { came.start + needed - came.first } else { 0 };
        let cycle = seen.max(*next_write).max(self.start + 1);
        let cycles = self.shape.cycles_per_line;
        *next_write = cycle + cycles;
        activity.busy.push(cycle, cycle + cycles);
        self.bits = bits;
        self.written += 1;
        self.lines_left -= 1;
        self.line = if last_of_pixel { 0 } else { self.line + 1 };
        let left = self.base + if self.lines_left == 0 { self.block_beats } else { bits >> shift };
        if fifo.left < left {
            fifo.leave(left, cycle + cycles - 1, left - fifo.left);
        }
        true
    }

    /// The next lines of the block that have as many bits as this one.
    #[inline]
    fn alike(&self) -> u64 {
        if self.line_bits == self.last_bits {
            self.lines_left
        } else {
            self.shape.pixel_lines - 1 - self.line
        }
    }

    /// Goes on by `lines` lines that are alike.
    #[inline]
    pub(in crate::engine) fn advance(&mut self, lines: u64) {
        self.bits += lines * self.line_bits;
        self.lines_left -= lines;
        // Where all lines are alike, it does not matter which of a pixel's is the next.
        if self.line_bits != self.last_bits {
            self.line += lines;
        }
    }

    /// Goes on to the next block. Whether there is none.
    #[inline]
    fn next_block(&mut self, shift: u32) -> bool {
        self.block += 1;
        if self.block == self.shape.blocks {
            return true;
        }
        self.base += self.block_beats;
        self.bits = 0;
        self.line = 0;
        self.lines_left = self.shape.pixels * self.shape.pixel_lines;
        if self.coded.is_some() {
            self.block_beats = self.beats_of(self.block, (1 << shift) / 8);
        }
        false
    }

    /// Whether all beats granted so far are written, and nothing but more of them is waited for.
    #[inline]
    fn is_level(&self, granted: u64, shift: u32) -> bool {
        let beats = self.base + (self.bits >> shift);
        self.whole.is_some() && beats == granted && self.bits & ((1 << shift) - 1) == 0
    }

    /// Whether all beats granted so far, `asked` of them, are written, in lines of `together` beats.
    pub(in crate::engine) fn is_in_step(&self, asked: u64, together: u64, shift: u32) -> bool {
        let even = self.line_bits == self.last_bits;
        even && self.whole.is_some_and(|power| 1 << power == together) && self.is_level(asked, shift)
    }

    pub(super) fn beats_of(&self, block: u64, bus: u64) -> u64 {
        match &self.coded {
            Some(coded) => u64::from(coded.blocks[block as usize].beats),
            None => self.shape.raw_bytes.div_ceil(bus),
        }
    }
}
