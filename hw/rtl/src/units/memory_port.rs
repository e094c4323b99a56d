//! The way to external memory: arbiter and AXI4 master.
//!
//! ```text
//!  fetch ──request──┐            ┌── AR (address of a read)
//!  load  ──request──┤  arbiter ──┤
//!  store ──request──┘     │      └── AW (address of a write)
//!                         ├─ order of reads ──── R ── fetch_beat, load_beat, table_beat
//!                         └─ lengths of writes ─ W ── store_taken          B ── store_response
//! ```
//!
//! ```text
//! cycle          q     q+1    q+2
//! request        ____/~~~~~~~\______   made in q: registered at its end
//! arvalid        ____/~~~~~~~\______   the same cycle as the request, where it wins
//! grant          ____/~~~~~~~\______   arvalid and arready; the next request is seen from q+2
//! ```
//!
//! Who is granted when stands in the cycle contract, "External memory". Without a handshake the choice
//! stays, as AXI wants it.

use super::shape::Shape;
use crate::prelude::*;
use rust_hdl::prelude::*;

/// Requesters: fetch, load, store.
pub const REQUESTERS: usize = 3;
/// Bursts that may be granted and not over.
pub const OUTSTANDING: usize = 4;
/// Bits of a burst's length in beats: up to 256.
pub const BEATS_BITS: usize = 9;

documented! {
    /// Arbiter of the external memory and AXI4 master.
    ///
    /// Fetch goes first; load and store alternate when both ask. At most four bursts are granted and not
    /// over; the place of a burst is free in the cycle after its last beat. Reads come back in order (one
    /// ID), and two short queues remember for whom the reads are and how long the writes are.
    #[derive(LogicBlock)]
    pub struct MemoryPort {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// fetch, load, store: a burst is asked for, held until its grant
        pub request: Vec<Signal<In, Bit>>,
        /// byte address of the burst
        pub address: Vec<Sig>,
        /// beats of the burst, 1 to 256
        pub beats: Vec<Sig>,
        /// the load's request is for the length table
        pub load_table: Signal<In, Bit>,
        /// the burst's address is taken in this cycle
        pub grant: Vec<Signal<Out, Bit>>,
        /// words of the beat that arrives
        pub beat: Vec<Sig>,
        /// a beat of the fetch arrives
        pub fetch_beat: Signal<Out, Bit>,
        /// a beat of the load's data arrives
        pub load_beat: Signal<Out, Bit>,
        /// a beat of the load's length table arrives
        pub table_beat: Signal<Out, Bit>,
        /// words of the beat to write next
        pub store_beat: Vec<Sig>,
        /// that beat is taken in this cycle
        pub store_taken: Signal<Out, Bit>,
        /// a write burst is acknowledged
        pub store_response: Signal<Out, Bit>,
        /// AXI4 read address
        pub arvalid: Signal<Out, Bit>,
        /// AXI4 read address
        pub arready: Signal<In, Bit>,
        /// AXI4 read address, bytes
        pub araddr: Sig,
        /// AXI4 read address: beats less one
        pub arlen: Sig,
        /// AXI4 read data
        pub rvalid: Signal<In, Bit>,
        /// AXI4 read data: always taken, room was made before the request
        pub rready: Signal<Out, Bit>,
        /// AXI4 read data, words from the lowest byte up
        pub rdata: Vec<Sig>,
        /// AXI4 read data: last beat of its burst
        pub rlast: Signal<In, Bit>,
        /// AXI4 write address
        pub awvalid: Signal<Out, Bit>,
        /// AXI4 write address
        pub awready: Signal<In, Bit>,
        /// AXI4 write address, bytes
        pub awaddr: Sig,
        /// AXI4 write address: beats less one
        pub awlen: Sig,
        /// AXI4 write data; every byte of a beat is written
        pub wvalid: Signal<Out, Bit>,
        /// AXI4 write data
        pub wready: Signal<In, Bit>,
        /// AXI4 write data, words from the lowest byte up
        pub wdata: Vec<Sig>,
        /// AXI4 write data: last beat of its burst
        pub wlast: Signal<Out, Bit>,
        /// AXI4 write response
        pub bvalid: Signal<In, Bit>,
        /// AXI4 write response: always taken
        pub bready: Signal<Out, Bit>,
        /// the choice was shown and not taken: it stays
        locked: State<Bit>,
        held: Reg,
        /// the store goes first where both ask: the load was granted last
        store_next: State<Bit>,
        outstanding: Reg,
        /// for whom the reads on their way are, the oldest first
        readers: Vec<Reg>,
        reads: Reg,
        /// beats left of the granted writes, the oldest first
        lengths: Vec<Reg>,
        writes: Reg,
        /// whose burst is shown
        chosen: Sig,
        ask: Signal<Local, Bit>,
        read_granted: Signal<Local, Bit>,
        write_granted: Signal<Local, Bit>,
        read_over: Signal<Local, Bit>,
        write_over: Signal<Local, Bit>,
        /// where the next entry of the queue goes
        read_tail: Sig,
        write_tail: Sig,
        /// 0 fetch, 1 load, 2 the load's table
        reader: Sig,
        _words: usize
    }
}

impl MemoryPort {
    /// The port of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> MemoryPort {
        let words = shape.bus / 4;
        let (who, count, beats) = (u(2), u(clog2(OUTSTANDING + 1)), u(BEATS_BITS));
        MemoryPort {
            name: Named::of(format!("memory_port_bus{}", shape.bus), &MemoryPort::DOCS),
            clock: Signal::default(),
            request: vec![Signal::default(); REQUESTERS],
            address: Sig::inputs(u(32), REQUESTERS),
            beats: Sig::inputs(beats, REQUESTERS),
            load_table: Signal::default(),
            grant: vec![Signal::default(); REQUESTERS],
            beat: Sig::outputs(u(32), words),
            fetch_beat: Signal::default(),
            load_beat: Signal::default(),
            table_beat: Signal::default(),
            store_beat: Sig::inputs(u(32), words),
            store_taken: Signal::default(),
            store_response: Signal::default(),
            arvalid: Signal::default(),
            arready: Signal::default(),
            araddr: Sig::output(u(32)),
            arlen: Sig::output(u(8)),
            rvalid: Signal::default(),
            rready: Signal::default(),
            rdata: Sig::inputs(u(32), words),
            rlast: Signal::default(),
            awvalid: Signal::default(),
            awready: Signal::default(),
            awaddr: Sig::output(u(32)),
            awlen: Sig::output(u(8)),
            wvalid: Signal::default(),
            wready: Signal::default(),
            wdata: Sig::outputs(u(32), words),
            wlast: Signal::default(),
            bvalid: Signal::default(),
            bready: Signal::default(),
            locked: State::default(),
            held: Reg::new(who),
            store_next: State::default(),
            outstanding: Reg::new(count),
            readers: Reg::many(who, OUTSTANDING),
            reads: Reg::new(count),
            lengths: Reg::many(beats, OUTSTANDING),
            writes: Reg::new(count),
            chosen: Sig::local(who),
            ask: Signal::default(),
            read_granted: Signal::default(),
            write_granted: Signal::default(),
            read_over: Signal::default(),
            write_over: Signal::default(),
            read_tail: Sig::local(count),
            write_tail: Sig::local(count),
            reader: Sig::local(who),
            _words: words,
        }
    }
}

impl Logic for MemoryPort {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, locked, held, store_next, outstanding, reads, writes);
        for i in 0..4 {
            self.readers[i].clock.next = self.clock.val();
            self.lengths[i].clock.next = self.clock.val();
            self.readers[i].d.next = self.readers[i].q.val();
            self.lengths[i].d.next = self.lengths[i].q.val();
        }

        // The choice. While it is locked no burst is granted, so there is room for it still.
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
            & (self.outstanding.q.val() < 4);
        self.arvalid.next = self.ask.val() & (self.chosen.val() != 2);
        self.awvalid.next = self.ask.val() & (self.chosen.val() == 2);
        self.araddr.next = self.address[0].val();
        self.arlen.next = self.beats[0].val() - 1;
        if self.chosen.val() == 1 {
            self.araddr.next = self.address[1].val();
            self.arlen.next = self.beats[1].val() - 1;
        }
        self.awaddr.next = self.address[2].val();
        self.awlen.next = self.beats[2].val() - 1;
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

        // Reads come back in the order of their grants.
        self.rready.next = true;
        self.fetch_beat.next = self.rvalid.val() & (self.readers[0].q.val() == 0);
        self.load_beat.next = self.rvalid.val() & (self.readers[0].q.val() == 1);
        self.table_beat.next = self.rvalid.val() & (self.readers[0].q.val() == 2);
        self.read_over.next = self.rvalid.val() & self.rlast.val();
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

        // Writes go out in the order of their grants.
        self.bready.next = true;
        self.store_response.next = self.bvalid.val();
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
        self.writes.d.next = self.write_tail.val() + self.write_granted.val();
        if self.write_granted.val() {
            for i in 0..4 {
                if self.write_tail.val() == i {
                    self.lengths[i].d.next = self.beats[2].val();
                }
            }
        }
        self.outstanding.d.next =
            self.outstanding.q.val() + self.read_granted.val() + self.write_granted.val()
                - self.read_over.val()
                - self.write_over.val();
        for i in 0..self._words {
            self.beat[i].next = self.rdata[i].val();
            self.wdata[i].next = self.store_beat[i].val();
        }
    }
}
