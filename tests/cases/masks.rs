//! Masks before a softmax, and bounds at infinity: what vanishes is as good as any other number that does.

use crate::exports::{self, agrees};
use crate::folder::{Data, Folder, last_decibels};
use crate::net::{Attribute, Net, X};

const TOKENS: usize = 16;

fn folder(net: Net, y: &str) -> Folder {
    Folder::new(&net.model(&[y]), &Data { count: 16, image: [16, 16, 3], labels: None })
}

/// `hidden` in the upper triangle of a 16 x 16 matrix, `seen` elsewhere.
fn causal(seen: f32, hidden: f32) -> Vec<f32> {
    (0..TOKENS * TOKENS).map(|i| if i % TOKENS > i / TOKENS { hidden } else { seen }).collect()
}

/// A transformer's block whose scores go through `mask` before the softmax.
fn block(mask: impl Fn(&mut Net, &str) -> String) -> Folder {
    let (dim, heads, n) = (32, 4, TOKENS as i64);
    let each = dim / heads;
    let mut net = Net::new(&[1, 3, 16, 16]);
    let (x, _) = net.tokens(16, 3, 4, dim);
    let normed = net.norm(&x, dim);
    let part = |net: &mut Net, perm: &[i64]| {
        let y = net.linear(&normed, [dim, dim]);
        let y = net.reshape(&y, &[1, n, heads as i64, each as i64]);
        net.transpose(&y, perm)
    };
    let q = part(&mut net, &[0, 2, 1, 3]);
    let k = part(&mut net, &[0, 2, 3, 1]);
    let v = part(&mut net, &[0, 2, 1, 3]);
    let s = net.op("MatMul", &[&q, &k], &[]);
    let scale = net.scalar((each as f32).powf(-0.5));
    let s = net.op("Mul", &[&s, &scale], &[]);
    let s = mask(&mut net, &s);
    let s = net.op("Softmax", &[&s], &[("axis", Attribute::Int(-1))]);
    let y = net.op("MatMul", &[&s, &v], &[]);
    let y = net.transpose(&y, &[0, 2, 1, 3]);
    let y = net.reshape(&y, &[1, n, dim as i64]);
    let y = net.linear(&y, [dim, dim]);
    let y = net.op("Add", &[&x, &y], &[]);
    let y = net.linear(&y, [dim, 10]);
    folder(net, &y)
}

fn holds(what: &str, folder: &Folder) {
    let decibels = last_decibels(&folder.quantize(&[]));
    assert!(decibels > 25.0, "{what}: {decibels}");
}

#[test]
fn a_constant_that_is_added() {
    for hidden in [-100.0, -1e4, -65504.0, -1e9, f32::MIN, f32::NEG_INFINITY] {
        let folder = block(|net, s| {
            let mask = net.floats(&[1, 1, TOKENS, TOKENS], &causal(0.0, hidden));
            net.op("Add", &[s, &mask], &[])
        });
        holds(&hidden.to_string(), &folder);
    }
}

#[test]
fn the_export_is_the_same_network() {
    for hidden in [-100.0, -1e9, f32::NEG_INFINITY] {
        let folder = block(|net, s| {
            let mask = net.floats(&[TOKENS, TOKENS], &causal(0.0, hidden));
            net.op("Add", &[s, &mask], &[])
        });
        agrees(&format!("mask {hidden}"), &folder, exports::TOKENS);
    }
}

#[test]
fn interpreter_and_simulator_agree() {
    let folder = block(|net, s| {
        let mask = net.floats(&[TOKENS, TOKENS], &causal(0.0, -1e9));
        net.op("Add", &[s, &mask], &[])
    });
    folder.run();
}

/// A row of keys for all queries; a mask for each head; the mask first.
#[test]
fn masks_of_other_shapes() {
    let keys: Vec<f32> = (0..TOKENS).map(|i| if i < 5 { -1e9 } else { 0.0 }).collect();
    holds(
        "keys",
        &block(|net, s| {
            let mask = net.floats(&[1, 1, 1, TOKENS], &keys);
            net.op("Add", &[&mask, s], &[])
        }),
    );
    holds(
        "heads",
        &block(|net, s| {
            let each: Vec<f32> = [causal(0.0, -1e9), causal(0.0, 0.0)].concat().repeat(2);
            let mask = net.floats(&[1, 4, TOKENS, TOKENS], &each);
            net.op("Add", &[s, &mask], &[])
        }),
    );
}

/// Computed from a matrix of ones and zeros, as BERT does; subtracted; with a product, as GPT-2 in TensorFlow.
#[test]
fn masks_that_are_computed() {
    holds(
        "(1 - m) * -10000",
        &block(|net, s| {
            let (m, one, far) =
                (net.floats(&[TOKENS, TOKENS], &causal(1.0, 0.0)), net.scalar(1.0), net.scalar(-1e4));
            let mask = net.op("Sub", &[&one, &m], &[]);
            let mask = net.op("Mul", &[&mask, &far], &[]);
            net.op("Add", &[s, &mask], &[])
        }),
    );
    holds(
        "s - c",
        &block(|net, s| {
            let mask = net.floats(&[TOKENS, TOKENS], &causal(0.0, 1e9));
            net.op("Sub", &[s, &mask], &[])
        }),
    );
    holds(
        "s * m - c",
        &block(|net, s| {
            let m = net.floats(&[1, 1, TOKENS, TOKENS], &causal(1.0, 0.0));
            let c = net.floats(&[1, 1, TOKENS, TOKENS], &causal(0.0, 1e10));
            let s = net.op("Mul", &[s, &m], &[]);
            net.op("Sub", &[&s, &c], &[])
        }),
    );
    holds(
        "max(s + c, least)",
        &block(|net, s| {
            let (mask, least) = (net.floats(&[TOKENS, TOKENS], &causal(0.0, f32::MIN)), net.scalar(f32::MIN));
            let s = net.op("Add", &[s, &mask], &[]);
            net.op("Max", &[&s, &least], &[])
        }),
    );
}

#[test]
fn scores_that_are_chosen() {
    for hidden in [-1e4, f32::MIN, f32::NEG_INFINITY] {
        for swapped in [false, true] {
            let folder = block(|net, s| {
                let seen =
                    causal(1.0, 0.0).iter().map(|&m| i8::from((m == 1.0) != swapped)).collect::<Vec<_>>();
                let seen = net.bools(&[1, 1, TOKENS, TOKENS], &seen);
                let c = net.scalar(hidden);
                net.op("Where", &if swapped { [&seen, &c, s] } else { [&seen, s, &c] }, &[])
            });
            holds(&format!("{hidden} {swapped}"), &folder);
        }
    }
}

/// A bias of positions, and a mask in the same constant or behind it; scaled after it.
#[test]
fn a_bias_beside_the_mask() {
    let bias: Vec<f32> = (0..TOKENS * TOKENS).map(|i| ((i * 7) % 11) as f32 / 5.0 - 1.0).collect();
    let both: Vec<f32> = bias.iter().zip(causal(0.0, -100.0)).map(|(bias, mask)| bias + mask).collect();
    holds(
        "one constant",
        &block(|net, s| {
            let both = net.floats(&[TOKENS, TOKENS], &both);
            net.op("Add", &[s, &both], &[])
        }),
    );
    for swapped in [false, true] {
        holds(
            "two constants",
            &block(|net, s| {
                let bias = net.floats(&[TOKENS, TOKENS], &bias);
                let mask = net.floats(&[TOKENS, TOKENS], &causal(0.0, -100.0));
                let [first, second] = if swapped { [&mask, &bias] } else { [&bias, &mask] };
                let s = net.op("Add", &[s, first], &[]);
                net.op("Add", &[&s, second], &[])
            }),
        );
    }
    holds(
        "scaled",
        &block(|net, s| {
            let mask = net.floats(&[TOKENS, TOKENS], &causal(0.0, -1e9));
            let s = net.op("Add", &[s, &mask], &[]);
            let half = net.scalar(0.5);
            net.op("Mul", &[&s, &half], &[])
        }),
    );
}

/// Windows of a shifted window attention: the mask of each window, in views of four and five dimensions.
#[test]
fn shifted_windows() {
    holds(
        "windows",
        &block(|net, s| {
            let mask = net.floats(&[1, 1, 1, TOKENS, TOKENS], &causal(0.0, -100.0));
            let s = net.reshape(s, &[1, 1, 4, TOKENS as i64, TOKENS as i64]);
            let s = net.op("Add", &[&s, &mask], &[]);
            net.reshape(&s, &[1, 4, TOKENS as i64, TOKENS as i64])
        }),
    );
}

/// Bounds of Clip at infinity or at the greatest number.
#[test]
fn bounds_at_infinity() {
    for (low, high) in [
        (Some(f32::NEG_INFINITY), Some(f32::INFINITY)),
        (Some(0.0), Some(f32::INFINITY)),
        (Some(f32::NEG_INFINITY), Some(1.0)),
        (Some(f32::MIN), Some(f32::MAX)),
        (None, Some(f32::MAX)),
    ] {
        let mut net = Net::new(&[1, 3, 16, 16]);
        let x = net.conv(X, [3, 8], 3, 1);
        let [low_name, high_name] = [low, high].map(|bound| bound.map_or(String::new(), |b| net.scalar(b)));
        let y = net.op("Clip", &[&x, &low_name, &high_name], &[]);
        let y = net.conv(&y, [8, 4], 3, 1);
        holds(&format!("{low:?} {high:?}"), &folder(net, &y));
    }
    for (kind, bound) in [("Max", f32::NEG_INFINITY), ("Min", f32::INFINITY)] {
        let mut net = Net::new(&[1, 3, 16, 16]);
        let x = net.conv(X, [3, 8], 3, 1);
        let bound = net.scalar(bound);
        let y = net.op(kind, &[&x, &bound], &[]);
        let y = net.conv(&y, [8, 4], 3, 1);
        holds(kind, &folder(net, &y));
    }
}

/// A pad that never wins, before a max pool: infinity, or the least number of a type.
#[test]
fn pads_at_infinity() {
    for (pad, relu) in [(f32::NEG_INFINITY, false), (f32::MIN, false), (-65504.0, false), (0.0, true)] {
        let mut net = Net::new(&[1, 3, 16, 16]);
        let mut x = net.conv(X, [3, 8], 3, 1);
        if relu {
            x = net.op("Relu", &[&x], &[]);
        }
        let (pads, value) = (net.ints(&[0, 0, 1, 1, 0, 0, 1, 1]), net.scalar(pad));
        let y = net.op("Pad", &[&x, &pads, &value], &[]);
        let window = [("kernel_shape", Attribute::Ints(&[3, 3])), ("strides", Attribute::Ints(&[2, 2]))];
        let y = net.op("MaxPool", &[&y], &window);
        let y = net.conv(&y, [8, 4], 3, 1);
        let folder = folder(net, &y);
        holds(&pad.to_string(), &folder);
        folder.run();
    }
}

/// Infinity elsewhere is refused by name.
#[test]
fn infinity_is_no_weight() {
    let mut net = Net::new(&[1, 3, 16, 16]);
    let w = net.floats(&[4, 3, 1, 1], &[f32::INFINITY; 12]);
    let y = net.op("Conv", &[X, &w], &[]);
    let all = ["quantize", "--model", "model.onnx", "--data", "data.toml", "--output", "net.bgq"];
    let said = folder(net, &y).refusal(&all, 2);
    assert!(said.contains("element 0 is inf, not a finite number"), "{said}");
    let mut net = Net::new(&[1, 3, 16, 16]);
    let x = net.conv(X, [3, 4], 3, 1);
    let c = net.floats(&[4, 1, 1], &[0.0, 0.0, f32::NEG_INFINITY, 0.0]);
    let y = net.op("Add", &[&x, &c], &[]);
    let y = net.op("Sigmoid", &[&y], &[]);
    let said = folder(net, &y).refusal(&all, 2);
    assert!(said.contains("node `Conv_") && said.contains("no bounds (infinity)"), "{said}");
}
