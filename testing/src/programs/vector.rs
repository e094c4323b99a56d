//! Random vector commands.

use bitgauge_arch::command::{Vector, VectorFunction};
use bitgauge_arch::footprint::Space;

use super::Draft;

impl Draft<'_> {
    pub(super) fn vector(&mut self) -> Vector {
        let line_bytes = self.accelerator.line_bytes();
        let lanes = self.accelerator.vector.lanes;
        let function = self.random.of(VectorFunction::ALL);
        let to_weight = self.random.within(0, 1);
        let second = if function == VectorFunction::Depthwise { Space::Weight } else { Space::Activation };
        let copied = function == VectorFunction::Copy && to_weight == 1;
        let output = if copied { Space::Weight } else { Space::Activation };
        let (source_line, second_line) = (self.source(Space::Activation), self.source(second));
        let output_line = self.line(output);
        let random = &mut *self.random;
        let windowed = matches!(
            function,
            VectorFunction::MaxPool | VectorFunction::AveragePool | VectorFunction::Depthwise
        );
        // A row of one code has all the weight of a softmax and no variance in a LayerNorm.
        let mut channels = if random.once_in(8) { 1 } else { random.within(1, 5 * line_bytes / 2) };
        let kernel_rows = random.within(1, 3);
        let run_bytes = random.within(1, 2 * line_bytes);
        if function == VectorFunction::Patch {
            channels = kernel_rows * run_bytes;
        }
        let bytes_in = windowed || matches!(function, VectorFunction::Softmax | VectorFunction::Table);
        let bytes_out =
            matches!(function, VectorFunction::Softmax | VectorFunction::Table | VectorFunction::Patch);
        let pixel_lines = (2 * channels).div_ceil(line_bytes);
        let in_cols = random.within(1, 6);
        let (clamp_low, clamp_high) = random.clamp();
        let mut vector = Vector {
            source_line,
            function: function.code(),
            second_line,
            output_line,
            out_rows: random.within(0, 4),
            out_cols: random.within(1, 4),
            in_rows: random.within(1, 5),
            in_cols,
            kernel_rows,
            kernel_cols: random.within(1, 3),
            stride_rows: random.within(1, 2),
            stride_cols: random.within(1, 2),
            pad_top: random.within(0, 2),
            pad_left: random.within(0, 2),
            dilation_rows: random.within(1, 2),
            dilation_cols: random.within(1, 2),
            channels,
            parameter_base: random.within(0, 8) * lanes,
            row_stride: in_cols * pixel_lines + random.within(0, 2),
            pad_code: random.within(0, 255),
            pixel_stride: random.within(0, pixel_lines + 1),
            output_pixel_stride: pixel_lines + random.within(0, 2),
            second_pixel_stride: random.within(0, pixel_lines),
            source_signed: random.within(0, 1),
            source_wide: if bytes_in { 0 } else { random.within(0, 1) },
            second_wide: random.within(0, 1),
            output_wide: if bytes_out { 0 } else { random.within(0, 1) },
            second_enable: random.within(0, 1),
            table_select: random.within(0, 1),
            to_weight,
            output_bits: random.within(2, 8),
            zero_point: random.zero_point(),
            source_zero_point: random.zero_point(),
            clamp_low,
            clamp_high,
            source_mantissa: random.mantissa(),
            source_shift: random.shift(),
            second_zero_point: random.zero_point(),
            second_mantissa: random.mantissa(),
            second_shift: random.shift(),
            epsilon_low: random.within(0, u32::MAX - 1),
            epsilon_high: if random.once_in(4) { random.within(0, (1 << 20) - 1) } else { 0 },
            run_bytes,
            run_step_bytes: random.within(1, 2 * line_bytes),
            row_bytes: random.within(1, 4 * line_bytes),
            ..Vector::default()
        };
        let most_shift = self.accelerator.array.tag_shift;
        if function == VectorFunction::Softmax && most_shift > 0 && random.once_in(2) {
            vector.tag_shift = random.within(1, most_shift);
            vector.output_bits = vector.output_bits.max(3);
        }
        if function == VectorFunction::Add && random.once_in(2) {
            self.loud_add(&mut vector);
        }
        vector
    }

    /// Both operands leave 16 bits behind, and together may come back: what one of them loses shows.
    fn loud_add(&mut self, vector: &mut Vector) {
        (vector.source_wide, vector.second_wide, vector.second_enable) = (1, 1, 1);
        (vector.source_shift, vector.second_shift) = (self.random.loud_shift(), self.random.loud_shift());
        (vector.source_zero_point, vector.second_zero_point) =
            (self.random.any_code(), self.random.any_code());
        (vector.clamp_low, vector.clamp_high) = (-32_768, 32_767);
    }
}
