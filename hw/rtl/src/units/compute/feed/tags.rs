//! Codes of two scales on their way from a line to a row.

use crate::prelude::*;
use crate::units::Shape;
use bitgauge_arch::code::two_scale::LEAST_BITS;
use rust_hdl::prelude::*;

/// Bits of a code's width; 0 where codes have one scale.
pub const WIDTH: usize = 4;

documented! {
    /// Payloads of the codes that a row gets. Gates only.
    ///
    /// The payload is a code's bits below its tag, with its sign. A single code's tag makes the term's place; of several
    /// codes those of the other pass are zero.
    #[derive(LogicBlock, Clone)]
    pub struct Tags {
        name: Named,
        /// codes, as the lane deals them
        pub code: Vec<Sig>,
        /// bits of a code, 0 where there is one scale
        pub width: Sig,
        /// payloads are signed
        pub signed: Signal<In, Bit>,
        /// one code: place of coarse terms
        pub shift: Vec<Sig>,
        /// several codes: the pass takes coarse codes
        pub coarse: Vec<Sig>,
        /// payloads, or whole codes where there is one scale
        pub value: Vec<Sig>,
        /// one code: place of its term
        pub place: Vec<Sig>,
        tag: Vec<Sig>,
        /// by the width of codes: the width itself, where the tag and the payload's sign are, the bits of the payload
        /// and those above it
        bits: Vec<Const>,
        tag_low: Vec<Const>,
        sign_low: Vec<Const>,
        payload: Vec<Const>,
        above: Vec<Const>,
        _lanes: usize,
        _widths: usize,
        _one: usize,
        _several: usize
    }
}

impl Tags {
    /// Of a row of a shape whose elements read codes of two scales.
    #[must_use]
    pub fn new(shape: &Shape) -> Tags {
        let mac = &shape.mac;
        Tags::with(mac.operand, mac.lanes, mac.shift_bits().max(1))
    }

    /// Of several codes of up to `operand` bits, of which those of one pass count.
    #[must_use]
    pub fn of_codes(operand: usize, lanes: usize) -> Tags {
        Tags::with(operand, lanes, 1)
    }

    fn with(operand: usize, lanes: usize, shift_bits: usize) -> Tags {
        let least = LEAST_BITS as usize;
        let (one, several) = (usize::from(lanes == 1), usize::from(lanes > 1));
        let shifts = if lanes == 1 { format!("_shift{shift_bits}") } else { String::new() };
        let payload = |bits: usize| (1i64 << (bits - 1)) - 1;
        let all = (1i64 << operand) - 1;
        let of =
            |value: &dyn Fn(usize) -> i64| (least..=operand).map(|bits| Const::new(value(bits))).collect();
        let place = u(shift_bits);
        Tags {
            name: Named::of(format!("feed_tags{operand}_by{lanes}{shifts}"), &Tags::DOCS),
            code: Sig::inputs(u(operand), lanes),
            width: Sig::input(u(WIDTH)),
            signed: Signal::default(),
            shift: Sig::inputs(place, one),
            coarse: Sig::inputs(u(1), several),
            value: Sig::outputs(u(operand), lanes),
            place: Sig::outputs(place, one),
            tag: Sig::locals(u(1), lanes),
            bits: of(&|bits| bits as i64),
            tag_low: of(&|bits| bits as i64 - 1),
            sign_low: of(&|bits| bits as i64 - 2),
            payload: of(&payload),
            above: of(&|bits| all - payload(bits)),
            _lanes: lanes,
            _widths: (operand + 1).saturating_sub(least),
            _one: one,
            _several: several,
        }
    }
}

impl Logic for Tags {
    #[hdl_gen]
    fn update(&mut self) {
        for v in 0..self._lanes {
            self.tag[v].next = 0.into();
            self.value[v].next = self.code[v].val();
            for i in 0..self._widths {
                if self.width.val() == self.bits[i].val() {
                    self.tag[v].next = self.code[v].val() >> self.tag_low[i].val();
                    self.value[v].next = self.code[v].val() & self.payload[i].val();
                    if self.signed.val() & self.code[v].val().get_bit(self.sign_low[i].val()) {
                        self.value[v].next = self.code[v].val() | self.above[i].val();
                    }
                }
            }
            for k in 0..self._several {
                if self.width.val().any() & (self.tag[v].val() != self.coarse[k].val()) {
                    self.value[v].next = 0.into();
                }
            }
        }
        for k in 0..self._one {
            self.place[k].next = 0.into();
            if self.tag[k].val().any() {
                self.place[k].next = self.shift[k].val();
            }
        }
    }
}
