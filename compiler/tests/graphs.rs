//! Every operator compiles for every reference design, and the validator finds no race.

mod support;

use bitgauge_arch::Accelerator;
use bitgauge_compiler::{CodecChoice, CompileError, Options, compile};
use support::{Builder, DESIGNS, SIGNED, UNSIGNED, shape, window, zoo};

fn options() -> Vec<Options> {
    let plain = Options::default();
    vec![
        Options { reuse_memory: false, ..plain.clone() },
        Options { codec: CodecChoice::Pack, ..plain.clone() },
        plain,
    ]
}

#[test]
fn every_operator_compiles_and_validates() {
    for (design, text) in DESIGNS {
        let accelerator = Accelerator::from_toml(text).unwrap();
        for (name, graph) in zoo() {
            for options in options() {
                let program = compile(&graph, &accelerator, &options)
                    .unwrap_or_else(|error| panic!("{design} {name}: {error}"));
                if let Err(problems) = bitgauge_arch::validate::validate(&program) {
                    panic!("{design} {name}: {}", problems[0]);
                }
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
            Ok(program) => bitgauge_arch::validate::validate(&program)
                .unwrap_or_else(|problems| panic!("{name}: {}", problems[0])),
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
    let y = b.conv(x, window([3, 3], [1, 1], [1; 4], [1, 1]), 1, 16, SIGNED);
    let graph = b.finish(&[y]);
    match compile(&graph, &accelerator, &Options::default()) {
        Err(CompileError::DoesNotFit { layer, needed, available, hint, .. }) => {
            assert_eq!((layer.as_str(), needed, available), ("n0", 576, 256));
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
