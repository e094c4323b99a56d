//! Every kernel against a naive reference written from the operator's definition.

use std::sync::Arc;

use bitgauge_arch::arith::layernorm::layernorm_token;
use bitgauge_arch::arith::softmax::{OutputCode, exponential_table, softmax_row};
use bitgauge_arch::arith::{ChannelParameter, Post, Requant, Residual, Signedness, pool};

use bitgauge_testing::Random;

use crate::float::heads::{HeadFunction, HeadStep};
use crate::integer::{
    CodeType, FloatSource, IntGraph, IntNode, IntOp, IntOutput, IntTensor, Shape, TensorId, Window, run,
};

fn parameters(random: &mut Random, count: usize, factor: f64) -> Vec<ChannelParameter> {
    let one = |r: &mut Random| ChannelParameter {
        bias: r.bits() as i32 % 3000 - 1500,
        requant: Requant::from_real(factor * (1.0 + r.bits() as f64 / 2e9)).unwrap(),
        negate: r.once_in(5),
        channel_shift: 0,
    };
    (0..count).map(|_| one(random)).collect()
}

fn code(bits: u8, sign: Signedness, zero_point: i32) -> CodeType {
    CodeType { bits, sign, scale: 0.1, zero_point, tag_shift: 0 }
}

fn signed(zero_point: i32) -> CodeType {
    code(8, Signedness::Signed, zero_point)
}

fn shape(groups: usize, rows: usize, cols: usize, channels: usize) -> Shape {
    Shape { groups, rows, cols, channels }
}

const POST: Post = Post { zero_point: 3, clamp_low: -120, clamp_high: 100 };

/// A head, so that files hold one.
fn softmax_of(size: usize) -> HeadStep {
    HeadStep { function: HeadFunction::Softmax, outer: 1, size, inner: 1 }
}

/// Runs one node; tensors are the inputs and then the output.
fn one(op: IntOp, tensors: &[(Shape, CodeType)], inputs: &[Vec<u8>]) -> Vec<u8> {
    let tensor = |(i, &(shape, code)): (usize, &(Shape, CodeType))| IntTensor {
        name: format!("t{i}"),
        shape,
        code,
        channel_shifts: None,
        constant: None,
        float_source: None,
    };
    let last = tensors.len() - 1;
    let ids: Vec<TensorId> = (0..last).map(TensorId).collect();
    let graph = IntGraph {
        name: "one".to_owned(),
        tensors: tensors.iter().enumerate().map(tensor).collect(),
        nodes: vec![IntNode { name: "n".to_owned(), op, inputs: ids.clone(), output: TensorId(last) }],
        inputs: ids,
        outputs: vec![IntOutput {
            name: "y".to_owned(),
            tensor: TensorId(last),
            order: tensors[last].0.stored(),
            head: vec![softmax_of(tensors[last].0.elements())],
        }],
    };
    let bytes = graph.to_bytes();
    assert_eq!(IntGraph::from_bytes(&bytes).unwrap().to_text(), graph.to_text());
    run(&graph, inputs).unwrap()[last].clone().unwrap()
}

/// Flat input channels of a pixel by definition; `None` in the padding.
fn tap(s: Shape, w: &Window, out: [usize; 2], k: [usize; 2]) -> Option<[usize; 2]> {
    let along = |i: usize, size: usize| {
        let at = (out[i] * w.stride[i] + k[i] * w.dilation[i]) as i64 - w.pad[i] as i64;
        usize::try_from(at).ok().filter(|&at| at < size)
    };
    Some([along(0, s.rows)?, along(1, s.cols)?])
}

/// Each phase against the convolution of its window, pixel by pixel.
#[test]
fn phases_interleave() {
    let mut random = Random(9);
    let (from, in_code) = (shape(1, 3, 4, 5), signed(-7));
    let window = |kernel, pad| Window { kernel, pad, ..Window::POINT };
    let windows = [window([2, 2], [1, 1, 0, 0]), window([1, 2], [0, 0, 0, 1])];
    // Two columns of three channels are a pixel of six.
    let to = shape(1, 6, 8, 3);
    let weight: Arc<[i8]> = random.bytes(6 * 6 * 5).iter().map(|&b| b as i8).collect();
    let (parameters, input) = (parameters(&mut random, 12, 0.004), random.bytes(from.elements()));
    let op = IntOp::Phased {
        phases: [2, 1],
        windows: windows.to_vec(),
        weight: weight.clone().into(),
        parameters: parameters.clone(),
        post: POST,
    };
    let got = one(op, &[(from, in_code), (to, signed(3))], std::slice::from_ref(&input));
    for (phase, window) in windows.into_iter().enumerate() {
        let cut = [0, 4 * 5 * 6][phase];
        let conv = IntOp::Conv {
            window,
            parts: 1,
            weight: weight[cut..][..window.kernel[0] * 2 * 5 * 6].into(),
            parameters: parameters[6 * phase..][..6].to_vec(),
            post: POST,
            table: None,
            residual: None,
            transposed: false,
        };
        let whole = shape(1, 3, 4, 6);
        let want = one(conv, &[(from, in_code), (whole, signed(3))], std::slice::from_ref(&input));
        for (at, want) in want.iter().enumerate() {
            let (row, rest) = (at / 24, at % 24);
            assert_eq!(got[(2 * row + phase) * 24 + rest], *want, "{phase} {at}");
        }
    }
}

#[test]
fn convolution() {
    let mut random = Random(1);
    let wide = Window { kernel: [3, 2], stride: [2, 1], pad: [1, 0, 2, 1], dilation: [1, 2] };
    for (case, window) in [Window::POINT, wide].into_iter().enumerate() {
        // Groups of a pixel in memory, and parts of a grouped convolution.
        for (groups, parts) in [(1, 1), (3, 1), (1, 2)] {
            for in_code in [signed(-7), code(8, Signedness::Unsigned, 9)] {
                let from = shape(groups, 6, 5, 4);
                let [rows, cols] = window.output(6, 5).unwrap();
                let to = if parts == 1 { shape(2, rows, cols, 5) } else { shape(1, rows, cols, 10) };
                let each = groups * 4 / parts;
                let (n, k) = (10, window.kernel[0] * window.kernel[1] * each);
                let weight: Arc<[i8]> = random.bytes(n * k).iter().map(|&b| b as i8).collect();
                let parameters = parameters(&mut random, n, 0.002);
                let input = random.bytes(from.elements());
                let other_code = code(16, Signedness::Signed, 0);
                let other = random.bytes(2 * to.elements());
                let residual = Residual { zero_point: 0, requant: Requant::from_real(0.003).unwrap() };
                let table: Arc<[u8; 256]> = Arc::new(std::array::from_fn(|i| (i * 7) as u8));
                let with = case == 1;
                let op = IntOp::Conv {
                    window,
                    parts,
                    weight: weight.clone().into(),
                    parameters: parameters.clone(),
                    post: POST,
                    table: with.then(|| table.clone()),
                    residual: with.then_some(residual),
                    transposed: false,
                };
                let out = (to, signed(if with { 0 } else { 3 }));
                let got = if with {
                    one(op, &[(from, in_code), (to, other_code), out], &[input.clone(), other.clone()])
                } else {
                    one(op, &[(from, in_code), out], std::slice::from_ref(&input))
                };
                for row in 0..rows {
                    for col in 0..cols {
                        for (channel, parameter) in parameters.iter().enumerate() {
                            let mut sum = 0;
                            let mut index = channel * k;
                            for kr in 0..window.kernel[0] {
                                for kc in 0..window.kernel[1] {
                                    let first = channel * parts / n * each;
                                    for flat in first..first + each {
                                        let at = tap(from, &window, [row, col], [kr, kc]);
                                        let a = at.map_or(in_code.zero_point, |[r, c]| {
                                            in_code.read(&input, from.index(flat / 4, r, c, flat % 4))
                                        });
                                        sum += a * i32::from(weight[index]);
                                        index += 1;
                                    }
                                }
                            }
                            let at = to.index(channel / to.channels, row, col, channel % to.channels);
                            let added = if with { residual.rescale(other_code.read(&other, at)) } else { 0 };
                            let code = POST.finish(parameter.requantize(sum) + added);
                            let want = if with { table[usize::from(code as u8)] } else { code as u8 };
                            assert_eq!(got[at], want, "{case} {groups} {parts} {row} {col} {channel}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn transposed_linear_is_the_transpose() {
    let mut random = Random(2);
    let from = shape(1, 9, 1, 16);
    let weight: Arc<[i8]> = random.bytes(12 * 16).iter().map(|&b| b as i8).collect();
    let parameters = parameters(&mut random, 12, 0.004);
    let op = |transposed| IntOp::Conv {
        window: Window::POINT,
        parts: 1,
        weight: weight.clone().into(),
        parameters: parameters.clone(),
        post: POST,
        table: None,
        residual: None,
        transposed,
    };
    let input = vec![random.bytes(from.elements())];
    let plain = one(op(false), &[(from, signed(0)), (shape(1, 9, 1, 12), signed(3))], &input);
    let turned = one(op(true), &[(from, signed(0)), (shape(3, 4, 1, 9), signed(3))], &input);
    for t in 0..9 {
        for n in 0..12 {
            assert_eq!(turned[shape(3, 4, 1, 9).index(n / 4, n % 4, 0, t)], plain[t * 12 + n]);
        }
    }
}

#[test]
fn depthwise_and_pools() {
    let mut random = Random(3);
    let window = Window { kernel: [3, 3], stride: [2, 1], pad: [1, 1, 1, 1], dilation: [1, 1] };
    let from = shape(1, 7, 6, 20);
    let [rows, cols] = window.output(7, 6).unwrap();
    let to = shape(1, rows, cols, 20);
    let input = random.bytes(from.elements());
    let weight: Arc<[i8]> = random.bytes(9 * 20).iter().map(|&b| b as i8).collect();
    let parameters = parameters(&mut random, 20, 0.01);
    let requant = Requant::from_real(0.11).unwrap();
    let code = signed(-11);
    let run_one = |op, out| one(op, &[(from, code), (to, out)], std::slice::from_ref(&input));
    let depthwise = IntOp::Depthwise {
        window,
        weight: weight.clone().into(),
        parameters: parameters.clone(),
        post: POST,
    };
    let (conv, max) = (run_one(depthwise, signed(3)), run_one(IntOp::MaxPool { window }, code));
    let mean = run_one(IntOp::AveragePool { window, requant, post: POST }, signed(3));
    for row in 0..rows {
        for col in 0..cols {
            for channel in 0..20 {
                let (mut sum, mut greatest, mut total) = (0, -128, 0i64);
                for t in 0..9 {
                    let at = tap(from, &window, [row, col], [t / 3, t % 3]);
                    let value = at.map(|[r, c]| code.read(&input, from.index(0, r, c, channel)));
                    sum += value.unwrap_or(-11) * i32::from(weight[t * 20 + channel]);
                    greatest = greatest.max(value.unwrap_or(-128));
                    total += i64::from(value.unwrap_or(-11));
                }
                let at = to.index(0, row, col, channel);
                assert_eq!(conv[at], POST.finish(parameters[channel].requantize(sum)) as u8);
                assert_eq!(max[at], greatest as u8);
                assert_eq!(mean[at], pool::average(total, 9, -11, requant, &POST) as u8);
            }
        }
    }
}

#[test]
fn a_map_times_its_channels() {
    let mut random = Random(6);
    let (map, factors) = (shape(1, 3, 4, 10), shape(1, 1, 1, 10));
    let inputs = vec![random.bytes(map.elements()), random.bytes(10)];
    let parameter = ChannelParameter {
        bias: 5,
        requant: Requant::from_real(0.02).unwrap(),
        negate: false,
        channel_shift: 0,
    };
    let op = IntOp::Scale { parameter, post: POST };
    let got = one(op, &[(map, signed(0)), (factors, signed(0)), (map, signed(3))], &inputs);
    for (index, &code) in got.iter().enumerate() {
        let product = i32::from(inputs[0][index] as i8) * i32::from(inputs[1][index % 10] as i8);
        assert_eq!(code, POST.finish(parameter.requantize(product)) as u8);
    }
}

#[test]
fn products_softmax_and_norm() {
    let mut random = Random(4);
    let (a, b, to) = (shape(3, 5, 1, 16), shape(3, 7, 1, 16), shape(3, 5, 1, 7));
    let unsigned = code(8, Signedness::Unsigned, 0);
    let inputs = vec![random.bytes(a.elements()), random.bytes(b.elements())];
    let parameter = ChannelParameter {
        bias: 0,
        requant: Requant::from_real(0.003).unwrap(),
        negate: false,
        channel_shift: 0,
    };
    let op = IntOp::MatMul { parameter, post: POST };
    let got = one(op, &[(a, unsigned), (b, signed(0)), (to, signed(3))], &inputs);
    for (g, m, n) in (0..105).map(|i| (i / 35, i / 7 % 5, i % 7)) {
        let product = |k| {
            unsigned.read(&inputs[0], a.index(g, m, 0, k)) * signed(0).read(&inputs[1], b.index(g, n, 0, k))
        };
        let want = POST.finish(parameter.requantize((0..16).map(product).sum()));
        assert_eq!(got[to.index(g, m, 0, n)], want as u8);
    }
    let table = exponential_table(0.05);
    let soft = one(
        IntOp::Softmax { table: Arc::new(table) },
        &[(to, signed(0)), (to, unsigned)],
        std::slice::from_ref(&got),
    );
    let mut row = [0; 7];
    softmax_row(&got[7..14], true, &table, OutputCode::uniform(8), &mut row);
    assert_eq!(soft[7..14], row);

    let tokens = shape(1, 4, 1, 24);
    let wide = code(16, Signedness::Signed, 0);
    let input = random.bytes(2 * tokens.elements());
    let parameters = parameters(&mut random, 24, 0.002);
    let op = IntOp::LayerNorm { parameters: parameters.clone(), epsilon: 77, post: POST };
    let got = one(op, &[(tokens, wide), (tokens, signed(3))], std::slice::from_ref(&input));
    for token in 0..4 {
        let codes: Vec<i32> = (0..24).map(|c| wide.read(&input, token * 24 + c)).collect();
        layernorm_token(&codes, 77, &parameters, |c, v| {
            assert_eq!(got[token * 24 + c], POST.finish(v) as u8)
        });
    }
}

#[test]
fn sums_tables_and_rows() {
    let mut random = Random(5);
    let (s, wide) = (shape(1, 4, 1, 6), code(16, Signedness::Signed, 0));
    let inputs = vec![random.bytes(24), random.bytes(48)];
    let first = Residual { zero_point: -5, requant: Requant::from_real(20.5).unwrap() };
    let second = Residual { zero_point: 0, requant: Requant::from_real(0.7).unwrap() };
    let post = Post { zero_point: 0, clamp_low: -32768, clamp_high: 32767 };
    let op = IntOp::Add { first, second: Some(second), post };
    let got = one(op, &[(s, signed(-5)), (s, wide), (s, wide)], &inputs);
    for i in 0..24 {
        let want = first.rescale(signed(-5).read(&inputs[0], i)) + second.rescale(wide.read(&inputs[1], i));
        assert_eq!(wide.read(&got, i), post.finish(want));
    }
    let table = Arc::new(std::array::from_fn(|i| (255 - i) as u8));
    let got = one(IntOp::Table { table }, &[(s, signed(0)), (s, signed(0))], &inputs[..1]);
    assert!(got.iter().zip(&inputs[0]).all(|(&to, &from)| to == 255 - from));
    let joined = one(
        IntOp::ConcatRows,
        &[(s, wide), (s, wide), (shape(1, 8, 1, 6), wide)],
        &[inputs[1].clone(), inputs[1].clone()],
    );
    let op = IntOp::SliceRows { start: 4 };
    let cut = one(op, &[(shape(1, 8, 1, 6), wide), (s, wide)], &[joined]);
    assert_eq!(cut, inputs[1]);
    let op = IntOp::Permute { dims: vec![2, 2, 6], order: vec![2, 0, 1] };
    let turned = one(op, &[(s, wide), (shape(6, 2, 1, 2), wide)], &inputs[1..]);
    for i in 0..24 {
        assert_eq!(wide.read(&turned, i % 6 * 4 + i / 6), wide.read(&inputs[1], i));
    }
}

#[test]
fn damaged_files_are_errors() {
    let mut random = Random(6);
    let s = shape(1, 2, 1, 3);
    let tensor = |name: &str, constant| IntTensor {
        name: name.to_owned(),
        shape: s,
        code: signed(0),
        channel_shifts: None,
        constant,
        float_source: Some(FloatSource { value: "x".to_owned(), order: s.stored() }),
    };
    let first = Residual { zero_point: 0, requant: Requant::from_real(1.0).unwrap() };
    let op = IntOp::Add { first, second: Some(first), post: Post { zero_point: 0, ..POST } };
    let graph = IntGraph {
        name: "g".to_owned(),
        tensors: vec![tensor("a", None), tensor("b", Some(random.bytes(6).into())), tensor("c", None)],
        nodes: vec![IntNode {
            name: "n".to_owned(),
            op,
            inputs: vec![TensorId(0), TensorId(1)],
            output: TensorId(2),
        }],
        inputs: vec![TensorId(0)],
        outputs: vec![IntOutput {
            name: "y".to_owned(),
            tensor: TensorId(2),
            order: s.stored(),
            head: vec![softmax_of(6)],
        }],
    };
    let bytes = graph.to_bytes();
    assert_eq!(IntGraph::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    for length in 0..bytes.len() {
        assert!(IntGraph::from_bytes(&bytes[..length]).is_err());
    }
    // With the checksum made good, a changed byte may read as another graph, but never panics.
    let body = bytes.len() - 8;
    for at in 12..body {
        for value in [0, 1, 0x7f, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            assert!(damaged == bytes || IntGraph::from_bytes(&damaged).is_err());
            let sum = crate::integer::file::checksum(&damaged[..body]);
            damaged[body..].copy_from_slice(&sum.to_le_bytes());
            if let Ok(graph) = IntGraph::from_bytes(&damaged) {
                let inputs: Vec<Vec<u8>> = graph.inputs.iter().map(|_| vec![1; 6]).collect();
                let _ = run(&graph, &inputs);
            }
        }
    }
}
