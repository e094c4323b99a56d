//! What the simulator needs of a program so that neither addresses nor lengths can lead it astray.
//!
//! The validator of `bitgauge_arch` says more, and says it better; these checks keep the simulator from
//! panicking on programs that never saw it. Work is bounded as well: nothing writes more than its memory
//! holds.

use bitgauge_arch::arith::layernorm::MAX_CHANNELS;
use bitgauge_arch::command::{
    Codec, Command, Compute, Load, Operation, Store, Target, Vector, VectorFunction,
};
use bitgauge_arch::footprint::{Space, format_is_valid, length_table_bytes};
use bitgauge_arch::timing::{DmaShape, LENGTH_TABLE_BYTES, load_shape, store_fifo_beats, store_shape};
use bitgauge_arch::{Accelerator, Program, command::Word};

use crate::error::SimError;

/// Greatest external memory: no description needs more, and it must fit the host.
const MEMORY_LIMIT: u64 = 1 << 32;

type Check = Result<(), String>;

fn ensure(condition: bool, reason: &str) -> Check {
    if condition { Ok(()) } else { Err(reason.to_owned()) }
}

/// The container.
pub(crate) fn program(program: &Program) -> Result<(), SimError> {
    let bad = |reason: &str| Err(SimError::Program(reason.to_owned()));
    if program.memory_bytes > MEMORY_LIMIT {
        return bad("external memory is larger than 4 GiB");
    }
    let inside =
        |address: u64, bytes: u64| address.checked_add(bytes).is_some_and(|end| end <= program.memory_bytes);
    if !inside(program.command_address, (program.words.len() * Word::BYTES) as u64) {
        return bad("the command words lie outside external memory");
    }
    if !program.command_address.is_multiple_of(u64::from(program.accelerator.bus_bytes())) {
        return bad("the command words do not start at a multiple of the bus width");
    }
    if program.words.is_empty() {
        return bad("there are no command words");
    }
    if !program.segments.iter().all(|segment| inside(segment.address, segment.bytes.len() as u64)) {
        return bad("a segment lies outside external memory");
    }
    Ok(())
}

/// One command.
pub(crate) fn command(accelerator: &Accelerator, memory_bytes: u64, command: &Command) -> Check {
    ensure(command.signal >> command.operation.unit().index() & 1 == 0, "signals itself")?;
    match &command.operation {
        Operation::Load(load) => check_load(accelerator, memory_bytes, load),
        Operation::Store(store) => check_store(accelerator, memory_bytes, store),
        Operation::Compute(compute) => check_compute(accelerator, compute),
        Operation::Vector(vector) => check_vector(accelerator, vector),
    }
}

/// The last unit of `count` runs of `length`, `stride` apart, plus one; wide enough never to overflow.
fn extent(start: u32, runs: &[(u64, u64)], length: u64) -> u128 {
    if length == 0 || runs.iter().any(|&(count, _)| count == 0) {
        return 0;
    }
    let strides =
        runs.iter().map(|&(count, stride)| u128::from(count - 1) * u128::from(stride)).sum::<u128>();
    u128::from(start) + strides + u128::from(length)
}

fn within(extent: u128, size: u64, space: Space) -> Check {
    if extent <= u128::from(size) {
        return Ok(());
    }
    Err(format!("reaches beyond the {} ({extent} of {size})", space.name()))
}

struct External {
    address: u32,
    stride: u32,
    table: u32,
    codec: u32,
}

fn check_external(
    accelerator: &Accelerator,
    memory_bytes: u64,
    shape: &DmaShape,
    external: &External,
) -> Check {
    let bus = u64::from(accelerator.bus_bytes());
    let slot = shape.raw_bytes.next_multiple_of(bus);
    let blocks = [(shape.blocks, u64::from(external.stride))];
    within(extent(external.address, &blocks, slot), memory_bytes, Space::External)?;
    let aligned = |value: u32| u64::from(value).is_multiple_of(bus);
    ensure(
        aligned(external.address) && (shape.blocks < 2 || aligned(external.stride)),
        "external addresses are not aligned to the bus",
    )?;
    let table = length_table_bytes(external.codec, shape.blocks).next_multiple_of(bus);
    if table > 0 {
        ensure(table <= LENGTH_TABLE_BYTES, "more zvc blocks than the length table's buffer holds")?;
        ensure(aligned(external.table), "the length table is not aligned to the bus")?;
        within(extent(external.table, &[], table), memory_bytes, Space::External)?;
    }
    Ok(())
}

fn check_load(accelerator: &Accelerator, memory_bytes: u64, load: &Load) -> Check {
    let target = load.target().ok_or("unknown target")?;
    let shape = load_shape(accelerator, load);
    let external = External {
        address: load.external_address,
        stride: load.external_block_stride,
        table: load.length_table,
        codec: load.codec,
    };
    let (space, unit_bytes) = match target {
        Target::Activation => (Space::Activation, 0),
        Target::Weight => (Space::Weight, 0),
        Target::PostParameter => (Space::PostParameter, 8),
        Target::VectorParameter => (Space::VectorParameter, 8),
        Target::PostTable => (Space::PostTable, 256),
        Target::VectorTable => (Space::VectorTable, 512),
    };
    let size = space.size(accelerator, memory_bytes);
    if unit_bytes > 0 {
        ensure(load.codec == Codec::None.code(), "parameters and tables are not coded")?;
        ensure(shape.codes.is_multiple_of(unit_bytes), "a block is not a whole number of entries")?;
        // No entries lie nowhere.
        within(extent(load.line, &[], shape.blocks * (shape.codes / unit_bytes)), size, space)?;
    } else {
        ensure(format_is_valid(load.format(), load.codec), "no such format")?;
        let runs =
            [(shape.blocks, u64::from(load.block_stride)), (shape.pixels, u64::from(load.pixel_stride))];
        within(extent(load.line, &runs, shape.pixel_lines), size, space)?;
        ensure(shape.lines() <= size, "more lines than the scratchpad has")?;
    }
    check_external(accelerator, memory_bytes, &shape, &external)
}

fn check_store(accelerator: &Accelerator, memory_bytes: u64, store: &Store) -> Check {
    ensure(format_is_valid(store.format(), store.codec), "no such format")?;
    let shape = store_shape(accelerator, store);
    let size = u64::from(accelerator.activation_lines());
    let runs = [(shape.blocks, u64::from(store.block_stride)), (shape.pixels, u64::from(store.pixel_stride))];
    within(extent(store.line, &runs, shape.pixel_lines), size, Space::Activation)?;
    ensure(shape.lines() <= size, "more lines than the scratchpad has")?;
    if store.codec == Codec::Zvc.code() {
        ensure(
            shape.raw_beats(accelerator) <= store_fifo_beats(accelerator),
            "a zvc block is too large to know its length",
        )?;
    }
    let external = External {
        address: store.external_address,
        stride: store.external_block_stride,
        table: store.length_table,
        codec: store.codec,
    };
    check_external(accelerator, memory_bytes, &shape, &external)
}

/// Lines of `codes` codes.
fn lines(accelerator: &Accelerator, codes: u64, wide: u32) -> u64 {
    (codes * u64::from(1 + wide)).div_ceil(u64::from(accelerator.line_bytes()))
}

/// Greatest map position that a kernel reaches, if any exists.
fn reach(outputs: u32, stride: u32, taps: u32, dilation: u32, pad: u32, size: u32) -> Option<u64> {
    let far = i64::from(outputs.checked_sub(1)?) * i64::from(stride)
        + i64::from(taps.checked_sub(1)?) * i64::from(dilation);
    let last = (far - i64::from(pad)).min(i64::from(size) - 1);
    u64::try_from(last).ok()
}

fn check_pixels(
    accelerator: &Accelerator,
    start: u32,
    pixels: u64,
    stride: u32,
    length: u64,
    written: bool,
) -> Check {
    let size = u64::from(accelerator.activation_lines());
    within(extent(start, &[(pixels, u64::from(stride))], length), size, Space::Activation)?;
    ensure(!written || pixels < 2 || u64::from(stride) >= length, "output pixels overlap")
}

fn check_compute(accelerator: &Accelerator, c: &Compute) -> Check {
    ensure(c.tag_mode == 0 && c.tag_shift == 0, "uses a reserved register")?;
    let pixels = u64::from(c.out_rows) * u64::from(c.out_cols);
    let outputs = u64::from(c.outputs);
    let array = &accelerator.array;
    let fold = pixels <= u64::from(array.rows) && c.outputs <= array.cols;
    ensure(
        c.accumulate == 0 || (fold && c.residual_enable == 0 && c.table_enable == 0),
        "keeps more sums than the array has, or post-processes them",
    )?;
    // A command without folds touches nothing.
    if pixels == 0 || outputs == 0 {
        return Ok(());
    }
    let words = lines(accelerator, u64::from(c.channels), 0);
    let positions = u64::from(c.kernel_rows) * u64::from(c.kernel_cols) * u64::from(c.segments);
    ensure(positions * words > 0, "has nothing to sum")?;
    let weights = extent(c.weight_line, &[(outputs, u64::from(c.weight_stride))], positions * words);
    within(weights, u64::from(accelerator.weight_lines()), Space::Weight)?;
    // Sums that stay in the array are written nowhere.
    if c.accumulate == 0 {
        let length = lines(accelerator, outputs, c.output_wide);
        check_pixels(accelerator, c.output_line, pixels, c.output_pixel_stride, length, true)?;
    }
    if c.residual_enable == 1 {
        let length = lines(accelerator, outputs, c.residual_wide);
        check_pixels(accelerator, c.residual_line, pixels, c.residual_pixel_stride, length, false)?;
    }
    let entries = u64::from(c.parameter_base) + if c.parameter_per_row == 1 { pixels } else { outputs };
    within(u128::from(entries), u64::from(accelerator.post.parameter_entries), Space::PostParameter)?;
    let (y, x) = (
        reach(c.out_rows, c.stride_rows, c.kernel_rows, c.dilation_rows, c.pad_top, c.in_rows),
        reach(c.out_cols, c.stride_cols, c.kernel_cols, c.dilation_cols, c.pad_left, c.in_cols),
    );
    let (Some(y), Some(x)) = (y, x) else { return Ok(()) };
    let cols = u64::from(accelerator.array.cols);
    let folds = outputs.div_ceil(cols);
    let group =
        if c.grouped == 1 { folds.saturating_sub(1) * cols / u64::from(accelerator.line_bytes()) } else { 0 };
    let runs = [
        (y + 1, u64::from(c.row_stride)),
        (x + 1, u64::from(c.pixel_stride)),
        (u64::from(c.segments), u64::from(c.segment_stride)),
    ];
    let last = extent(c.activation_line, &runs, words + group);
    within(last, u64::from(accelerator.activation_lines()), Space::Activation)
}

fn check_vector(accelerator: &Accelerator, v: &Vector) -> Check {
    use VectorFunction as F;
    let function = v.function().ok_or("unknown function")?;
    ensure(v.outlier_shift == 0, "uses a reserved register")?;
    let pixels = u64::from(v.out_rows) * u64::from(v.out_cols);
    let channels = u64::from(v.channels);
    let line = u64::from(accelerator.line_bytes());
    // A command without pixels touches nothing.
    if pixels == 0 {
        return Ok(());
    }
    let run = u64::from(v.kernel_rows) * u64::from(v.run_bytes);
    let written = match function {
        F::Patch => run.div_ceil(line),
        F::Copy => lines(accelerator, channels, v.source_wide),
        _ => lines(accelerator, channels, v.output_wide),
    };
    // Pixels without codes still take time: they count as a line.
    if function == F::Copy && v.to_weight == 1 {
        let last = extent(v.output_line, &[(pixels, u64::from(v.output_pixel_stride))], written.max(1));
        within(last, u64::from(accelerator.weight_lines()), Space::Weight)?;
        ensure(pixels < 2 || u64::from(v.output_pixel_stride) >= written.max(1), "output pixels overlap")?;
    } else {
        check_pixels(accelerator, v.output_line, pixels, v.output_pixel_stride, written.max(1), true)?;
    }
    let entries = u128::from(v.parameter_base) + u128::from(channels);
    let parameters =
        || within(entries, u64::from(accelerator.post.parameter_entries), Space::VectorParameter);
    match function {
        F::MaxPool | F::AveragePool | F::Depthwise => {
            check_map(accelerator, v, lines(accelerator, channels, 0))?
        }
        F::Patch => {
            let row = u64::from(v.row_bytes).div_ceil(line);
            if let Some(y) =
                reach(v.out_rows, v.stride_rows, v.kernel_rows, v.dilation_rows, v.pad_top, v.in_rows)
            {
                let last = extent(v.source_line, &[(y + 1, u64::from(v.row_stride))], row);
                within(last, u64::from(accelerator.activation_lines()), Space::Activation)?;
            }
        }
        _ => check_pixels(
            accelerator,
            v.source_line,
            pixels,
            v.pixel_stride,
            lines(accelerator, channels, v.source_wide),
            false,
        )?,
    }
    match function {
        F::Add if v.second_enable == 1 => check_pixels(
            accelerator,
            v.second_line,
            pixels,
            v.second_pixel_stride,
            lines(accelerator, channels, v.second_wide),
            false,
        ),
        F::Depthwise => {
            let taps = u64::from(v.kernel_rows) * u64::from(v.kernel_cols);
            let last = u128::from(v.second_line) + u128::from(taps * lines(accelerator, channels, 0));
            within(last, u64::from(accelerator.weight_lines()), Space::Weight)?;
            parameters()
        }
        F::LayerNorm => {
            ensure(channels <= MAX_CHANNELS as u64, "more channels than LayerNorm has")?;
            parameters()
        }
        F::Softmax => {
            ensure((1..=8).contains(&v.output_bits), "softmax codes have 1 to 8 bits")?;
            ensure(channels <= 32_768, "more channels than softmax has")
        }
        _ => Ok(()),
    }
}

fn check_map(accelerator: &Accelerator, v: &Vector, words: u64) -> Check {
    let (y, x) = (
        reach(v.out_rows, v.stride_rows, v.kernel_rows, v.dilation_rows, v.pad_top, v.in_rows),
        reach(v.out_cols, v.stride_cols, v.kernel_cols, v.dilation_cols, v.pad_left, v.in_cols),
    );
    let (Some(y), Some(x)) = (y, x) else { return Ok(()) };
    let runs = [(y + 1, u64::from(v.row_stride)), (x + 1, u64::from(v.pixel_stride))];
    within(extent(v.source_line, &runs, words), u64::from(accelerator.activation_lines()), Space::Activation)
}
