//! The load's write side: lines of the beats that have been granted.

use bitgauge_arch::timing::UNPACK_LATENCY;

use super::{Leaving, Load, Writing};
use crate::engine::intervals::Activity;
use crate::result::StallReason;

impl Load {
    /// Writes all lines whose beats have been granted; the last burst starts with beat `first` in cycle
    /// `start`.
    pub(super) fn write(
        &mut self,
        first: u64,
        start: u64,
        activity: &mut Activity,
        ended: &mut Vec<(u32, u64)>,
    ) {
        let granted = self.asked;
        let beat_bits = 8 * self.bus;
        let shift = beat_bits.trailing_zeros();
        while let Some(job) = self.writing.front_mut() {
            let cycles = job.shape.cycles_per_line;
            let whole = job.beats_of_lines(shift);
            let even = job.line_bits == job.last_bits;
            loop {
                if let Some(beats) = whole.filter(|_| job.bits & (beat_bits - 1) == 0) {
                    let begun = job.bits >> shift;
                    // The last line of the block, or of a pixel where that is shorter, is left to the general
                    // way.
                    let left = if even {
                        (job.block_beats - begun).saturating_sub(beats)
                    } else {
                        (job.shape.pixel_lines - 1 - job.line) * beats
                    };
                    let next = job.base + begun;
                    let run = (granted - next).min(left);
                    // A division in every burst would show.
                    let run = if beats == 1 { run } else { run / beats };
                    let seen = start + (next + beats).saturating_sub(first);
                    let cycle = self.next_write.max(seen).max(job.start + 1);
                    // Lines of one beat follow each other however late they are; longer ones catch up.
                    if run > 0 && next + beats > first && (beats == 1 || cycle == seen) {
                        let end = next + run * beats;
                        self.leaving.push_back(Leaving { first: next, end, cycle, together: beats });
                        self.left = end;
                        self.next_write = cycle + (run - 1) * beats + 1;
                        activity.busy.push_comb(cycle, 1, beats, run);
                        job.advance(run, job.line_bits);
                    }
                }
                let last_of_pixel = job.line + 1 == job.shape.pixel_lines;
                let last_of_block = last_of_pixel && job.pixel + 1 == job.shape.pixels;
                let bits = match &job.coded {
                    Some(coded) => u64::from(coded.line_bits[job.written]),
                    None => job.bits + if last_of_pixel { job.last_bits } else { job.line_bits },
                };
                let needed = job.base
                    + match &job.coded {
                        Some(_) => {
                            let most = job.bits + job.shape.most_line_bits;
                            ((most + beat_bits - 1) >> shift).min(job.block_beats)
                        }
                        None => (bits + beat_bits - 1) >> shift,
                    };
                if needed > granted {
                    return;
                }
                let seen = if needed > first { start + (needed - 1 - first) + 1 } else { 0 };
                let cycle = self.next_write.max(seen).max(job.start + 1);
                self.next_write = cycle + cycles;
                activity.busy.push(cycle, cycle + cycles);
                let left = job.base + if last_of_block { job.block_beats } else { bits >> shift };
                if self.left < left {
                    let together = left - self.left;
                    let leaving =
                        Leaving { first: self.left, end: left, cycle: cycle + cycles - 1, together };
                    self.leaving.push_back(leaving);
                    self.left = left;
                }
                job.bits = bits;
                job.written += 1;
                job.line += 1;
                if last_of_pixel {
                    job.line = 0;
                    job.pixel += 1;
                }
                if last_of_block {
                    job.pixel = 0;
                    job.bits = 0;
                    job.block += 1;
                    job.base += job.block_beats;
                    if job.block == job.shape.blocks {
                        activity.stall(StallReason::Memory, job.start, cycle + 1);
                        ended.push((job.command, cycle + cycles - 1 + UNPACK_LATENCY));
                        break;
                    }
                    job.block_beats = job.beats_of(job.block, self.bus);
                }
            }
            self.writing.pop_front();
        }
    }
}

impl Writing {
    /// The beats of a line where whole lines are so many whole beats: the lines of a burst are written together
    /// then.
    #[inline]
    fn beats_of_lines(&self, shift: u32) -> Option<u64> {
        let plain = self.coded.is_none() && self.shape.cycles_per_line == 1;
        let beats = self.line_bits >> shift;
        (plain && beats > 0 && beats << shift == self.line_bits).then_some(beats)
    }

    /// Whether all beats granted so far, `asked` of them, are written, in lines of `together` beats.
    pub(in crate::engine) fn is_in_step(&self, asked: u64, together: u64, shift: u32) -> bool {
        let even = self.line_bits == self.last_bits;
        even && self.beats_of_lines(shift) == Some(together) && self.base + (self.bits >> shift) == asked
    }

    /// Goes on by `lines` whole lines of the block, not its last.
    pub(in crate::engine) fn advance(&mut self, lines: u64, line_bits: u64) {
        self.bits += lines * line_bits;
        self.written += lines as usize;
        self.line += lines;
        if self.line >= self.shape.pixel_lines {
            self.pixel += self.line / self.shape.pixel_lines;
            self.line %= self.shape.pixel_lines;
        }
    }

    pub(super) fn beats_of(&self, block: u64, bus: u64) -> u64 {
        match &self.coded {
            Some(coded) => u64::from(coded.blocks[block as usize].beats),
            None => self.shape.raw_bytes.div_ceil(bus),
        }
    }
}
