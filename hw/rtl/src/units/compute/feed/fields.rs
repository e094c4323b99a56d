//! The fields of a compute command that the feeders use.

use crate::prelude::*;
use crate::units::fields::{FieldAt, field};
use bitgauge_arch::command::{Compute, RegisterFile};
use rust_hdl::prelude::*;

/// Declares a block that cuts named fields out of the registers: `position name` for each, positions
/// counting up from 0.
macro_rules! cut_fields {
    ($(#[doc = $doc:literal])* $block:ident, $module:literal, $file:ty { $($position:tt $name:ident,)* }) => {
        documented! {
            $(#[doc = $doc])*
            #[derive(LogicBlock)]
            pub struct $block {
                name: Named,
                /// the command's register file
                pub registers: Vec<Sig>,
                $(
                    /// field of this name
                    pub $name: Sig,
                )*
                /// the registers, shifted to the fields
                shifted: Vec<Sig>,
                register: Vec<Const>,
                low: Vec<Const>,
                _registers: usize,
                _fields: usize
            }
        }

        impl Default for $block {
            fn default() -> $block {
                let fields = [$(field::<$file>(stringify!($name)),)*];
                let registers = 3 * <$file as RegisterFile>::GROUPS;
                $block {
                    name: Named::of($module, &$block::DOCS),
                    registers: Sig::inputs(u(32), registers),
                    $($name: Sig::output(fields[$position].ty()),)*
                    shifted: fields.iter().map(|field| field.local()).collect(),
                    register: fields.iter().map(|field| field.register_const()).collect(),
                    low: fields.iter().copied().map(FieldAt::low_const).collect(),
                    _registers: registers,
                    _fields: fields.len(),
                }
            }
        }

        impl Logic for $block {
            #[hdl_gen]
            fn update(&mut self) {
                for f in 0..self._fields {
                    self.shifted[f].next = 0.into();
                    for r in 0..self._registers {
                        if self.register[f].val() == r {
                            self.shifted[f].next = self.registers[r].val() >> self.low[f].val();
                        }
                    }
                }
                $(self.$name.next = self.shifted[$position].val();)*
            }
        }
    };
}

cut_fields! {
    /// The fields that the feeders use, cut out of a compute command's registers.
    ///
    /// Wires only.
    FeedFields, "feed_fields", Compute {
        0 activation_line,
        1 weight_line,
        2 out_rows,
        3 out_cols,
        4 in_rows,
        5 in_cols,
        6 kernel_rows,
        7 kernel_cols,
        8 stride_rows,
        9 stride_cols,
        10 pad_top,
        11 pad_left,
        12 dilation_rows,
        13 dilation_cols,
        14 channels,
        15 segments,
        16 segment_stride,
        17 pad_code,
        18 row_stride,
        19 activation_signed,
        20 grouped,
        21 pixel_stride,
        22 outputs,
        23 weight_stride,
        24 output_wide,
        25 residual_enable,
        26 residual_wide,
        27 accumulate,
        28 activation_bits,
        29 weight_bits,
        30 container,
        31 tag_shift,
    }
}
