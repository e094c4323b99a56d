//! Load: blocks of coded pixels into scratchpad lines, parameters and tables into their memories.

use bitgauge_arch::code::OperandContainer;
use bitgauge_arch::codec::{Codec, Format, decode, zvc};
use bitgauge_arch::command::{Load, Target, Unit};
use bitgauge_arch::timing::DmaShape;

use super::{Coded, CodedBlock, Executor, packed};
use crate::error::SimError;

impl Executor<'_> {
    pub(super) fn load(
        &mut self,
        command: usize,
        shape: &DmaShape,
        load: &Load,
    ) -> Result<Option<Coded>, SimError> {
        let Some(target) = load.target() else { return Ok(None) };
        if shape.lines() == 0 {
            return Ok(None);
        }
        let entry_bytes = match target {
            Target::Activation | Target::Weight => {
                return self.load_lines(command, shape, load, target == Target::Weight);
            }
            Target::PostParameter | Target::VectorParameter => 8,
            Target::PostTable => 256,
            Target::VectorTable => 512,
        };
        let state = &mut *self.state;
        let space = match target {
            Target::PostParameter => &mut state.post_parameter,
            Target::VectorParameter => &mut state.vector_parameter,
            Target::PostTable => &mut state.post_table,
            _ => &mut state.vector_table,
        };
        let length = shape.codes as usize;
        for block in 0..shape.blocks as usize {
            let source = load.external_address as usize + block * load.external_block_stride as usize;
            let at = load.line as usize * entry_bytes + block * length;
            space[at..at + length].copy_from_slice(&state.memory[source..source + length]);
        }
        Ok(None)
    }

    fn load_lines(
        &mut self,
        command: usize,
        shape: &DmaShape,
        load: &Load,
        weight: bool,
    ) -> Result<Option<Coded>, SimError> {
        let format = load.format();
        let line = self.plan.line as usize;
        let bus = self.plan.bus as usize;
        let state = &mut *self.state;
        let mut coded = (format.codec == Codec::Zvc).then(Coded::default);
        let pixel_bytes = shape.pixel_bytes as usize;
        let block_bytes = shape.pixels as usize * pixel_bytes;
        let raw = shape.raw_bytes as usize;
        let whole = format.codec != Codec::Zvc
            && (format.codec == Codec::None || format.value_bits.is_multiple_of(8));
        let container = load.operand_container();
        // Dense codes that are as wide as the containers, each pixel from a byte on, are the operand line already.
        let narrow = container != OperandContainer::Bits8;
        let dense_bits = load.channels * format.value_bits;
        let whole = whole || narrow && format.value_bits == container.bits() && dense_bits.is_multiple_of(8);
        for block in 0..shape.blocks as usize {
            let source = load.external_address as usize + block * load.external_block_stride as usize;
            let bytes = &state.memory[source..source + raw.next_multiple_of(bus)];
            let buffer = &mut state.buffers.bytes;
            let containers: &[u8] = if whole {
                &bytes[..block_bytes]
            } else if let Some(coded) = &mut coded {
                let entry = load.length_table as usize + 2 * block;
                let entry = u16::from_le_bytes([state.memory[entry], state.memory[entry + 1]]);
                let (beats, escaped) = (usize::from(entry & 0x7fff), entry >> 15 == 1);
                let taken = line_bits(format, shape, line, bytes, escaped, &mut coded.line_bits);
                if taken.div_ceil(8 * bus) != beats {
                    let reason = format!("block {block} has {taken} bits, but a length of {beats} beats");
                    return Err(SimError::Command { command, unit: Unit::Load, reason });
                }
                coded.blocks.push(CodedBlock { bytes: taken.div_ceil(8) as u32, beats: beats as u32 });
                *buffer = decode(format, &bytes[..beats * bus], shape.codes as usize, escaped);
                buffer
            } else {
                buffer.resize(shape.codes as usize, 0);
                packed::unpack(&bytes[..raw], format.value_bits, format.signed, buffer);
                if narrow {
                    let lines = &mut state.buffers.lines;
                    lines.resize(block_bytes, 0);
                    let pixels = buffer.chunks_exact((load.channels as usize).max(1));
                    for (codes, bytes) in pixels.zip(lines.chunks_exact_mut(pixel_bytes)) {
                        packed::pack(codes, container.bits(), bytes);
                    }
                    lines
                } else {
                    buffer
                }
            };
            let space = if weight { &mut state.weight } else { &mut state.activation };
            let first = load.line as usize + block * load.block_stride as usize;
            let step = load.pixel_stride as usize * line;
            let dense = step == pixel_bytes || shape.pixels == 1;
            if weight && whole && dense {
                state.weights.waiting.push(first * line, source, block_bytes, space, &state.memory);
                continue;
            }
            if weight {
                let end = first * line + (shape.pixels as usize - 1) * step + pixel_bytes;
                state.weights.waiting.settle_at(first * line, end, space, &state.memory);
            }
            if dense {
                space[first * line..][..block_bytes].copy_from_slice(containers);
            } else {
                for (pixel, codes) in containers.chunks_exact(pixel_bytes).enumerate() {
                    space[first * line + pixel * step..][..pixel_bytes].copy_from_slice(codes);
                }
            }
        }
        if weight {
            let last = u64::from(load.line)
                + (shape.blocks - 1) * u64::from(load.block_stride)
                + (shape.pixels - 1) * u64::from(load.pixel_stride)
                + shape.pixel_lines;
            state.weights_changed(
                u64::from(load.line),
                last,
                u64::from(self.plan.accelerator.weight_bank_lines()),
            );
        }
        Ok(coded)
    }
}

/// Appends the bits of the block that are taken up to the end of each line; returns the bits of the block.
fn line_bits(
    format: Format,
    shape: &DmaShape,
    line: usize,
    bytes: &[u8],
    escaped: bool,
    ends: &mut Vec<u32>,
) -> usize {
    let channels = (shape.codes / shape.pixels.max(1)) as usize;
    let width = format.value_bits as usize;
    let mut taken = 0;
    let mut marks = 0;
    for pixel in 0..shape.pixels as usize {
        for channel in 0..channels {
            if escaped {
                taken += width;
            } else {
                let place = (pixel * channels + channel) % zvc::GROUP;
                if place == 0 {
                    let at = |index: usize| u32::from(bytes.get(index).copied().unwrap_or(0));
                    marks = (at(taken / 8) | at(taken / 8 + 1) << 8) >> (taken % 8);
                    taken += 8;
                }
                taken += width * (marks >> place & 1) as usize;
            }
            if (channel + 1) % line == 0 || channel + 1 == channels {
                ends.push(taken as u32);
            }
        }
    }
    taken
}
