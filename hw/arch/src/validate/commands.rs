//! Every command by itself: fields in their ranges, accesses inside their spaces, named bank ports.

use super::sums::Sums;
use super::{MAX_PROBLEMS, Problem, word_problem};
use crate::arith::post::PARAMETER_BYTES;
use crate::code::two_scale::LEAST_BITS;
use crate::code::{Container, OperandContainer};
use crate::codec::Codec;
use crate::command::{
    Command, Compute, Decoded, Decoder, Load, Operation, Store, Target, Vector, VectorFunction, Word,
};
use crate::footprint::{Access, Port, Run, Space, add_footprint, banks, format_is_valid};
use crate::mac::Operands;
use crate::timing::{LENGTH_TABLE_BYTES, load_shape, store_fifo_beats, store_shape};
use crate::{Accelerator, Program};

/// Limit on the runs of one footprint: keeps the cost of checking bounded by the size of the program.
const MAX_RUNS: u64 = 1 << 20;

pub(super) fn check(program: &Program, problems: &mut Vec<Problem>) {
    let mut decoder = Decoder::default();
    let mut sums = Sums::default();
    for (index, word) in program.words.iter().enumerate() {
        if problems.len() >= MAX_PROBLEMS {
            return;
        }
        let Some(decoded) = word.decode() else {
            problems.push(word_problem(program, index, "is not a command".to_owned()));
            continue;
        };
        if let Decoded::Exec { unit, wait: _, signal, .. } = decoded
            && signal >> unit.index() & 1 == 1
        {
            problems.push(word_problem(
                program,
                index,
                "signals its own unit; that bit is reserved".to_owned(),
            ));
        }
        if let Some(command) = decoder.step(&decoded)
            && let Err(message) =
                command_problem(program, &command).and_then(|()| sums.visit(&command.operation, index))
        {
            problems.push(word_problem(program, index, message));
        }
    }
    if let Some(word) = sums.left() {
        problems.push(word_problem(program, word, "keeps sums that no command takes up".to_owned()));
    }
}

pub(super) fn require(condition: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(message()) }
}

fn command_problem(program: &Program, command: &Command) -> Result<(), String> {
    let accelerator = &program.accelerator;
    match &command.operation {
        Operation::Load(load) => load_problem(accelerator, load)?,
        Operation::Store(store) => store_problem(accelerator, store)?,
        Operation::Compute(compute) => compute_problem(accelerator, compute)?,
        Operation::Vector(vector) => vector_problem(accelerator, vector)?,
    }
    let mut runs = Vec::new();
    add_footprint(accelerator, &command.operation, &mut runs);
    let accesses: Vec<Access> = runs.iter().flat_map(Run::accesses).collect();
    let words = program.words.len() as u64 * Word::BYTES as u64;
    for access in &accesses {
        let size = access.space.size(accelerator, program.memory_bytes);
        require(access.end <= size, || {
            format!("uses {} {}..{}, which has {size}", access.space.name(), access.start, access.end)
        })?;
        let over_commands = access.space == Space::External
            && access.start < program.command_address + words
            && program.command_address < access.end;
        require(!(over_commands && access.port == Port::Write), || "writes over the commands".to_owned())?;
    }
    in_place_problem(&accesses)?;
    let named = |space, port, mask: u32| {
        let used = banks(accelerator, &runs, space, port);
        require(used & !mask == 0, || {
            format!("uses banks {used:#x} of the {}, names {mask:#x}", space.name())
        })
    };
    match &command.operation {
        Operation::Load(load) => {
            named(Space::Activation, Port::Write, load.activation_write)?;
            named(Space::Weight, Port::Write, load.weight_write)
        }
        Operation::Store(store) => named(Space::Activation, Port::Read, store.activation_read),
        Operation::Compute(compute) => {
            named(Space::Activation, Port::Read, compute.activation_read)?;
            named(Space::Activation, Port::Residual, compute.residual_read)?;
            named(Space::Activation, Port::Write, compute.activation_write)?;
            named(Space::Weight, Port::Read, compute.weight_read)?;
            require(compute.activation_read & compute.residual_read == 0, || {
                "reads the residual from a bank that the feeder reads".to_owned()
            })
        }
        Operation::Vector(vector) => {
            named(Space::Activation, Port::Read, vector.activation_read)?;
            named(Space::Activation, Port::Write, vector.activation_write)?;
            named(Space::Weight, Port::Read, vector.weight_read)?;
            named(Space::Weight, Port::Write, vector.weight_write)
        }
    }
}

/// A command must not read what it writes: how far its reads are ahead of its writes is the pipeline's matter,
/// not the program's.
fn in_place_problem(accesses: &[Access]) -> Result<(), String> {
    let writes = accesses.iter().filter(|access| access.port == Port::Write);
    for write in writes {
        let mut reads = accesses.iter().filter(|access| access.port != Port::Write);
        let meets =
            |read: &&Access| read.space == write.space && read.start < write.end && write.start < read.end;
        if let Some(read) = reads.find(meets) {
            return Err(format!(
                "reads {} {}..{} and writes {}..{} there",
                read.space.name(),
                read.start,
                read.end,
                write.start,
                write.end
            ));
        }
    }
    Ok(())
}

fn codec_problem(
    accelerator: &Accelerator,
    format: crate::codec::Format,
    codec: u32,
    block_bytes: u64,
) -> Result<(), String> {
    require(format_is_valid(format, codec), || {
        format!("codec {codec} with codes of {} bits does not exist", format.value_bits)
    })?;
    let codec = Codec::from_code(codec).unwrap_or_default();
    require(codec == Codec::None || accelerator.compression.codecs.contains(&codec), || {
        format!("codec {codec:?} is not among the accelerator's codecs {:?}", accelerator.compression.codecs)
    })?;
    let beats = block_bytes.div_ceil(u64::from(accelerator.bus_bytes()));
    require(codec != Codec::Zvc || beats < 1 << 15, || {
        format!("a block of {beats} beats has no 15-bit length")
    })
}

fn dma_problem(
    accelerator: &Accelerator,
    address: u32,
    stride: u32,
    table: u32,
    runs: u64,
) -> Result<(), String> {
    let bus = accelerator.bus_bytes();
    require([address, stride, table].iter().all(|value| value.is_multiple_of(bus)), || {
        format!("external addresses and strides must be multiples of {bus}")
    })?;
    require(runs <= MAX_RUNS, || format!("{runs} runs on chip; at most {MAX_RUNS} in one command"))
}

/// The buffer of the length table and, for a store, the FIFO that holds a block until its length is known.
fn zvc_problem(accelerator: &Accelerator, codec: u32, blocks: u32, stored_beats: u64) -> Result<(), String> {
    if codec != Codec::Zvc.code() {
        return Ok(());
    }
    let most = LENGTH_TABLE_BYTES / 2;
    require(u64::from(blocks) <= most, || format!("{blocks} zvc blocks; at most {most} in one command"))?;
    let room = store_fifo_beats(accelerator);
    require(stored_beats <= room, || format!("a zvc block of {stored_beats} beats; the FIFO holds {room}"))
}

/// Pixels that a command writes must not lie over one another.
fn overlap_problem(pixels: u64, stride: u32, lines: u64) -> Result<(), String> {
    require(pixels < 2 || u64::from(stride) >= lines, || {
        format!("output pixels of {lines} lines lie {stride} lines apart")
    })
}

/// Lines may lie over one another, with a stride of zero for one; a command still takes no more of them than
/// the scratchpad has, so that none lasts longer than its memory explains.
fn lines_problem(lines: u64, size: u32) -> Result<(), String> {
    require(lines <= u64::from(size), || format!("{lines} lines in one command; the scratchpad has {size}"))
}

fn load_problem(accelerator: &Accelerator, load: &Load) -> Result<(), String> {
    let shape = load_shape(accelerator, load);
    let runs = u64::from(load.blocks) * u64::from(load.pixels);
    dma_problem(accelerator, load.external_address, load.external_block_stride, load.length_table, runs)?;
    require(load.group_width == 0, || "group widths are reserved".to_owned())?;
    codec_problem(accelerator, load.format(), load.codec, shape.raw_bytes)?;
    zvc_problem(accelerator, load.codec, load.blocks, 0)?;
    container_problem(accelerator, load)?;
    let whole = match load.target() {
        None => return Err(format!("target {} does not exist", load.target)),
        Some(Target::Activation) => return lines_problem(shape.lines(), accelerator.activation_lines()),
        Some(Target::Weight) => return lines_problem(shape.lines(), accelerator.weight_lines()),
        Some(Target::PostParameter | Target::VectorParameter) => PARAMETER_BYTES as u64,
        Some(Target::PostTable) => 256,
        Some(Target::VectorTable) => 512,
    };
    let plain = load.codec == Codec::None.code() && load.value_bits == 8;
    require(plain && shape.codes.is_multiple_of(whole) && load.blocks <= 1, || {
        format!("parameters and tables are one block of whole entries of {whole} bytes, without codec")
    })?;
    let align = accelerator.parameter_alignment();
    require(whole != PARAMETER_BYTES as u64 || load.line.is_multiple_of(align), || {
        format!("parameters are loaded to entry {}, which is no multiple of {align}", load.line)
    })
}

/// Operand lines of narrow containers are made of dense codes.
fn container_problem(accelerator: &Accelerator, load: &Load) -> Result<(), String> {
    let container = operand_container(load.container)?;
    let bytes = container == OperandContainer::Bits8;
    require(bytes || accelerator.array.takes(container), || not_read(container))?;
    let lines = matches!(load.target(), Some(Target::Activation | Target::Weight));
    let dense = lines && load.codec == Codec::Pack.code() && load.value_bits <= container.bits();
    require(bytes || dense, || {
        format!(
            "operand lines of {}-bit containers are made of packed codes that fit, for a scratchpad",
            container.bits()
        )
    })
}

fn not_read(container: OperandContainer) -> String {
    format!("the array's elements do not read operands in containers of {} bits", container.bits())
}

fn operand_container(code: u32) -> Result<OperandContainer, String> {
    OperandContainer::from_code(code).ok_or_else(|| format!("operand container {code} does not exist"))
}

fn store_problem(accelerator: &Accelerator, store: &Store) -> Result<(), String> {
    let shape = store_shape(accelerator, store);
    let runs = u64::from(store.blocks) * u64::from(store.pixels);
    dma_problem(accelerator, store.external_address, store.external_block_stride, store.length_table, runs)?;
    require(store.group_width == 0, || "group widths are reserved".to_owned())?;
    codec_problem(accelerator, store.format(), store.codec, shape.raw_bytes)?;
    zvc_problem(accelerator, store.codec, store.blocks, shape.raw_beats(accelerator))?;
    lines_problem(shape.lines(), accelerator.activation_lines())
}

fn requant_problem(name: &str, mantissa: u32, shift: u32) -> Result<(), String> {
    require(mantissa >= 1 << 15 && (1..=47).contains(&shift), || {
        format!("{name} scale {mantissa} / 2^{shift} is out of range: mantissa 32768 to 65535, shift 1 to 47")
    })
}

fn tag_problem(accelerator: &Accelerator, what: &str, shift: u32, bits: u32) -> Result<(), String> {
    let most = accelerator.array.tag_shift;
    require(shift <= most, || {
        format!("{what} of two scales, shifted by {shift}; the array shifts by up to {most}")
    })?;
    require(shift == 0 || bits >= LEAST_BITS, || {
        format!("{what} of two scales and {bits} bits; they have {LEAST_BITS} and more")
    })
}

fn compute_problem(accelerator: &Accelerator, compute: &Compute) -> Result<(), String> {
    for bits in [compute.activation_bits, compute.weight_bits] {
        require(bits == 0 || (2..=8).contains(&bits), || {
            format!("operands of {bits} bits; the array multiplies codes of 2 to 8")
        })?;
    }
    let container = operand_container(compute.container)?;
    let Operands { activation_bits, weight_bits, .. } = compute.operands();
    require(accelerator.array.takes(container), || not_read(container))?;
    let widest = activation_bits.max(weight_bits);
    require(widest <= container.bits(), || {
        format!("operands of {activation_bits} and {weight_bits} bits in containers of {}", container.bits())
    })?;
    let most = accelerator.array.widest();
    require(widest <= most, || {
        format!(
            "operands of {activation_bits} and {weight_bits} bits; the array multiplies codes of up to {most}"
        )
    })?;
    tag_problem(accelerator, "activations", compute.tag_shift, activation_bits)?;
    let pixels = u64::from(compute.out_rows) * u64::from(compute.out_cols);
    if compute.accumulate == 1 {
        let array = &accelerator.array;
        let fold =
            (1..=u64::from(array.rows)).contains(&pixels) && (1..=array.cols).contains(&compute.outputs);
        require(fold && compute.residual_enable | compute.table_enable == 0, || {
            "sums are kept of one fold, without residual and table".to_owned()
        })?;
    }
    require(
        pixels <= MAX_RUNS && u64::from(compute.in_rows) * u64::from(compute.in_cols) <= MAX_RUNS,
        || format!("a tile has at most {MAX_RUNS} pixels"),
    )?;
    let counts = [
        compute.kernel_rows,
        compute.kernel_cols,
        compute.stride_rows,
        compute.stride_cols,
        compute.channels,
        compute.segments,
    ];
    require(!counts.contains(&0), || "kernel, stride, channels and segments must not be zero".to_owned())?;
    let depth = u64::from(compute.kernel_rows)
        * u64::from(compute.kernel_cols)
        * u64::from(compute.segments)
        * u64::from(compute.channels);
    require(depth <= MAX_RUNS, || format!("sums of {depth} products; at most {MAX_RUNS}"))?;
    require(
        compute.grouped == 0 || u64::from(accelerator.line_bytes()) >= u64::from(accelerator.array.cols),
        || "grouped folds need a line of at least one fold".to_owned(),
    )?;
    let line = u64::from(accelerator.line_bytes());
    let lines = compute.output().lines(u64::from(compute.outputs), line);
    overlap_problem(pixels, compute.output_pixel_stride, lines)?;
    if compute.residual_enable == 1 {
        requant_problem("residual", compute.residual_mantissa, compute.residual_shift)?;
    }
    require(compute.table_enable == 0 || compute.output() == Container::Byte, || {
        "tables emit bytes".to_owned()
    })
}

fn vector_problem(accelerator: &Accelerator, vector: &Vector) -> Result<(), String> {
    let Some(function) = vector.function() else {
        return Err(format!("function {} does not exist", vector.function));
    };
    require(vector.tag_shift == 0 || function == VectorFunction::Softmax, || {
        "softmax alone emits codes of two scales".to_owned()
    })?;
    let pixels = u64::from(vector.out_rows) * u64::from(vector.out_cols);
    require(pixels <= MAX_RUNS, || format!("a tile has at most {MAX_RUNS} pixels"))?;
    require(vector.channels > 0 || function == VectorFunction::Patch, || {
        "channels must not be zero".to_owned()
    })?;
    let windowed = matches!(
        function,
        VectorFunction::MaxPool
            | VectorFunction::AveragePool
            | VectorFunction::Depthwise
            | VectorFunction::Patch
    );
    if windowed {
        let counts = [vector.kernel_rows, vector.stride_rows];
        require(!counts.contains(&0), || "kernel and stride must not be zero".to_owned())?;
    }
    if matches!(function, VectorFunction::Depthwise | VectorFunction::LayerNorm) {
        let (base, lanes) = (vector.parameter_base, accelerator.vector.lanes);
        require(base.is_multiple_of(lanes), || {
            format!("parameters from entry {base} on, which is no multiple of the {lanes} lanes")
        })?;
    }
    match function {
        VectorFunction::MaxPool | VectorFunction::AveragePool | VectorFunction::Depthwise => {
            require(vector.kernel_cols > 0 && vector.stride_cols > 0, || {
                "kernel and stride must not be zero".to_owned()
            })?;
            require(vector.source() == Container::Byte, || "windows run over bytes".to_owned())?;
            if function == VectorFunction::AveragePool {
                requant_problem("source", vector.source_mantissa, vector.source_shift)?;
            }
        }
        VectorFunction::Patch => {
            require(vector.run_bytes > 0 && vector.row_bytes > 0, || {
                "runs and rows must not be empty".to_owned()
            })?;
            let bytes = u64::from(vector.kernel_rows) * u64::from(vector.run_bytes);
            require(bytes <= 65_535, || format!("a patch of {bytes} bytes; at most 65535"))?;
            require(u64::from(vector.channels) == bytes, || {
                "channels must be kernel rows times run bytes".to_owned()
            })?;
        }
        VectorFunction::Add => {
            requant_problem("source", vector.source_mantissa, vector.source_shift)?;
            if vector.second_enable == 1 {
                requant_problem("second", vector.second_mantissa, vector.second_shift)?;
            }
        }
        VectorFunction::Softmax => {
            require((2..=8).contains(&vector.output_bits), || "softmax emits 2 to 8 bits".to_owned())?;
            tag_problem(accelerator, "softmax codes", vector.tag_shift, vector.output_bits)?;
            require([vector.source(), vector.output()] == [Container::Byte; 2], || {
                "softmax runs over bytes".to_owned()
            })?;
            require(vector.channels <= 32_768, || "a softmax row has at most 32768 codes".to_owned())?;
        }
        VectorFunction::LayerNorm => {
            let most = crate::arith::layernorm::MAX_CHANNELS;
            require(vector.channels as usize <= most, || format!("LayerNorm takes at most {most} channels"))?;
        }
        VectorFunction::Table => {
            require([vector.source(), vector.output()] == [Container::Byte; 2], || {
                "tables run over bytes".to_owned()
            })?;
        }
        VectorFunction::Copy => {}
    }
    let written = if function == VectorFunction::Copy { vector.source() } else { vector.output() };
    let lines = written.lines(u64::from(vector.channels), u64::from(accelerator.line_bytes()));
    overlap_problem(pixels, vector.output_pixel_stride, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_nothing_that_it_writes() {
        let access = |space, port, start, end| Access { space, port, start, end };
        let output = access(Space::Activation, Port::Write, 10, 20);
        for (port, start, end, sound) in [
            (Port::Read, 0, 10, true),
            (Port::Read, 20, 30, true),
            (Port::Read, 19, 21, false),
            (Port::Residual, 5, 11, false),
        ] {
            let accesses = [access(Space::Activation, port, start, end), output];
            assert_eq!(in_place_problem(&accesses).is_ok(), sound, "{port:?} {start}..{end}");
        }
        assert!(in_place_problem(&[access(Space::Weight, Port::Read, 10, 20), output]).is_ok());
    }
}
