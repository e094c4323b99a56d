//! The codes of a group out of their line.

use crate::prelude::*;
use crate::units::shape::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Picks the codes and weights of the lanes out of a line. No registers.
    ///
    /// Bytes: lane l of group `pick` is byte `pick * lanes + l`. 16-bit codes: twice as far; where they
    /// fill two lines, lower and upper lanes both get the codes of the line that is there.
    #[derive(LogicBlock)]
    pub struct Pick {
        name: Named,
        /// bytes of the line
        pub line: Vec<Sig>,
        /// bytes of the line of weights
        pub weights: Vec<Sig>,
        /// which codes of the line
        pub pick: Sig,
        /// codes have 16 bits
        pub wide: Signal<In, Bit>,
        /// bytes are signed
        pub is_signed: Signal<In, Bit>,
        /// the position lies outside
        pub outside: Signal<In, Bit>,
        /// code of such a position
        pub outside_code: Sig,
        /// code of each lane
        pub code: Vec<Sig>,
        /// weight of each lane
        pub weight: Vec<Sig>,
        /// low byte of each lane, as it is and signed
        low: Vec<Sig>,
        signed_low: Vec<Sig>,
        /// 16-bit code of each lane
        word: Vec<Sig>,
        lanes: Const,
        part: Const,
        _lanes: usize,
        _picks: usize,
        _wide_picks: usize,
        _parts: usize,
        _part: usize
    }
}

impl Pick {
    /// For the lines and lanes of a shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Pick {
        let (line, lanes) = (shape.line, shape.vector_lanes);
        // The lanes that 16-bit codes of one line reach, and how many times that many there are.
        let part = lanes.min(line / 2);
        Pick {
            name: Named::of(format!("vector_pick_line{line}_by{lanes}"), &Pick::DOCS),
            line: Sig::inputs(u(8), line),
            weights: Sig::inputs(s(8), line),
            pick: Sig::input(u(clog2((line / lanes).max(2)))),
            wide: Signal::default(),
            is_signed: Signal::default(),
            outside: Signal::default(),
            outside_code: Sig::input(s(9)),
            code: Sig::outputs(s(16), lanes),
            weight: Sig::outputs(s(8), lanes),
            low: Sig::locals(u(8), lanes),
            signed_low: Sig::locals(s(8), lanes),
            word: Sig::locals(s(16), lanes),
            lanes: Const::new(lanes),
            part: Const::new(part),
            _lanes: lanes,
            _picks: line / lanes,
            _wide_picks: line / (2 * part),
            _parts: lanes / part,
            _part: part,
        }
    }
}

impl Logic for Pick {
    #[hdl_gen]
    fn update(&mut self) {
        for l in 0..self._lanes {
            self.low[l].next = self.line[l].val();
            self.weight[l].next = self.weights[l].val();
            for p in 1..self._picks {
                if self.pick.val() == p {
                    self.low[l].next = self.line[p * self._lanes + l].val();
                    self.weight[l].next = self.weights[p * self._lanes + l].val();
                }
            }
            self.signed_low[l].next = self.low[l].val();
        }
        for h in 0..self._parts {
            for l in 0..self._part {
                self.word[h * self._part + l].next =
                    (self.line[2 * l + 1].val() << 8) + self.line[2 * l].val();
                for p in 1..self._wide_picks {
                    if self.pick.val() == p {
                        self.word[h * self._part + l].next = (self.line[2 * (p * self._part + l) + 1].val()
                            << 8)
                            + self.line[2 * (p * self._part + l)].val();
                    }
                }
            }
        }
        for l in 0..self._lanes {
            self.code[l].next = self.low[l].val();
            if self.wide.val() {
                self.code[l].next = self.word[l].val();
            } else if self.is_signed.val() {
                self.code[l].next = self.signed_low[l].val();
            }
            if self.outside.val() {
                self.code[l].next = self.outside_code.val();
            }
        }
    }
}
