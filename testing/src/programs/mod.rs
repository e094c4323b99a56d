//! Random accelerators and random valid programs: what no compiler would write, and any unit must survive.
//!
//! Every program passes the validator: races and deadlocks are left out by construction, with a token or a
//! barrier wherever two commands meet in a memory. A fault should show in what a program leaves behind, so
//! commands read what earlier ones wrote, sums land in and around the range of their codes, and little of
//! what is written is written over.

mod builder;
mod compute;
mod data;
mod dma;
mod draw;
mod regions;
mod vector;

use bitgauge_arch::codec::Codec;
use bitgauge_arch::command::{Command, Compute, Encoder, Operation, Store, Target, Unit};
use bitgauge_arch::description::{Array, MacKind};
use bitgauge_arch::program::{CommandSymbol, LayerSymbol, Operand, Segment};
use bitgauge_arch::validate::{Validated, validate};
use bitgauge_arch::{Accelerator, Program};

use crate::Random;
use builder::Builder;
use regions::Regions;

/// Bytes of external memory of a random program.
const MEMORY_BYTES: u64 = 1 << 20;
/// Where the commands lie; below are data, above is what stores write, then all activations, then the length
/// tables of stores, then blocks of `zvc`.
const COMMANDS: u64 = 1 << 18;
const STORED: u64 = 1 << 19;
const DUMPED: u64 = STORED + (1 << 16);
const TABLES: u64 = STORED + 200_000;
const CODED: u64 = 3 << 18;

/// A random description with at most `most` rows and columns.
pub fn accelerator(random: &mut Random, most: u32) -> Accelerator {
    const BASE: &str = include_str!("../../../designs/reference-8x8.toml");
    loop {
        let Ok(mut a) = Accelerator::from_toml(BASE) else { continue };
        a.array.rows = random.within(2, most);
        a.array.cols = random.within(2, most);
        if random.below(2) == 0 {
            a.array.rows = 1 << random.within(1, most.ilog2());
            a.array.cols = 1 << random.within(1, most.ilog2());
        }
        kind(random, &mut a.array);
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
        // Half of them; what else is drawn stays as it is.
        a.vector.channel_shifts = random.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == 1;
        a.name = format!("random-{}x{}", a.array.rows, a.array.cols);
        if a.check().is_ok() {
            return a;
        }
    }
}

/// A random kind of processing element; [`Accelerator::check`] says whether its lines are short enough.
pub fn kind(random: &mut Random, array: &mut Array) {
    if random.below(2) == 0 {
        return;
    }
    array.mac = random.of(&[MacKind::Fixed, MacKind::Serial, MacKind::Fusible]);
    match array.mac {
        MacKind::Fixed => {
            array.lanes = random.of(&[1, 2, 4, 8]);
            array.operand_bits = random.of(&[2, 3, 4, 4, 6, 8, 8, 8, 8]);
        }
        MacKind::Fusible => {}
        MacKind::Serial => {
            array.lanes = random.of(&[8, 16, 32, 64]);
            array.slice_bits = random.of(&[1, 1, 2, 4, 8]);
        }
    }
    array.port_bits = random.of(&[0, 8, 16]);
    // Where elements are too narrow for two scales, the check refuses them.
    array.tag_shift = random.of(&[0, 0, 1, 2, 4, 8]);
}

/// A program in the making: what its next command is drawn from.
struct Draft<'a> {
    random: &'a mut Random,
    accelerator: &'a Accelerator,
    /// What is worth reading.
    regions: Regions,
    /// Where the next blocks of `zvc` may lie.
    coded: u64,
    /// The last compute command, where it kept its sums for the next.
    kept: Option<Compute>,
}

impl Draft<'_> {
    /// A command, and what it needs in external memory beside the data.
    fn operation(&mut self) -> (Operation, Vec<Segment>) {
        let mut blocks = Vec::new();
        let operation = match self.random.of(&Unit::ALL) {
            Unit::Load => Operation::Load(self.load(&mut blocks)),
            Unit::Compute => Operation::Compute(self.compute()),
            Unit::Vector => Operation::Vector(self.vector()),
            Unit::Store => Operation::Store(self.store()),
        };
        (operation, blocks)
    }
}

/// A random program of `length` commands.
pub fn program(random: &mut Random, accelerator: &Accelerator, length: usize) -> Validated<Program> {
    valid(drawn(random, accelerator, length, Way { reloads: false, ordered: true }))
}

/// A random program whose commands are valid and never wait in vain, but race: for time, which races do not decide,
/// with more commands beside each other than a valid program has.
pub fn unordered(random: &mut Random, accelerator: &Accelerator, length: usize) -> Program {
    drawn(random, accelerator, length, Way { reloads: false, ordered: false })
}

/// A random program that loads tables and parameters anew in mid-run: behind a command that reads them comes a load
/// of others, and the same command again.
pub fn reloading(random: &mut Random, accelerator: &Accelerator, length: usize) -> Validated<Program> {
    valid(drawn(random, accelerator, length, Way { reloads: true, ordered: true }))
}

fn valid(program: Program) -> Validated<Program> {
    validate(program).unwrap_or_else(|problems| panic!("{}", problems[0]))
}

/// How a program is drawn.
struct Way {
    /// Tables and parameters are loaded anew in mid-run.
    reloads: bool,
    /// Commands that meet in a memory are ordered.
    ordered: bool,
}

fn drawn(random: &mut Random, accelerator: &Accelerator, length: usize, way: Way) -> Program {
    // Half of the programs begin anywhere in a page; what else is drawn stays as it is.
    let place = random.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bus = u64::from(accelerator.bus_bytes());
    let address = COMMANDS + if place >> 63 == 0 { 0 } else { (place >> 40) % (4096 / bus) * bus };
    let mut segments = data::data(random);
    let mut builder = Builder::new(accelerator, way.ordered);
    let mut draft = Draft { random, accelerator, regions: Regions::default(), coded: CODED, kept: None };
    // Parameters first, so that what is computed is not all zero.
    for target in [Target::PostParameter, Target::VectorParameter, Target::PostTable, Target::VectorTable] {
        let load = draft.constants(target);
        builder.push(draft.random, Operation::Load(load), &[]);
    }
    while builder.commands.len() < length {
        let (operation, blocks) = draft.operation();
        if builder.push(draft.random, operation.clone(), &blocks) {
            draft.note(&operation);
            draft.regions.see(accelerator, &builder.commands);
            segments.extend(blocks);
            if way.reloads
                && let Some(load) = draft.reload(&operation)
            {
                builder.push(draft.random, Operation::Load(load), &[]);
                builder.push(draft.random, operation, &[]);
            }
        }
    }
    if let Some(kept) = draft.kept.take() {
        builder.push(draft.random, Operation::Compute(Compute { accumulate: 0, ..kept }), &[]);
    }
    // What the activations hold in the end, so that no result stays unseen.
    let all = Store {
        blocks: 1,
        pixels: accelerator.activation_lines(),
        channels: accelerator.line_bytes(),
        pixel_stride: 1,
        codec: Codec::None.code(),
        value_bits: 8,
        external_address: DUMPED as u32,
        ..Store::default()
    };
    builder.push(random, Operation::Store(all), &[]);
    segments.sort_by_key(|segment| segment.address);
    assemble(accelerator, &builder.commands, segments, address)
}

/// A program of these commands, all of one layer, with nothing in external memory but `segments` and the words.
pub fn assemble(
    accelerator: &Accelerator,
    commands: &[Command],
    segments: Vec<Segment>,
    command_address: u64,
) -> Program {
    let mut encoder = Encoder::default();
    for command in commands {
        encoder.push(command).unwrap_or_else(|error| panic!("{command:?}: {error}"));
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
        command_address,
        memory_bytes: MEMORY_BYTES,
        segments,
        tensors: Vec::new(),
        outputs: Vec::new(),
        layers: vec![layer],
        commands: commands.iter().map(|_| CommandSymbol { layer: 0, operand: Operand::Input }).collect(),
    }
}

/// The program without some of its commands, if it still passes the validator: for shrinking.
pub fn without(program: &Program, drop: std::ops::Range<usize>) -> Option<Validated<Program>> {
    let commands: Vec<Command> = program.resolved().map(|(_, command)| command).collect();
    let kept: Vec<Command> = commands
        .into_iter()
        .enumerate()
        .filter(|(index, _)| !drop.contains(index))
        .map(|(_, command)| command)
        .collect();
    let shorter = assemble(&program.accelerator, &kept, program.segments.clone(), program.command_address);
    validate(shorter).ok()
}
