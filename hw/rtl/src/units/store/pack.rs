//! `pack`: codes at their own width, one after the other.

use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

documented! {
    /// Drops the container bits of a line's codes, gates only.
    ///
    /// Eight codes of b bits are b bytes, so that each width is a wiring of groups of eight codes; one
    /// multiplexer chooses the width.
    #[derive(LogicBlock)]
    pub struct StorePack {
        name: Named,
        /// containers, zero where there is no code
        pub line: Vec<Sig>,
        /// bits of a code, 2 to 8
        pub bits: Sig,
        /// dense codes
        pub packed: Vec<Sig>,
        /// eight codes of 2 bits
        dense_2: Vec<Sig>,
        dense_3: Vec<Sig>,
        dense_4: Vec<Sig>,
        dense_5: Vec<Sig>,
        dense_6: Vec<Sig>,
        dense_7: Vec<Sig>,
        _bytes: usize,
        _groups: usize
    }
}

impl StorePack {
    /// Packs lines of this shape; a line shorter than a group is filled up with zeros.
    #[must_use]
    pub fn new(shape: &Shape) -> StorePack {
        let bytes = shape.line.max(8);
        let dense = |bits: usize| Sig::locals(u(8 * bits), bytes / 8);
        StorePack {
            name: Named::of(format!("store_pack_line{bytes}"), &StorePack::DOCS),
            line: Sig::inputs(u(8), bytes),
            bits: Sig::input(u(4)),
            packed: Sig::outputs(u(8), bytes),
            dense_2: dense(2),
            dense_3: dense(3),
            dense_4: dense(4),
            dense_5: dense(5),
            dense_6: dense(6),
            dense_7: dense(7),
            _bytes: bytes,
            _groups: bytes / 8,
        }
    }
}

impl Logic for StorePack {
    #[hdl_gen]
    fn update(&mut self) {
        for g in 0..self._groups {
            self.dense_2[g].next = (self.line[8 * g].val() & 3)
                | ((self.line[8 * g + 1].val() & 3) << 2)
                | ((self.line[8 * g + 2].val() & 3) << 4)
                | ((self.line[8 * g + 3].val() & 3) << 6)
                | ((self.line[8 * g + 4].val() & 3) << 8)
                | ((self.line[8 * g + 5].val() & 3) << 10)
                | ((self.line[8 * g + 6].val() & 3) << 12)
                | ((self.line[8 * g + 7].val() & 3) << 14);
            self.dense_3[g].next = (self.line[8 * g].val() & 7)
                | ((self.line[8 * g + 1].val() & 7) << 3)
                | ((self.line[8 * g + 2].val() & 7) << 6)
                | ((self.line[8 * g + 3].val() & 7) << 9)
                | ((self.line[8 * g + 4].val() & 7) << 12)
                | ((self.line[8 * g + 5].val() & 7) << 15)
                | ((self.line[8 * g + 6].val() & 7) << 18)
                | ((self.line[8 * g + 7].val() & 7) << 21);
            self.dense_4[g].next = (self.line[8 * g].val() & 15)
                | ((self.line[8 * g + 1].val() & 15) << 4)
                | ((self.line[8 * g + 2].val() & 15) << 8)
                | ((self.line[8 * g + 3].val() & 15) << 12)
                | ((self.line[8 * g + 4].val() & 15) << 16)
                | ((self.line[8 * g + 5].val() & 15) << 20)
                | ((self.line[8 * g + 6].val() & 15) << 24)
                | ((self.line[8 * g + 7].val() & 15) << 28);
            self.dense_5[g].next = (self.line[8 * g].val() & 31)
                | ((self.line[8 * g + 1].val() & 31) << 5)
                | ((self.line[8 * g + 2].val() & 31) << 10)
                | ((self.line[8 * g + 3].val() & 31) << 15)
                | ((self.line[8 * g + 4].val() & 31) << 20)
                | ((self.line[8 * g + 5].val() & 31) << 25)
                | ((self.line[8 * g + 6].val() & 31) << 30)
                | ((self.line[8 * g + 7].val() & 31) << 35);
            self.dense_6[g].next = (self.line[8 * g].val() & 63)
                | ((self.line[8 * g + 1].val() & 63) << 6)
                | ((self.line[8 * g + 2].val() & 63) << 12)
                | ((self.line[8 * g + 3].val() & 63) << 18)
                | ((self.line[8 * g + 4].val() & 63) << 24)
                | ((self.line[8 * g + 5].val() & 63) << 30)
                | ((self.line[8 * g + 6].val() & 63) << 36)
                | ((self.line[8 * g + 7].val() & 63) << 42);
            self.dense_7[g].next = (self.line[8 * g].val() & 127)
                | ((self.line[8 * g + 1].val() & 127) << 7)
                | ((self.line[8 * g + 2].val() & 127) << 14)
                | ((self.line[8 * g + 3].val() & 127) << 21)
                | ((self.line[8 * g + 4].val() & 127) << 28)
                | ((self.line[8 * g + 5].val() & 127) << 35)
                | ((self.line[8 * g + 6].val() & 127) << 42)
                | ((self.line[8 * g + 7].val() & 127) << 49);
        }
        for k in 0..self._bytes {
            self.packed[k].next = 0.into();
            if self.bits.val() == 8 {
                self.packed[k].next = self.line[k].val();
            }
        }
        for g in 0..self._groups {
            if self.bits.val() == 2 {
                for k in 0..2 {
                    self.packed[2 * g + k].next = self.dense_2[g].val() >> (8 * k);
                }
            }
            if self.bits.val() == 3 {
                for k in 0..3 {
                    self.packed[3 * g + k].next = self.dense_3[g].val() >> (8 * k);
                }
            }
            if self.bits.val() == 4 {
                for k in 0..4 {
                    self.packed[4 * g + k].next = self.dense_4[g].val() >> (8 * k);
                }
            }
            if self.bits.val() == 5 {
                for k in 0..5 {
                    self.packed[5 * g + k].next = self.dense_5[g].val() >> (8 * k);
                }
            }
            if self.bits.val() == 6 {
                for k in 0..6 {
                    self.packed[6 * g + k].next = self.dense_6[g].val() >> (8 * k);
                }
            }
            if self.bits.val() == 7 {
                for k in 0..7 {
                    self.packed[7 * g + k].next = self.dense_7[g].val() >> (8 * k);
                }
            }
        }
    }
}
