//! The fields of a load's registers.

use crate::prelude::*;
use crate::units::fields::field;
use bitgauge_arch::command::Load;
use rust_hdl::prelude::*;

/// Defines the block from the names of the fields; each has an output, a register number (twice: as an
/// index and as a constant) and a lowest bit.
macro_rules! load_fields {
    ($($name:ident $index:ident $register:ident $low:ident, $text:literal;)*) => {
        documented! {
            /// The fields of a load's registers, by name.
            #[derive(LogicBlock)]
            pub struct LoadFields {
                name: Named,
                /// the command's registers
                pub registers: Vec<Sig>,
                $(
                    #[doc = $text]
                    pub $name: Sig,
                    $register: Const,
                    $low: Const,
                    $index: usize
                ),*
            }
        }

        impl Default for LoadFields {
            fn default() -> LoadFields {
                LoadFields {
                    name: Named::of("load_fields", &LoadFields::DOCS),
                    registers: Sig::inputs(u(32), REGISTERS),
                    $(
                        $name: Sig::output(field::<Load>(stringify!($name)).ty()),
                        $register: field::<Load>(stringify!($name)).register_const(),
                        $low: field::<Load>(stringify!($name)).low_const(),
                        $index: field::<Load>(stringify!($name)).register,
                    )*
                }
            }
        }

        impl Logic for LoadFields {
            #[hdl_gen]
            fn update(&mut self) {
                $( self.$name.next = self.registers[self.$index].val() >> self.$low.val(); )*
            }
        }
    };
}

/// Registers of a load.
pub const REGISTERS: usize = 12;

load_fields! {
    external_address _external_address_r external_address_r external_address_low, "byte address of block 0";
    line _line_r line_r line_low, "first line or entry";
    target _target_r target_r target_low, "where to write";
    blocks _blocks_r blocks_r blocks_low, "blocks";
    pixels _pixels_r pixels_r pixels_low, "pixels of a block";
    channels _channels_r channels_r channels_low, "codes of a pixel";
    pixel_stride _pixel_stride_r pixel_stride_r pixel_stride_low, "lines from a pixel to the next";
    external_block_stride _external_stride_r external_stride_r external_stride_low, "bytes from a block to the next";
    block_stride _block_stride_r block_stride_r block_stride_low, "lines from a block to the next";
    codec _codec_r codec_r codec_low, "codec";
    value_bits _value_bits_r value_bits_r value_bits_low, "bits of a code";
    zero_code _zero_code_r zero_code_r zero_code_low, "the code that zvc leaves out";
    length_table _length_table_r length_table_r length_table_low, "byte address of the length table";
    container _container_r container_r container_low, "what codes become: 0, 1, 2 for 8, 4, 2 bits";
    signed _signed_r signed_r signed_low, "codes extend their sign";
}
