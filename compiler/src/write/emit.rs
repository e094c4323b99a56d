//! Where lowerings put their commands and constants.

use bitgauge_arch::Accelerator;
use bitgauge_arch::arith::ChannelParameter;
use bitgauge_arch::code::OperandContainer;
use bitgauge_arch::codec::{Codec, pack};
use bitgauge_arch::command::{Load, Operation, Store, Target};
use bitgauge_arch::program::{Bytes, CommandSymbol, Operand, Segment};

use crate::scratch::{Area, Ring};
use crate::tiling::Plans;
use crate::view::{View, reg};

/// A tile on chip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chip {
    /// First line.
    pub line: u64,
    /// Lines from a pixel to the next.
    pub pixel_stride: u64,
}

/// Commands and constants collected so far.
#[derive(Debug)]
pub(crate) struct Emitter<'a> {
    pub accelerator: &'a Accelerator,
    /// Commands that nobody took yet.
    operations: Vec<Operation>,
    pub symbols: Vec<CommandSymbol>,
    pub segments: Vec<Segment>,
    /// Where the next constant goes.
    pub end: u64,
    /// Whether codes of less than 8 bits lie dense in external memory.
    packs: bool,
    /// Where the layer may put things on chip.
    pub area: Area,
    layer: u32,
    post_parameters: Ring,
    vector_parameters: Ring,
    post_table: u32,
    vector_table: u32,
    /// Where the layer before stopped in the weight scratchpad.
    pub weight_cursor: u64,
    /// Where the layer before stopped in its activation regions.
    pub region_cursors: [u64; 4],
    /// Plans made so far.
    pub plans: Plans,
    /// Only what layers cost is asked for: commands need not come.
    pub trial: bool,
}

/// What an [`Emitter`] had at some time.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    operations: usize,
    symbols: usize,
    segments: usize,
    end: u64,
    rings: [Ring; 2],
    tables: [u32; 2],
    weight_cursor: u64,
    region_cursors: [u64; 4],
}

impl<'a> Emitter<'a> {
    pub fn new(accelerator: &'a Accelerator, end: u64, packs: bool) -> Emitter<'a> {
        Emitter {
            accelerator,
            operations: Vec::new(),
            symbols: Vec::new(),
            segments: Vec::new(),
            end,
            packs,
            area: Area::whole(accelerator),
            layer: 0,
            post_parameters: Ring::default(),
            vector_parameters: Ring::default(),
            post_table: 0,
            vector_table: 0,
            weight_cursor: 0,
            region_cursors: [0; 4],
            plans: Plans::default(),
            trial: false,
        }
    }

    /// Bytes of a line.
    pub fn line(&self) -> u64 {
        u64::from(self.accelerator.line_bytes())
    }

    /// Bytes of a beat.
    pub fn bus(&self) -> u64 {
        u64::from(self.accelerator.bus_bytes())
    }

    /// Commands from now on belong to this layer.
    pub fn begin_layer(&mut self, layer: usize, area: Area) {
        self.layer = layer as u32;
        self.area = area;
    }

    /// Where it stands, for [`Emitter::rewind`].
    pub fn mark(&self) -> Mark {
        Mark {
            operations: self.operations.len(),
            symbols: self.symbols.len(),
            segments: self.segments.len(),
            end: self.end,
            rings: [self.post_parameters.clone(), self.vector_parameters.clone()],
            tables: [self.post_table, self.vector_table],
            weight_cursor: self.weight_cursor,
            region_cursors: self.region_cursors,
        }
    }

    /// Forgets everything since the mark.
    pub fn rewind(&mut self, mark: &Mark) {
        self.operations.truncate(mark.operations);
        self.symbols.truncate(mark.symbols);
        self.segments.truncate(mark.segments);
        self.end = mark.end;
        [self.post_parameters, self.vector_parameters] = mark.rings.clone();
        [self.post_table, self.vector_table] = mark.tables;
        self.weight_cursor = mark.weight_cursor;
        self.region_cursors = mark.region_cursors;
    }

    /// The next `count` commands that nobody took yet, once there are so many. No mark reaches behind them.
    pub fn take(&mut self, count: usize) -> Option<Vec<Operation>> {
        if self.operations.len() < count {
            return None;
        }
        let left = self.operations.split_off(count);
        Some(std::mem::replace(&mut self.operations, left))
    }

    /// All that are left.
    pub fn take_rest(&mut self) -> Vec<Operation> {
        std::mem::take(&mut self.operations)
    }

    pub fn push(&mut self, operation: Operation, operand: Operand) {
        if self.trial {
            return;
        }
        self.operations.push(operation);
        self.symbols.push(CommandSymbol { layer: self.layer, operand });
    }

    /// Puts a constant behind the others, bus-aligned; returns its address.
    pub fn constant(&mut self, bytes: impl Into<Bytes>) -> u64 {
        let bytes = bytes.into();
        let address = self.end;
        self.end = (address + bytes.len() as u64).next_multiple_of(64);
        if !bytes.is_empty() {
            self.segments.push(Segment { address, bytes });
        }
        address
    }

    /// Loads part of a tensor; see [`View::moves`].
    // What is moved, and where to: two tensors' worth of coordinates.
    #[allow(clippy::too_many_arguments)]
    pub fn load(
        &mut self,
        view: &View,
        group: u64,
        rows: (u64, u64),
        channels: (u64, u64),
        target: Target,
        chip: Chip,
        operand: Operand,
    ) {
        view.each_move(group, rows, channels, |part| {
            let load = Load {
                external_address: reg(part.address),
                line: reg(chip.line + part.first_pixel * chip.pixel_stride),
                target: target.code(),
                blocks: reg(part.blocks),
                pixels: reg(part.pixels),
                channels: reg(part.channels),
                pixel_stride: reg(chip.pixel_stride),
                external_block_stride: reg(part.block_stride),
                block_stride: reg(part.pixels * chip.pixel_stride),
                codec: view.codec.code(),
                value_bits: view.value_bits,
                signed: u32::from(view.signed && view.codec != Codec::None),
                container: view.operand.code(),
                ..Load::default()
            };
            self.push(Operation::Load(load), operand);
        });
    }

    /// Stores part of a tensor; see [`View::moves`].
    pub fn store(&mut self, view: &View, group: u64, rows: (u64, u64), channels: (u64, u64), chip: Chip) {
        view.each_move(group, rows, channels, |part| {
            let store = Store {
                external_address: reg(part.address),
                line: reg(chip.line + part.first_pixel * chip.pixel_stride),
                blocks: reg(part.blocks),
                pixels: reg(part.pixels),
                channels: reg(part.channels),
                pixel_stride: reg(chip.pixel_stride),
                external_block_stride: reg(part.block_stride),
                block_stride: reg(part.pixels * chip.pixel_stride),
                codec: view.codec.code(),
                value_bits: view.value_bits,
                ..Store::default()
            };
            self.push(Operation::Store(store), Operand::Output);
        });
    }

    /// Bits that a code of `bits` bits takes in external memory.
    pub fn stored_bits(&self, bits: u8) -> u64 {
        if self.packs { u64::from(bits) } else { 8 }
    }

    /// Puts codes behind the other constants at so many bits each; returns their address.
    pub fn codes(&mut self, codes: Bytes, bits: u64) -> u64 {
        if bits == 8 || self.trial {
            self.constant(codes)
        } else {
            self.constant(pack::encode(&codes, bits as u32))
        }
    }

    /// Loads a run of signed codes of a constant, of so many bits each, as `pixels` pixels of `channels` codes in
    /// containers.
    pub fn load_codes(
        &mut self,
        address: u64,
        line: u64,
        shape: [u64; 3],
        (bits, container): (u64, OperandContainer),
        operand: Operand,
    ) {
        let dense = bits < 8;
        let codec = if dense { Codec::Pack } else { Codec::None };
        let load = Load {
            codec: codec.code(),
            value_bits: reg(bits),
            signed: u32::from(dense),
            container: container.code(),
            ..Load::default()
        };
        self.load_constant(address, Target::Weight, line, shape, operand, load);
    }

    /// Loads a run of bytes of a constant as `pixels` pixels of `channels` bytes.
    pub fn load_bytes(&mut self, address: u64, target: Target, line: u64, shape: [u64; 3], operand: Operand) {
        self.load_constant(address, target, line, shape, operand, Load { value_bits: 8, ..Load::default() });
    }

    fn load_constant(
        &mut self,
        address: u64,
        target: Target,
        line: u64,
        shape: [u64; 3],
        operand: Operand,
        format: Load,
    ) {
        let [pixels, channels, pixel_stride] = shape;
        let load = Load {
            external_address: reg(address),
            line: reg(line),
            target: target.code(),
            blocks: 1,
            pixels: reg(pixels),
            channels: reg(channels),
            pixel_stride: reg(pixel_stride),
            ..format
        };
        self.push(Operation::Load(load), operand);
    }

    /// Loads parameter entries from `address`; returns the first entry.
    pub fn load_parameters(&mut self, address: u64, count: u64, vector: bool) -> u64 {
        let entry = self.take_parameters(count, vector);
        self.fill_parameters(address, entry, count, vector);
        entry
    }

    /// Entries of a parameter memory, to be filled.
    pub fn take_parameters(&mut self, count: u64, vector: bool) -> u64 {
        let size = u64::from(self.accelerator.post.parameter_entries);
        let align = if vector {
            self.accelerator.vector_parameter_alignment()
        } else {
            self.accelerator.parameter_alignment()
        };
        let ring = if vector { &mut self.vector_parameters } else { &mut self.post_parameters };
        ring.take(count, size, u64::from(align))
    }

    /// Loads `count` parameters from `address` to `entry`.
    pub fn fill_parameters(&mut self, address: u64, entry: u64, count: u64, vector: bool) {
        let target = if vector { Target::VectorParameter } else { Target::PostParameter };
        self.load_bytes(address, target, entry, [count, 8, 0], Operand::Parameter);
    }

    /// Loads a table of the post-processor; returns which of the two it is.
    pub fn post_table(&mut self, table: &[u8; 256]) -> u32 {
        self.post_table ^= 1;
        let address = self.constant(table.to_vec());
        self.load_bytes(
            address,
            Target::PostTable,
            u64::from(self.post_table),
            [1, 256, 0],
            Operand::Parameter,
        );
        self.post_table
    }

    /// Loads a table of the vector unit; returns which of the two it is.
    pub fn vector_table(&mut self, table: impl Iterator<Item = u16>) -> u32 {
        self.vector_table ^= 1;
        let address = self.constant(table.flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
        self.load_bytes(
            address,
            Target::VectorTable,
            u64::from(self.vector_table),
            [1, 512, 0],
            Operand::Parameter,
        );
        self.vector_table
    }
}

/// Parameters as the memory holds them.
pub(crate) fn parameter_bytes(parameters: impl Iterator<Item = ChannelParameter>) -> Vec<u8> {
    parameters.flat_map(ChannelParameter::to_bytes).collect()
}
