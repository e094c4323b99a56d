//! Steps of their own for a stream's channels: who gets them, what they keep, and what is refused.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use bitgauge_arch::arith::Post;

use bitgauge_models::float::ops::binary::Binary;
use bitgauge_models::float::ops::layer_norm::LayerNorm;
use bitgauge_models::float::ops::linear::Linear;
use bitgauge_models::float::{FloatGraph, Node, Op, Tensor, ValueId};
use bitgauge_models::integer::evaluate::noise;
use bitgauge_models::integer::{
    Assignment, ChannelShifts, IntGraph, IntOp, IntTensor, QuantizeError, QuantizeOptions, Quantized,
    calibrate_channels, observed, quantize_traced, validate,
};

const CHANNELS: usize = 8;

fn wave(count: usize, phase: f32) -> Vec<f32> {
    (0..count).map(|i| ((i as f32) * 0.7 + phase).sin() * (1.0 + (i % 5) as f32 * 0.3)).collect()
}

fn node(g: &mut FloatGraph, name: &str, op: Op, inputs: Vec<ValueId>) -> ValueId {
    let output = g.add_value(name, vec![1, 6, CHANNELS]);
    g.nodes.push(Node { name: format!("{name}/node"), op, inputs, outputs: vec![output] });
    output
}

fn linear(g: &mut FloatGraph, name: &str, x: ValueId, loud: f32) -> ValueId {
    let mut weights = wave(CHANNELS * CHANNELS, name.len() as f32);
    // One output channel, whose weights are a row.
    weights[2 * CHANNELS..3 * CHANNELS].iter_mut().for_each(|w| *w *= loud);
    let w = g.add_constant(&format!("{name}/w"), Tensor::new(vec![CHANNELS, CHANNELS], weights).unwrap());
    node(g, name, Op::Linear(Linear), vec![x, w])
}

fn norm(g: &mut FloatGraph, name: &str, x: ValueId) -> ValueId {
    let [scale, bias] = ["scale", "bias"].map(|what| {
        let data = wave(CHANNELS, what.len() as f32);
        g.add_constant(&format!("{name}/{what}"), Tensor::new(vec![CHANNELS], data).unwrap())
    });
    node(g, name, Op::LayerNorm(LayerNorm { axis: 2, epsilon: 1e-5 }), vec![x, scale, bias])
}

/// A stream from addition to addition, whose third channel reaches forty times as far as the others.
fn stream() -> FloatGraph {
    let mut g = FloatGraph { name: "stream".to_owned(), ..FloatGraph::default() };
    let x = g.add_value("x", vec![1, 6, CHANNELS]);
    g.inputs = vec![x];
    let start = linear(&mut g, "start", x, 40.0);
    let first = norm(&mut g, "first", start);
    let made = linear(&mut g, "made", first, 1.0);
    let sum = node(&mut g, "sum", Op::Binary(Binary::Add), vec![start, made]);
    let second = norm(&mut g, "second", sum);
    let y = linear(&mut g, "y", second, 1.0);
    g.outputs = vec![y];
    g.validate().unwrap();
    g
}

fn image(index: usize) -> Vec<Tensor> {
    vec![Tensor::new(vec![1, 6, CHANNELS], wave(6 * CHANNELS, 1.7 * index as f32)).unwrap()]
}

fn with(bits: &Assignment) -> Result<Quantized, QuantizeError> {
    let g = stream();
    let options = QuantizeOptions { bits: bits.clone(), ..QuantizeOptions::default() };
    let calibration = calibrate_channels(&g, 8, image, &observed(&g, bits)).unwrap();
    quantize_traced(&g, &calibration, &options)
}

fn asked(greatest: u8, values: &[(&str, &str)]) -> Assignment {
    let values = values.iter().map(|&(name, digits)| (name.to_owned(), digits.to_owned())).collect();
    Assignment { stream: 8, channel_shifts: ChannelShifts { greatest, values }, ..Assignment::default() }
}

/// The tensors whose channels have steps of their own.
fn shifted(graph: &IntGraph) -> Vec<(&str, &[u8])> {
    let tensors = graph.tensors.iter();
    tensors.filter_map(|tensor| Some((tensor.name.as_str(), tensor.channel_shifts.as_deref()?))).collect()
}

#[test]
fn the_channel_that_reaches_far_has_the_coarse_step() {
    let quantized = with(&asked(3, &[])).unwrap();
    assert_eq!(quantized.trace.notes, Vec::<String>::new());
    let found = shifted(&quantized.graph);
    assert_eq!(found.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["start", "sum"]);
    for (name, shifts) in found {
        assert_eq!(shifts[2], 3, "{name}: {shifts:?}");
        assert!(shifts.iter().enumerate().all(|(c, &shift)| c == 2 || shift == 0), "{name}: {shifts:?}");
    }
    let decibels = |bits: &Assignment| {
        let noise = noise(&with(bits).unwrap().graph, &stream(), 8, image).unwrap();
        let of = |name: &str| noise.iter().find(|noise| noise.tensor == name).unwrap().decibels;
        [of("second"), of("y")]
    };
    // Three bits more of every channel but one: 18 dB, less what the weights' own steps leave.
    let (own, one) = (decibels(&asked(3, &[])), decibels(&asked(0, &[])));
    assert!(own.iter().zip(one).all(|(own, one)| *own > one + 6.0), "{own:?} {one:?}");
}

#[test]
fn what_was_found_is_written_and_gives_the_same_network() {
    let quantized = with(&asked(3, &[])).unwrap();
    let written = Assignment::of(&stream(), &quantized, &asked(3, &[]));
    assert_eq!(written.channel_shifts.greatest, 0);
    assert_eq!(written.channel_shifts.values["sum"], "00300000");
    let again = with(&Assignment::from_toml(&written.to_toml()).unwrap()).unwrap();
    assert_eq!(again.graph.to_text(), quantized.graph.to_text());
    let bytes = quantized.graph.to_bytes();
    let read = IntGraph::from_bytes(&bytes).unwrap();
    assert_eq!((shifted(&read), read.to_bytes()), (shifted(&quantized.graph), bytes));
}

#[test]
fn shifts_are_taken_as_they_are_named() {
    let named = with(&asked(0, &[("sum", "01200000")])).unwrap();
    assert_eq!(shifted(&named.graph), [("sum", &[0, 1, 2, 0, 0, 0, 0, 0][..])]);
    let none = with(&asked(0, &[("sum", "00000000")])).unwrap();
    assert_eq!(none.trace.notes, ["bits: `sum` has one step for all channels: its shifts are all 0"]);
    let other = with(&asked(0, &[("first", "10000000")])).unwrap();
    assert!(other.trace.notes[0].starts_with("bits: `first` has one step for all channels: only LayerNorm"));
    let short = with(&asked(0, &[("sum", "012")])).unwrap_err().to_string();
    assert_eq!(short, "bits: channel_shifts.values.\"sum\" has 3 digits, the value has 8 channels");
    let unknown = with(&asked(0, &[("some", "00000001")])).unwrap_err().to_string();
    assert!(unknown.starts_with("bits: the network has no tensor `some`; the nearest"), "{unknown}");
}

/// Each break of the contract is named; the network without it passes.
#[test]
fn unlike_steps_are_refused() {
    let graph = with(&asked(3, &[])).unwrap().graph;
    validate(&graph).unwrap();
    fn tensor<'a>(graph: &'a mut IntGraph, name: &str) -> &'a mut IntTensor {
        graph.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap()
    }
    fn steps(graph: &mut IntGraph, name: &str, shifts: Option<&[u8]>) {
        tensor(graph, name).channel_shifts = shifts.map(Arc::from);
    }
    fn entry(graph: &mut IntGraph) {
        for node in &mut graph.nodes {
            if let IntOp::LayerNorm { parameters, .. } = &mut node.op {
                parameters[0].channel_shift = 1;
            }
        }
    }
    fn output(graph: &mut IntGraph) {
        let id = graph.outputs[0].tensor;
        let code = tensor(graph, "sum").code;
        graph.tensors[id.0].code = code;
        graph.tensors[id.0].channel_shifts = Some(Arc::from([1; CHANNELS]));
        let made = graph.nodes.iter_mut().find(|node| node.output == id).unwrap();
        let IntOp::Conv { post, .. } = &mut made.op else { panic!("{}", made.op.kind()) };
        *post = Post { zero_point: 0, clamp_low: -128, clamp_high: 127 };
    }
    type Change = fn(&mut IntGraph);
    let changes: [(&str, Change); 8] = [
        ("the entry of channel 2 has a shift of 3, its operands need 0", |g| steps(g, "start", None)),
        ("needs 8 from 0 to 7", |g| steps(g, "sum", Some(&[0; 7]))),
        ("needs 8 from 0 to 7", |g| steps(g, "sum", Some(&[8; 8]))),
        ("which only LayerNorm, additions and copies of rows read", |g| {
            tensor(g, "first").code.zero_point = 0;
            steps(g, "first", Some(&[1; 8]));
        }),
        ("channels of input 0 have steps of their own", |g| {
            tensor(g, "x").code.zero_point = 0;
            steps(g, "x", Some(&[1; 8]));
        }),
        ("output `y`: channels of its tensor have steps of their own", output),
        ("steps of its channels need byte codes", |g| tensor(g, "sum").code.zero_point = 1),
        ("the entry of channel 0 has a shift of 1, its operands need 0", entry),
    ];
    for (said, change) in changes {
        let mut graph = graph.clone();
        change(&mut graph);
        let error = validate(&graph).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
}

/// Calibration that kept no channels gives a coarser step, and no nonsense.
#[test]
fn shifts_without_the_reach_of_channels() {
    let g = stream();
    let options = QuantizeOptions { bits: asked(0, &[("sum", "00300000")]), ..QuantizeOptions::default() };
    let calibration = calibrate_channels(&g, 8, image, &[]).unwrap();
    let graph = quantize_traced(&g, &calibration, &options).unwrap().graph;
    let sum = graph.tensors.iter().find(|tensor| tensor.name == "sum").unwrap();
    let reach = noise(&graph, &g, 8, image).unwrap().into_iter().find(|noise| noise.tensor == "sum").unwrap();
    assert!(sum.channel_shifts.is_some() && sum.code.scale != 1.0 && reach.decibels > 15.0, "{reach:?}");
}
