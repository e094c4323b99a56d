//! Every operator compiles for every reference design, and the validator finds no race.

// A test that meets a broken premise should stop there, and may say what it measured.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod support;

use bitgauge_arch::Accelerator;
use bitgauge_arch::codec::Codec;
use bitgauge_compiler::{CompileError, Options, compile};
use bitgauge_models::integer::Window;
use support::{Builder, DESIGNS, SIGNED, UNSIGNED, shape, window, zoo};

fn options() -> Vec<Options> {
    let plain = Options::default();
    vec![
        Options { reuse_memory: false, ..plain.clone() },
        Options { codec: Codec::None, ..plain.clone() },
        plain,
    ]
}

#[test]
fn every_operator_compiles_and_validates() {
    for (design, text) in DESIGNS {
        let accelerator = Accelerator::from_toml(text).unwrap();
        for (name, graph) in zoo() {
            for options in options() {
                compile(&graph, &accelerator, &options)
                    .unwrap_or_else(|error| panic!("{design} {name}: {error}"));
            }
        }
    }
}

#[test]
fn small_designs_work() {
    let mut accelerator = Accelerator::from_toml(DESIGNS[0].1).unwrap();
    accelerator.scratchpad.banks = 4;
    accelerator.scratchpad.weight_banks = 2;
    accelerator.scratchpad.activation_kib = 16;
    accelerator.scratchpad.weight_kib = 16;
    accelerator.post.parameter_entries = 64;
    for (name, graph) in zoo() {
        match compile(&graph, &accelerator, &Options::default()) {
            Ok(_) => {}
            Err(CompileError::DoesNotFit { needed, available, .. }) => assert!(needed > available, "{name}"),
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn what_does_not_fit_says_so() {
    let mut accelerator = Accelerator::from_toml(DESIGNS[1].1).unwrap();
    accelerator.scratchpad.weight_kib = 4;
    let mut b = Builder::new(1);
    let x = b.input(shape(1, 4, 4, 1024), UNSIGNED);
    let y = b.conv(x, window([5, 5], [1, 1], [2; 4], [1, 1]), 1, 16, SIGNED);
    let graph = b.finish(&[y]);
    match compile(&graph, &accelerator, &Options::default()) {
        Err(CompileError::DoesNotFit { layer, needed, available, hint, .. }) => {
            assert_eq!((layer.as_str(), needed, available), ("n0", 400, 256));
            assert!(hint.contains("weight_kib"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_same_graph_gives_the_same_program() {
    let accelerator = Accelerator::from_toml(DESIGNS[1].1).unwrap();
    for (_, graph) in zoo() {
        let once = compile(&graph, &accelerator, &Options::default()).unwrap();
        assert_eq!(once, compile(&graph, &accelerator, &Options::default()).unwrap());
    }
}

/// The layers of EfficientNet-Lite0, roughly: a stem and inverted bottlenecks.
fn deep_network() -> bitgauge_models::integer::IntGraph {
    let mut b = Builder::new(3);
    let mut x = b.input(shape(1, 224, 224, 3), UNSIGNED);
    x = b.conv(x, window([3, 3], [2, 2], [0, 0, 1, 1], [1, 1]), 1, 32, UNSIGNED);
    let blocks = [
        (1, 3, 1, 16, 1),
        (6, 3, 2, 24, 2),
        (6, 5, 2, 40, 2),
        (6, 3, 2, 80, 3),
        (6, 5, 1, 112, 3),
        (6, 5, 2, 192, 4),
        (6, 3, 1, 320, 1),
    ];
    for (expand, kernel, stride, outputs, repeats) in blocks {
        for repeat in 0..repeats {
            let stride = if repeat == 0 { stride } else { 1 };
            let channels = b.shape_of(x).channels;
            if expand > 1 {
                x = b.conv(x, Window::POINT, 1, expand * channels, UNSIGNED);
            }
            let pad = kernel / 2;
            x = b.depthwise(x, window([kernel, kernel], [stride, stride], [pad; 4], [1, 1]), UNSIGNED);
            x = b.conv(x, Window::POINT, 1, outputs, SIGNED);
        }
    }
    x = b.conv(x, Window::POINT, 1, 1280, SIGNED);
    b.finish(&[x])
}

#[test]
fn a_deep_network_compiles_fast() {
    for (design, text) in DESIGNS {
        let accelerator = Accelerator::from_toml(text).unwrap();
        let graph = deep_network();
        let start = std::time::Instant::now();
        let program = compile(&graph, &accelerator, &Options::default()).unwrap();
        println!(
            "{design}: {:?}, {} words, {} bytes",
            start.elapsed(),
            program.words.len(),
            program.memory_bytes
        );
    }
}
