//! A serial divider with a quotient of 16 bits.

use crate::prelude::*;
use rust_hdl::prelude::*;

/// Bits of the divisor and of the remainder.
pub const DIVISOR_BITS: usize = 31;
/// Cycles from `go` to the quotient.
pub const LATENCY: usize = 17;

documented! {
    /// Restoring divider: quotient = floor(remainder 2^16 / divisor), saturated to 16 bits.
    ///
    /// One bit a cycle. The remainder given is at most the divisor; where they are equal, every step finds
    /// them equal again, and all ones come out: the saturation costs nothing. The quotient stays until
    /// the next `go`.
    ///
    /// cycle     | go | go+1 .. go+16 | go+17
    /// quotient  |    |  a bit each   | there
    #[derive(LogicBlock)]
    pub struct Divide {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// takes remainder and divisor
        pub go: Signal<In, Bit>,
        /// what is divided, over 2^16; at most the divisor
        pub remainder: Sig,
        /// divisor
        pub divisor: Sig,
        /// quotient
        pub quotient: Sig,
        rest: Reg,
        by: Reg,
        bits: Reg,
        left: Reg,
        /// the remainder of this step if it is not negative
        difference: Sig
    }
}

impl Default for Divide {
    fn default() -> Divide {
        Divide {
            name: Named::of("row_divide", &Divide::DOCS),
            clock: Signal::default(),
            go: Signal::default(),
            remainder: Sig::input(u(DIVISOR_BITS)),
            divisor: Sig::input(u(DIVISOR_BITS)),
            quotient: Sig::output(u(16)),
            rest: Reg::new(u(DIVISOR_BITS)),
            by: Reg::new(u(DIVISOR_BITS)),
            bits: Reg::new(u(16)),
            left: Reg::new(u(5)),
            difference: Sig::local(s(DIVISOR_BITS + 2)),
        }
    }
}

impl Logic for Divide {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, rest, by, bits, left);
        self.difference.next = (self.rest.q.val() << 1) - self.by.q.val();
        if self.go.val() {
            self.rest.d.next = self.remainder.val();
            self.by.d.next = self.divisor.val();
            self.left.d.next = 16.into();
        } else if self.left.q.val() != 0 {
            self.left.d.next = self.left.q.val() - 1;
            if self.difference.val() >= 0 {
                self.rest.d.next = self.difference.val();
                self.bits.d.next = (self.bits.q.val() << 1) + 1;
            } else {
                self.rest.d.next = self.rest.q.val() << 1;
                self.bits.d.next = self.bits.q.val() << 1;
            }
        }
        self.quotient.next = self.bits.q.val();
    }
}
