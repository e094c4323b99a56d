//! The request side: cuts blocks into bursts and asks for them.

use super::beats::{beat_counter_bits, position_bits};
use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Request side of a load: blocks in order, cut into bursts, each asked for when the FIFO has room.
    ///
    /// While one burst waits for its grant, the next one is cut, so that it can be asked for in the cycle
    /// after the grant.
    #[derive(LogicBlock)]
    pub struct Ask {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a command starts
        pub start: Signal<In, Bit>,
        /// its size is known
        pub sized: Signal<In, Bit>,
        /// its setup is over
        pub set: Signal<In, Bit>,
        /// it has no lines
        pub empty: Signal<In, Bit>,
        /// beats of a block
        pub block_beats: Sig,
        /// byte address of block 0
        pub base: Sig,
        /// bytes from a block to the next
        pub stride: Sig,
        /// blocks
        pub blocks: Sig,
        /// where the write side reads: what is before has left the FIFO
        pub at: Sig,
        /// the next command may start
        pub ready: Signal<Out, Bit>,
        /// a burst is asked for
        pub request: Signal<Out, Bit>,
        /// its byte address
        pub address: Sig,
        /// its beats
        pub beats: Sig,
        /// it is granted
        pub grant: Signal<In, Bit>,
        active: State<Bit>,
        /// there is more to cut
        more: State<Bit>,
        next: Reg,
        next_block: Reg,
        left: Reg,
        block: Reg,
        cut: State<Bit>,
        length: Reg,
        asking: State<Bit>,
        last: State<Bit>,
        request_address: Reg,
        request_beats: Reg,
        asked: Reg,
        left_fifo: Sig,
        held: Sig,
        /// beats up to the next page
        page: Sig,
        ends_block: Signal<Local, Bit>,
        take: Signal<Local, Bit>,
        most: Const,
        page_mask: Const,
        page_beats: Const,
        bus_shift: Const,
        position_shift: Const,
        fifo: Const
    }
}

impl Ask {
    /// The request side of a design.
    #[must_use]
    pub fn new(shape: &Shape) -> Ask {
        let Shape { bus, burst_beats, load_fifo_beats, .. } = *shape;
        let counter = u(beat_counter_bits(shape));
        Ask {
            name: Named::of(
                format!("load_ask_bus{bus}_burst{burst_beats}_fifo{load_fifo_beats}"),
                &Ask::DOCS,
            ),
            clock: Signal::default(),
            start: Signal::default(),
            sized: Signal::default(),
            set: Signal::default(),
            empty: Signal::default(),
            block_beats: Sig::input(u(32)),
            base: Sig::input(u(32)),
            stride: Sig::input(u(32)),
            blocks: Sig::input(u(16)),
            at: Sig::input(u(position_bits(shape))),
            ready: Signal::default(),
            request: Signal::default(),
            address: Sig::output(u(32)),
            beats: Sig::output(u(9)),
            grant: Signal::default(),
            active: State::default(),
            more: State::default(),
            next: Reg::new(u(32)),
            next_block: Reg::new(u(32)),
            left: Reg::new(u(32)),
            block: Reg::new(u(16)),
            cut: State::default(),
            length: Reg::new(u(9)),
            asking: State::default(),
            last: State::default(),
            request_address: Reg::new(u(32)),
            request_beats: Reg::new(u(9)),
            asked: Reg::new(counter),
            left_fifo: Sig::local(counter),
            held: Sig::local(counter),
            page: Sig::local(u(11)),
            ends_block: Signal::default(),
            take: Signal::default(),
            most: Const::new(burst_beats),
            page_mask: Const::new(4096 / bus - 1),
            page_beats: Const::new(4096 / bus),
            bus_shift: Const::new(clog2(bus)),
            position_shift: Const::new(clog2(8 * bus)),
            fifo: Const::new(load_fifo_beats),
        }
    }
}

impl Logic for Ask {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, active, more, cut, asking, last);
        dff_setup!(self, clock, next, next_block, left, block, length, request_address, request_beats, asked);
        self.ready.next = !self.active.q.val();
        self.request.next = self.asking.q.val();
        self.address.next = self.request_address.q.val();
        self.beats.next = self.request_beats.q.val();

        self.left_fifo.next = self.at.val() >> self.position_shift.val();
        self.held.next = self.asked.q.val() - self.left_fifo.val();
        self.take.next = self.cut.q.val()
            & !self.asking.q.val()
            & ((self.held.val() + self.length.q.val()) <= self.fifo.val());
        self.ends_block.next = self.left.q.val() == self.length.q.val();

        // The next burst: as long as block, page and port allow.
        self.page.next =
            self.page_beats.val() - ((self.next.q.val() >> self.bus_shift.val()) & self.page_mask.val());
        if self.more.q.val() & !self.cut.q.val() {
            self.cut.d.next = true;
            self.length.d.next = self.most.val();
            if self.page.val() < self.most.val() {
                self.length.d.next = self.page.val();
            }
            if (self.left.q.val() <= self.most.val()) & (self.left.q.val() <= self.page.val()) {
                self.length.d.next = self.left.q.val();
            }
        }
        if self.take.val() {
            self.cut.d.next = false;
            self.asking.d.next = true;
            self.request_address.d.next = self.next.q.val();
            self.request_beats.d.next = self.length.q.val();
            self.asked.d.next = self.asked.q.val() + self.length.q.val();
            self.next.d.next = self.next.q.val() + (self.length.q.val() << self.bus_shift.val());
            self.left.d.next = self.left.q.val() - self.length.q.val();
            self.last.d.next = false;
            if self.ends_block.val() {
                self.next.d.next = self.next_block.q.val();
                self.next_block.d.next = self.next_block.q.val() + self.stride.val();
                self.left.d.next = self.block_beats.val();
                self.block.d.next = self.block.q.val() + 1;
                if self.block.q.val() + 1 == self.blocks.val() {
                    self.last.d.next = true;
                    self.more.d.next = false;
                }
            }
        }
        if self.grant.val() {
            self.asking.d.next = false;
            if self.last.q.val() {
                self.active.d.next = false;
            }
        }
        if self.start.val() {
            self.active.d.next = true;
        }
        if self.sized.val() {
            self.next.d.next = self.base.val();
            self.next_block.d.next = self.base.val() + self.stride.val();
            self.left.d.next = self.block_beats.val();
            self.block.d.next = 0.into();
            self.more.d.next = !self.empty.val();
        }
        if self.set.val() & self.empty.val() {
            self.active.d.next = false;
        }
    }
}
