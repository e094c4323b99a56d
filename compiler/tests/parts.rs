//! Sums of more products than the weight scratchpad has room for are made in parts, bit by bit the same.

// A test that meets a broken premise should stop there.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use bitgauge_arch::Accelerator;
use bitgauge_arch::command::{Decoder, Operation};
use bitgauge_compiler::{Options, compile};
use bitgauge_models::integer::{IntGraph, IntOp, Window};
use support::compare::compare;
use support::{Builder, DESIGNS, Draw as _, SIGNED, UNSIGNED, WIDE, shape, window};

/// Windows with padding, stride and dilation, over maps narrower and wider than the array; sums that a residual is
/// added to; a layer over all of a map; heads; a grouped convolution.
fn layers() -> Vec<(String, IntGraph)> {
    let mut all = Vec::new();
    let windows = [
        (Window::POINT, [9, 5], 1700),
        (window([3, 3], [1, 1], [1; 4], [1, 1]), [7, 6], 150),
        (window([3, 3], [2, 2], [1, 1, 0, 0], [1, 1]), [9, 40], 170),
        (window([3, 2], [1, 1], [2, 3, 2, 1], [2, 2]), [8, 21], 260),
    ];
    for (index, (window, [rows, cols], channels)) in windows.into_iter().enumerate() {
        for (outputs, code, added) in [(40, SIGNED, true), (16, WIDE, false), (12, UNSIGNED, false)] {
            let mut b = Builder::new(index as u64);
            let x = b.input(shape(1, rows, cols, channels), UNSIGNED);
            let [rows, cols] = window.output(rows, cols).unwrap();
            let to = shape(1, rows, cols, outputs);
            let other = added.then(|| b.input(to, SIGNED));
            let residual = other.map(|other| b.residual(other));
            let op = b.conv_op(x, window, outputs, &code, code.bits == 8, residual);
            let inputs: Vec<_> = [x].into_iter().chain(other).collect();
            let y = b.node(op, &inputs, to, code);
            all.push((format!("{window:?} to {outputs}"), b.finish(&[y])));
        }
    }
    let mut b = Builder::new(9);
    let x = b.input(shape(1, 4, 4, 64), UNSIGNED);
    let y = b.conv(x, Window { kernel: [4, 4], ..Window::POINT }, 1, 70, SIGNED);
    all.push(("linear over a map".to_owned(), b.finish(&[y])));
    let mut b = Builder::new(10);
    let x = b.input(shape(3, 20, 1, 400), SIGNED);
    let y = b.conv(x, Window::POINT, 2, 32, SIGNED);
    all.push(("heads".to_owned(), b.finish(&[y])));
    let mut b = Builder::new(11);
    let x = b.input(shape(1, 6, 5, 320), UNSIGNED);
    let mut op = b.conv_op(x, window([3, 3], [1, 1], [1; 4], [1, 1]), 64, &SIGNED, false, None);
    if let IntOp::Conv { parts, weight, .. } = &mut op {
        *parts = 2;
        *weight = b.random.weights(9 * 160 * 64);
    }
    let y = b.node(op, &[x], shape(1, 6, 5, 64), SIGNED);
    all.push(("grouped".to_owned(), b.finish(&[y])));
    all
}

#[test]
fn sums_in_parts_are_bit_exact() {
    for (design, text) in DESIGNS {
        let mut accelerator = Accelerator::from_toml(text).unwrap();
        let lines = |kib: u32| kib * 1024 / accelerator.line_bytes();
        // A fold's weights take a line for each byte of an output's: no layer has so few.
        accelerator.scratchpad.weight_kib = [4, 8, 16].into_iter().rfind(|&kib| lines(kib) <= 512).unwrap();
        for (name, graph) in layers() {
            let program = compile(&graph, &accelerator, &Options::default())
                .unwrap_or_else(|error| panic!("{design} {name}: {error}"));
            assert!(program.layers[0].mapping.contains("sums in"), "{name}: {}", program.layers[0].mapping);
            let mut decoder = Decoder::default();
            let kept =
                program.words.iter().filter_map(|word| decoder.step(&word.decode().unwrap())).filter(
                    |command| matches!(&command.operation, Operation::Compute(c) if c.accumulate == 1),
                );
            assert!(kept.count() > 0, "{name}");
            compare(&format!("{design} {name}"), &graph, &accelerator, &Options::default());
        }
    }
}
