//! Random accelerators and random valid programs: what no compiler would write, and any unit must survive.
//!
//! Every program passes the validator: races and deadlocks are left out by construction, with a token or a
//! barrier wherever two commands meet in a memory.

use bitgauge_arch::codec::{Format, encode, length_entry};
use bitgauge_arch::command::{
    Codec, Command, Compute, Encoder, Load, Operation, Store, Target, Unit, Vector, VectorFunction,
};
use bitgauge_arch::footprint::{Access, Port, fill_bank_masks, footprint};
use bitgauge_arch::program::{CommandSymbol, LayerSymbol, Operand, Segment};
use bitgauge_arch::validate::validate;
use bitgauge_arch::{Accelerator, Program};

/// A small generator; the same numbers on every host.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }

    /// One of the choices.
    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// From `low` to `high`, both included.
    pub fn within(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(u64::from(high - low) + 1) as u32
    }
}

/// Bytes of external memory of a random program.
const MEMORY_BYTES: u64 = 1 << 20;
/// Where the commands lie; below are data, above is what stores write, then all activations, then blocks of
/// `zvc`.
const COMMANDS: u64 = 1 << 18;
const STORED: u64 = 1 << 19;
const DUMPED: u64 = STORED + (1 << 16);
const CODED: u64 = 3 << 18;

/// A random description with at most `most` rows and columns.
pub fn accelerator(random: &mut Random, most: u32) -> Accelerator {
    const BASE: &str = include_str!("../designs/reference-8x8.toml");
    loop {
        let Ok(mut a) = Accelerator::from_toml(BASE) else { continue };
        a.array.rows = random.within(2, most);
        a.array.cols = random.within(2, most);
        if random.below(2) == 0 {
            a.array.rows = 1 << random.within(1, most.ilog2());
            a.array.cols = 1 << random.within(1, most.ilog2());
        }
        a.post.lanes = 1 << random.within(0, a.array.cols.trailing_zeros());
        a.post.parameter_entries = random.of(&[64, 256, 1024]);
        a.memory.bus_bits = random.of(&[32, 64, 128]);
        a.vector.lanes = 1 << random.within(0, a.line_bytes().ilog2().min(4));
        a.compression.lanes = random.of(&[1, 2, 4]);
        if random.below(3) == 0 {
            a.compression.codecs.truncate(random.below(2) as usize);
        }
        a.memory.latency_cycles = random.of(&[1, 2, 3, 7, 40]);
        a.memory.max_burst_beats = random.of(&[1, 2, 4, 16, 64]);
        a.controller.queue_words = random.of(&[4, 8, 64]);
        a.controller.prefetch_words = random.of(&[4, 16, 64, 128]);
        a.scratchpad.banks = random.of(&[4, 8]);
        a.scratchpad.weight_banks = random.of(&[2, 4, 8]);
        a.scratchpad.activation_kib = random.of(&[16, 32, 64]);
        a.scratchpad.weight_kib = random.of(&[8, 16, 32]);
        a.name = format!("random-{}x{}", a.array.rows, a.array.cols);
        if a.check().is_ok() {
            return a;
        }
    }
}

/// A random program of `length` commands.
pub fn program(random: &mut Random, accelerator: &Accelerator, length: usize) -> Program {
    let mut segments = data(random);
    let mut builder = Builder::new(accelerator);
    // Parameters first, so that what is computed is not all zero.
    for target in [Target::PostParameter, Target::VectorParameter, Target::PostTable, Target::VectorTable] {
        let load = constants(accelerator, target, random);
        builder.push(random, Operation::Load(load), &[]);
    }
    let mut coded = CODED;
    while builder.commands.len() < length {
        let unit = random.of(&Unit::ALL);
        let mut blocks = Vec::new();
        let operation = match unit {
            Unit::Load => Operation::Load(load(random, accelerator, &mut coded, &mut blocks)),
            Unit::Compute => Operation::Compute(compute(random, accelerator)),
            Unit::Vector => Operation::Vector(vector(random, accelerator)),
            Unit::Store => Operation::Store(store(random, accelerator)),
        };
        if builder.push(random, operation, &blocks) {
            segments.extend(blocks);
        }
    }
    // What the activations hold in the end, so that no result stays unseen.
    let all = Store {
        blocks: 1,
        pixels: accelerator.activation_lines(),
        channels: accelerator.line_bytes(),
        pixel_stride: 1,
        value_bits: 8,
        external_address: DUMPED as u32,
        ..Store::default()
    };
    builder.push(random, Operation::Store(all), &[]);
    segments.sort_by_key(|segment| segment.address);
    assemble(accelerator, &builder.commands, segments)
}

/// Parameters lie below; above, every second KiB is sparse.
const DENSE: usize = 1 << 14;

/// Noise in the data area, with entries of parameters that leave something to see: biases of 16 bits, for
/// greater ones would drown every sum, mantissas in range and middling shifts.
fn data(random: &mut Random) -> Vec<Segment> {
    let mut sign = 0;
    let bytes = (0..COMMANDS as usize)
        .map(|index| {
            let byte = random.below(256) as u8;
            let page = index / 1024;
            if index >= DENSE {
                // One of the small zero codes, so that blocks stored from here are worth coding.
                return if page % 2 == 1 && byte < 220 { (page / 2 % 4) as u8 } else { byte };
            }
            match index % 8 {
                1 => {
                    sign = if byte < 128 { 0 } else { 0xff };
                    byte
                }
                2 | 3 => sign,
                5 => byte | 0x80,
                6 => 14 + byte % 12,
                7 => 0,
                _ => byte,
            }
        })
        .collect();
    vec![Segment { address: 0, bytes }]
}

/// Mostly small; sometimes with bits beyond a narrow code, which nobody may look at.
fn zero_code(random: &mut Random) -> u32 {
    if random.below(4) == 0 { random.within(0, 255) } else { random.within(0, 3) }
}

fn assemble(accelerator: &Accelerator, commands: &[Command], segments: Vec<Segment>) -> Program {
    let mut encoder = Encoder::default();
    for command in commands {
        // Every field was drawn inside its range.
        let _ = encoder.push(command);
    }
    let layer = LayerSymbol {
        name: "random".to_owned(),
        operator: "test".to_owned(),
        macs: 0,
        product: None,
        mapping: String::new(),
        bound_cycles: 0,
    };
    Program {
        accelerator: accelerator.clone(),
        words: encoder.finish(),
        command_address: COMMANDS,
        memory_bytes: MEMORY_BYTES,
        segments,
        tensors: Vec::new(),
        layers: vec![layer],
        commands: commands.iter().map(|_| CommandSymbol { layer: 0, operand: Operand::Input }).collect(),
    }
}

/// The program without some of its commands, if it still passes the validator: for shrinking.
pub fn without(program: &Program, drop: std::ops::Range<usize>) -> Option<Program> {
    let commands: Vec<Command> = program.resolved().map(|(_, command)| command).collect();
    let kept: Vec<Command> = commands
        .into_iter()
        .enumerate()
        .filter(|(index, _)| !drop.contains(index))
        .map(|(_, command)| command)
        .collect();
    let shorter = assemble(&program.accelerator, &kept, program.segments.clone());
    validate(&shorter).is_ok().then_some(shorter)
}

/// Commands so far, and who waits for whom.
struct Builder<'a> {
    accelerator: &'a Accelerator,
    commands: Vec<Command>,
    accesses: Vec<Vec<Access>>,
    /// Last command of each giver that each taker has waited for, and last command of each unit: one more
    /// than the index, zero for none.
    waited: [[usize; 4]; 4],
    last: [usize; 4],
}

fn unit_of(command: &Command) -> usize {
    command.operation.unit().index()
}

impl<'a> Builder<'a> {
    fn new(accelerator: &'a Accelerator) -> Builder<'a> {
        Builder { accelerator, commands: Vec::new(), accesses: Vec::new(), waited: [[0; 4]; 4], last: [0; 4] }
    }

    /// Appends a command that is valid by itself, ordered behind all that it meets. `blocks` is what it
    /// needs in external memory beside the noise.
    fn push(&mut self, random: &mut Random, operation: Operation, blocks: &[Segment]) -> bool {
        let mut command = Command { wait: 0, signal: 0, operation };
        fill_bank_masks(self.accelerator, &mut command);
        if validate(&assemble(self.accelerator, std::slice::from_ref(&command), blocks.to_vec())).is_err() {
            return false;
        }
        let accesses = footprint(self.accelerator, &command);
        // What a command reads of its own results is nowhere said.
        let (writes, reads): (Vec<Access>, Vec<Access>) =
            accesses.iter().partition(|access| access.port == Port::Write);
        if meet(&writes, &reads) {
            return false;
        }
        let me = unit_of(&command);
        // More tokens than needed, now and then.
        let mut needs = [false; 4];
        for (other, need) in needs.iter_mut().enumerate() {
            *need = other != me && random.below(6) == 0;
        }
        for (index, earlier) in self.commands.iter().enumerate() {
            if meet(&self.accesses[index], &accesses) {
                let other = unit_of(earlier);
                if other != me {
                    needs[other] |= self.waited[other][me] <= index;
                } else if me == Unit::Compute.index() {
                    command.wait |= 1 << me;
                }
            }
        }
        for other in (0..4).filter(|&other| other != me && needs[other]) {
            // The last command so far, if nobody of this unit has waited for it.
            if self.last[other] > self.waited[other][me] {
                self.commands[self.last[other] - 1].signal |= 1 << me;
                command.wait |= 1 << other;
                self.waited[other][me] = self.last[other];
            }
        }
        command.wait |= u8::from(random.below(8) == 0) << me;
        self.commands.push(command);
        self.accesses.push(accesses);
        self.last[me] = self.commands.len();
        true
    }
}

/// Whether two commands use a place that one of them writes.
fn meet(earlier: &[Access], later: &[Access]) -> bool {
    let writes = |access: &Access| access.port == Port::Write;
    earlier.iter().any(|a| {
        later
            .iter()
            .any(|b| a.space == b.space && a.start < b.end && b.start < a.end && (writes(a) || writes(b)))
    })
}

/// A line up to `most` of a memory of `lines`: often at one of a few places, where commands meet each other's
/// data.
fn place(random: &mut Random, lines: u32, most: u32) -> u32 {
    if random.below(2) == 0 {
        return random.within(0, most);
    }
    let step = lines / 16;
    step * random.within(0, (most / step).max(1) - 1) + random.within(0, 3)
}

fn constants(accelerator: &Accelerator, target: Target, random: &mut Random) -> Load {
    let (line, pixels, channels) = match target {
        Target::PostTable => (random.within(0, 1), 1, 256),
        Target::VectorTable => (random.within(0, 1), 1, 512),
        _ => {
            let align = accelerator.vector_parameter_alignment();
            let entries = accelerator.post.parameter_entries;
            let line = random.within(0, 3) * align;
            (line, random.within(1, entries - line), 8)
        }
    };
    Load {
        external_address: 16 * random.within(0, 500) / 8 * 8,
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

fn load(random: &mut Random, accelerator: &Accelerator, coded: &mut u64, blocks: &mut Vec<Segment>) -> Load {
    if random.below(5) == 0 {
        let targets =
            [Target::PostParameter, Target::VectorParameter, Target::PostTable, Target::VectorTable];
        return constants(accelerator, random.of(&targets), random);
    }
    let codec = random.of(&[Codec::None, Codec::None, Codec::Pack, Codec::Zvc]);
    let weights = random.below(2) == 0;
    let lines = if weights { accelerator.weight_lines() } else { accelerator.activation_lines() };
    let line_bytes = accelerator.line_bytes();
    let wide = codec != Codec::Zvc && random.below(4) == 0;
    let channels = random.within(0, 4 * line_bytes);
    let pixel_lines = (channels * (1 + u32::from(wide))).div_ceil(line_bytes).max(1);
    let pixels = random.within(0, 9);
    let mut load = Load {
        target: u32::from(weights),
        blocks: random.within(0, 4),
        pixels,
        channels,
        pixel_stride: pixel_lines + random.within(0, 2),
        block_stride: (pixel_lines + 2) * pixels.max(1),
        line: place(random, lines, lines / 2),
        codec: codec.code(),
        value_bits: if wide { 16 } else { random.of(&[2, 3, 4, 5, 6, 7, 8, 8]) },
        signed: random.within(0, 1),
        zero_code: zero_code(random),
        external_address: 16 * random.within(0, 2000),
        external_block_stride: 16 * random.within(0, 300),
        ..Load::default()
    };
    if random.below(4) == 0 {
        load.external_address += STORED as u32;
    }
    if codec == Codec::Zvc {
        zvc_blocks(random, accelerator, &mut load, coded, blocks);
    }
    load
}

/// Blocks that decode, and their table.
fn zvc_blocks(
    random: &mut Random,
    accelerator: &Accelerator,
    load: &mut Load,
    coded: &mut u64,
    segments: &mut Vec<Segment>,
) {
    let format = load.format();
    let bus = accelerator.bus_bytes() as usize;
    let slot = u64::from(load.pixels * load.channels).next_multiple_of(64) + 64;
    let total = slot * u64::from(load.blocks) + 256;
    if *coded + total > MEMORY_BYTES {
        load.blocks = 0;
        return;
    }
    load.external_address = *coded as u32;
    load.external_block_stride = slot as u32;
    load.length_table = (*coded + slot * u64::from(load.blocks)) as u32;
    *coded += total.next_multiple_of(64);
    let mask = (1u64 << load.value_bits) - 1;
    let mut table = Vec::new();
    for block in 0..load.blocks {
        let dense = random.of(&[1, 2, 5, 30]);
        let codes: Vec<u8> = (0..load.pixels * load.channels)
            .map(|_| {
                let code =
                    if random.below(dense) == 0 { random.below(256) } else { u64::from(load.zero_code) };
                (code & mask) as u8
            })
            .collect();
        let coded = encode(Format { signed: false, ..format }, &codes, bus);
        table.extend(length_entry(&coded, bus).to_le_bytes());
        let address = u64::from(load.external_address + block * load.external_block_stride);
        segments.push(Segment { address, bytes: coded.bytes });
    }
    segments.push(Segment { address: u64::from(load.length_table), bytes: table });
}

fn store(random: &mut Random, accelerator: &Accelerator) -> Store {
    let codec = random.of(&[Codec::None, Codec::None, Codec::Pack, Codec::Zvc]);
    let line_bytes = accelerator.line_bytes();
    let wide = codec != Codec::Zvc && random.below(4) == 0;
    let channels = random.within(0, 4 * line_bytes);
    let pixel_lines = (channels * (1 + u32::from(wide))).div_ceil(line_bytes).max(1);
    let pixels = random.within(0, 9);
    Store {
        line: place(random, accelerator.activation_lines(), accelerator.activation_lines() / 2),
        blocks: random.within(0, 4),
        pixels,
        channels,
        pixel_stride: random.within(0, pixel_lines + 2),
        block_stride: random.within(0, (pixel_lines + 2) * pixels.max(1)),
        codec: codec.code(),
        value_bits: if wide { 16 } else { random.of(&[2, 3, 4, 5, 6, 7, 8, 8]) },
        zero_code: zero_code(random),
        external_address: STORED as u32 + 16 * random.within(0, 2000),
        external_block_stride: (pixels * channels * (1 + u32::from(wide))).next_multiple_of(16) + 16,
        length_table: STORED as u32 + 200_000 + 16 * random.within(0, 1000),
        ..Store::default()
    }
}

fn compute(random: &mut Random, accelerator: &Accelerator) -> Compute {
    let line_bytes = accelerator.line_bytes();
    let lines = accelerator.activation_lines();
    let channels = random.within(1, 3 * line_bytes);
    let words = channels.div_ceil(line_bytes);
    let outputs = random.within(0, 3 * accelerator.array.cols);
    let (in_rows, in_cols) = (random.within(1, 6), random.within(1, 7));
    let segments = if random.below(4) == 0 { 2 } else { 1 };
    let kernel = random.of(&[(1, 1), (1, 1), (3, 3), (2, 1), (1, 4)]);
    let wide = random.within(0, 1);
    let output_lines = (outputs * (1 + wide)).div_ceil(line_bytes).max(1);
    let residual_wide = random.within(0, 1);
    Compute {
        activation_line: place(random, lines, lines / 4),
        weight_line: place(random, accelerator.weight_lines(), accelerator.weight_lines() / 4),
        output_line: place(random, lines, lines / 2),
        out_rows: random.within(0, 4),
        out_cols: random.within(1, 7),
        in_rows,
        in_cols,
        kernel_rows: kernel.0,
        kernel_cols: kernel.1,
        stride_rows: random.within(1, 2),
        stride_cols: random.within(1, 3),
        pad_top: random.within(0, 2),
        pad_left: random.within(0, 2),
        dilation_rows: random.within(1, 2),
        dilation_cols: random.within(1, 2),
        channels,
        segments,
        segment_stride: random.within(0, words + 1),
        pad_code: random.within(0, 255),
        row_stride: in_cols * words * segments + random.within(0, 2),
        pixel_stride: words * segments,
        activation_signed: random.within(0, 1),
        grouped: u32::from(random.below(5) == 0),
        parameter_per_row: random.within(0, 1),
        outputs,
        weight_stride: random.within(0, words * segments * kernel.0 * kernel.1),
        output_pixel_stride: output_lines + random.within(0, 2),
        parameter_base: random.within(0, 40),
        output_wide: wide,
        table_enable: u32::from(random.below(3) == 0),
        table_select: random.within(0, 1),
        residual_enable: random.within(0, 1),
        residual_wide,
        zero_point: random.within(0, 100) as i32 - 50,
        residual_shift: random.within(8, 24),
        clamp_low: -(random.within(0, 200) as i32),
        clamp_high: random.within(0, 40_000) as i32 % 32_768,
        residual_line: place(random, lines, lines / 2),
        residual_mantissa: random.within(32_768, 65_535),
        residual_zero_point: random.within(0, 100) as i32 - 50,
        residual_pixel_stride: random.within(0, output_lines + 1),
        ..Compute::default()
    }
}

fn vector(random: &mut Random, accelerator: &Accelerator) -> Vector {
    let line_bytes = accelerator.line_bytes();
    let lines = accelerator.activation_lines();
    let lanes = accelerator.vector.lanes;
    let function = random.of(VectorFunction::ALL);
    let windowed =
        matches!(function, VectorFunction::MaxPool | VectorFunction::AveragePool | VectorFunction::Depthwise);
    let bytes_only = windowed || matches!(function, VectorFunction::Softmax | VectorFunction::Table);
    let mut channels = random.within(1, 5 * line_bytes / 2);
    let kernel_rows = random.within(1, 3);
    let run_bytes = random.within(1, 2 * line_bytes);
    if function == VectorFunction::Patch {
        channels = kernel_rows * run_bytes;
    }
    let wide = |random: &mut Random, never: bool| if never { 0 } else { random.within(0, 1) };
    let source_wide = wide(random, bytes_only);
    let output_wide = wide(
        random,
        matches!(function, VectorFunction::Softmax | VectorFunction::Table | VectorFunction::Patch),
    );
    let pixel_lines = (2 * channels).div_ceil(line_bytes);
    let in_cols = random.within(1, 6);
    Vector {
        source_line: place(random, lines, lines / 4),
        function: function.code(),
        second_line: place(random, accelerator.weight_lines(), accelerator.weight_lines() / 4),
        output_line: lines / 4 + place(random, lines, lines / 4),
        out_rows: random.within(0, 4),
        out_cols: random.within(1, 4),
        in_rows: random.within(1, 5),
        in_cols,
        kernel_rows,
        kernel_cols: random.within(1, 3),
        stride_rows: random.within(1, 2),
        stride_cols: random.within(1, 2),
        pad_top: random.within(0, 2),
        pad_left: random.within(0, 2),
        dilation_rows: random.within(1, 2),
        dilation_cols: random.within(1, 2),
        channels,
        parameter_base: random.within(0, 8) * lanes,
        row_stride: in_cols * pixel_lines + random.within(0, 2),
        pad_code: random.within(0, 255),
        pixel_stride: random.within(0, pixel_lines + 1),
        output_pixel_stride: pixel_lines + random.within(0, 2),
        second_pixel_stride: random.within(0, pixel_lines),
        source_signed: random.within(0, 1),
        source_wide,
        second_wide: random.within(0, 1),
        output_wide,
        second_enable: random.within(0, 1),
        table_select: random.within(0, 1),
        to_weight: random.within(0, 1),
        output_bits: random.within(2, 8),
        zero_point: random.within(0, 100) as i32 - 50,
        source_zero_point: random.within(0, 100) as i32 - 50,
        clamp_low: -(random.within(0, 300) as i32),
        clamp_high: random.within(0, 40_000) as i32 % 32_768,
        source_mantissa: random.within(32_768, 65_535),
        source_shift: random.within(10, 24),
        second_zero_point: random.within(0, 100) as i32 - 50,
        second_mantissa: random.within(32_768, 65_535),
        second_shift: random.within(10, 24),
        epsilon_low: random.within(0, u32::MAX - 1),
        epsilon_high: if random.below(4) == 0 { random.within(0, (1 << 20) - 1) } else { 0 },
        run_bytes,
        run_step_bytes: random.within(1, 2 * line_bytes),
        row_bytes: random.within(1, 4 * line_bytes),
        ..Vector::default()
    }
}
