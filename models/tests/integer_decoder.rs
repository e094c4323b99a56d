//! Quantization of what a decoder is made of: transposed convolutions, tokens read as a map, Resize of a map of
//! one channel. The oracle is the float interpreter: the noise stays where 8 bits put it.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

use bitgauge_models::float::ops::binary::Binary;
use bitgauge_models::float::ops::conv::Conv;
use bitgauge_models::float::ops::conv_transpose::ConvTranspose;
use bitgauge_models::float::ops::linear::Linear;
use bitgauge_models::float::ops::reshape::Reshape;
use bitgauge_models::float::ops::resize::{Coordinate, Interpolation, Resize};
use bitgauge_models::float::ops::transpose::Transpose;
use bitgauge_models::float::ops::unary::Unary;
use bitgauge_models::float::ops::window::Window;
use bitgauge_models::float::{FloatGraph, Node, Op, Tensor, ValueId, passes, run};
use bitgauge_models::integer::evaluate::{noise, outputs};
use bitgauge_models::integer::{
    IntGraph, IntOp, Prepared, QuantizeOptions, Window as IntWindow, calibrate, quantize, validate,
};

fn wave(shape: &[usize], phase: f32) -> Tensor {
    let data = (0..shape.iter().product()).map(|i: usize| ((i * i % 97) as f32 * 0.7 + phase).sin());
    Tensor::new(shape.to_vec(), data.collect()).unwrap()
}

/// A graph with one input.
struct Sketch(FloatGraph);

impl Sketch {
    fn new(shape: &[usize]) -> (Sketch, ValueId) {
        let mut graph = FloatGraph { name: "sketch".to_owned(), ..FloatGraph::default() };
        let x = graph.add_value("x", shape.to_vec());
        graph.inputs = vec![x];
        (Sketch(graph), x)
    }

    fn constant(&mut self, shape: &[usize]) -> ValueId {
        self.0.add_constant("c", wave(shape, shape.len() as f32))
    }

    fn node(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        let name = format!("n{}", self.0.nodes.len());
        let mut node = Node { name, op, inputs: inputs.to_vec(), outputs: Vec::new() };
        let shape = self.0.infer(&node).unwrap().remove(0);
        node.outputs = vec![self.0.add_value("v", shape)];
        let output = node.outputs[0];
        self.0.nodes.push(node);
        output
    }

    /// Simplifies, quantizes with eight images, and holds every tensor's noise below `decibels`.
    fn quantized(mut self, output: ValueId, decibels: f64) -> (FloatGraph, IntGraph) {
        self.0.outputs = vec![output];
        let shape = self.0.shape(self.0.inputs[0]).to_vec();
        passes::simplify(&mut self.0).unwrap();
        let image = |index: usize| vec![wave(&shape, index as f32)];
        let seen = calibrate(&self.0, 8, image).unwrap();
        let graph = quantize(&self.0, &seen, &QuantizeOptions::default()).unwrap();
        for tensor in noise(&graph, &self.0, 8, image).unwrap() {
            assert!(tensor.decibels > decibels, "{tensor:?}\n{}", graph.to_text());
        }
        (self.0, graph)
    }
}

fn window(kernel: [usize; 2], strides: [usize; 2], pads: [usize; 4], dilations: [usize; 2]) -> Window {
    Window { kernel, strides, dilations, pads, ceil_mode: false }
}

#[test]
fn transposed_convolutions_are_phases() {
    // Channels of whole beats are stored phase by phase, others with the columns' phases together.
    for channels in [64, 6] {
        for (window, output_padding, groups) in [
            (window([4, 4], [2, 2], [1; 4], [1, 1]), [0, 0], 1),
            (window([3, 3], [2, 2], [1; 4], [1, 1]), [1, 1], 1),
            (window([2, 2], [2, 2], [0; 4], [1, 1]), [0, 0], 2),
            (window([1, 2], [2, 3], [0; 4], [1, 1]), [0, 0], 1),
            (window([3, 2], [1, 2], [2, 0, 0, 1], [2, 1]), [0, 1], 1),
            (window([5, 5], [3, 3], [0, 4, 3, 0], [1, 1]), [2, 2], 2),
        ] {
            let (mut s, x) = Sketch::new(&[1, 8, 5, 4]);
            let w = s.constant(&[8, channels / groups, window.kernel[0], window.kernel[1]]);
            let b = s.constant(&[channels]);
            let case = format!("{window:?} {output_padding:?} {groups} {channels}");
            let y = s.node(Op::ConvTranspose(ConvTranspose { window, output_padding, groups }), &[x, w, b]);
            let y = s.node(Op::Unary(Unary::Relu), &[y]);
            let (_, graph) = s.quantized(y, 30.0);
            let [only] = &graph.nodes[..] else { panic!("{case}: {}", graph.to_text()) };
            assert!(matches!(only.op, IntOp::Phased { .. }), "{case}");
        }
    }
}

/// An output's codes stand for the output, and not for what a constant multiplies.
#[test]
fn an_output_has_steps_of_its_own() {
    let (mut s, x) = Sketch::new(&[1, 9]);
    let w = s.constant(&[7, 9]);
    let y = s.node(Op::Linear(Linear), &[x, w]);
    let quarter = s.0.add_constant("quarter", Tensor::scalar(0.25));
    let y = s.node(Op::Binary(Binary::Mul), &[y, quarter]);
    let (float, graph) = s.quantized(y, 30.0);
    let image = [wave(&[1, 9], 2.0)];
    let wanted = run(&float, &image).unwrap().remove(0);
    let found = outputs(&Prepared::new(&graph).unwrap(), &image).unwrap().remove(0);
    for (a, b) in found.iter().zip(wanted.data()) {
        assert!((a - b).abs() <= 0.02 * wanted.max_abs(), "{a} is not {b}");
    }
}

#[test]
fn tokens_become_a_map() {
    let (mut s, x) = Sketch::new(&[1, 12, 6]);
    let w = s.constant(&[10, 6]);
    let y = s.node(Op::Linear(Linear), &[x, w]);
    let y = s.node(Op::Transpose(Transpose { perm: vec![0, 2, 1] }), &[y]);
    let y = s.node(Op::Reshape(Reshape { shape: vec![1, 10, 3, 4] }), &[y]);
    let w = s.constant(&[5, 10, 3, 3]);
    let y = s.node(Op::Conv(Conv { window: window([3, 3], [1, 1], [1; 4], [1, 1]), groups: 1 }), &[y, w]);
    let (_, graph) = s.quantized(y, 28.0);
    let kinds: Vec<_> = graph.nodes.iter().map(|node| node.op.kind()).collect();
    assert_eq!(kinds, ["Conv", "Reshape", "Conv"]);
}

#[test]
fn a_map_of_one_channel_is_resized() {
    let (mut s, x) = Sketch::new(&[1, 6, 8, 5]);
    let w = s.constant(&[1, 6, 1, 1]);
    let y = s.node(Op::Conv(Conv { window: window([1, 1], [1, 1], [0; 4], [1, 1]), groups: 1 }), &[x, w]);
    let resize = Resize {
        interpolation: Interpolation::Linear,
        coordinate: Coordinate::HalfPixel,
        shape: vec![1, 1, 14, 9],
        scales: vec![1.0, 1.0, 1.75, 1.8],
        roi: vec![[0.0, 1.0]; 4],
        antialias: false,
        exclude_outside: false,
        extrapolation: 0.0,
    };
    let y = s.node(Op::Resize(resize), &[y]);
    let y = s.node(Op::Unary(Unary::Sigmoid), &[y]);
    let (float, graph) = s.quantized(y, 28.0);
    let kinds: Vec<_> = graph.nodes.iter().map(|node| node.op.kind()).collect();
    assert_eq!(kinds, ["Conv", "Reshape", "Conv", "Conv"], "{}", graph.to_text());
    // The output lies as the float network's does.
    let image = [wave(&[1, 6, 8, 5], 3.0)];
    let got = outputs(&Prepared::new(&graph).unwrap(), &image).unwrap().remove(0);
    let want = run(&float, &image).unwrap().remove(0);
    let error = got.iter().zip(want.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(error < 0.05, "{error}");
}

#[test]
fn phases_that_do_not_fit_are_refused() {
    let (mut s, x) = Sketch::new(&[1, 8, 5, 4]);
    let w = s.constant(&[8, 64, 4, 4]);
    let window = window([4, 4], [2, 2], [1; 4], [1, 1]);
    let y = s.node(Op::ConvTranspose(ConvTranspose { window, output_padding: [0; 2], groups: 1 }), &[x, w]);
    let (_, graph) = s.quantized(y, 30.0);
    validate(&graph).unwrap();
    let breaks: [fn(&mut IntOp); 6] = [
        |op| {
            if let IntOp::Phased { windows, .. } = op {
                windows.truncate(3)
            }
        },
        |op| {
            if let IntOp::Phased { windows, .. } = op {
                windows[0].pad = [0; 4]
            }
        },
        |op| {
            if let IntOp::Phased { windows, .. } = op {
                windows[3] = IntWindow::POINT
            }
        },
        |op| {
            if let IntOp::Phased { phases, .. } = op {
                *phases = [0, 4]
            }
        },
        |op| {
            if let IntOp::Phased { parameters, .. } = op {
                parameters.clear()
            }
        },
        |op| {
            if let IntOp::Phased { weight, .. } = op {
                *weight = weight[1..].into()
            }
        },
    ];
    for (case, change) in breaks.into_iter().enumerate() {
        let mut graph = graph.clone();
        change(&mut graph.nodes[0].op);
        assert!(validate(&graph).is_err(), "{case}");
    }
}
