//! What loads and stores touch.

use super::{Collector, Port, Space};
use crate::Accelerator;
use crate::arith::post::PARAMETER_BYTES;
use crate::codec::{Codec, Format};
use crate::command::{Load, Store, Target};
use crate::timing::{load_shape, store_shape};

/// Bytes of the length table of a command's blocks; 0 for codecs without one.
#[must_use]
pub fn length_table_bytes(codec: u32, blocks: u64) -> u64 {
    if codec == Codec::Zvc.code() { 2 * blocks } else { 0 }
}

pub(super) fn of_load(collector: &mut Collector<'_>, accelerator: &Accelerator, load: &Load) {
    let shape = load_shape(accelerator, load);
    let bus = u64::from(accelerator.bus_bytes());
    let slot = shape.raw_bytes.next_multiple_of(bus);
    let table = length_table_bytes(load.codec, shape.blocks).next_multiple_of(bus);
    collector.push(Space::External, Port::Read, u64::from(load.length_table), table);
    let external = u64::from(load.external_address);
    collector.strided(
        Space::External,
        Port::Read,
        external,
        shape.blocks,
        u64::from(load.external_block_stride),
        slot,
    );
    let line = u64::from(load.line);
    let (space, per_block) = match load.target() {
        Some(Target::Activation) | None => (Space::Activation, 0),
        Some(Target::Weight) => (Space::Weight, 0),
        Some(Target::PostParameter) => (Space::PostParameter, shape.codes / PARAMETER_BYTES as u64),
        Some(Target::VectorParameter) => (Space::VectorParameter, shape.codes / PARAMETER_BYTES as u64),
        Some(Target::PostTable) => (Space::PostTable, shape.codes.div_ceil(256)),
        Some(Target::VectorTable) => (Space::VectorTable, shape.codes.div_ceil(512)),
    };
    if per_block > 0 {
        return collector.push(space, Port::Write, line, shape.blocks * per_block);
    }
    for block in 0..shape.blocks {
        let start = line + block * u64::from(load.block_stride);
        collector.strided(
            space,
            Port::Write,
            start,
            shape.pixels,
            u64::from(load.pixel_stride),
            shape.pixel_lines,
        );
    }
}

pub(super) fn of_store(collector: &mut Collector<'_>, accelerator: &Accelerator, store: &Store) {
    let shape = store_shape(accelerator, store);
    let bus = u64::from(accelerator.bus_bytes());
    for block in 0..shape.blocks {
        let start = u64::from(store.line) + block * u64::from(store.block_stride);
        collector.strided(
            Space::Activation,
            Port::Read,
            start,
            shape.pixels,
            u64::from(store.pixel_stride),
            shape.pixel_lines,
        );
    }
    let table = length_table_bytes(store.codec, shape.blocks).next_multiple_of(bus);
    collector.push(Space::External, Port::Write, u64::from(store.length_table), table);
    let slot = shape.raw_bytes.next_multiple_of(bus);
    let external = u64::from(store.external_address);
    collector.strided(
        Space::External,
        Port::Write,
        external,
        shape.blocks,
        u64::from(store.external_block_stride),
        slot,
    );
}

/// Whether the block format of a load or store is one the hardware has.
#[must_use]
pub fn format_is_valid(format: Format, codec: u32) -> bool {
    let known = Codec::from_code(codec).is_some();
    let width = (2..=8).contains(&format.value_bits) || format.value_bits == 16;
    known && width && !(codec == Codec::Zvc.code() && format.value_bits > 8)
}
