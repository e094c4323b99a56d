//! What `StoreRead` does in a cycle.

use super::StoreRead;
use rust_hdl::prelude::*;

impl Logic for StoreRead {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            counting,
            reserved,
            settling,
            tabling,
            hold,
            cool,
            codec_cycles,
            place,
            entry_now,
            table_at,
            table_left,
            fresh,
            setup,
            active,
            pixel_more,
            last_bytes,
            last_bits,
            line_now,
            pixel_line,
            block_line,
            lines_more,
            pixels_more,
            blocks_more,
            tail_beat,
            tail_bit,
            room,
            width,
            coded,
            last_filled,
            pixel_ends
        );
        self.fresh.d.next = self.start.val();
        // What every line needs of the fields, decoded once a command.
        self.width.d.next = self.bits.val();
        self.coded.d.next = self.zvc.val();
        self.setup.d.next = self.fresh.q.val() && !self.empty.val();
        self.ready.next =
            !((self.fresh.q.val() && !self.empty.val()) || self.setup.q.val() || self.active.q.val());

        // The three sums are computed beside the choice among them.
        self.last_of_pixel.next = self.pixel_ends.q.val();
        self.last_of_block.next = self.last_of_pixel.val() && (self.pixels_more.q.val() == 0);
        self.sum.next = self.tail_bit.q.val() + (self.width.q.val() << self.line_log2.val());
        self.sum_last.next = self.tail_bit.q.val() + self.last_bits.q.val();
        self.sum_filled.next = self.tail_bit.q.val() + self.last_filled.q.val();
        self.bytes.next = self.line_bytes.val();
        self.filled.next = self.sum.val();
        self.tail_after.next = self.sum.val();
        if self.last_of_pixel.val() {
            self.bytes.next = self.last_bytes.q.val();
            self.filled.next = self.sum_last.val();
            self.tail_after.next = self.sum_last.val();
        }
        if self.last_of_block.val() {
            self.filled.next = self.sum_filled.val();
        }
        self.completed.next = self.filled.val() >> self.beat_log2.val();
        self.coding.next = self.coded.q.val() && !self.counting.q.val() && !self.tabling.q.val();
        self.code_now.next = self.coding.val() && self.wins.val();
        // Bits that the FIFO has room for beyond the unfinished beat, and what of them each kind of line
        // would leave: one subtraction each, beside the choice.
        self.stand.next =
            (self.room.q.val() << self.beat_log2.val()) | (self.tail_bit.q.val() ^ self.beat_mask.val());
        self.left_full.next = self.stand.val() - (self.width.q.val() << self.line_log2.val());
        self.left_last.next = self.stand.val() - self.last_bits.q.val();
        self.left_filled.next = self.stand.val() - self.last_filled.q.val();
        // A coded block takes its room at once, a line of the table that of a beat.
        self.need.next = 0.into();
        if self.tabling.q.val() {
            self.need.next = 1.into();
        } else if !self.counting.q.val() && !self.reserved.q.val() {
            self.need.next = self.length.val();
        }
        self.left_coded.next = self.stand.val() - (self.need.val() << self.beat_log2.val());
        self.left.next = self.left_full.val();
        if self.last_of_pixel.val() {
            self.left.next = self.left_last.val();
        }
        if self.last_of_block.val() {
            self.left.next = self.left_filled.val();
        }
        if self.tabling.q.val() || self.coded.q.val() {
            self.left.next = self.left_coded.val();
        }
        self.room_less.next = self.left.val() >> self.beat_log2.val();
        self.go.next =
            self.active.q.val() && (self.hold.q.val() == 0) && !self.left.val().get_bit(self.room_sign.val());
        self.re.next = self.go.val() && !self.tabling.q.val();
        self.raddr.next = self.line_now.q.val();
        self.tail.next = self.tail_beat.q.val();
        self.phase.next = self.tail_bit.q.val();
        self.bits_now.next = self.width.q.val();
        self.from_table.next = self.tabling.q.val();
        self.table_line.next = self.table_at.q.val();
        self.step.next = self.completed.val();
        self.keep.next = self.go.val();
        if self.tabling.q.val() {
            self.bits_now.next = 8.into();
            self.step.next = 1.into();
            self.bytes.next = self.bus.val();
            if self.table_left.q.val() < self.bus.val() {
                self.bytes.next = self.table_left.q.val();
            }
        } else if self.coded.q.val() && (self.counting.q.val() || self.wins.val()) {
            self.step.next = 0.into();
            self.keep.next = false;
        }
        self.beats.next = self.step.val();
        self.brings.next = self.step.val();
        if self.coding.val() {
            self.brings.next = 0.into();
        }
        if !self.go.val() {
            self.beats.next = 0.into();
            self.brings.next = 0.into();
            self.bytes.next = 0.into();
        }
        self.count.next =
            self.go.val() && self.coded.q.val() && self.counting.q.val() && !self.tabling.q.val();
        self.code.next = self.go.val() && self.code_now.val();
        self.begin.next = self.go.val() && self.coding.val() && !self.reserved.q.val();
        self.busy.next = self.go.val() || (self.cool.q.val() != 0);
        // Beats that leave make room from the next cycle on.
        self.room.d.next = self.room.q.val() + self.taken.val();
        if self.go.val() {
            self.room.d.next = self.room_less.val() + self.taken.val();
        }
        if self.hold.q.val() != 0 {
            self.hold.d.next = self.hold.q.val() - 1;
        }
        if self.cool.q.val() != 0 {
            self.cool.d.next = self.cool.q.val() - 1;
        }
        self.settled.next = self.settling.q.val() && (self.hold.q.val() == 2);
        self.flush.next =
            self.settling.q.val() && self.wins.val() && (self.hold.q.val() == self.flush_at.val());
        self.block_in.next = self.settled.val();
        self.clear.next = self.settled.val() || self.fresh.q.val();
        self.entry.next = self.entry_now.q.val();
        if self.settled.val() {
            self.settling.d.next = false;
            self.entry_now.d.next = self.entry_now.q.val() + 1;
        }
        self.block.next = self.begin.val() || (self.settled.val() && self.tabling.q.val());
        self.block_last.next = self.tabling.q.val();
        self.block_address.next = self.place.q.val();
        self.block_beats.next = self.length.val();
        if self.tabling.q.val() {
            self.block_address.next = self.table.val();
            self.block_beats.next = (self.table_left.q.val() + self.table_fill.val()) >> self.bus_log2.val();
        }

        if self.go.val() && self.tabling.q.val() {
            self.tail_beat.d.next = self.tail_beat.q.val() + 1;
            self.table_at.d.next = self.table_at.q.val() + 1;
            self.table_left.d.next = self.table_left.q.val() - self.bus.val();
            if self.table_left.q.val() <= self.bus.val() {
                self.active.d.next = false;
                self.tabling.d.next = false;
            }
        } else if self.go.val() {
            self.tail_beat.d.next = self.tail_beat.q.val() + self.step.val();
            if !self.coded.q.val() || (self.coding.val() && !self.wins.val()) {
                self.tail_bit.d.next = self.tail_after.val();
            }
            self.lines_more.d.next = self.lines_more.q.val() - 1;
            self.pixel_ends.d.next = self.lines_more.q.val() == 1;
            self.line_now.d.next = self.line_now.q.val() + 1;
            if self.last_of_pixel.val() {
                self.lines_more.d.next = self.pixel_more.q.val();
                self.pixel_ends.d.next = self.pixel_more.q.val() == 0;
                self.pixels_more.d.next = self.pixels_more.q.val() - 1;
                self.line_now.d.next = self.pixel_line.q.val() + self.pixel_stride.val();
                self.pixel_line.d.next = self.pixel_line.q.val() + self.pixel_stride.val();
            }
            if self.coding.val() {
                self.reserved.d.next = true;
                self.hold.d.next = self.codec_cycles.q.val() - 1;
                self.cool.d.next = self.codec_cycles.q.val() - 1;
            }
            if self.last_of_block.val() {
                self.tail_bit.d.next = 0.into();
                self.pixels_more.d.next = self.pixels.val() - 1;
                if self.coded.q.val() && self.counting.q.val() {
                    // The same lines once more.
                    self.counting.d.next = false;
                    self.hold.d.next = self.choice.val();
                    self.line_now.d.next = self.block_line.q.val();
                    self.pixel_line.d.next = self.block_line.q.val();
                } else {
                    self.blocks_more.d.next = self.blocks_more.q.val() - 1;
                    self.line_now.d.next = self.block_line.q.val() + self.block_stride.val();
                    self.pixel_line.d.next = self.block_line.q.val() + self.block_stride.val();
                    self.block_line.d.next = self.block_line.q.val() + self.block_stride.val();
                    self.place.d.next = self.place.q.val() + self.stride.val();
                    if self.blocks_more.q.val() == 0 {
                        self.active.d.next = self.coded.q.val();
                        self.tabling.d.next = self.coded.q.val();
                    }
                    if self.coded.q.val() {
                        self.counting.d.next = true;
                        self.reserved.d.next = false;
                        self.settling.d.next = true;
                        self.hold.d.next = self.codec_cycles.q.val() + self.settle.val();
                        if self.wins.val() {
                            self.tail_beat.d.next = self.tail_beat.q.val() + self.length.val();
                        }
                    }
                }
            }
        }
        if self.fresh.q.val() {
            self.pixel_more.d.next = (self.pixel_bytes.val() - 1) >> self.line_log2.val();
            self.last_bytes.d.next = ((self.pixel_bytes.val() - 1) & self.line_mask.val()) + 1;
            self.line_now.d.next = self.line.val();
            self.pixel_line.d.next = self.line.val();
            self.block_line.d.next = self.line.val();
            self.place.d.next = self.external.val();
            self.entry_now.d.next = 0.into();
            self.table_at.d.next = 0.into();
            self.table_left.d.next = self.blocks.val() << 1;
            self.counting.d.next = true;
            self.reserved.d.next = false;
        }
        if self.setup.q.val() {
            self.active.d.next = true;
            self.codec_cycles.d.next = self.line_cycles.val();
            if self.pixel_more.q.val() == 0 {
                self.codec_cycles.d.next = (self.last_bytes.q.val() + 7) >> 3;
            }
            self.last_bits.d.next = self.last_bytes.q.val() * self.width.q.val();
            self.last_filled.d.next = self.last_bytes.q.val() * self.width.q.val() + self.fill.val();
            self.lines_more.d.next = self.pixel_more.q.val();
            self.pixel_ends.d.next = self.pixel_more.q.val() == 0;
            self.pixels_more.d.next = self.pixels.val() - 1;
            self.blocks_more.d.next = self.blocks.val() - 1;
        }
    }
}
