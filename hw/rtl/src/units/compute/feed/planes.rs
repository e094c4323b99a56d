//! One row or column of a feeder of `serial`: a line at a time in, the same bits of a group of codes a cycle out.

use super::slots::{CONTAINER, slots};
use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

/// Where a token says what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Bits of a slot's number.
    pub slot: usize,
    /// Bits of the container, where slices can be wider than it.
    pub container: usize,
    /// Bits of the number of the slot of tags, where codes can have two scales.
    pub tag: usize,
}

impl Token {
    /// Of a shape.
    #[must_use]
    pub fn of(shape: &Shape) -> Token {
        let slot = clog2(slots(shape));
        Token {
            slot,
            container: if shape.mac.slice > 2 { CONTAINER } else { 0 },
            tag: if shape.mac.tag_shift > 0 { slot } else { 0 },
        }
    }

    /// Lowest bit of the slice's first slot, which columns deal; the plane's slot, which rows deal, is below.
    #[must_use]
    pub fn slice(self) -> usize {
        self.slot
    }

    /// Lowest bit of the container.
    #[must_use]
    pub fn container_low(self) -> usize {
        2 * self.slot
    }

    /// The bit that says that there are codes left.
    #[must_use]
    pub fn live(self) -> usize {
        2 * self.slot + self.container
    }

    /// Lowest bit of the number of the slot of tags.
    #[must_use]
    pub fn tag_low(self) -> usize {
        self.live() + 1
    }

    /// The bit that says that the pass takes coarse codes.
    #[must_use]
    pub fn coarse(self) -> usize {
        self.tag_low() + self.tag
    }

    /// The bit that says that codes have two scales.
    #[must_use]
    pub fn tagged(self) -> usize {
        self.coarse() + 1
    }

    /// The bit that says that a line begins.
    #[must_use]
    pub fn fresh(self) -> usize {
        if self.tag == 0 { self.live() + 1 } else { self.tagged() + 1 }
    }

    /// All bits.
    #[must_use]
    pub fn bits(self) -> usize {
        self.fresh() + 1
    }
}

documented! {
    /// Lane of a feeder: holds a line by planes and deals some bits of a group of its codes, all codes of the group at
    /// once.
    ///
    /// A token walks from lane to lane, one register a lane, so that each lane runs a cycle behind the one before it:
    /// which slots, whether there are codes left (else all is zero), whether a new line begins. The line must be on
    /// `data` in the cycle in which such a token comes in. A slice that is wider than the container repeats the sign.
    /// Of codes of two scales, a plane has the bits of those codes that the pass takes.
    #[derive(LogicBlock, Clone)]
    pub struct Planes {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// what to deal
        pub token_in: Sig,
        /// slots of the line
        pub data: Vec<Sig>,
        /// the token, a cycle later
        pub token_out: Sig,
        /// the bits that `token_out` names: a plane, or a slice of each code
        pub code: Vec<Sig>,
        token: Reg,
        buffer: Vec<Reg>,
        /// slots, and zeros behind them
        all: Vec<Sig>,
        /// planes of the slice
        plane: Vec<Sig>,
        /// with the sign above the container
        extended: Vec<Sig>,
        number: Sig,
        /// slot of tags, and the codes that the pass takes
        tag_number: Vec<Sig>,
        taken: Vec<Sig>,
        container: Sig,
        fresh: Const,
        live: Const,
        low: Const,
        container_low: Const,
        bit: Vec<Const>,
        slots: Const,
        tag_low: Const,
        coarse: Const,
        tagged: Const,
        ones: Const,
        _slots: usize,
        _beyond: usize,
        _pairs: usize,
        _singles: usize,
        _bits: usize,
        _slices: usize,
        _joined: usize,
        _above_4: usize,
        _above_2: usize,
        _tags: usize
    }
}

impl Planes {
    /// A lane of a row: a bit of each code.
    #[must_use]
    pub fn row(shape: &Shape) -> Planes {
        Planes::new(shape, 1, 0, "planes")
    }

    /// A lane of a column: a slice of each code.
    #[must_use]
    pub fn column(shape: &Shape) -> Planes {
        Planes::new(shape, shape.mac.slice, Token::of(shape).slice(), "slices")
    }

    fn new(shape: &Shape, bits: usize, low: usize, what: &str) -> Planes {
        let (line, lanes) = (shape.line, shape.mac.lanes.max(1));
        let token = Token::of(shape);
        let (ty, slot, slots) = (u(token.bits()), u(lanes), slots(shape));
        let joined = bits == 1;
        let tags = usize::from(what == "planes" && token.tag > 0);
        let suffix = if token.tag > 0 { format!("_t{}", shape.mac.tag_shift) } else { String::new() };
        let (signals, code) = if joined { (1, slot) } else { (lanes, u(bits)) };
        Planes {
            name: Named::of(
                format!("feed_{what}{line}_v{lanes}_s{}{suffix}", shape.mac.slice),
                &Planes::DOCS,
            ),
            clock: Signal::default(),
            token_in: Sig::input(ty),
            data: Sig::inputs(slot, slots),
            token_out: Sig::output(ty),
            code: Sig::outputs(code, signals),
            token: Reg::new(ty),
            buffer: Reg::many(slot, slots),
            all: Sig::locals(slot, slots + bits),
            plane: Sig::locals(slot, bits),
            extended: Sig::locals(slot, bits),
            number: Sig::local(u(token.slot)),
            tag_number: Sig::locals(u(token.slot), tags),
            taken: Sig::locals(slot, tags),
            container: Sig::local(u(CONTAINER)),
            fresh: Const::new(token.fresh()),
            live: Const::new(token.live()),
            low: Const::new(low),
            container_low: Const::new(token.container_low()),
            bit: (0..bits).map(|bit| Const::new(1i64 << bit)).collect(),
            slots: Const::new(slots),
            tag_low: Const::new(token.tag_low()),
            coarse: Const::new(token.coarse()),
            tagged: Const::new(token.tagged()),
            ones: Const::new(((1u128 << lanes) - 1).cast_signed()),
            _slots: slots,
            _beyond: bits,
            // Slices of two bits and more begin at every second slot.
            _pairs: if joined { 0 } else { slots / 2 },
            _singles: if joined { slots } else { 0 },
            _bits: bits,
            _slices: if joined { 0 } else { lanes },
            _joined: usize::from(joined),
            _above_4: bits.saturating_sub(4),
            _above_2: bits.saturating_sub(2),
            _tags: tags,
        }
    }
}

impl Logic for Planes {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, token);
        self.token.d.next = self.token_in.val();
        self.token_out.next = self.token.q.val();
        self.number.next = self.token.q.val() >> self.low.val();
        self.container.next = self.token.q.val() >> self.container_low.val();
        for j in 0..self._slots {
            self.buffer[j].clock.next = self.clock.val();
            self.buffer[j].d.next = self.buffer[j].q.val();
            if self.token_in.val().get_bit(self.fresh.val()) {
                self.buffer[j].d.next = self.data[j].val();
            }
            self.all[j].next = self.buffer[j].q.val();
        }
        for q in 0..self._beyond {
            self.all[self._slots + q].next = 0.into();
        }
        for q in 0..self._bits {
            self.plane[q].next = 0.into();
            if self.token.q.val().get_bit(self.live.val()) {
                for j in 0..self._singles {
                    if self.number.val() == j {
                        self.plane[q].next = self.all[j].val();
                    }
                }
                for m in 0..self._pairs {
                    if (self.number.val() >> 1usize) == m {
                        self.plane[q].next = self.all[2 * m + q].val();
                    }
                }
            }
            self.extended[q].next = self.plane[q].val();
        }
        for q in 0..self._above_4 {
            if self.container.val() == 1 {
                self.extended[q + 4].next = self.plane[3].val();
            }
        }
        for q in 0..self._above_2 {
            if self.container.val() == 2 {
                self.extended[q + 2].next = self.plane[1].val();
            }
        }
        for k in 0..self._tags {
            self.tag_number[k].next = self.token.q.val() >> self.tag_low.val();
            self.taken[k].next = self.ones.val();
            if self.token.q.val().get_bit(self.tagged.val()) {
                for j in 0..self._slots {
                    if self.tag_number[k].val() == j {
                        self.taken[k].next = self.all[j].val();
                    }
                }
                if !self.token.q.val().get_bit(self.coarse.val()) {
                    self.taken[k].next = self.taken[k].val() ^ self.ones.val();
                }
            }
            self.extended[k].next = self.plane[k].val() & self.taken[k].val();
        }
        for _j in 0..self._joined {
            self.code[0].next = self.extended[0].val();
        }
        for v in 0..self._slices {
            self.code[v].next = 0.into();
            for q in 0..self._bits {
                if self.extended[q].val().get_bit(v) {
                    self.code[v].next = self.code[v].val() | self.bit[q].val();
                }
            }
        }
    }
}
