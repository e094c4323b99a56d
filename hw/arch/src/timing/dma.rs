//! Load and store: what a command moves, and how its bytes are cut into bursts.
//!
//! A load has a request side and a write side joined by a FIFO of beats. The request side cuts each block
//! into bursts ([`bursts`]) and asks for one when the FIFO has room for all of it; the write side writes one
//! line per `cycles_per_line` cycles as soon as the line's bytes have arrived. The next load command may
//! start requesting when the last burst of this one is granted. A store runs the other way: lines are read
//! at the same rate, beats collect in a FIFO, a burst is asked for when all of it is there; the command ends
//! with its last write response.

use crate::Accelerator;
use crate::code::OperandContainer;
use crate::codec::Codec;
use crate::codec::Format;
use crate::command::{Load, Store, Target};

/// Cycles from the start of a load to the cycle before its first request: the size of its blocks.
pub const LOAD_SETUP: u64 = 4;
/// Cycles from a beat's arrival to the line's write being visible.
pub const UNPACK_LATENCY: u64 = 5;
/// Cycles in which a load under `zvc` decodes (a part of) one group of codes.
pub const ZVC_LOAD_CYCLES: u64 = 4;
/// Cycles after a line's groups until the beats that the next line may need are known.
pub const ZVC_LINE_CYCLES: u64 = 3;
/// Cycles from the length table's last beat being seen to the first request for coded data.
pub const ZVC_TABLE_CYCLES: u64 = 3;
/// Cycles from a store's line read to its bytes being in the FIFO: address, line, dense codes, place.
pub const STORE_READ_LATENCY: u64 = 4;
/// Cycles a store takes to get ready after the one in which it starts: it counts lines and beats.
pub const STORE_SETUP: u64 = 2;

/// Cycles from the last counting read of a store's `zvc` block to its first coding read.
pub const STORE_ZVC_CHOICE: u64 = 8;
/// Cycles from the last coding cycle of a store's `zvc` block to all of it being in the FIFO.
pub const STORE_ZVC_LATENCY: u64 = 10;

/// Commands of one unit that may be in flight.
pub const IN_FLIGHT: usize = 8;
/// Bytes of the buffer for the length table of one `zvc` command.
pub const LENGTH_TABLE_BYTES: u64 = 256;
/// Longest burst of command fetch, bytes.
pub const FETCH_BURST_BYTES: u64 = 256;

/// Beats of the load FIFO: four bursts, and more where a line needs more than that.
#[must_use]
pub fn load_fifo_beats(accelerator: &Accelerator) -> u64 {
    let burst = u64::from(accelerator.memory.max_burst_beats);
    let line = u64::from(accelerator.line_bytes() / accelerator.bus_bytes());
    (4 * burst).max(burst + 2 * line + 2).next_power_of_two()
}

/// Bytes of the largest `zvc` block that a store takes: its length must be known before its first burst.
pub const ZVC_BLOCK_BYTES: u64 = 4096;

/// Beats of the store FIFO: two bursts, and more where a line completes more than that or the design has
/// `zvc`.
#[must_use]
pub fn store_fifo_beats(accelerator: &Accelerator) -> u64 {
    let burst = u64::from(accelerator.memory.max_burst_beats);
    let bus = u64::from(accelerator.bus_bytes());
    let line = u64::from(accelerator.line_bytes()) / bus;
    let zvc = accelerator.compression.codecs.contains(&Codec::Zvc);
    (2 * burst).max(burst + line + 2).max(if zvc { ZVC_BLOCK_BYTES / bus } else { 0 }).next_power_of_two()
}

/// What a load or store moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DmaShape {
    /// Blocks.
    pub blocks: u64,
    /// Pixels of a block.
    pub pixels: u64,
    /// Codes of a block.
    pub codes: u64,
    /// Bytes of a block before `zvc`.
    pub raw_bytes: u64,
    /// Lines of a pixel on chip.
    pub pixel_lines: u64,
    /// Container bytes of a pixel.
    pub pixel_bytes: u64,
    /// Codes of a whole line.
    pub line_codes: u64,
    /// Cycles the codec needs for each line.
    pub cycles_per_line: u64,
    /// Loads under `zvc`: bits that a line may take at most; so many are waited for.
    pub most_line_bits: u64,
}

impl DmaShape {
    fn new(accelerator: &Accelerator, format: Format, blocks: u32, pixels: u32, channels: u32) -> DmaShape {
        let line = u64::from(accelerator.line_bytes());
        let (pixels, channels) = (u64::from(pixels), u64::from(channels));
        let pixel_bytes = channels * format.container().bytes() as u64;
        let line_codes = line / format.container().bytes() as u64;
        let per_line = line_codes.min(channels);
        DmaShape {
            blocks: u64::from(blocks),
            pixels,
            codes: pixels * channels,
            raw_bytes: format.raw_bytes(pixels * channels),
            pixel_lines: pixel_bytes.div_ceil(line),
            pixel_bytes,
            line_codes,
            cycles_per_line: match format.codec {
                Codec::None | Codec::Pack => 1,
                Codec::Zvc => per_line.div_ceil(8 * u64::from(accelerator.compression.lanes)).max(1),
            },
            most_line_bits: 0,
        }
    }

    /// Beats of a block before `zvc`.
    #[must_use]
    pub fn raw_beats(&self, accelerator: &Accelerator) -> u64 {
        self.raw_bytes.div_ceil(u64::from(accelerator.bus_bytes()))
    }

    /// Lines of all blocks.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.blocks * self.pixels * self.pixel_lines
    }
}

/// Shape of a load. Codes of parameter and table targets are bytes; a block is one run of them.
#[must_use]
pub fn load_shape(accelerator: &Accelerator, load: &Load) -> DmaShape {
    let format = load.format();
    match load.target() {
        Some(Target::Activation | Target::Weight) | None => {
            let mut shape = DmaShape::new(accelerator, format, load.blocks, load.pixels, load.channels);
            let container = load.operand_container();
            if container != OperandContainer::Bits8 {
                let line = u64::from(accelerator.line_bytes());
                shape.pixel_bytes = container.bytes_of(u64::from(load.channels));
                shape.pixel_lines = shape.pixel_bytes.div_ceil(line);
                shape.line_codes = container.codes_of(line);
            }
            if format.codec == Codec::Zvc {
                let per_line = shape.pixel_bytes.min(u64::from(accelerator.line_bytes()));
                // Lines need not begin with a group: so many groups they touch at most.
                let groups = (per_line + 7).div_ceil(8);
                shape.cycles_per_line = ZVC_LOAD_CYCLES * groups + ZVC_LINE_CYCLES;
                shape.most_line_bits = per_line * u64::from(format.value_bits) + 8 * groups;
            }
            shape
        }
        Some(_) => {
            let mut shape = DmaShape::new(accelerator, Format::BYTES, load.blocks, 1, 1);
            shape.codes = u64::from(load.pixels) * u64::from(load.channels);
            shape.raw_bytes = shape.codes;
            shape.pixel_bytes = shape.codes;
            shape.pixel_lines = shape.codes.div_ceil(u64::from(accelerator.line_bytes()));
            shape
        }
    }
}

/// Shape of a store.
#[must_use]
pub fn store_shape(accelerator: &Accelerator, store: &Store) -> DmaShape {
    let shape = DmaShape::new(accelerator, store.format(), store.blocks, store.pixels, store.channels);
    match store.format().codec {
        Codec::None | Codec::Pack => shape,
        // One group of eight codes a cycle, however many lanes the codec has.
        Codec::Zvc => DmaShape {
            cycles_per_line: u64::from(accelerator.line_bytes()).min(shape.pixel_bytes).div_ceil(8).max(1),
            ..shape
        },
    }
}

/// Cuts `bytes` bytes from the bus-aligned `address` into bursts (address, beats): none crosses 4 KB, none
/// is longer than `max_burst_beats`.
pub fn bursts(
    accelerator: &Accelerator,
    address: u64,
    bytes: u64,
) -> impl Iterator<Item = (u64, u64)> + use<> {
    let bus = u64::from(accelerator.bus_bytes());
    let most = u64::from(accelerator.memory.max_burst_beats) * bus;
    let end = address + bytes.next_multiple_of(bus);
    let mut at = address;
    std::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let length = most.min(end - at).min(4096 - at % 4096);
        let burst = (at, length / bus);
        at += length;
        Some(burst)
    })
}
