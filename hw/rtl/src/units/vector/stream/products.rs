//! The products of strides that the loops' steps are.

use crate::prelude::*;
use crate::units::vector::fields::VectorFields;
use bitgauge_arch::command::{RegisterFile, Vector};
use rust_hdl::prelude::*;

/// Cycles from `prepare` until everything is there.
pub const PRODUCT_CYCLES: usize = 8;

documented! {
    /// Makes the six products of strides, one after the other with one multiplier: operands, product and
    /// result are registers of their own.
    ///
    /// ```text
    /// cycle     prepare   1     2     3     4     5     6     7     8
    /// operands           top  left  row   tap   col   tap
    /// product                 top   left  row   tap   col   tap
    /// result                              base  row   tap   col   tap
    /// load                                            x
    /// ```
    #[derive(LogicBlock)]
    pub struct Products {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// the registers are new
        pub prepare: Signal<In, Bit>,
        /// registers of the command
        pub registers: Vec<Sig>,
        /// a pool or depthwise
        pub windowed: Signal<In, Bit>,
        /// patch
        pub is_patch: Signal<In, Bit>,
        /// counters take their first values at the end of this cycle
        pub load: Signal<Out, Bit>,
        /// line of the window of output 0, 0
        pub base: Sig,
        /// lines from the windows of an output row to those of the next
        pub row_step: Sig,
        /// lines from a kernel row to the next
        pub tap_row_step: Sig,
        /// lines from a window to the next
        pub col_step: Sig,
        /// lines from a tap to the next
        pub tap_col_step: Sig,
        fields: VectorFields,
        phase: Reg,
        line_factor: Reg,
        count_factor: Reg,
        product: Reg,
        base_r: Reg,
        row_step_r: Reg,
        tap_row_step_r: Reg,
        col_step_r: Reg,
        tap_col_step_r: Reg,
        /// stride, dilation and padding that belong to `pixel_stride`
        col_stride: Sig,
        col_dilation: Sig,
        col_pad: Sig,
        row_pad: Sig
    }
}

impl Default for Products {
    fn default() -> Products {
        let (address, count) = (u(24), u(8));
        Products {
            name: Named::of("vector_products", &Products::DOCS),
            clock: Signal::default(),
            prepare: Signal::default(),
            registers: Sig::inputs(u(32), 3 * Vector::GROUPS),
            windowed: Signal::default(),
            is_patch: Signal::default(),
            load: Signal::default(),
            base: Sig::output(address),
            row_step: Sig::output(address),
            tap_row_step: Sig::output(address),
            col_step: Sig::output(address),
            tap_col_step: Sig::output(address),
            fields: VectorFields::default(),
            phase: Reg::new(u(4)),
            line_factor: Reg::new(address),
            count_factor: Reg::new(count),
            product: Reg::new(address),
            base_r: Reg::new(address),
            row_step_r: Reg::new(address),
            tap_row_step_r: Reg::new(address),
            col_step_r: Reg::new(address),
            tap_col_step_r: Reg::new(address),
            col_stride: Sig::local(count),
            col_dilation: Sig::local(count),
            col_pad: Sig::local(count),
            row_pad: Sig::local(count),
        }
    }
}

impl Logic for Products {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, phase, line_factor, count_factor, product, base_r, row_step_r);
        dff_setup!(self, clock, tap_row_step_r, col_step_r, tap_col_step_r);
        for r in 0..24 {
            self.fields.registers[r].next = self.registers[r].val();
        }
        // A pixel after a pixel without a map, no columns in a patch.
        self.col_stride.next = 1.into();
        self.col_dilation.next = 0.into();
        self.col_pad.next = 0.into();
        self.row_pad.next = 0.into();
        if self.windowed.val() {
            self.col_stride.next = self.fields.stride_cols.val();
            self.col_dilation.next = self.fields.dilation_cols.val();
            self.col_pad.next = self.fields.pad_left.val();
            self.row_pad.next = self.fields.pad_top.val();
        } else if self.is_patch.val() {
            self.col_stride.next = 0.into();
            self.row_pad.next = self.fields.pad_top.val();
        }
        self.load.next = self.phase.q.val() == 6;
        if self.prepare.val() {
            self.phase.d.next = 1.into();
        } else if self.phase.q.val() == 8 {
            self.phase.d.next = 0.into();
        } else if self.phase.q.val() != 0 {
            self.phase.d.next = self.phase.q.val() + 1;
        }
        self.line_factor.d.next = self.fields.row_stride.val();
        if (self.phase.q.val() == 1) | (self.phase.q.val() == 4) | (self.phase.q.val() == 5) {
            self.line_factor.d.next = self.fields.pixel_stride.val();
        }
        self.count_factor.d.next = self.row_pad.val();
        if self.phase.q.val() == 1 {
            self.count_factor.d.next = self.col_pad.val();
        } else if self.phase.q.val() == 2 {
            self.count_factor.d.next = self.fields.stride_rows.val();
        } else if self.phase.q.val() == 3 {
            self.count_factor.d.next = self.fields.dilation_rows.val();
        } else if self.phase.q.val() == 4 {
            self.count_factor.d.next = self.col_stride.val();
        } else if self.phase.q.val() == 5 {
            self.count_factor.d.next = self.col_dilation.val();
        }
        self.product.d.next = self.line_factor.q.val() * self.count_factor.q.val();
        if self.phase.q.val() == 2 {
            self.base_r.d.next = self.fields.source_line.val() - self.product.q.val();
        } else if self.phase.q.val() == 3 {
            self.base_r.d.next = self.base_r.q.val() - self.product.q.val();
        } else if self.phase.q.val() == 4 {
            self.row_step_r.d.next = self.product.q.val();
        } else if self.phase.q.val() == 5 {
            self.tap_row_step_r.d.next = self.product.q.val();
        } else if self.phase.q.val() == 6 {
            self.col_step_r.d.next = self.product.q.val();
        } else if self.phase.q.val() == 7 {
            self.tap_col_step_r.d.next = self.product.q.val();
        }
        self.base.next = self.base_r.q.val();
        self.row_step.next = self.row_step_r.q.val();
        self.tap_row_step.next = self.tap_row_step_r.q.val();
        self.col_step.next = self.col_step_r.q.val();
        self.tap_col_step.next = self.tap_col_step_r.q.val();
    }
}
