//! Random compute commands.

use bitgauge_arch::code::OperandContainer;
use bitgauge_arch::command::{Compute, Operation};
use bitgauge_arch::footprint::Space;

use super::Draft;
use crate::Random;

impl Draft<'_> {
    pub(super) fn compute(&mut self) -> Compute {
        let line_bytes = self.accelerator.line_bytes();
        let cols = self.accelerator.array.cols;
        let (activation_line, weight_line) = (self.source(Space::Activation), self.source(Space::Weight));
        let (residual_line, output_line) = (self.source(Space::Activation), self.line(Space::Activation));
        let random = &mut *self.random;
        let channels = random.within(1, 3 * line_bytes);
        // Codes of a byte: 1, 2 or 4.
        let takes = |one: &OperandContainer| self.accelerator.array.takes(*one);
        let containers: Vec<OperandContainer> = OperandContainer::ALL.into_iter().filter(takes).collect();
        let container = random.of(&containers);
        let words = channels.div_ceil(1 << container.code()).div_ceil(line_bytes);
        let bits = |random: &mut Random| {
            let most = container.bits().min(self.accelerator.array.widest());
            // 0 stands for 8.
            let bits = random.of(&[0, 0, 2, 3, 4, 5, 6, 7, 8]);
            if bits.min(most) == bits && (bits > 0 || most == 8) { bits } else { random.within(2, most) }
        };
        let (mut activation_bits, weight_bits) = (bits(random), bits(random));
        let most_shift = self.accelerator.array.tag_shift;
        let mut tag_shift = 0;
        if most_shift > 0 && random.once_in(2) && container.bits() > 2 {
            tag_shift = random.within(1, most_shift);
            if activation_bits == 2 {
                activation_bits = 3;
            }
        }
        // Blocks are a line's codes each: enough outputs for a second one.
        let grouped = random.once_in(5);
        let second = (line_bytes << container.code()) + cols;
        let outputs = random.within(0, if grouped && second < 96 { second } else { 3 * cols });
        let (in_rows, in_cols) = (random.within(1, 6), random.within(1, 7));
        let segments = if random.once_in(4) { 2 } else { 1 };
        let kernel = random.of(&[(1, 1), (1, 1), (3, 3), (2, 1), (1, 4)]);
        let wide = random.within(0, 1);
        let output_lines = (outputs * (1 + wide)).div_ceil(line_bytes).max(1);
        let (clamp_low, clamp_high) = random.clamp();
        let mut compute = Compute {
            activation_line,
            weight_line,
            output_line,
            out_rows: random.within(0, 4),
            out_cols: random.within(1, 7),
            in_rows,
            in_cols,
            kernel_rows: kernel.0,
            kernel_cols: kernel.1,
            stride_rows: random.within(1, 2),
            stride_cols: random.within(1, 3),
            pad_top: random.within(0, 2),
            pad_left: random.within(0, 2),
            dilation_rows: random.within(1, 2),
            dilation_cols: random.within(1, 2),
            channels,
            segments,
            segment_stride: random.within(0, words + 1),
            pad_code: random.within(0, 255),
            row_stride: in_cols * words * segments + random.within(0, 2),
            pixel_stride: words * segments,
            activation_signed: random.within(0, 1),
            grouped: u32::from(grouped),
            parameter_per_row: random.within(0, 1),
            outputs,
            weight_stride: random.within(0, words * segments * kernel.0 * kernel.1),
            output_pixel_stride: output_lines + random.within(0, 2),
            parameter_base: random.within(0, 40),
            output_wide: wide,
            table_enable: u32::from(random.once_in(4)),
            table_select: random.within(0, 1),
            residual_enable: random.within(0, 1),
            residual_wide: random.within(0, 1),
            zero_point: random.zero_point(),
            residual_shift: random.shift(),
            clamp_low,
            clamp_high,
            residual_line,
            residual_mantissa: random.mantissa(),
            residual_zero_point: random.zero_point(),
            residual_pixel_stride: random.within(0, output_lines + 1),
            activation_bits,
            weight_bits,
            container: container.code(),
            tag_shift,
            ..Compute::default()
        };
        if random.once_in(4) {
            self.loud_compute(&mut compute);
        }
        self.in_parts(&mut compute);
        compute
    }

    /// Sums in parts: a command goes on with those that the one before kept, or keeps its own.
    fn in_parts(&mut self, compute: &mut Compute) {
        let array = &self.accelerator.array;
        match &self.kept {
            Some(kept) => {
                (compute.out_rows, compute.out_cols, compute.outputs) =
                    (kept.out_rows, kept.out_cols, kept.outputs);
            }
            None if self.random.once_in(4) => {
                compute.out_cols = compute.out_cols.min(array.rows);
                compute.out_rows = 1.max(self.random.within(0, array.rows / compute.out_cols));
                compute.outputs = self.random.within(1, array.cols);
            }
            None => return,
        }
        if self.random.once_in(2) {
            (compute.accumulate, compute.residual_enable, compute.table_enable) = (1, 0, 0);
        }
    }

    /// Remembers whether a command kept its sums.
    pub(super) fn note(&mut self, operation: &Operation) {
        if let Operation::Compute(compute) = operation {
            self.kept = (compute.accumulate == 1).then(|| compute.clone());
        }
    }

    /// Sum and residual each leave 16 bits behind, and together may come back: what one of them loses shows.
    fn loud_compute(&mut self, compute: &mut Compute) {
        (compute.residual_enable, compute.residual_wide) = (1, 1);
        compute.residual_shift = self.random.loud_shift();
        compute.residual_zero_point = self.random.any_code();
        (compute.clamp_low, compute.clamp_high) = (-32_768, 32_767);
    }
}
