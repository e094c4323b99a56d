//! What the elements of `fusible` make of a line, by the widths of its codes.

use super::slots::CONTAINER;
use crate::prelude::*;
use crate::units::mac::{JOIN_BITS, mode};
use rust_hdl::prelude::*;

/// Bits of the choice of digits: the container, and the digits of an activation and of a weight, as powers of two.
pub const CHOICE: usize = CONTAINER + 4;

documented! {
    /// How many codes of a line `fusible` takes at once, and which of their digits go where. Gates only.
    ///
    /// A code of up to 2, 4 or 8 bits has 1, 2 or 4 digits; without its tag, where it has two scales. Sixteen products of
    /// digits are an element's, and 32 bits of codes come to it in a cycle.
    #[derive(LogicBlock)]
    pub struct Fuse {
        name: Named,
        /// field
        pub activation_bits: Sig,
        /// field
        pub weight_bits: Sig,
        /// field
        pub container: Sig,
        /// activations have two scales
        pub tagged: Signal<In, Bit>,
        /// which digits are joined, as the elements' mode has it
        pub join: Sig,
        /// which digits go where, for the lanes
        pub choice: Sig,
        /// codes taken at once, as a power of two
        pub together: Sig,
        /// bytes that they lie in, as a power of two
        pub bytes: Sig,
        payload: Sig,
        weight: Sig,
        /// digits as powers of two
        digits_a: Sig,
        digits_w: Sig,
        /// products that there are multipliers for, and codes that come in a cycle, as powers of two
        products: Sig,
        codes: Sig,
        full: Const,
        four: Const,
        two: Const,
        join_i0: Sig,
        join_i1: Sig,
        join_j0: Sig,
        join_j1: Sig,
        i1_low: Const,
        j0_low: Const,
        j1_low: Const,
        digits_low: Const,
        container_low: Const
    }
}

impl Default for Fuse {
    fn default() -> Fuse {
        let (width, log) = (u(4), u(2));
        Fuse {
            name: Named::of("feed_fuse", &Fuse::DOCS),
            activation_bits: Sig::input(width),
            weight_bits: Sig::input(width),
            container: Sig::input(u(CONTAINER)),
            tagged: Signal::default(),
            join: Sig::output(u(JOIN_BITS)),
            choice: Sig::output(u(CHOICE)),
            together: Sig::output(u(3)),
            bytes: Sig::output(log),
            payload: Sig::local(width),
            weight: Sig::local(width),
            digits_a: Sig::local(log),
            digits_w: Sig::local(log),
            products: Sig::local(u(3)),
            codes: Sig::local(u(3)),
            full: Const::new(8),
            four: Const::new(4),
            two: Const::new(2),
            join_i0: Sig::local(u(1)),
            join_i1: Sig::local(u(1)),
            join_j0: Sig::local(u(1)),
            join_j1: Sig::local(u(1)),
            i1_low: Const::new(mode::I1),
            j0_low: Const::new(mode::J0),
            j1_low: Const::new(mode::J1),
            digits_low: Const::new(2),
            container_low: Const::new(4),
        }
    }
}

impl Logic for Fuse {
    #[hdl_gen]
    fn update(&mut self) {
        self.payload.next = self.activation_bits.val();
        if self.activation_bits.val() == 0 {
            self.payload.next = self.full.val();
        }
        if self.tagged.val() {
            self.payload.next = self.activation_bits.val() - 1;
            if self.activation_bits.val() == 0 {
                self.payload.next = self.full.val() - 1;
            }
        }
        self.weight.next = self.weight_bits.val();
        if self.weight_bits.val() == 0 {
            self.weight.next = self.full.val();
        }
        self.digits_a.next = 0.into();
        if self.payload.val() > self.two.val() {
            self.digits_a.next = 1.into();
        }
        if self.payload.val() > self.four.val() {
            self.digits_a.next = 2.into();
        }
        self.digits_w.next = 0.into();
        if self.weight.val() > self.two.val() {
            self.digits_w.next = 1.into();
        }
        if self.weight.val() > self.four.val() {
            self.digits_w.next = 2.into();
        }
        self.products.next = self.four.val() - self.digits_a.val() - self.digits_w.val();
        self.codes.next = self.two.val() + self.container.val();
        self.together.next = self.products.val();
        if self.codes.val() < self.products.val() {
            self.together.next = self.codes.val();
        }
        self.bytes.next = self.together.val() - self.container.val();
        self.join_i0.next = (self.digits_a.val() != 0).into();
        self.join_i1.next = (self.digits_a.val() == 2).into();
        self.join_j0.next = (self.digits_w.val() != 0).into();
        self.join_j1.next = (self.digits_w.val() == 2).into();
        self.join.next = self.join_i0.val()
            | (self.join_i1.val() << self.i1_low.val())
            | (self.join_j0.val() << self.j0_low.val())
            | (self.join_j1.val() << self.j1_low.val());
        self.choice.next = self.digits_w.val()
            | (self.digits_a.val() << self.digits_low.val())
            | (self.container.val() << self.container_low.val());
    }
}
