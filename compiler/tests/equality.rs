//! The simulated program leaves in memory what the interpreter computes, tensor by tensor.

// A test that meets a broken premise should stop there, and may say what it measured.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod support;

use bitgauge_arch::Accelerator;
use bitgauge_arch::codec::Codec;
use bitgauge_compiler::{Options, compile};
use bitgauge_models::integer::{IntGraph, Window};
use support::compare::compare;
use support::{Builder, DESIGNS, UNSIGNED, narrowed, shape, window, zoo};

#[test]
fn every_operator_is_bit_exact_on_every_design() {
    for (design, text) in DESIGNS {
        let accelerator = Accelerator::from_toml(text).unwrap();
        for (number, (name, graph)) in zoo().into_iter().enumerate() {
            let kept = Options { reuse_memory: false, ..Options::default() };
            compare(&format!("{design} {name}"), &graph, &accelerator, &kept);
            let bytes = Options { codec: Codec::None, ..Options::default() };
            compare(&format!("{design} bytes {name}"), &graph, &accelerator, &bytes);
            let narrow = narrowed(&graph, number);
            compare(&format!("{design} narrow weights {name}"), &narrow, &accelerator, &kept);
        }
    }
}

#[test]
fn a_cramped_design_is_bit_exact() {
    let mut accelerator = Accelerator::from_toml(DESIGNS[0].1).unwrap();
    accelerator.scratchpad.banks = 4;
    accelerator.scratchpad.weight_banks = 2;
    accelerator.scratchpad.activation_kib = 8;
    accelerator.scratchpad.weight_kib = 8;
    accelerator.post.parameter_entries = 64;
    let mut compared = 0;
    for (name, graph) in zoo() {
        let kept = Options { reuse_memory: false, ..Options::default() };
        if compile(&graph, &accelerator, &kept).is_ok() {
            compare(&name, &graph, &accelerator, &kept);
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared}");
}

/// Inverted bottlenecks: layers on the array and on the vector unit by turns.
fn bottlenecks() -> IntGraph {
    let mut b = Builder::new(5);
    let mut x = b.input(shape(1, 28, 28, 16), UNSIGNED);
    for (kernel, stride) in [(3, 1), (5, 2), (3, 1)] {
        x = b.conv(x, Window::POINT, 1, 96, UNSIGNED);
        x = b.depthwise(x, window([kernel; 2], [stride; 2], [kernel / 2; 4], [1, 1]), UNSIGNED);
        x = b.conv(x, Window::POINT, 1, 32, UNSIGNED);
    }
    b.finish(&[x])
}

#[test]
fn layers_beside_each_other_are_bit_exact_and_overlap() {
    let graph = bottlenecks();
    for (design, text) in DESIGNS {
        let accelerator = Accelerator::from_toml(text).unwrap();
        for reuse_memory in [false, true] {
            let options = Options { reuse_memory, ..Options::default() };
            let cycles = compare(design, &graph, &accelerator, &options);
            let program = compile(&graph, &accelerator, &options).unwrap();
            let beside = program.layers.iter().filter(|layer| layer.mapping.contains("beside")).count();
            let after: u64 = program.layers.iter().map(|layer| layer.bound_cycles).sum();
            println!("{design}: {cycles} cycles, {after} one after the other, {beside} layers beside others");
            if design.contains("16x16") {
                assert!(beside > 0 && cycles < after, "{cycles} {after} {beside}");
            }
        }
    }
}
