//! What a command reads and writes: the ground of token insertion, race checks and bank-port checks.

use crate::Accelerator;
use crate::arith::post::PARAMETER_BYTES;
use crate::codec::Format;
use crate::command::{Codec, Command, Compute, Load, Operation, Store, Target, Vector, VectorFunction};
use crate::timing::{load_shape, store_shape};

/// An address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// External memory, bytes.
    External,
    /// Activation scratchpad, lines.
    Activation,
    /// Weight scratchpad, lines.
    Weight,
    /// Parameter memory of the post-processor, entries.
    PostParameter,
    /// Parameter memory of the vector unit, entries.
    VectorParameter,
    /// Tables of the post-processor, tables.
    PostTable,
    /// Tables of the vector unit, tables.
    VectorTable,
}

impl Space {
    /// All spaces.
    pub const ALL: [Space; 7] = [
        Space::External,
        Space::Activation,
        Space::Weight,
        Space::PostParameter,
        Space::VectorParameter,
        Space::PostTable,
        Space::VectorTable,
    ];

    /// Name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Space::External => "external memory",
            Space::Activation => "activation scratchpad",
            Space::Weight => "weight scratchpad",
            Space::PostParameter => "post-processor parameters",
            Space::VectorParameter => "vector parameters",
            Space::PostTable => "post-processor tables",
            Space::VectorTable => "vector tables",
        }
    }

    /// Size in the space's own unit.
    #[must_use]
    pub fn size(self, accelerator: &Accelerator, memory_bytes: u64) -> u64 {
        match self {
            Space::External => memory_bytes,
            Space::Activation => u64::from(accelerator.activation_lines()),
            Space::Weight => u64::from(accelerator.weight_lines()),
            Space::PostParameter | Space::VectorParameter => u64::from(accelerator.post.parameter_entries),
            Space::PostTable | Space::VectorTable => 2,
        }
    }
}

/// Which port of the unit an access goes through; a command may use several read ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Port {
    /// Main read.
    Read,
    /// Residual read of the compute unit.
    Residual,
    /// Write.
    Write,
}

/// A half-open range of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Where.
    pub space: Space,
    /// How.
    pub port: Port,
    /// First unit.
    pub start: u64,
    /// One past the last unit.
    pub end: u64,
}

/// Collects ranges, joining neighbours.
struct Collector {
    accesses: Vec<Access>,
}

impl Collector {
    fn push(&mut self, space: Space, port: Port, start: u64, length: u64) {
        if length == 0 {
            return;
        }
        let end = start + length;
        if let Some(last) = self.accesses.last_mut()
            && last.space == space
            && last.port == port
            && last.start <= start
            && start <= last.end
        {
            last.end = last.end.max(end);
            return;
        }
        self.accesses.push(Access { space, port, start, end });
    }

    /// `count` runs of `length`, `stride` apart.
    fn strided(&mut self, space: Space, port: Port, start: u64, count: u64, stride: u64, length: u64) {
        if count > 0 && stride <= length {
            return self.push(space, port, start, (count - 1) * stride + length);
        }
        for index in 0..count {
            self.push(space, port, start + index * stride, length);
        }
    }
}

/// Every access of a command. Addresses may lie outside their space: the validator checks.
#[must_use]
pub fn footprint(accelerator: &Accelerator, command: &Command) -> Vec<Access> {
    let mut collector = Collector { accesses: Vec::new() };
    match &command.operation {
        Operation::Load(load) => of_load(&mut collector, accelerator, load),
        Operation::Store(store) => of_store(&mut collector, accelerator, store),
        Operation::Compute(compute) => of_compute(&mut collector, accelerator, compute),
        Operation::Vector(vector) => of_vector(&mut collector, accelerator, vector),
    }
    collector.accesses
}

/// Bytes of the length table of a command's blocks; 0 for codecs without one.
#[must_use]
pub fn length_table_bytes(codec: u32, blocks: u64) -> u64 {
    if codec == Codec::Zvc.code() { 2 * blocks } else { 0 }
}

fn of_load(collector: &mut Collector, accelerator: &Accelerator, load: &Load) {
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

fn of_store(collector: &mut Collector, accelerator: &Accelerator, store: &Store) {
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

fn of_compute(collector: &mut Collector, accelerator: &Accelerator, compute: &Compute) {
    let line = u64::from(accelerator.line_bytes());
    let words = u64::from(compute.channels).div_ceil(line);
    let pixels = u64::from(compute.out_rows) * u64::from(compute.out_cols);
    let outputs = u64::from(compute.outputs);
    if pixels == 0 || outputs == 0 || words == 0 || compute.segments == 0 {
        return;
    }
    let folds = outputs.div_ceil(u64::from(accelerator.array.cols));
    let group_offset =
        if compute.grouped == 1 { (folds - 1) * u64::from(accelerator.array.cols) / line } else { 0 };
    let pixel = u64::from(compute.segments - 1) * u64::from(compute.segment_stride) + words + group_offset;
    let row = u64::from(compute.in_cols).saturating_sub(1) * u64::from(compute.pixel_stride) + pixel;
    // Rows and columns of the map that exist are all taken to be read.
    let (start, rows) = (u64::from(compute.activation_line), u64::from(compute.in_rows));
    if u64::from(compute.pixel_stride) <= pixel {
        collector.strided(Space::Activation, Port::Read, start, rows, u64::from(compute.row_stride), row);
    } else {
        for index in 0..rows {
            let at = start + index * u64::from(compute.row_stride);
            collector.strided(
                Space::Activation,
                Port::Read,
                at,
                u64::from(compute.in_cols),
                u64::from(compute.pixel_stride),
                pixel,
            );
        }
    }
    let positions =
        u64::from(compute.kernel_rows) * u64::from(compute.kernel_cols) * u64::from(compute.segments);
    collector.strided(
        Space::Weight,
        Port::Read,
        u64::from(compute.weight_line),
        outputs,
        u64::from(compute.weight_stride),
        positions * words,
    );
    let parameters = if compute.parameter_per_row == 1 { pixels } else { outputs };
    collector.push(Space::PostParameter, Port::Read, u64::from(compute.parameter_base), parameters);
    if compute.table_enable == 1 {
        collector.push(Space::PostTable, Port::Read, u64::from(compute.table_select), 1);
    }
    if compute.residual_enable == 1 {
        let lines = (outputs * u64::from(1 + compute.residual_wide)).div_ceil(line);
        let stride = u64::from(compute.residual_pixel_stride);
        collector.strided(
            Space::Activation,
            Port::Residual,
            u64::from(compute.residual_line),
            pixels,
            stride,
            lines,
        );
    }
    let lines = (outputs * u64::from(1 + compute.output_wide)).div_ceil(line);
    let stride = u64::from(compute.output_pixel_stride);
    collector.strided(Space::Activation, Port::Write, u64::from(compute.output_line), pixels, stride, lines);
}

fn of_vector(collector: &mut Collector, accelerator: &Accelerator, vector: &Vector) {
    let line = u64::from(accelerator.line_bytes());
    let channels = u64::from(vector.channels);
    let pixels = u64::from(vector.out_rows) * u64::from(vector.out_cols);
    let lines = |wide: u32| (channels * u64::from(1 + wide)).div_ceil(line);
    let Some(function) = vector.function() else { return };
    if pixels == 0 || channels == 0 {
        return;
    }
    let source = u64::from(vector.source_line);
    match function {
        VectorFunction::MaxPool | VectorFunction::AveragePool | VectorFunction::Depthwise => {
            let row = u64::from(vector.in_cols).saturating_sub(1) * u64::from(vector.pixel_stride) + lines(0);
            let rows = u64::from(vector.in_rows);
            collector.strided(Space::Activation, Port::Read, source, rows, u64::from(vector.row_stride), row);
        }
        VectorFunction::Patch => {
            let row = u64::from(vector.row_bytes).div_ceil(line);
            let rows = u64::from(vector.in_rows);
            collector.strided(Space::Activation, Port::Read, source, rows, u64::from(vector.row_stride), row);
        }
        _ => {
            let stride = u64::from(vector.pixel_stride);
            collector.strided(
                Space::Activation,
                Port::Read,
                source,
                pixels,
                stride,
                lines(vector.source_wide),
            );
        }
    }
    match function {
        VectorFunction::Add if vector.second_enable == 1 => {
            let stride = u64::from(vector.second_pixel_stride);
            let second = u64::from(vector.second_line);
            collector.strided(
                Space::Activation,
                Port::Read,
                second,
                pixels,
                stride,
                lines(vector.second_wide),
            );
        }
        VectorFunction::Depthwise => {
            let taps = u64::from(vector.kernel_rows) * u64::from(vector.kernel_cols);
            collector.push(Space::Weight, Port::Read, u64::from(vector.second_line), taps * lines(0));
            collector.push(Space::VectorParameter, Port::Read, u64::from(vector.parameter_base), channels);
        }
        VectorFunction::LayerNorm => {
            collector.push(Space::VectorParameter, Port::Read, u64::from(vector.parameter_base), channels);
        }
        VectorFunction::Softmax | VectorFunction::Table => {
            collector.push(Space::VectorTable, Port::Read, u64::from(vector.table_select), 1);
        }
        _ => {}
    }
    let written = match function {
        VectorFunction::Patch => (u64::from(vector.kernel_rows) * u64::from(vector.run_bytes)).div_ceil(line),
        VectorFunction::Copy => lines(vector.source_wide),
        _ => lines(vector.output_wide),
    };
    let space = if function == VectorFunction::Copy && vector.to_weight == 1 {
        Space::Weight
    } else {
        Space::Activation
    };
    let stride = u64::from(vector.output_pixel_stride);
    collector.strided(space, Port::Write, u64::from(vector.output_line), pixels, stride, written);
}

/// Banks of a scratchpad that the accesses touch through a port, as a mask; lines beyond the last bank are
/// left out.
#[must_use]
pub fn banks(accelerator: &Accelerator, accesses: &[Access], space: Space, port: Port) -> u32 {
    let (bank_lines, count) = match space {
        Space::Activation => (accelerator.activation_bank_lines(), accelerator.scratchpad.banks),
        Space::Weight => (accelerator.weight_bank_lines(), accelerator.scratchpad.weight_banks),
        _ => return 0,
    };
    let mut mask = 0;
    for access in accesses.iter().filter(|access| access.space == space && access.port == port) {
        let first = access.start / u64::from(bank_lines);
        let last = (access.end - 1) / u64::from(bank_lines);
        for bank in first..=last.min(u64::from(count) - 1) {
            mask |= 1 << bank;
        }
    }
    mask
}

/// Sets a command's bank masks to exactly the banks it touches.
pub fn fill_bank_masks(accelerator: &Accelerator, command: &mut Command) {
    let accesses = footprint(accelerator, command);
    let of = |space, port| banks(accelerator, &accesses, space, port);
    match &mut command.operation {
        Operation::Load(load) => {
            load.activation_write = of(Space::Activation, Port::Write);
            load.weight_write = of(Space::Weight, Port::Write);
        }
        Operation::Store(store) => store.activation_read = of(Space::Activation, Port::Read),
        Operation::Compute(compute) => {
            compute.activation_read = of(Space::Activation, Port::Read);
            compute.residual_read = of(Space::Activation, Port::Residual);
            compute.activation_write = of(Space::Activation, Port::Write);
            compute.weight_read = of(Space::Weight, Port::Read);
        }
        Operation::Vector(vector) => {
            vector.activation_read = of(Space::Activation, Port::Read);
            vector.activation_write = of(Space::Activation, Port::Write);
            vector.weight_read = of(Space::Weight, Port::Read);
            vector.weight_write = of(Space::Weight, Port::Write);
        }
    }
}

/// Whether the block format of a load or store is one the hardware has.
#[must_use]
pub fn format_is_valid(format: Format, codec: u32) -> bool {
    let known = Codec::from_code(codec).is_some();
    let width = (2..=8).contains(&format.value_bits) || format.value_bits == 16;
    known && width && !(codec == Codec::Zvc.code() && format.value_bits > 8)
}
