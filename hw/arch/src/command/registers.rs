//! The registers of the four units.
//!
//! Addresses of external memory are in bytes, addresses of on-chip memories in lines of
//! [`crate::Accelerator::line_bytes`] bytes, or in entries for parameter memories. Zero means zero: a
//! count of 0 does nothing.

use super::fields::{Field, FieldError, RegisterFile, register_file};
use crate::codec::Codec;

register_file! {
    /// Load: `blocks` blocks of `pixels` pixels of `channels` codes each, from external memory to an
    /// on-chip memory.
    ///
    /// Block b starts at `external_address + b * external_block_stride` and is a dense stream of codes,
    /// coded by `codec`. Pixel p of block b goes to lines `line + b * block_stride + p * pixel_stride`
    /// and following, in containers of 8 bits (16 for `value_bits` > 8), or of 4 or 2 bits where `container` says
    /// so; bytes of the last line beyond the pixel keep their old content, and what the pixel's last byte has room
    /// for beyond the last code is 0. Parameter and table targets take whole lines, one after the other.
    Load, 4 {
        /// Byte address of block 0, bus-aligned.
        external_address: u32 @ 0, 0, 32;
        /// First line (table, for table targets; entry, for parameter targets: a multiple of
        /// [`crate::Accelerator::parameter_alignment`]).
        line: u32 @ 1, 0, 24;
        /// [`Target`].
        target: u32 @ 1, 24, 4;
        /// Blocks.
        blocks: u32 @ 2, 0, 16;
        /// Pixels of a block.
        pixels: u32 @ 2, 16, 16;
        /// Codes of a pixel.
        channels: u32 @ 3, 0, 16;
        /// Lines from a pixel to the next.
        pixel_stride: u32 @ 3, 16, 16;
        /// Bytes from a block to the next, bus-aligned.
        external_block_stride: u32 @ 4, 0, 32;
        /// Lines from a block to the next.
        block_stride: u32 @ 5, 0, 24;
        /// [`Codec`].
        codec: u32 @ 5, 24, 3;
        /// Bits of a code: 2 to 8, or 16.
        value_bits: u32 @ 6, 0, 5;
        /// The code that `zvc` leaves out.
        zero_code: u32 @ 6, 8, 8;
        /// Banks of the activation scratchpad written.
        activation_write: u32 @ 6, 16, 8;
        /// Banks of the weight scratchpad written.
        weight_write: u32 @ 6, 24, 8;
        /// Byte address of the table of coded lengths (16-bit beat counts), bus-aligned; `zvc` only.
        length_table: u32 @ 7, 0, 32;
        /// Reserved for channel groups with widths of their own.
        group_width: u32 @ 8, 0, 16;
        /// Nonzero where codes narrower than their container extend their sign.
        signed: u32 @ 8, 16, 1;
        /// [`crate::code::OperandContainer`]: 0 for the containers above; else codes of `pack` become an operand line.
        container: u32 @ 8, 17, 2;
    }
}

register_file! {
    /// Store: the reverse of [`Load`], from the activation scratchpad.
    Store, 4 {
        /// Byte address of block 0, bus-aligned.
        external_address: u32 @ 0, 0, 32;
        /// First line.
        line: u32 @ 1, 0, 24;
        /// Blocks.
        blocks: u32 @ 2, 0, 16;
        /// Pixels of a block.
        pixels: u32 @ 2, 16, 16;
        /// Codes of a pixel.
        channels: u32 @ 3, 0, 16;
        /// Lines from a pixel to the next.
        pixel_stride: u32 @ 3, 16, 16;
        /// Bytes from a block to the next, bus-aligned.
        external_block_stride: u32 @ 4, 0, 32;
        /// Lines from a block to the next.
        block_stride: u32 @ 5, 0, 24;
        /// [`Codec`].
        codec: u32 @ 5, 24, 3;
        /// Bits of a code: 2 to 8, or 16.
        value_bits: u32 @ 6, 0, 5;
        /// The code that `zvc` leaves out.
        zero_code: u32 @ 6, 8, 8;
        /// Banks of the activation scratchpad read.
        activation_read: u32 @ 6, 16, 8;
        /// Byte address of the table of coded lengths; `zvc` only.
        length_table: u32 @ 7, 0, 32;
        /// Reserved for channel groups with widths of their own.
        group_width: u32 @ 8, 0, 16;
    }
}

register_file! {
    /// Compute: a convolution tile, or a matrix product, on the array.
    ///
    /// M = `out_rows * out_cols` output pixels (array rows), N = `outputs` output channels (array
    /// columns). Output pixel i has y = i / `out_cols`, x = i % `out_cols`. For kernel position (r, s) the
    /// map position is `iy = y * stride_rows + r * dilation_rows - pad_top`, likewise `ix`; where it lies
    /// outside `in_rows` x `in_cols` the feeder injects `pad_code`. Segment g of the position is `channels`
    /// codes at line `activation_line + iy * row_stride + ix * pixel_stride + g * segment_stride +
    /// group offset`. K runs over r, s, g and the codes of a segment, whose last line is filled with
    /// zeros. The weights of output n are the same K codes at line `weight_line + n * weight_stride`,
    /// each segment starting on a line. A line is an operand line: it has as many codes of `container` as there is
    /// room for; where `channels` are no whole bytes, the rest of the last byte counts as codes as well.
    ///
    /// `grouped`: fold f of the columns reads its activations `(f * cols) / codes of a line` lines further on
    /// (block-diagonal depthwise on the array).
    ///
    /// `accumulate`: the sums stay in the array, and those of the next compute command are added to them; nothing
    /// is read for the post-processor but the parameters, and nothing is written. For sums of more products than
    /// weights have room for. Such a command is one fold, without residual and table, and the next has as many
    /// pixels and outputs; it takes the time of any other.
    Compute, 8 {
        /// First line of the input map (position 0, 0, which may lie above the tile: signed arithmetic
        /// modulo 2^24).
        activation_line: u32 @ 0, 0, 24;
        /// First line of the weights.
        weight_line: u32 @ 1, 0, 24;
        /// First line of the output.
        output_line: u32 @ 2, 0, 24;
        /// Output rows of the tile.
        out_rows: u32 @ 3, 0, 16;
        /// Output columns of the tile.
        out_cols: u32 @ 3, 16, 16;
        /// Rows of the input tile that exist.
        in_rows: u32 @ 4, 0, 16;
        /// Columns of the input map.
        in_cols: u32 @ 4, 16, 16;
        /// Kernel rows.
        kernel_rows: u32 @ 5, 0, 8;
        /// Kernel columns.
        kernel_cols: u32 @ 5, 8, 8;
        /// Vertical stride.
        stride_rows: u32 @ 5, 16, 8;
        /// Horizontal stride.
        stride_cols: u32 @ 5, 24, 8;
        /// Rows of padding above the tile.
        pad_top: u32 @ 6, 0, 8;
        /// Columns of padding left of the map.
        pad_left: u32 @ 6, 8, 8;
        /// Vertical dilation.
        dilation_rows: u32 @ 6, 16, 8;
        /// Horizontal dilation.
        dilation_cols: u32 @ 6, 24, 8;
        /// Codes of a segment.
        channels: u32 @ 7, 0, 16;
        /// Segments of a kernel position.
        segments: u32 @ 7, 16, 16;
        /// Lines from a segment to the next.
        segment_stride: u32 @ 8, 0, 24;
        /// Byte of positions outside the map: one code, or two or four narrow ones.
        pad_code: u32 @ 8, 24, 8;
        /// Lines from an input row to the next.
        row_stride: u32 @ 9, 0, 24;
        /// 0: activations unsigned, 1: signed.
        activation_signed: u32 @ 9, 24, 1;
        /// See the struct.
        grouped: u32 @ 9, 25, 1;
        /// Sums stay in the array for the next command.
        accumulate: u32 @ 9, 26, 1;
        /// Parameters belong to rows (output pixels) instead of columns.
        parameter_per_row: u32 @ 9, 27, 1;
        /// Lines from an input column to the next.
        pixel_stride: u32 @ 10, 0, 16;
        /// N.
        outputs: u32 @ 10, 16, 16;
        /// Lines from an output's weights to the next output's.
        weight_stride: u32 @ 11, 0, 16;
        /// Lines from an output pixel to the next.
        output_pixel_stride: u32 @ 11, 16, 16;
        /// First entry of the post-processor's parameter memory.
        parameter_base: u32 @ 12, 0, 16;
        /// 0: bytes out, 1: 16-bit codes out.
        output_wide: u32 @ 12, 16, 1;
        /// Pass codes through the post-processor's table.
        table_enable: u32 @ 12, 17, 1;
        /// Which of the two tables.
        table_select: u32 @ 12, 18, 1;
        /// Add a residual.
        residual_enable: u32 @ 12, 19, 1;
        /// 0: residual codes are signed bytes, 1: 16 bits, signed.
        residual_wide: u32 @ 12, 20, 1;
        /// Nonzero: activations have two scales, see [`crate::code::two_scale`]; a coarse step is two to the power of so
        /// many fine ones.
        tag_shift: u32 @ 12, 28, 4;
        /// Zero point of the output.
        zero_point: i32 @ 13, 0, 16;
        /// Right shift of the residual's requantizer.
        residual_shift: u32 @ 13, 16, 6;
        /// Bits of an activation's code: 2 to 7, 0 for 8.
        activation_bits: u32 @ 13, 22, 4;
        /// Bits of a weight's code: 2 to 7, 0 for 8.
        weight_bits: u32 @ 13, 26, 4;
        /// [`crate::code::OperandContainer`] of both operands.
        container: u32 @ 13, 30, 2;
        /// Least output code before the table.
        clamp_low: i32 @ 14, 0, 16;
        /// Greatest output code before the table.
        clamp_high: i32 @ 14, 16, 16;
        /// First line of the residual.
        residual_line: u32 @ 15, 0, 24;
        /// Mantissa of the residual's requantizer.
        residual_mantissa: u32 @ 16, 0, 16;
        /// Zero point of the residual's codes.
        residual_zero_point: i32 @ 16, 16, 16;
        /// Lines from a residual pixel to the next.
        residual_pixel_stride: u32 @ 17, 0, 16;
        /// Banks of the activation scratchpad the feeder reads.
        activation_read: u32 @ 18, 0, 8;
        /// Banks of the activation scratchpad the residual is read from.
        residual_read: u32 @ 18, 8, 8;
        /// Banks of the activation scratchpad written.
        activation_write: u32 @ 18, 16, 8;
        /// Banks of the weight scratchpad read.
        weight_read: u32 @ 18, 24, 8;
    }
}

register_file! {
    /// Vector: one function over the pixels of a tile. Which fields a [`VectorFunction`] reads is said
    /// there. Map fields mean what they mean in [`Compute`].
    Vector, 8 {
        /// First line of the first operand.
        source_line: u32 @ 0, 0, 24;
        /// [`VectorFunction`].
        function: u32 @ 0, 24, 8;
        /// First line of the second operand (activation scratchpad; weight scratchpad for depthwise).
        second_line: u32 @ 1, 0, 24;
        /// First line of the output.
        output_line: u32 @ 2, 0, 24;
        /// Output rows.
        out_rows: u32 @ 3, 0, 16;
        /// Output columns.
        out_cols: u32 @ 3, 16, 16;
        /// Rows of the input tile that exist.
        in_rows: u32 @ 4, 0, 16;
        /// Columns of the input map.
        in_cols: u32 @ 4, 16, 16;
        /// Kernel rows.
        kernel_rows: u32 @ 5, 0, 8;
        /// Kernel columns.
        kernel_cols: u32 @ 5, 8, 8;
        /// Vertical stride.
        stride_rows: u32 @ 5, 16, 8;
        /// Horizontal stride.
        stride_cols: u32 @ 5, 24, 8;
        /// Rows of padding above the tile.
        pad_top: u32 @ 6, 0, 8;
        /// Columns of padding left of the map.
        pad_left: u32 @ 6, 8, 8;
        /// Vertical dilation.
        dilation_rows: u32 @ 6, 16, 8;
        /// Horizontal dilation.
        dilation_cols: u32 @ 6, 24, 8;
        /// Codes of a pixel.
        channels: u32 @ 7, 0, 16;
        /// First entry of the vector unit's parameter memory: a multiple of the vector unit's lanes.
        parameter_base: u32 @ 7, 16, 16;
        /// Lines from an input row to the next.
        row_stride: u32 @ 8, 0, 24;
        /// Code of positions outside the map.
        pad_code: u32 @ 8, 24, 8;
        /// Lines from an input column to the next.
        pixel_stride: u32 @ 9, 0, 16;
        /// Lines from an output pixel to the next.
        output_pixel_stride: u32 @ 9, 16, 16;
        /// Lines from a pixel of the second operand to the next.
        second_pixel_stride: u32 @ 10, 0, 16;
        /// 0: bytes of the operands unsigned, 1: signed.
        source_signed: u32 @ 10, 16, 1;
        /// 0: first operand has 8 bits, 1: 16.
        source_wide: u32 @ 10, 17, 1;
        /// 0: second operand has 8 bits, 1: 16.
        second_wide: u32 @ 10, 18, 1;
        /// 0: bytes out, 1: 16-bit codes out.
        output_wide: u32 @ 10, 19, 1;
        /// Add reads a second operand.
        second_enable: u32 @ 10, 20, 1;
        /// Which of the two tables.
        table_select: u32 @ 10, 21, 1;
        /// Copy writes the weight scratchpad.
        to_weight: u32 @ 10, 22, 1;
        /// Softmax: bits of the output code.
        output_bits: u32 @ 10, 24, 5;
        /// Zero point of the output.
        zero_point: i32 @ 11, 0, 16;
        /// Zero point of the first operand.
        source_zero_point: i32 @ 11, 16, 16;
        /// Least output code.
        clamp_low: i32 @ 12, 0, 16;
        /// Greatest output code.
        clamp_high: i32 @ 12, 16, 16;
        /// Mantissa for the first operand.
        source_mantissa: u32 @ 13, 0, 16;
        /// Shift for the first operand.
        source_shift: u32 @ 13, 16, 6;
        /// Zero point of the second operand.
        second_zero_point: i32 @ 14, 0, 16;
        /// Mantissa for the second operand.
        second_mantissa: u32 @ 14, 16, 16;
        /// Shift for the second operand.
        second_shift: u32 @ 15, 0, 6;
        /// LayerNorm: low 32 bits of epsilon.
        epsilon_low: u32 @ 16, 0, 32;
        /// LayerNorm: high bits of epsilon.
        epsilon_high: u32 @ 17, 0, 26;
        /// Banks of the activation scratchpad read (both operands).
        activation_read: u32 @ 18, 0, 8;
        /// Banks of the activation scratchpad written.
        activation_write: u32 @ 18, 8, 8;
        /// Banks of the weight scratchpad read.
        weight_read: u32 @ 18, 16, 8;
        /// Banks of the weight scratchpad written.
        weight_write: u32 @ 18, 24, 8;
        /// Patch: bytes of one run, kernel columns times input channels.
        run_bytes: u32 @ 19, 0, 16;
        /// Patch: bytes from the run of an output column to the run of the next.
        run_step_bytes: u32 @ 19, 16, 16;
        /// Patch: bytes of one input row.
        row_bytes: u32 @ 20, 0, 16;
        /// Softmax: nonzero where the output has two scales ([`crate::code::two_scale`]); a coarse step is two to the
        /// power of so many fine ones.
        tag_shift: u32 @ 20, 16, 4;
    }
}

/// Declares an enum with wire codes.
macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $code:literal, $text:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_meta])* $variant = $code,)* }

        impl $name {
            /// All variants.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The variant of a wire code.
            #[must_use]
            pub fn from_code(code: u32) -> Option<$name> {
                match code { $($code => Some($name::$variant),)* _ => None }
            }

            /// The wire code.
            #[must_use]
            pub fn code(self) -> u32 { self as u32 }

            /// Name in texts.
            #[must_use]
            pub fn name(self) -> &'static str { match self { $($name::$variant => $text,)* } }
        }
    };
}

wire_enum! {
    /// Where a load writes.
    Target {
        /// Activation scratchpad.
        Activation = 0, "activation";
        /// Weight scratchpad.
        Weight = 1, "weight";
        /// Parameter memory of the post-processor; `line` counts entries.
        PostParameter = 2, "post_parameter";
        /// Parameter memory of the vector unit; `line` counts entries.
        VectorParameter = 3, "vector_parameter";
        /// The post-processor's two 256-byte tables; `line` 0 or 1.
        PostTable = 4, "post_table";
        /// The vector unit's two tables of 256 x 16 bits; `line` 0 or 1.
        VectorTable = 5, "vector_table";
    }
}

wire_enum! {
    /// What a vector command computes. "Map" stands for the fields `out_*`, `in_*`, `kernel_*`,
    /// `stride_*`, `pad_*`, `dilation_*`, `row_stride`, `pixel_stride`, `pad_code`; functions without it
    /// run over `out_rows * out_cols` pixels, pixel i of the operands at `source_line + i * pixel_stride`,
    /// `second_line + i * second_pixel_stride`, `output_line + i * output_pixel_stride`.
    VectorFunction {
        /// Pixels unchanged to the activation scratchpad or, with `to_weight`, the weight scratchpad;
        /// whole lines of `channels` containers.
        Copy = 0, "copy";
        /// `requantize(a - za) [+ requantize(b - zb)] + zero point`, clamped. One operand: a rescale.
        Add = 1, "add";
        /// One output code per 8-bit input code, from a table: low byte of the table's entry, index the
        /// input byte.
        Table = 2, "table";
        /// Greatest code under the kernel. Map; positions outside are skipped, and a window that is all
        /// outside gives the least code.
        MaxPool = 3, "max_pool";
        /// Sum of codes under the kernel minus taps times zero point, requantized by the source scale.
        /// Map; positions outside count as `pad_code`.
        AveragePool = 4, "average_pool";
        /// Softmax over the channels of each pixel, exponential table in `table_select`.
        Softmax = 5, "softmax";
        /// LayerNorm over the channels of each pixel, parameters from `parameter_base`.
        LayerNorm = 6, "layer_norm";
        /// Depthwise convolution; map; tap t's weights at `second_line + t * lines of a pixel`, bias and
        /// scale from `parameter_base`, then zero point and clamp.
        Depthwise = 7, "depthwise";
        /// Gathers kernel windows of a dense byte map into one vector per output pixel: `kernel_rows` runs
        /// of `run_bytes`; run r of output (y, x) starts at byte `x * run_step_bytes - pad_left` of row
        /// `y * stride_rows + r * dilation_rows - pad_top`, row i at line `source_line + i * row_stride`,
        /// `row_bytes` long. Bytes outside rows or map become `pad_code`. `pad_left` counts bytes here.
        Patch = 8, "patch";
    }
}

impl Load {
    /// The target, `None` for a code that no target has.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        Target::from_code(self.target)
    }

    /// Format of the blocks; an unknown codec reads as `none`.
    #[must_use]
    pub fn format(&self) -> crate::codec::Format {
        crate::codec::Format {
            codec: Codec::from_code(self.codec).unwrap_or(Codec::None),
            value_bits: self.value_bits,
            zero_code: self.zero_code as u8,
            signed: self.signed == 1,
        }
    }
}

impl Store {
    /// Format of the blocks; an unknown codec reads as `none`.
    #[must_use]
    pub fn format(&self) -> crate::codec::Format {
        crate::codec::Format {
            codec: Codec::from_code(self.codec).unwrap_or(Codec::None),
            value_bits: self.value_bits,
            zero_code: self.zero_code as u8,
            signed: false,
        }
    }
}

impl Vector {
    /// The function, `None` for a code that no function has.
    #[must_use]
    pub fn function(&self) -> Option<VectorFunction> {
        VectorFunction::from_code(self.function)
    }

    /// LayerNorm's epsilon.
    #[must_use]
    pub fn epsilon(&self) -> u64 {
        u64::from(self.epsilon_high) << 32 | u64::from(self.epsilon_low)
    }
}
