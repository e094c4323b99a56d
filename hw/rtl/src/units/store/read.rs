//! The read side of a store: which line, when, and where its bits go.

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

impl Logic for StoreRead {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            counting,
            reserved,
            settling,
            tabling,
            hold,
            cool,
            codec_cycles,
            place,
            entry_now,
            table_at,
            table_left,
            fresh,
            setup,
            active,
            pixel_more,
            last_bytes,
            last_bits,
            line_now,
            pixel_line,
            block_line,
            lines_more,
            pixels_more,
            blocks_more,
            tail_beat,
            tail_bit,
            room,
            width,
            coded,
            last_filled,
            pixel_ends
        );
        self.fresh.d.next = self.start.val();
        // What every line needs of the fields, decoded once a command.
        self.width.d.next = self.bits.val();
        self.coded.d.next = self.zvc.val();
        self.setup.d.next = self.fresh.q.val() && !self.empty.val();
        self.ready.next =
            !((self.fresh.q.val() && !self.empty.val()) || self.setup.q.val() || self.active.q.val());

        // The three sums are computed beside the choice among them.
        self.last_of_pixel.next = self.pixel_ends.q.val();
        self.last_of_block.next = self.last_of_pixel.val() && (self.pixels_more.q.val() == 0);
        self.sum.next = self.tail_bit.q.val() + (self.width.q.val() << self.line_log2.val());
        self.sum_last.next = self.tail_bit.q.val() + self.last_bits.q.val();
        self.sum_filled.next = self.tail_bit.q.val() + self.last_filled.q.val();
        self.bytes.next = self.line_bytes.val();
        self.filled.next = self.sum.val();
        self.tail_after.next = self.sum.val();
        if self.last_of_pixel.val() {
            self.bytes.next = self.last_bytes.q.val();
            self.filled.next = self.sum_last.val();
            self.tail_after.next = self.sum_last.val();
        }
        if self.last_of_block.val() {
            self.filled.next = self.sum_filled.val();
        }
        self.completed.next = self.filled.val() >> self.beat_log2.val();
        self.coding.next = self.coded.q.val() && !self.counting.q.val() && !self.tabling.q.val();
        self.code_now.next = self.coding.val() && self.wins.val();
        // Bits that the FIFO has room for beyond the unfinished beat, and what of them each kind of line
        // would leave: one subtraction each, beside the choice.
        self.stand.next =
            (self.room.q.val() << self.beat_log2.val()) | (self.tail_bit.q.val() ^ self.beat_mask.val());
        self.left_full.next = self.stand.val() - (self.width.q.val() << self.line_log2.val());
        self.left_last.next = self.stand.val() - self.last_bits.q.val();
        self.left_filled.next = self.stand.val() - self.last_filled.q.val();
        // A coded block takes its room at once, a line of the table that of a beat.
        self.need.next = 0.into();
        if self.tabling.q.val() {
            self.need.next = 1.into();
        } else if !self.counting.q.val() && !self.reserved.q.val() {
            self.need.next = self.length.val();
        }
        self.left_coded.next = self.stand.val() - (self.need.val() << self.beat_log2.val());
        self.left.next = self.left_full.val();
        if self.last_of_pixel.val() {
            self.left.next = self.left_last.val();
        }
        if self.last_of_block.val() {
            self.left.next = self.left_filled.val();
        }
        if self.tabling.q.val() || self.coded.q.val() {
            self.left.next = self.left_coded.val();
        }
        self.room_less.next = self.left.val() >> self.beat_log2.val();
        self.go.next =
            self.active.q.val() && (self.hold.q.val() == 0) && !self.left.val().get_bit(self.room_sign.val());
        self.re.next = self.go.val() && !self.tabling.q.val();
        self.raddr.next = self.line_now.q.val();
        self.tail.next = self.tail_beat.q.val();
        self.phase.next = self.tail_bit.q.val();
        self.bits_now.next = self.width.q.val();
        self.from_table.next = self.tabling.q.val();
        self.table_line.next = self.table_at.q.val();
        self.step.next = self.completed.val();
        self.keep.next = self.go.val();
        if self.tabling.q.val() {
            self.bits_now.next = 8.into();
            self.step.next = 1.into();
            self.bytes.next = self.bus.val();
            if self.table_left.q.val() < self.bus.val() {
                self.bytes.next = self.table_left.q.val();
            }
        } else if self.coded.q.val() && (self.counting.q.val() || self.wins.val()) {
            self.step.next = 0.into();
            self.keep.next = false;
        }
        self.beats.next = self.step.val();
        self.brings.next = self.step.val();
        if self.coding.val() {
            self.brings.next = 0.into();
        }
        if !self.go.val() {
            self.beats.next = 0.into();
            self.brings.next = 0.into();
            self.bytes.next = 0.into();
        }
        self.count.next =
            self.go.val() && self.coded.q.val() && self.counting.q.val() && !self.tabling.q.val();
        self.code.next = self.go.val() && self.code_now.val();
        self.begin.next = self.go.val() && self.coding.val() && !self.reserved.q.val();
        self.busy.next = self.go.val() || (self.cool.q.val() != 0);
        // Beats that leave make room from the next cycle on.
        self.room.d.next = self.room.q.val() + self.taken.val();
        if self.go.val() {
            self.room.d.next = self.room_less.val() + self.taken.val();
        }
        if self.hold.q.val() != 0 {
            self.hold.d.next = self.hold.q.val() - 1;
        }
        if self.cool.q.val() != 0 {
            self.cool.d.next = self.cool.q.val() - 1;
        }
        self.settled.next = self.settling.q.val() && (self.hold.q.val() == 2);
        self.flush.next =
            self.settling.q.val() && self.wins.val() && (self.hold.q.val() == self.flush_at.val());
        self.block_in.next = self.settled.val();
        self.clear.next = self.settled.val() || self.fresh.q.val();
        self.entry.next = self.entry_now.q.val();
        if self.settled.val() {
            self.settling.d.next = false;
            self.entry_now.d.next = self.entry_now.q.val() + 1;
        }
        self.block.next = self.begin.val() || (self.settled.val() && self.tabling.q.val());
        self.block_last.next = self.tabling.q.val();
        self.block_address.next = self.place.q.val();
        self.block_beats.next = self.length.val();
        if self.tabling.q.val() {
            self.block_address.next = self.table.val();
            self.block_beats.next = (self.table_left.q.val() + self.table_fill.val()) >> self.bus_log2.val();
        }

        if self.go.val() && self.tabling.q.val() {
            self.tail_beat.d.next = self.tail_beat.q.val() + 1;
            self.table_at.d.next = self.table_at.q.val() + 1;
            self.table_left.d.next = self.table_left.q.val() - self.bus.val();
            if self.table_left.q.val() <= self.bus.val() {
                self.active.d.next = false;
                self.tabling.d.next = false;
            }
        } else if self.go.val() {
            self.tail_beat.d.next = self.tail_beat.q.val() + self.step.val();
            if !self.coded.q.val() || (self.coding.val() && !self.wins.val()) {
                self.tail_bit.d.next = self.tail_after.val();
            }
            self.lines_more.d.next = self.lines_more.q.val() - 1;
            self.pixel_ends.d.next = self.lines_more.q.val() == 1;
            self.line_now.d.next = self.line_now.q.val() + 1;
            if self.last_of_pixel.val() {
                self.lines_more.d.next = self.pixel_more.q.val();
                self.pixel_ends.d.next = self.pixel_more.q.val() == 0;
                self.pixels_more.d.next = self.pixels_more.q.val() - 1;
                self.line_now.d.next = self.pixel_line.q.val() + self.pixel_stride.val();
                self.pixel_line.d.next = self.pixel_line.q.val() + self.pixel_stride.val();
            }
            if self.coding.val() {
                self.reserved.d.next = true;
                self.hold.d.next = self.codec_cycles.q.val() - 1;
                self.cool.d.next = self.codec_cycles.q.val() - 1;
            }
            if self.last_of_block.val() {
                self.tail_bit.d.next = 0.into();
                self.pixels_more.d.next = self.pixels.val() - 1;
                if self.coded.q.val() && self.counting.q.val() {
                    // The same lines once more.
                    self.counting.d.next = false;
                    self.hold.d.next = self.choice.val();
                    self.line_now.d.next = self.block_line.q.val();
                    self.pixel_line.d.next = self.block_line.q.val();
                } else {
                    self.blocks_more.d.next = self.blocks_more.q.val() - 1;
                    self.line_now.d.next = self.block_line.q.val() + self.block_stride.val();
                    self.pixel_line.d.next = self.block_line.q.val() + self.block_stride.val();
                    self.block_line.d.next = self.block_line.q.val() + self.block_stride.val();
                    self.place.d.next = self.place.q.val() + self.stride.val();
                    if self.blocks_more.q.val() == 0 {
                        self.active.d.next = self.coded.q.val();
                        self.tabling.d.next = self.coded.q.val();
                    }
                    if self.coded.q.val() {
                        self.counting.d.next = true;
                        self.reserved.d.next = false;
                        self.settling.d.next = true;
                        self.hold.d.next = self.codec_cycles.q.val() + self.settle.val();
                        if self.wins.val() {
                            self.tail_beat.d.next = self.tail_beat.q.val() + self.length.val();
                        }
                    }
                }
            }
        }
        if self.fresh.q.val() {
            self.pixel_more.d.next = (self.pixel_bytes.val() - 1) >> self.line_log2.val();
            self.last_bytes.d.next = ((self.pixel_bytes.val() - 1) & self.line_mask.val()) + 1;
            self.line_now.d.next = self.line.val();
            self.pixel_line.d.next = self.line.val();
            self.block_line.d.next = self.line.val();
            self.place.d.next = self.external.val();
            self.entry_now.d.next = 0.into();
            self.table_at.d.next = 0.into();
            self.table_left.d.next = self.blocks.val() << 1;
            self.counting.d.next = true;
            self.reserved.d.next = false;
        }
        if self.setup.q.val() {
            self.active.d.next = true;
            self.codec_cycles.d.next = self.line_cycles.val();
            if self.pixel_more.q.val() == 0 {
                self.codec_cycles.d.next = (self.last_bytes.q.val() + 7) >> 3;
            }
            self.last_bits.d.next = self.last_bytes.q.val() * self.width.q.val();
            self.last_filled.d.next = self.last_bytes.q.val() * self.width.q.val() + self.fill.val();
            self.lines_more.d.next = self.pixel_more.q.val();
            self.pixel_ends.d.next = self.pixel_more.q.val() == 0;
            self.pixels_more.d.next = self.pixels.val() - 1;
            self.blocks_more.d.next = self.blocks.val() - 1;
        }
    }
}
