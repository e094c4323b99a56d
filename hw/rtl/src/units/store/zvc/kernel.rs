//! What `StoreZvc` does in a cycle.

use super::StoreZvc;
use crate::prelude::*;
use rust_hdl::prelude::*;

impl Logic for StoreZvc {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            count_1,
            count_2,
            code_1,
            code_2,
            code_mask,
            zero,
            marked,
            total,
            marked_bits,
            all_bits,
            length,
            better,
            wait_codes,
            place,
            flush_1,
            group_codes,
            group_valid,
            group_close,
            mask,
            item_valid,
            item_close,
            close_mask,
            close_bits,
            close_valid,
            closing,
            tail_now,
            phase_now
        );
        self.count_1.d.next = self.count.val();
        self.count_2.d.next = self.count_1.q.val();
        self.code_1.d.next = self.code.val();
        self.code_2.d.next = self.code_1.q.val();
        // The count, and which way is shorter.
        self.code_mask.d.next = (self.one.val() << self.bits.val()) - 1;
        self.zero.d.next = self.zero_code.val() & self.code_mask.q.val();
        self.sum[0].next = 0.into();
        for k in 0..self._width {
            self.different[k].next = ((self.line[k].val() & self.code_mask.q.val()) != self.zero.q.val())
                & (self.bytes.val() > k)
                & self.count_2.q.val();
            self.sum[k + 1].next = self.sum[k].val() + self.different[k].val();
        }
        self.marked.d.next = self.sum[self._width].val();
        self.total.d.next = self.total.q.val() + self.marked.q.val();
        if self.clear.val() {
            self.total.d.next = 0.into();
        }
        self.marked_bits.d.next = self.total.q.val() * self.bits.val();
        self.all_bits.d.next = self.marked_bits.q.val() + (((self.codes.val() + self.seven.val()) >> 3) << 3);
        self.coded_length.next = (self.all_bits.q.val() + self.fill.val()) >> self.beat_log2.val();
        self.better.d.next = self.coded_length.val() < self.raw_beats.val();
        self.length.d.next = self.raw_beats.val();
        if self.coded_length.val() < self.raw_beats.val() {
            self.length.d.next = self.coded_length.val();
        }
        self.beats.next = self.length.q.val();
        self.wins.next = self.better.q.val();

        // Eight codes a cycle into the ring.
        self.chunk_codes.next = self.wait_codes.q.val();
        self.wait_codes.d.next = 0.into();
        if self.wait_codes.q.val() > 8 {
            self.chunk_codes.next = 8.into();
            self.wait_codes.d.next = self.wait_codes.q.val() - 8;
        }
        for k in 0..self._wait {
            self.wait[k].clock.next = self.clock.val();
            self.wait[k].d.next = 0.into();
        }
        for k in 8..self._wait {
            self.wait[k - 8].d.next = self.wait[k].q.val();
        }
        if self.code_2.q.val() {
            self.wait_codes.d.next = self.bytes.val();
            for k in 0..self._width {
                self.wait[k].d.next = self.line[k].val();
            }
        }
        for k in 0..8 {
            self.rotate[0].x[k].next = self.wait[k].q.val();
            self.rotate[0].x[k + 8].next = 0.into();
        }
        for i in 0..4 {
            self.rotate[i].turn.next = self.place.q.val().get_bit(i);
        }
        for i in 1..4 {
            for k in 0..16 {
                self.rotate[i].x[k].next = self.rotate[i - 1].y[k].val();
            }
        }
        self.place_next.next = self.place.q.val() + self.chunk_codes.val();
        self.place.d.next = self.place_next.val();
        self.full.next = self.place_next.val().get_bit(3) != self.place.q.val().get_bit(3);
        self.flush_1.d.next = self.flush.val();
        self.flushing.next = self.flush.val() && (bits_w(self.place.q.val(), 3) != 0);
        self.group_valid.d.next = self.full.val() || self.flushing.val();
        self.group_close.d.next = self.flush_1.q.val();
        self.group_codes.d.next = 8.into();
        if self.flushing.val() {
            self.group_codes.d.next = bits_w(self.place.q.val(), 3);
        }
        for k in 0..16 {
            self.ring[k].clock.next = self.clock.val();
            self.merged[k].next = self.ring[k].q.val() | self.rotate[3].y[k].val();
            self.ring[k].d.next = self.merged[k].val();
        }
        for k in 0..8 {
            self.group[k].clock.next = self.clock.val();
            self.group[k].d.next = self.merged[k].val();
            if self.place.q.val().get_bit(3) {
                self.group[k].d.next = self.merged[k + 8].val();
            }
            if self.full.val() || self.flushing.val() {
                if self.place.q.val().get_bit(3) {
                    self.ring[k + 8].d.next = 0.into();
                } else {
                    self.ring[k].d.next = 0.into();
                }
            }
        }
        if self.flush.val() {
            self.place.d.next = 0.into();
        }

        // Marks, and how many codes before each are left out.
        self.zeros[0].next = 0.into();
        self.mask_bits[0].next = 0.into();
        for k in 0..8 {
            self.mark[k].next = ((self.group[k].q.val() & self.code_mask.q.val()) != self.zero.q.val())
                & (self.group_codes.q.val() > k)
                & self.group_valid.q.val();
            self.zeros[k + 1].next = self.zeros[k].val() + 1;
            self.mask_bits[k + 1].next = self.mask_bits[k].val();
            self.item[k].clock.next = self.clock.val();
            self.item[k].d.next = 0.into();
            if self.mark[k].val() {
                self.zeros[k + 1].next = self.zeros[k].val();
                self.mask_bits[k + 1].next = self.mask_bits[k].val() | (self.one.val() << k);
                self.item[k].d.next =
                    (self.group[k].q.val() & self.code_mask.q.val()) | (self.zeros[k].val() << 8);
            }
        }
        self.mask.d.next = self.mask_bits[8].val();
        self.item_valid.d.next = self.group_valid.q.val();
        self.item_close.d.next = self.group_close.q.val();

        // The gaps are closed: by one, by two, by four.
        self.step_1[8].next = 0.into();
        self.step_2[8].next = 0.into();
        self.step_2[9].next = 0.into();
        for k in 8..12 {
            self.step_4[k].next = 0.into();
        }
        for k in 0..8 {
            self.step_1[k].next = self.item[k].q.val();
        }
        for k in 0..8 {
            self.step_2[k].next = 0.into();
            if !self.step_1[k].val().get_bit(8) {
                self.step_2[k].next = self.step_1[k].val();
            }
            if self.step_1[k + 1].val().get_bit(8) {
                self.step_2[k].next = self.step_1[k + 1].val();
            }
        }
        for k in 0..8 {
            self.step_4[k].next = 0.into();
            if !self.step_2[k].val().get_bit(9) {
                self.step_4[k].next = self.step_2[k].val();
            }
            if self.step_2[k + 2].val().get_bit(9) {
                self.step_4[k].next = self.step_2[k + 2].val();
            }
        }
        self.ones[0].next = 0.into();
        for k in 0..8 {
            self.close_codes[k].clock.next = self.clock.val();
            self.close_codes[k].d.next = 0.into();
            if !self.step_4[k].val().get_bit(10) {
                self.close_codes[k].d.next = self.step_4[k].val();
            }
            if self.step_4[k + 4].val().get_bit(10) {
                self.close_codes[k].d.next = self.step_4[k + 4].val();
            }
            self.ones[k + 1].next = self.ones[k].val() + self.mask.q.val().get_bit(k);
        }
        self.close_mask.d.next = self.mask.q.val();
        self.close_bits.d.next = 0.into();
        if self.item_valid.q.val() {
            self.close_bits.d.next = self.ones[8].val() * self.bits.val() + 8;
        }
        self.close_valid.d.next = self.item_valid.q.val();
        self.closing.d.next = self.item_close.q.val();

        // Mask and dense codes, and where they go.
        self.pack.bits.next = self.bits.val();
        self.coded[0].next = self.close_mask.q.val();
        for k in 0..8 {
            self.pack.line[k].next = self.close_codes[k].q.val();
            self.coded[k + 1].next = self.pack.packed[k].val();
        }
        self.valid.next = self.close_valid.q.val() || self.closing.q.val();
        self.end.next = self.phase_now.q.val() + self.close_bits.q.val();
        self.filled.next = self.end.val();
        if self.closing.q.val() {
            self.filled.next = self.end.val() + self.fill.val();
        }
        self.coded_beats.next = self.filled.val() >> self.beat_log2.val();
        self.tail.next = self.tail_now.q.val();
        self.phase.next = self.phase_now.q.val();
        self.tail_now.d.next = self.tail_now.q.val() + (self.filled.val() >> self.beat_log2.val());
        self.phase_now.d.next = self.end.val();
        if self.begin.val() {
            self.tail_now.d.next = self.base.val();
            self.phase_now.d.next = 0.into();
        }
    }
}
