//! The variance of a LayerNorm token from its sums.

use super::root::OPERAND_BITS;
use crate::prelude::*;
use rust_hdl::prelude::*;

/// Bits of the number of channels, of their sum and of the sum of their squares: at most 4096 codes of
/// 16 bits, |S| <= 2^27, Q <= 2^42.
pub const COUNT_BITS: usize = 13;
/// See [`COUNT_BITS`]; signed.
pub const SUM_BITS: usize = 29;
/// See [`COUNT_BITS`].
pub const SQUARES_BITS: usize = 43;
/// Bits of epsilon.
pub const EPSILON_BITS: usize = 58;
/// Cycles from `go` to the variance.
pub const LATENCY: usize = 8;

documented! {
    /// Variance D = N Q - S^2 + epsilon, with one multiplier in six turns.
    ///
    /// With S = 2^14 H + L and Q in three parts of 16 bits, the turns are -L L, -H L 2^15, -H H 2^28, N Q0,
    /// N Q1 2^16, N Q2 2^32. N Q is at most 2^54 and epsilon below 2^58, so D is below 2^60 as it is; and
    /// it is zero only where epsilon is zero and all codes are equal: then all numerators are zero, and what
    /// they are divided by does not matter.
    ///
    /// cycle     | go | go+1 | .. | go+5 | go+6 | go+7 | go+8
    /// operands  | LL | LH   |    | NQ2  |      |      |
    /// product   |    |      | LL |      |      | NQ2  |
    /// variance  |    |      |    |      |      |      | there, `done`
    ///
    /// The sum of squares may come a cycle after `go`.
    #[derive(LogicBlock)]
    pub struct Variance {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// the sum is there
        pub go: Signal<In, Bit>,
        /// N
        pub channels: Sig,
        /// S
        pub sum: Sig,
        /// Q, there from the cycle after `go`
        pub squares: Sig,
        /// epsilon
        pub epsilon: Sig,
        /// D
        pub variance: Sig,
        /// the variance is there: high for one cycle
        pub done: Signal<Out, Bit>,
        turn: Reg,
        turn_1: Reg,
        turn_2: Reg,
        active_1: State<Bit>,
        active_2: State<Bit>,
        finished: State<Bit>,
        a: Reg,
        b: Reg,
        product: Reg,
        total: Reg,
        /// L
        low: Sig,
        /// H
        high: Sig,
        /// a turn begins in this cycle
        active: Signal<Local, Bit>,
        /// the product at its place
        addend: Sig,
        /// what it is added to
        base: Sig
    }
}

impl Default for Variance {
    fn default() -> Variance {
        let total = s(OPERAND_BITS + 2);
        Variance {
            name: Named::of("row_variance", &Variance::DOCS),
            clock: Signal::default(),
            go: Signal::default(),
            channels: Sig::input(u(COUNT_BITS)),
            sum: Sig::input(s(SUM_BITS)),
            squares: Sig::input(u(SQUARES_BITS)),
            epsilon: Sig::input(u(EPSILON_BITS)),
            variance: Sig::output(u(OPERAND_BITS)),
            done: Signal::default(),
            turn: Reg::new(u(3)),
            turn_1: Reg::new(u(3)),
            turn_2: Reg::new(u(3)),
            active_1: State::default(),
            active_2: State::default(),
            finished: State::default(),
            a: Reg::new(s(16)),
            b: Reg::new(s(17)),
            product: Reg::new(s(33)),
            total: Reg::new(total),
            low: Sig::local(u(14)),
            high: Sig::local(s(SUM_BITS - 14)),
            active: Signal::default(),
            addend: Sig::local(total),
            base: Sig::local(total),
        }
    }
}

impl Logic for Variance {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, turn, turn_1, turn_2, active_1, active_2, finished, a, b, product, total);
        self.active.next = self.go.val() | (self.turn.q.val() != 0);
        if self.active.val() {
            self.turn.d.next = self.turn.q.val() + 1;
            if self.turn.q.val() == 5 {
                self.turn.d.next = 0.into();
            }
        }
        self.low.next = self.sum.val();
        self.high.next = self.sum.val() >> 14;
        self.a.d.next = self.channels.val();
        self.b.d.next = bits_w(self.squares.val(), 16);
        if self.turn.q.val() == 0 {
            self.a.d.next = self.low.val();
            self.b.d.next = -self.low.val();
        } else if self.turn.q.val() == 1 {
            self.a.d.next = self.high.val();
            self.b.d.next = -self.low.val();
        } else if self.turn.q.val() == 2 {
            self.a.d.next = self.high.val();
            self.b.d.next = -self.high.val();
        } else if self.turn.q.val() == 4 {
            self.b.d.next = bits_w(self.squares.val() >> 16, 16);
        } else if self.turn.q.val() == 5 {
            self.b.d.next = bits_w(self.squares.val() >> 32, 11);
        }
        self.turn_1.d.next = self.turn.q.val();
        self.active_1.d.next = self.active.val();
        self.product.d.next = self.a.q.val() * self.b.q.val();
        self.turn_2.d.next = self.turn_1.q.val();
        self.active_2.d.next = self.active_1.q.val();

        self.addend.next = self.product.q.val();
        if self.turn_2.q.val() == 1 {
            self.addend.next = self.product.q.val() << 15;
        } else if self.turn_2.q.val() == 2 {
            self.addend.next = self.product.q.val() << 28;
        } else if self.turn_2.q.val() == 4 {
            self.addend.next = self.product.q.val() << 16;
        } else if self.turn_2.q.val() == 5 {
            self.addend.next = self.product.q.val() << 32;
        }
        self.base.next = self.total.q.val();
        if self.turn_2.q.val() == 0 {
            self.base.next = self.epsilon.val();
        }
        if self.active_2.q.val() {
            self.total.d.next = self.base.val() + self.addend.val();
        }
        self.finished.d.next = self.active_2.q.val() & (self.turn_2.q.val() == 5);
        self.variance.next = self.total.q.val();
        self.done.next = self.finished.q.val();
    }
}
