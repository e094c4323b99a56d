//! Does the simulator compute what the interpreter computes, to the last bit?

// Helpers outside of #[test] functions fail the test by panicking; what is measured is said.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeMap;

use bitgauge_arch::codec::Codec;
use bitgauge_arch::program::TensorRole;
use bitgauge_compiler::{Options, compile};
use bitgauge_models::float::{FloatGraph, Op};
use bitgauge_models::integer::{
    Assignment, ChannelShifts, IntOp, Prepared, QuantizeOptions, calibrate, evaluate, quantize,
    quantize_traced,
};
use bitgauge_testing::Random;
use bitgauge_tests::networks::{branches, noise};
use bitgauge_tests::orders;
use bitgauge_tests::widths::{Draw, mixed, mixed_as, seen};
use bitgauge_tests::{
    DESIGNS, Images, KINDS, MODELS, assert_equal, design, equal, float_model, repository, same_tensors,
    shipped,
};

const OBSERVED: Options = Options { reuse_memory: false, codec: Codec::Pack, observe: true };

#[test]
fn every_tensor_of_the_shipped_models_on_the_shipped_designs() {
    let images = Images::mnist("test");
    let images: Vec<_> = (0..3).map(|index| images.tensor(index)).collect();
    for model in MODELS {
        let graph = shipped(model, QuantizeOptions::default());
        for name in DESIGNS {
            let case = format!("{model} on {name}");
            let (_, bytes) = assert_equal(&case, &graph, &design(name), &OBSERVED, &images);
            // All activations were compared, not the output alone.
            let least: usize =
                graph.nodes.iter().map(|node| graph.tensor(node.output).shape.elements()).sum();
            assert!(bytes > images.len() * least / 2, "{case}: only {bytes} bytes compared");
        }
    }
}

#[test]
fn outputs_with_memory_reused_and_layers_fused() {
    let images = Images::mnist("test");
    let images: Vec<_> = (10..14).map(|index| images.tensor(index)).collect();
    for model in MODELS {
        let graph = shipped(model, QuantizeOptions::default());
        for name in DESIGNS {
            let (_, bytes) = assert_equal(
                &format!("{model} on {name}"),
                &graph,
                &design(name),
                &Options::default(),
                &images,
            );
            assert_eq!(bytes, images.len() * 20, "ten logits of two bytes");
        }
    }
}

/// A byte that differs in the first, a middle or the last place of any tensor, and tensors that are too long.
#[test]
fn the_comparison_sees_a_difference_in_every_tensor() {
    let graph = shipped(MODELS[1], QuantizeOptions::default());
    let program = compile(&graph, &design(DESIGNS[0]), &OBSERVED).unwrap();
    let inputs = evaluate::encode_inputs(&graph, &[Images::mnist("test").tensor(0)]).unwrap();
    let mut machine = None;
    let (_, bytes) = equal(&graph, &program, false, &mut machine, &inputs).unwrap();
    let memory = machine.unwrap().memory().to_vec();
    let right = Prepared::new(&graph).unwrap().run(&inputs).unwrap();
    assert_eq!(same_tensors(&program, false, &memory, &right), Ok(bytes));
    for symbol in &program.tensors {
        let tensor = symbol.graph_tensor as usize;
        let length = right[tensor].as_ref().unwrap().len();
        for reused in [false, true] {
            let seen = !reused || symbol.role == TensorRole::Output;
            for at in [0, length / 2, length - 1] {
                let mut wanted = right.clone();
                wanted[tensor].as_mut().unwrap()[at] ^= 1;
                let found = same_tensors(&program, reused, &memory, &wanted);
                let said = format!("`{}`: 1 of {length} bytes differ", symbol.name);
                assert_eq!(found.err(), seen.then_some(said));
            }
            let mut wanted = right.clone();
            wanted[tensor].as_mut().unwrap().push(0);
            assert_eq!(same_tensors(&program, reused, &memory, &wanted).is_err(), seen);
        }
    }
}

/// Operators that simplification writes with others, in one network: simulator and interpreter agree, and the codes
/// stay near the float values.
#[test]
fn channels_split_shuffled_and_joined() {
    near_and_equal(&branches(3), &[1, 3, 15, 13], 30.0);
}

/// Layers over other axes than the channels, and what is moved for them.
#[test]
fn codes_in_other_orders() {
    for (_, float, shape) in orders::all(3) {
        near_and_equal(&float, &shape, 27.0);
    }
}

fn near_and_equal(float: &FloatGraph, shape: &[usize], decibels: f64) {
    let mut random = Random(5);
    let images: Vec<_> = (0..3).map(|_| noise(&mut random, shape, 0.0, 1.0)).collect();
    let calibration = calibrate(float, images.len(), |index| vec![images[index].clone()]).unwrap();
    let graph = quantize(float, &calibration, &QuantizeOptions::default()).unwrap();
    for name in DESIGNS {
        assert_equal(name, &graph, &design(name), &OBSERVED, &images);
    }
    let noise = evaluate::noise(&graph, float, images.len(), |index| vec![images[index].clone()]).unwrap();
    let output = noise.last().unwrap();
    assert!(output.decibels > decibels, "{} {}: {:.1} dB", float.name, output.value, output.decibels);
}

#[test]
fn narrow_codes_packed_in_memory() {
    let images = Images::mnist("test");
    for (weights, activations, stream) in [(4, 4, 8), (2, 6, 16), (8, 3, 8)] {
        let options = QuantizeOptions {
            bits: Assignment { stream, ..Assignment::uniform(weights, activations) },
            ..QuantizeOptions::default()
        };
        for model in MODELS {
            let graph = shipped(model, options.clone());
            for codec in [Codec::None, Codec::Pack] {
                let case = format!("{model}, {weights}/{activations}/{stream} bits, {codec:?}");
                let packed = Options { codec, ..OBSERVED };
                assert_equal(&case, &graph, &design("reference-16x16"), &packed, &[images.tensor(5)]);
            }
        }
    }
}

/// Every layer and every tensor has another width, drawn anew for each seed; what is written down of it makes the same
/// network again.
#[test]
fn widths_mixed_layer_by_layer() {
    let images = Images::mnist("calibration");
    for model in MODELS {
        for seed in 0..3 {
            let (quantized, drawn) = mixed(model, seed, 8);
            for node in &quantized.graph.nodes {
                if let IntOp::Conv { weight, .. } | IntOp::Depthwise { weight, .. } = &node.op {
                    assert_eq!(weight.bits, drawn.weights.layers[&node.name], "{model}, {}", node.name);
                }
            }
            // Whatever has other bits than were asked for is said to.
            let noted = quantized.trace.notes.iter().filter(|note| note.starts_with("bits: `")).count();
            let other = quantized.graph.tensors.iter().filter(|tensor| {
                let asked = tensor.float_source.as_ref();
                let asked = asked.and_then(|source| drawn.activations.tensors.get(&source.value));
                asked.is_some_and(|&bits| bits != tensor.code.bits)
            });
            let other: Vec<&str> = other.map(|tensor| tensor.name.as_str()).collect();
            assert!(other.len() <= noted && noted <= 8, "{model}: {other:?}, {:?}", quantized.trace.notes);
            assert!(2 * other.len() < drawn.activations.tensors.len(), "{model}: {other:?}");
            for design_name in ["reference-8x8", "reference-16x16"].into_iter().chain(KINDS) {
                let case = format!("{model}, seed {seed}, {design_name}");
                assert_equal(&case, &quantized.graph, &design(design_name), &OBSERVED, &[images.tensor(9)]);
            }
        }
    }
}

/// What softmax and tables make has two scales, on elements that shift each product and on those that take a line twice.
/// Without gates for them the layer is named.
#[test]
fn codes_of_two_scales() {
    let images = Images::mnist("calibration");
    let mut scaled = 0;
    for seed in 0..4 {
        let graph = mixed_as("vit_mnist", Draw { seed, most: 8, tag_shift: 8, channel_shift: 0 }).0.graph;
        scaled += graph.tensors.iter().filter(|tensor| tensor.code.tag_shift > 0).count();
        for name in ["reference-8x8", "reference-16x16"].into_iter().chain(KINDS) {
            let mut accelerator = design(name);
            let error = compile(&graph, &accelerator, &OBSERVED).map(drop).unwrap_err().to_string();
            assert!(error.contains("layer `/") && error.contains("raise [array] tag_shift to"), "{error}");
            accelerator.array.tag_shift = 8;
            let case = format!("seed {seed}, {name}");
            assert_equal(&case, &graph, &accelerator, &OBSERVED, &[images.tensor(9)]);
        }
    }
    assert!(scaled >= 8, "{scaled} tensors of two scales");
    // A clamp is no table: its tensor keeps one scale, and is named.
    let float = float_model(&repository("models/zoo/cnn_mnist.onnx"));
    let calibration = calibrate(&float, 2, |index| vec![images.tensor(index)]).unwrap();
    let relu = float.nodes.iter().find(|node| matches!(node.op, Op::Clip(_) | Op::Unary(_))).unwrap();
    let name = float.value(relu.outputs[0]).name.clone();
    let mut bits = Assignment::default();
    bits.activations.two_scales.insert(name.clone(), 2);
    let options = QuantizeOptions { bits, input: images.input_code(), ..QuantizeOptions::default() };
    let notes = quantize_traced(&float, &calibration, &options).unwrap().trace.notes;
    let said = format!("bits: `{name}` has one scale");
    assert!(notes.iter().any(|note| note.starts_with(&said)), "{notes:?}");
}

/// Channels of a stream of 8 bits have steps of their own: what LayerNorm reads and residuals bring. Without gates for
/// them the layer is named.
#[test]
fn channels_with_steps_of_their_own() {
    let images = Images::mnist("calibration");
    for (seed, channel_shift) in [(0, 1), (1, 3), (2, 7)] {
        let graph = mixed_as("vit_mnist", Draw { seed, most: 8, tag_shift: 0, channel_shift }).0.graph;
        let shifted = graph.tensors.iter().filter_map(|tensor| tensor.channel_shifts.as_ref());
        let most: Vec<u8> = shifted.map(|shifts| shifts.iter().copied().max().unwrap_or(0)).collect();
        assert!(most.len() >= 8 && most.iter().all(|&most| most > 0), "{most:?}");
        for name in ["reference-8x8", "reference-16x16"].into_iter().chain(KINDS) {
            let mut accelerator = design(name);
            let error = compile(&graph, &accelerator, &OBSERVED).map(drop).unwrap_err().to_string();
            assert!(error.contains("layer `/") && error.contains("channel_shifts = true"), "{error}");
            accelerator.vector.channel_shifts = true;
            let case = format!("seed {seed}, {name}");
            assert_equal(&case, &graph, &accelerator, &OBSERVED, &[images.tensor(9)]);
        }
    }
}

/// Of 8 bits, steps of their own keep more of the stream's channels than one step for all.
#[test]
fn channels_with_steps_of_their_own_lose_less() {
    let images = Images::mnist("calibration");
    let float = float_model(&repository("models/zoo/vit_mnist.onnx"));
    let calibration = seen(&float, 32, |index| vec![images.tensor(index)]);
    let noise = |greatest: u8| {
        let channel_shifts = ChannelShifts { greatest, ..ChannelShifts::default() };
        let bits = Assignment { stream: 8, channel_shifts, ..Assignment::default() };
        let options = QuantizeOptions { bits, input: images.input_code(), ..QuantizeOptions::default() };
        let quantized = quantize_traced(&float, &calibration, &options).unwrap();
        assert_eq!(quantized.trace.notes, Vec::<String>::new());
        let shifted: Vec<&str> = quantized
            .graph
            .tensors
            .iter()
            .filter(|t| t.channel_shifts.is_some())
            .map(|t| t.name.as_str())
            .collect();
        let noise = evaluate::noise(&quantized.graph, &float, 8, |index| vec![images.tensor(index)]).unwrap();
        let named: BTreeMap<String, f64> = noise.into_iter().map(|n| (n.tensor, n.decibels)).collect();
        (shifted.into_iter().map(str::to_owned).collect::<Vec<_>>(), named)
    };
    let ((none, one), (shifted, own)) = (noise(0), noise(3));
    assert!(none.is_empty() && shifted.len() >= 8, "{shifted:?}");
    let gained: Vec<f64> = shifted.iter().filter_map(|name| Some(own.get(name)? - one.get(name)?)).collect();
    eprintln!("decibels gained by steps of their own: {gained:.1?}");
    assert!(gained.iter().sum::<f64>() > 0.0, "{gained:?}");
}

/// Of as many bits, two scales lose less of what softmax and GELU make in the shipped ViT.
#[test]
fn two_scales_keep_more_than_one() {
    let images = Images::mnist("calibration");
    let float = float_model(&repository("models/zoo/vit_mnist.onnx"));
    let image = |index| vec![images.tensor(index)];
    let calibration = calibrate(&float, 8, image).unwrap();
    for (bits, softmax, gelu) in [(4, 4, 2), (6, 3, 2)] {
        let noise = |two: bool| {
            let mut asked = Assignment::uniform(8, 8);
            for node in &float.nodes {
                let shift = match node.op {
                    Op::Softmax(_) => softmax,
                    Op::Gelu(_) => gelu,
                    _ => continue,
                };
                let name = float.value(node.outputs[0]).name.clone();
                asked.activations.tensors.insert(name.clone(), bits);
                if two {
                    asked.activations.two_scales.insert(name, shift);
                }
            }
            let options = QuantizeOptions {
                bits: asked.clone(),
                input: images.input_code(),
                ..QuantizeOptions::default()
            };
            let graph = quantize(&float, &calibration, &options).unwrap();
            let noise = evaluate::noise(&graph, &float, 4, image).unwrap();
            let of = |name: &String| noise.iter().find(|row| row.value == *name).unwrap().decibels;
            asked.activations.tensors.keys().map(of).collect::<Vec<f64>>()
        };
        let (one, two) = (noise(false), noise(true));
        eprintln!("{bits} bits: {one:.1?} dB with one scale, {two:.1?} with two");
        assert!(one.len() >= 4, "{}", one.len());
        let gains: Vec<f64> = one.iter().zip(&two).map(|(one, two)| two - one).collect();
        assert!(gains.iter().all(|gain| *gain > 0.0), "{bits} bits: {gains:.1?} dB");
        assert!(gains.iter().sum::<f64>() > 3.0 * gains.len() as f64, "{bits} bits: {gains:.1?} dB");
    }
}

#[test]
fn scratchpads_so_small_that_everything_is_tiled() {
    let images = Images::mnist("test");
    let mut small = design("reference-16x16");
    small.scratchpad.activation_kib = 8;
    small.scratchpad.weight_kib = 8;
    for model in MODELS {
        let graph = shipped(model, QuantizeOptions::default());
        assert_equal(model, &graph, &small, &OBSERVED, &[images.tensor(7)]);
    }
}

/// An array of 4-bit multipliers names the layer that is too wide for it; the same network within 4 bits compiles.
#[test]
fn wide_layers_are_refused_by_narrow_elements() {
    let accelerator = design("fixed-4-bit-16x16");
    let compiled = |most| {
        let graph = mixed("cnn_mnist", 3, most).0.graph;
        compile(&graph, &accelerator, &Options::default()).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(compiled(4), Ok(()));
    let error = compiled(8).unwrap_err();
    assert!(error.contains("layer `/") && error.contains("the array's elements take up to 4"), "{error}");
}
