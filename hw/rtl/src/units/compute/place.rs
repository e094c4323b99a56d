//! Codes to the bytes of a line, and back.

use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Byte placement of the drain: residual codes out of a line, output codes into one.
    ///
    /// The lanes of a group lie side by side at a place that is a multiple of their own width. Where they are
    /// wider than a line, step 0 handles the first half of them and step 1 the second.
    ///
    /// ```text
    /// d+1  residual line -> code of each lane
    /// d+7  place and lanes of the output -> byte enables, registered
    /// d+8  codes or table bytes -> bytes of the line
    /// ```
    #[derive(LogicBlock)]
    pub struct Place {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// residual line
        pub line: Vec<Sig>,
        /// place of the residual's lanes
        pub residual_place: Sig,
        /// 16-bit residual
        pub residual_wide: Signal<In, Bit>,
        /// code of each lane
        pub residual: Vec<Sig>,
        /// there is an output
        pub valid: Signal<In, Bit>,
        /// place of its lanes
        pub output_place: Sig,
        /// 16-bit output
        pub output_wide: Signal<In, Bit>,
        /// lanes whose columns exist
        pub lanes_left: Sig,
        /// a row takes two steps
        pub two_steps: Signal<In, Bit>,
        /// which of them this is
        pub step: Signal<In, Bit>,
        /// outputs of this cycle come from the table
        pub table_enable: Signal<In, Bit>,
        /// table's byte of each lane
        pub table: Vec<Sig>,
        /// code of each lane
        pub passed: Vec<Sig>,
        /// byte enables, a cycle after `valid`
        pub we: Sig,
        /// bytes, in this cycle
        pub wdata: Vec<Sig>,
        enables: Reg,
        wide: State<Bit>,
        second: State<Bit>,
        on: Vec<Signal<Local, Bit>>,
        bytes: Sig,
        narrow_code: Vec<Sig>,
        low: Vec<Sig>,
        high: Vec<Sig>,
        /// the line where no table is asked
        plain: Vec<Sig>,
        wide_residual_place: Sig,
        wide_output_place: Sig,
        wide_mask: Const,
        one: Const,
        lanes: Const,
        wide_lanes: Const,
        _line: usize,
        _lanes: usize,
        _places: usize,
        _wide_lanes: usize,
        _wide_places: usize,
        _copies: usize
    }
}

impl Place {
    /// For this shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Place {
        let (lanes, line) = (shape.post_lanes, shape.line);
        let places = line / lanes.max(1);
        let copies = if places == 1 { 2 } else { 1 };
        let wide_lanes = lanes / copies;
        let wide_places = line / (2 * wide_lanes).max(1);
        let place = u(clog2(places.max(2)));
        Place {
            name: Named::of(format!("drain_place_{lanes}_line{line}"), &Place::DOCS),
            clock: Signal::default(),
            line: Sig::inputs(u(8), line),
            residual_place: Sig::input(place),
            residual_wide: Signal::default(),
            residual: Sig::outputs(s(16), lanes),
            valid: Signal::default(),
            output_place: Sig::input(place),
            output_wide: Signal::default(),
            lanes_left: Sig::input(u(7)),
            two_steps: Signal::default(),
            step: Signal::default(),
            table_enable: Signal::default(),
            table: Sig::inputs(u(8), lanes),
            passed: Sig::inputs(s(16), lanes),
            we: Sig::output(u(line)),
            wdata: Sig::outputs(u(8), line),
            enables: Reg::new(u(line)),
            wide: State::default(),
            second: State::default(),
            on: vec![Signal::default(); lanes],
            bytes: Sig::local(u(line)),
            narrow_code: Sig::locals(s(8), lanes),
            low: Sig::locals(u(8), lanes),
            high: Sig::locals(u(8), lanes),
            plain: Sig::locals(u(8), line),
            wide_residual_place: Sig::local(place),
            wide_output_place: Sig::local(place),
            wide_mask: Const::new(wide_places - 1),
            one: Const::new(1usize),
            lanes: Const::new(lanes),
            wide_lanes: Const::new(wide_lanes),
            _line: line,
            _lanes: lanes,
            _places: places,
            _wide_lanes: wide_lanes,
            _wide_places: wide_places,
            _copies: copies,
        }
    }
}

impl Logic for Place {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, enables, wide, second);
        self.wide_residual_place.next = self.residual_place.val() & self.wide_mask.val();
        self.wide_output_place.next = self.output_place.val() & self.wide_mask.val();
        for l in 0..self._lanes {
            self.narrow_code[l].next = self.line[l].val();
            for p in 1..self._places {
                if self.residual_place.val() == p {
                    self.narrow_code[l].next = self.line[p * self._lanes + l].val();
                }
            }
            self.residual[l].next = self.narrow_code[l].val();
        }
        for q in 0..self._copies {
            for l in 0..self._wide_lanes {
                for p in 0..self._wide_places {
                    if self.residual_wide.val() && (self.wide_residual_place.val() == p) {
                        self.residual[q * self._wide_lanes + l].next =
                            self.line[2 * (p * self._wide_lanes + l)].val()
                                | (self.line[2 * (p * self._wide_lanes + l) + 1].val() << 8);
                    }
                }
            }
        }

        self.bytes.next = 0.into();
        for q in 0..self._copies {
            for l in 0..self._wide_lanes {
                self.on[q * self._wide_lanes + l].next = self.valid.val()
                    && (self.lanes_left.val() > self.wide_lanes.val() * q + l)
                    && (!self.two_steps.val() || (self.step.val() == (q == 1)));
            }
        }
        for l in 0..self._lanes {
            for p in 0..self._places {
                if !self.output_wide.val() && self.on[l].val() && (self.output_place.val() == p) {
                    self.bytes.next = self.bytes.val() | (self.one.val() << (self.lanes.val() * p + l));
                }
            }
        }
        for q in 0..self._copies {
            for l in 0..self._wide_lanes {
                for p in 0..self._wide_places {
                    if self.output_wide.val()
                        && self.on[q * self._wide_lanes + l].val()
                        && (self.wide_output_place.val() == p)
                    {
                        self.bytes.next = self.bytes.val()
                            | ((self.one.val() + 2) << ((self.wide_lanes.val() * p + l) * 2));
                    }
                }
            }
        }
        self.enables.d.next = self.bytes.val();
        self.we.next = self.enables.q.val();
        self.wide.d.next = self.output_wide.val();
        self.second.d.next = self.step.val();

        for l in 0..self._lanes {
            self.low[l].next = self.passed[l].val();
            self.high[l].next = self.passed[l].val() >> 8;
        }
        for p in 0..self._places {
            for l in 0..self._lanes {
                self.plain[p * self._lanes + l].next = self.low[l].val();
            }
        }
        for q in 0..self._copies {
            for p in 0..self._wide_places {
                for l in 0..self._wide_lanes {
                    if self.wide.q.val() && (self.second.q.val() == (q == 1)) {
                        self.plain[2 * (p * self._wide_lanes + l)].next =
                            self.low[q * self._wide_lanes + l].val();
                        self.plain[2 * (p * self._wide_lanes + l) + 1].next =
                            self.high[q * self._wide_lanes + l].val();
                    }
                }
            }
        }
        // Tables emit bytes, so what they say is never wide; it comes late, from a memory.
        for p in 0..self._places {
            for l in 0..self._lanes {
                self.wdata[p * self._lanes + l].next = self.plain[p * self._lanes + l].val();
                if self.table_enable.val() {
                    self.wdata[p * self._lanes + l].next = self.table[l].val();
                }
            }
        }
    }
}
