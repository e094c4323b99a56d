//! The processing element for fixed precision.

use crate::prelude::*;
use rust_hdl::prelude::*;

/// The widths of a processing element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeWidths {
    /// Bits of a weight, and of an activation without its extension.
    pub operand: usize,
    /// Bits of the accumulator.
    pub accumulator: usize,
}

documented! {
    /// Processing element of an output-stationary array.
    ///
    /// Activations move right and weights down, one register a hop. The product of the two registers is
    /// added to the accumulator; at the end of a fold the sum goes to the shadow accumulator, from where
    /// it is read while the next fold runs.
    #[derive(LogicBlock, Clone)]
    pub struct Pe {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// activation, extended by one bit so that signed and unsigned ones fit
        pub a: Sig,
        /// weight
        pub w: Sig,
        /// the activation belongs to a fold
        pub valid: Signal<In, Bit>,
        /// it is the first of its fold
        pub first: Signal<In, Bit>,
        /// it is the last of its fold
        pub last: Signal<In, Bit>,
        /// activation for the neighbour on the right
        pub a_out: Sig,
        /// weight for the neighbour below
        pub w_out: Sig,
        /// `valid` for the neighbour on the right
        pub valid_out: Signal<Out, Bit>,
        /// `first` for the neighbour on the right
        pub first_out: Signal<Out, Bit>,
        /// `last` for the neighbour on the right
        pub last_out: Signal<Out, Bit>,
        /// shadow accumulator: the sum of the last complete fold
        pub sum: Sig,
        a_r: Reg,
        w_r: Reg,
        valid_r: State<Bit>,
        first_r: State<Bit>,
        last_r: State<Bit>,
        accumulator: Reg,
        shadow: Reg,
        /// what the accumulator starts from in this cycle
        base: Sig,
        /// the accumulator's next value
        total: Sig
    }
}

impl Pe {
    /// An element with these widths.
    #[must_use]
    pub fn new(widths: PeWidths) -> Pe {
        let PeWidths { operand, accumulator } = widths;
        let (activation, weight, sum) = (s(operand + 1), s(operand), s(accumulator));
        Pe {
            name: Named::of(format!("pe_a{}_w{operand}_acc{accumulator}", operand + 1), &Pe::DOCS),
            clock: Signal::default(),
            a: Sig::input(activation),
            w: Sig::input(weight),
            valid: Signal::default(),
            first: Signal::default(),
            last: Signal::default(),
            a_out: Sig::output(activation),
            w_out: Sig::output(weight),
            valid_out: Signal::default(),
            first_out: Signal::default(),
            last_out: Signal::default(),
            sum: Sig::output(sum),
            a_r: Reg::new(activation),
            w_r: Reg::new(weight),
            valid_r: State::default(),
            first_r: State::default(),
            last_r: State::default(),
            accumulator: Reg::new(sum),
            shadow: Reg::new(sum),
            base: Sig::local(sum),
            total: Sig::local(sum),
        }
    }
}

impl Logic for Pe {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, a_r, w_r, valid_r, first_r, last_r, accumulator, shadow);
        self.a_r.d.next = self.a.val();
        self.w_r.d.next = self.w.val();
        self.valid_r.d.next = self.valid.val();
        self.first_r.d.next = self.first.val();
        self.last_r.d.next = self.last.val();
        self.a_out.next = self.a_r.q.val();
        self.w_out.next = self.w_r.q.val();
        self.valid_out.next = self.valid_r.q.val();
        self.first_out.next = self.first_r.q.val();
        self.last_out.next = self.last_r.q.val();

        self.base.next = self.accumulator.q.val();
        if self.first_r.q.val() {
            self.base.next = 0.into();
        }
        self.total.next = self.base.val() + self.a_r.q.val() * self.w_r.q.val();
        if self.valid_r.q.val() {
            self.accumulator.d.next = self.total.val();
            if self.last_r.q.val() {
                self.shadow.d.next = self.total.val();
            }
        }
        self.sum.next = self.shadow.q.val();
    }
}
