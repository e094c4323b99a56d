//! What the registers do.

use super::Control;
use rust_hdl::prelude::*;

impl Logic for Control {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, go_r, running, done, ending, restart_r, command_address_r, command_words_r);
        dff_setup!(self, clock, watchdog_r, patience);
        self.bus.clock.next = self.clock.val();
        self.bus.awvalid.next = self.awvalid.val();
        self.awready.next = self.bus.awready.val();
        self.bus.awaddr.next = self.awaddr.val();
        self.bus.wvalid.next = self.wvalid.val();
        self.wready.next = self.bus.wready.val();
        self.bus.wdata.next = self.wdata.val();
        self.bus.wstrb.next = self.wstrb.val();
        self.bvalid.next = self.bus.bvalid.val();
        self.bus.bready.next = self.bready.val();
        self.bus.arvalid.next = self.arvalid.val();
        self.arready.next = self.bus.arready.val();
        self.bus.araddr.next = self.araddr.val();
        self.rvalid.next = self.bus.rvalid.val();
        self.bus.rready.next = self.rready.val();
        self.rdata.next = self.bus.rdata.val();

        self.go_r.d.next = false;
        self.abort.next = false;
        if self.bus.write.val() {
            if (self.bus.write_address.val() == self.offset[self._control_at].val())
                & self.bus.write_mask.val().get_bit(0usize)
            {
                self.go_r.d.next =
                    self.bus.write_data.val().get_bit(0usize) & !self.running.q.val() & !self.go_r.q.val();
                self.abort.next = self.bus.write_data.val().get_bit(1usize);
            }
            if self.bus.write_address.val() == self.offset[self._address_at].val() {
                self.command_address_r.d.next = (self.command_address_r.q.val()
                    & (self.bus.write_mask.val() ^ self.ones.val()))
                    | (self.bus.write_data.val() & self.bus.write_mask.val());
            }
            if self.bus.write_address.val() == self.offset[self._words_at].val() {
                self.command_words_r.d.next = (self.command_words_r.q.val()
                    & (self.bus.write_mask.val() ^ self.ones.val()))
                    | (self.bus.write_data.val() & self.bus.write_mask.val());
            }
            if self.bus.write_address.val() == self.offset[self._watchdog_at].val() {
                self.watchdog_r.d.next = (self.watchdog_r.q.val()
                    & (self.bus.write_mask.val() ^ self.ones.val()))
                    | (self.bus.write_data.val() & self.bus.write_mask.val());
            }
        }
        self.go.next = self.go_r.q.val();
        self.command_address.next = self.command_address_r.q.val();
        self.command_words.next = self.command_words_r.q.val();

        // Why a run cannot go on. The first cause ends it; of what comes after only the bus' answers count,
        // the rest follows from the end.
        self.working.next = self.running.q.val() & !self.ending.q.val();
        self.misaligned.next = (self.command_address_r.q.val() & self.bus_mask.val()).any();
        self.raised[0].next = self.working.val() & self.bad_command.val();
        self.raised[1].next = self.working.val() & self.no_end.val();
        self.raised[2].next = self.working.val() & self.bad_table.val();
        self.raised[3].next = self.running.q.val() & self.slave_error.val();
        self.raised[4].next = self.running.q.val() & self.decode_error.val();
        self.raised[5].next = self.working.val() & (self.patience.q.val() == 1);
        self.raised[6].next = self.working.val() & self.abort.val();
        self.raised[7].next = self.go_r.q.val() & self.misaligned.val();
        self.stops.next = self.working.val() & self.finished.val();
        self.failed.next = false;
        for i in 0..self._causes {
            self.cause[i].clock.next = self.clock.val();
            self.cause[i].d.next = (self.cause[i].q.val() & !self.go_r.q.val()) | self.raised[i].val();
            if self.raised[i].val() {
                self.stops.next = true;
            }
            if self.cause[i].q.val() {
                self.failed.next = true;
            }
        }
        if self.patience.q.val().any() & self.working.val() {
            self.patience.d.next = self.patience.q.val() - 1;
        }

        // The run. It is over when nothing is on its way any more and everything has been reset.
        if self.go_r.q.val() {
            self.running.d.next = true;
            self.done.d.next = false;
            self.patience.d.next = self.watchdog_r.q.val();
        }
        if self.stops.val() {
            self.ending.d.next = true;
        }
        self.halt.next = self.ending.q.val();
        self.restart_r.d.next = self.ending.q.val() & self.quiet.val() & !self.restart_r.q.val();
        self.restart.next = self.restart_r.q.val();
        if self.restart_r.q.val() {
            self.ending.d.next = false;
            self.running.d.next = false;
            self.done.d.next = !self.failed.val();
        }
        self.counters.clock.next = self.clock.val();
        self.counters.clear.next = self.go_r.q.val();
        self.counters.active.next = self.go_r.q.val() | self.working.val();
        for unit in 0..4 {
            self.counters.busy[unit].next = self.busy[unit].val();
            self.counters.token[unit].next = self.token[unit].val();
            self.counters.bank[unit].next = self.bank[unit].val();
        }
        self.counters.load_running.next = self.load_running.val();
        self.counters.store_running.next = self.store_running.val();
        self.counters.load_waits_memory.next = self.load_waits_memory.val();
        self.counters.store_waits_memory.next = self.store_waits_memory.val();
        self.counters.compute_waits_drain.next = self.compute_waits_drain.val();

        // What the registers hold.
        for i in 0..self._registers {
            self.source[i].next = self.constant[i].val();
        }
        if self.running.q.val() {
            self.source[self._status_at].next = 1.into();
        }
        if self.done.q.val() {
            self.source[self._status_at].next = self.source[self._status_at].val() | 2;
        }
        if self.failed.val() {
            self.source[self._status_at].next = self.source[self._status_at].val() | 4;
        }
        for i in 0..self._causes {
            if self.cause[i].q.val() {
                self.source[self._status_at].next =
                    self.source[self._status_at].val() | self.cause_bit[i].val();
            }
        }
        self.source[self._watchdog_at].next = self.watchdog_r.q.val();
        self.source[self._address_at].next = self.command_address_r.q.val();
        self.source[self._words_at].next = self.command_words_r.q.val();
        self.source[self._cycles_at].next = self.counters.cycles.val();
        self.source[self._cycles_at + 1].next = self.counters.cycles.val() >> 32;
        for i in 0..32 {
            self.source[self._units_at + 2 * i].next = self.counters.count[i].val();
            self.source[self._units_at + 2 * i + 1].next = self.counters.count[i].val() >> 32;
        }
        self.found.next = 0.into();
        for i in 0..self._registers {
            self.picked[i].next = 0.into();
            if self.bus.read_address.val() == self.offset[i].val() {
                self.picked[i].next = self.source[i].val();
            }
            self.found.next = self.found.val() | self.picked[i].val();
        }
        self.bus.found.next = self.found.val();
    }
}
