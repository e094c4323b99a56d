//! Normalization over channels, groups and maps, as operators and written out.

use crate::net::{Attribute, Net, X};
use crate::sound::sound;

/// How a square, a quotient by a root and the variance are written.
#[derive(Clone, Copy)]
struct Spelling {
    power: bool,
    reciprocal: bool,
    unbiased: bool,
}

const SPELLINGS: [Spelling; 3] = [
    Spelling { power: true, reciprocal: false, unbiased: false },
    Spelling { power: false, reciprocal: true, unbiased: false },
    Spelling { power: true, reciprocal: false, unbiased: true },
];

/// LayerNorm over axis 1 of a map of so many channels.
fn over_channels(net: &mut Net, x: &str, channels: usize, how: Spelling) -> String {
    let axes = [("axes", Attribute::Ints(&[1])), ("keepdims", Attribute::Int(1))];
    let mean = net.op("ReduceMean", &[x], &axes);
    let d = net.op("Sub", &[x, &mean], &[]);
    let two = net.scalar(2.0);
    let square = if how.power { net.op("Pow", &[&d, &two], &[]) } else { net.op("Mul", &[&d, &d], &[]) };
    let mut v = net.op("ReduceMean", &[&square], &axes);
    if how.unbiased {
        let (n, less) = (net.scalar(channels as f32), net.scalar(channels as f32 - 1.0));
        v = net.op("Mul", &[&v, &n], &[]);
        v = net.op("Div", &[&v, &less], &[]);
    }
    let epsilon = net.scalar(1e-6);
    let v = net.op("Add", &[&v, &epsilon], &[]);
    let root = net.op("Sqrt", &[&v], &[]);
    let y = if how.reciprocal {
        let inverse = net.op("Reciprocal", &[&root], &[]);
        net.op("Mul", &[&d, &inverse], &[])
    } else {
        net.op("Div", &[&d, &root], &[])
    };
    let [scale, shift] = [net.noise(&[channels, 1, 1], 1.0, 0.1), net.noise(&[1, channels, 1, 1], 0.0, 0.1)];
    let y = net.op("Mul", &[&scale, &y], &[]);
    net.op("Add", &[&y, &shift], &[])
}

#[test]
fn layer_norm_of_a_map_written_out() {
    for how in SPELLINGS {
        let mut net = Net::new(&[1, 3, 16, 16]);
        let y = net.conv(X, [3, 16], 3, 1);
        let y = over_channels(&mut net, &y, 16, how);
        let y = net.conv(&y, [16, 8], 3, 1);
        sound(&net.model(&[&y]), [16, 16, 3]);
    }
}

/// Scale and shift for each of so many channels.
fn parameters(net: &mut Net, channels: usize) -> [String; 2] {
    [net.noise(&[channels], 1.0, 0.1), net.noise(&[channels], 0.0, 0.1)]
}

#[test]
fn group_normalization() {
    for groups in [1, 2, 4] {
        let mut net = Net::new(&[1, 3, 8, 8]).opset(21);
        let y = net.conv(X, [3, 16], 3, 1);
        let [scale, shift] = parameters(&mut net, 16);
        let y =
            net.op("GroupNormalization", &[&y, &scale, &shift], &[("num_groups", Attribute::Int(groups))]);
        let y = net.op("Relu", &[&y], &[]);
        let y = net.conv(&y, [16, 8], 3, 1);
        sound(&net.model(&[&y]), [8, 8, 3]);
    }
}

#[test]
fn group_normalization_as_torch_writes_it() {
    let mut net = Net::new(&[1, 3, 8, 8]);
    let y = net.conv(X, [3, 16], 3, 1);
    let y = net.reshape(&y, &[0, 4, -1]);
    let [ones, zeros] = [net.floats(&[4], &[1.0; 4]), net.floats(&[4], &[0.0; 4])];
    let y = net.op("InstanceNormalization", &[&y, &ones, &zeros], &[]);
    let y = net.reshape(&y, &[1, 16, 8, 8]);
    let [scale, shift] = [net.noise(&[16, 1, 1], 1.0, 0.1), net.noise(&[16, 1, 1], 0.0, 0.1)];
    let y = net.op("Mul", &[&y, &scale], &[]);
    let y = net.op("Add", &[&y, &shift], &[]);
    let y = net.op("Relu", &[&y], &[]);
    let y = net.conv(&y, [16, 8], 3, 1);
    sound(&net.model(&[&y]), [8, 8, 3]);
}

#[test]
fn instance_normalization_written_out() {
    let mut net = Net::new(&[1, 3, 16, 16]);
    let y = net.conv(X, [3, 16], 3, 1);
    let axes = [("axes", Attribute::Ints(&[2, 3])), ("keepdims", Attribute::Int(1))];
    let mean = net.op("ReduceMean", &[&y], &axes);
    let d = net.op("Sub", &[&y, &mean], &[]);
    let square = net.op("Mul", &[&d, &d], &[]);
    let v = net.op("ReduceMean", &[&square], &axes);
    let (epsilon, half) = (net.scalar(1e-5), net.scalar(0.5));
    let v = net.op("Add", &[&v, &epsilon], &[]);
    let root = net.op("Pow", &[&v, &half], &[]);
    let y = net.op("Div", &[&d, &root], &[]);
    let [scale, shift] = [net.noise(&[16, 1, 1], 1.0, 0.1), net.noise(&[16, 1, 1], 0.0, 0.1)];
    let y = net.op("Mul", &[&y, &scale], &[]);
    let y = net.op("Add", &[&y, &shift], &[]);
    let y = net.conv(&y, [16, 8], 3, 1);
    sound(&net.model(&[&y]), [16, 16, 3]);
}

/// LayerNorm of tokens by sums and by the mean of the squares.
#[test]
fn layer_norm_of_tokens_in_other_words() {
    for squares in [false, true] {
        let mut net = Net::new(&[1, 3, 16, 16]).opset(11);
        let (x, _) = net.tokens(16, 3, 4, 32);
        let axes = [("axes", Attribute::Ints(&[-1])), ("keepdims", Attribute::Int(1))];
        let (n, epsilon) = (net.scalar(32.0), net.scalar(1e-5));
        let sum = net.op("ReduceSum", &[&x], &axes);
        let mean = net.op("Div", &[&sum, &n], &[]);
        let d = net.op("Sub", &[&x, &mean], &[]);
        let of = if squares { x.clone() } else { d.clone() };
        let square = net.op("Mul", &[&of, &of], &[]);
        let sum = net.op("ReduceSum", &[&square], &axes);
        let mut v = net.op("Div", &[&sum, &n], &[]);
        if squares {
            let square = net.op("Mul", &[&mean, &mean], &[]);
            v = net.op("Sub", &[&v, &square], &[]);
        }
        let v = net.op("Add", &[&v, &epsilon], &[]);
        let root = net.op("Sqrt", &[&v], &[]);
        let y = net.op("Div", &[&d, &root], &[]);
        let y = net.linear(&y, [32, 8]);
        sound(&net.model(&[&y]), [16, 16, 3]);
    }
}

#[test]
fn instance_normalization() {
    let mut net = Net::new(&[1, 3, 8, 8]);
    let y = net.conv(X, [3, 16], 3, 1);
    let [scale, shift] = parameters(&mut net, 16);
    let y = net.op("InstanceNormalization", &[&y, &scale, &shift], &[]);
    let y = net.op("Relu", &[&y], &[]);
    let y = net.conv(&y, [16, 8], 3, 1);
    sound(&net.model(&[&y]), [8, 8, 3]);
}

#[test]
fn activations_written_out() {
    let functions: [fn(&mut Net, &str) -> String; 5] = [
        |net, x| {
            let gate = net.op("Sigmoid", &[x], &[]);
            net.op("Mul", &[&gate, x], &[])
        },
        // x / (1 + e^-x).
        |net, x| {
            let one = net.scalar(1.0);
            let turned = net.op("Neg", &[x], &[]);
            let e = net.op("Exp", &[&turned], &[]);
            let sum = net.op("Add", &[&e, &one], &[]);
            net.op("Div", &[x, &sum], &[])
        },
        |net, x| {
            let (three, zero, six) = (net.scalar(3.0), net.scalar(0.0), net.scalar(6.0));
            let sum = net.op("Add", &[x, &three], &[]);
            let low = net.op("Max", &[&sum, &zero], &[]);
            let ramp = net.op("Min", &[&low, &six], &[]);
            let y = net.op("Mul", &[x, &ramp], &[]);
            net.op("Div", &[&y, &six], &[])
        },
        |net, x| {
            let (three, six) = (net.scalar(3.0), net.scalar(6.0));
            let sum = net.op("Add", &[&three, x], &[]);
            let relu = net.op("Relu", &[&sum], &[]);
            let ramp = net.op("Min", &[&relu, &six], &[]);
            let share = net.op("Div", &[&ramp, &six], &[]);
            net.op("Mul", &[&share, x], &[])
        },
        |net, x| {
            let (alpha, beta) = (Attribute::Float(1.0 / 6.0), Attribute::Float(0.5));
            let gate = net.op("HardSigmoid", &[x], &[("alpha", alpha), ("beta", beta)]);
            net.op("Mul", &[x, &gate], &[])
        },
    ];
    for function in functions {
        let mut net = Net::new(&[1, 3, 16, 16]);
        let y = net.conv(X, [3, 8], 3, 1);
        let y = function(&mut net, &y);
        let y = net.conv(&y, [8, 8], 3, 1);
        sound(&net.model(&[&y]), [16, 16, 3]);
    }
}
