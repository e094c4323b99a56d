//! The request side of a store: which burst, and when.

mod kernel;

use super::beats::slots;
use super::read::beats_width;
use crate::prelude::*;
use crate::units::Shape;
use crate::units::memory_port::BEATS_BITS;
use rust_hdl::prelude::*;

/// Commands in flight.
const COMMANDS: usize = 8;
/// No burst crosses a boundary of so many bytes.
const PAGE: usize = 4096;
/// Bits of the beats of a block: memory has 2^32 bytes, a beat at least four.
const BLOCK_BITS: usize = 31;

documented! {
    /// Request side of the store unit: cuts each block into bursts and asks for one when all its beats
    /// are in the FIFO.
    ///
    /// The beats of a block are a product of two multiplications in the cycles after the start. Commands
    /// wait in a queue of eight. Each burst takes two cycles: one finds its length, in the other it is
    /// asked for, a cycle after the grant of the one before it at the earliest.
    #[derive(LogicBlock)]
    pub struct StoreRequests {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a command starts; its fields are there from the next cycle on
        pub start: Signal<In, Bit>,
        /// the command stores nothing
        pub empty: Signal<In, Bit>,
        /// byte address of block 0
        pub external: Sig,
        /// bytes from a block to the next
        pub stride: Sig,
        /// blocks
        pub blocks: Sig,
        /// pixels of a block
        pub pixels: Sig,
        /// container bytes of a pixel
        pub pixel_bytes: Sig,
        /// bits in memory of each container byte
        pub bits: Sig,
        /// beats that are in the FIFO from the next cycle on
        pub arrived: Sig,
        /// the codec is `zvc`: blocks come one by one, as soon as their length is known
        pub zvc: Signal<In, Bit>,
        /// here is one
        pub block: Signal<In, Bit>,
        /// its byte address
        pub block_address: Sig,
        /// its beats
        pub coded_beats: Sig,
        /// it is the length table, the command's last
        pub block_last: Signal<In, Bit>,
        /// all beats of a coded block are in the FIFO from the next cycle on
        pub block_in: Signal<In, Bit>,
        /// how many
        pub block_in_beats: Sig,
        /// codes of a block
        pub codes: Sig,
        /// beats of a block before `zvc`
        pub raw_beats: Sig,
        /// another burst may be asked for
        pub open: Signal<In, Bit>,
        /// the burst is granted
        pub grant: Signal<In, Bit>,
        /// a burst is asked for, until its grant
        pub request: Signal<Out, Bit>,
        /// its byte address
        pub address: Sig,
        /// its beats
        pub beats: Sig,
        /// a burst is asked for from the next cycle on
        pub ask: Signal<Out, Bit>,
        /// it is the last of its command
        pub ask_last: Signal<Out, Bit>,
        fresh: State<Bit>,
        multiply: State<Bit>,
        push: State<Bit>,
        seen: State<Bit>,
        area: Reg,
        width: Reg,
        volume: Reg,
        block_beats: Sig,
        /// address and stride of the commands that wait
        places: Mem,
        /// beats of a block and blocks
        sizes: Mem,
        write: Reg,
        read: Reg,
        read_next: Sig,
        waiting: Reg,
        loaded: State<Bit>,
        take: Signal<Local, Bit>,
        at: Reg,
        left: Reg,
        raw: Reg,
        base: Reg,
        next_base: Reg,
        step: Reg,
        blocks_left: Reg,
        final_entry: State<Bit>,
        pushing: Signal<Local, Bit>,
        place: Sig,
        size: Sig,
        known: State<Bit>,
        length: Reg,
        ends_block: State<Bit>,
        ends_command: State<Bit>,
        /// beats up to the end of the page
        page_left: Sig,
        piece: Sig,
        available: Reg,
        asked: Sig,
        asking: Signal<Local, Bit>,
        requested: State<Bit>,
        requested_address: Reg,
        requested_beats: Reg,
        fill: Const,
        one: Const,
        beat_log2: Const,
        bus_log2: Const,
        most: Const,
        page: Const,
        page_mask: Const
    }
}

impl StoreRequests {
    /// The request side for this shape.
    #[must_use]
    pub fn new(shape: &Shape) -> StoreRequests {
        let Shape { line, bus, burst_beats: most, store_fifo_beats: fifo, .. } = *shape;
        let depth = if shape.zvc { fifo.max(COMMANDS) } else { COMMANDS };
        let length = u(clog2(slots(shape)) + 1);
        StoreRequests {
            name: Named::of(
                format!("store_requests_line{line}_bus{bus}_burst{most}_fifo{fifo}_wait{depth}"),
                &StoreRequests::DOCS,
            ),
            clock: Signal::default(),
            start: Signal::default(),
            empty: Signal::default(),
            external: Sig::input(u(32)),
            stride: Sig::input(u(32)),
            blocks: Sig::input(u(16)),
            pixels: Sig::input(u(16)),
            pixel_bytes: Sig::input(u(17)),
            bits: Sig::input(u(4)),
            arrived: Sig::input(u(beats_width(shape))),
            zvc: Signal::default(),
            block: Signal::default(),
            block_address: Sig::input(u(32)),
            coded_beats: Sig::input(length),
            block_last: Signal::default(),
            block_in: Signal::default(),
            block_in_beats: Sig::input(length),
            codes: Sig::output(u(33)),
            raw_beats: Sig::output(u(BLOCK_BITS)),
            open: Signal::default(),
            grant: Signal::default(),
            request: Signal::default(),
            address: Sig::output(u(32)),
            beats: Sig::output(u(BEATS_BITS)),
            ask: Signal::default(),
            ask_last: Signal::default(),
            fresh: State::default(),
            multiply: State::default(),
            push: State::default(),
            seen: State::default(),
            area: Reg::new(u(33)),
            width: Reg::new(u(4)),
            volume: Reg::new(u(37)),
            block_beats: Sig::local(u(BLOCK_BITS)),
            places: Mem::new(depth, u(64)),
            sizes: Mem::new(depth, u(BLOCK_BITS + 17)),
            write: Reg::new(u(clog2(depth))),
            read: Reg::new(u(clog2(depth))),
            read_next: Sig::local(u(clog2(depth))),
            waiting: Reg::new(u(clog2(depth) + 1)),
            loaded: State::default(),
            take: Signal::default(),
            at: Reg::new(u(32)),
            left: Reg::new(u(BLOCK_BITS)),
            raw: Reg::new(u(BLOCK_BITS)),
            base: Reg::new(u(32)),
            next_base: Reg::new(u(32)),
            step: Reg::new(u(32)),
            blocks_left: Reg::new(u(16)),
            final_entry: State::default(),
            pushing: Signal::default(),
            place: Sig::local(u(64)),
            size: Sig::local(u(BLOCK_BITS + 17)),
            known: State::default(),
            length: Reg::new(u(BEATS_BITS)),
            ends_block: State::default(),
            ends_command: State::default(),
            page_left: Sig::local(u(clog2(PAGE / bus) + 1)),
            piece: Sig::local(u(BEATS_BITS)),
            available: Reg::new(u(clog2(fifo) + 1)),
            asked: Sig::local(u(BEATS_BITS)),
            asking: Signal::default(),
            requested: State::default(),
            requested_address: Reg::new(u(32)),
            requested_beats: Reg::new(u(BEATS_BITS)),
            fill: Const::new(8 * bus - 1),
            one: Const::new(1),
            beat_log2: Const::new(clog2(8 * bus)),
            bus_log2: Const::new(clog2(bus)),
            most: Const::new(most),
            page: Const::new(PAGE),
            page_mask: Const::new(PAGE - 1),
        }
    }
}
