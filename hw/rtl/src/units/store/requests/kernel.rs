//! What `StoreRequests` does in a cycle.

use super::StoreRequests;
use rust_hdl::prelude::*;

impl Logic for StoreRequests {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            fresh,
            multiply,
            push,
            seen,
            area,
            width,
            volume,
            write,
            read,
            waiting,
            loaded,
            at,
            left,
            raw,
            base,
            next_base,
            step,
            blocks_left,
            final_entry,
            known,
            length,
            ends_block,
            ends_command,
            available,
            requested,
            requested_address,
            requested_beats
        );
        // All beats of the burst are here.
        self.asking.next = self.known.q.val()
            && !self.requested.q.val()
            && self.open.val()
            && (self.length.q.val() <= self.available.q.val());
        self.take.next = (self.waiting.q.val() != 0)
            && (!self.loaded.q.val() || (self.asking.val() && self.ends_command.q.val()));

        self.read_next.next = self.read.q.val() + self.take.val();

        // Beats of a block, and the command into the queue.
        self.fresh.d.next = self.start.val();
        self.multiply.d.next = self.fresh.q.val() && !self.empty.val();
        self.push.d.next = self.multiply.q.val() && !self.zvc.val();
        self.pushing.next = self.push.q.val() || self.block.val();
        self.seen.d.next = self.pushing.val();
        self.area.d.next = self.pixels.val() * self.pixel_bytes.val();
        self.width.d.next = self.bits.val();
        self.volume.d.next = self.area.q.val() * self.width.q.val();
        self.block_beats.next = (self.volume.q.val() + self.fill.val()) >> self.beat_log2.val();
        self.codes.next = self.area.q.val();
        self.raw_beats.next = self.block_beats.val();
        self.place.next = (self.stride.val() << 32) | self.external.val();
        self.size.next = (self.one.val() << 47) | (self.block_beats.val() << 16) | self.blocks.val();
        if self.block.val() {
            self.place.next = self.block_address.val();
            self.size.next = (self.coded_beats.val() << 16) | 1;
            if self.block_last.val() {
                self.size.next = (self.one.val() << 47) | (self.coded_beats.val() << 16) | 1;
            }
        }
        self.places.clock.next = self.clock.val();
        self.places.we.next = self.pushing.val().into();
        self.places.waddr.next = self.write.q.val();
        self.places.wdata.next = self.place.val();
        self.places.re.next = true;
        self.places.raddr.next = self.read_next.val();
        self.sizes.clock.next = self.clock.val();
        self.sizes.we.next = self.pushing.val().into();
        self.sizes.waddr.next = self.write.q.val();
        self.sizes.wdata.next = self.size.val();
        self.sizes.re.next = true;
        self.sizes.raddr.next = self.read_next.val();
        self.write.d.next = self.write.q.val() + self.pushing.val();
        self.read.d.next = self.read_next.val();
        self.waiting.d.next = self.waiting.q.val() + self.seen.q.val() - self.take.val();

        // The next burst's length.
        self.page_left.next =
            (self.page.val() - (self.at.q.val() & self.page_mask.val())) >> self.bus_log2.val();
        self.piece.next = self.most.val();
        if self.page_left.val() < self.most.val() {
            self.piece.next = self.page_left.val();
        }
        self.next_base.d.next = self.base.q.val() + self.step.q.val();
        if !self.known.q.val() {
            self.known.d.next = self.loaded.q.val();
            self.length.d.next = self.piece.val();
            self.ends_block.d.next = false;
            self.ends_command.d.next = false;
            if self.left.q.val() <= self.piece.val() {
                self.length.d.next = self.left.q.val();
                self.ends_block.d.next = true;
                self.ends_command.d.next = self.blocks_left.q.val() == 1;
            }
        }

        // The burst is asked for.
        self.ask.next = self.asking.val();
        self.ask_last.next = self.ends_command.q.val() && self.final_entry.q.val();
        self.asked.next = 0.into();
        if self.grant.val() {
            self.requested.d.next = false;
        }
        if self.asking.val() {
            self.asked.next = self.length.q.val();
            self.requested.d.next = true;
            self.requested_address.d.next = self.at.q.val();
            self.requested_beats.d.next = self.length.q.val();
            self.known.d.next = false;
            self.at.d.next = self.at.q.val() + (self.length.q.val() << self.bus_log2.val());
            self.left.d.next = self.left.q.val() - self.length.q.val();
            if self.ends_block.q.val() {
                self.at.d.next = self.next_base.q.val();
                self.left.d.next = self.raw.q.val();
                self.base.d.next = self.next_base.q.val();
                self.blocks_left.d.next = self.blocks_left.q.val() - 1;
            }
            if self.ends_command.q.val() {
                self.loaded.d.next = false;
            }
        }
        self.available.d.next = self.available.q.val() + self.arrived.val() - self.asked.val();
        if self.block_in.val() {
            self.available.d.next = self.available.q.val() + self.block_in_beats.val() - self.asked.val();
        }
        if self.take.val() {
            self.loaded.d.next = true;
            self.at.d.next = self.places.rdata.val();
            self.base.d.next = self.places.rdata.val();
            self.step.d.next = self.places.rdata.val() >> 32;
            self.left.d.next = self.sizes.rdata.val() >> 16;
            self.raw.d.next = self.sizes.rdata.val() >> 16;
            self.blocks_left.d.next = self.sizes.rdata.val();
            self.final_entry.d.next = self.sizes.rdata.val().get_bit(47);
        }
        self.request.next = self.requested.q.val();
        self.address.next = self.requested_address.q.val();
        self.beats.next = self.requested_beats.q.val();
    }
}
