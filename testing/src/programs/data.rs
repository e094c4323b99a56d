//! What lies in external memory: noise, parameters that leave something to see, and coded blocks.

use bitgauge_arch::codec::{Format, encode, length_entry};
use bitgauge_arch::command::{Load, Operation, Target, VectorFunction};
use bitgauge_arch::program::Segment;

use super::{COMMANDS, Draft, MEMORY_BYTES, Random};

/// Parameters lie below; above, every second KiB is sparse.
const DENSE: u32 = 1 << 14;

/// Whether a KiB is sparse, and the code that most of it is: one of the small zero codes, so that blocks
/// stored from here are worth coding.
pub(super) fn common(address: u32) -> Option<u32> {
    let page = address / 1024;
    (u64::from(address) < COMMANDS && address >= DENSE && page % 2 == 1).then_some(page / 2 % 4)
}

/// The data area.
pub(super) fn data(random: &mut Random) -> Vec<Segment> {
    let mut bytes: Vec<u8> = (0..DENSE / 8).flat_map(|_| parameter(random)).collect();
    bytes.extend((DENSE..COMMANDS as u32).map(|address| match common(address) {
        Some(code) if random.below(256) < 220 => code as u8,
        _ => random.below(256) as u8,
    }));
    vec![Segment { address: 0, bytes: bytes.into() }]
}

/// The ends of a shift's range, and shifts beyond, which act as the ends do.
const ODD_SHIFTS: [u32; 6] = [0, 0, 1, 47, 48, 63];

/// An entry of a parameter memory. Biases have 16 bits, for greater ones would drown every sum, and shifts are
/// middling: the greatest take sums to a few bits, the least beyond 18 bits. Some entries are anything.
fn parameter(random: &mut Random) -> [u8; 8] {
    let any = random.below(1 << 31) << 33 | random.below(1 << 31) << 2 | random.below(4);
    if random.once_in(16) {
        return any.to_le_bytes();
    }
    let bias = u64::from(i32::from(random.below(1 << 16) as i16) as u32);
    let mantissa = u64::from(random.mantissa());
    let shift = u64::from(if random.once_in(12) { random.of(&ODD_SHIFTS) } else { random.within(14, 25) });
    let negate = random.below(2);
    // The bits above are nobody's.
    (bias | mantissa << 32 | shift << 48 | negate << 54 | (any >> 55) << 55).to_le_bytes()
}

/// Mostly small; half of the times with bits beyond a narrow code, which nobody may look at.
pub(super) fn zero_code(random: &mut Random, bits: u32) -> u32 {
    let low = random.within(0, 3);
    beyond(random, low, bits)
}

/// A code, half of the times with other bits beyond its width.
pub(super) fn beyond(random: &mut Random, code: u32, bits: u32) -> u32 {
    let mask = (1u32 << bits.min(8)) - 1;
    let high = if random.once_in(2) { random.within(0, 255) } else { 0 };
    code & mask | high & !mask
}

impl Draft<'_> {
    /// A load of parameters or of a table.
    pub(super) fn constants(&mut self, target: Target) -> Load {
        let random = &mut *self.random;
        let (line, pixels, channels) = match target {
            Target::PostTable => (random.within(0, 1), 1, 256),
            Target::VectorTable => (random.within(0, 1), 1, 512),
            _ => {
                let align = self.accelerator.vector_parameter_alignment();
                let entries = self.accelerator.post.parameter_entries;
                let line = random.within(0, 3) * align;
                (line, random.within(1, entries - line), 8)
            }
        };
        Load {
            external_address: 16 * random.within(0, 500),
            line,
            target: target.code(),
            blocks: 1,
            pixels,
            channels,
            pixel_stride: 1,
            value_bits: 8,
            ..Load::default()
        }
    }

    /// A load of what a command reads of tables or, now and then, parameters; none for one that keeps sums.
    pub(super) fn reload(&mut self, operation: &Operation) -> Option<Load> {
        let (target, table) = match operation {
            Operation::Compute(compute) if compute.accumulate == 1 => return None,
            Operation::Compute(compute) if compute.table_enable == 1 => {
                (Target::PostTable, Some(compute.table_select))
            }
            Operation::Compute(_) => (Target::PostParameter, None),
            Operation::Vector(vector) => match vector.function()? {
                VectorFunction::Softmax | VectorFunction::Table => {
                    (Target::VectorTable, Some(vector.table_select))
                }
                VectorFunction::LayerNorm | VectorFunction::Depthwise => (Target::VectorParameter, None),
                _ => return None,
            },
            Operation::Load(_) | Operation::Store(_) => return None,
        };
        if table.is_none() && !self.random.once_in(4) {
            return None;
        }
        let load = self.constants(target);
        Some(Load { line: table.unwrap_or(load.line), ..load })
    }

    /// Blocks that decode, and their table.
    pub(super) fn zvc_blocks(&mut self, load: &mut Load, segments: &mut Vec<Segment>) {
        let format = load.format();
        let bus = self.accelerator.bus_bytes() as usize;
        let slot = u64::from(load.pixels * load.channels).next_multiple_of(64) + 64;
        let total = slot * u64::from(load.blocks) + 256;
        if self.coded + total > MEMORY_BYTES {
            load.blocks = 0;
            return;
        }
        load.external_address = self.coded as u32;
        load.external_block_stride = slot as u32;
        load.length_table = (self.coded + slot * u64::from(load.blocks)) as u32;
        self.coded += total.next_multiple_of(64);
        let mask = (1u64 << load.value_bits) - 1;
        let mut table = Vec::new();
        for block in 0..load.blocks {
            let dense = self.random.of(&[1, 2, 5, 30]);
            let codes: Vec<u8> = (0..load.pixels * load.channels)
                .map(|_| {
                    let random = &mut *self.random;
                    let zero = u64::from(load.zero_code);
                    let code = if random.once_in(dense) { random.below(256) } else { zero };
                    (code & mask) as u8
                })
                .collect();
            let coded = encode(Format { signed: false, ..format }, &codes, bus);
            table.extend(length_entry(&coded, bus).to_le_bytes());
            let address = u64::from(load.external_address + block * load.external_block_stride);
            segments.push(Segment { address, bytes: coded.bytes.into() });
        }
        segments.push(Segment { address: u64::from(load.length_table), bytes: table.into() });
    }
}
