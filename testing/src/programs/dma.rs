//! Random loads and stores.

use bitgauge_arch::code::OperandContainer;
use bitgauge_arch::codec::Codec;
use bitgauge_arch::command::{Load, Store, Target};
use bitgauge_arch::footprint::Space;
use bitgauge_arch::program::Segment;

use super::data::{beyond, zero_code};
use super::regions::Region;
use super::{Draft, STORED, TABLES};

/// Codecs of the blocks: the plain one as often as both others.
const CODECS: [Codec; 4] = [Codec::None, Codec::None, Codec::Pack, Codec::Zvc];
/// Bits of codes in bytes.
const WIDTHS: [u32; 8] = [2, 3, 4, 5, 6, 7, 8, 8];

/// Blocks as loads and stores draw them.
struct Block {
    codec: Codec,
    value_bits: u32,
    pixels: u32,
    channels: u32,
    /// Lines of a pixel.
    lines: u32,
}

impl Draft<'_> {
    /// What an operand line of such codes may have, or bytes.
    fn container(&mut self, value_bits: u32) -> u32 {
        let fits = |one: &OperandContainer| {
            *one == OperandContainer::Bits8 || one.bits() >= value_bits && self.accelerator.array.takes(*one)
        };
        let fitting: Vec<OperandContainer> = OperandContainer::ALL.into_iter().filter(fits).collect();
        self.random.of(&fitting).code()
    }

    fn block(&mut self) -> Block {
        let line_bytes = self.accelerator.line_bytes();
        let codec = self.random.of(&CODECS);
        let wide = codec != Codec::Zvc && self.random.once_in(4);
        let value_bits = if wide { 16 } else { self.random.of(&WIDTHS) };
        let (channels, pixels) = (self.random.within(0, 4 * line_bytes), self.random.within(0, 9));
        let bytes = channels * (1 + u32::from(wide));
        let lines = bytes.div_ceil(line_bytes).max(1);
        Block { codec, value_bits, pixels, channels, lines }
    }

    pub(super) fn load(&mut self, segments: &mut Vec<Segment>) -> Load {
        if self.random.once_in(5) {
            let target = self.random.of(&[
                Target::PostParameter,
                Target::VectorParameter,
                Target::PostTable,
                Target::VectorTable,
            ]);
            return self.constants(target);
        }
        let Block { codec, value_bits, pixels, channels, lines } = self.block();
        let space = self.random.of(&[Space::Activation, Space::Weight]);
        let line = self.line(space);
        let container = if codec == Codec::Pack { self.container(value_bits) } else { 0 };
        let random = &mut *self.random;
        let mut load = Load {
            target: u32::from(space == Space::Weight),
            blocks: random.within(0, 4),
            pixels,
            channels,
            pixel_stride: lines + random.within(0, 2),
            block_stride: (lines + 2) * pixels.max(1),
            line,
            codec: codec.code(),
            value_bits,
            signed: random.within(0, 1),
            container,
            zero_code: zero_code(random, value_bits),
            external_address: 16 * random.within(0, 4000),
            external_block_stride: 16 * random.within(0, 300),
            ..Load::default()
        };
        if random.once_in(4) {
            load.external_address = STORED as u32 + load.external_address % (1 << 15);
        }
        if codec == Codec::Zvc {
            self.zvc_blocks(&mut load, segments);
        }
        load
    }

    pub(super) fn store(&mut self) -> Store {
        let mut store = match self.region(Space::Activation) {
            Some(region) => self.store_of(region),
            None => self.store_of_anything(),
        };
        let wide = u32::from(store.value_bits > 8);
        store.external_address = STORED as u32 + 16 * self.random.within(0, 2000);
        if self.random.once_in(4) {
            // Shortly before a page ends, which no burst crosses.
            store.external_address = (store.external_address | 4095) + 1 - 16 * self.random.within(1, 4);
        }
        store.external_block_stride = (store.pixels * store.channels * (1 + wide)).next_multiple_of(16) + 16;
        store.length_table = TABLES as u32 + 16 * self.random.within(0, 1000);
        store
    }

    /// Results as they lie there.
    fn store_of(&mut self, region: Region) -> Store {
        let Block { codec, value_bits, .. } = self.block();
        let wide = u32::from(value_bits > 8);
        let common = region.common.unwrap_or(0);
        Store {
            line: region.line,
            blocks: 1,
            pixels: region.pixels,
            channels: region.bytes / (1 + wide),
            pixel_stride: region.pixel_stride,
            codec: codec.code(),
            value_bits,
            zero_code: beyond(self.random, common, value_bits),
            ..Store::default()
        }
    }

    fn store_of_anything(&mut self) -> Store {
        let Block { codec, value_bits, pixels, channels, lines } = self.block();
        let line = self.line(Space::Activation);
        let random = &mut *self.random;
        Store {
            line,
            blocks: random.within(0, 4),
            pixels,
            channels,
            pixel_stride: random.within(0, lines + 2),
            block_stride: random.within(0, (lines + 2) * pixels.max(1)),
            codec: codec.code(),
            value_bits,
            zero_code: zero_code(random, value_bits),
            ..Store::default()
        }
    }
}
