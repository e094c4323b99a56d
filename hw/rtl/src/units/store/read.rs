//! The read side of a store: which line, when, and where its bits go.

mod kernel;

use crate::prelude::*;
use crate::units::Shape;
use bitgauge_arch::timing::{STORE_ZVC_CHOICE, STORE_ZVC_LATENCY};
use rust_hdl::prelude::*;

documented! {
    /// Read side of the store unit: walks the lines of one command.
    ///
    /// A line is read when the FIFO has room for the beats that it completes. `setup` takes the cycles
    /// start + 1 and start + 2; the first line can be read in start + 3.
    #[derive(LogicBlock)]
    pub struct StoreRead {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// a command starts; its fields are there from the next cycle on
        pub start: Signal<In, Bit>,
        /// the command stores nothing
        pub empty: Signal<In, Bit>,
        /// first line
        pub line: Sig,
        /// lines from a pixel to the next
        pub pixel_stride: Sig,
        /// lines from a block to the next
        pub block_stride: Sig,
        /// blocks
        pub blocks: Sig,
        /// pixels of a block
        pub pixels: Sig,
        /// container bytes of a pixel
        pub pixel_bytes: Sig,
        /// bits in memory of each container byte
        pub bits: Sig,
        /// the codec is `zvc`
        pub zvc: Signal<In, Bit>,
        /// it saves a beat of this block
        pub wins: Signal<In, Bit>,
        /// beats of this block, once it is counted
        pub length: Sig,
        /// byte address of block 0
        pub external: Sig,
        /// bytes from a block to the next in memory
        pub stride: Sig,
        /// byte address of the length table
        pub table: Sig,
        /// a beat leaves the FIFO
        pub taken: Signal<In, Bit>,
        /// a command may start
        pub ready: Signal<Out, Bit>,
        /// read enable
        pub re: Signal<Out, Bit>,
        /// line to read
        pub raddr: Sig,
        /// bytes of the line that count, 0 where none is read
        pub bytes: Sig,
        /// beats that the line completes, 0 where none is read
        pub beats: Sig,
        /// beat in the FIFO into which the line's first bit goes
        pub tail: Sig,
        /// bit of that beat
        pub phase: Sig,
        /// bits in memory of each byte of this line
        pub bits_now: Sig,
        /// beats that the line brings into the FIFO
        pub brings: Sig,
        /// a line is read or in the codec
        pub busy: Signal<Out, Bit>,
        /// the line goes to the FIFO as it is, but for `pack`
        pub keep: Signal<Out, Bit>,
        /// the line is counted for `zvc`
        pub count: Signal<Out, Bit>,
        /// the line is coded by `zvc`
        pub code: Signal<Out, Bit>,
        /// a block's first line is coded or packed
        pub begin: Signal<Out, Bit>,
        /// the codec has a block's last code
        pub flush: Signal<Out, Bit>,
        /// a block is in the FIFO from the next cycle on
        pub block_in: Signal<Out, Bit>,
        /// forgets the count
        pub clear: Signal<Out, Bit>,
        /// a coded block or the table is to be written out
        pub block: Signal<Out, Bit>,
        /// its byte address
        pub block_address: Sig,
        /// its beats
        pub block_beats: Sig,
        /// it is the table
        pub block_last: Signal<Out, Bit>,
        /// entry of the table to write with `block_in`
        pub entry: Sig,
        /// the line is one of the table
        pub from_table: Signal<Out, Bit>,
        /// which one
        pub table_line: Sig,
        counting: State<Bit>,
        reserved: State<Bit>,
        settling: State<Bit>,
        tabling: State<Bit>,
        hold: Reg,
        cool: Reg,
        codec_cycles: Reg,
        place: Reg,
        entry_now: Reg,
        table_at: Reg,
        table_left: Reg,
        need: Sig,
        width: Reg,
        coded: State<Bit>,
        room_less: Sig,
        room_sign: Const,
        beat_mask: Const,
        stand: Sig,
        left_full: Sig,
        left_last: Sig,
        left_filled: Sig,
        left_coded: Sig,
        left: Sig,
        step: Sig,
        code_now: Signal<Local, Bit>,
        coding: Signal<Local, Bit>,
        settled: Signal<Local, Bit>,
        bus: Const,
        table_fill: Const,
        bus_log2: Const,
        line_cycles: Const,
        choice: Const,
        settle: Const,
        flush_at: Const,
        fresh: State<Bit>,
        setup: State<Bit>,
        active: State<Bit>,
        pixel_more: Reg,
        last_bytes: Reg,
        last_bits: Reg,
        line_now: Reg,
        pixel_line: Reg,
        block_line: Reg,
        lines_more: Reg,
        pixels_more: Reg,
        blocks_more: Reg,
        tail_beat: Reg,
        tail_bit: Reg,
        room: Reg,
        last_of_pixel: Signal<Local, Bit>,
        last_of_block: Signal<Local, Bit>,
        go: Signal<Local, Bit>,
        sum_last: Sig,
        sum_filled: Sig,
        tail_after: Sig,
        last_filled: Reg,
        pixel_ends: State<Bit>,
        /// bits of the current beat with this line's
        sum: Sig,
        /// the same, filled to a whole beat at the block's end
        filled: Sig,
        completed: Sig,
        line_bytes: Const,
        line_mask: Const,
        line_log2: Const,
        beat_log2: Const,
        fill: Const
    }
}

impl StoreRead {
    /// The read side for this shape, and a FIFO that counts its beats modulo `slots`.
    #[must_use]
    pub fn new(shape: &Shape, slots: usize) -> StoreRead {
        let Shape { line, bus, store_fifo_beats: fifo, .. } = *shape;
        let (line_bits, beat_bits) = (clog2(8 * line), clog2(8 * bus));
        let (address, length) = (u(24), u(clog2(slots) + 1));
        // Bits of the room, of a coded block or of a line, with a sign.
        let less = (clog2(slots.max(fifo)) + 2 + beat_bits).max(line_bits + 3);
        StoreRead {
            name: Named::of(format!("store_read_line{line}_bus{bus}_fifo{fifo}"), &StoreRead::DOCS),
            clock: Signal::default(),
            start: Signal::default(),
            empty: Signal::default(),
            line: Sig::input(address),
            pixel_stride: Sig::input(u(16)),
            block_stride: Sig::input(address),
            blocks: Sig::input(u(16)),
            pixels: Sig::input(u(16)),
            pixel_bytes: Sig::input(u(17)),
            bits: Sig::input(u(4)),
            zvc: Signal::default(),
            wins: Signal::default(),
            length: Sig::input(length),
            external: Sig::input(u(32)),
            stride: Sig::input(u(32)),
            table: Sig::input(u(32)),
            taken: Signal::default(),
            ready: Signal::default(),
            re: Signal::default(),
            raddr: Sig::output(address),
            bytes: Sig::output(u(clog2(line) + 1)),
            beats: Sig::output(u(beats_width(shape))),
            tail: Sig::output(u(clog2(slots))),
            phase: Sig::output(u(beat_bits)),
            bits_now: Sig::output(u(4)),
            brings: Sig::output(u(beats_width(shape))),
            busy: Signal::default(),
            keep: Signal::default(),
            count: Signal::default(),
            code: Signal::default(),
            begin: Signal::default(),
            flush: Signal::default(),
            block_in: Signal::default(),
            clear: Signal::default(),
            block: Signal::default(),
            block_address: Sig::output(u(32)),
            block_beats: Sig::output(length),
            block_last: Signal::default(),
            entry: Sig::output(u(7)),
            from_table: Signal::default(),
            table_line: Sig::output(u(6)),
            counting: State::default(),
            reserved: State::default(),
            settling: State::default(),
            tabling: State::default(),
            hold: Reg::new(u(5)),
            cool: Reg::new(u(4)),
            codec_cycles: Reg::new(u(4)),
            place: Reg::new(u(32)),
            entry_now: Reg::new(u(7)),
            table_at: Reg::new(u(6)),
            table_left: Reg::new(u(9)),
            need: Sig::local(length),
            width: Reg::new(u(4)),
            coded: State::default(),
            room_less: Sig::local(u(less - beat_bits)),
            room_sign: Const::new(less - 1),
            beat_mask: Const::new(8 * bus - 1),
            stand: Sig::local(u(less)),
            left_full: Sig::local(u(less)),
            left_last: Sig::local(u(less)),
            left_filled: Sig::local(u(less)),
            left_coded: Sig::local(u(less)),
            left: Sig::local(u(less)),
            step: Sig::local(length),
            code_now: Signal::default(),
            coding: Signal::default(),
            settled: Signal::default(),
            bus: Const::new(bus),
            table_fill: Const::new(bus - 1),
            bus_log2: Const::new(clog2(bus)),
            line_cycles: Const::new(line.div_ceil(8)),
            choice: Const::new(STORE_ZVC_CHOICE as usize - 1),
            settle: Const::new(STORE_ZVC_LATENCY as usize - 1),
            flush_at: Const::new(STORE_ZVC_LATENCY as usize - 3),
            fresh: State::default(),
            setup: State::default(),
            active: State::default(),
            pixel_more: Reg::new(u(17 - clog2(line))),
            last_bytes: Reg::new(u(clog2(line) + 1)),
            last_bits: Reg::new(u(line_bits + 1)),
            line_now: Reg::new(address),
            pixel_line: Reg::new(address),
            block_line: Reg::new(address),
            lines_more: Reg::new(u(17 - clog2(line))),
            pixels_more: Reg::new(u(16)),
            blocks_more: Reg::new(u(16)),
            tail_beat: Reg::new(u(clog2(slots))),
            tail_bit: Reg::new(u(beat_bits)),
            room: Reg::reset_to(u(clog2(fifo) + 1), fifo),
            last_of_pixel: Signal::default(),
            last_of_block: Signal::default(),
            go: Signal::default(),
            sum_last: Sig::local(u(line_bits + 2)),
            sum_filled: Sig::local(u(line_bits + 2)),
            tail_after: Sig::local(u(line_bits + 2)),
            last_filled: Reg::new(u(line_bits + 2)),
            pixel_ends: State::default(),
            sum: Sig::local(u(line_bits + 2)),
            filled: Sig::local(u(line_bits + 2)),
            completed: Sig::local(u(beats_width(shape))),
            line_bytes: Const::new(line),
            line_mask: Const::new(line - 1),
            line_log2: Const::new(clog2(line)),
            beat_log2: Const::new(beat_bits),
            fill: Const::new(8 * bus - 1),
        }
    }
}

/// Bits of the number of beats that a line may complete: all of its own and a partial one before them.
#[must_use]
pub fn beats_width(shape: &Shape) -> usize {
    let group = if shape.zvc { (16 * shape.bus + 70) / (8 * shape.bus) } else { 0 };
    clog2((shape.line / shape.bus + 1).max(group) + 1)
}
