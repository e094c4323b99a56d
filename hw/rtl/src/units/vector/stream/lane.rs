//! The arithmetic of one lane.

use crate::prelude::*;
use crate::units::requantize::{INPUT_BITS, MANTISSA_BITS, OUTPUT_BITS, SHIFT_BITS};
use rust_hdl::prelude::*;

documented! {
    /// One lane of the stream engine: from a code to the code that is written.
    ///
    /// Stage n is what is registered n cycles after the read. Signals carry the stage in which they are
    /// looked at.
    ///
    /// ```text
    /// 2          3        4      5           6                 9        10    11
    /// code ----> code --> term -> accumulator -> value, scale => scaled -> sum -> late code
    /// weight --> weight ----^     (sum, max) \-> early code (maximum, table)
    ///            table address -> entry -^
    ///            parameters: entry, scale
    /// ```
    #[derive(LogicBlock, Clone)]
    pub struct Lane {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// depthwise
        pub is_depthwise: Signal<In, Bit>,
        /// max pool
        pub is_max: Signal<In, Bit>,
        /// table
        pub is_table: Signal<In, Bit>,
        /// code, stage 2
        pub code: Sig,
        /// weight, stage 2
        pub weight: Sig,
        /// zero point of the code, stage 3
        pub zero_point: Sig,
        /// the term begins a sum, stage 4
        pub first: Signal<In, Bit>,
        /// there is a term, stage 4
        pub valid: Signal<In, Bit>,
        /// the accumulator is complete, stage 5
        pub done: Signal<In, Bit>,
        /// mantissa of all lanes, stage 5
        pub mantissa: Sig,
        /// shift of all lanes, stage 5
        pub shift: Sig,
        /// entry of the parameter memory, stage 3
        pub parameter: Sig,
        /// low byte of the table's entry, stage 4
        pub table_code: Sig,
        /// index into the table, stage 3
        pub table_index: Sig,
        /// value to scale, stage 6
        pub scale_value: Sig,
        /// its mantissa, stage 6
        pub scale_mantissa: Sig,
        /// its shift, stage 6
        pub scale_shift: Sig,
        /// what comes back, stage 9
        pub scaled: Sig,
        /// there is something to add up, stage 9
        pub adds: Signal<In, Bit>,
        /// it is the second operand, stage 9
        pub second: Signal<In, Bit>,
        /// the sum is complete, stage 10
        pub summed: Signal<In, Bit>,
        /// zero point of the output
        pub output_zero_point: Sig,
        /// least code
        pub clamp_low: Sig,
        /// greatest code
        pub clamp_high: Sig,
        /// code to write: stage 6 for tables and maxima, stage 11 for others
        pub result: Sig,
        code_r: Reg,
        weight_r: Reg,
        term: Reg,
        accumulator: Reg,
        table_r: Reg,
        early: Reg,
        entry: Reg,
        bias: Reg,
        mantissa_r: Reg,
        shift_r: Reg,
        negate: State<Bit>,
        value: Reg,
        value_mantissa: Reg,
        value_shift: Reg,
        sum: Reg,
        late: Reg,
        /// the code as a factor
        factor: Sig,
        entry_bias: Sig,
        entry_shift: Sig,
        raised: Sig,
        most_shift: Const
    }
}

impl Default for Lane {
    fn default() -> Lane {
        let (mantissa, shift) = (u(MANTISSA_BITS), u(SHIFT_BITS));
        Lane {
            name: Named::of("vector_lane", &Lane::DOCS),
            clock: Signal::default(),
            is_depthwise: Signal::default(),
            is_max: Signal::default(),
            is_table: Signal::default(),
            code: Sig::input(s(16)),
            weight: Sig::input(s(8)),
            zero_point: Sig::input(s(16)),
            first: Signal::default(),
            valid: Signal::default(),
            done: Signal::default(),
            mantissa: Sig::input(mantissa),
            shift: Sig::input(shift),
            parameter: Sig::input(u(64)),
            table_code: Sig::input(u(8)),
            table_index: Sig::output(u(8)),
            scale_value: Sig::output(s(INPUT_BITS)),
            scale_mantissa: Sig::output(mantissa),
            scale_shift: Sig::output(shift),
            scaled: Sig::input(s(OUTPUT_BITS)),
            adds: Signal::default(),
            second: Signal::default(),
            summed: Signal::default(),
            output_zero_point: Sig::input(s(16)),
            clamp_low: Sig::input(s(16)),
            clamp_high: Sig::input(s(16)),
            result: Sig::output(s(16)),
            code_r: Reg::new(s(16)),
            weight_r: Reg::new(s(8)),
            term: Reg::new(s(17)),
            accumulator: Reg::new(s(32)),
            table_r: Reg::new(u(8)),
            early: Reg::new(s(16)),
            entry: Reg::new(u(64)),
            // A bias of 32 bits, negated perhaps.
            bias: Reg::new(s(33)),
            mantissa_r: Reg::new(mantissa),
            shift_r: Reg::new(shift),
            negate: State::default(),
            value: Reg::new(s(INPUT_BITS)),
            value_mantissa: Reg::new(mantissa),
            value_shift: Reg::new(shift),
            sum: Reg::new(s(OUTPUT_BITS + 1)),
            late: Reg::new(s(16)),
            factor: Sig::local(s(9)),
            entry_bias: Sig::local(s(32)),
            entry_shift: Sig::local(shift),
            raised: Sig::local(s(OUTPUT_BITS + 2)),
            most_shift: Const::new(usize::from(bitgauge_arch::arith::requantize::MAX_SHIFT)),
        }
    }
}

impl Logic for Lane {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, code_r, weight_r, term, accumulator, table_r, early, entry);
        dff_setup!(self, clock, bias, mantissa_r, shift_r, negate, value, value_mantissa);
        dff_setup!(self, clock, value_shift, sum, late);
        self.code_r.d.next = self.code.val();
        self.weight_r.d.next = self.weight.val();
        self.table_index.next = self.code_r.q.val();
        self.table_r.d.next = self.table_code.val();

        // Stage 3: a difference or a product; 4: a sum or a maximum.
        self.factor.next = self.code_r.q.val();
        self.term.d.next = self.code_r.q.val() - self.zero_point.val();
        if self.is_depthwise.val() {
            self.term.d.next = self.factor.val() * self.weight_r.q.val();
        }
        if self.valid.val() {
            if self.first.val() {
                self.accumulator.d.next = self.term.q.val();
            } else if !self.is_max.val() {
                self.accumulator.d.next = self.accumulator.q.val() + self.term.q.val();
            } else if self.accumulator.q.val() < self.term.q.val() {
                self.accumulator.d.next = self.term.q.val();
            }
        }
        if self.done.val() {
            self.early.d.next = self.accumulator.q.val();
            if self.is_table.val() {
                self.early.d.next = self.table_r.q.val();
            }
        }

        // Parameters: an entry in stage 4, in 5 with the sign and the shift as they are used.
        self.entry.d.next = self.parameter.val();
        self.entry_bias.next = self.entry.q.val();
        self.entry_shift.next = self.entry.q.val() >> 48;
        self.bias.d.next = self.entry_bias.val();
        if self.entry.q.val().get_bit(54) {
            self.bias.d.next = -self.entry_bias.val();
        }
        self.mantissa_r.d.next = self.entry.q.val() >> 32;
        self.shift_r.d.next = self.entry_shift.val();
        if self.entry_shift.val() == 0 {
            self.shift_r.d.next = 1.into();
        } else if self.entry_shift.val() > self.most_shift.val() {
            self.shift_r.d.next = self.most_shift.val();
        }

        // Stage 5: bias, and the sign of the scale.
        self.value.d.next = self.accumulator.q.val();
        self.value_mantissa.d.next = self.mantissa.val();
        self.value_shift.d.next = self.shift.val();
        if self.is_depthwise.val() {
            self.value.d.next = self.bias.q.val() + self.accumulator.q.val();
            if self.negate.q.val() {
                self.value.d.next = self.bias.q.val() - self.accumulator.q.val();
            }
            self.value_mantissa.d.next = self.mantissa_r.q.val();
            self.value_shift.d.next = self.shift_r.q.val();
        }
        self.negate.d.next = self.entry.q.val().get_bit(54);
        self.scale_value.next = self.value.q.val();
        self.scale_mantissa.next = self.value_mantissa.q.val();
        self.scale_shift.next = self.value_shift.q.val();

        // Stage 9: the operands of an add come one after the other.
        if self.adds.val() {
            self.sum.d.next = self.scaled.val();
            if self.second.val() {
                self.sum.d.next = self.sum.q.val() + self.scaled.val();
            }
        }
        self.raised.next = self.sum.q.val() + self.output_zero_point.val();
        if self.summed.val() {
            self.late.d.next = self.raised.val();
            if self.raised.val() < self.clamp_low.val() {
                self.late.d.next = self.clamp_low.val();
            }
            if (self.raised.val() > self.clamp_high.val()) | (self.clamp_low.val() > self.clamp_high.val()) {
                self.late.d.next = self.clamp_high.val();
            }
        }
        self.result.next = self.late.q.val();
        if self.is_max.val() | self.is_table.val() {
            self.result.next = self.early.q.val();
        }
    }
}
