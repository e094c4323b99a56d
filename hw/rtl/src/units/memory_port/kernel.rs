//! What the memory port does in a cycle.

use super::MemoryPort;
use rust_hdl::prelude::*;

impl Logic for MemoryPort {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, locked, held, store_next, outstanding, reads, writes, offered, owed);
        for i in 0..4 {
            self.readers[i].clock.next = self.clock.val();
            self.lengths[i].clock.next = self.clock.val();
            self.readers[i].d.next = self.readers[i].q.val();
            self.lengths[i].d.next = self.lengths[i].q.val();
        }

        // The choice. While it is locked no burst is begun, so there is room for it still.
        self.chosen.next = 0.into();
        if !self.request[0].val() {
            self.chosen.next = 1.into();
            if self.request[2].val() & (!self.request[1].val() | self.store_next.q.val()) {
                self.chosen.next = 2.into();
            }
        }
        if self.locked.q.val() {
            self.chosen.next = self.held.q.val();
        }
        self.ask.next = (self.request[0].val() | self.request[1].val() | self.request[2].val())
            & (self.locked.q.val() | ((self.outstanding.q.val() < 4) & !self.halt.val()));
        self.arvalid.next = self.ask.val() & (self.chosen.val() != 2);
        self.awvalid.next = self.ask.val() & (self.chosen.val() == 2);
        // What no program of the compiler asks for must not break the bus either: whole beats, and at least one.
        for i in 0..3 {
            self.place[i].next = (self.address[i].val() >> self.bus_bits.val()) << self.bus_bits.val();
            self.size[i].next = self.beats[i].val() | (self.beats[i].val() == 0);
        }
        self.araddr.next = self.place[0].val();
        self.arlen.next = self.size[0].val() - 1;
        if self.chosen.val() == 1 {
            self.araddr.next = self.place[1].val();
            self.arlen.next = self.size[1].val() - 1;
        }
        self.awaddr.next = self.place[2].val();
        self.awlen.next = self.size[2].val() - 1;
        self.read_granted.next = self.arvalid.val() & self.arready.val();
        self.write_granted.next = self.awvalid.val() & self.awready.val();
        self.grant[0].next = self.read_granted.val() & (self.chosen.val() == 0);
        self.grant[1].next = self.read_granted.val() & (self.chosen.val() == 1);
        self.grant[2].next = self.write_granted.val();
        self.locked.d.next = self.ask.val() & !self.read_granted.val() & !self.write_granted.val();
        self.held.d.next = self.chosen.val();
        if self.grant[1].val() {
            self.store_next.d.next = true;
        }
        if self.grant[2].val() {
            self.store_next.d.next = false;
        }

        // Reads come back in the order of their grants. A beat that nobody asked for is dropped.
        self.rready.next = true;
        self.arrives.next = self.rvalid.val() & (self.reads.q.val() != 0);
        self.fetch_beat.next = self.arrives.val() & (self.readers[0].q.val() == 0);
        self.load_beat.next = self.arrives.val() & (self.readers[0].q.val() == 1);
        self.table_beat.next = self.arrives.val() & (self.readers[0].q.val() == 2);
        self.read_over.next = self.arrives.val() & self.rlast.val();
        self.reader.next = self.chosen.val();
        if (self.chosen.val() == 1) & self.load_table.val() {
            self.reader.next = 2.into();
        }
        if self.read_over.val() {
            for i in 0..3 {
                self.readers[i].d.next = self.readers[i + 1].q.val();
            }
        }
        self.read_tail.next = self.reads.q.val() - self.read_over.val();
        self.reads.d.next = self.read_tail.val() + self.read_granted.val();
        if self.read_granted.val() {
            for i in 0..4 {
                if self.read_tail.val() == i {
                    self.readers[i].d.next = self.reader.val();
                }
            }
        }

        // Writes go out in the order in which their addresses are shown. Whether an address is taken does
        // not matter to its data: a slave may want the data first, or both together.
        self.write_shown.next = self.awvalid.val() & !self.offered.q.val();
        self.offered.d.next = self.awvalid.val() & !self.write_granted.val();
        self.bready.next = true;
        self.answered.next = self.bvalid.val() & (self.owed.q.val() != 0);
        self.store_response.next = self.answered.val();
        self.owed.d.next = self.owed.q.val() + self.write_shown.val() - self.answered.val();
        self.wvalid.next = self.writes.q.val() != 0;
        self.wlast.next = self.lengths[0].q.val() == 1;
        self.store_taken.next = self.wvalid.val() & self.wready.val();
        self.write_over.next = self.store_taken.val() & self.wlast.val();
        if self.store_taken.val() {
            self.lengths[0].d.next = self.lengths[0].q.val() - 1;
        }
        if self.write_over.val() {
            for i in 0..3 {
                self.lengths[i].d.next = self.lengths[i + 1].q.val();
            }
        }
        self.write_tail.next = self.writes.q.val() - self.write_over.val();
        self.writes.d.next = self.write_tail.val() + self.write_shown.val();
        if self.write_shown.val() {
            for i in 0..4 {
                if self.write_tail.val() == i {
                    self.lengths[i].d.next = self.size[2].val();
                }
            }
        }
        self.outstanding.d.next = self.outstanding.q.val() + self.read_granted.val() + self.write_shown.val()
            - self.read_over.val()
            - self.write_over.val();
        self.quiet.next = !self.locked.q.val() & (self.outstanding.q.val() == 0) & (self.owed.q.val() == 0);

        // What the answers say; EXOKAY (1) is none that was asked for, and no error.
        self.slave_error.next =
            (self.arrives.val() & (self.rresp.val() == 2)) | (self.answered.val() & (self.bresp.val() == 2));
        self.decode_error.next =
            (self.arrives.val() & (self.rresp.val() == 3)) | (self.answered.val() & (self.bresp.val() == 3));
        for i in 0..self._words {
            self.beat[i].next = self.rdata[i].val();
            self.wdata[i].next = self.store_beat[i].val();
        }
    }
}
