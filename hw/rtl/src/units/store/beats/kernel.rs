//! What `StoreBeats` does in a cycle.

use super::StoreBeats;
use crate::prelude::*;
use rust_hdl::prelude::*;

impl Logic for StoreBeats {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, keep_1, keep_2, brings_1, brings_2, brings_3, bytes_1, bits_1, beats_1, tail_1,
            phase_1, bytes_2, bits_2, beats_2, tail_2, phase_2, beats_3, tail_3, place_3, head
        );
        self.bytes_1.d.next = self.bytes.val();
        self.bits_1.d.next = self.bits.val();
        self.beats_1.d.next = self.beats.val();
        self.tail_1.d.next = self.tail.val();
        self.phase_1.d.next = self.phase.val();

        // The line is on its way out of the scratchpad.
        self.bytes_2.d.next = self.bytes_1.q.val();
        self.bits_2.d.next = self.bits_1.q.val();
        self.beats_2.d.next = self.beats_1.q.val();
        self.tail_2.d.next = self.tail_1.q.val();
        self.phase_2.d.next = self.phase_1.q.val();

        self.keep_1.d.next = self.keep.val();
        self.keep_2.d.next = self.keep_1.q.val();
        self.brings_1.d.next = self.brings.val();
        self.brings_2.d.next = self.brings_1.q.val();
        self.brings_3.d.next = self.brings_2.q.val();
        self.codes_bytes.next = self.bytes_2.q.val();

        // Dense codes, shifted to their bit of a byte.
        for k in 0..self._width {
            self.line[k].clock.next = self.clock.val();
            self.line[k].d.next = self.rdata[k].val();
            self.masked[k].next = 0.into();
            if self.bytes_2.q.val() > k {
                self.masked[k].next = self.line[k].q.val();
            }
            self.codes[k].next = self.masked[k].val();
        }
        for k in 0..self._kept {
            self.dense[k].next = 0.into();
        }
        if self.keep_2.q.val() {
            for k in 0..self._width {
                self.dense[k].next = self.masked[k].val();
            }
        }
        for p in 0..self._pack {
            self.pack[p].bits.next = self.bits_2.q.val();
            for k in 0..8 {
                self.pack[p].line[k].next = 0.into();
            }
            for k in 0..self._width {
                self.pack[p].line[k].next = self.masked[k].val();
                if self.keep_2.q.val() {
                    self.dense[k].next = self.pack[p].packed[k].val();
                }
            }
        }
        self.kept_beats.next = self.beats_2.q.val();
        self.kept_tail.next = self.tail_2.q.val();
        self.kept_phase.next = self.phase_2.q.val();
        for z in 0..self._zvc {
            if self.coded_valid.val() {
                self.kept_beats.next = self.coded_beats.val();
                self.kept_tail.next = self.coded_tail.val();
                self.kept_phase.next = self.coded_phase.val();
                for k in 0..9 {
                    self.dense[k + z].next = self.coded[k].val();
                }
            }
        }
        for k in 0..self._packed {
            self.packed[k].clock.next = self.clock.val();
            self.packed[k].d.next = 0.into();
        }
        for k in 0..self._kept {
            self.packed[k].d.next = self.dense[k].val();
        }
        for p in 0..self._pack {
            self.packed[p].d.next = self.dense[p].val() << bits_w(self.kept_phase.val(), 3);
            for k in 1..self._kept {
                self.packed[k].d.next = (((self.dense[k].val() << 8) | self.dense[k - 1].val())
                    << bits_w(self.kept_phase.val(), 3))
                    >> 8;
            }
            self.packed[p + self._kept].d.next =
                (self.dense[p + self._kept - 1].val() << bits_w(self.kept_phase.val(), 3)) >> 8;
        }
        self.beats_3.d.next = self.kept_beats.val();
        self.tail_3.d.next = self.kept_tail.val();
        self.place_3.d.next = (self.kept_tail.val() << self.bus_log2.val()) | (self.kept_phase.val() >> 3);

        // Turned to its place in the ring.
        self.ring_place.next = self.place_3.q.val();
        for k in 0..self._ring {
            self.rotate[0].x[k].next = 0.into();
        }
        for k in 0..self._packed {
            self.rotate[0].x[k].next = self.packed[k].q.val();
        }
        for i in 0..self._stages {
            self.rotate[i].turn.next = self.ring_place.val().get_bit(i);
        }
        for i in 1..self._stages {
            for k in 0..self._ring {
                self.rotate[i].x[k].next = self.rotate[i - 1].y[k].val();
            }
        }
        self.arrived.next = self.brings_3.q.val();
        self.bank_number.next = self.tail_3.q.val();
        self.row.next = self.tail_3.q.val() >> self.bank_log2.val();
        self.head_next.next = self.head.q.val() + self.taken.val();
        self.head.d.next = self.head_next.val();
        for b in 0..self._banks {
            self.distance[b].next = self.banks.val() + b - self.bank_number.val();
            self.full[b].next = self.distance[b].val() < self.beats_3.q.val();
            for k in 0..self._bus {
                self.ring[b * self._bus + k].clock.next = self.clock.val();
                self.merged[b * self._bus + k].next = self.ring[b * self._bus + k].q.val()
                    | self.rotate[self._stages - 1].y[b * self._bus + k].val();
                self.ring[b * self._bus + k].d.next = self.merged[b * self._bus + k].val();
                if self.full[b].val() {
                    self.ring[b * self._bus + k].d.next = 0.into();
                }
            }
            for w in 0..self._words {
                self.ram[b * self._words + w].clock.next = self.clock.val();
                self.ram[b * self._words + w].we.next = self.full[b].val().into();
                self.ram[b * self._words + w].waddr.next = self.row.val();
                if self.bank_number.val() > b {
                    self.ram[b * self._words + w].waddr.next = self.row.val() + 1;
                }
                self.ram[b * self._words + w].wdata.next = self.merged[b * self._bus + 4 * w].val()
                    | (self.merged[b * self._bus + 4 * w + 1].val() << 8)
                    | (self.merged[b * self._bus + 4 * w + 2].val() << 16)
                    | (self.merged[b * self._bus + 4 * w + 3].val() << 24);
                self.ram[b * self._words + w].re.next = true;
                self.ram[b * self._words + w].raddr.next = self.head_next.val() >> self.bank_log2.val();
            }
        }
        self.head_bank.next = self.head.q.val();
        for w in 0..self._words {
            self.store_beat[w].next = self.ram[w].rdata.val();
            for b in 1..self._banks {
                if self.head_bank.val() == b {
                    self.store_beat[w].next = self.ram[b * self._words + w].rdata.val();
                }
            }
        }
    }
}
