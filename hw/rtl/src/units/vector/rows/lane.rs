//! One lane of softmax and LayerNorm, from a code to the value that is scaled.

use super::variance::{COUNT_BITS, SUM_BITS};
use crate::prelude::*;
use crate::units::requantize::{INPUT_BITS, MANTISSA_BITS, SHIFT_BITS};
use rust_hdl::prelude::*;

/// Bits of `N q - S`.
const NUMERATOR_BITS: usize = SUM_BITS + 1;
/// Bits of twice the normalized value. It is at most sqrt(N - 1) 2^14, below 2^20, because no code lies
/// further from the mean; so the contract's cut to 32 bits never cuts.
const HALVES_BITS: usize = 24;

documented! {
    /// One lane of softmax and LayerNorm, from a code to the value that is scaled.
    ///
    /// The stages are numbered by cycles after the step's issue; LayerNorm:
    ///
    /// stage 4  code
    /// stage 5  code^2, or N code
    /// stage 6  N code - S
    /// stage 7  times reciprocal
    /// stage 8  shifted               parameter's entry
    /// stage 9  rounded, + bias       negate, mantissa, shift
    /// stage 10 +-                    mantissa, shift
    ///
    /// softmax:
    ///
    /// stage 6  entry of the table at the port
    /// stage 7  exponential
    /// stage 8  value                 quotient, shift
    #[derive(LogicBlock, Clone)]
    pub struct RowLane {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// the command is a softmax
        pub softmax: Signal<In, Bit>,
        /// stage 4: code
        pub code: Sig,
        /// stage 4: square the code, instead of multiplying by the number of channels
        pub square: Signal<In, Bit>,
        /// N
        pub channels: Sig,
        /// S
        pub sum: Sig,
        /// LayerNorm's reciprocal of the root; softmax's quotient
        pub quotient: Sig,
        /// right shift of the numerator times the reciprocal, less one
        pub less_one: Sig,
        /// right shift of the exponential times the quotient
        pub softmax_shift: Sig,
        /// stage 6: table entry
        pub entry: Sig,
        /// stage 6: the lane has a code
        pub present: Signal<In, Bit>,
        /// stage 7: parameter entry; stage 3 where channels have shifts
        pub parameter: Sig,
        /// stage 5: product
        pub product: Sig,
        /// stage 7: exponential, zero without a code
        pub exponential: Sig,
        /// value to scale
        pub value: Sig,
        /// its factor's mantissa
        pub mantissa: Sig,
        /// its factor's shift, 1 to 47
        pub shift: Sig,
        /// the factor of the code
        factor: Sig,
        product_r: Reg,
        numerator: Reg,
        scaled: Reg,
        halves: Reg,
        biased: Reg,
        value_r: Reg,
        exponential_r: Reg,
        parameter_r: Reg,
        /// the entry on its way, stage 4 to 7
        early: Vec<Reg>,
        scale_r: Reg,
        mantissa_r: Reg,
        shift_r: Reg,
        /// the shift as the entry has it
        raw_shift: Sig,
        _early: usize
    }
}

/// Stages by which a channel's shift is wanted before the rest of its entry.
const EARLY: usize = 4;

impl RowLane {
    /// A lane for channels with or without shifts.
    #[must_use]
    pub fn new(channel_shifts: bool) -> RowLane {
        let (code, product) = (s(16), s(32));
        let (suffix, early) = if channel_shifts { ("_shifts", EARLY) } else { ("", 0) };
        RowLane {
            name: Named::of(format!("row_lane{suffix}"), &RowLane::DOCS),
            clock: Signal::default(),
            softmax: Signal::default(),
            code: Sig::input(code),
            square: Signal::default(),
            channels: Sig::input(u(COUNT_BITS)),
            sum: Sig::input(s(SUM_BITS)),
            quotient: Sig::input(u(16)),
            less_one: Sig::input(u(5)),
            softmax_shift: Sig::input(u(SHIFT_BITS)),
            entry: Sig::input(u(16)),
            present: Signal::default(),
            parameter: Sig::input(u(64)),
            product: Sig::output(product),
            exponential: Sig::output(u(16)),
            value: Sig::output(s(INPUT_BITS)),
            mantissa: Sig::output(u(MANTISSA_BITS)),
            shift: Sig::output(u(SHIFT_BITS)),
            factor: Sig::local(code),
            product_r: Reg::new(product),
            numerator: Reg::new(s(NUMERATOR_BITS)),
            scaled: Reg::new(s(NUMERATOR_BITS + 16)),
            halves: Reg::new(s(HALVES_BITS)),
            biased: Reg::new(s(INPUT_BITS)),
            value_r: Reg::new(s(INPUT_BITS)),
            exponential_r: Reg::new(u(16)),
            // Bias 32, mantissa 16, shift 6, negate 1.
            parameter_r: Reg::new(u(55)),
            early: Reg::many(u(55), early),
            scale_r: Reg::new(u(23)),
            mantissa_r: Reg::new(u(MANTISSA_BITS)),
            shift_r: Reg::new(u(SHIFT_BITS)),
            raw_shift: Sig::local(u(SHIFT_BITS)),
            _early: early,
        }
    }
}

impl Logic for RowLane {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, product_r, numerator, scaled, halves, biased, value_r);
        dff_setup!(self, clock, exponential_r, parameter_r, scale_r, mantissa_r, shift_r);
        self.factor.next = self.channels.val();
        if self.square.val() {
            self.factor.next = self.code.val();
        }
        self.product_r.d.next = self.code.val() * self.factor.val();
        self.product.next = self.product_r.q.val();
        self.numerator.d.next = self.product_r.q.val() - self.sum.val();
        self.scaled.d.next = self.numerator.q.val() * self.quotient.val();
        self.halves.d.next = self.scaled.q.val() >> self.less_one.val();
        self.parameter_r.d.next = self.parameter.val();
        for k in 0..self._early {
            self.early[k].clock.next = self.clock.val();
            self.early[k].d.next = self.parameter.val();
            self.parameter_r.d.next = self.early[k].q.val();
        }
        for k in 1..self._early {
            self.early[k].d.next = self.early[k - 1].q.val();
        }
        // Rounding is half of the halves plus their last bit: a carry into the sum.
        self.biased.d.next = (self.halves.q.val() >> 1)
            + signed_cast_w(bits_w(self.parameter_r.q.val(), 32))
            + bits_w(self.halves.q.val(), 1);
        self.scale_r.d.next = self.parameter_r.q.val() >> 32;

        self.exponential_r.d.next = 0.into();
        if self.present.val() {
            self.exponential_r.d.next = self.entry.val();
        }
        self.exponential.next = self.exponential_r.q.val();

        self.value_r.d.next = self.biased.q.val();
        self.raw_shift.next = self.scale_r.q.val() >> 16;
        self.shift_r.d.next = self.raw_shift.val();
        if self.softmax.val() {
            self.value_r.d.next = self.exponential_r.q.val();
            self.mantissa_r.d.next = self.quotient.val();
            self.shift_r.d.next = self.softmax_shift.val();
        } else {
            if self.scale_r.q.val().get_bit(22) {
                self.value_r.d.next = -self.biased.q.val();
            }
            self.mantissa_r.d.next = self.scale_r.q.val();
            if self.raw_shift.val() == 0 {
                self.shift_r.d.next = 1.into();
            } else if self.raw_shift.val() > 47 {
                self.shift_r.d.next = 47.into();
            }
        }
        self.value.next = self.value_r.q.val();
        self.mantissa.next = self.mantissa_r.q.val();
        self.shift.next = self.shift_r.q.val();
    }
}
