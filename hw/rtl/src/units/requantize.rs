//! The requantizer: multiply, shift right with rounding, saturate.

use crate::prelude::*;
use rust_hdl::prelude::*;

/// Bits of the value that comes in: an accumulator of 32 bits plus bias, negated perhaps, which makes 2^32
/// of the least sum.
pub const INPUT_BITS: usize = 34;
/// Bits of the mantissa, unsigned.
pub const MANTISSA_BITS: usize = 16;
/// Bits of the shift amount.
pub const SHIFT_BITS: usize = 6;
/// Bits of the result.
pub const OUTPUT_BITS: usize = 18;
/// Cycles from an input to its result.
pub const LATENCY: usize = 3;

documented! {
    /// Requantizer: y = floor((x m + 2^(s-1)) / 2^s), saturated to 18 bits.
    ///
    /// Half goes towards plus infinity. Three stages: product; shift by s - 1; add one, drop the last
    /// bit, saturate.
    #[derive(LogicBlock, Clone)]
    pub struct Requantizer {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// value
        pub x: Sig,
        /// factor's mantissa, unsigned
        pub mantissa: Sig,
        /// factor's shift, 1 to 47
        pub shift: Sig,
        /// there is an input
        pub valid: Signal<In, Bit>,
        /// result, three cycles after its input
        pub y: Sig,
        /// there is a result
        pub valid_out: Signal<Out, Bit>,
        product: Reg,
        less_one: Reg,
        halves: Reg,
        result: Reg,
        valid_1: State<Bit>,
        valid_2: State<Bit>,
        valid_3: State<Bit>,
        /// the rounded value before saturation
        rounded: Sig,
        most: Const,
        least: Const
    }
}

impl Default for Requantizer {
    fn default() -> Requantizer {
        let product = INPUT_BITS + MANTISSA_BITS;
        let most = (1i64 << (OUTPUT_BITS - 1)) - 1;
        Requantizer {
            name: Named::of("requantizer", &Requantizer::DOCS),
            clock: Signal::default(),
            x: Sig::input(s(INPUT_BITS)),
            mantissa: Sig::input(u(MANTISSA_BITS)),
            shift: Sig::input(u(SHIFT_BITS)),
            valid: Signal::default(),
            y: Sig::output(s(OUTPUT_BITS)),
            valid_out: Signal::default(),
            product: Reg::new(s(product)),
            less_one: Reg::new(u(SHIFT_BITS)),
            halves: Reg::new(s(product)),
            result: Reg::new(s(OUTPUT_BITS)),
            valid_1: State::default(),
            valid_2: State::default(),
            valid_3: State::default(),
            rounded: Sig::local(s(product)),
            most: Const::new(most),
            least: Const::new(-most - 1),
        }
    }
}

impl Logic for Requantizer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, product, less_one, halves, result, valid_1, valid_2, valid_3);
        self.product.d.next = self.x.val() * self.mantissa.val();
        self.less_one.d.next = self.shift.val() - 1;
        self.halves.d.next = self.product.q.val() >> self.less_one.q.val();
        self.rounded.next = (self.halves.q.val() + 1) >> 1;
        self.result.d.next = self.rounded.val();
        if self.rounded.val() > self.most.val() {
            self.result.d.next = self.most.val();
        } else if self.rounded.val() < self.least.val() {
            self.result.d.next = self.least.val();
        }
        self.y.next = self.result.q.val();
        self.valid_1.d.next = self.valid.val();
        self.valid_2.d.next = self.valid_1.q.val();
        self.valid_3.d.next = self.valid_2.q.val();
        self.valid_out.next = self.valid_3.q.val();
    }
}
