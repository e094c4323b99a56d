//! The core of `fusible`: sixteen products of digits of two bits.

use super::{MacShape, mode};
use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Sum of sixteen products of two-bit digits, each at its place. Gates only.
    ///
    /// Product k has its digits at bits 2 k and 2 k + 1 of both operands. The bits of k are i1, j1, i0, j0: which digit of
    /// an activation (i) and of a weight (j) it takes, where codes have so many; else they number the products, which
    /// stand side by side and are added without a shift. Digits are unsigned but for a code's highest.
    #[derive(LogicBlock, Clone)]
    pub struct FusibleCore {
        name: Named,
        /// digits of the activations
        pub a: Vec<Sig>,
        /// digits of the weights
        pub w: Vec<Sig>,
        /// bits that travel with the operands
        pub mode: Sig,
        /// the sum
        pub term: Sig,
        a_digit: Vec<Sig>,
        w_digit: Vec<Sig>,
        /// digits, read as signed
        a_reread: Vec<Sig>,
        w_reread: Vec<Sig>,
        /// digits, extended by one bit
        a_extended: Vec<Sig>,
        w_extended: Vec<Sig>,
        /// whether a digit is its code's highest
        a_top: Vec<Signal<Local, Bit>>,
        w_top: Vec<Signal<Local, Bit>>,
        /// the activation's digit, where the weight's has that bit; the last counts negative. No `*`: FPGA flows would
        /// make a DSP block of each.
        ones: Vec<Sig>,
        twos: Vec<Sig>,
        fours: Vec<Sig>,
        /// nodes of the tree: first the products, then sums of two by two of all nodes in their order
        node: Vec<Sig>,
        signed: Const,
        i0: Const,
        i1: Const,
        j0: Const,
        j1: Const,
        /// the bits of each product's number
        is_i0: Vec<Const>,
        is_i1: Vec<Const>,
        is_j0: Vec<Const>,
        is_j1: Vec<Const>
    }
}

/// Products of an element.
const BRICKS: usize = 16;

impl FusibleCore {
    /// A core of this shape.
    #[must_use]
    pub fn new(shape: &MacShape) -> FusibleCore {
        let ((words_a, activation), (words_w, weight)) = (shape.activation(), shape.weight());
        let node = [5; BRICKS].into_iter().chain([7; 8]).chain([9; 4]).chain([13; 2]).chain([17]);
        let bit = |place: usize| (0..BRICKS).map(|k| Const::new(k >> place & 1)).collect();
        FusibleCore {
            name: Named::of("core_fusible", &FusibleCore::DOCS),
            a: Sig::inputs(activation, words_a),
            w: Sig::inputs(weight, words_w),
            mode: Sig::input(u(shape.mode_bits())),
            term: Sig::output(shape.term()),
            a_digit: Sig::locals(u(2), BRICKS),
            w_digit: Sig::locals(u(2), BRICKS),
            a_reread: Sig::locals(s(2), BRICKS),
            w_reread: Sig::locals(s(2), BRICKS),
            a_extended: Sig::locals(s(3), BRICKS),
            w_extended: Sig::locals(s(3), BRICKS),
            a_top: vec![Signal::default(); BRICKS],
            w_top: vec![Signal::default(); BRICKS],
            ones: Sig::locals(s(5), BRICKS),
            twos: Sig::locals(s(5), BRICKS),
            fours: Sig::locals(s(5), BRICKS),
            node: node.map(|bits| Sig::local(s(bits))).collect(),
            signed: Const::new(mode::SIGNED),
            i0: Const::new(mode::JOIN + mode::I0),
            i1: Const::new(mode::JOIN + mode::I1),
            j0: Const::new(mode::JOIN + mode::J0),
            j1: Const::new(mode::JOIN + mode::J1),
            is_i0: bit(1),
            is_i1: bit(3),
            is_j0: bit(0),
            is_j1: bit(2),
        }
    }
}

impl Logic for FusibleCore {
    #[hdl_gen]
    fn update(&mut self) {
        for k in 0..16 {
            self.a_digit[k].next = self.a[0].val() >> (k * 2);
            self.w_digit[k].next = self.w[0].val() >> (k * 2);
            self.a_top[k].next = (!self.mode.val().get_bit(self.i0.val()) | (self.is_i0[k].val() == 1))
                & (!self.mode.val().get_bit(self.i1.val()) | (self.is_i1[k].val() == 1));
            self.w_top[k].next = (!self.mode.val().get_bit(self.j0.val()) | (self.is_j0[k].val() == 1))
                & (!self.mode.val().get_bit(self.j1.val()) | (self.is_j1[k].val() == 1));
            self.a_reread[k].next = self.a_digit[k].val();
            self.w_reread[k].next = self.w_digit[k].val();
            self.a_extended[k].next = self.a_digit[k].val();
            if self.a_top[k].val() & self.mode.val().get_bit(self.signed.val()) {
                self.a_extended[k].next = self.a_reread[k].val();
            }
            self.w_extended[k].next = self.w_digit[k].val();
            if self.w_top[k].val() {
                self.w_extended[k].next = self.w_reread[k].val();
            }
            self.ones[k].next = 0.into();
            if self.w_extended[k].val().get_bit(0) {
                self.ones[k].next = self.a_extended[k].val();
            }
            self.twos[k].next = 0.into();
            if self.w_extended[k].val().get_bit(1) {
                self.twos[k].next = self.a_extended[k].val() << 1usize;
            }
            self.fours[k].next = 0.into();
            if self.w_extended[k].val().get_bit(2) {
                self.fours[k].next = self.a_extended[k].val() << 2usize;
            }
            self.node[k].next = self.ones[k].val() + self.twos[k].val() - self.fours[k].val();
        }
        for p in 0..8 {
            self.node[p + 16].next = self.node[2 * p].val() + self.node[2 * p + 1].val();
            if self.mode.val().get_bit(self.j0.val()) {
                self.node[p + 16].next = self.node[2 * p].val() + (self.node[2 * p + 1].val() << 2usize);
            }
        }
        for p in 0..4 {
            self.node[p + 24].next = self.node[2 * p + 16].val() + self.node[2 * p + 17].val();
            if self.mode.val().get_bit(self.i0.val()) {
                self.node[p + 24].next =
                    self.node[2 * p + 16].val() + (self.node[2 * p + 17].val() << 2usize);
            }
        }
        for p in 0..2 {
            self.node[p + 28].next = self.node[2 * p + 24].val() + self.node[2 * p + 25].val();
            if self.mode.val().get_bit(self.j1.val()) {
                self.node[p + 28].next =
                    self.node[2 * p + 24].val() + (self.node[2 * p + 25].val() << 4usize);
            }
        }
        self.node[30].next = self.node[28].val() + self.node[29].val();
        if self.mode.val().get_bit(self.i1.val()) {
            self.node[30].next = self.node[28].val() + (self.node[29].val() << 4usize);
        }
        self.term.next = self.node[30].val();
    }
}
