//! Vector functions over the pixels of a tile; those over maps are in [`super::map`].

use bitgauge_arch::arith::layernorm::layernorm_token;
use bitgauge_arch::arith::rows::{Rescaled, emit_sum, finish, narrow, widen};
use bitgauge_arch::arith::softmax::softmax_row;
use bitgauge_arch::arith::{ChannelParameter, Post, Residual};
use bitgauge_arch::code::Container;
use bitgauge_arch::command::{Vector, VectorFunction};

use super::compute::requant;
use super::{Executor, State};

/// What the functions share.
pub(super) fn post(v: &Vector) -> Post {
    Post { zero_point: v.zero_point, clamp_low: v.clamp_low, clamp_high: v.clamp_high }
}

impl Executor<'_> {
    pub(super) fn vector(&mut self, v: &Vector) {
        let Some(function) = v.function() else { return };
        let line = self.plan.line as usize;
        if v.out_rows == 0 || v.out_cols == 0 || (v.channels == 0 && function != VectorFunction::Patch) {
            return;
        }
        let state = &mut *self.state;
        match function {
            VectorFunction::Copy => {
                state.settle();
                state.copy(v, line);
                if v.to_weight == 1 {
                    let pixels = u64::from(v.out_rows) * u64::from(v.out_cols);
                    let lines = v.source().lines(u64::from(v.channels), line as u64);
                    let start = u64::from(v.output_line);
                    let end = start + (pixels - 1) * u64::from(v.output_pixel_stride) + lines;
                    state.weights_changed(start, end, u64::from(self.plan.accelerator.weight_bank_lines()));
                }
            }
            VectorFunction::Add
                if v.source().max(v.output()).max(v.second().unwrap_or(Container::Byte))
                    == Container::Byte =>
            {
                state.add_bytes(v, line);
            }
            VectorFunction::Add => state.add(v, line),
            VectorFunction::Table => state.table(v, line),
            VectorFunction::Softmax => state.softmax(v, line),
            VectorFunction::LayerNorm => {
                state.layer_norm(v, line, self.plan.accelerator.vector.channel_shifts);
            }
            VectorFunction::MaxPool | VectorFunction::AveragePool | VectorFunction::Depthwise => {
                state.map(v, function, line);
            }
            VectorFunction::Patch => state.patch(v, line),
        }
    }
}

/// Appends the low bytes of codes.
fn low_bytes(codes: &[u8], container: Container, bytes: &mut Vec<u8>) {
    if container == Container::Byte {
        bytes.extend_from_slice(codes);
    } else {
        bytes.extend(codes.iter().step_by(container.bytes()));
    }
}

impl State {
    fn copy(&mut self, v: &Vector, line: usize) {
        let length = (v.channels as usize * v.source().bytes()).next_multiple_of(line);
        for pixel in 0..v.out_rows as usize * v.out_cols as usize {
            let from = (v.source_line as usize + pixel * v.pixel_stride as usize) * line;
            let to = (v.output_line as usize + pixel * v.output_pixel_stride as usize) * line;
            if v.to_weight == 1 {
                self.weight[to..to + length].copy_from_slice(&self.activation[from..from + length]);
            } else {
                self.activation.copy_within(from..from + length, to);
            }
        }
    }

    /// Addition where all codes are of one byte.
    fn add_bytes(&mut self, v: &Vector, line: usize) {
        let channels = v.channels as usize;
        let signed = v.source_signed == 1;
        let post = post(v);
        let bytes = &mut self.buffers.bytes;
        for pixel in 0..v.out_rows as usize * v.out_cols as usize {
            // The output may take an operand's place.
            bytes.clear();
            let at = (v.source_line as usize + pixel * v.pixel_stride as usize) * line;
            bytes.extend_from_slice(&self.activation[at..at + channels]);
            if v.second_enable == 1 {
                let at = (v.second_line as usize + pixel * v.second_pixel_stride as usize) * line;
                bytes.extend_from_slice(&self.activation[at..at + channels]);
            }
            let (first, second) = bytes.split_at(channels);
            let requants = [(v.source_mantissa, v.source_shift), (v.second_mantissa, v.second_shift)]
                .map(|(m, s)| requant(m, s));
            let first =
                Rescaled { codes: first, signed, zero_point: v.source_zero_point, requant: requants[0] };
            let second = (v.second_enable == 1).then_some(Rescaled {
                codes: second,
                signed,
                zero_point: v.second_zero_point,
                requant: requants[1],
            });
            let at = (v.output_line as usize + pixel * v.output_pixel_stride as usize) * line;
            emit_sum(&first, second.as_ref(), &post, &mut self.activation[at..at + channels]);
        }
    }

    fn add(&mut self, v: &Vector, line: usize) {
        let channels = v.channels as usize;
        let first =
            Residual { zero_point: v.source_zero_point, requant: requant(v.source_mantissa, v.source_shift) };
        let second =
            Residual { zero_point: v.second_zero_point, requant: requant(v.second_mantissa, v.second_shift) };
        let buffer = &mut self.buffers.codes;
        buffer.resize(2 * channels, 0);
        let (codes, other) = buffer.split_at_mut(channels);
        let signed = v.source_signed == 1;
        for pixel in 0..v.out_rows as usize * v.out_cols as usize {
            let at = (v.source_line as usize + pixel * v.pixel_stride as usize) * line;
            let source = v.source();
            widen(&self.activation[at..at + channels * source.bytes()], source, signed, codes);
            for code in codes.iter_mut() {
                *code = first.rescale(*code);
            }
            if let Some(container) = v.second() {
                let at = (v.second_line as usize + pixel * v.second_pixel_stride as usize) * line;
                widen(&self.activation[at..at + channels * container.bytes()], container, signed, other);
                for (code, other) in codes.iter_mut().zip(other.iter()) {
                    *code += second.rescale(*other);
                }
            }
            finish(codes, &post(v));
            let output = v.output();
            let at = (v.output_line as usize + pixel * v.output_pixel_stride as usize) * line;
            narrow(codes, output, &mut self.activation[at..at + channels * output.bytes()]);
        }
    }

    fn table(&mut self, v: &Vector, line: usize) {
        let channels = v.channels as usize;
        let (source, output) = (v.source(), v.output());
        let table: [u8; 256] =
            std::array::from_fn(|index| self.vector_table[512 * v.table_select as usize + 2 * index]);
        for pixel in 0..v.out_rows as usize * v.out_cols as usize {
            let from = (v.source_line as usize + pixel * v.pixel_stride as usize) * line;
            let to = (v.output_line as usize + pixel * v.output_pixel_stride as usize) * line;
            // The low byte of a wide code is its index.
            let bytes = &mut self.buffers.bytes;
            bytes.clear();
            low_bytes(&self.activation[from..from + channels * source.bytes()], source, bytes);
            let target = &mut self.activation[to..to + channels * output.bytes()];
            for (index, &code) in bytes.iter().enumerate() {
                output.write(target, index, i32::from(table[usize::from(code)]));
            }
        }
    }

    fn softmax(&mut self, v: &Vector, line: usize) {
        let channels = v.channels as usize;
        let (source, output) = (v.source(), v.output());
        let entries = &self.vector_table[512 * v.table_select as usize..][..512];
        let table: [u16; 256] =
            std::array::from_fn(|index| u16::from_le_bytes([entries[2 * index], entries[2 * index + 1]]));
        let bytes = &mut self.buffers.bytes;
        for pixel in 0..v.out_rows as usize * v.out_cols as usize {
            let from = (v.source_line as usize + pixel * v.pixel_stride as usize) * line;
            let to = (v.output_line as usize + pixel * v.output_pixel_stride as usize) * line;
            bytes.clear();
            low_bytes(&self.activation[from..from + channels * source.bytes()], source, bytes);
            bytes.resize(2 * channels, 0);
            let (row, codes) = bytes.split_at_mut(channels);
            softmax_row(row, v.source_signed == 1, &table, v.softmax_code(), codes);
            let target = &mut self.activation[to..to + channels * output.bytes()];
            if output == Container::Byte {
                target.copy_from_slice(codes);
                continue;
            }
            for (index, &code) in codes.iter().enumerate() {
                output.write(target, index, i32::from(code));
            }
        }
    }

    fn layer_norm(&mut self, v: &Vector, line: usize, channel_shifts: bool) {
        let channels = v.channels as usize;
        let base = 8 * v.parameter_base as usize;
        let entries = self.vector_parameter[base..base + 8 * channels].as_chunks::<8>().0;
        let parameters: Vec<ChannelParameter> =
            entries.iter().map(|entry| ChannelParameter::from_bytes(*entry)).collect();
        let codes = &mut self.buffers.codes;
        codes.resize(channels, 0);
        let (post, output) = (post(v), v.output());
        for pixel in 0..v.out_rows as usize * v.out_cols as usize {
            let source = v.source();
            let from = (v.source_line as usize + pixel * v.pixel_stride as usize) * line;
            widen(
                &self.activation[from..from + channels * source.bytes()],
                source,
                v.source_signed == 1,
                codes,
            );
            if channel_shifts && source == Container::Byte {
                codes.iter_mut().zip(&parameters).for_each(|(code, entry)| *code = entry.aligned(*code));
            }
            let to = (v.output_line as usize + pixel * v.output_pixel_stride as usize) * line;
            let target = &mut self.activation[to..to + channels * output.bytes()];
            layernorm_token(codes, v.epsilon(), &parameters, |channel, value| {
                output.write(target, channel, post.finish(value));
            });
        }
    }
}
