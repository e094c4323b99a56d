//! The simulated program against the interpreter.

// A test that meets a broken premise should stop there.
#![allow(clippy::unwrap_used, clippy::panic)]

use bitgauge_arch::Accelerator;
use bitgauge_compiler::{Options, compile};
use bitgauge_models::integer::{self, IntGraph};

use super::{Draw as _, Random};

/// Runs both and compares every tensor that has a place; returns the cycles.
pub fn compare(name: &str, graph: &IntGraph, accelerator: &Accelerator, options: &Options) -> u64 {
    let program = compile(graph, accelerator, options).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut random = Random(7);
    let inputs: Vec<Vec<u8>> = graph.inputs.iter().map(|&id| random.containers(graph.tensor(id))).collect();
    let expected = integer::run(graph, &inputs).unwrap();
    let named: Vec<(&str, &[u8])> = graph
        .inputs
        .iter()
        .zip(&inputs)
        .map(|(&id, bytes)| (graph.tensor(id).name.as_str(), &bytes[..]))
        .collect();
    let output = bitgauge_sim::run(&program, &named, &bitgauge_sim::Options::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    for symbol in &program.tensors {
        let index = symbol.graph_tensor as usize;
        let kept = !options.reuse_memory || graph.outputs.iter().any(|output| output.tensor.0 == index);
        let Some(codes) = expected[index].as_ref().filter(|_| kept) else { continue };
        let actual = output.read(&symbol.name).unwrap();
        if let Some(at) = actual.iter().zip(codes).position(|(a, b)| a != b) {
            panic!(
                "{name}: `{}` {:?} differs first at byte {at} of {}: {} instead of {} ({} differ)",
                symbol.name,
                graph.tensors[index].shape,
                codes.len(),
                actual[at],
                codes[at],
                actual.iter().zip(codes).filter(|(a, b)| a != b).count(),
            );
        }
        assert_eq!(actual.len(), codes.len());
    }
    output.result.cycles
}
