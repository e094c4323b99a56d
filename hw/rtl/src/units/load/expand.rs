//! Codes of 2 to 8 bits, into bytes.

use crate::prelude::*;
use rust_hdl::prelude::*;

/// Codes of a group.
pub const GROUP: usize = 8;

documented! {
    /// Expands codes of 2 to 8 bits, one after the other, into a byte each.
    ///
    /// Eight codes of b bits begin at byte b of each other: first the bytes of each group of eight codes
    /// are picked, then the bits of each code. The width may change with every word.
    #[derive(LogicBlock)]
    pub struct Expand {
        name: Named,
        /// packed bytes
        pub packed: Vec<Sig>,
        /// bits of a code
        pub width: Sig,
        /// extend the sign
        pub signed: Signal<In, Bit>,
        /// codes
        pub code: Vec<Sig>,
        picked: Vec<Sig>,
        group: Vec<Sig>,
        raw: Vec<Sig>,
        keep: Vec<Const>,
        fill: Vec<Const>,
        _groups: usize
    }
}

impl Expand {
    /// For `bytes` bytes, which become as many codes; a multiple of eight.
    #[must_use]
    pub fn new(bytes: usize) -> Expand {
        Expand {
            name: Named::of(format!("expand_{bytes}"), &Expand::DOCS),
            packed: Sig::inputs(u(8), bytes),
            width: Sig::input(u(4)),
            signed: Signal::default(),
            code: Sig::outputs(u(8), bytes),
            picked: Sig::locals(u(8), bytes),
            group: Sig::locals(u(8 * GROUP), bytes / GROUP),
            raw: Sig::locals(u(8), bytes),
            keep: (0..9).map(|width| Const::new((1 << width) - 1)).collect(),
            fill: (0..9).map(|width| Const::new(256 - (1 << width))).collect(),
            _groups: bytes / GROUP,
        }
    }
}

impl Logic for Expand {
    #[hdl_gen]
    fn update(&mut self) {
        for g in 0..self._groups {
            for b in 0..8 {
                self.picked[8 * g + b].next = self.packed[8 * g + b].val();
                for e in 2..8 {
                    if self.width.val() == e {
                        self.picked[8 * g + b].next = self.packed[g * e + b].val();
                    }
                }
            }
            self.group[g].next = self.picked[8 * g].val()
                | (self.picked[8 * g + 1].val() << 8usize)
                | (self.picked[8 * g + 2].val() << 16usize)
                | (self.picked[8 * g + 3].val() << 24usize)
                | (self.picked[8 * g + 4].val() << 32usize)
                | (self.picked[8 * g + 5].val() << 40usize)
                | (self.picked[8 * g + 6].val() << 48usize)
                | (self.picked[8 * g + 7].val() << 56usize);
            for i in 0..8 {
                self.raw[8 * g + i].next = self.picked[8 * g + i].val();
                self.code[8 * g + i].next = self.picked[8 * g + i].val();
                for e in 2..8 {
                    if self.width.val() == e {
                        self.raw[8 * g + i].next = self.group[g].val() >> (i * e);
                        self.code[8 * g + i].next = self.raw[8 * g + i].val() & self.keep[e].val();
                        if self.signed.val() & self.raw[8 * g + i].val().get_bit(e - 1) {
                            self.code[8 * g + i].next = self.raw[8 * g + i].val() | self.fill[e].val();
                        }
                    }
                }
            }
        }
    }
}
