//! Lines out of runs of bytes of any alignment.

use super::rotate::Rotate;
use crate::prelude::*;
use crate::units::shape::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Packs parts of lines that are read into whole lines to write, for patches and copies.
    ///
    /// A part is rotated to where the last one ended. What reaches the end of the line completes it, and
    /// the line is written; the rest begins the next one. The last part of a pixel writes what there is;
    /// if it completes a line and leaves a rest too, the rest waits for a cycle without a line, of which
    /// the next pixel has one before it can leave a rest itself: it has at least as many parts as lines,
    /// and only its last part can make two.
    ///
    /// ```text
    /// stage  0       2              3             4                        5
    ///        part -> pad, place --> rotate -----> merge, line or rest ---> write port
    ///                               rest waits ---------^
    /// ```
    #[derive(LogicBlock)]
    pub struct Assemble {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// line and place take their first values
        pub load: Signal<In, Bit>,
        /// there is a part, stage 0
        pub valid: Signal<In, Bit>,
        /// it is the last of its pixel
        pub last: Signal<In, Bit>,
        /// bytes of the line that exist
        pub limit: Sig,
        /// first byte that is used
        pub from: Sig,
        /// bytes that are used
        pub count: Sig,
        /// bytes of the line, stage 2
        pub line: Vec<Sig>,
        /// byte for those that do not exist
        pub pad_code: Sig,
        /// first line of the output
        pub output_line: Sig,
        /// lines from a pixel to the next
        pub stride: Sig,
        /// byte enables, stage 4
        pub enables: Sig,
        /// line to write
        pub waddr: Sig,
        /// bytes to write
        pub wdata: Vec<Sig>,
        valid_1: State<Bit>,
        valid_2: State<Bit>,
        valid_3: State<Bit>,
        valid_4: State<Bit>,
        last_1: State<Bit>,
        last_2: State<Bit>,
        last_3: State<Bit>,
        last_4: State<Bit>,
        limit_1: Reg,
        limit_2: Reg,
        from_1: Reg,
        from_2: Reg,
        count_1: Reg,
        count_2: Reg,
        end_3: Reg,
        end_4: Reg,
        /// bytes of the output line that are there already
        place: Reg,
        place_3: Reg,
        place_4: Reg,
        distance: Reg,
        padded: Vec<Reg>,
        rotate: Rotate,
        rotated: Vec<Reg>,
        /// bytes of a line that is not complete
        kept: Vec<Reg>,
        /// a line that waits to be written
        waits: State<Bit>,
        waiting: Vec<Reg>,
        waiting_bytes: Reg,
        waiting_line: Reg,
        /// line of the pixel, line to write
        pixel_line: Reg,
        line_out: Reg,
        /// where the part ends
        end: Sig,
        complete: Signal<Local, Bit>,
        /// the last part leaves a rest beside a complete line
        rests: Signal<Local, Bit>,
        writes: Signal<Local, Bit>,
        merged: Vec<Sig>,
        filled: Sig,
        rest: Sig,
        next_line: Sig,
        bytes: Const,
        two: Const,
        _bytes: usize
    }
}

impl Assemble {
    /// For the lines of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Assemble {
        let line = shape.line;
        let (place, count, byte, address) = (u(clog2(line)), u(clog2(line) + 1), u(8), u(24));
        Assemble {
            name: Named::of(format!("vector_assemble_line{line}"), &Assemble::DOCS),
            clock: Signal::default(),
            load: Signal::default(),
            valid: Signal::default(),
            last: Signal::default(),
            limit: Sig::input(count),
            from: Sig::input(place),
            count: Sig::input(count),
            line: Sig::inputs(byte, line),
            pad_code: Sig::input(byte),
            output_line: Sig::input(address),
            stride: Sig::input(u(16)),
            enables: Sig::output(u(line)),
            waddr: Sig::output(address),
            wdata: Sig::outputs(byte, line),
            valid_1: State::default(),
            valid_2: State::default(),
            valid_3: State::default(),
            valid_4: State::default(),
            last_1: State::default(),
            last_2: State::default(),
            last_3: State::default(),
            last_4: State::default(),
            limit_1: Reg::new(count),
            limit_2: Reg::new(count),
            from_1: Reg::new(place),
            from_2: Reg::new(place),
            count_1: Reg::new(count),
            count_2: Reg::new(count),
            end_3: Reg::new(count),
            end_4: Reg::new(count),
            place: Reg::new(place),
            place_3: Reg::new(place),
            place_4: Reg::new(place),
            distance: Reg::new(place),
            padded: Reg::many(byte, line),
            rotate: Rotate::new(line),
            rotated: Reg::many(byte, line),
            kept: Reg::many(byte, line),
            waits: State::default(),
            waiting: Reg::many(byte, line),
            waiting_bytes: Reg::new(u(line)),
            waiting_line: Reg::new(address),
            pixel_line: Reg::new(address),
            line_out: Reg::new(address),
            end: Sig::local(count),
            complete: Signal::default(),
            rests: Signal::default(),
            writes: Signal::default(),
            merged: Sig::locals(byte, line),
            filled: Sig::local(u(line)),
            rest: Sig::local(u(line)),
            next_line: Sig::local(address),
            bytes: Const::new(line),
            two: Const::new(2),
            _bytes: line,
        }
    }
}

impl Logic for Assemble {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid_1, valid_2, valid_3, valid_4, last_1, last_2, last_3);
        dff_setup!(self, clock, last_4, limit_1, limit_2, from_1, from_2, count_1, count_2);
        dff_setup!(self, clock, end_3, end_4, place, place_3, place_4, distance, waits);
        dff_setup!(self, clock, waiting_bytes, waiting_line, pixel_line, line_out);
        for b in 0..self._bytes {
            self.padded[b].clock.next = self.clock.val();
            self.rotated[b].clock.next = self.clock.val();
            self.kept[b].clock.next = self.clock.val();
            self.waiting[b].clock.next = self.clock.val();
        }
        self.valid_1.d.next = self.valid.val();
        self.valid_2.d.next = self.valid_1.q.val();
        self.valid_3.d.next = self.valid_2.q.val();
        self.valid_4.d.next = self.valid_3.q.val();
        self.last_1.d.next = self.last.val();
        self.last_2.d.next = self.last_1.q.val();
        self.last_3.d.next = self.last_2.q.val();
        self.last_4.d.next = self.last_3.q.val();
        self.limit_1.d.next = self.limit.val();
        self.limit_2.d.next = self.limit_1.q.val();
        self.from_1.d.next = self.from.val();
        self.from_2.d.next = self.from_1.q.val();
        self.count_1.d.next = self.count.val();
        self.count_2.d.next = self.count_1.q.val();

        // Stage 2: bytes that do not exist, and where the part goes.
        for b in 0..self._bytes {
            self.padded[b].d.next = self.line[b].val();
            if self.limit_2.q.val() <= b {
                self.padded[b].d.next = self.pad_code.val();
            }
        }
        self.end.next = self.place.q.val() + self.count_2.q.val();
        if self.valid_2.q.val() {
            self.place.d.next = self.end.val();
            if self.last_2.q.val() {
                self.place.d.next = 0.into();
            }
        }
        self.distance.d.next = self.place.q.val() - self.from_2.q.val();
        self.place_3.d.next = self.place.q.val();
        self.end_3.d.next = self.end.val();

        // Stage 3: rotate.
        self.rotate.distance.next = self.distance.q.val();
        self.place_4.d.next = self.place_3.q.val();
        self.end_4.d.next = self.end_3.q.val();
        for b in 0..self._bytes {
            self.rotate.x[b].next = self.padded[b].q.val();
            self.rotated[b].d.next = self.rotate.y[b].val();
        }

        // Stage 4: merge with what was kept.
        self.complete.next = self.valid_4.q.val() & (self.end_4.q.val() >= self.bytes.val());
        self.rests.next = self.complete.val() & self.last_4.q.val() & (self.end_4.q.val() > self.bytes.val());
        self.writes.next =
            self.complete.val() | (self.valid_4.q.val() & self.last_4.q.val() & (self.end_4.q.val() != 0));
        self.filled.next = 0.into();
        self.rest.next = 0.into();
        for b in 0..self._bytes {
            if self.end_4.q.val() > b {
                self.filled.next = (self.two.val() << b) - 1;
            }
            if self.end_4.q.val() > self.bytes.val() + b {
                self.rest.next = (self.two.val() << b) - 1;
            }
            self.merged[b].next = self.rotated[b].q.val();
            if self.place_4.q.val() > b {
                self.merged[b].next = self.kept[b].q.val();
            }
            self.kept[b].d.next = self.kept[b].q.val();
            if self.valid_4.q.val() {
                self.kept[b].d.next = self.merged[b].val();
                if self.complete.val() {
                    self.kept[b].d.next = self.rotated[b].q.val();
                }
            }
        }
        self.next_line.next = self.line_out.q.val() + 1;
        if self.valid_4.q.val() {
            if self.last_4.q.val() {
                self.line_out.d.next = self.pixel_line.q.val() + self.stride.val();
                self.pixel_line.d.next = self.pixel_line.q.val() + self.stride.val();
            } else if self.complete.val() {
                self.line_out.d.next = self.next_line.val();
            }
        }
        self.waits.d.next = self.rests.val();
        self.waiting_bytes.d.next = self.rest.val();
        self.waiting_line.d.next = self.next_line.val();
        self.enables.next = 0.into();
        if self.writes.val() {
            self.enables.next = self.filled.val();
        }
        self.waddr.next = self.line_out.q.val();
        for b in 0..self._bytes {
            self.wdata[b].next = self.merged[b].val();
            self.waiting[b].d.next = self.rotated[b].q.val();
        }
        if self.waits.q.val() {
            // What waits goes first, and what comes now waits.
            self.waits.d.next = self.writes.val();
            self.waiting_bytes.d.next = self.filled.val();
            self.waiting_line.d.next = self.line_out.q.val();
            self.enables.next = self.waiting_bytes.q.val();
            self.waddr.next = self.waiting_line.q.val();
            for b in 0..self._bytes {
                self.wdata[b].next = self.waiting[b].q.val();
                self.waiting[b].d.next = self.merged[b].val();
            }
        }
        if self.load.val() {
            self.place.d.next = 0.into();
            self.pixel_line.d.next = self.output_line.val();
            self.line_out.d.next = self.output_line.val();
        }
    }
}
