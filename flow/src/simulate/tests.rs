//! Does the comparison with the interpreter see every byte of every output, and nothing else?

use bitgauge_compiler::{Options, compile};
use bitgauge_models::integer::{QuantizeOptions, calibrate, quantize};

use super::*;
use crate::progress::Silent;
use crate::shipped;

/// The shipped transformer's program, with noise as external memory, and the outputs that lie in it.
fn agreeing() -> (Program, Vec<u8>, Vec<Option<Vec<u8>>>) {
    let (graph, images) = (shipped::network(), shipped::images());
    let calibration = calibrate(&graph, 1, |index| vec![images.tensor(index)]).unwrap();
    let graph = quantize(&graph, &calibration, &QuantizeOptions::default()).unwrap();
    let accelerator = shipped::accelerator();
    let program = compile(&graph, &accelerator, &Options::default()).unwrap();
    let memory: Vec<u8> = (0..program.memory_bytes).map(|at| (at * at / 7 + at * 89) as u8).collect();
    let bus_bytes = u64::from(accelerator.bus_bytes());
    let mut wanted = vec![None; graph.tensors.len()];
    for symbol in program.tensors.iter().filter(|symbol| symbol.role == TensorRole::Output) {
        wanted[symbol.graph_tensor as usize] = Some(symbol.read(&memory, bus_bytes));
    }
    assert!(wanted.iter().any(Option::is_some));
    (program.into_inner(), memory, wanted)
}

/// Holds the comparison to end in a finding that says so.
fn differs(program: &Program, memory: &[u8], wanted: &[Option<Vec<u8>>], said: &str) {
    let error = compare(program, memory, wanted, 3).unwrap_err();
    assert!(
        error.is_finding() && matches!(error, FlowError::Differs { .. } | FlowError::NoOutput),
        "{error}"
    );
    assert!(error.to_string().contains(said), "{error}");
}

#[test]
fn every_byte_of_every_output_counts_and_no_other() {
    let (program, mut memory, mut wanted) = agreeing();
    let bytes: usize = wanted.iter().flatten().map(Vec::len).sum();
    assert_eq!(compare(&program, &memory, &wanted, 0).unwrap(), bytes as u64);
    for tensor in 0..wanted.len() {
        for at in 0..wanted[tensor].as_ref().map_or(0, Vec::len) {
            for bit in [0x01, 0x80] {
                wanted[tensor].as_mut().unwrap()[at] ^= bit;
                differs(&program, &memory, &wanted, "image 3, output `");
                differs(&program, &memory, &wanted, &format!("byte {at}: "));
                wanted[tensor].as_mut().unwrap()[at] ^= bit;
            }
        }
    }
    // Each byte of memory is of an output, and then it counts, or it is not.
    let mut counted = 0;
    let start = program.tensors.iter().filter(|symbol| symbol.role == TensorRole::Output);
    let (low, high) = start.fold((u64::MAX, 0), |(low, high), symbol| {
        (low.min(symbol.address), high.max(symbol.address + bytes as u64 + 64))
    });
    for address in low.saturating_sub(64)..high.min(program.memory_bytes) {
        memory[address as usize] ^= 0x10;
        counted += usize::from(compare(&program, &memory, &wanted, 0).is_err());
        memory[address as usize] ^= 0x10;
    }
    assert_eq!(counted, bytes);
}

#[test]
fn outputs_that_are_too_short_too_long_or_missing() {
    let (mut program, memory, right) = agreeing();
    let output = right.iter().position(Option::is_some).unwrap();
    let with = |change: fn(&mut Option<Vec<u8>>)| {
        let mut wanted = right.clone();
        change(&mut wanted[output]);
        wanted
    };
    differs(&program, &memory, &with(|codes| codes.as_mut().unwrap().truncate(3)), "and None");
    differs(&program, &memory, &with(|codes| codes.as_mut().unwrap().push(0)), "None and Some(0)");
    differs(&program, &memory, &with(|codes| *codes = None), "byte 0: ");
    differs(&program, &memory, &[], "byte 0: ");
    // A program without outputs would compare nothing and find all equal.
    program.outputs.clear();
    program.tensors.retain(|symbol| symbol.role != TensorRole::Output);
    differs(&program, &memory, &right, "no output");
}

/// What activations take in memory, counted a second time: codes one by one, over all images.
#[test]
fn sizes_are_means_over_the_images() {
    let (_, _, wanted) = agreeing();
    let (graph, data) = (shipped::network(), shipped::images());
    let calibration = calibrate(&graph, 1, |index| vec![data.tensor(index)]).unwrap();
    let graph = quantize(&graph, &calibration, &QuantizeOptions::default()).unwrap();
    assert_eq!(graph.tensors.len(), wanted.len());
    let accelerator = shipped::accelerator();
    let program = compile(&graph, &accelerator, &Options::default()).unwrap();
    let simulated = simulated(&program, &graph, &data, 3, &Silent).unwrap();
    let prepared = Prepared::new(&graph).unwrap();
    let runs: Vec<Vec<Option<Vec<u8>>>> = (0..3)
        .map(|image| prepared.run(&encode_inputs(&graph, &[data.tensor(image)]).unwrap()).unwrap())
        .collect();
    let mut wide = 0;
    for (node, size) in graph.nodes.iter().zip(&simulated.activation_sizes) {
        let tensor = graph.tensor(node.output);
        let codes = tensor.shape.elements();
        let zeros: usize = runs
            .iter()
            .map(|run| {
                let bytes = run[node.output.0].as_ref().unwrap();
                (0..codes).filter(|&at| tensor.code.read(bytes, at) == tensor.code.zero_point).count()
            })
            .sum();
        let share = zeros as f64 / (3 * codes) as f64;
        assert!((size.zero_fraction - share).abs() < 1e-12, "{}: {}", size.tensor, size.zero_fraction);
        let raw = (codes * tensor.code.container().bytes()) as u64;
        assert_eq!(size.raw_bytes, raw, "{}", size.tensor);
        // Eight bits gain nothing by packing; nor do sixteen, which have no packed form of fewer.
        assert_eq!(size.packed_bytes, raw, "{}", size.tensor);
        wide += usize::from(tensor.code.container() == Container::Word);
    }
    assert!(wide > 0);
}

#[test]
fn fewest_and_most_cycles() {
    assert_eq!(extremes([7, 3, 9, 4].into_iter()), [3, 9]);
    assert_eq!(extremes([5].into_iter()), [5, 5]);
}
