//! Store: scratchpad lines into blocks of coded pixels.

use bitgauge_arch::codec::{Codec, encode, length_entry};
use bitgauge_arch::command::Store;
use bitgauge_arch::timing::DmaShape;

use super::{Coded, CodedBlock, Executor, packed};

impl Executor<'_> {
    pub(super) fn store(&mut self, shape: &DmaShape, store: &Store) -> Option<Coded> {
        if shape.lines() == 0 {
            return None;
        }
        let format = store.format();
        let (line, bus) = (self.plan.line as usize, self.plan.bus as usize);
        let state = &mut *self.state;
        let pixel_bytes = shape.pixel_bytes as usize;
        let block_bytes = shape.pixels as usize * pixel_bytes;
        let raw = shape.raw_bytes as usize;
        let step = store.pixel_stride as usize * line;
        let mut coded = (format.codec == Codec::Zvc).then(Coded::default);
        let table = store.length_table as usize;
        if coded.is_some() {
            let end = table + (2 * shape.blocks as usize).next_multiple_of(bus);
            state.weights.waiting.settle_from(table, end, &mut state.weight, &state.memory);
            state.memory[table..end].fill(0);
            state.written.note(table, end);
        }
        for block in 0..shape.blocks as usize {
            let first = (store.line as usize + block * store.block_stride as usize) * line;
            let containers: &[u8] = if step == pixel_bytes || shape.pixels == 1 {
                &state.activation[first..first + block_bytes]
            } else {
                let buffer = &mut state.buffers.bytes;
                buffer.clear();
                for pixel in 0..shape.pixels as usize {
                    buffer.extend_from_slice(&state.activation[first + pixel * step..][..pixel_bytes]);
                }
                buffer
            };
            let at = store.external_address as usize + block * store.external_block_stride as usize;
            state.written.note(at, at + raw.next_multiple_of(bus));
            let end = at + raw.next_multiple_of(bus);
            state.weights.waiting.settle_from(at, end, &mut state.weight, &state.memory);
            let slot = &mut state.memory[at..at + raw.next_multiple_of(bus)];
            if let Some(coded) = &mut coded {
                let bytes = encode(format, containers, bus);
                let length = bytes.bytes.len();
                let beats = length.div_ceil(bus);
                slot[..length].copy_from_slice(&bytes.bytes);
                slot[length..beats * bus].fill(0);
                coded.blocks.push(CodedBlock { bytes: length as u32, beats: beats as u32 });
                state.memory[table + 2 * block..][..2]
                    .copy_from_slice(&length_entry(&bytes, bus).to_le_bytes());
            } else if format.codec == Codec::None || format.value_bits.is_multiple_of(8) {
                slot[..raw].copy_from_slice(containers);
                slot[raw..].fill(0);
            } else {
                packed::pack(containers, format.value_bits, &mut slot[..raw]);
                slot[raw..].fill(0);
            }
        }
        coded
    }
}
