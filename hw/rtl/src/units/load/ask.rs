//! The request side: cuts blocks into bursts and asks for them.

use super::beats::beat_counter_bits;
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
        /// beats that have left the FIFO
        pub left_fifo: Sig,
        /// the codec is `zvc`
        pub zvc: Signal<In, Bit>,
        /// byte address of the length table
        pub table: Sig,
        /// the table's buffer is free
        pub alone: Signal<In, Bit>,
        /// beats of the table that have come
        pub table_came: Sig,
        /// entry of the table that is wanted
        pub number: Sig,
        /// the entry, a cycle later
        pub entry: Sig,
        /// the burst is for the length table
        pub load_table: Signal<Out, Bit>,
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
        held: Sig,
        /// the table is asked for
        tabling: State<Bit>,
        /// it is not there yet
        awaiting: State<Bit>,
        arrived: State<Bit>,
        asking_table: State<Bit>,
        lookup: Reg,
        table_beats: Sig,
        next_beats: Sig,
        /// beats up to the next page
        page: Sig,
        ends_block: Signal<Local, Bit>,
        take: Signal<Local, Bit>,
        most: Const,
        page_mask: Const,
        page_beats: Const,
        bus_shift: Const,
        entry_shift: Const,
        entry_round: Const,
        fifo: Const,
        _zvc: usize
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
                format!(
                    "load_ask_bus{bus}_burst{burst_beats}_fifo{load_fifo_beats}{}",
                    if shape.zvc { "_zvc" } else { "" }
                ),
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
            left_fifo: Sig::input(counter),
            zvc: Signal::default(),
            table: Sig::input(u(32)),
            alone: Signal::default(),
            table_came: Sig::input(u(7)),
            number: Sig::output(u(7)),
            entry: Sig::input(u(16)),
            load_table: Signal::default(),
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
            tabling: State::default(),
            awaiting: State::default(),
            arrived: State::default(),
            asking_table: State::default(),
            lookup: Reg::new(u(7)),
            table_beats: Sig::local(u(7)),
            next_beats: Sig::local(u(32)),
            entry_shift: Const::new(clog2(bus / 2)),
            entry_round: Const::new(bus / 2 - 1),
            _zvc: usize::from(shape.zvc),
            held: Sig::local(counter),
            page: Sig::local(u(11)),
            ends_block: Signal::default(),
            take: Signal::default(),
            most: Const::new(burst_beats),
            page_mask: Const::new(4096 / bus - 1),
            page_beats: Const::new(4096 / bus),
            bus_shift: Const::new(clog2(bus)),
            fifo: Const::new(load_fifo_beats),
        }
    }
}

impl Logic for Ask {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, tabling, awaiting, arrived, asking_table, lookup);
        dff_setup!(self, clock, active, more, cut, asking, last);
        dff_setup!(self, clock, next, next_block, left, block, length, request_address, request_beats, asked);
        self.ready.next = !self.active.q.val();
        self.request.next = self.asking.q.val();
        self.address.next = self.request_address.q.val();
        self.beats.next = self.request_beats.q.val();

        self.held.next = self.asked.q.val() - self.left_fifo.val();
        self.take.next = self.cut.q.val()
            & !self.asking.q.val()
            & ((self.held.val() + self.length.q.val()) <= self.fifo.val());
        for _z in 0..self._zvc {
            if self.tabling.q.val() {
                self.take.next = self.cut.q.val() & !self.asking.q.val() & self.alone.val();
            }
        }
        // Beats of the next block; of none at all would be a wrong entry.
        self.next_beats.next = self.block_beats.val();
        for _z in 0..self._zvc {
            if self.zvc.val() {
                self.next_beats.next = bits_w(self.entry.val(), 15) | (bits_w(self.entry.val(), 15) == 0);
            }
        }
        self.load_table.next = self.asking_table.q.val();
        self.number.next = self.lookup.q.val();
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
            self.asking_table.d.next = self.tabling.q.val();
            if !self.tabling.q.val() {
                self.asked.d.next = self.asked.q.val() + self.length.q.val();
            }
            self.next.d.next = self.next.q.val() + (self.length.q.val() << self.bus_shift.val());
            self.left.d.next = self.left.q.val() - self.length.q.val();
            self.last.d.next = false;
            if self.ends_block.val() {
                self.next.d.next = self.next_block.q.val();
                self.next_block.d.next = self.next_block.q.val() + self.stride.val();
                self.left.d.next = self.next_beats.val();
                self.lookup.d.next = self.lookup.q.val() + 1;
                self.block.d.next = self.block.q.val() + 1;
                if self.tabling.q.val() {
                    self.tabling.d.next = false;
                    self.awaiting.d.next = true;
                    self.more.d.next = false;
                    self.lookup.d.next = 0.into();
                } else if self.block.q.val() + 1 == self.blocks.val() {
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
        self.table_beats.next = (self.blocks.val() + self.entry_round.val()) >> self.entry_shift.val();
        self.arrived.d.next = self.table_came.val() == self.table_beats.val();
        for _z in 0..self._zvc {
            if self.sized.val() & self.zvc.val() {
                self.next.d.next = self.table.val();
                self.left.d.next = self.table_beats.val();
                self.tabling.d.next = !self.empty.val();
                self.lookup.d.next = 0.into();
            }
            if self.awaiting.q.val() & self.arrived.q.val() {
                self.awaiting.d.next = false;
                self.next.d.next = self.base.val();
                self.next_block.d.next = self.base.val() + self.stride.val();
                self.left.d.next = self.next_beats.val();
                self.block.d.next = 0.into();
                self.lookup.d.next = 1.into();
                self.more.d.next = true;
            }
        }
        if self.set.val() & self.empty.val() {
            self.active.d.next = false;
        }
    }
}
