//! Networks for tests: float graphs built in code, and parts cut out of larger ones.

use bitgauge_models::float::ops::binary::Binary;
use bitgauge_models::float::ops::concat::Concat;
use bitgauge_models::float::ops::conv::Conv;
use bitgauge_models::float::ops::conv_transpose::ConvTranspose;
use bitgauge_models::float::ops::gelu::Gelu;
use bitgauge_models::float::ops::global_average_pool::GlobalAveragePool;
use bitgauge_models::float::ops::layer_norm::LayerNorm;
use bitgauge_models::float::ops::linear::Linear;
use bitgauge_models::float::ops::mat_mul::MatMul;
use bitgauge_models::float::ops::pool::{Pool, PoolKind};
use bitgauge_models::float::ops::reshape::Reshape;
use bitgauge_models::float::ops::resize::{Coordinate, Interpolation, Nearest, Resize};
use bitgauge_models::float::ops::slice::{Range, Slice};
use bitgauge_models::float::ops::softmax::Softmax;
use bitgauge_models::float::ops::transpose::Transpose;
use bitgauge_models::float::ops::unary::Unary;
use bitgauge_models::float::ops::window::Window;
use bitgauge_models::float::{FloatGraph, Node, Op, Tensor, ValueId, passes, run_all};

use bitgauge_testing::Random;

/// About normal, mean 0, deviation 1: the sum of twelve uniform numbers.
pub fn normal(random: &mut Random) -> f32 {
    (0..12).map(|_| random.below(1 << 20) as f32 / (1 << 20) as f32).sum::<f32>() - 6.0
}

/// A tensor of random numbers.
pub fn noise(random: &mut Random, shape: &[usize], mean: f32, deviation: f32) -> Tensor {
    let count = shape.iter().product();
    let data = (0..count).map(|_| mean + deviation * normal(random)).collect();
    Tensor::new(shape.to_vec(), data).unwrap()
}

/// A float graph under construction, with random weights.
pub struct Sketch {
    graph: FloatGraph,
    random: Random,
}

impl Sketch {
    /// An empty graph.
    #[must_use]
    pub fn new(name: &str, seed: u64) -> Sketch {
        let graph = FloatGraph { name: name.to_owned(), ..FloatGraph::default() };
        Sketch { graph, random: Random(seed) }
    }

    /// A graph input.
    pub fn input(&mut self, name: &str, shape: &[usize]) -> ValueId {
        let id = self.graph.add_value(name, shape.to_vec());
        self.graph.inputs.push(id);
        id
    }

    /// Random weights.
    pub fn weights(&mut self, name: &str, shape: &[usize], mean: f32, deviation: f32) -> ValueId {
        let tensor = noise(&mut self.random, shape, mean, deviation);
        self.graph.add_constant(name, tensor)
    }

    /// Dimensions of a value.
    #[must_use]
    pub fn shape(&self, x: ValueId) -> &[usize] {
        self.graph.shape(x)
    }

    /// An operation with one result.
    pub fn node(&mut self, name: &str, op: Op, inputs: &[ValueId]) -> ValueId {
        let mut node = Node { name: name.to_owned(), op, inputs: inputs.to_vec(), outputs: Vec::new() };
        let shape = self.graph.infer(&node).unwrap().remove(0);
        let output = self.graph.add_value(name, shape);
        node.outputs.push(output);
        self.graph.nodes.push(node);
        output
    }

    /// A linear layer over the last axis.
    pub fn linear(&mut self, name: &str, x: ValueId, columns: usize) -> ValueId {
        let rows = *self.graph.shape(x).last().unwrap();
        let deviation = (1.0 / rows as f32).sqrt();
        let weight = self.weights(&format!("{name}.weight"), &[columns, rows], 0.0, deviation);
        let bias = self.weights(&format!("{name}.bias"), &[columns], 0.0, 0.1);
        self.node(name, Op::Linear(Linear), &[x, weight, bias])
    }

    /// Layer normalization of the last axis.
    pub fn layer_norm(&mut self, name: &str, x: ValueId) -> ValueId {
        let shape = self.graph.shape(x).to_vec();
        let channels = &shape[shape.len() - 1..];
        let gamma = self.weights(&format!("{name}.gamma"), channels, 1.0, 0.2);
        let beta = self.weights(&format!("{name}.beta"), channels, 0.0, 0.2);
        let op = LayerNorm { axis: shape.len() - 1, epsilon: 1e-6 };
        self.node(name, Op::LayerNorm(op), &[x, gamma, beta])
    }

    /// A convolution of `kernel` x `kernel` that keeps the map's size; depthwise where `channels` is `None`.
    pub fn conv(&mut self, name: &str, x: ValueId, channels: Option<usize>, kernel: usize) -> ValueId {
        let before = self.graph.shape(x)[1];
        match channels {
            Some(channels) => self.grouped(name, x, channels, kernel, 1),
            None => self.grouped(name, x, before, kernel, before),
        }
    }

    /// The same in groups of channels.
    pub fn grouped(
        &mut self,
        name: &str,
        x: ValueId,
        outputs: usize,
        kernel: usize,
        groups: usize,
    ) -> ValueId {
        let inputs = self.graph.shape(x)[1] / groups;
        let deviation = (1.0 / (inputs * kernel * kernel) as f32).sqrt();
        let weight =
            self.weights(&format!("{name}.weight"), &[outputs, inputs, kernel, kernel], 0.0, deviation);
        let bias = self.weights(&format!("{name}.bias"), &[outputs], 0.0, 0.1);
        let window = Window {
            kernel: [kernel; 2],
            strides: [1; 2],
            dilations: [1; 2],
            pads: [kernel / 2; 4],
            ceil_mode: false,
        };
        self.node(name, Op::Conv(Conv { window, groups }), &[x, weight, bias])
    }

    /// The graph, checked.
    #[must_use]
    pub fn finish(mut self, outputs: &[ValueId]) -> FloatGraph {
        self.graph.outputs = outputs.to_vec();
        self.graph.compact();
        self.graph.validate().unwrap();
        self.graph
    }
}

/// A small network of convolutions over a map: a stem, then inverted residuals without their residuals.
#[must_use]
pub fn convolutions(rows: usize, cols: usize, seed: u64) -> FloatGraph {
    let mut s = Sketch::new("convolutions", seed);
    let x = s.input("image", &[1, 3, rows, cols]);
    let mut x = s.conv("stem", x, Some(32), 3);
    for (block, kernel) in [(0, 3), (1, 5), (2, 3)] {
        x = s.conv(&format!("expand{block}"), x, Some(96), 1);
        x = s.conv(&format!("depthwise{block}"), x, None, kernel);
        x = s.conv(&format!("project{block}"), x, Some(32), 1);
    }
    s.finish(&[x])
}

/// Sizes of a transformer block.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Tokens.
    pub tokens: usize,
    /// Channels of a token.
    pub channels: usize,
    /// Heads of the attention.
    pub heads: usize,
    /// Channels between the two layers of the perceptron.
    pub hidden: usize,
}

/// A pre-norm transformer block: tokens in, tokens out.
#[must_use]
pub fn transformer_block(block: Block, seed: u64) -> FloatGraph {
    transformer(block, 1, seed)
}

/// As many blocks of one size, one behind the other.
#[must_use]
pub fn transformer(block: Block, blocks: usize, seed: u64) -> FloatGraph {
    let mut s = Sketch::new("transformer_block", seed);
    let mut x = s.input("tokens", &[1, block.tokens, block.channels]);
    for index in 0..blocks {
        let at = if blocks == 1 { String::new() } else { format!("block{index}.") };
        x = s.block(&at, x, block);
    }
    s.finish(&[x])
}

impl Sketch {
    /// A pre-norm transformer block; `at` is put before every name.
    fn block(&mut self, at: &str, x: ValueId, block: Block) -> ValueId {
        let Block { tokens, channels, heads, hidden } = block;
        let named = |name: &str| format!("{at}{name}");
        let normed = self.layer_norm(&named("norm1"), x);
        let split = vec![1, tokens, heads, channels / heads];
        let head = |s: &mut Sketch, name: &str, perm: [usize; 4]| {
            let y = s.linear(&named(name), normed, channels);
            let split = Op::Reshape(Reshape { shape: split.clone() });
            let y = s.node(&named(&format!("{name}.split")), split, &[y]);
            s.node(&named(&format!("{name}.heads")), Op::Transpose(Transpose { perm: perm.to_vec() }), &[y])
        };
        let q = head(self, "q", [0, 2, 1, 3]);
        let k = head(self, "k", [0, 2, 3, 1]);
        let v = head(self, "v", [0, 2, 1, 3]);
        let scores = self.node(&named("scores"), Op::MatMul(MatMul), &[q, k]);
        let factor = (channels as f32 / heads as f32).powf(-0.5);
        let scale = self.graph.add_constant(&named("scale"), Tensor::scalar(factor));
        let scaled = self.node(&named("scaled"), Op::Binary(Binary::Mul), &[scores, scale]);
        let softmax = self.node(&named("softmax"), Op::Softmax(Softmax { axis: 3 }), &[scaled]);
        let mixed = self.node(&named("mixed"), Op::MatMul(MatMul), &[softmax, v]);
        let joined =
            self.node(&named("joined"), Op::Transpose(Transpose { perm: vec![0, 2, 1, 3] }), &[mixed]);
        let rows = Op::Reshape(Reshape { shape: vec![1, tokens, channels] });
        let joined = self.node(&named("rows"), rows, &[joined]);
        let projected = self.linear(&named("projection"), joined, channels);
        let x = self.node(&named("residual1"), Op::Binary(Binary::Add), &[x, projected]);
        let normed = self.layer_norm(&named("norm2"), x);
        let wide = self.linear(&named("mlp1"), normed, hidden);
        let gelu = self.node(&named("gelu"), Op::Gelu(Gelu { tanh: false }), &[wide]);
        let narrow = self.linear(&named("mlp2"), gelu, channels);
        self.node(&named("residual2"), Op::Binary(Binary::Add), &[x, narrow])
    }
}

/// The part of a graph that computes `to` out of `from`.
#[must_use]
pub fn cut(graph: &FloatGraph, from: ValueId, to: ValueId) -> FloatGraph {
    let mut part = graph.clone();
    part.nodes.retain(|node| !node.outputs.contains(&from));
    (part.inputs, part.outputs) = (vec![from], vec![to]);
    part.fixed_dims.clear();
    part.compact();
    part.validate().unwrap();
    part
}

/// Where the blocks of a network of inverted residuals end: at an addition, or at a convolution that nothing
/// bounds and nothing is added to.
#[must_use]
pub fn block_ends(graph: &FloatGraph) -> Vec<ValueId> {
    let links = graph.links();
    let goes_on = |value: ValueId| {
        let next = links.sole_consumer(value).map(|id| &graph.node(id).op);
        matches!(next, Some(Op::Clip(_) | Op::Binary(Binary::Add)))
    };
    let ends = graph.nodes.iter().filter(|node| match node.op {
        Op::Binary(Binary::Add) => true,
        Op::Conv(_) => !goes_on(node.outputs[0]),
        _ => false,
    });
    ends.map(|node| node.outputs[0]).collect()
}

/// What a value of the graph takes for an image.
#[must_use]
pub fn value_of(graph: &FloatGraph, value: ValueId, image: &Tensor) -> Tensor {
    let all = run_all(graph, std::slice::from_ref(image)).unwrap();
    all.into_iter().find(|(id, _)| *id == value).unwrap().1
}

/// What CNNs do with channels: split, shuffled, joined, convolved in groups, scaled by what they are on average, and maps repeated; a
/// parametric ReLU, and a pool whose windows hang over the end.
#[must_use]
pub fn branches(seed: u64) -> FloatGraph {
    let mut s = Sketch::new("branches", seed);
    let x = s.input("image", &[1, 3, 15, 13]);
    let stem = s.conv("stem", x, Some(12), 3);
    let slopes = s.weights("slopes", &[12, 1, 1], 0.2, 0.1);
    let stem = s.node("prelu", Op::Binary(Binary::PRelu), &[stem, slopes]);
    let window = Window { kernel: [3; 2], strides: [2; 2], ceil_mode: true, ..Window::POINT };
    let pooled = s.node("pool", Op::Pool(Pool { kind: PoolKind::Max, window }), &[stem]);
    let half = |start| Op::Slice(Slice { ranges: vec![Range { axis: 1, start, len: 6, step: 1 }] });
    let (left, right) = (s.node("left", half(0), &[pooled]), s.node("right", half(6), &[pooled]));
    let right = s.conv("right_conv", right, Some(10), 3);
    let right = s.node("right_relu", Op::Unary(Unary::Relu), &[right]);
    let mut x = s.node("joined", Op::Concat(Concat { axis: 1 }), &[left, right]);
    let (rows, cols) = (7, 6);
    for (name, op) in [
        ("cut", Op::Reshape(Reshape { shape: vec![1, 2, 8, rows, cols] })),
        ("turned", Op::Transpose(Transpose { perm: vec![0, 2, 1, 3, 4] })),
        ("shuffled", Op::Reshape(Reshape { shape: vec![1, 16, rows, cols] })),
    ] {
        x = s.node(name, op, &[x]);
    }
    let wide = s.conv("wide", x, Some(32), 1);
    let wide = s.node("wide_relu", Op::Unary(Unary::Relu), &[wide]);
    let grouped = s.grouped("grouped", wide, 32, 3, 8);
    let grouped = s.node("grouped_relu", Op::Unary(Unary::Relu), &[grouped]);
    let deep = s.conv("deep", grouped, Some(8), 3);
    let resize = Resize {
        interpolation: Interpolation::Nearest(Nearest::Floor),
        coordinate: Coordinate::Asymmetric,
        shape: vec![1, 8, 2 * rows, 2 * cols],
        scales: vec![1.0, 1.0, 2.0, 2.0],
        roi: vec![[0.0, 1.0]; 4],
        antialias: false,
        exclude_outside: false,
        extrapolation: 0.0,
    };
    let large = s.node("large", Op::Resize(resize), &[deep]);
    let other = s.conv("other", large, Some(8), 1);
    let greater = s.node("greater", Op::Binary(Binary::Max), &[large, other]);
    let mean = s.node("mean", Op::GlobalAveragePool(GlobalAveragePool), &[greater]);
    let gate = s.conv("gate", mean, Some(8), 1);
    let gate = s.node("sigmoid", Op::Unary(Unary::Sigmoid), &[gate]);
    let gated = s.node("gated", Op::Binary(Binary::Mul), &[gate, greater]);
    let gated = s.node("gated_relu", Op::Unary(Unary::Relu), &[gated]);
    let out = s.conv("out", gated, Some(4), 1);
    let mut graph = s.finish(&[out]);
    passes::simplify(&mut graph).unwrap();
    graph
}

/// What follows a vision transformer that draws a map: tokens `[1, 65, 48]` without the first as a map of 8 x 8, two
/// transposed convolutions (one of whole beats a pixel, one not), one channel, resized to 56 x 56, and a sigmoid.
#[must_use]
pub fn decoder(seed: u64) -> FloatGraph {
    let mut s = Sketch::new("decoder", seed);
    let window = |kernel, strides, pads: usize| Window {
        kernel: [kernel; 2],
        strides: [strides; 2],
        dilations: [1, 1],
        pads: [pads; 4],
        ceil_mode: false,
    };
    let x = s.input("x", &[1, 65, 48]);
    let slice = Slice { ranges: vec![Range { axis: 1, start: 1, len: 64, step: 1 }] };
    let mut x = s.node("patches", Op::Slice(slice), &[x]);
    x = s.node("turned", Op::Transpose(Transpose { perm: vec![0, 2, 1] }), &[x]);
    x = s.node("map", Op::Reshape(Reshape { shape: vec![1, 48, 8, 8] }), &[x]);
    for (name, channels, outputs) in [("up1", 48, 64), ("up2", 64, 20)] {
        let deviation = (0.25 / channels as f32).sqrt();
        let w = s.weights(&format!("{name}.weight"), &[channels, outputs, 4, 4], 0.0, deviation);
        let b = s.weights(&format!("{name}.bias"), &[outputs], 0.0, 0.1);
        let op = ConvTranspose { window: window(4, 2, 1), output_padding: [0, 0], groups: 1 };
        x = s.node(name, Op::ConvTranspose(op), &[x, w, b]);
        x = s.node(&format!("{name}.relu"), Op::Unary(Unary::Relu), &[x]);
    }
    let w = s.weights("final.weight", &[1, 20, 1, 1], 0.0, 0.3);
    x = s.node("final", Op::Conv(Conv { window: window(1, 1, 0), groups: 1 }), &[x, w]);
    let resize = Resize {
        interpolation: Interpolation::Linear,
        coordinate: Coordinate::HalfPixel,
        shape: vec![1, 1, 56, 56],
        scales: vec![1.0, 1.0, 1.75, 1.75],
        roi: vec![[0.0, 1.0]; 4],
        antialias: false,
        exclude_outside: false,
        extrapolation: 0.0,
    };
    x = s.node("resize", Op::Resize(resize), &[x]);
    x = s.node("sigmoid", Op::Unary(Unary::Sigmoid), &[x]);
    let mut graph = s.finish(&[x]);
    passes::simplify(&mut graph).unwrap();
    graph
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitgauge_models::float::run;

    #[test]
    fn a_part_computes_what_the_whole_does() {
        let block = Block { tokens: 5, channels: 8, heads: 2, hidden: 12 };
        let whole = transformer_block(block, 1);
        let input = noise(&mut Random(2), &[1, 5, 8], 0.0, 1.0);
        let (from, to) = (whole.find("residual1").unwrap(), whole.find("mlp2").unwrap());
        let part = cut(&whole, from, to);
        let kinds: Vec<&str> = part.nodes.iter().map(|node| node.op.kind()).collect();
        assert_eq!(kinds, ["LayerNorm", "Linear", "Gelu", "Linear"]);
        let found = run(&part, &[value_of(&whole, from, &input)]).unwrap();
        assert_eq!(found[0], value_of(&whole, to, &input));
    }
}
