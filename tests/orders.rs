//! Networks whose layers read their operands in other orders than the layers before them write.

use bitgauge_models::float::ops::batch_norm::BatchNorm;
use bitgauge_models::float::ops::binary::Binary;
use bitgauge_models::float::ops::concat::Concat;
use bitgauge_models::float::ops::gelu::Gelu;
use bitgauge_models::float::ops::mat_mul::MatMul;
use bitgauge_models::float::ops::reshape::Reshape;
use bitgauge_models::float::ops::resize::{Coordinate, Interpolation, Resize};
use bitgauge_models::float::ops::slice::{Range, Slice};
use bitgauge_models::float::ops::softmax::Softmax;
use bitgauge_models::float::ops::transpose::Transpose;
use bitgauge_models::float::ops::unary::Unary;
use bitgauge_models::float::{FloatGraph, Op, ValueId, passes};

use crate::networks::Sketch;

/// A graph and the shape of its input.
pub type Network = (&'static str, FloatGraph, Vec<usize>);

/// All of them.
#[must_use]
pub fn all(seed: u64) -> Vec<Network> {
    vec![resized(seed), mixed(seed), windows(seed)]
}

fn simplified(name: &'static str, s: Sketch, outputs: &[ValueId], shape: &[usize]) -> Network {
    let mut graph = s.finish(outputs);
    passes::simplify(&mut graph).unwrap();
    (name, graph, shape.to_vec())
}

impl Sketch {
    /// Dimensions in another order.
    pub fn transpose(&mut self, name: &str, x: ValueId, perm: &[usize]) -> ValueId {
        self.node(name, Op::Transpose(Transpose { perm: perm.to_vec() }), &[x])
    }

    /// The same elements under other dimensions.
    pub fn reshape(&mut self, name: &str, x: ValueId, shape: &[usize]) -> ValueId {
        self.node(name, Op::Reshape(Reshape { shape: shape.to_vec() }), &[x])
    }

    /// Attention whose heads are mixed before and after the softmax.
    fn talking_heads(&mut self, x: ValueId, heads: usize) -> ValueId {
        let &[_, tokens, channels] = self.shape(x) else { panic!("tokens have three dimensions") };
        let each = channels / heads;
        let [q, k, v] = ["q", "k", "v"].map(|name| {
            let y = self.linear(name, x, channels);
            let y = self.reshape(&format!("{name}.split"), y, &[1, tokens, heads, each]);
            let perm = if name == "k" { [0, 2, 3, 1] } else { [0, 2, 1, 3] };
            self.transpose(&format!("{name}.heads"), y, &perm)
        });
        let scores = self.node("scores", Op::MatMul(MatMul), &[q, k]);
        let talk = |s: &mut Sketch, name: &str, x: ValueId| {
            let last = s.transpose(&format!("{name}.last"), x, &[0, 2, 3, 1]);
            let mixed = s.linear(name, last, heads);
            s.transpose(&format!("{name}.back"), mixed, &[0, 3, 1, 2])
        };
        let scores = talk(self, "talk1", scores);
        let softmax = self.node("softmax", Op::Softmax(Softmax { axis: 3 }), &[scores]);
        let softmax = talk(self, "talk2", softmax);
        let mixed = self.node("attended", Op::MatMul(MatMul), &[softmax, v]);
        let joined = self.transpose("joined", mixed, &[0, 2, 1, 3]);
        let joined = self.reshape("rows", joined, &[1, tokens, channels]);
        self.linear("projection", joined, channels)
    }

    /// The last `by` of `size` steps along an axis before the others.
    fn roll(&mut self, x: ValueId, axis: usize, size: usize, by: usize) -> ValueId {
        let name = format!("roll{axis}_{by}");
        let [back, front] = [(size - by, by), (0, size - by)].map(|(start, len)| {
            let slice = Slice { ranges: vec![Range { axis, start, len, step: 1 }] };
            self.node(&format!("{name}.from{start}"), Op::Slice(slice), &[x])
        });
        self.node(&name, Op::Concat(Concat { axis }), &[back, front])
    }

    /// BatchNormalization with random parameters.
    fn batch_norm(&mut self, name: &str, x: ValueId, channels: usize) -> ValueId {
        let parameters =
            [("scale", 1.0, 0.2), ("bias", 0.0, 0.2), ("mean", 0.0, 0.2), ("variance", 1.0, 0.05)];
        let parameters = parameters.map(|(what, mean, deviation)| {
            self.weights(&format!("{name}.{what}"), &[channels], mean, deviation)
        });
        let [scale, bias, mean, variance] = parameters;
        let op = Op::BatchNorm(BatchNorm { epsilon: 1e-5 });
        self.node(name, op, &[x, scale, bias, mean, variance])
    }

    fn resize(
        &mut self,
        name: &str,
        x: ValueId,
        shape: [usize; 4],
        scales: [f64; 2],
        at: Coordinate,
    ) -> ValueId {
        let resize = Resize {
            interpolation: Interpolation::Linear,
            coordinate: at,
            shape: shape.to_vec(),
            scales: vec![1.0, 1.0, scales[0], scales[1]],
            roi: vec![[0.0, 1.0]; 4],
            antialias: false,
            exclude_outside: false,
            extrapolation: 0.0,
        };
        self.node(name, Op::Resize(resize), &[x])
    }
}

/// Maps of several channels resized linearly: up, down along one axis, from one pixel, and as the output.
fn resized(seed: u64) -> Network {
    let shape = [1, 3, 8, 6];
    let mut s = Sketch::new("resized", seed);
    let x = s.input("image", &shape);
    let stem = s.conv("stem", x, Some(20), 3);
    let stem = s.node("relu", Op::Unary(Unary::Relu), &[stem]);
    let large = s.resize("large", stem, [1, 20, 16, 15], [2.0, 2.5], Coordinate::HalfPixel);
    let large = s.conv("deep", large, Some(7), 3);
    let small = s.resize("small", large, [1, 7, 16, 5], [1.0, 1.0 / 3.0], Coordinate::Asymmetric);
    let out = s.resize("out", small, [1, 7, 21, 9], [21.0 / 16.0, 1.8], Coordinate::AlignCorners);
    simplified("resized", s, &[out], &shape)
}

/// Layers over tokens (MLP-Mixer), over tokens without a layer behind (ResMLP), and over heads (CaiT).
fn mixed(seed: u64) -> Network {
    let (tokens, channels) = (21, 24);
    let shape = [1, tokens, channels];
    let mut s = Sketch::new("mixed", seed);
    let x = s.input("tokens", &shape);
    let normed = s.layer_norm("norm1", x);
    let turned = s.transpose("turned", normed, &[0, 2, 1]);
    let wide = s.linear("mix1", turned, 40);
    let gelu = s.node("gelu", Op::Gelu(Gelu { tanh: false }), &[wide]);
    let narrow = s.linear("mix2", gelu, tokens);
    let back = s.transpose("back", narrow, &[0, 2, 1]);
    let x = s.node("sum1", Op::Binary(Binary::Add), &[x, back]);
    let turned = s.transpose("turned2", x, &[0, 2, 1]);
    let mixed = s.linear("mix3", turned, tokens);
    let back = s.transpose("back2", mixed, &[0, 2, 1]);
    let x = s.node("sum2", Op::Binary(Binary::Add), &[back, x]);
    let normed = s.layer_norm("norm2", x);
    let talked = s.talking_heads(normed, 4);
    let x = s.node("sum3", Op::Binary(Binary::Add), &[x, talked]);
    let normed = s.layer_norm("norm3", x);
    let out = s.linear("head", normed, 10);
    simplified("mixed", s, &[out], &shape)
}

/// Windows that are shifted, attention in each, and back; then two by two pixels as one (Swin), every other pixel, and
/// BatchNormalization of tokens (LeViT).
fn windows(seed: u64) -> Network {
    let (rows, cols, channels, heads) = (8, 6, 16, 2);
    let shape = [1, 3, rows, cols];
    let mut s = Sketch::new("windows", seed);
    let image = s.input("image", &shape);
    let stem = s.conv("stem", image, Some(channels), 3);
    let x = s.transpose("pixels", stem, &[0, 2, 3, 1]);
    let normed = s.layer_norm("norm1", x);
    let shifted = [(1, rows), (2, cols)].into_iter().fold(normed, |x, (axis, size)| s.roll(x, axis, size, 1));
    let [down, right, each] = [rows / 2, cols / 3, channels / heads];
    let cut = s.reshape("cut", shifted, &[1, down, 2, right, 3, channels]);
    let cut = s.transpose("windows", cut, &[0, 1, 3, 2, 4, 5]);
    let tokens = s.reshape("tokens", cut, &[down * right, 6, channels]);
    let [q, k, v] = ["q", "k", "v"].map(|name| {
        let y = s.linear(name, tokens, channels);
        let y = s.reshape(&format!("{name}.split"), y, &[down * right, 6, heads, each]);
        let perm = if name == "k" { [0, 2, 3, 1] } else { [0, 2, 1, 3] };
        s.transpose(&format!("{name}.heads"), y, &perm)
    });
    let scores = s.node("scores", Op::MatMul(MatMul), &[q, k]);
    let bias = s.weights("bias", &[1, heads, 6, 6], 0.0, 0.5);
    let scores = s.node("biased", Op::Binary(Binary::Add), &[scores, bias]);
    let softmax = s.node("softmax", Op::Softmax(Softmax { axis: 3 }), &[scores]);
    let mixed = s.node("attended", Op::MatMul(MatMul), &[softmax, v]);
    let joined = s.transpose("joined", mixed, &[0, 2, 1, 3]);
    let joined = s.reshape("window_rows", joined, &[down * right, 6, channels]);
    let projected = s.linear("projection", joined, channels);
    let back = s.reshape("uncut", projected, &[1, down, right, 2, 3, channels]);
    let back = s.transpose("unwindowed", back, &[0, 1, 3, 2, 4, 5]);
    let back = s.reshape("map", back, &[1, rows, cols, channels]);
    let back =
        [(1, rows), (2, cols)].into_iter().fold(back, |x, (axis, size)| s.roll(x, axis, size, size - 1));
    let x = s.node("sum", Op::Binary(Binary::Add), &[x, back]);

    let merged = s.reshape("twos", x, &[1, rows / 2, 2, cols / 2, 2, channels]);
    let merged = s.transpose("together", merged, &[0, 1, 3, 4, 2, 5]);
    let merged = s.reshape("merged", merged, &[1, rows / 2, cols / 2, 4 * channels]);
    let merged = s.layer_norm("norm2", merged);
    let merged = s.linear("reduction", merged, 24);
    let mut sparse = merged;
    for (axis, len) in [(1, rows / 4), (2, cols.div_ceil(4))] {
        let slice = Slice { ranges: vec![Range { axis, start: 0, len, step: 2 }] };
        sparse = s.node(&format!("every_other{axis}"), Op::Slice(slice), &[sparse]);
    }
    let count = rows / 4 * cols.div_ceil(4);
    let tokens = s.reshape("rest", sparse, &[1, count, 24]);
    let layer = s.linear("layer", tokens, 20);
    let flat = s.reshape("flat", layer, &[count, 20]);
    let normed = s.batch_norm("batch_norm", flat, 20);
    let relu = s.node("relu", Op::Unary(Unary::Relu), &[normed]);
    let normed = s.batch_norm("alone", relu, 20);
    simplified("windows", s, &[normed], &shape)
}
