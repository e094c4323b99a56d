//! What `Groups` does in a cycle.

use super::Groups;
use crate::prelude::*;
use rust_hdl::prelude::*;

impl Logic for Groups {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, phase, step, running, tail, place, column, held, span, live, beats, needed, enough
        );
        dff_setup!(self, clock, marks_1, from_1, span_1, place_1, from_2, span_2, turn_2);
        dff_setup!(self, clock, taken, moves, rest, judged, judged_by);

        // Steps of four cycles, then what the next line's beats take to be known.
        self.decode.next = self.running.q.val() & (self.phase.q.val() == 3);
        self.finish.next = self.tail.q.val() == 1;
        self.over.next = self.tail.q.val() == 3;
        self.active.next = self.running.q.val() | self.tail.q.val().any();
        self.read.next = self.running.q.val() & (self.phase.q.val() == 0);
        if self.running.q.val() {
            self.phase.d.next = self.phase.q.val() + 1;
            if self.phase.q.val() == 3 {
                self.step.d.next = self.step.q.val() + 1;
                if self.step.q.val() + 1 == self.groups.val() {
                    self.running.d.next = false;
                    self.tail.d.next = 1.into();
                }
            }
        }
        if self.tail.q.val().any() {
            self.tail.d.next = self.tail.q.val() + 1;
        }
        if self.begin.val() {
            self.running.d.next = true;
            self.phase.d.next = 1.into();
            self.step.d.next = 0.into();
        }

        // Codes of this step: up to the end of the group or of the line.
        self.to_group.next = self.group.val() - self.place.q.val();
        self.to_line.next = self.count.val() - self.column.q.val();
        self.span.d.next = self.to_group.val();
        if self.to_line.val() < self.to_group.val() {
            self.span.d.next = self.to_line.val();
        }
        self.living.next = 0.into();
        for i in 0..8 {
            if (self.place.q.val() <= i) & ((self.place.q.val() + self.span.q.val()) > i) {
                self.living.next = self.living.val() | self.bit[i].val();
            }
        }
        self.live.d.next = self.living.val();

        // What stands there.
        self.masked.next =
            (self.place.q.val() == 0) & self.span.q.val().any() & !self.entry.val().get_bit(15usize);
        self.skip.next = self.masked.val() & self.active.val();
        self.marks.next = self.held.q.val() & self.live.q.val();
        if self.masked.val() {
            self.marks.next = self.mask.val() & self.live.q.val();
        }
        if self.entry.val().get_bit(15usize) {
            self.marks.next = self.live.q.val();
        }
        self.ones.next = 0.into();
        for i in 0..8 {
            self.ones.next = self.ones.val() + self.marks.val().get_bit(i);
        }
        // The product by its addends: a multiplier of an FPGA takes longer.
        for i in 0..4 {
            self.addend[i].next = 0.into();
            if self.ones.val().get_bit(i) {
                self.addend[i].next = self.width.val() << i;
            }
        }
        self.header.next = 0.into();
        if self.masked.val() {
            self.header.next = 8.into();
        }
        self.taken.d.next = (self.addend[0].val() + self.addend[1].val())
            + (self.addend[2].val() + self.addend[3].val())
            + self.header.val();
        self.moves.d.next = self.decode.val();
        self.advance.next = self.moves.q.val();
        self.consumed.next = self.taken.q.val();
        if self.decode.val() {
            self.place.d.next = self.place.q.val() + self.span.q.val();
            self.column.d.next = self.column.q.val() + self.span.q.val();
            if self.masked.val() {
                self.held.d.next = self.mask.val();
            }
        }
        if self.begin.val() {
            self.column.d.next = 0.into();
            if self.first.val() {
                self.place.d.next = 0.into();
            }
        }

        // Beats of the block: those left behind, and those that the next line may need.
        self.beat_at.next = self.position.val() >> self.beat_shift.val();
        self.beat_after.next = self.at.val() >> self.beat_shift.val();
        self.known.next = self.entry.val();
        if self.moves.q.val() {
            self.beats.d.next = self.beats.q.val() + bits_w(self.beat_after.val() - self.beat_at.val(), 2);
        }
        // The last beats are counted a cycle after the block's end.
        self.judged.d.next = self.finish.val() & self.last.val();
        self.judged_by.d.next = self.known.val();
        self.rest.d.next = (self.at.val() & self.beat_mask.val()).any();
        self.wrong.next =
            self.judged.q.val() & ((self.beats.q.val() + self.rest.q.val()) != self.judged_by.q.val());
        if self.judged.q.val() {
            self.beats.d.next = 0.into();
        }
        self.wanted.next =
            ((self.position.val() & self.beat_mask.val()) + self.most.val() + self.round.val())
                >> self.beat_shift.val();
        self.needed.d.next = self.beat_at.val() + self.wanted.val();
        if (self.beats.q.val() + self.wanted.val()) > self.known.val() {
            self.needed.d.next = self.beat_at.val() + self.known.val() - self.beats.q.val();
        }
        // All beats of the block were taken, and what is left are codes without bits. (Without an entry
        // there is no block yet.)
        self.enough.d.next = (self.known.val() <= self.beats.q.val()) & self.known.val().any();
        if self.known.val() == 0 {
            self.needed.d.next = self.beat_at.val() + 1;
        }
        self.spare.next = self.came.val() - self.needed.q.val();
        self.there.next = self.enough.q.val() | !self.spare.val().get_bit(self.sign_bit.val());

        // Each code to its place: first among the eight of the group,
        self.zero_code.next = self.zero.val();
        for e in 2..8 {
            if self.width.val() == e {
                self.zero_code.next = self.zero.val() & self.keep[e].val();
                if self.signed.val() & self.zero.val().get_bit(e - 1) {
                    self.zero_code.next = self.zero.val() | self.fill[e].val();
                }
            }
        }
        self.marks_1.d.next = self.marks.val();
        self.from_1.d.next = self.column.q.val();
        self.place_1.d.next = self.place.q.val();
        self.span_1.d.next = 0.into();
        if self.decode.val() {
            self.span_1.d.next = self.span.q.val();
        }
        self.rank[0].next = 0.into();
        for i in 1..8 {
            self.rank[i].next = self.rank[i - 1].val() + self.marks_1.q.val().get_bit(i - 1);
        }
        for i in 0..8 {
            self.code_1[i].clock.next = self.clock.val();
            self.code_1[i].d.next = self.code[i].val();
            self.unpacked[i].next = self.zero_code.val();
            if self.marks_1.q.val().get_bit(i) {
                for k in 0..8 {
                    if self.rank[i].val() == k {
                        self.unpacked[i].next = self.code_1[k].q.val();
                    }
                }
            }
            self.value_2[i].clock.next = self.clock.val();
            self.value_2[i].d.next = self.unpacked[i].val();
        }
        // then in the line.
        self.from_2.d.next = self.from_1.q.val();
        self.span_2.d.next = self.span_1.q.val();
        self.turn_2.d.next = self.place_1.q.val() - self.from_1.q.val();
        self.enables.next = 0.into();
        for b in 0..self._line {
            self.value[b].next = self.value_2[0].q.val();
            for k in 1..8 {
                if ((self.turn_2.q.val() + b) & 7) == k {
                    self.value[b].next = self.value_2[k].q.val();
                }
            }
            if (self.from_2.q.val() <= b) & ((self.from_2.q.val() + self.span_2.q.val()) > b) {
                self.enables.next = self.enables.val() | self.bit[b].val();
            }
        }
    }
}
