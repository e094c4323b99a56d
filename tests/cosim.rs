//! Does the exported Verilog give the same bits in the same cycles as the simulator?
// Helpers outside of #[test] functions fail the test by panicking, and say what they measured or skip.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::time::Instant;

use bitgauge_arch::codec::Codec;
use bitgauge_arch::command::Operation;
use bitgauge_arch::description::MacKind;
use bitgauge_arch::validate::Validated;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_cosim::{Build, Effort, Job, RunOptions, Slave, Start};
use bitgauge_models::float::{FloatGraph, Tensor};
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_models::integer::{IntGraph, QuantizeOptions, calibrate, quantize};
use bitgauge_testing::{Random, programs};
use bitgauge_tests::networks::{branches, noise};
use bitgauge_tests::orders;
use bitgauge_tests::verilog::{
    SMALL_MEMORY, assert_same, both, build, build_with, outcome, shrunk, verilator,
};
use bitgauge_tests::widths::{Draw, mixed_as};
use bitgauge_tests::{Images, KINDS, design, shipped};

/// Runs random programs on a new bench.
fn play(accelerator: &Accelerator, random: &mut Random, count: usize, effort: Effort) {
    play_on(&build_with(accelerator, 1 << 20, effort), accelerator, random, count);
}

/// Runs random programs on both, every fourth one under random stalls of the bus too, every one with a memory
/// of another kind; a difference is shrunk and shown.
fn play_on(build: &Build, accelerator: &Accelerator, random: &mut Random, count: usize) {
    for number in 0..count {
        let seed = random.0;
        // Every other one loads tables and parameters anew while it runs.
        let draw = if number % 2 == 0 { programs::program } else { programs::reloading };
        let program = draw(random, accelerator, 25);
        let stall_seed = Some(number as u32 + 1);
        let slave = RunOptions { slave: Slave::OTHERS[number % 6], stall_seed, ..RunOptions::default() };
        let stalled = RunOptions { stall_seed, ..RunOptions::default() };
        let ways = [RunOptions::default(), slave, stalled];
        for options in &ways[..if number % 4 == 0 { 3 } else { 2 }] {
            if outcome(build, &program, options).is_ok() {
                continue;
            }
            panic!(
                "program {number}, seed {seed}, stalls {:?}, memory {:?}, {}:\n{}\n{}",
                options.stall_seed,
                options.slave,
                accelerator.name,
                accelerator.to_toml(),
                shrunk(build, &program, options)
            );
        }
    }
}

/// On a small design whose elements join digits and take a line of two scales twice; the long tier draws all kinds.
#[test]
fn random_programs_agree() {
    if !verilator() {
        return;
    }
    let mut random = Random(6);
    let accelerator = loop {
        let mut drawn = programs::accelerator(&mut random, 4);
        let array = &mut drawn.array;
        (array.mac, array.lanes, array.slice_bits, array.operand_bits) = (MacKind::Fusible, 1, 1, 8);
        (array.tag_shift, array.port_bits) = (3, 8);
        drawn.compression.codecs = vec![Codec::Pack];
        if drawn.check().is_ok() {
            break drawn;
        }
    };
    play(&accelerator, &mut random, 20, Effort::Quick);
}

/// On the bench that other tests use as well. Its vector unit is as wide as a line, so that a group's wide codes take
/// two, and it has both codecs; the small design above has neither.
#[test]
fn random_programs_agree_where_lanes_fill_a_line() {
    if verilator() {
        let accelerator = design("reference-8x8");
        play_on(&build(&accelerator, SMALL_MEMORY), &accelerator, &mut Random(23), 10);
    }
}

/// Where the length of a program's first coded block stands in memory.
fn length_of_a_block(program: &Program) -> Option<usize> {
    program.resolved().find_map(|(_, command)| match command.operation {
        Operation::Load(load) if load.format().codec == Codec::Zvc => {
            (load.blocks * load.pixels * load.channels > 0).then_some(load.length_table as usize)
        }
        _ => None,
    })
}

#[test]
fn wrong_lengths_are_reported() {
    if !verilator() {
        return;
    }
    let mut accelerator = design("reference-8x8");
    (accelerator.array.rows, accelerator.array.cols) = (4, 4);
    (accelerator.post.lanes, accelerator.vector.lanes) = (2, 2);
    accelerator.check().unwrap_or_else(|problem| panic!("{}", problem.message));
    let build = build_with(&accelerator, 1 << 20, Effort::Quick);
    let mut tried = 0;
    for seed in 0..10 {
        if tried >= 6 {
            break;
        }
        let program = programs::program(&mut Random(seed), &accelerator, 25);
        let Some(at) = length_of_a_block(&program) else { continue };
        for more in [0u16, 1, 0xffff] {
            let mut memory = program.initial_memory();
            let entry = u16::from_le_bytes([memory[at], memory[at + 1]]).wrapping_add(more);
            if entry & 0x7fff == 0 {
                continue;
            }
            memory[at..at + 2].copy_from_slice(&entry.to_le_bytes());
            let job = Job { memory: &memory, start: Start::new(&program) };
            let scratch = tempfile::tempdir().unwrap();
            let options = RunOptions { cycle_limit: Some(30_000), ..RunOptions::default() };
            let run = build.run(&job, scratch.path(), &options).unwrap();
            let reported = run.complaints.iter().any(|complaint| complaint.contains("reports an error"));
            assert_eq!(reported, more != 0, "seed {seed}, {more:#x} more: {:?}", run.complaints);
            // A wrong table ends the run by itself.
            assert_eq!(run.complaints.len(), usize::from(more != 0), "seed {seed}: {:?}", run.complaints);
            tried += 1;
        }
    }
    assert!(tried > 4, "only {tried} lengths were tried");
}

#[test]
#[ignore = "long tier: 504 random programs over 12 random designs of up to 16x16"]
fn many_random_programs_agree() {
    if !verilator() {
        return;
    }
    let mut random = Random(17);
    for _ in 0..12 {
        let accelerator = programs::accelerator(&mut random, 16);
        let started = Instant::now();
        play(&accelerator, &mut random, 42, Effort::Full);
        eprintln!("{}: 42 programs in {:.0} s", accelerator.name, started.elapsed().as_secs_f64());
    }
}

/// Both shipped models with two plans of external memory: the default one, which is that of `run`, and one with a
/// place for every tensor, so that all of them are compared.
fn models(accelerator: &Accelerator) -> Vec<(String, IntGraph, Validated<Program>)> {
    let compiled = |(model, reuse_memory): (&str, bool)| {
        let graph = shipped(model, QuantizeOptions::default());
        let options = bitgauge_compiler::Options { reuse_memory, ..bitgauge_compiler::Options::default() };
        let program = bitgauge_compiler::compile(&graph, accelerator, &options).unwrap();
        let plan = if reuse_memory { "memory reused" } else { "a place per tensor" };
        (format!("{model}, {plan}"), graph, program)
    };
    assert!(bitgauge_compiler::Options::default().reuse_memory);
    let both = bitgauge_tests::MODELS.into_iter().flat_map(|model| [(model, true), (model, false)]);
    both.map(compiled).collect()
}

/// One bench for all of them, and for other tests with small networks.
fn bench(accelerator: &Accelerator, models: &[(String, IntGraph, Validated<Program>)]) -> Build {
    let bytes = models.iter().map(|(.., program)| program.memory_bytes).max().unwrap();
    build(accelerator, bytes.max(SMALL_MEMORY))
}

/// Codes of an image, by the input's name.
fn inputs(graph: &IntGraph, image: &Tensor) -> Vec<(String, Vec<u8>)> {
    let names = graph.inputs.iter().map(|&id| graph.tensor(id).name.clone());
    names.zip(encode_inputs(graph, std::slice::from_ref(image)).unwrap()).collect()
}

/// Images of the shipped models on a design.
fn shipped_agree(accelerator: &Accelerator, images: usize) {
    let models = models(accelerator);
    let build = bench(accelerator, &models);
    let test = Images::mnist("test");
    for (model, graph, program) in &models {
        for index in 0..images {
            let inputs = inputs(graph, &test.tensor(index));
            let named: Vec<(&str, &[u8])> =
                inputs.iter().map(|(name, codes)| (name.as_str(), codes.as_slice())).collect();
            let (result, rtl) = assert_same(&format!("{model}, image {index}"), &build, program, &named);
            eprintln!(
                "{model} on {}, {} bits, image {index}: {} cycles, {} commands, {:.0} cycles per second",
                accelerator.name,
                accelerator.memory.bus_bits,
                result.cycles,
                program.commands.len(),
                rtl.cycles as f64 / rtl.elapsed.as_secs_f64()
            );
        }
    }
}

#[test]
fn shipped_models_agree() {
    if verilator() {
        shipped_agree(&design("reference-8x8"), 1);
    }
}

/// A network of mixed widths on an array of another kind.
fn mixed_agree(accelerator: &Accelerator, models: &[&str], seed: u64, images: usize) {
    for model in models {
        let draw = Draw {
            seed,
            most: accelerator.array.widest(),
            tag_shift: accelerator.array.tag_shift,
            channel_shift: if accelerator.vector.channel_shifts { 3 } else { 0 },
        };
        let graph = mixed_as(model, draw).0.graph;
        let program =
            bitgauge_compiler::compile(&graph, accelerator, &bitgauge_compiler::Options::default()).unwrap();
        let build = build(accelerator, program.memory_bytes.max(SMALL_MEMORY));
        for index in 0..images {
            let inputs = inputs(&graph, &Images::mnist("test").tensor(index));
            let named: Vec<(&str, &[u8])> =
                inputs.iter().map(|(name, codes)| (name.as_str(), codes.as_slice())).collect();
            let what = format!("{model}, mixed widths {seed} on {}", accelerator.name);
            let (result, _) = assert_same(&what, &build, &program, &named);
            eprintln!("{what}, image {index}: {} cycles", result.cycles);
        }
    }
}

/// On an array so small that it builds in seconds.
#[test]
fn mixed_widths_agree_on_serial_elements() {
    if !verilator() {
        return;
    }
    let mut accelerator = design("serial-16x16");
    (accelerator.array.rows, accelerator.array.cols, accelerator.post.lanes) = (4, 4, 4);
    (accelerator.array.lanes, accelerator.array.port_bits, accelerator.memory.bus_bits) = (16, 32, 64);
    accelerator.check().unwrap_or_else(|problem| panic!("{}", problem.message));
    mixed_agree(&accelerator, &["cnn_mnist"], 1, 1);
}

#[test]
#[ignore = "long tier: both models with mixed widths on every kind of processing element"]
fn mixed_widths_agree_on_every_kind() {
    if !verilator() {
        return;
    }
    for name in ["reference-16x16", "fixed-4-bit-16x16"].into_iter().chain(KINDS) {
        let mut accelerator = design(name);
        accelerator.array.tag_shift = 4;
        accelerator.vector.channel_shifts = true;
        mixed_agree(&accelerator, &bitgauge_tests::MODELS, 2, 2);
    }
}

/// What CNNs do with channels, all of it in one network; then codes that change their order.
#[test]
fn channels_split_joined_and_scaled_agree() {
    if !verilator() {
        return;
    }
    agree_on("branches", &branches(3), &[1, 3, 15, 13]);
    for (name, float, shape) in orders::all(3) {
        agree_on(name, &float, &shape);
    }
}

fn agree_on(name: &str, float: &FloatGraph, shape: &[usize]) {
    let accelerator = design("reference-8x8");
    let image = noise(&mut Random(5), shape, 0.0, 1.0);
    let calibration = calibrate(float, 1, |_| vec![image.clone()]).unwrap();
    let graph = quantize(float, &calibration, &QuantizeOptions::default()).unwrap();
    let options = bitgauge_compiler::Options::default();
    let program = bitgauge_compiler::compile(&graph, &accelerator, &options).unwrap();
    let inputs = inputs(&graph, &image);
    let named: Vec<(&str, &[u8])> =
        inputs.iter().map(|(name, codes)| (name.as_str(), codes.as_slice())).collect();
    assert_same(name, &build(&accelerator, SMALL_MEMORY), &program, &named);
}

#[test]
#[ignore = "long tier: both models, 10 images, on 8x8 and 16x16 with 64 and 128 bits of memory bus"]
fn shipped_models_agree_on_variants() {
    if !verilator() {
        return;
    }
    for name in ["reference-8x8", "reference-16x16"] {
        for bits in [64, 128] {
            let mut accelerator = design(name);
            accelerator.memory.bus_bits = bits;
            accelerator.check().unwrap_or_else(|problem| panic!("{}", problem.message));
            shipped_agree(&accelerator, 10);
        }
    }
}

#[test]
#[ignore = "long tier: a measurement"]
fn the_trace_takes_less_than_half_of_the_speed() {
    if !verilator() {
        return;
    }
    for name in ["reference-8x8", "reference-16x16"] {
        let accelerator = design(name);
        let models = models(&accelerator);
        let build = bench(&accelerator, &models);
        let (_, graph, program) = &models[0];
        let inputs = inputs(graph, &Images::mnist("test").tensor(0));
        let named: Vec<(&str, &[u8])> =
            inputs.iter().map(|(name, codes)| (name.as_str(), codes.as_slice())).collect();
        // The best of three, in turns, against what else the host does.
        let mut speeds = [0.0f64; 2];
        for turn in 0..6 {
            let options = RunOptions { untraced: turn % 2 == 1, ..RunOptions::default() };
            let (result, rtl, _) = both(&build, program, &named, &options).unwrap();
            assert_eq!(result.cycles, rtl.cycles);
            let speed = rtl.cycles as f64 / rtl.elapsed.as_secs_f64();
            speeds[turn % 2] = speeds[turn % 2].max(speed);
        }
        let [traced, bare] = speeds;
        eprintln!(
            "{name}: {traced:.0} cycles per second with the trace, {bare:.0} without ({:.0} %)",
            100.0 * traced / bare
        );
        assert!(traced >= 0.5 * bare);
    }
}
