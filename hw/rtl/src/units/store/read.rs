//! The read side of a store: which line, when, and where its bits go.

use crate::prelude::*;
use crate::units::Shape;
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
        line_bits: Sig,
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
        let address = u(24);
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
            taken: Signal::default(),
            ready: Signal::default(),
            re: Signal::default(),
            raddr: Sig::output(address),
            bytes: Sig::output(u(clog2(line) + 1)),
            beats: Sig::output(u(beats_width(shape))),
            tail: Sig::output(u(clog2(slots))),
            phase: Sig::output(u(beat_bits)),
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
            line_bits: Sig::local(u(line_bits + 1)),
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
    clog2(shape.line / shape.bus + 2)
}

impl Logic for StoreRead {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
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
            room
        );
        self.fresh.d.next = self.start.val();
        self.setup.d.next = self.fresh.q.val() && !self.empty.val();
        self.ready.next =
            !((self.fresh.q.val() && !self.empty.val()) || self.setup.q.val() || self.active.q.val());

        self.last_of_pixel.next = self.lines_more.q.val() == 0;
        self.last_of_block.next = self.last_of_pixel.val() && (self.pixels_more.q.val() == 0);
        self.line_bits.next = self.bits.val() << self.line_log2.val();
        self.bytes.next = self.line_bytes.val();
        if self.last_of_pixel.val() {
            self.line_bits.next = self.last_bits.q.val();
            self.bytes.next = self.last_bytes.q.val();
        }
        self.sum.next = self.tail_bit.q.val() + self.line_bits.val();
        self.filled.next = self.sum.val();
        if self.last_of_block.val() {
            self.filled.next = self.sum.val() + self.fill.val();
        }
        self.completed.next = self.filled.val() >> self.beat_log2.val();
        self.go.next = self.active.q.val() && (self.completed.val() <= self.room.q.val());
        self.beats.next = self.completed.val();
        if !self.go.val() {
            self.beats.next = 0.into();
            self.bytes.next = 0.into();
        }
        self.re.next = self.go.val();
        self.raddr.next = self.line_now.q.val();
        self.tail.next = self.tail_beat.q.val();
        self.phase.next = self.tail_bit.q.val();
        // Beats that leave make room from the next cycle on.
        self.room.d.next = self.room.q.val() + self.taken.val() - self.beats.val();

        if self.go.val() {
            self.tail_beat.d.next = self.tail_beat.q.val() + self.completed.val();
            self.tail_bit.d.next = self.sum.val();
            self.lines_more.d.next = self.lines_more.q.val() - 1;
            self.line_now.d.next = self.line_now.q.val() + 1;
            if self.last_of_pixel.val() {
                self.lines_more.d.next = self.pixel_more.q.val();
                self.pixels_more.d.next = self.pixels_more.q.val() - 1;
                self.line_now.d.next = self.pixel_line.q.val() + self.pixel_stride.val();
                self.pixel_line.d.next = self.pixel_line.q.val() + self.pixel_stride.val();
            }
            if self.last_of_block.val() {
                self.tail_bit.d.next = 0.into();
                self.pixels_more.d.next = self.pixels.val() - 1;
                self.blocks_more.d.next = self.blocks_more.q.val() - 1;
                self.line_now.d.next = self.block_line.q.val() + self.block_stride.val();
                self.pixel_line.d.next = self.block_line.q.val() + self.block_stride.val();
                self.block_line.d.next = self.block_line.q.val() + self.block_stride.val();
                if self.blocks_more.q.val() == 0 {
                    self.active.d.next = false;
                }
            }
        }
        if self.fresh.q.val() {
            self.pixel_more.d.next = (self.pixel_bytes.val() - 1) >> self.line_log2.val();
            self.last_bytes.d.next = ((self.pixel_bytes.val() - 1) & self.line_mask.val()) + 1;
            self.line_now.d.next = self.line.val();
            self.pixel_line.d.next = self.line.val();
            self.block_line.d.next = self.line.val();
        }
        if self.setup.q.val() {
            self.active.d.next = true;
            self.last_bits.d.next = self.last_bytes.q.val() * self.bits.val();
            self.lines_more.d.next = self.pixel_more.q.val();
            self.pixels_more.d.next = self.pixels.val() - 1;
            self.blocks_more.d.next = self.blocks.val() - 1;
        }
    }
}
