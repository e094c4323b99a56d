//! The fields of a vector command, one signal each.

use crate::prelude::*;
use crate::units::fields::field;
use bitgauge_arch::command::{RegisterFile, Vector};
use rust_hdl::prelude::*;

/// Makes the block from a list of names and places; a test holds the places to the register file.
macro_rules! vector_fields {
    ($($name:ident @ $register:tt, $low:tt;)*) => {
        /// Cuts the registers of a vector command into its fields. No logic.
        #[derive(LogicBlock)]
        pub struct VectorFields {
            name: Named,
            /// The command's registers.
            pub registers: Vec<Sig>,
            $(#[doc = concat!("Field `", stringify!($name), "`.")] pub $name: Sig,)*
        }

        impl Default for VectorFields {
            fn default() -> VectorFields {
                VectorFields {
                    name: Named::new("vector_fields").doc("The fields of a vector command. No logic."),
                    registers: Sig::inputs(u(32), 3 * Vector::GROUPS),
                    $($name: Sig::output(field::<Vector>(stringify!($name)).ty()),)*
                }
            }
        }

        impl Logic for VectorFields {
            #[hdl_gen]
            fn update(&mut self) {
                $(self.$name.next = self.registers[$register].val() >> $low;)*
            }
        }

        #[cfg(test)]
        const PLACES: &[(&str, usize, usize)] = &[$((stringify!($name), $register, $low),)*];
    };
}

vector_fields! {
    source_line @ 0, 0;
    function @ 0, 24;
    second_line @ 1, 0;
    output_line @ 2, 0;
    out_rows @ 3, 0;
    out_cols @ 3, 16;
    in_rows @ 4, 0;
    in_cols @ 4, 16;
    kernel_rows @ 5, 0;
    kernel_cols @ 5, 8;
    stride_rows @ 5, 16;
    stride_cols @ 5, 24;
    pad_top @ 6, 0;
    pad_left @ 6, 8;
    dilation_rows @ 6, 16;
    dilation_cols @ 6, 24;
    channels @ 7, 0;
    parameter_base @ 7, 16;
    row_stride @ 8, 0;
    pad_code @ 8, 24;
    pixel_stride @ 9, 0;
    output_pixel_stride @ 9, 16;
    second_pixel_stride @ 10, 0;
    source_signed @ 10, 16;
    source_wide @ 10, 17;
    second_wide @ 10, 18;
    output_wide @ 10, 19;
    second_enable @ 10, 20;
    table_select @ 10, 21;
    to_weight @ 10, 22;
    zero_point @ 11, 0;
    source_zero_point @ 11, 16;
    clamp_low @ 12, 0;
    clamp_high @ 12, 16;
    source_mantissa @ 13, 0;
    source_shift @ 13, 16;
    second_zero_point @ 14, 0;
    second_mantissa @ 14, 16;
    second_shift @ 15, 0;
    run_bytes @ 19, 0;
    run_step_bytes @ 19, 16;
    row_bytes @ 20, 0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_where_the_register_file_has_it() {
        for &(name, register, low) in PLACES {
            let wanted = field::<Vector>(name);
            assert_eq!((wanted.register, wanted.low), (register, low), "{name}");
        }
    }
}
