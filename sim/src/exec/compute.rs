//! Compute: convolution tiles and matrix products, then the post-processor.
//!
//! Folds only matter to time; the sums are computed for a few hundred pixels and all outputs at once.

use bitgauge_arch::arith::gemm::matmul;
use bitgauge_arch::arith::rows::{Emit, Rescaled, emit, emit_rows, finish, narrow, requantize, widen};
use bitgauge_arch::arith::{ChannelParameter, Post, Requant, Signedness};
use bitgauge_arch::code::two_scale::TwoScale;
use bitgauge_arch::code::{Container, OperandContainer};
use bitgauge_arch::command::Compute;
use bitgauge_arch::mac::Operands;

use super::weights::Source;
use super::{Buffers, Executor, State};

/// Bytes of gathered rows and sums handled together, so that they stay in the cache.
const CHUNK_BYTES: usize = 1 << 16;
/// Pixels that the products' kernels take together, or a multiple.
const TOGETHER: usize = 12;

/// The register's shift as the gates read it.
pub(super) fn requant(mantissa: u32, shift: u32) -> Requant {
    Requant {
        mantissa: mantissa as u16,
        shift: shift.clamp(1, u32::from(bitgauge_arch::arith::requantize::MAX_SHIFT)) as u8,
    }
}

/// What ends the post-processor's work on every sum.
fn finish_of(c: &Compute) -> Post {
    Post { zero_point: c.zero_point, clamp_low: c.clamp_low, clamp_high: c.clamp_high }
}

/// Lengths of one command, in bytes.
struct Sizes {
    line: usize,
    /// What the operands lie in, and codes of a line.
    container: OperandContainer,
    line_codes: usize,
    /// Lines of a segment.
    words: usize,
    /// Rows of the left operand and of the weights.
    row: usize,
    pixels: usize,
    outputs: usize,
    /// Which scales are the outputs', unless each row has its own.
    scales: usize,
    /// There is a residual, whose channels may have steps of their own.
    shifted: bool,
    /// No sum has a greater magnitude, unless it wraps; then this is beyond what sums can be.
    most: u32,
    /// Pointwise, with pixels at equal distances: rows are read in place.
    in_place: Option<usize>,
    /// Low bits that the array reads of each code.
    reads: Operands,
    /// How activations of two scales are read.
    two_scale: Option<TwoScale>,
}

impl Sizes {
    fn new(c: &Compute, line: usize, reads: Operands) -> Sizes {
        let channels = c.channels as usize;
        let container = c.operand_container();
        let line_codes = container.codes_of(line as u64) as usize;
        let words = c.segment_lines(line as u64) as usize;
        let narrow = |bits: u32| bits.min(container.bits());
        // There is no more in a container, and above it the gates see its sign.
        let reads = Operands::uniform(narrow(reads.activation_bits), narrow(reads.weight_bits));
        let positions = c.kernel_rows as usize * c.kernel_cols as usize * c.segments as usize;
        let inside = c.pad_top == 0
            && c.pad_left == 0
            && (c.out_rows - 1) * c.stride_rows < c.in_rows
            && (c.out_cols - 1) * c.stride_cols < c.in_cols;
        let step = c.pixel_stride as usize * c.stride_cols as usize;
        let row_step = c.row_stride as usize * c.stride_rows as usize;
        let regular =
            c.out_rows == 1 || row_step == c.out_cols as usize * step || (c.out_cols == 1 && step == 0);
        let two_scale = c.two_scale();
        let whole = two_scale.is_none() && reads.activation_bits == 8 && container == OperandContainer::Bits8;
        let in_place = (positions == 1 && inside && regular && whole)
            .then_some(if c.out_cols == 1 && c.out_rows > 1 { row_step } else { step });
        // In place a row ends with its last channel: what lies behind is not zero.
        let row = if in_place.is_some() { channels } else { positions * words * line_codes };
        Sizes {
            line,
            container,
            line_codes,
            words,
            row,
            pixels: c.out_rows as usize * c.out_cols as usize,
            outputs: c.outputs as usize,
            scales: 0,
            shifted: false,
            most: u32::try_from(row).unwrap_or(u32::MAX).saturating_mul((255 * 128) << c.tag_shift),
            in_place: in_place.map(|step| step * line),
            reads,
            two_scale,
        }
    }
}

impl Executor<'_> {
    pub(super) fn compute(&mut self, c: &Compute) {
        if c.out_rows == 0 || c.out_cols == 0 || c.outputs == 0 {
            return;
        }
        let mut sizes =
            Sizes::new(c, self.plan.line as usize, self.plan.accelerator.array.reads(c.operands()));
        let cols = if c.grouped == 1 { self.plan.accelerator.array.cols as usize } else { sizes.outputs };
        let bank_lines = self.plan.accelerator.weight_bank_lines() as usize;
        let state = &mut *self.state;
        let useful = u64::from(c.kernel_rows)
            * u64::from(c.kernel_cols)
            * u64::from(c.segments)
            * if c.grouped == 1 { 1 } else { u64::from(c.channels) };
        sizes.shifted = c.residual_enable == 1 && self.plan.accelerator.vector.channel_shifts;
        if c.parameter_per_row == 0 {
            let entries = &state.post_parameter[8 * c.parameter_base as usize..][..8 * sizes.outputs];
            sizes.scales = state.buffers.array_scales.find(entries);
        }
        // Parts of about equal length, so that none is a few pixels long.
        let fitting = (CHUNK_BYTES / (sizes.row + 4 * sizes.outputs)).clamp(TOGETHER, 4096);
        let parts = ((sizes.pixels + fitting / 2) / fitting).max(1);
        let per_chunk = sizes.pixels.div_ceil(parts).next_multiple_of(TOGETHER);
        for first in (0..sizes.pixels).step_by(per_chunk) {
            let count = per_chunk.min(sizes.pixels - first);
            grown(&mut state.buffers.sums, count * sizes.outputs);
            for column in (0..sizes.outputs).step_by(cols) {
                let columns = cols.min(sizes.outputs - column);
                state.multiply(c, &sizes, (first, count), (column, columns), bank_lines);
            }
            state.macs += count as u64 * sizes.outputs as u64 * useful;
            let Buffers { sums, kept, .. } = &mut state.buffers;
            let before = kept.iter().skip(first * sizes.outputs);
            sums.iter_mut().zip(before).for_each(|(sum, kept)| *sum = sum.wrapping_add(*kept));
            if c.accumulate == 1 {
                kept.truncate(first * sizes.outputs);
                kept.extend_from_slice(sums);
                continue;
            }
            let stride = c.output_pixel_stride as usize * sizes.line;
            let plain = c.output() == Container::Byte && c.parameter_per_row == 0 && !sizes.shifted;
            if plain && c.residual().is_none() && stride >= sizes.outputs {
                state.post_all(c, &sizes, (first, count), stride);
                continue;
            }
            for index in 0..count {
                if plain && c.residual() != Some(Container::Word) {
                    state.post_one(c, &sizes, first + index, index);
                } else {
                    state.post(c, &sizes, first + index, index);
                }
            }
        }
        if c.accumulate == 0 {
            self.state.buffers.kept.clear();
        }
    }
}

impl State {
    /// Sums of some pixels and some columns.
    fn multiply(
        &mut self,
        c: &Compute,
        sizes: &Sizes,
        pixels: (usize, usize),
        columns: (usize, usize),
        bank_lines: usize,
    ) {
        let line = sizes.line;
        let group = if c.grouped == 1 { columns.0 / sizes.line_codes } else { 0 };
        let stride = c.weight_stride as usize * line;
        let start = c.weight_line as usize * line + columns.0 * stride;
        let (first_bank, last_bank) = (
            start / line / bank_lines,
            (start + (columns.1 - 1) * stride + sizes.container.bytes_of(sizes.row as u64) as usize - 1)
                / line
                / bank_lines,
        );
        let versions = std::array::from_fn(|bank| {
            if (first_bank..=last_bank).contains(&bank) { self.weight_versions[bank] } else { 0 }
        });
        let bits = sizes.reads.weight_bits;
        let of =
            Source { start, stride, outputs: columns.1, length: sizes.row, bits, container: sizes.container };
        let packed = self.weights.get(of, versions, &mut self.weight, &self.memory, &self.written);
        let sign = c.activation_sign();
        let origin = (c.activation_line as usize + group) * line;
        let (rows, step): (&[u8], usize) = match sizes.in_place {
            Some(step) => (&self.activation[origin + pixels.0 * step..], step),
            None => {
                let rows = grown(&mut self.buffers.rows, pixels.1 * sizes.row);
                let activation = &self.activation;
                for (index, row) in rows.chunks_exact_mut(sizes.row).enumerate() {
                    gather(c, sizes, activation, group, pixels.0 + index, row);
                }
                match sizes.two_scale {
                    Some(scale) => coarse_apart(rows, scale, &mut self.buffers.coarse),
                    None => extend(rows, sizes.reads.activation_bits, sign),
                }
                (rows, sizes.row)
            }
        };
        let sums = &mut self.buffers.sums[columns.0..];
        matmul(rows, step, sign, pixels.1, packed, sums, sizes.outputs);
        if let Some(TwoScale { shift, .. }) = sizes.two_scale {
            let Buffers { coarse, coarse_sums, sums, .. } = &mut self.buffers;
            let coarse_sums = grown(coarse_sums, pixels.1 * sizes.outputs);
            matmul(coarse, step, sign, pixels.1, packed, &mut coarse_sums[columns.0..], sizes.outputs);
            let own =
                |row: usize| row * sizes.outputs + columns.0..row * sizes.outputs + columns.0 + columns.1;
            for row in 0..pixels.1 {
                for (sum, coarse) in sums[own(row)].iter_mut().zip(&coarse_sums[own(row)]) {
                    *sum = sum.wrapping_add(coarse.wrapping_shl(shift));
                }
            }
        }
    }

    /// The post-processor on the sums of `count` pixels from `first` on: the common case, that needs no residual.
    fn post_all(&mut self, c: &Compute, sizes: &Sizes, (first, count): (usize, usize), stride: usize) {
        let at = c.output_line as usize * sizes.line + first * stride;
        let Buffers { sums, array_scales, .. } = &self.buffers;
        let sums = &sums[..count * sizes.outputs];
        let bytes = (&mut self.activation[at..], stride);
        let scales = &array_scales[sizes.scales];
        let emit = Emit { scales, residual: None, post: finish_of(c), most: sizes.most };
        emit_rows(sums, sizes.outputs, &emit, bytes);
        if c.table_enable == 1 {
            for pixel in 0..count {
                let codes = &mut self.activation[at + pixel * stride..][..sizes.outputs];
                look_up(c, &self.post_table, codes);
            }
        }
    }

    /// The post-processor on one pixel of one-byte codes: row `index` of the sums.
    fn post_one(&mut self, c: &Compute, sizes: &Sizes, pixel: usize, index: usize) {
        let outputs = sizes.outputs;
        let Buffers { sums, array_scales, bytes, .. } = &mut self.buffers;
        let residual = (c.residual_enable == 1).then(|| {
            // The output may take the residual's place.
            let at = (c.residual_line as usize + pixel * c.residual_pixel_stride as usize) * sizes.line;
            bytes.clear();
            bytes.extend_from_slice(&self.activation[at..at + outputs]);
            let requant = requant(c.residual_mantissa, c.residual_shift);
            Rescaled { codes: bytes, signed: true, zero_point: c.residual_zero_point, requant }
        });
        let at = (c.output_line as usize + pixel * c.output_pixel_stride as usize) * sizes.line;
        let sums = &sums[index * outputs..][..outputs];
        let target = (&mut self.activation[at..at + outputs], outputs);
        let residual = residual.as_ref();
        let scales = &array_scales[sizes.scales];
        let emit = Emit { scales, residual, post: finish_of(c), most: sizes.most };
        emit_rows(sums, outputs, &emit, target);
        if c.table_enable == 1 {
            look_up(c, &self.post_table, &mut self.activation[at..at + outputs]);
        }
    }

    /// The post-processor on one pixel: row `index` of the sums.
    fn post(&mut self, c: &Compute, sizes: &Sizes, pixel: usize, index: usize) {
        let outputs = sizes.outputs;
        let buffers = &mut self.buffers;
        let scales = if c.parameter_per_row == 1 {
            let base = 8 * (c.parameter_base as usize + pixel);
            buffers.row_scales.splat(&self.post_parameter[base..base + 8], outputs);
            &buffers.row_scales
        } else {
            &buffers.array_scales[sizes.scales]
        };
        // The second half of the buffer holds the residual's codes.
        buffers.codes.resize(2 * outputs, 0);
        let (codes, residual) = buffers.codes.split_at_mut(outputs);
        requantize(&buffers.sums[index * outputs..][..outputs], scales, codes);
        if let Some(container) = c.residual() {
            let at = (c.residual_line as usize + pixel * c.residual_pixel_stride as usize) * sizes.line;
            widen(&self.activation[at..at + outputs * container.bytes()], container, true, residual);
            // A residual is brought to scale as a sum is.
            let scale = |channel_shift: i8| {
                ChannelParameter {
                    bias: c.residual_zero_point.wrapping_neg(),
                    requant: requant(c.residual_mantissa, c.residual_shift).shifted(channel_shift),
                    negate: false,
                    channel_shift: 0,
                }
                .to_bytes()
            };
            let shift = |entry: &[u8; 8]| ChannelParameter::from_bytes(*entry).channel_shift;
            let entries = self.post_parameter.as_chunks::<8>().0;
            let base = c.parameter_base as usize;
            match (sizes.shifted, c.parameter_per_row) {
                (true, 1) => {
                    let scale = scale(shift(&entries[base + pixel]));
                    buffers.residual_scales.splat(&scale, outputs);
                }
                (true, _) if index == 0 => {
                    let scales = entries[base..base + outputs].iter().flat_map(|entry| scale(shift(entry)));
                    buffers.residual_scales.read(&scales.collect::<Vec<u8>>());
                }
                (false, _) if index == 0 => buffers.residual_scales.splat(&scale(0), outputs),
                _ => {}
            }
            let rescaled = grown(&mut buffers.rescaled, outputs);
            requantize(residual, &buffers.residual_scales, rescaled);
            for (code, other) in codes.iter_mut().zip(rescaled) {
                *code += *other;
            }
        }
        let post = finish_of(c);
        let container = c.output();
        let at = (c.output_line as usize + pixel * c.output_pixel_stride as usize) * sizes.line;
        let bytes = &mut self.activation[at..at + outputs * container.bytes()];
        if c.table_enable == 0 {
            return emit(codes, &post, container, bytes);
        }
        finish(codes, &post);
        let table = &self.post_table[256 * c.table_select as usize..][..256];
        for code in codes.iter_mut() {
            *code = i32::from(table[usize::from(*code as u8)]);
        }
        narrow(codes, container, bytes);
    }
}

/// At least `length` values, of which the first so many; what they are does not matter.
fn grown<T: Copy + Default>(values: &mut Vec<T>, length: usize) -> &mut [T] {
    if values.len() < length {
        values.resize(length, T::default());
    }
    &mut values[..length]
}

/// Replaces each code by the table's.
fn look_up(c: &Compute, tables: &[u8], codes: &mut [u8]) {
    let table = &tables[256 * c.table_select as usize..][..256];
    for code in codes {
        *code = table[usize::from(*code)];
    }
}

/// Extends the low bits of codes to bytes, as the array reads them.
pub(super) fn extend(codes: &mut [u8], bits: u32, sign: Signedness) {
    let unused = 8 - bits.clamp(1, 8);
    match (unused, sign) {
        (0, _) => {}
        (_, Signedness::Signed) => {
            codes
                .iter_mut()
                .for_each(|code| *code = ((*code << unused).cast_signed() >> unused).cast_unsigned());
        }
        (_, Signedness::Unsigned) => codes.iter_mut().for_each(|code| *code = *code << unused >> unused),
    }
}

/// Payloads of codes of two scales: fine ones stay, coarse ones go to rows of their own; the others' places are zero.
fn coarse_apart(codes: &mut [u8], scale: TwoScale, coarse: &mut Vec<u8>) {
    coarse.clear();
    coarse.extend(codes.iter_mut().map(|code| {
        let (tag, payload) = scale.split(*code);
        let payload = payload as u8;
        *code = if tag { 0 } else { payload };
        if tag { payload } else { 0 }
    }));
}

/// The codes of an operand line, a byte each, not yet extended.
pub(super) fn spread(bytes: &[u8], container: OperandContainer, codes: &mut [u8]) {
    match container {
        OperandContainer::Bits8 => codes.copy_from_slice(bytes),
        OperandContainer::Bits4 => {
            let pairs = codes.as_chunks_mut::<2>().0;
            pairs.iter_mut().zip(bytes).for_each(|(pair, byte)| *pair = [byte & 15, byte >> 4]);
        }
        OperandContainer::Bits2 => {
            let fours = codes.as_chunks_mut::<4>().0;
            fours.iter_mut().zip(bytes).for_each(|(four, byte)| {
                *four = [byte & 3, byte >> 2 & 3, byte >> 4 & 3, byte >> 6];
            });
        }
    }
}

/// As [`spread`], of the same byte over and over.
fn spread_byte(byte: u8, container: OperandContainer, codes: &mut [u8]) {
    if container == OperandContainer::Bits8 {
        return codes.fill(byte);
    }
    let mut one = [0; 4];
    let count = container.codes_of(1) as usize;
    spread(&[byte], container, &mut one[..count]);
    codes.chunks_exact_mut(count).for_each(|codes| codes.copy_from_slice(&one[..count]));
}

/// The left operand of one output pixel: segments with zeros up to whole lines.
fn gather(c: &Compute, sizes: &Sizes, activation: &[u8], group: usize, pixel: usize, row: &mut [u8]) {
    let (y, x) = (pixel as u32 / c.out_cols, pixel as u32 % c.out_cols);
    let bytes = sizes.container.bytes_of(u64::from(c.channels)) as usize;
    let channels = sizes.container.codes_of(bytes as u64) as usize;
    let length = sizes.words * sizes.line_codes;
    let mut segments = row.chunks_exact_mut(length);
    for r in 0..c.kernel_rows {
        let iy = i64::from(y * c.stride_rows + r * c.dilation_rows) - i64::from(c.pad_top);
        for s in 0..c.kernel_cols {
            let ix = i64::from(x * c.stride_cols + s * c.dilation_cols) - i64::from(c.pad_left);
            let inside = (0..i64::from(c.in_rows)).contains(&iy) && (0..i64::from(c.in_cols)).contains(&ix);
            for (g, target) in (&mut segments).take(c.segments as usize).enumerate() {
                let (codes, rest) = target.split_at_mut(channels);
                rest.fill(0);
                if inside {
                    let at = c.activation_line as usize
                        + iy as usize * c.row_stride as usize
                        + ix as usize * c.pixel_stride as usize
                        + g * c.segment_stride as usize
                        + group;
                    spread(&activation[at * sizes.line..][..bytes], sizes.container, codes);
                } else {
                    spread_byte(c.pad_code as u8, sizes.container, codes);
                }
            }
        }
    }
}
