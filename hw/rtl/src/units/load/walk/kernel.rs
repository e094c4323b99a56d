//! What `Walk` does in a cycle.

use super::Walk;
use rust_hdl::prelude::*;

impl Logic for Walk {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, head, tail, open, fresh, pending, bit);
        dff_setup!(self, clock, follows, pixel_ends, left_held, last_held, settled, target_held, line_held);
        dff_setup!(self, clock, line_of_pixel, pixel, block, line_at, pixel_at, block_at);
        self.position.next = self.bit.q.val();
        self.at.next = self.bit.q.val();
        if self.advance.val() {
            self.at.next = self.bit.q.val() + self.consumed.val();
        }

        // Is the next line there? The memories show, in the order of `CONTEXT`: 0 target, 1 line,
        // 2 pixel stride, 3 block stride, 4 last line, 5 last pixel, 6 last block, 7 last bytes,
        // 8 last bits, 9 width, 10 signed, 11 empty, 12 single, 13 zvc, 14 zero code. Whether a line is its
        // pixel's last is known when the line before it goes: the comparison takes too long beside the rest.
        self.ends_pixel.next = self.pixel_ends.q.val();
        if self.fresh.q.val() {
            self.ends_pixel.next = self.memory[12].rdata.val().any();
        }
        self.nearly.next = (self.line_of_pixel.q.val() + 1) == self.memory[4].rdata.val();
        self.ends_block.next = self.ends_pixel.val() & (self.pixel.q.val() == self.memory[5].rdata.val());
        self.empty.next = self.memory[11].rdata.val().any();
        self.ends.next =
            self.empty.val() | (self.ends_block.val() & (self.block.q.val() == self.memory[6].rdata.val()));
        self.bits.next = self.memory[9].rdata.val() << self.line_shift.val();
        self.count.next = self.line_bytes.val();
        if self.ends_pixel.val() {
            self.bits.next = self.memory[8].rdata.val();
            self.count.next = self.memory[7].rdata.val();
        }
        self.end.next = self.bit.q.val() + self.bits.val();
        self.needed.next = (self.bit.q.val() + self.bits.val() + self.round.val()) >> self.beat_shift.val();
        self.round_up.next = (self.at.val() + self.round.val()) >> self.beat_shift.val();
        // Bits that have come beyond the position, less those of the line: the subtrahend comes late.
        self.ahead.next = (self.came.val() << self.beat_shift.val()) - self.bit.q.val();
        self.spare.next = self.ahead.val() - self.bits.val();
        self.coded.next = false;
        self.begin.next = false;
        self.may.next = self.open.q.val();
        for z in 0..self._zvc {
            self.coded.next = self.memory[13 + z].rdata.val().any() & !self.empty.val();
            self.begin.next =
                self.coded.val() & self.there.val() & (self.settled.q.val() == 3) & !self.active.val();
            self.may.next = self.open.q.val() & !self.coded.val() & !self.active.val();
        }
        self.plain.next =
            self.may.val() & (self.empty.val() | !self.spare.val().get_bit(self.sign_bit.val()));
        self.fire.next = self.plain.val() | self.begin.val();
        // The decoder needs some cycles to know what a command's first line takes.
        self.settled.d.next = 0.into();
        if self.open.q.val() & self.coded.val() {
            self.settled.d.next = self.settled.q.val() + (self.settled.q.val() < 3);
        }
        self.go.next = self.plain.val() | self.finish.val();

        // Where the line goes.
        self.here.next = self.line_at.q.val();
        self.pixel_here.next = self.pixel_at.q.val();
        self.block_here.next = self.block_at.q.val();
        if self.fresh.q.val() {
            self.here.next = self.memory[1].rdata.val();
            self.pixel_here.next = self.memory[1].rdata.val();
            self.block_here.next = self.memory[1].rdata.val();
        }
        self.next_pixel.next = self.pixel_here.val() + self.memory[2].rdata.val();
        self.next_block.next = self.block_here.val() + self.memory[3].rdata.val();

        self.waiting.next = self.head.q.val() != self.tail.q.val();
        self.onward.next = self.at.val();
        if self.go.val() {
            self.fresh.d.next = false;
            self.line_at.d.next = self.here.val() + 1;
            self.pixel_at.d.next = self.pixel_here.val();
            self.block_at.d.next = self.block_here.val();
            self.line_of_pixel.d.next = self.line_of_pixel.q.val() + 1;
            self.pixel_ends.d.next = self.nearly.val();
            if !self.empty.val() & !self.coded.val() {
                self.onward.next = self.end.val();
            }
            if self.ends_pixel.val() {
                self.pixel_ends.d.next = self.memory[12].rdata.val().any();
                self.line_of_pixel.d.next = 0.into();
                self.pixel.d.next = self.pixel.q.val() + 1;
                self.line_at.d.next = self.next_pixel.val();
                self.pixel_at.d.next = self.next_pixel.val();
            }
            if self.ends_block.val() {
                self.pixel.d.next = 0.into();
                self.block.d.next = self.block.q.val() + 1;
                self.line_at.d.next = self.next_block.val();
                self.pixel_at.d.next = self.next_block.val();
                self.block_at.d.next = self.next_block.val();
                if self.coded.val() {
                    self.onward.next = self.round_up.val() << self.beat_shift.val();
                } else if !self.empty.val() {
                    self.onward.next = self.needed.val() << self.beat_shift.val();
                }
            }
            if self.ends.val() {
                self.line_of_pixel.d.next = 0.into();
                self.pixel.d.next = 0.into();
                self.block.d.next = 0.into();
            }
        }

        self.bit.d.next = self.onward.val();
        // Beats leave with a plain line, or in the last cycle of one that is decoded.
        self.follows.d.next = !self.active.val() | self.over.val();
        self.left.next = self.left_held.q.val();
        if self.follows.q.val() {
            self.left.next = self.bit.q.val() >> self.beat_shift.val();
        }
        self.left_held.d.next = self.left.val();

        // The next command.
        if self.push.val() {
            self.tail.d.next = self.tail.q.val() + 1;
        }
        for m in 0..self._members {
            self.memory[m].clock.next = self.clock.val();
            self.memory[m].we.next = self.push.val().into();
            self.memory[m].waddr.next = self.tail.q.val();
            self.memory[m].wdata.next = self.context[m].val();
            self.memory[m].re.next = false;
            self.memory[m].raddr.next = self.head.q.val();
        }
        for m in 0..self._operand_members {
            self.operand_memory[m].clock.next = self.clock.val();
            self.operand_memory[m].we.next = self.push.val().into();
            self.operand_memory[m].waddr.next = self.tail.q.val();
            self.operand_memory[m].wdata.next = self.operand_context[m].val();
            self.operand_memory[m].re.next = false;
            self.operand_memory[m].raddr.next = self.head.q.val();
        }
        if !self.open.q.val() | (self.go.val() & self.ends.val()) {
            self.open.d.next = self.waiting.val();
            if self.waiting.val() {
                self.head.d.next = self.head.q.val() + 1;
                self.fresh.d.next = true;
                for m in 0..self._members {
                    self.memory[m].re.next = true;
                }
                for m in 0..self._operand_members {
                    self.operand_memory[m].re.next = true;
                }
            }
        }

        // Counters.
        self.take.next = self.fire.val();
        self.busy.next = self.fire.val() | self.active.val();
        self.waits_memory.next = self.start.val() | self.pending.q.val().any();
        self.pending.d.next = self.pending.q.val() + self.start.val() - (self.go.val() & self.ends.val());
        self.alone.next = (self.pending.q.val() == 1) & !self.active.val();

        // What the decoder is told.
        self.first.next = (self.line_of_pixel.q.val() == 0) & (self.pixel.q.val() == 0);
        self.last_of_block.next = self.ends_block.val();
        self.number.next = self.block.q.val();
        self.command[0].next = self.memory[9].rdata.val();
        self.command[1].next = 0.into();
        self.command[2].next = 0.into();
        self.command[3].next = 0.into();
        for z in 0..self._zvc {
            self.command[1].next = self.memory[14 + z].rdata.val();
            self.command[2].next = self.memory[15 + z].rdata.val();
            self.command[3].next = self.memory[16 + z].rdata.val();
        }
        self.command_signed.next = self.memory[10].rdata.val().any();
        if self.fire.val() {
            self.target_held.d.next = self.memory[0].rdata.val();
            self.line_held.d.next = self.here.val();
        }
        if self.go.val() {
            self.last_held.d.next = self.ends.val();
        }
        self.held_target.next = self.target_held.q.val();
        self.held_line.next = self.line_held.q.val();

        // What goes along with the bytes.
        for i in 0..3 {
            self.valid_at[i].clock.next = self.clock.val();
            self.last_at[i].clock.next = self.clock.val();
            self.signed_at[i].clock.next = self.clock.val();
            self.target_at[i].clock.next = self.clock.val();
            self.address_at[i].clock.next = self.clock.val();
            self.bytes_at[i].clock.next = self.clock.val();
            self.width_at[i].clock.next = self.clock.val();
        }
        self.valid_at[0].d.next = self.plain.val() & !self.empty.val();
        self.last_at[0].d.next =
            (self.plain.val() & self.ends.val()) | (self.over.val() & self.last_held.q.val());
        self.signed_at[0].d.next = self.memory[10].rdata.val().any();
        self.target_at[0].d.next = self.memory[0].rdata.val();
        self.address_at[0].d.next = self.here.val();
        self.bytes_at[0].d.next = self.count.val();
        self.width_at[0].d.next = self.memory[9].rdata.val();
        for i in 1..3 {
            self.valid_at[i].d.next = self.valid_at[i - 1].q.val();
            self.last_at[i].d.next = self.last_at[i - 1].q.val();
            self.signed_at[i].d.next = self.signed_at[i - 1].q.val();
            self.target_at[i].d.next = self.target_at[i - 1].q.val();
            self.address_at[i].d.next = self.address_at[i - 1].q.val();
            self.bytes_at[i].d.next = self.bytes_at[i - 1].q.val();
            self.width_at[i].d.next = self.width_at[i - 1].q.val();
        }
        for n in 0..self._narrow {
            for i in 0..3 {
                self.halves_at[i].clock.next = self.clock.val();
                self.spare_at[i].clock.next = self.clock.val();
            }
            self.halves_at[0].d.next = self.operand_memory[n].rdata.val();
            self.spare_at[0].d.next = 0.into();
            if self.ends_pixel.val() {
                self.spare_at[0].d.next = self.operand_memory[n + 1].rdata.val();
            }
            for i in 1..3 {
                self.halves_at[i].d.next = self.halves_at[i - 1].q.val();
                self.spare_at[i].d.next = self.spare_at[i - 1].q.val();
            }
            self.halves[n].next = self.halves_at[2].q.val();
            self.unused[n].next = self.spare_at[2].q.val();
        }
        self.valid.next = self.valid_at[2].q.val();
        self.last.next = self.last_at[2].q.val();
        self.signed.next = self.signed_at[2].q.val();
        self.target.next = self.target_at[2].q.val();
        self.line.next = self.address_at[2].q.val();
        self.bytes.next = self.bytes_at[2].q.val();
        self.width.next = self.width_at[2].q.val();
    }
}
