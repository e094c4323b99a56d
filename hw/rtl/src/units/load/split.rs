//! Two codes of a byte, and the end of a pixel's last byte: what makes an operand line of expanded bytes.

use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Makes operand lines of bytes: where a byte has come of two codes of 2 or 3 bits, each is extended to half a byte;
    /// what the last byte has room for beyond the last code is cleared.
    #[derive(LogicBlock)]
    pub struct Split {
        name: Named,
        /// bytes; without sign where they are two codes
        pub byte: Vec<Sig>,
        /// bytes are two codes
        pub halves: Sig,
        /// bits of both together: 4 or 6
        pub width: Sig,
        /// extend the sign
        pub signed: Signal<In, Bit>,
        /// quarters of the last byte that are no codes
        pub spare: Sig,
        /// bytes of the line
        pub bytes: Sig,
        /// the operand line
        pub line: Vec<Sig>,
        low: Vec<Sig>,
        high: Vec<Sig>,
        joined: Vec<Sig>,
        keep: Sig,
        fill_2: Const,
        fill_3: Const,
        keep_2: Const,
        keep_3: Const,
        all: Const,
        _line: usize
    }
}

impl Split {
    /// For lines of so many bytes.
    #[must_use]
    pub fn new(line: usize) -> Split {
        Split {
            name: Named::of(format!("split_{line}"), &Split::DOCS),
            byte: Sig::inputs(u(8), line),
            halves: Sig::input(u(1)),
            width: Sig::input(u(4)),
            signed: Signal::default(),
            spare: Sig::input(u(2)),
            bytes: Sig::input(u(7)),
            line: Sig::outputs(u(8), line),
            low: Sig::locals(u(4), line),
            high: Sig::locals(u(4), line),
            joined: Sig::locals(u(8), line),
            keep: Sig::local(u(8)),
            fill_2: Const::new(12),
            fill_3: Const::new(8),
            keep_2: Const::new(3),
            keep_3: Const::new(7),
            all: Const::new(255),
            _line: line,
        }
    }
}

impl Logic for Split {
    #[hdl_gen]
    fn update(&mut self) {
        self.keep.next = self.all.val() >> (self.spare.val() << 1usize);
        for b in 0..self._line {
            self.low[b].next = self.byte[b].val() & self.keep_3.val();
            self.high[b].next = self.byte[b].val() >> 3usize;
            if self.signed.val() & self.byte[b].val().get_bit(2) {
                self.low[b].next = self.byte[b].val() | self.fill_3.val();
            }
            if self.signed.val() & self.byte[b].val().get_bit(5) {
                self.high[b].next = (self.byte[b].val() >> 3usize) | self.fill_3.val();
            }
            if self.width.val() == 4 {
                self.low[b].next = self.byte[b].val() & self.keep_2.val();
                self.high[b].next = self.byte[b].val() >> 2usize;
                if self.signed.val() & self.byte[b].val().get_bit(1) {
                    self.low[b].next = self.byte[b].val() | self.fill_2.val();
                }
                if self.signed.val() & self.byte[b].val().get_bit(3) {
                    self.high[b].next = (self.byte[b].val() >> 2usize) | self.fill_2.val();
                }
            }
            self.joined[b].next = self.byte[b].val();
            if self.halves.val().any() {
                self.joined[b].next = self.low[b].val() | (self.high[b].val() << 4usize);
            }
            self.line[b].next = self.joined[b].val();
            if self.bytes.val() == b + 1 {
                self.line[b].next = self.joined[b].val() & self.keep.val();
            }
        }
    }
}
