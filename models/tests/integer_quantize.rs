//! Quantization of small graphs built by hand, without any file.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

use bitgauge_models::float::ops::pad::Pad;
use bitgauge_models::float::ops::slice::{Range, Slice};
use bitgauge_models::float::ops::{clip::Clip, conv::Conv, window::Window};
use bitgauge_models::float::{FloatGraph, Node, Op, Tensor, ValueId, passes, run};
use bitgauge_models::integer::evaluate::{encode_inputs, logits, noise};
use bitgauge_models::integer::{
    Assignment, IntOp, Prepared, QuantizeError, QuantizeOptions, calibrate, quantize,
};

fn wave(count: usize, phase: f32) -> Vec<f32> {
    (0..count).map(|i| ((i as f32) * 0.7 + phase).sin() * (1.0 + (i % 5) as f32 * 0.3)).collect()
}

fn constant(graph: &mut FloatGraph, name: &str, shape: Vec<usize>) -> ValueId {
    let data = wave(shape.iter().product(), name.len() as f32);
    graph.add_constant(name, Tensor::new(shape, data).unwrap())
}

fn node(graph: &mut FloatGraph, name: &str, op: Op, inputs: Vec<ValueId>, shape: Vec<usize>) -> ValueId {
    let output = graph.add_value(name, shape);
    graph.nodes.push(Node { name: format!("{name}/node"), op, inputs, outputs: vec![output] });
    output
}

fn conv(kernel: usize, groups: usize) -> Op {
    let window = Window {
        kernel: [kernel; 2],
        strides: [1, 1],
        dilations: [1, 1],
        pads: [kernel / 2; 4],
        ceil_mode: false,
    };
    Op::Conv(Conv { window, groups })
}

/// conv 3x3, ReLU6, depthwise, point conv with residual.
fn block() -> FloatGraph {
    let mut g = FloatGraph { name: "block".to_owned(), ..FloatGraph::default() };
    let x = g.add_value("x", vec![1, 6, 5, 4]);
    g.inputs = vec![x];
    let map = vec![1, 6, 5, 4];
    let (w, b) = (constant(&mut g, "w", vec![6, 6, 3, 3]), constant(&mut g, "bias", vec![6]));
    let a = node(&mut g, "a", conv(3, 1), vec![x, w, b], map.clone());
    let a = node(&mut g, "relu6", Op::Clip(Clip { min: 0.0, max: 6.0 }), vec![a], map.clone());
    let w = constant(&mut g, "depth", vec![6, 1, 3, 3]);
    let d = node(&mut g, "d", conv(3, 6), vec![a, w], map.clone());
    let w = constant(&mut g, "point", vec![6, 6, 1, 1]);
    let p = node(&mut g, "p", conv(1, 1), vec![d, w], map.clone());
    let add = Op::Binary(bitgauge_models::float::ops::binary::Binary::Add);
    let y = node(&mut g, "y", add, vec![a, p], map);
    g.outputs = vec![y];
    g.validate().unwrap();
    g
}

fn image(index: usize) -> Vec<Tensor> {
    vec![Tensor::new(vec![1, 6, 5, 4], wave(120, index as f32)).unwrap()]
}

#[test]
fn a_residual_block_becomes_three_nodes() {
    let float = block();
    let seen = calibrate(&float, 8, image).unwrap();
    let graph = quantize(&float, &seen, &QuantizeOptions::default()).unwrap();
    assert_eq!(graph.nodes.len(), 3, "{}", graph.to_text());
    assert!(matches!(graph.nodes[2].op, IntOp::Conv { residual: Some(_), .. }));
    let prepared = Prepared::new(&graph).unwrap();
    let reference = run(&float, &image(3)).unwrap();
    let got = logits(&prepared, &image(3)).unwrap();
    let want = reference[0].data();
    let error = (0..120).map(|i| (got[i] - want[i]).abs()).fold(0.0, f32::max);
    assert!(error < 0.03 * reference[0].max_abs(), "{error}");
    for tensor in noise(&graph, &float, 8, image).unwrap() {
        assert!(tensor.decibels > 28.0, "{tensor:?}");
    }
}

#[test]
fn quantization_is_deterministic_and_uses_fewer_bits_on_demand() {
    let float = block();
    let seen = calibrate(&float, 8, image).unwrap();
    let options = QuantizeOptions { bits: Assignment::uniform(4, 5), ..QuantizeOptions::default() };
    let first = quantize(&float, &seen, &options).unwrap();
    let again = quantize(&float, &calibrate(&float, 8, image).unwrap(), &options).unwrap();
    assert_eq!(first.to_bytes(), again.to_bytes());
    let IntOp::Conv { weight, .. } = &first.nodes[0].op else { unreachable!() };
    assert_eq!(weight.bits, 4);
    let mut unknown = options.clone();
    unknown.bits.weights.layers.insert("nowhere".to_owned(), 4);
    let error = quantize(&float, &seen, &unknown).unwrap_err().to_string();
    assert!(
        error.starts_with("bits: the network has no layer with weights `nowhere`; the nearest"),
        "{error}"
    );
    assert!(weight.iter().all(|w| (-7..=7).contains(w)));
}

#[test]
fn what_is_not_supported_is_named() {
    let mut float = block();
    let y = float.outputs[0];
    let mul = Op::Binary(bitgauge_models::float::ops::binary::Binary::Mul);
    let z = node(&mut float, "z", mul, vec![y, y], vec![1, 6, 5, 4]);
    float.outputs = vec![z];
    let seen = calibrate(&float, 1, image).unwrap();
    let error = quantize(&float, &seen, &QuantizeOptions::default()).unwrap_err();
    assert!(matches!(&error, QuantizeError::Unsupported { node, .. } if node == "z/node"), "{error}");
    let options = QuantizeOptions { bits: Assignment::uniform(9, 8), ..QuantizeOptions::default() };
    let error = quantize(&float, &seen, &options).unwrap_err();
    assert_eq!(error.to_string(), "bits: weights.default = 9 (possible: 2 to 8)");
}

/// ResNet's option A: every second pixel, and channels of zeros before and after.
#[test]
fn a_shortcut_of_slice_and_pad_loses_no_code() {
    let mut float = FloatGraph { name: "shortcut".to_owned(), ..FloatGraph::default() };
    let x = float.add_value("x", vec![1, 6, 5, 4]);
    float.inputs = vec![x];
    let range = |axis, len| Range { axis, start: 0, len, step: 2 };
    let slice = Op::Slice(Slice { ranges: vec![range(2, 3), range(3, 2)] });
    let cut = node(&mut float, "cut", slice, vec![x], vec![1, 6, 3, 2]);
    let pad = Op::Pad(Pad { before: vec![0, 3, 0, 0], after: vec![0, 2, 0, 0], value: 0.0 });
    let y = node(&mut float, "y", pad, vec![cut], vec![1, 11, 3, 2]);
    float.outputs = vec![y];
    passes::simplify(&mut float).unwrap();
    let seen = calibrate(&float, 8, image).unwrap();
    let graph = quantize(&float, &seen, &QuantizeOptions::default()).unwrap();
    let [only] = &graph.nodes[..] else { panic!("{}", graph.to_text()) };
    assert!(matches!(only.op, IntOp::Conv { .. }));
    let inputs = encode_inputs(&graph, &image(3)).unwrap();
    let got = logits(&Prepared::new(&graph).unwrap(), &image(3)).unwrap();
    let code = graph.tensor(graph.inputs[0]).code;
    // The output is in the order of ONNX, the input's codes in that of storage: channels fastest. The output's
    // 16-bit codes are far finer than the input's, so what remains is the input's code itself.
    for (at, &got) in got.iter().enumerate() {
        let (pixel, channel) = (at % 6, at / 6);
        let from = (pixel / 2 * 2) * 4 + pixel % 2 * 2;
        let want = match channel.checked_sub(3).filter(|&c| c < 6) {
            Some(c) => code.decode(i32::from(inputs[0][from * 6 + c] as i8)),
            None => 0.0,
        };
        assert!((f64::from(got) - want).abs() < 0.01 * code.scale, "{at}: {got}, not {want}");
    }
}
