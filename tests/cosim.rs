//! Does the exported Verilog give the same bits in the same cycles as the simulator?
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use bitgauge_arch::validate::validate;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_cosim::{Build, RunOptions};
use bitgauge_models::integer::QuantizeOptions;
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_tests::programs::{self, Random};
use bitgauge_tests::verilog::{assert_same, both, build, verilator};
use bitgauge_tests::{Images, design, shipped};

#[test]
fn random_programs_are_valid_and_run() {
    let mut random = Random(11);
    let (mut commands, mut ended) = (0, 0);
    for number in 0..200 {
        let accelerator = programs::accelerator(&mut random, 16);
        let program = programs::program(&mut random, &accelerator, 30);
        validate(&program).unwrap_or_else(|problems| panic!("program {number}: {}", problems[0]));
        let mut machine = bitgauge_sim::Machine::new(&program).unwrap();
        let result = machine.run(&[], &bitgauge_sim::Options::default());
        let result = result.unwrap_or_else(|error| panic!("program {number}: {error}"));
        commands += program.commands.len();
        ended += result.spans.len();
    }
    assert_eq!(commands, ended);
}

/// A failing program with as few commands as dropping leaves.
fn shrink(build: &Build, program: Program) -> Program {
    let fails = |program: &Program| !matches!(both(build, program, &[], &RunOptions::default()), Ok((_, _, d)) if d.is_empty());
    let mut least = program;
    let mut step = least.commands.len() / 2;
    while step > 0 {
        let mut at = 0;
        while at < least.commands.len() {
            match programs::without(&least, at..at + step).filter(&fails) {
                Some(shorter) => least = shorter,
                None => at += step,
            }
        }
        step /= 2;
    }
    least
}

/// Runs random programs on both; a difference is shrunk and shown.
fn play(accelerator: &Accelerator, random: &mut Random, count: usize, length: usize) {
    let build = build(accelerator, 1 << 20);
    for number in 0..count {
        let seed = random.0;
        let program = programs::program(random, accelerator, length);
        let outcome = both(&build, &program, &[], &RunOptions::default());
        if matches!(&outcome, Ok((_, _, differences)) if differences.is_empty()) {
            continue;
        }
        let least = shrink(&build, program);
        let text = bitgauge_arch::command::to_text(&least.words);
        let found = match both(&build, &least, &[], &RunOptions::default()) {
            Ok((_, _, differences)) => {
                differences.iter().take(6).map(ToString::to_string).collect::<Vec<_>>().join("\n")
            }
            Err(error) => error,
        };
        panic!(
            "program {number}, seed {seed}, {}:\n{}\n{text}\n{found}",
            accelerator.name,
            accelerator.to_toml()
        );
    }
}

#[test]
fn random_programs_agree() {
    if !verilator() {
        return;
    }
    let mut random = Random(5);
    for _ in 0..2 {
        let accelerator = programs::accelerator(&mut random, 8);
        play(&accelerator, &mut random, 10, 25);
    }
}

/// Images of a shipped model on a design.
fn shipped_agrees(model: &str, accelerator: &Accelerator, images: usize) {
    let graph = shipped(model, QuantizeOptions::default());
    let options = bitgauge_compiler::Options { reuse_memory: false, ..bitgauge_compiler::Options::default() };
    let program = bitgauge_compiler::compile(&graph, accelerator, &options).unwrap();
    validate(&program).unwrap_or_else(|problems| panic!("{}", problems[0]));
    let build = build(accelerator, program.memory_bytes);
    let test = Images::mnist("test");
    for index in 0..images {
        let inputs = encode_inputs(&graph, &[test.tensor(index)]).unwrap();
        let names = graph.inputs.iter().map(|&id| graph.tensor(id).name.as_str());
        let named: Vec<(&str, &[u8])> = names.zip(inputs.iter().map(Vec::as_slice)).collect();
        let (result, rtl) = assert_same(&format!("{model}, image {index}"), &build, &program, &named);
        eprintln!(
            "{model} on {}, image {index}: {} cycles, {:.0} per second",
            accelerator.name,
            result.cycles,
            rtl.cycles as f64 / rtl.elapsed.as_secs_f64()
        );
    }
}

#[test]
fn shipped_models_agree() {
    if !verilator() {
        return;
    }
    for model in bitgauge_tests::MODELS {
        shipped_agrees(model, &design("reference-8x8"), 1);
    }
}
