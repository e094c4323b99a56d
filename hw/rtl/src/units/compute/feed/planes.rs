//! One row or column of a feeder of `serial`: a line at a time in, the same bits of a group of codes a cycle out.

use super::lane::WORD;
use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

/// Bits of the place of a bit in a code.
const PLACE: usize = 3;

/// Where a token says what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Bits of the group's number, which are the lowest.
    pub group: usize,
}

impl Token {
    /// Of a shape.
    #[must_use]
    pub fn of(shape: &Shape) -> Token {
        Token { group: clog2(shape.line / shape.mac.lanes) }
    }

    /// Lowest bit of the plane, which rows deal.
    #[must_use]
    pub fn plane(self) -> usize {
        self.group
    }

    /// Lowest bit of the slice's place, which columns deal.
    #[must_use]
    pub fn slice(self) -> usize {
        self.group + PLACE
    }

    /// The bit that says that there are codes left.
    #[must_use]
    pub fn live(self) -> usize {
        self.group + 2 * PLACE
    }

    /// The bit that says that a line begins.
    #[must_use]
    pub fn fresh(self) -> usize {
        self.live() + 1
    }

    /// All bits.
    #[must_use]
    pub fn bits(self) -> usize {
        self.fresh() + 1
    }
}

documented! {
    /// Lane of a feeder: holds a line and deals some bits of a group of its codes, all codes of the group at once.
    ///
    /// A token walks from lane to lane, one register a lane, so that each lane runs a cycle behind the one before it:
    /// group, place of the bits, whether there are codes left (else all is zero), whether a new line begins. The line
    /// must be on `data` in the cycle in which such a token comes in.
    #[derive(LogicBlock, Clone)]
    pub struct Planes {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// what to deal
        pub token_in: Sig,
        /// words of the line
        pub data: Vec<Sig>,
        /// the token, a cycle later
        pub token_out: Sig,
        /// the bits that `token_out` names: a plane, or a slice of each code
        pub code: Vec<Sig>,
        token: Reg,
        buffer: Vec<Reg>,
        /// codes of the line
        codes: Vec<Sig>,
        /// codes of the group
        byte: Vec<Sig>,
        /// their bits
        part: Vec<Sig>,
        place: Sig,
        group: Sig,
        fresh: Const,
        live: Const,
        place_low: Const,
        group_mask: Const,
        lanes: Const,
        word: Const,
        _words: usize,
        _word: usize,
        _lanes: usize,
        _groups: usize,
        _whole: usize,
        _joined: usize,
        _parts: usize
    }
}

impl Planes {
    /// A lane of a row: a bit of each code.
    #[must_use]
    pub fn row(shape: &Shape) -> Planes {
        Planes::new(shape, 1, Token::of(shape).plane(), "planes")
    }

    /// A lane of a column: a slice of each code.
    #[must_use]
    pub fn column(shape: &Shape) -> Planes {
        Planes::new(shape, shape.mac.slice, Token::of(shape).slice(), "slices")
    }

    fn new(shape: &Shape, bits: usize, place_low: usize, what: &str) -> Planes {
        let (line, lanes) = (shape.line, shape.mac.lanes.max(1));
        let word = line.min(WORD);
        let words = line / word;
        let token = Token::of(shape);
        let ty = u(token.bits());
        let joined = bits == 1;
        let (signals, code) = if joined { (1, u(lanes)) } else { (lanes, u(bits)) };
        Planes {
            name: Named::of(format!("feed_{what}{line}_v{lanes}_by{bits}"), &Planes::DOCS),
            clock: Signal::default(),
            token_in: Sig::input(ty),
            data: Sig::inputs(u(8 * word), words),
            token_out: Sig::output(ty),
            code: Sig::outputs(code, signals),
            token: Reg::new(ty),
            buffer: Reg::many(u(8 * word), words),
            codes: Sig::locals(u(8), line),
            byte: Sig::locals(u(8), lanes),
            part: Sig::locals(u(bits), lanes),
            place: Sig::local(u(PLACE)),
            group: Sig::local(u(token.group.max(1))),
            fresh: Const::new(token.fresh()),
            live: Const::new(token.live()),
            place_low: Const::new(place_low),
            group_mask: Const::new((1i64 << token.group) - 1),
            lanes: Const::new(lanes),
            word: Const::new(word),
            _words: words,
            _word: word,
            _lanes: lanes,
            _groups: line / lanes,
            _whole: usize::from(joined),
            _joined: if joined { lanes } else { 0 },
            _parts: if joined { 0 } else { lanes },
        }
    }
}

impl Logic for Planes {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, token);
        self.token.d.next = self.token_in.val();
        self.token_out.next = self.token.q.val();
        self.place.next = self.token.q.val() >> self.place_low.val();
        self.group.next = self.token.q.val() & self.group_mask.val();
        for k in 0..self._words {
            self.buffer[k].clock.next = self.clock.val();
            self.buffer[k].d.next = self.buffer[k].q.val();
            if self.token_in.val().get_bit(self.fresh.val()) {
                self.buffer[k].d.next = self.data[k].val();
            }
        }
        for k in 0..self._words {
            for b in 0..self._word {
                self.codes[k * self._word + b].next = self.buffer[k].q.val() >> (8 * b);
            }
        }
        for v in 0..self._lanes {
            self.byte[v].next = self.codes[v].val();
            for g in 1..self._groups {
                if self.group.val() == g {
                    self.byte[v].next = self.codes[g * self._lanes + v].val();
                }
            }
            self.part[v].next = 0.into();
            if self.token.q.val().get_bit(self.live.val()) {
                self.part[v].next = self.byte[v].val() >> self.place.val();
            }
        }
        for v in 0..self._parts {
            self.code[v].next = self.part[v].val();
        }
        for _j in 0..self._whole {
            self.code[0].next = 0.into();
        }
        for v in 0..self._joined {
            self.code[0].next = self.code[0].val() | (self.part[v].val() << v);
        }
    }
}
