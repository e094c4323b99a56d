//! Does a command touch what its footprint says, and nothing else?
//!
//! Compiler and validator both take the footprint's word for it, so neither would miss a read that it leaves out.
//! The second source is the data path. Every command runs twice alone: on noise, and on the same noise with all
//! memory outside of the footprint drawn anew. What it writes must be the same both times, or it reads elsewhere;
//! what lies outside of its writes must stay, or it writes elsewhere.

// Helpers outside of #[test] functions fail the test by panicking, and say what they ran.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::collections::BTreeMap;

use bitgauge_arch::command::{Command, Encoder, Operation, VectorFunction};
use bitgauge_arch::footprint::{Access, Port, Space, footprint};
use bitgauge_arch::validate::validate;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_compiler::compile;
use bitgauge_models::integer::QuantizeOptions;
use bitgauge_sim::{Machine, Options, SimError};
use bitgauge_testing::{Random, programs};
use bitgauge_tests::{DESIGNS, MODELS, design, shipped};

/// Bytes of a space's unit: bytes of external memory, lines, entries, tables.
fn unit_bytes(accelerator: &Accelerator, space: Space) -> usize {
    match space {
        Space::External => 1,
        Space::Activation | Space::Weight => accelerator.line_bytes() as usize,
        Space::PostParameter | Space::VectorParameter => 8,
        Space::PostTable => 256,
        Space::VectorTable => 512,
    }
}

/// Contents of every space, in the order of [`Space::ALL`].
type Contents = [Vec<u8>; 7];

fn noise(random: &mut Random, accelerator: &Accelerator, memory_bytes: u64) -> Contents {
    Space::ALL.map(|space| {
        let bytes = space.size(accelerator, memory_bytes) as usize * unit_bytes(accelerator, space);
        (0..bytes).map(|_| random.below(256) as u8).collect()
    })
}

/// Which bytes of every space an access covers.
fn covered(accelerator: &Accelerator, accesses: &[Access], writes: bool, like: &Contents) -> [Vec<bool>; 7] {
    let mut mask = like.each_ref().map(|bytes| vec![false; bytes.len()]);
    for access in accesses.iter().filter(|access| (access.port == Port::Write) == writes) {
        let index = Space::ALL.iter().position(|space| *space == access.space).unwrap();
        let unit = unit_bytes(accelerator, access.space);
        mask[index][access.start as usize * unit..access.end as usize * unit].fill(true);
    }
    mask
}

/// Commands that run alone: one, or several that hand sums on inside the array.
fn alone(program: &Program) -> Vec<Vec<Command>> {
    let mut groups: Vec<Vec<Command>> = Vec::new();
    let mut kept: Vec<Command> = Vec::new();
    for (_, mut command) in program.resolved() {
        (command.wait, command.signal) = (0, 0);
        match &command.operation {
            Operation::Compute(compute) => {
                let goes_on = compute.accumulate == 1;
                kept.push(command);
                if !goes_on {
                    groups.push(std::mem::take(&mut kept));
                }
            }
            _ => groups.push(vec![command]),
        }
    }
    groups
}

fn program_of(program: &Program, commands: &[Command]) -> Program {
    let mut encoder = Encoder::default();
    for command in commands {
        encoder.push(command).unwrap();
    }
    let symbols = program.commands[..commands.len()].to_vec();
    Program {
        words: encoder.finish(),
        commands: symbols,
        tensors: Vec::new(),
        outputs: Vec::new(),
        ..program.clone()
    }
}

/// What the memories hold after a run on `contents`; `None` where the data are no blocks of `zvc`.
fn after(machine: &mut Machine, contents: &Contents) -> Option<Contents> {
    let preload = Space::ALL.iter().zip(contents).map(|(&space, bytes)| (space, 0, bytes.clone())).collect();
    match machine.run(&[], &Options { preload, trace: false, ..Options::default() }) {
        Ok(_) => Some(Space::ALL.map(|space| machine.space(space).to_vec())),
        Err(SimError::Command { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// What a command is counted as.
fn kind(operation: &Operation) -> String {
    match operation {
        Operation::Load(load) => format!("load {:?} {}", load.target(), load.codec),
        Operation::Store(store) => format!("store {}", store.codec),
        Operation::Compute(c) => format!(
            "compute table {} residual {} grouped {} per row {}",
            c.table_enable, c.residual_enable, c.grouped, c.parameter_per_row
        ),
        Operation::Vector(vector) => match vector.function() {
            Some(function) => format!("vector {function:?} of {}", 1 + vector.second_enable),
            None => "vector".to_owned(),
        },
    }
}

/// Runs every command of a program alone; counts what was seen.
fn check(program: &Program, random: &mut Random, seen: &mut BTreeMap<String, usize>) {
    let accelerator = &program.accelerator;
    let mut base = noise(random, accelerator, program.memory_bytes);
    // Blocks of `zvc` and their lengths are no noise; neither are the words that are fetched.
    let image = program.initial_memory();
    for segment in &program.segments {
        let range = segment.address as usize..segment.address as usize + segment.bytes.len();
        base[0][range.clone()].copy_from_slice(&image[range]);
    }
    let other = noise(random, accelerator, program.memory_bytes);
    for commands in alone(program) {
        let one =
            validate(program_of(program, &commands)).unwrap_or_else(|problems| panic!("{}", problems[0]));
        let words = one.command_address as usize..;
        let words = words.start..words.start + one.words.len() * bitgauge_arch::command::Word::BYTES;
        base[0][words.clone()].copy_from_slice(&one.initial_memory()[words.clone()]);
        let accesses: Vec<Access> =
            commands.iter().flat_map(|command| footprint(accelerator, command)).collect();
        let reads = covered(accelerator, &accesses, false, &base);
        let writes = covered(accelerator, &accesses, true, &base);
        let mut changed = base.clone();
        for index in 0..7 {
            for (at, byte) in changed[index].iter_mut().enumerate() {
                let fetched = index == 0 && words.contains(&at);
                if !reads[index][at] && !writes[index][at] && !fetched {
                    *byte = other[index][at];
                }
            }
        }
        let mut machine = Machine::new(&one);
        let (Some(first), Some(second)) = (after(&mut machine, &base), after(&mut machine, &changed)) else {
            continue;
        };
        for (index, space) in Space::ALL.iter().enumerate() {
            for at in 0..base[index].len() {
                if writes[index][at] {
                    assert_eq!(
                        first[index][at],
                        second[index][at],
                        "reads outside of its footprint: {commands:?} writes byte {at} of {}",
                        space.name()
                    );
                } else {
                    assert_eq!(
                        (first[index][at], second[index][at]),
                        (base[index][at], changed[index][at]),
                        "writes outside of its footprint: {commands:?}, byte {at} of {}",
                        space.name()
                    );
                }
            }
        }
        *seen.entry(kind(&commands[commands.len() - 1].operation)).or_default() += 1;
    }
}

#[test]
fn random_programs() {
    let mut seen = BTreeMap::new();
    for seed in 0..40 {
        let mut random = Random(seed);
        let accelerator = programs::accelerator(&mut random, 8);
        let program = programs::reloading(&mut random, &accelerator, 25);
        check(&program, &mut random, &mut seen);
    }
    eprintln!("{seen:#?}");
    // Loads of lines and of the four kinds of constants, stores, products with and without what follows them, and
    // every function of the vector unit.
    for wanted in ["load Some(PostTable)", "load Some(VectorTable)", "load Some(PostParameter)"]
        .into_iter()
        .chain(["load Some(VectorParameter)", "load Some(Activation)", "load Some(Weight)", "store"])
        .chain(["compute table 1", "compute table 0 residual 1", "grouped 1", "per row 1"])
    {
        let count: usize = seen.iter().filter(|(kind, _)| kind.contains(wanted)).map(|(_, n)| n).sum();
        assert!(count >= 5, "{wanted}: {count}");
    }
    for function in VectorFunction::ALL {
        let name = format!("vector {function:?} of");
        let count: usize = seen.iter().filter(|(kind, _)| kind.starts_with(&name)).map(|(_, n)| n).sum();
        assert!(count >= 5, "{name}: {count}");
    }
}

#[test]
fn shipped_programs() {
    let mut seen = BTreeMap::new();
    for model in MODELS {
        let program = compile(
            &shipped(model, QuantizeOptions::default()),
            &design(DESIGNS[0]),
            &bitgauge_compiler::Options::default(),
        )
        .unwrap();
        // Every seventh command: neighbours are alike.
        let commands: Vec<Command> =
            alone(&program).into_iter().step_by(7).filter(|group| group.len() == 1).flatten().collect();
        check(&program_of(&program, &commands), &mut Random(1), &mut seen);
    }
    let count: usize = seen.values().sum();
    assert!(count > 200, "{seen:#?}");
}
