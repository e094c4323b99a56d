//! From lines to the lanes' codes.

use super::present::Present;
use crate::prelude::*;
use crate::units::shape::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Registers a line, and picks the codes of a step.
    ///
    /// stage 1 place of the group
    /// stage 2 line arrives
    /// stage 3 line registered; the step's flags
    /// stage 4 codes
    ///
    /// LayerNorm's codes keep their sign, and bytes are shifted to the steps of the finest channel; softmax's are shifted to 0 .. 255, which keeps their order. A lane
    /// without a code has zero, which is neutral for sums and maximum.
    #[derive(LogicBlock)]
    pub struct RowSelect {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// the command is a softmax
        pub softmax: Signal<In, Bit>,
        /// bytes are signed
        pub source_signed: Sig,
        /// codes have 16 bits
        pub source_wide: Sig,
        /// codes of the last group, less one
        pub rest: Sig,
        /// stage 1: place of the group in its line
        pub place: Sig,
        /// stage 2: line
        pub rdata: Vec<Sig>,
        /// stage 3, where channels have shifts: that of each lane's code
        pub channel_shift: Vec<Sig>,
        /// stage 3: the group is the row's last
        pub last: Signal<In, Bit>,
        /// stage 3: the step is half a group
        pub half: Signal<In, Bit>,
        /// stage 3: the step is the second half
        pub parity: Signal<In, Bit>,
        /// stage 4: code of each lane
        pub code: Vec<Sig>,
        place_2: Reg,
        place_3: Reg,
        line: Vec<Reg>,
        code_r: Vec<Reg>,
        present: Present,
        /// place of a group of 16-bit codes
        wide_place: Sig,
        /// byte of each lane
        byte: Vec<Sig>,
        /// byte of each lane, read as signed
        reread: Vec<Sig>,
        /// low byte of each lane's 16-bit code
        low: Vec<Sig>,
        /// high byte of each lane's 16-bit code
        high: Vec<Sig>,
        /// code of each lane, there or not
        picked: Vec<Sig>,
        /// shift of each lane's code, none where it has a sign
        shift: Vec<Sig>,
        lanes: Const,
        middle: Const,
        wide_places_less_one: Const,
        _line: usize,
        _lanes: usize,
        _middle: usize,
        _shifted: usize,
        _places: usize,
        _wide_places: usize
    }
}

impl RowSelect {
    /// For this shape.
    #[must_use]
    pub fn new(shape: &Shape) -> RowSelect {
        let (line, lanes) = (shape.line.max(1), shape.vector_lanes.max(1));
        let places = (line / lanes).max(1);
        // Groups of 16-bit codes in a line; none where one takes two lines.
        let wide_places = places / 2;
        let middle = if wide_places == 0 { lanes / 2 } else { 0 };
        let place = u(clog2(places.max(2)));
        let (suffix, shifted) = if shape.channel_shifts { ("_shifts", lanes) } else { ("", 0) };
        RowSelect {
            name: Named::of(format!("row_select_by{lanes}_line{line}{suffix}"), &RowSelect::DOCS),
            clock: Signal::default(),
            softmax: Signal::default(),
            source_signed: Sig::input(u(1)),
            source_wide: Sig::input(u(1)),
            rest: Sig::input(u(clog2(lanes.max(2)))),
            place: Sig::input(place),
            rdata: Sig::inputs(u(8), line),
            channel_shift: Sig::inputs(u(4), shifted),
            last: Signal::default(),
            half: Signal::default(),
            parity: Signal::default(),
            code: Sig::outputs(s(16), lanes),
            place_2: Reg::new(place),
            place_3: Reg::new(place),
            line: Reg::many(u(8), line),
            code_r: Reg::many(s(16), lanes),
            present: Present::new(lanes),
            wide_place: Sig::local(u(clog2(wide_places.max(2)))),
            byte: Sig::locals(u(8), lanes),
            reread: Sig::locals(s(8), lanes),
            low: Sig::locals(u(8), lanes),
            high: Sig::locals(u(8), lanes),
            picked: Sig::locals(s(16), lanes),
            shift: Sig::locals(u(3), shifted),
            lanes: Const::new(lanes),
            middle: Const::new(middle),
            wide_places_less_one: Const::new(wide_places.saturating_sub(1)),
            _line: line,
            _lanes: lanes,
            _middle: middle,
            _shifted: shifted,
            _places: places,
            _wide_places: wide_places,
        }
    }
}

impl Logic for RowSelect {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, place_2, place_3);
        self.place_2.d.next = self.place.val();
        self.place_3.d.next = self.place_2.q.val();
        for b in 0..self._line {
            self.line[b].clock.next = self.clock.val();
            self.line[b].d.next = self.rdata[b].val();
        }
        self.present.rest.next = self.rest.val();
        self.present.last.next = self.last.val();
        self.present.half.next = self.half.val();
        self.present.parity.next = self.parity.val();

        self.wide_place.next = self.place_3.q.val() & self.wide_places_less_one.val();
        for l in 0..self._lanes {
            self.byte[l].next = 0.into();
            self.low[l].next = 0.into();
            self.high[l].next = 0.into();
            for p in 0..self._places {
                if self.place_3.q.val() == p {
                    self.byte[l].next = self.line[p * self._lanes + l].q.val();
                }
            }
            for p in 0..self._wide_places {
                if self.wide_place.val() == p {
                    self.low[l].next = self.line[(p * self._lanes + l) * 2].q.val();
                    self.high[l].next = self.line[(p * self._lanes + l) * 2 + 1].q.val();
                }
            }
        }
        // Where a group of 16-bit codes takes two lines, each half has lanes of its own.
        for l in 0..self._middle {
            self.low[l].next = self.line[l * 2].q.val();
            self.high[l].next = self.line[l * 2 + 1].q.val();
            self.low[l + self._middle].next = self.line[l * 2].q.val();
            self.high[l + self._middle].next = self.line[l * 2 + 1].q.val();
        }
        for l in 0..self._lanes {
            self.reread[l].next = self.byte[l].val();
            self.picked[l].next = self.byte[l].val();
            if self.softmax.val() {
                self.picked[l].next = self.byte[l].val() ^ (self.source_signed.val() << 7);
            } else if self.source_wide.val() == 1 {
                self.picked[l].next = (self.high[l].val() << 8) + self.low[l].val();
            } else if self.source_signed.val() == 1 {
                self.picked[l].next = self.reread[l].val();
            }
            self.code_r[l].clock.next = self.clock.val();
            self.code_r[l].d.next = 0.into();
            if self.present.present[l].val() {
                self.code_r[l].d.next = self.picked[l].val();
            }
            self.code[l].next = self.code_r[l].q.val();
        }
        for l in 0..self._shifted {
            self.shift[l].next = self.channel_shift[l].val();
            if self.channel_shift[l].val().get_bit(3) {
                self.shift[l].next = 0.into();
            }
            if self.present.present[l].val() & !self.softmax.val() & (self.source_wide.val() == 0) {
                self.code_r[l].d.next = self.picked[l].val() << self.shift[l].val();
            }
        }
    }
}
