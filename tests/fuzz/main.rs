//! Does anything that a stranger may hand over make us panic, or the simulator disagree?
//!
//! Six targets. In the `test` tier each runs for two seconds, in the `long` tier for ten minutes
//! (`BITGAUGE_FUZZ_SECONDS`). What is drawn are the places and kinds of changes to sound inputs: noise alone
//! would not pass the first check. An input that fails is printed, as short as it gets; kept in
//! `__fuzz__/TARGET/crashes` it is tried first from then on. `cargo bolero test` runs the same targets
//! under libFuzzer.

// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

mod changes;
mod graphs;

use std::time::Duration;

use bitgauge_arch::command::{Word, from_text, to_text};
use bitgauge_arch::validate::validate;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_gates::circuit::Circuit;
use bitgauge_gates::liberty::Library;
use bitgauge_gates::netlist::Netlist;
use bitgauge_gates::simulate::Simulator;
use bitgauge_models::float::passes;
use bitgauge_models::integer::Assignment;
use bitgauge_models::onnx;
use bitgauge_sim::{Machine, Options};
use bitgauge_testing::{Random, programs};
use bitgauge_tests::{design, repository};
use changes::{Script, changed};

/// How long each target runs.
fn time() -> Duration {
    let seconds = std::env::var("BITGAUGE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

#[test]
fn onnx_bytes() {
    let models = ["cnn_mnist", "vit_mnist"]
        .map(|name| std::fs::read(repository(&format!("models/zoo/{name}.onnx"))).unwrap());
    // The structure is in few bytes: most changes go there, not to the weights.
    let structure = models.each_ref().map(|model| changes::text_like(model));
    bolero::check!().with_test_time(time()).with_max_len(96).for_each(|input: &[u8]| {
        let mut script = Script(input);
        let which = script.below(models.len());
        let bytes = changed(&models[which], &structure[which], &mut script);
        if let Ok(mut graph) = onnx::import(&bytes) {
            // A refusal is an answer.
            let _ = passes::simplify(&mut graph);
        }
    });
}

#[test]
fn descriptions() {
    let designs = ["reference-8x8", "reference-16x16", "ecp5-8x8"];
    let designs = designs.map(|name| std::fs::read(repository(&format!("designs/{name}.toml"))).unwrap());
    let mut bits = Assignment::uniform(4, 5);
    bits.weights.layers.insert("/blocks.0/fc1".to_owned(), 3);
    bits.activations.tensors.insert("a \"b\" é".to_owned(), 2);
    let texts: Vec<Vec<u8>> = designs.into_iter().chain([bits.to_toml().into_bytes()]).collect();
    let everywhere: Vec<Vec<usize>> = texts.iter().map(|text| (0..text.len()).collect()).collect();
    bolero::check!().with_test_time(time()).with_max_len(96).for_each(|input: &[u8]| {
        let mut script = Script(input);
        let which = script.below(texts.len());
        let bytes = changed(&texts[which], &everywhere[which], &mut script);
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(bits) = Assignment::from_toml(&text) {
            assert_eq!(Assignment::from_toml(&bits.to_toml()).unwrap(), bits);
        }
        if let Ok(accelerator) = Accelerator::from_toml(&text) {
            assert_eq!(Accelerator::from_toml(&accelerator.to_toml()).unwrap(), accelerator);
        }
    });
}

#[test]
fn cell_libraries() {
    let library =
        std::fs::read_to_string(repository("hw/gates/tests/toy.lib")).unwrap().replace("DELAY", "1");
    let texts = [library.into_bytes(), std::fs::read(repository("hw/gates/tests/toy.json")).unwrap()];
    let everywhere: Vec<Vec<usize>> = texts.iter().map(|text| (0..text.len()).collect()).collect();
    bolero::check!().with_test_time(time()).with_max_len(96).for_each(|input: &[u8]| {
        let mut script = Script(input);
        let which = script.below(texts.len());
        let bytes = changed(&texts[which], &everywhere[which], &mut script);
        let mut pair = texts.each_ref().map(|text| String::from_utf8_lossy(text).into_owned());
        pair[which] = String::from_utf8_lossy(&bytes).into_owned();
        let Ok(library) = Library::from_text(&pair[0]) else { return };
        let Ok(netlist) = Netlist::from_json(&pair[1], "toy", &library) else { return };
        let clock = netlist.port("clock").ok().and_then(|port| port.bits.first().copied());
        let Ok(circuit) = Circuit::new(&library, &netlist, clock) else { return };
        let mut simulator = Simulator::new(&circuit);
        let inputs = vec![true; circuit.inputs.len()];
        (0..3).for_each(|_| simulator.cycle(&inputs));
        assert!(simulator.energy().total().is_finite());
    });
}

/// Validates a program and, if it is sound, runs it twice: none may panic, and both runs give the same. Data
/// that contradict themselves, such as a block longer than its table says, only a run can find.
fn run(program: Program) {
    if let Ok(program) = validate(program) {
        let mut machine = Machine::new(&program);
        let mut once = || {
            let result = machine.run(&[], &Options::default());
            let cycles = result.map(|result| result.cycles).map_err(|error| error.to_string());
            (cycles, machine.memory().to_vec())
        };
        assert!(once() == once(), "a second run is another one");
    }
}

#[test]
fn command_bits() {
    let accelerator = design("reference-8x8");
    bolero::check!().with_test_time(time()).with_max_len(1024).for_each(|input: &[u8]| {
        let words: Vec<Word> = input
            .chunks_exact(16)
            .map(|chunk| Word(u128::from_le_bytes(chunk.try_into().unwrap())))
            .collect();
        let known: Vec<Word> = words.iter().copied().filter(|word| word.decode().is_some()).collect();
        for word in &known {
            assert_eq!(Word::encode(word.decode().unwrap()).decode(), word.decode());
        }
        let text = to_text(&words);
        // What cannot be decoded has no text that means it.
        if known.len() == words.len() {
            let read = from_text(&text).unwrap();
            let both = |words: &[Word]| words.iter().map(|word| word.decode()).collect::<Vec<_>>();
            assert_eq!(both(&read), both(&words));
        }
        let base = programs::program(&mut Random(1), &accelerator, 2).into_inner();
        run(Program { words, ..base });
    });
}

#[test]
fn program_words() {
    bolero::check!().with_test_time(time()).with_max_len(96).for_each(|input: &[u8]| {
        let mut script = Script(input);
        let mut random = Random(script.number());
        let accelerator = programs::accelerator(&mut random, 8);
        let length = 4 + script.below(16);
        let mut program = programs::program(&mut random, &accelerator, length).into_inner();
        for _ in 0..script.below(3) {
            let at = script.below(program.words.len());
            program.words[at].0 ^= 1 << script.below(128);
        }
        run(program);
    });
}

#[test]
fn random_graphs() {
    bolero::check!().with_test_time(time()).with_max_len(96).for_each(|input: &[u8]| {
        graphs::compare(&mut Script(input));
    });
}

/// Were most networks refused, the target above would compare nothing.
#[test]
fn most_random_graphs_are_compared() {
    let mut random = Random(5);
    let compared = (0..40).filter(|_| {
        let script: Vec<u8> = (0..96).map(|_| random.below(256) as u8).collect();
        graphs::compare(&mut Script(&script))
    });
    let compared = compared.count();
    assert!(compared >= 20, "{compared} of 40");
}
