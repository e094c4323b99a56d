//! Depthwise convolution runs on the better of array and vector unit, bit by bit the same.

// A test that meets a broken premise should stop there, and may say what it measured.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod support;

use bitgauge_arch::command::{Decoder, Operation, VectorFunction};
use bitgauge_arch::{Accelerator, Program};
use bitgauge_compiler::{Options, compile};
use bitgauge_models::integer::{IntGraph, Window};
use support::compare::compare;
use support::{Builder, CENTRED, DESIGNS, SIGNED, UNSIGNED, WIDE, shape, window};

/// Commands of depthwise layers on the array, and on the vector unit.
fn used(program: &Program) -> (usize, usize) {
    let depthwise = VectorFunction::Depthwise.code();
    let mut decoder = Decoder::default();
    let commands: Vec<_> =
        program.words.iter().filter_map(|word| decoder.step(&word.decode().unwrap())).collect();
    let count = |wanted: &dyn Fn(&Operation) -> bool| {
        commands.iter().filter(|command| wanted(&command.operation)).count()
    };
    (
        count(&|operation| matches!(operation, Operation::Compute(compute) if compute.grouped == 1)),
        count(&|operation| matches!(operation, Operation::Vector(vector) if vector.function == depthwise)),
    )
}

fn with_lanes(design: &str, lanes: u32) -> Accelerator {
    let mut accelerator = Accelerator::from_toml(design).unwrap();
    accelerator.vector.lanes = lanes;
    accelerator
}

fn layer(size: [usize; 2], channels: usize, window: Window) -> IntGraph {
    let mut b = Builder::new(channels as u64);
    let code = if channels.is_multiple_of(8) { UNSIGNED } else { SIGNED };
    let x = b.input(shape(1, size[0], size[1], channels), code);
    let output = [SIGNED, WIDE, CENTRED][channels % 3];
    let y = b.depthwise(x, window, output);
    b.finish(&[y])
}

fn layers() -> Vec<(String, IntGraph)> {
    let windows = [
        window([3, 3], [1, 1], [1, 1, 1, 1], [1, 1]),
        window([5, 5], [2, 2], [2, 2, 2, 2], [1, 1]),
        window([3, 2], [2, 1], [2, 0, 1, 1], [2, 1]),
    ];
    let mut all = Vec::new();
    for window in windows {
        for channels in [12, 16, 24, 40] {
            all.push((format!("{window:?} of {channels}"), layer([19, 14], channels, window)));
        }
    }
    all
}

#[test]
fn few_lanes_leave_depthwise_to_the_array() {
    let accelerator = with_lanes(DESIGNS[1].1, 2);
    for (name, graph) in layers() {
        compare(&name, &graph, &accelerator, &Options::default());
        let program = compile(&graph, &accelerator, &Options::default()).unwrap();
        let (array, vector) = used(&program);
        assert!(array > 0 && vector == 0, "{name}: {array} on the array, {vector} on the vector unit");
        assert!(program.layers[0].mapping.starts_with("array, block-diagonal"), "{name}");
    }
}

#[test]
fn channels_are_tiled_where_memories_are_small() {
    let mut accelerator = with_lanes(DESIGNS[1].1, 2);
    accelerator.scratchpad.activation_kib = 32;
    accelerator.scratchpad.weight_kib = 16;
    accelerator.post.parameter_entries = 64;
    let graph = layer([30, 21], 200, window([3, 3], [1, 1], [1, 1, 1, 1], [1, 1]));
    compare("tiled", &graph, &accelerator, &Options::default());
    let program = compile(&graph, &accelerator, &Options::default()).unwrap();
    println!("{}", program.layers[0].mapping);
    let (array, vector) = used(&program);
    assert!(array > 4 && vector == 0, "{array} on the array, {vector} on the vector unit");
}

#[test]
fn narrow_arrays_of_other_sizes_are_bit_exact() {
    for (design, text) in DESIGNS {
        let accelerator = with_lanes(text, 1);
        for (name, graph) in layers() {
            compare(&format!("{design} {name}"), &graph, &accelerator, &Options::default());
        }
    }
    // Several folds in a line.
    let mut accelerator = with_lanes(DESIGNS[1].1, 1);
    accelerator.array.cols = 8;
    accelerator.array.rows = 8;
    accelerator.post.lanes = 8;
    for (name, graph) in layers() {
        compare(&format!("8 columns {name}"), &graph, &accelerator, &Options::default());
        assert!(used(&compile(&graph, &accelerator, &Options::default()).unwrap()).0 > 0);
    }
}

#[test]
fn ties_go_to_the_vector_unit() {
    let reference = Accelerator::from_toml(DESIGNS[1].1).unwrap();
    for (name, graph) in layers() {
        let (array, vector) = used(&compile(&graph, &reference, &Options::default()).unwrap());
        assert!(array == 0 && vector > 0, "{name}: {array} on the array, {vector} on the vector unit");
    }
}

#[test]
fn the_array_beats_few_lanes() {
    let graph = layer([56, 56], 96, window([3, 3], [1, 1], [1, 1, 1, 1], [1, 1]));
    let cycles = |lanes| {
        let accelerator = with_lanes(DESIGNS[1].1, lanes);
        let cycles = compare("56x56 of 96", &graph, &accelerator, &Options::default());
        let program = compile(&graph, &accelerator, &Options::default()).unwrap();
        println!("{lanes} lanes: {cycles} cycles, {}", program.layers[0].mapping);
        (cycles, used(&program))
    };
    let (sixteen, four) = (cycles(16), cycles(4));
    assert!(sixteen.1.0 == 0 && four.1.1 == 0, "{sixteen:?} {four:?}");
    // As fast as four times the lanes, but for the constants.
    assert!(four.0 < sixteen.0 * 11 / 10, "{sixteen:?} {four:?}");
}

#[test]
fn bottlenecks_on_the_array_are_bit_exact() {
    let mut b = Builder::new(5);
    let mut x = b.input(shape(1, 28, 28, 16), UNSIGNED);
    for (kernel, stride) in [(3, 1), (5, 2), (3, 1)] {
        x = b.conv(x, Window::POINT, 1, 96, UNSIGNED);
        x = b.depthwise(x, window([kernel; 2], [stride; 2], [kernel / 2; 4], [1, 1]), UNSIGNED);
        x = b.conv(x, Window::POINT, 1, 32, UNSIGNED);
    }
    let graph = b.finish(&[x]);
    for lanes in [1, 4, 8] {
        let accelerator = with_lanes(DESIGNS[1].1, lanes);
        for reuse_memory in [false, true] {
            let options = Options { reuse_memory, ..Options::default() };
            let cycles = compare("bottlenecks", &graph, &accelerator, &options);
            println!("{lanes} lanes: {cycles} cycles");
        }
    }
}
