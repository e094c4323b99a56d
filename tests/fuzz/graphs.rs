//! Random networks: quantized, compiled and simulated they have to be what the interpreter computes.

use bitgauge_arch::codec::Codec;
use bitgauge_compiler::{Options, compile};
use bitgauge_models::float::ops::binary::Binary;
use bitgauge_models::float::ops::concat::Concat;
use bitgauge_models::float::ops::global_average_pool::GlobalAveragePool;
use bitgauge_models::float::ops::slice::{Range, Slice};
use bitgauge_models::float::ops::unary::Unary;
use bitgauge_models::float::{FloatGraph, Op, Tensor, ValueId, passes};
use bitgauge_models::integer::{Assignment, QuantizeOptions, calibrate, quantize};
use bitgauge_testing::{Random, programs};
use bitgauge_tests::assert_equal;
use bitgauge_tests::networks::{Block, Sketch, noise, transformer};

use crate::changes::Script;

/// Convolutions, depthwise or not, activations, sums with any earlier map of the same channels, and channels that are
/// cut, joined and scaled.
fn maps(script: &mut Script<'_>) -> (FloatGraph, Vec<usize>) {
    let shape = vec![1, 1 + script.below(5), 3 + script.below(10), 3 + script.below(10)];
    let mut sketch = Sketch::new("maps", script.number());
    let x = sketch.input("image", &shape);
    let channels = 2 + script.below(20);
    let kernel = script.of(&[1, 3, 5]);
    let mut at = sketch.conv("stem", x, Some(channels), kernel);
    let mut alike: Vec<(ValueId, usize)> = vec![(at, channels)];
    let mut here = channels;
    for index in 0..script.below(5) {
        let name = format!("layer{index}");
        at = match script.below(9) {
            5 => {
                let start = script.below(here);
                let len = 1 + script.below(here - start);
                here = len;
                let ranges = vec![Range { axis: 1, start, len, step: 1 }];
                sketch.node(&name, Op::Slice(Slice { ranges }), &[at])
            }
            6 => {
                let (other, channels) = script.of(&alike);
                here += channels;
                sketch.node(&name, Op::Concat(Concat { axis: 1 }), &[at, other])
            }
            7 => {
                let mean =
                    sketch.node(&format!("{name}.mean"), Op::GlobalAveragePool(GlobalAveragePool), &[at]);
                let gate = sketch.conv(&format!("{name}.gate"), mean, Some(here), 1);
                let function = script.of(&[Unary::Sigmoid, Unary::Tanh]);
                let gate = sketch.node(&format!("{name}.function"), Op::Unary(function), &[gate]);
                sketch.node(&name, Op::Binary(Binary::Mul), &[at, gate])
            }
            8 => {
                let others: Vec<ValueId> =
                    alike.iter().filter(|(_, channels)| *channels == here).map(|(value, _)| *value).collect();
                let op = script.of(&[Binary::Max, Binary::Min, Binary::Sub]);
                match others.is_empty() {
                    true => at,
                    false => sketch.node(&name, Op::Binary(op), &[at, script.of(&others)]),
                }
            }
            0 => {
                let groups: Vec<usize> = (1..=here).filter(|&groups| here.is_multiple_of(groups)).collect();
                let some = script.of(&groups);
                let groups = script.of(&[1, 1, some]);
                here = groups * (1 + script.below(24usize.div_ceil(groups)));
                let kernel = script.of(&[1, 3]);
                sketch.grouped(&name, at, here, kernel, groups)
            }
            1 => {
                let kernel = script.of(&[3, 5]);
                sketch.conv(&name, at, None, kernel)
            }
            2 => {
                sketch.node(&name, Op::Unary(script.of(&[Unary::Relu, Unary::HardSwish, Unary::Silu])), &[at])
            }
            3 => sketch.node(&name, Op::Unary(script.of(&[Unary::Sigmoid, Unary::Relu])), &[at]),
            _ => {
                let others: Vec<ValueId> = alike
                    .iter()
                    .filter(|(value, channels)| *channels == here && *value != at)
                    .map(|(value, _)| *value)
                    .collect();
                match others.is_empty() {
                    true => at,
                    false => sketch.node(&name, Op::Binary(Binary::Add), &[at, script.of(&others)]),
                }
            }
        };
        alike.push((at, here));
    }
    (sketch.finish(&[at]), shape)
}

fn tokens(script: &mut Script<'_>) -> (FloatGraph, Vec<usize>) {
    let heads = script.of(&[1, 2, 3]);
    let block = Block {
        tokens: 2 + script.below(20),
        channels: heads * script.of(&[4, 8, 10]),
        heads,
        hidden: 4 + script.below(40),
    };
    (transformer(block, 1 + script.below(2), script.number()), vec![1, block.tokens, block.channels])
}

/// Tokens whose layers read other axes than the channels: layers over tokens, windows, parts put elsewhere.
fn orders(script: &mut Script<'_>) -> (FloatGraph, Vec<usize>) {
    let [down, across] = [2, 3].map(|least| least + script.below(5));
    let (tokens, channels) = (down * across, 2 + script.below(30));
    let shape = vec![1, tokens, channels];
    let mut s = Sketch::new("orders", script.number());
    let x = s.input("tokens", &shape);
    let mut at = s.linear("stem", x, channels);
    for index in 0..1 + script.below(5) {
        let name = format!("layer{index}");
        let named = |what: &str| format!("{name}.{what}");
        at = match script.below(5) {
            0 => {
                let turned = s.transpose(&named("turned"), at, &[0, 2, 1]);
                let mixed = s.linear(&name, turned, tokens);
                s.transpose(&named("back"), mixed, &[0, 2, 1])
            }
            1 => {
                let cut = s.reshape(&named("cut"), at, &[1, down, across, channels]);
                let perm = script.of(&[[0, 2, 1, 3], [0, 1, 2, 3]]);
                let turned = s.transpose(&named("turned"), cut, &perm);
                s.reshape(&name, turned, &shape)
            }
            2 => {
                let first = 1 + script.below(tokens - 1);
                let part = |s: &mut Sketch, start, len| {
                    let ranges = vec![Range { axis: 1, start, len, step: 1 }];
                    s.node(&format!("{name}.from{start}"), Op::Slice(Slice { ranges }), &[at])
                };
                let parts = [part(&mut s, first, tokens - first), part(&mut s, 0, first)];
                s.node(&name, Op::Concat(Concat { axis: 1 }), &parts)
            }
            3 => s.layer_norm(&name, at),
            _ => {
                let layer = s.linear(&named("layer"), at, channels);
                s.node(&name, Op::Binary(Binary::Add), &[at, layer])
            }
        };
    }
    let out = s.linear("out", at, 4);
    (s.finish(&[out]), shape)
}

/// Draws a network, an accelerator and options, and compares; false where it was refused by name.
pub fn compare(script: &mut Script<'_>) -> bool {
    let (mut graph, shape) = match script.below(3) {
        0 => maps(script),
        1 => tokens(script),
        _ => orders(script),
    };
    passes::simplify(&mut graph).unwrap();
    let mut random = Random(script.number());
    let images: Vec<Tensor> = (0..3).map(|_| noise(&mut random, &shape, 0.0, 1.0)).collect();
    let calibration = calibrate(&graph, 2, |index| vec![images[index].clone()]).unwrap();
    let options = QuantizeOptions {
        bits: {
            let uniform = Assignment::uniform(script.of(&[8, 8, 6, 4, 2]), script.of(&[8, 8, 6, 4]));
            Assignment { stream: script.of(&[8, 16]), ..uniform }
        },
        ..QuantizeOptions::default()
    };
    let Ok(integer) = quantize(&graph, &calibration, &options) else { return false };
    let accelerator = programs::accelerator(&mut random, 16);
    let codec = script.of(&[Codec::None, Codec::Pack]);
    let options = Options { reuse_memory: script.below(2) == 0, codec, observe: false };
    let fits = compile(&integer, &accelerator, &options).is_ok();
    if fits {
        assert_equal("random graph", &integer, &accelerator, &options, &images[2..]);
    }
    fits
}
