//! The core of `fixed`: multipliers whose products are added.

use super::{MacShape, mode};
use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Sum of the products of all lanes. Gates only.
    #[derive(LogicBlock, Clone)]
    pub struct FixedCore {
        name: Named,
        /// activation of each lane
        pub a: Vec<Sig>,
        /// weight of each lane
        pub w: Vec<Sig>,
        /// bits that travel with the operands
        pub mode: Sig,
        /// sum of the products
        pub term: Sig,
        /// activations, read as signed
        reread: Vec<Sig>,
        /// activations, extended by one bit so that signed and unsigned ones fit
        extended: Vec<Sig>,
        signed: Const,
        _lanes: usize
    }
}

impl FixedCore {
    /// A core of this shape.
    #[must_use]
    pub fn new(shape: &MacShape) -> FixedCore {
        let ((lanes, activation), (_, weight)) = (shape.activation(), shape.weight());
        FixedCore {
            name: Named::of(format!("core_fixed{}_v{lanes}", shape.operand), &FixedCore::DOCS),
            a: Sig::inputs(activation, lanes),
            w: Sig::inputs(weight, lanes),
            mode: Sig::input(u(shape.mode_bits())),
            term: Sig::output(shape.term()),
            reread: Sig::locals(s(shape.operand), lanes),
            extended: Sig::locals(s(shape.operand + 1), lanes),
            signed: Const::new(mode::SIGNED),
            _lanes: lanes,
        }
    }
}

impl Logic for FixedCore {
    #[hdl_gen]
    fn update(&mut self) {
        for v in 0..self._lanes {
            self.reread[v].next = self.a[v].val();
            self.extended[v].next = self.a[v].val();
            if self.mode.val().get_bit(self.signed.val()) {
                self.extended[v].next = self.reread[v].val();
            }
        }
        self.term.next = self.extended[0].val() * self.w[0].val();
        for v in 1..self._lanes {
            self.term.next = self.term.val() + self.extended[v].val() * self.w[v].val();
        }
    }
}
