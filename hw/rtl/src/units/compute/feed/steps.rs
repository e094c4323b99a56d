//! Products of strides.

use crate::prelude::*;
use rust_hdl::prelude::*;

documented! {
    /// Steps of the activation addresses: padding, stride and dilation times the lines of a row and of a
    /// pixel.
    ///
    /// Two multipliers, used three times each, in the first three cycles of a command:
    ///
    /// ```text
    /// cycle   | start + 1 | start + 2     | start + 3  | start + 4
    /// flag    | prepare   | settle        | follow     |
    /// formed  | pad       | stride        | dilation   |
    /// seen    |           | corner        | row_stride | row_step
    /// ```
    #[derive(LogicBlock)]
    pub struct Steps {
        name: Named,
        /// clock
        pub clock: Signal<In, Clock>,
        /// first cycle after the start
        pub prepare: Signal<In, Bit>,
        /// second cycle after the start
        pub settle: Signal<In, Bit>,
        /// third cycle after the start
        pub follow: Signal<In, Bit>,
        /// field
        pub activation_line: Sig,
        /// field
        pub stride_rows: Sig,
        /// field
        pub stride_cols: Sig,
        /// field
        pub pad_top: Sig,
        /// field
        pub pad_left: Sig,
        /// field
        pub dilation_rows: Sig,
        /// field
        pub dilation_cols: Sig,
        /// field
        pub row_stride: Sig,
        /// field
        pub pixel_stride: Sig,
        /// line of the first pixel's window: the map's first line less the padding
        pub corner: Sig,
        /// lines from an output row to the next
        pub down: Sig,
        /// lines from an output pixel to the next
        pub right: Sig,
        /// lines from a kernel row to the next
        pub row_step: Sig,
        /// lines from a kernel column to the next
        pub column_step: Sig,
        pad_row: Reg,
        pad_column: Reg,
        stride_row: Reg,
        stride_column: Reg,
        dilation_row: Reg,
        dilation_column: Reg,
        factor_row: Sig,
        factor_column: Sig,
        product_row: Sig,
        product_column: Sig
    }
}

impl Default for Steps {
    fn default() -> Steps {
        let lines = u(24);
        Steps {
            name: Named::of("feed_steps", &Steps::DOCS),
            clock: Signal::default(),
            prepare: Signal::default(),
            settle: Signal::default(),
            follow: Signal::default(),
            activation_line: Sig::input(lines),
            stride_rows: Sig::input(u(8)),
            stride_cols: Sig::input(u(8)),
            pad_top: Sig::input(u(8)),
            pad_left: Sig::input(u(8)),
            dilation_rows: Sig::input(u(8)),
            dilation_cols: Sig::input(u(8)),
            row_stride: Sig::input(lines),
            pixel_stride: Sig::input(u(16)),
            corner: Sig::output(lines),
            down: Sig::output(lines),
            right: Sig::output(lines),
            row_step: Sig::output(lines),
            column_step: Sig::output(lines),
            pad_row: Reg::new(lines),
            pad_column: Reg::new(lines),
            stride_row: Reg::new(lines),
            stride_column: Reg::new(lines),
            dilation_row: Reg::new(lines),
            dilation_column: Reg::new(lines),
            factor_row: Sig::local(u(8)),
            factor_column: Sig::local(u(8)),
            product_row: Sig::local(lines),
            product_column: Sig::local(lines),
        }
    }
}

impl Logic for Steps {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            pad_row,
            pad_column,
            stride_row,
            stride_column,
            dilation_row,
            dilation_column
        );
        self.factor_row.next = self.dilation_rows.val();
        self.factor_column.next = self.dilation_cols.val();
        if self.prepare.val() {
            self.factor_row.next = self.pad_top.val();
            self.factor_column.next = self.pad_left.val();
        } else if self.settle.val() {
            self.factor_row.next = self.stride_rows.val();
            self.factor_column.next = self.stride_cols.val();
        }
        self.product_row.next = self.factor_row.val() * self.row_stride.val();
        self.product_column.next = self.factor_column.val() * self.pixel_stride.val();
        if self.prepare.val() {
            self.pad_row.d.next = self.product_row.val();
            self.pad_column.d.next = self.product_column.val();
        }
        if self.settle.val() {
            self.stride_row.d.next = self.product_row.val();
            self.stride_column.d.next = self.product_column.val();
        }
        if self.follow.val() {
            self.dilation_row.d.next = self.product_row.val();
            self.dilation_column.d.next = self.product_column.val();
        }
        self.corner.next = self.activation_line.val() - self.pad_row.q.val() - self.pad_column.q.val();
        self.down.next = self.stride_row.q.val();
        self.right.next = self.stride_column.q.val();
        self.row_step.next = self.dilation_row.q.val();
        self.column_step.next = self.dilation_column.q.val();
    }
}
