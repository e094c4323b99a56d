//! Where the codes of a group are written.

use crate::prelude::*;
use crate::units::shape::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Places the codes of a group in their line: line, byte enables, bytes. The write port's registers
    /// are outside.
    ///
    /// 16-bit codes of a group that fill two lines are written in two cycles, lower lanes first.
    ///
    /// ```text
    /// valid     x        x
    /// enables   L0 (L1)  L0 (L1)
    /// ```
    #[derive(LogicBlock)]
    pub struct Place {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// pixel and group take their first values
        pub load: Signal<In, Bit>,
        /// a group's codes are there
        pub valid: Signal<In, Bit>,
        /// it is the last group of its pixel
        pub last: Signal<In, Bit>,
        /// code of each lane
        pub code: Vec<Sig>,
        /// 16 bits are written
        pub wide: Sig,
        /// bytes of a last group in its line
        pub mask: Sig,
        /// bytes of a last group in its second line
        pub mask_second: Sig,
        /// first line of the output
        pub output_line: Sig,
        /// lines from a pixel to the next
        pub stride: Sig,
        /// byte enables
        pub enables: Sig,
        /// line to write
        pub waddr: Sig,
        /// bytes to write
        pub wdata: Vec<Sig>,
        line: Reg,
        group: Reg,
        again: State<Bit>,
        last_r: State<Bit>,
        /// a group is written completely
        advance: Signal<Local, Bit>,
        advance_last: Signal<Local, Bit>,
        bytes: Sig,
        distance: Sig,
        lane_bits: Const,
        group_bits: Const,
        whole: Const,
        whole_wide: Const,
        two_lines: Const,
        lanes: Const,
        part: Const,
        _lanes: usize,
        _picks: usize,
        _part: usize,
        _wide_picks: usize,
        _upper: usize,
        upper: Const
    }
}

impl Place {
    /// For the lines and lanes of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Place {
        let (line, lanes) = (shape.line, shape.vector_lanes);
        let (part, ones) = (lanes.min(line / 2), |bits: usize| Const::new((1i128 << bits) - 1));
        Place {
            name: Named::of(format!("vector_place_line{line}_by{lanes}"), &Place::DOCS),
            clock: Signal::default(),
            load: Signal::default(),
            valid: Signal::default(),
            last: Signal::default(),
            code: Sig::inputs(s(16), lanes),
            wide: Sig::input(u(1)),
            mask: Sig::input(u(line)),
            mask_second: Sig::input(u(line)),
            output_line: Sig::input(u(24)),
            stride: Sig::input(u(16)),
            enables: Sig::output(u(line)),
            waddr: Sig::output(u(24)),
            wdata: Sig::outputs(u(8), line),
            line: Reg::new(u(24)),
            group: Reg::new(u(16)),
            again: State::default(),
            last_r: State::default(),
            advance: Signal::default(),
            advance_last: Signal::default(),
            bytes: Sig::local(u(line)),
            distance: Sig::local(u(clog2(line))),
            lane_bits: Const::new(clog2(lanes)),
            group_bits: Const::new(clog2(line / lanes)),
            whole: ones(lanes),
            whole_wide: ones((2 * lanes).min(line)),
            two_lines: Const::new(usize::from(2 * lanes > line)),
            lanes: Const::new(lanes),
            part: Const::new(part),
            _lanes: lanes,
            _picks: line / lanes,
            _part: part,
            _wide_picks: line / (2 * part),
            _upper: lanes - part,
            upper: Const::new(lanes - part),
        }
    }
}

impl Logic for Place {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, line, group, again, last_r);
        // Every group of the line gets the codes; the enables choose one.
        for p in 0..self._picks {
            for l in 0..self._lanes {
                self.wdata[p * self._lanes + l].next = self.code[l].val();
            }
        }
        if self.wide.val() != 0 {
            for p in 0..self._wide_picks {
                for l in 0..self._part {
                    self.wdata[2 * (p * self._part + l)].next = self.code[l].val();
                    self.wdata[2 * (p * self._part + l) + 1].next = self.code[l].val() >> 8;
                    if self.again.q.val() {
                        self.wdata[2 * (p * self._part + l)].next = self.code[l + self._upper].val();
                        self.wdata[2 * (p * self._part + l) + 1].next = self.code[l + self._upper].val() >> 8;
                    }
                }
            }
        }
        self.bytes.next = self.whole.val();
        if self.wide.val() != 0 {
            self.bytes.next = self.whole_wide.val();
        }
        if self.again.q.val() {
            if self.last_r.q.val() {
                self.bytes.next = self.mask_second.val();
            }
        } else if self.last.val() {
            self.bytes.next = self.mask.val();
        }
        self.distance.next = (self.group.q.val() << self.lane_bits.val()) << self.wide.val();
        self.enables.next = 0.into();
        if self.valid.val() | self.again.q.val() {
            self.enables.next = self.bytes.val() << self.distance.val();
        }
        self.waddr.next = self.line.q.val()
            + (((self.group.q.val() << self.wide.val()) + self.again.q.val()) >> self.group_bits.val());

        self.again.d.next = self.valid.val() & (self.wide.val() != 0) & (self.two_lines.val() != 0);
        if self.valid.val() {
            self.last_r.d.next = self.last.val();
        }
        self.advance.next = self.valid.val();
        self.advance_last.next = self.last.val();
        if (self.wide.val() != 0) & (self.two_lines.val() != 0) {
            self.advance.next = self.again.q.val();
            self.advance_last.next = self.last_r.q.val();
        }
        if self.advance.val() {
            self.group.d.next = self.group.q.val() + 1;
            if self.advance_last.val() {
                self.group.d.next = 0.into();
                self.line.d.next = self.line.q.val() + self.stride.val();
            }
        }
        if self.load.val() {
            self.group.d.next = 0.into();
            self.line.d.next = self.output_line.val();
        }
    }
}
