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
//!
//! awvalid        ____/~~~~~~~~~~~~~~    of a write; awready may come late, or with the data only
//! wvalid         ____________/~~~~~~    from the cycle after, whether the address is taken or not
//! ```
//!
//! Who is granted when stands in the cycle contract, "External memory". Without a handshake the choice
//! stays, as AXI wants it.

mod kernel;

use super::shape::Shape;
use crate::prelude::*;
use rust_hdl::prelude::*;

/// Requesters: fetch, load, store.
pub const REQUESTERS: usize = 3;
/// Bursts that may be begun and not over.
pub const OUTSTANDING: usize = 4;
/// Bits of the number of responses to come: the store unit asks for 64 bursts before the first is answered.
const OWED_BITS: usize = 7;
/// Bits of a burst's length in beats: up to 256.
pub const BEATS_BITS: usize = 9;

documented! {
    /// Arbiter of the external memory and AXI4 master.
    ///
    /// Fetch goes first; load and store alternate when both ask. At most four bursts are begun and not
    /// over: a read from its grant, a write from when its address is shown. The place of a burst is free in
    /// the cycle after its last beat. Reads come back in order (one ID), and two short queues remember for
    /// whom the reads are and how long the writes are.
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
        /// no further burst may be begun
        pub halt: Signal<In, Bit>,
        /// no burst is begun and not answered
        pub quiet: Signal<Out, Bit>,
        /// SLVERR is answered in this cycle
        pub slave_error: Signal<Out, Bit>,
        /// DECERR is answered in this cycle
        pub decode_error: Signal<Out, Bit>,
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
        /// AXI4 read data: 2 SLVERR, 3 DECERR
        pub rresp: Sig,
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
        /// AXI4 write response: 2 SLVERR, 3 DECERR
        pub bresp: Sig,
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
        /// beats left of the writes that were shown, the oldest first
        lengths: Vec<Reg>,
        writes: Reg,
        /// the write that is shown was so before
        offered: State<Bit>,
        /// responses to come
        owed: Reg,
        /// where the bursts begin, and their beats, as the bus allows them
        place: Vec<Sig>,
        size: Vec<Sig>,
        /// whose burst is shown
        chosen: Sig,
        ask: Signal<Local, Bit>,
        read_granted: Signal<Local, Bit>,
        write_granted: Signal<Local, Bit>,
        write_shown: Signal<Local, Bit>,
        arrives: Signal<Local, Bit>,
        answered: Signal<Local, Bit>,
        read_over: Signal<Local, Bit>,
        write_over: Signal<Local, Bit>,
        /// where the next entry of the queue goes
        read_tail: Sig,
        write_tail: Sig,
        /// 0 fetch, 1 load, 2 the load's table
        reader: Sig,
        bus_bits: Const,
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
            halt: Signal::default(),
            quiet: Signal::default(),
            slave_error: Signal::default(),
            decode_error: Signal::default(),
            arvalid: Signal::default(),
            arready: Signal::default(),
            araddr: Sig::output(u(32)),
            arlen: Sig::output(u(8)),
            rvalid: Signal::default(),
            rready: Signal::default(),
            rdata: Sig::inputs(u(32), words),
            rresp: Sig::input(u(2)),
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
            bresp: Sig::input(u(2)),
            bready: Signal::default(),
            locked: State::default(),
            held: Reg::new(who),
            store_next: State::default(),
            outstanding: Reg::new(count),
            readers: Reg::many(who, OUTSTANDING),
            reads: Reg::new(count),
            lengths: Reg::many(beats, OUTSTANDING),
            writes: Reg::new(count),
            offered: State::default(),
            owed: Reg::new(u(OWED_BITS)),
            place: Sig::locals(u(32), REQUESTERS),
            size: Sig::locals(beats, REQUESTERS),
            bus_bits: Const::new(clog2(shape.bus)),
            chosen: Sig::local(who),
            ask: Signal::default(),
            read_granted: Signal::default(),
            write_granted: Signal::default(),
            write_shown: Signal::default(),
            arrives: Signal::default(),
            answered: Signal::default(),
            read_over: Signal::default(),
            write_over: Signal::default(),
            read_tail: Sig::local(count),
            write_tail: Sig::local(count),
            reader: Sig::local(who),
            _words: words,
        }
    }
}
