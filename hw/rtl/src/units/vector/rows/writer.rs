//! From scaled values to lines.

use crate::prelude::*;
use crate::units::requantize::OUTPUT_BITS;
use crate::units::shape::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Zero point, clamp, bytes and address of the codes of a step.
    ///
    /// cycle 0 scaled values
    /// cycle 1 + zero point; the step's flags
    /// cycle 2 clamped codes at the write port
    #[derive(LogicBlock)]
    pub struct RowWriter {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// first cycle of a command's setup
        pub prepare: Signal<In, Bit>,
        /// the command is a softmax
        pub softmax: Signal<In, Bit>,
        /// first line of the output
        pub output_line: Sig,
        /// lines from a row to the next
        pub output_pixel_stride: Sig,
        /// the operand has 16 bits
        pub source_wide: Sig,
        /// the output has 16 bits
        pub output_wide: Sig,
        /// softmax: bits of the output code
        pub output_bits: Sig,
        /// softmax, where codes can have two scales: how much coarser the second is
        pub tag_shift: Vec<Sig>,
        /// zero point of the output
        pub zero_point: Sig,
        /// least code
        pub clamp_low: Sig,
        /// greatest code
        pub clamp_high: Sig,
        /// cycle 0: scaled value of each lane
        pub scaled: Vec<Sig>,
        /// cycle 1: there is a step
        pub emits: Signal<In, Bit>,
        /// cycle 1: it is the last of its row
        pub closes: Signal<In, Bit>,
        /// cycle 1: it is the second half of its group
        pub parity: Signal<In, Bit>,
        /// cycle 1: the lane has a code
        pub present: Vec<Signal<In, Bit>>,
        /// byte enables
        pub we: Sig,
        /// line
        pub waddr: Sig,
        /// bytes
        pub wdata: Vec<Sig>,
        zero: Reg,
        low: Reg,
        high: Reg,
        base: Reg,
        group: Reg,
        /// where codes can have two scales: half a coarse step
        half_step: Vec<Reg>,
        /// the code of each lane is to have two scales
        splits: Vec<State<Bit>>,
        coarse: Vec<Sig>,
        moved: Vec<Reg>,
        we_r: Vec<Reg>,
        waddr_r: Reg,
        wdata_r: Vec<Reg>,
        /// the enables gathered so far
        gathered: Vec<Sig>,
        /// code of each lane, at least the least
        /// code of each lane
        code: Vec<Sig>,
        /// high byte of each lane's code
        upper: Vec<Sig>,
        /// place of a group of bytes in its line
        place: Sig,
        /// place of a group of 16-bit codes in its line
        wide_place: Sig,
        /// line within the row
        offset: Sig,
        /// the byte is written
        on: Vec<Signal<Local, Bit>>,
        one: Const,
        lanes: Const,
        line: Const,
        half: Const,
        places_less_one: Const,
        wide_places_less_one: Const,
        halves: Const,
        narrow_log: Const,
        wide_log: Const,
        _line: usize,
        _lanes: usize,
        _half: usize,
        _places: usize,
        _wide_places: usize,
        _tags: usize,
        _tag_lanes: usize
    }
}

impl RowWriter {
    /// For this shape.
    #[must_use]
    pub fn new(shape: &Shape) -> RowWriter {
        let (line, lanes) = (shape.line.max(1), shape.vector_lanes.max(1));
        let places = (line / lanes).max(1);
        // Groups of 16-bit codes in a line; none where one takes two lines.
        let wide_places = places / 2;
        let halves = wide_places == 0;
        let moved = s(OUTPUT_BITS + 1);
        let tags = usize::from(shape.mac.tag_shift > 0);
        let suffix = if tags > 0 { "_tags" } else { "" };
        RowWriter {
            name: Named::of(format!("row_writer_by{lanes}_line{line}{suffix}"), &RowWriter::DOCS),
            clock: Signal::default(),
            prepare: Signal::default(),
            softmax: Signal::default(),
            output_line: Sig::input(u(24)),
            output_pixel_stride: Sig::input(u(16)),
            source_wide: Sig::input(u(1)),
            output_wide: Sig::input(u(1)),
            output_bits: Sig::input(u(5)),
            tag_shift: Sig::inputs(u(4), tags),
            zero_point: Sig::input(s(16)),
            clamp_low: Sig::input(s(16)),
            clamp_high: Sig::input(s(16)),
            scaled: Sig::inputs(s(OUTPUT_BITS), lanes),
            emits: Signal::default(),
            closes: Signal::default(),
            parity: Signal::default(),
            present: vec![Signal::default(); lanes],
            we: Sig::output(u(line)),
            waddr: Sig::output(u(24)),
            wdata: Sig::outputs(u(8), line),
            zero: Reg::new(s(16)),
            low: Reg::new(s(16)),
            high: Reg::new(s(16)),
            base: Reg::new(u(24)),
            group: Reg::new(u(16)),
            half_step: Reg::many(u(8), tags),
            splits: vec![State::default(); tags],
            coarse: Sig::locals(s(16), tags * lanes),
            moved: Reg::many(moved, lanes),
            we_r: Reg::many(u(1), line),
            waddr_r: Reg::new(u(24)),
            wdata_r: Reg::many(u(8), line),
            gathered: Sig::locals(u(line), line + 1),
            code: Sig::locals(s(16), lanes),
            upper: Sig::locals(u(8), lanes),
            place: Sig::local(u(clog2(places.max(2)))),
            wide_place: Sig::local(u(clog2(wide_places.max(2)))),
            offset: Sig::local(u(17)),
            on: vec![Signal::default(); line],
            one: Const::new(1),
            lanes: Const::new(lanes),
            line: Const::new(line),
            places_less_one: Const::new(places - 1),
            wide_places_less_one: Const::new(wide_places.saturating_sub(1)),
            half: Const::new(if halves { lanes / 2 } else { 0 }),
            halves: Const::new(halves),
            narrow_log: Const::new(clog2(places)),
            wide_log: Const::new(clog2(wide_places.max(1))),
            _line: line,
            _lanes: lanes,
            _half: if halves { lanes / 2 } else { 0 },
            _places: places,
            _wide_places: wide_places,
            _tags: tags,
            _tag_lanes: tags * lanes,
        }
    }
}

impl Logic for RowWriter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, zero, low, high, base, group, waddr_r);
        if self.prepare.val() {
            self.base.d.next = self.output_line.val();
        }
        // Softmax codes are positive and below their number of levels.
        self.zero.d.next = self.zero_point.val();
        // The upper bound rules where the lower lies above it. With the bounds in order both comparisons
        // can be made at once.
        self.low.d.next = self.clamp_low.val();
        if self.clamp_low.val() > self.clamp_high.val() {
            self.low.d.next = self.clamp_high.val();
        }
        self.high.d.next = self.clamp_high.val();
        if self.softmax.val() {
            self.zero.d.next = 0.into();
            self.low.d.next = 0.into();
            self.high.d.next = (self.one.val() << self.output_bits.val()) - 1;
        }
        for l in 0..self._lanes {
            self.moved[l].clock.next = self.clock.val();
            self.moved[l].d.next = self.scaled[l].val() + self.zero.q.val();
            self.code[l].next = self.moved[l].q.val();
            if self.moved[l].q.val() < self.low.q.val() {
                self.code[l].next = self.low.q.val();
            }
            if self.moved[l].q.val() > self.high.q.val() {
                self.code[l].next = self.high.q.val();
            }
            self.upper[l].next = self.code[l].val() >> 8;
        }
        // Two scales: what the payload holds is fine; the rest is coarse, with the tag above the payload.
        for k in 0..self._tags {
            self.half_step[k].clock.next = self.clock.val();
            self.half_step[k].d.next = (self.one.val() << self.tag_shift[k].val()) >> 1usize;
            self.splits[k].clock.next = self.clock.val();
            self.splits[k].d.next = self.softmax.val() & self.tag_shift[k].val().any();
            if self.softmax.val() & self.tag_shift[k].val().any() {
                self.high.d.next = ((self.one.val() << self.output_bits.val()) >> 1usize) - 1;
            }
        }
        for l in 0..self._tag_lanes {
            self.coarse[l].next =
                (self.moved[l].q.val() + self.half_step[0].q.val()) >> self.tag_shift[0].val();
            if self.splits[0].q.val() & (self.moved[l].q.val() > self.high.q.val()) {
                self.code[l].next = self.coarse[l].val() + self.high.q.val() + 1;
                if self.coarse[l].val() > self.high.q.val() {
                    self.code[l].next = (self.high.q.val() << 1) + 1;
                }
            }
        }

        self.place.next = self.group.q.val() & self.places_less_one.val();
        self.wide_place.next = self.group.q.val() & self.wide_places_less_one.val();
        self.offset.next = self.group.q.val() >> self.narrow_log.val();
        for p in 0..self._places {
            for l in 0..self._lanes {
                self.wdata_r[p * self._lanes + l].d.next = self.code[l].val();
                self.on[p * self._lanes + l].next =
                    self.present[l].val() & (self.place.val() == p) & self.emits.val();
            }
        }
        if self.output_wide.val() == 1 {
            self.offset.next = self.group.q.val() >> self.wide_log.val();
            for p in 0..self._wide_places {
                for l in 0..self._lanes {
                    self.wdata_r[(p * self._lanes + l) * 2].d.next = self.code[l].val();
                    self.wdata_r[(p * self._lanes + l) * 2 + 1].d.next = self.upper[l].val();
                    self.on[(p * self._lanes + l) * 2].next =
                        self.present[l].val() & (self.wide_place.val() == p) & self.emits.val();
                    self.on[(p * self._lanes + l) * 2 + 1].next =
                        self.present[l].val() & (self.wide_place.val() == p) & self.emits.val();
                }
            }
            if self.halves.val() == 1 {
                self.offset.next = (self.group.q.val() << 1) + self.parity.val();
            }
            for l in 0..self._half {
                self.wdata_r[l * 2].d.next = self.code[l].val();
                self.wdata_r[l * 2 + 1].d.next = self.upper[l].val();
                self.on[l * 2].next = self.present[l].val() & self.emits.val();
                self.on[l * 2 + 1].next = self.present[l].val() & self.emits.val();
                if self.parity.val() {
                    self.wdata_r[l * 2].d.next = self.code[l + self._half].val();
                    self.wdata_r[l * 2 + 1].d.next = self.upper[l + self._half].val();
                    self.on[l * 2].next = self.present[l + self._half].val() & self.emits.val();
                    self.on[l * 2 + 1].next = self.present[l + self._half].val() & self.emits.val();
                }
            }
        }
        self.waddr_r.d.next = self.base.q.val() + self.offset.val();
        if self.emits.val() {
            if self.closes.val() {
                self.group.d.next = 0.into();
                self.base.d.next = self.base.q.val() + self.output_pixel_stride.val();
            } else if self.parity.val()
                | self.softmax.val()
                | (self.halves.val() == 0)
                | ((self.source_wide.val() == 0) & (self.output_wide.val() == 0))
            {
                self.group.d.next = self.group.q.val() + 1;
            }
        }
        self.gathered[0].next = 0.into();
        for b in 0..self._line {
            self.we_r[b].clock.next = self.clock.val();
            self.we_r[b].d.next = self.on[b].val().into();
            self.wdata_r[b].clock.next = self.clock.val();
            self.gathered[b + 1].next = self.gathered[b].val() + (self.we_r[b].q.val() << b);
            self.wdata[b].next = self.wdata_r[b].q.val();
        }
        self.we.next = self.gathered[self._line].val();
        self.waddr.next = self.waddr_r.q.val();
    }
}
