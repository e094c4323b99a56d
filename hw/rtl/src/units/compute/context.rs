//! What the drain keeps of commands under way.

use crate::prelude::*;
use crate::units::Shape;
use rust_hdl::prelude::*;

/// Commands whose fields are kept: two not yet drained, one draining, two in the pipeline behind it.
pub const SLOTS: usize = 8;

documented! {
    /// Fields of the commands that the drain still needs.
    ///
    /// A push writes the fields of the registers to the next of eight slots. Four readers, each with a slot
    /// of its own, see their fields a cycle after they name the slot: folds (what a fold's end needs), turns
    /// (what a drain turn needs), residual and post (what stages behind the read need). What can be computed
    /// once per command is computed before the write: the number of pixels, the lines from a fold to the
    /// next, the clamp's bounds less the zero point.
    ///
    /// ```text
    /// registers -> compute -> 5 memories of 8 words -> folds | turns | residual | post
    /// ```
    ///
    /// Positions of the fields are those of `bitgauge_arch::command::Compute`.
    #[derive(LogicBlock)]
    pub struct Contexts {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// keep the registers' fields in the next slot
        pub push: Signal<In, Bit>,
        /// register file of the command
        pub registers: Vec<Sig>,
        /// slot that folds read
        pub fold_slot: Sig,
        /// slot that turns read
        pub turn_slot: Sig,
        /// slot that the residual's stage reads
        pub residual_slot: Sig,
        /// slot that the last stages read
        pub post_slot: Sig,
        /// folds: output pixels
        pub pixels: Sig,
        /// folds: outputs
        pub outputs: Sig,
        /// folds: first parameter entry
        pub parameter_base: Sig,
        /// folds: parameters belong to rows
        pub per_row: Signal<Out, Bit>,
        /// folds: 16-bit outputs
        pub output_wide: Signal<Out, Bit>,
        /// folds: 16-bit residual
        pub residual_wide: Signal<Out, Bit>,
        /// folds: first line of the output
        pub output_line: Sig,
        /// folds: first line of the residual
        pub residual_line: Sig,
        /// folds: output lines from a fold of rows to the next
        pub output_step: Sig,
        /// folds: residual lines from a fold of rows to the next
        pub residual_step: Sig,
        /// turns: output lines from a pixel to the next
        pub output_stride: Sig,
        /// turns: residual lines from a pixel to the next
        pub residual_stride: Sig,
        /// turns: there is a residual
        pub turn_residual: Signal<Out, Bit>,
        /// turns: 16-bit outputs
        pub turn_output_wide: Signal<Out, Bit>,
        /// turns: 16-bit residual
        pub turn_residual_wide: Signal<Out, Bit>,
        /// turns: a row takes two steps
        pub two_steps: Signal<Out, Bit>,
        /// turns: parameters belong to rows
        pub turn_per_row: Signal<Out, Bit>,
        /// turns: the sums stay in the array, nothing is written
        pub turn_kept: Signal<Out, Bit>,
        /// residual: zero point
        pub residual_zero: Sig,
        /// residual: mantissa
        pub residual_mantissa: Sig,
        /// residual: shift, 1 to 47
        pub residual_shift: Sig,
        /// post: zero point
        pub zero_point: Sig,
        /// post: what codes below the least become
        pub low: Sig,
        /// post: what codes above the greatest become
        pub high: Sig,
        /// post: least code less the zero point
        pub low_bound: Sig,
        /// post: greatest code less the zero point
        pub high_bound: Sig,
        /// post: codes go through the table
        pub table_enable: Signal<Out, Bit>,
        /// post: which table
        pub table_select: Signal<Out, Bit>,
        slot: Reg,
        folds: Mem,
        lines: Mem,
        turns: Mem,
        residual: Mem,
        post: Mem,
        product: Sig,
        step_out: Sig,
        step_residual: Sig,
        zero: Sig,
        least: Sig,
        greatest: Sig,
        low_code: Sig,
        low_less: Sig,
        high_less: Sig,
        shift: Sig,
        both: Signal<Local, Bit>,
        turn_word: Sig,
        rows: Const,
        full: Const
    }
}

impl Contexts {
    /// The contexts of this shape.
    #[must_use]
    pub fn new(shape: &Shape) -> Contexts {
        let full = shape.post_lanes == shape.line;
        let slot = || Sig::input(u(3));
        Contexts {
            name: Named::of(
                format!("drain_contexts_rows{}_steps{}", shape.rows, 1 + usize::from(full)),
                &Contexts::DOCS,
            ),
            clock: Signal::default(),
            push: Signal::default(),
            registers: Sig::inputs(u(32), 24),
            fold_slot: slot(),
            turn_slot: slot(),
            residual_slot: slot(),
            post_slot: slot(),
            pixels: Sig::output(u(21)),
            outputs: Sig::output(u(16)),
            parameter_base: Sig::output(u(16)),
            per_row: Signal::default(),
            output_wide: Signal::default(),
            residual_wide: Signal::default(),
            output_line: Sig::output(u(24)),
            residual_line: Sig::output(u(24)),
            output_step: Sig::output(u(23)),
            residual_step: Sig::output(u(23)),
            output_stride: Sig::output(u(16)),
            residual_stride: Sig::output(u(16)),
            turn_residual: Signal::default(),
            turn_output_wide: Signal::default(),
            turn_residual_wide: Signal::default(),
            two_steps: Signal::default(),
            turn_per_row: Signal::default(),
            turn_kept: Signal::default(),
            residual_zero: Sig::output(s(16)),
            residual_mantissa: Sig::output(u(16)),
            residual_shift: Sig::output(u(6)),
            zero_point: Sig::output(s(16)),
            low: Sig::output(s(16)),
            high: Sig::output(s(16)),
            low_bound: Sig::output(s(17)),
            high_bound: Sig::output(s(17)),
            table_enable: Signal::default(),
            table_select: Signal::default(),
            slot: Reg::new(u(3)),
            folds: Mem::new(SLOTS, u(56)),
            lines: Mem::new(SLOTS, u(94)),
            turns: Mem::new(SLOTS, u(38)),
            residual: Mem::new(SLOTS, u(38)),
            post: Mem::new(SLOTS, u(84)),
            product: Sig::local(u(21)),
            step_out: Sig::local(u(23)),
            step_residual: Sig::local(u(23)),
            zero: Sig::local(s(16)),
            least: Sig::local(s(16)),
            greatest: Sig::local(s(16)),
            low_code: Sig::local(u(16)),
            low_less: Sig::local(u(17)),
            high_less: Sig::local(u(17)),
            shift: Sig::local(u(6)),
            both: Signal::default(),
            turn_word: Sig::local(u(38)),
            rows: Const::new(shape.rows),
            full: Const::new(full),
        }
    }
}

impl Logic for Contexts {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, slot);
        self.folds.clock.next = self.clock.val();
        self.lines.clock.next = self.clock.val();
        self.turns.clock.next = self.clock.val();
        self.residual.clock.next = self.clock.val();
        self.post.clock.next = self.clock.val();
        if self.push.val() {
            self.slot.d.next = self.slot.q.val() + 1;
        }
        self.folds.we.next = self.push.val().into();
        self.lines.we.next = self.push.val().into();
        self.turns.we.next = self.push.val().into();
        self.residual.we.next = self.push.val().into();
        self.post.we.next = self.push.val().into();
        self.folds.waddr.next = self.slot.q.val();
        self.lines.waddr.next = self.slot.q.val();
        self.turns.waddr.next = self.slot.q.val();
        self.residual.waddr.next = self.slot.q.val();
        self.post.waddr.next = self.slot.q.val();
        self.folds.re.next = true;
        self.lines.re.next = true;
        self.turns.re.next = true;
        self.residual.re.next = true;
        self.post.re.next = true;
        self.folds.raddr.next = self.fold_slot.val();
        self.lines.raddr.next = self.fold_slot.val();
        self.turns.raddr.next = self.turn_slot.val();
        self.residual.raddr.next = self.residual_slot.val();
        self.post.raddr.next = self.post_slot.val();

        self.product.next = bits_w(self.registers[3].val(), 16) * bits_w(self.registers[3].val() >> 16, 16);
        self.folds.wdata.next = self.product.val()
            | (bits_w(self.registers[10].val() >> 16, 16) << 21)
            | (bits_w(self.registers[12].val(), 16) << 37)
            | (bits_w(self.registers[9].val() >> 27, 1) << 53)
            | (bits_w(self.registers[12].val() >> 16, 1) << 54)
            | (bits_w(self.registers[12].val() >> 20, 1) << 55);
        self.step_out.next = bits_w(self.registers[11].val() >> 16, 16) * self.rows.val();
        self.step_residual.next = bits_w(self.registers[17].val(), 16) * self.rows.val();
        self.lines.wdata.next = bits_w(self.registers[2].val(), 24)
            | (bits_w(self.registers[15].val(), 24) << 24)
            | (self.step_out.val() << 48)
            | (self.step_residual.val() << 71);
        // Two steps where the lanes' outputs or residuals are wider than a line.
        self.both.next = (self.full.val() == 1)
            && (self.registers[12].val().get_bit(16)
                || (self.registers[12].val().get_bit(19) && self.registers[12].val().get_bit(20)));
        self.turn_word.next = bits_w(self.registers[11].val() >> 16, 16)
            | (bits_w(self.registers[17].val(), 16) << 16)
            | (bits_w(self.registers[12].val() >> 19, 1) << 32)
            | (bits_w(self.registers[12].val() >> 16, 1) << 33)
            | (bits_w(self.registers[12].val() >> 20, 1) << 34)
            | (bits_w(self.registers[9].val() >> 27, 1) << 36)
            | (bits_w(self.registers[9].val() >> 26, 1) << 37);
        if self.both.val() {
            self.turn_word.next = self.turn_word.val() | (1 << 35);
        }
        self.turns.wdata.next = self.turn_word.val();
        self.shift.next = bits_w(self.registers[13].val() >> 16, 6);
        if self.shift.val() == 0 {
            self.shift.next = 1.into();
        } else if self.shift.val() > 47 {
            self.shift.next = 47.into();
        }
        self.residual.wdata.next = bits_w(self.registers[16].val() >> 16, 16)
            | (bits_w(self.registers[16].val(), 16) << 16)
            | (self.shift.val() << 32);
        self.zero.next = self.registers[13].val();
        self.least.next = self.registers[14].val();
        self.greatest.next = self.registers[14].val() >> 16;
        // An empty range gives its high end: `max`, then `min`.
        self.low_code.next = self.least.val();
        if self.least.val() > self.greatest.val() {
            self.low_code.next = self.greatest.val();
        }
        self.low_less.next = self.least.val() - self.zero.val();
        self.high_less.next = self.greatest.val() - self.zero.val();
        self.post.wdata.next = bits_w(self.registers[13].val(), 16)
            | (self.low_code.val() << 16)
            | (bits_w(self.registers[14].val() >> 16, 16) << 32)
            | (self.low_less.val() << 48)
            | (self.high_less.val() << 65)
            | (bits_w(self.registers[12].val() >> 17, 2) << 82);

        self.pixels.next = self.folds.rdata.val();
        self.outputs.next = self.folds.rdata.val() >> 21;
        self.parameter_base.next = self.folds.rdata.val() >> 37;
        self.per_row.next = self.folds.rdata.val().get_bit(53);
        self.output_wide.next = self.folds.rdata.val().get_bit(54);
        self.residual_wide.next = self.folds.rdata.val().get_bit(55);
        self.output_line.next = self.lines.rdata.val();
        self.residual_line.next = self.lines.rdata.val() >> 24;
        self.output_step.next = self.lines.rdata.val() >> 48;
        self.residual_step.next = self.lines.rdata.val() >> 71;
        self.output_stride.next = self.turns.rdata.val();
        self.residual_stride.next = self.turns.rdata.val() >> 16;
        self.turn_residual.next = self.turns.rdata.val().get_bit(32);
        self.turn_output_wide.next = self.turns.rdata.val().get_bit(33);
        self.turn_residual_wide.next = self.turns.rdata.val().get_bit(34);
        self.two_steps.next = self.turns.rdata.val().get_bit(35);
        self.turn_per_row.next = self.turns.rdata.val().get_bit(36);
        self.turn_kept.next = self.turns.rdata.val().get_bit(37);
        self.residual_zero.next = self.residual.rdata.val();
        self.residual_mantissa.next = self.residual.rdata.val() >> 16;
        self.residual_shift.next = self.residual.rdata.val() >> 32;
        self.zero_point.next = self.post.rdata.val();
        self.low.next = self.post.rdata.val() >> 16;
        self.high.next = self.post.rdata.val() >> 32;
        self.low_bound.next = self.post.rdata.val() >> 48;
        self.high_bound.next = self.post.rdata.val() >> 65;
        self.table_enable.next = self.post.rdata.val().get_bit(82);
        self.table_select.next = self.post.rdata.val().get_bit(83);
    }
}
