//! Small random graphs of every operator.

// Each test uses a part of it.
#![allow(dead_code, clippy::unwrap_used)]

pub mod compare;

use std::sync::Arc;

use bitgauge_arch::arith::{ChannelParameter, Post, Requant, Residual, Signedness};
use bitgauge_models::integer::{
    CodeType, IntGraph, IntNode, IntOp, IntOutput, IntTensor, Shape, TensorId, Weights, Window,
};
pub use bitgauge_testing::Random;

pub const DESIGNS: [(&str, &str); 3] = [
    ("8x8", include_str!("../../../designs/reference-8x8.toml")),
    ("16x16", include_str!("../../../designs/reference-16x16.toml")),
    ("32x32", include_str!("../../../designs/reference-32x32.toml")),
];

/// What graphs are drawn from.
pub trait Draw {
    /// Weights of 8 bits.
    fn weights(&mut self, count: usize) -> Weights;
    fn containers(&mut self, tensor: &IntTensor) -> Vec<u8>;
    /// A scale that brings sums of `terms` products back to about 8 bits.
    fn requant(&mut self, terms: usize) -> Requant;
    fn parameters(&mut self, count: usize, terms: usize) -> Vec<ChannelParameter>;
}

impl Draw for Random {
    fn weights(&mut self, count: usize) -> Weights {
        (0..count).map(|_| self.below(255) as i8).collect::<Vec<i8>>().into()
    }

    fn containers(&mut self, tensor: &IntTensor) -> Vec<u8> {
        let (low, high) = tensor.code.range();
        let mut bytes = vec![0; tensor.shape.elements() * tensor.code.container().bytes()];
        for index in 0..tensor.shape.elements() {
            let code = low + self.below((high - low + 1) as u64) as i32;
            tensor.code.write(&mut bytes, index, code);
        }
        bytes
    }

    fn requant(&mut self, terms: usize) -> Requant {
        let spread = 1.0 + self.below(100) as f64 / 100.0;
        Requant::from_real(spread / (64.0 * (terms as f64).sqrt())).unwrap()
    }

    fn parameters(&mut self, count: usize, terms: usize) -> Vec<ChannelParameter> {
        (0..count)
            .map(|_| ChannelParameter {
                bias: self.below(4001) as i32 - 2000,
                requant: self.requant(terms),
                negate: false,
                channel_shift: 0,
            })
            .collect()
    }
}

/// The graph with weights of other widths, layer by layer: from 2 bits and `first` more on, and 2 again behind 8.
pub fn narrowed(graph: &IntGraph, first: usize) -> IntGraph {
    let mut graph = graph.clone();
    for (index, node) in graph.nodes.iter_mut().enumerate() {
        if let IntOp::Conv { weight, .. } | IntOp::Depthwise { weight, .. } | IntOp::Phased { weight, .. } =
            &mut node.op
        {
            let bits = 2 + ((first + index) % 7) as u8;
            *weight = Weights::new(weight.iter().map(|code| code >> (8 - bits)).collect::<Vec<i8>>(), bits);
        }
    }
    graph
}

pub const SIGNED: CodeType =
    CodeType { bits: 8, sign: Signedness::Signed, scale: 0.1, zero_point: 3, tag_shift: 0 };
pub const CENTRED: CodeType =
    CodeType { bits: 8, sign: Signedness::Signed, scale: 0.1, zero_point: 0, tag_shift: 0 };
pub const UNSIGNED: CodeType =
    CodeType { bits: 8, sign: Signedness::Unsigned, scale: 0.1, zero_point: 7, tag_shift: 0 };
pub const WIDE: CodeType =
    CodeType { bits: 16, sign: Signedness::Signed, scale: 0.01, zero_point: -5, tag_shift: 0 };
pub const NARROW: CodeType =
    CodeType { bits: 5, sign: Signedness::Signed, scale: 0.1, zero_point: 1, tag_shift: 0 };

pub fn shape(groups: usize, rows: usize, cols: usize, channels: usize) -> Shape {
    Shape { groups, rows, cols, channels }
}

pub fn post(code: &CodeType) -> Post {
    let (clamp_low, clamp_high) = code.range();
    Post { zero_point: code.zero_point, clamp_low, clamp_high }
}

/// A graph under construction.
pub struct Builder {
    pub graph: IntGraph,
    pub random: Random,
}

impl Builder {
    pub fn new(seed: u64) -> Builder {
        let mut random = Random(seed.wrapping_mul(77) + 5);
        random.bits();
        Builder { graph: IntGraph { name: "test".to_owned(), ..IntGraph::default() }, random }
    }

    pub fn tensor(&mut self, shape: Shape, code: CodeType) -> TensorId {
        self.graph.tensors.push(IntTensor {
            name: format!("t{}", self.graph.tensors.len()),
            shape,
            code,
            channel_shifts: None,
            constant: None,
            float_source: None,
        });
        TensorId(self.graph.tensors.len() - 1)
    }

    pub fn input(&mut self, shape: Shape, code: CodeType) -> TensorId {
        let id = self.tensor(shape, code);
        self.graph.inputs.push(id);
        id
    }

    pub fn constant(&mut self, shape: Shape, code: CodeType) -> TensorId {
        let id = self.tensor(shape, code);
        let bytes = self.random.containers(&self.graph.tensors[id.0]);
        self.graph.tensors[id.0].constant = Some(bytes.into());
        id
    }

    pub fn node(&mut self, op: IntOp, inputs: &[TensorId], shape: Shape, code: CodeType) -> TensorId {
        let output = self.tensor(shape, code);
        let name = format!("n{}", self.graph.nodes.len());
        self.graph.nodes.push(IntNode { name, op, inputs: inputs.to_vec(), output });
        output
    }

    pub fn finish(mut self, outputs: &[TensorId]) -> IntGraph {
        let output = |&tensor: &TensorId| {
            let of = self.graph.tensor(tensor);
            IntOutput { name: of.name.clone(), tensor, order: of.shape.stored(), head: Vec::new() }
        };
        self.graph.outputs = outputs.iter().map(output).collect();
        self.graph
    }

    pub fn shape_of(&self, id: TensorId) -> Shape {
        self.graph.tensor(id).shape
    }

    pub fn residual(&mut self, of: TensorId) -> Residual {
        let wide = self.graph.tensor(of).code.bits > 8;
        let factor = if wide { 0.01 } else { 0.7 };
        Residual {
            zero_point: self.graph.tensor(of).code.zero_point,
            requant: Requant::from_real(factor).unwrap(),
        }
    }

    /// A convolution whose output has `groups` groups of `channels`.
    pub fn conv(
        &mut self,
        input: TensorId,
        window: Window,
        groups: usize,
        channels: usize,
        code: CodeType,
    ) -> TensorId {
        let from = self.shape_of(input);
        let [rows, cols] = window.output(from.rows, from.cols).unwrap();
        let op = self.conv_op(input, window, groups * channels, &code, false, None);
        self.node(op, &[input], shape(groups, rows, cols, channels), code)
    }

    pub fn conv_op(
        &mut self,
        input: TensorId,
        window: Window,
        outputs: usize,
        code: &CodeType,
        table: bool,
        residual: Option<Residual>,
    ) -> IntOp {
        let depth = window.kernel[0] * window.kernel[1] * self.shape_of(input).flat_channels();
        let table =
            table.then(|| Arc::new(std::array::from_fn(|index| (index as u8).wrapping_mul(7) ^ 0x35)));
        IntOp::Conv {
            window,
            parts: 1,
            weight: self.random.weights(depth * outputs),
            parameters: self.random.parameters(outputs, depth),
            post: post(code),
            table,
            residual,
            transposed: false,
        }
    }

    pub fn depthwise(&mut self, input: TensorId, window: Window, code: CodeType) -> TensorId {
        let from = self.shape_of(input);
        let taps = window.kernel[0] * window.kernel[1];
        let [rows, cols] = window.output(from.rows, from.cols).unwrap();
        let op = IntOp::Depthwise {
            window,
            weight: self.random.weights(taps * from.channels),
            parameters: self.random.parameters(from.channels, taps),
            post: post(&code),
        };
        self.node(op, &[input], shape(1, rows, cols, from.channels), code)
    }
}

pub fn window(kernel: [usize; 2], stride: [usize; 2], pad: [usize; 4], dilation: [usize; 2]) -> Window {
    Window { kernel, stride, pad, dilation }
}

/// Every operator in shapes that do not divide, by name.
pub fn zoo() -> Vec<(String, IntGraph)> {
    let mut all: Vec<(String, IntGraph)> = Vec::new();
    let maps = [(5, 6, 12), (7, 8, 16), (9, 5, 33), (14, 14, 40), (1, 1, 70)];
    for (index, (rows, cols, channels)) in maps.into_iter().enumerate() {
        for (outputs, code) in [(12, SIGNED), (50, UNSIGNED), (130, WIDE), (16, NARROW)] {
            let mut b = Builder::new(index as u64 * 10 + outputs as u64);
            let x = b.input(shape(1, rows, cols, channels), UNSIGNED);
            let y = b.conv(x, Window::POINT, 1, outputs, code);
            all.push((format!("pointwise {rows}x{cols}x{channels} to {outputs}"), b.finish(&[y])));
        }
    }
    for (index, window) in windows().into_iter().enumerate() {
        for (rows, cols, channels) in [(5, 6, 12), (11, 9, 3), (10, 16, 32)] {
            if window.output(rows, cols).is_none() {
                continue;
            }
            let mut b = Builder::new(index as u64);
            let x = b.input(shape(1, rows, cols, channels), SIGNED);
            let y = b.conv(x, window, 1, 20, NARROW);
            let z =
                b.depthwise(y, Window { kernel: [1, 1], dilation: [1, 1], pad: [0; 4], ..window }, SIGNED);
            let w = b.depthwise(x, window, SIGNED);
            all.push((format!("{window:?} on {rows}x{cols}x{channels}"), b.finish(&[z, w])));
        }
    }
    all.extend(with_residual());
    all.extend(in_parts());
    all.extend(phased());
    all.extend(reshaped());
    all.extend(permuted());
    all.extend(token_operators());
    all.extend(pools());
    all
}

fn windows() -> Vec<Window> {
    vec![
        window([3, 3], [1, 1], [1, 1, 1, 1], [1, 1]),
        window([3, 3], [2, 2], [0, 0, 1, 1], [1, 1]),
        window([5, 3], [1, 2], [2, 1, 2, 1], [1, 1]),
        window([3, 3], [1, 1], [2, 2, 2, 2], [2, 2]),
        window([4, 4], [4, 4], [0; 4], [1, 1]),
        window([1, 1], [2, 2], [0; 4], [1, 1]),
        window([2, 5], [3, 1], [1, 2, 0, 2], [1, 1]),
    ]
}

/// A kernel of 4 x 4 at stride 2, phase by phase and with the columns' phases together; and unlike phases.
fn phased() -> Vec<(String, IntGraph)> {
    let two = |pad: [usize; 4], cols: usize| window([2, cols], [1, 1], pad, [1, 1]);
    let apart = vec![two([1, 1, 0, 0], 2), two([1, 0, 0, 1], 2), two([0, 1, 1, 0], 2), two([0, 0, 1, 1], 2)];
    let together = vec![two([1, 1, 0, 1], 3), two([0, 1, 1, 1], 3)];
    let unlike = vec![Window::POINT, two([0, 0, 1, 0], 1), window([3, 3], [1, 1], [1; 4], [1, 1])];
    let mut all = Vec::new();
    for (rows, cols, channels) in [(5, 6, 12), (16, 16, 96), (9, 3, 40)] {
        let cases = [
            ([2, 2], apart.clone(), 64, [2, 2], SIGNED),
            ([2, 2], apart.clone(), 32, [2, 2], WIDE),
            ([2, 1], together.clone(), 10, [2, 2], UNSIGNED),
            ([2, 1], together.clone(), 1, [2, 2], SIGNED),
            ([3, 1], unlike.clone(), 20, [3, 1], NARROW),
        ];
        for (phases, windows, outputs, [down, right], code) in cases {
            let mut b = Builder::new(channels as u64 + outputs as u64);
            let x = b.input(shape(1, rows, cols, channels), SIGNED);
            let n = outputs * (right / phases[1]);
            let taps: usize = windows.iter().map(|window| window.kernel[0] * window.kernel[1]).sum();
            let op = IntOp::Phased {
                phases,
                weight: b.random.weights(taps * channels * n),
                parameters: b.random.parameters(n * windows.len(), 4 * channels),
                windows,
                post: post(&code),
            };
            let y = b.node(op, &[x], shape(1, down * rows, right * cols, outputs), code);
            all.push((format!("{phases:?} phases {rows}x{cols}x{channels} to {outputs}"), b.finish(&[y])));
        }
    }
    all
}

fn reshaped() -> Vec<(String, IntGraph)> {
    let mut all = Vec::new();
    for (rows, cols, channels, code) in
        [(4, 6, 32, SIGNED), (5, 3, 12, WIDE), (16, 16, 1, UNSIGNED), (3, 7, 5, NARROW)]
    {
        let mut b = Builder::new(rows as u64);
        let x = b.input(shape(1, rows, cols, channels), code);
        let wide = b.node(IntOp::Reshape, &[x], shape(1, rows, 1, cols * channels), code);
        let tokens = b.node(IntOp::Reshape, &[x], shape(1, rows * cols, 1, channels), code);
        let back = b.node(IntOp::Reshape, &[tokens], shape(1, rows, cols, channels), code);
        all.push((format!("reshape {rows}x{cols}x{channels}"), b.finish(&[wide, back])));
    }
    all
}

/// Pixels and codes in another order: windows and back, rows and columns exchanged, codes and pixels exchanged.
fn permuted() -> Vec<(String, IntGraph)> {
    let mut all = Vec::new();
    for (code, channels) in [(SIGNED, 12), (WIDE, 20), (UNSIGNED, 1), (NARROW, 70)] {
        let mut b = Builder::new(channels as u64);
        let x = b.input(shape(1, 6, 9, channels), code);
        let mut node = |from, dims: &[usize], order: &[usize], to| {
            let op = IntOp::Permute { dims: dims.to_vec(), order: order.to_vec() };
            b.node(op, &[from], to, code)
        };
        let windows = node(x, &[2, 3, 3, 3, channels], &[0, 2, 1, 3, 4], shape(6, 9, 1, channels));
        let map = node(windows, &[2, 3, 3, 3, channels], &[0, 2, 1, 3, 4], shape(1, 6, 9, channels));
        let strided = node(x, &[3, 2, 3, 3, channels], &[1, 3, 0, 2, 4], shape(6, 9, 1, channels));
        let columns = node(x, &[6, 9, channels], &[0, 2, 1], shape(1, 6 * channels, 1, 9));
        let rows = node(columns, &[6, channels, 9], &[2, 1, 0], shape(1, 9 * channels, 1, 6));
        let channel_rows = node(x, &[54, channels], &[1, 0], shape(1, channels, 1, 54));
        let back = node(channel_rows, &[channels, 54], &[1, 0], shape(1, 6, 9, channels));
        let outputs = [map, strided, rows, back];
        all.push((format!("permute 6x9x{channels}"), b.finish(&outputs)));
    }
    // More than the scratchpad holds.
    let mut b = Builder::new(3);
    let x = b.input(shape(1, 190, 1, 168), SIGNED);
    let op = IntOp::Permute { dims: vec![190, 168], order: vec![1, 0] };
    let y = b.node(op, &[x], shape(1, 168, 1, 190), SIGNED);
    all.push(("permute 190x168".to_owned(), b.finish(&[y])));
    all
}

fn with_residual() -> Vec<(String, IntGraph)> {
    let mut all = Vec::new();
    for (channels, code, other) in
        [(12, SIGNED, SIGNED), (48, SIGNED, WIDE), (33, WIDE, WIDE), (96, WIDE, SIGNED)]
    {
        let mut b = Builder::new(channels as u64);
        let x = b.input(shape(1, 5, 6, 24), SIGNED);
        let r = b.input(shape(1, 5, 6, channels), other);
        let residual = b.residual(r);
        let op = b.conv_op(x, Window::POINT, channels, &code, code.bits == 8, Some(residual));
        let y = b.node(op, &[x, r], shape(1, 5, 6, channels), code);
        all.push((format!("residual {channels} {code:?}"), b.finish(&[y])));
    }
    all
}

/// Grouped convolutions: parts smaller than a line, of a line and a half, one line, two; such that fill no lines;
/// one output and two of a channel.
fn in_parts() -> Vec<(String, IntGraph)> {
    let mut all = Vec::new();
    let sizes =
        [(8, 4, 4), (4, 24, 8), (3, 16, 16), (2, 32, 64), (2, 8, 8), (5, 3, 2), (64, 1, 2), (3, 24, 16)];
    for (index, (parts, channels, outputs)) in sizes.into_iter().enumerate() {
        for (kernel, code, residual) in [(1, SIGNED, false), (3, UNSIGNED, true), (3, WIDE, false)] {
            let mut b = Builder::new(index as u64);
            let x = b.input(shape(1, 6, 5, parts * channels), UNSIGNED);
            let to = shape(1, 6, 5, parts * outputs);
            let other = residual.then(|| b.input(to, SIGNED));
            let residual = other.map(|other| b.residual(other));
            let window = window([kernel; 2], [1, 1], [kernel / 2; 4], [1, 1]);
            let mut op = b.conv_op(x, window, parts * outputs, &code, code.bits == 8, residual);
            if let IntOp::Conv { parts: cut, weight, .. } = &mut op {
                *cut = parts;
                *weight = b.random.weights(kernel * kernel * channels * parts * outputs);
            }
            let inputs: Vec<TensorId> = [x].into_iter().chain(other).collect();
            let y = b.node(op, &inputs, to, code);
            all.push((format!("{parts} parts of {channels} to {outputs}, {code:?}"), b.finish(&[y])));
        }
    }
    all
}

fn token_operators() -> Vec<(String, IntGraph)> {
    let mut all = Vec::new();
    for (tokens, heads, width) in [(7, 2, 16), (50, 3, 12), (33, 4, 64)] {
        let dim = heads * width;
        let mut b = Builder::new(tokens as u64);
        let x = b.input(shape(1, tokens, 1, dim), WIDE);
        let norm = IntOp::LayerNorm {
            parameters: (0..dim)
                .map(|index| ChannelParameter {
                    bias: 100 - index as i32,
                    requant: Requant::from_real(0.001).unwrap(),
                    negate: index % 3 == 0,
                    channel_shift: 0,
                })
                .collect(),
            epsilon: 1_000_000,
            post: post(&SIGNED),
        };
        let n = b.node(norm, &[x], shape(1, tokens, 1, dim), SIGNED);
        let q = b.conv(n, Window::POINT, heads, width, CENTRED);
        let k = b.conv(n, Window::POINT, heads, width, CENTRED);
        let mut op = b.conv_op(n, Window::POINT, dim, &CENTRED, false, None);
        if let IntOp::Conv { transposed, .. } = &mut op {
            *transposed = true;
        }
        let v = b.node(op, &[n], shape(heads, width, 1, tokens), CENTRED);
        let product = |b: &mut Builder, terms: usize, code: &CodeType| IntOp::MatMul {
            parameter: ChannelParameter {
                bias: 0,
                requant: b.random.requant(terms),
                negate: false,
                channel_shift: 0,
            },
            post: post(code),
        };
        let op = product(&mut b, width, &CENTRED);
        let s = b.node(op, &[q, k], shape(heads, tokens, 1, tokens), CENTRED);
        let table = Arc::new(bitgauge_arch::arith::softmax::exponential_table(0.05));
        let unsigned = CodeType { zero_point: 0, ..UNSIGNED };
        let p = b.node(IntOp::Softmax { table }, &[s], shape(heads, tokens, 1, tokens), unsigned);
        let op = product(&mut b, tokens, &SIGNED);
        let o = b.node(op, &[p, v], shape(heads, tokens, 1, width), SIGNED);
        let residual = b.residual(x);
        let op = b.conv_op(o, Window::POINT, dim, &WIDE, false, Some(residual));
        let y = b.node(op, &[o, x], shape(1, tokens, 1, dim), WIDE);
        let (first, second) = (b.residual(y), b.residual(x));
        let add = IntOp::Add { first, second: Some(second), post: post(&WIDE) };
        let z = b.node(add, &[y, x], shape(1, tokens, 1, dim), WIDE);
        let first = b.residual(z);
        let narrow = b.node(
            IntOp::Add { first, second: None, post: post(&SIGNED) },
            &[z],
            shape(1, tokens, 1, dim),
            SIGNED,
        );
        let table = Arc::new(std::array::from_fn(|index| 255 - index as u8));
        let t = b.node(IntOp::Table { table }, &[narrow], shape(1, tokens, 1, dim), SIGNED);
        let c = b.constant(shape(1, 1, 1, dim), SIGNED);
        let j = b.node(IntOp::ConcatRows, &[c, t, narrow], shape(1, 2 * tokens + 1, 1, dim), SIGNED);
        let l = b.node(IntOp::SliceRows { start: 2 }, &[j], shape(1, tokens, 1, dim), SIGNED);
        all.push((format!("attention {tokens} x {heads} x {width}"), b.finish(&[l, j])));
    }
    all
}

fn pools() -> Vec<(String, IntGraph)> {
    let mut all = Vec::new();
    for (rows, cols, channels) in [(5, 6, 12), (7, 7, 64), (8, 8, 33)] {
        let mut b = Builder::new(channels as u64);
        let x = b.input(shape(1, rows, cols, channels), UNSIGNED);
        let pool = window([3, 3], [2, 2], [1, 1, 1, 1], [1, 1]);
        let [r, c] = pool.output(rows, cols).unwrap();
        let m = b.node(IntOp::MaxPool { window: pool }, &[x], shape(1, r, c, channels), UNSIGNED);
        let average = |window: Window, taps: f64| IntOp::AveragePool {
            window,
            requant: Requant::from_real(0.9 / taps).unwrap(),
            post: post(&SIGNED),
        };
        let a = b.node(average(pool, 9.0), &[x], shape(1, r, c, channels), SIGNED);
        let whole = window([rows, cols], [1, 1], [0; 4], [1, 1]);
        let g = b.node(average(whole, (rows * cols) as f64), &[x], shape(1, 1, 1, channels), SIGNED);
        all.push((format!("pools {rows}x{cols}x{channels}"), b.finish(&[m, a, g])));
    }
    all
}
