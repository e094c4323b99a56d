//! A serial square root.

use crate::prelude::*;
use rust_hdl::prelude::*;

/// Bits of the operand.
pub const OPERAND_BITS: usize = 60;
/// Bits of the root, and steps.
pub const ROOT_BITS: usize = OPERAND_BITS / 2;
/// Cycles from `go` to the root.
pub const LATENCY: usize = ROOT_BITS + 1;

documented! {
    /// Restoring square root: root = floor(sqrt(value)), one bit a cycle, thirty steps.
    ///
    /// cycle | go | go+1 .. go+30 | go+31
    /// root  |    |  a bit each   | there, `done`
    #[derive(LogicBlock)]
    pub struct Root {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// takes the value
        pub go: Signal<In, Bit>,
        /// operand
        pub value: Sig,
        /// floor of the square root
        pub root: Sig,
        /// the root is there: high for one cycle
        pub done: Signal<Out, Bit>,
        rest: Reg,
        work: Reg,
        bits: Reg,
        left: Reg,
        finished: State<Bit>,
        /// remainder and the next two bits of the operand
        shifted: Sig,
        /// the remainder of this step if it is not negative
        difference: Sig,
        top: Const
    }
}

impl Default for Root {
    fn default() -> Root {
        Root {
            name: Named::of("row_root", &Root::DOCS),
            clock: Signal::default(),
            go: Signal::default(),
            value: Sig::input(u(OPERAND_BITS)),
            root: Sig::output(u(ROOT_BITS)),
            done: Signal::default(),
            // After a step the remainder is at most twice the root.
            rest: Reg::new(u(ROOT_BITS + 1)),
            work: Reg::new(u(OPERAND_BITS)),
            bits: Reg::new(u(ROOT_BITS)),
            left: Reg::new(u(5)),
            finished: State::default(),
            shifted: Sig::local(u(ROOT_BITS + 3)),
            difference: Sig::local(s(ROOT_BITS + 4)),
            top: Const::new(OPERAND_BITS - 2),
        }
    }
}

impl Logic for Root {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, rest, work, bits, left, finished);
        self.shifted.next = (self.rest.q.val() << 2) + (self.work.q.val() >> self.top.val());
        self.difference.next = self.shifted.val() - ((self.bits.q.val() << 2) + 1);
        self.finished.d.next = false;
        if self.go.val() {
            self.work.d.next = self.value.val();
            self.rest.d.next = 0.into();
            self.bits.d.next = 0.into();
            self.left.d.next = 30.into();
        } else if self.left.q.val() != 0 {
            self.left.d.next = self.left.q.val() - 1;
            self.finished.d.next = self.left.q.val() == 1;
            self.work.d.next = self.work.q.val() << 2;
            if self.difference.val() >= 0 {
                self.rest.d.next = self.difference.val();
                self.bits.d.next = (self.bits.q.val() << 1) + 1;
            } else {
                self.rest.d.next = self.shifted.val();
                self.bits.d.next = self.bits.q.val() << 1;
            }
        }
        self.root.next = self.bits.q.val();
        self.done.next = self.finished.q.val();
    }
}
