//! Networks written as ONNX with pairs of QuantizeLinear and DequantizeLinear: ONNX Runtime loads each of them, with its
//! optimizations on, too, and gives codes near the integer network's. (That the exact export gives every code is checked
//! for each network of these tests: [`Folder::quantize`].)
//!
//! ONNX Runtime sums in single precision, the accelerator in integers; what of that is left is a share of codes that
//! are one step away. Softmax, LayerNorm and what follows them are floats there.

use bitgauge_tests::exported::judged;

use crate::folder::{Data, Folder};
use crate::net::{Attribute, Net, X};
use crate::ort::distances;

fn folder(net: Net, y: &str, image: [usize; 3]) -> Folder {
    Folder::new(&net.model(&[y]), &Data { count: 8, image, labels: None })
}

/// What only picks codes, or sums few of them, gives every code.
pub const EXACT: (f64, i32) = (0.0, 0);

/// What convolutions, tables and sums may differ by, as measured: sums in single precision, scales of 24 bits.
pub const MAPS: (f64, i32) = (0.005, 1);

/// What networks with softmax and LayerNorm may differ by, as measured, which are floats in ONNX Runtime: codes of 16 bits, so that
/// 256 steps are one of 8 bits.
pub const TOKENS: (f64, i32) = (0.2, 136);

/// What sums of operands far greater than they may differ by, as measured: the requantizer's factor has 16 bits, and a step of the
/// sum is a small part of a step of its operands.
pub const CANCELLING: (f64, i32) = (0.15, 2);

/// All but this share of the codes are equal, and none is farther than this, with optimizations off and on.
pub fn agrees(what: &str, folder: &Folder, (share, worst): (f64, i32)) {
    let Some(outputs) = distances(folder) else { return };
    eprintln!("{what}, optimizations off and on: {outputs:?}");
    for found in judged(&outputs) {
        let equal = found.equal as f64 / found.all as f64;
        assert!(1.0 - equal <= share && found.worst <= worst, "{what}: {found:?}");
    }
}

fn maps(layers: impl Fn(&mut Net, &str) -> String) -> Folder {
    let mut net = Net::new(&[1, 3, 8, 8]);
    let x = net.conv(X, [3, 8], 3, 1);
    let y = layers(&mut net, &x);
    let y = net.conv(&y, [8, 4], 3, 1);
    folder(net, &y, [8, 8, 3])
}

const PAIRS: [(&str, Attribute); 2] =
    [("kernel_shape", Attribute::Ints(&[2, 2])), ("strides", Attribute::Ints(&[2, 2]))];

#[test]
fn pools() {
    for op in ["AveragePool", "MaxPool"] {
        agrees(op, &maps(|net, x| net.op(op, &[x], &PAIRS)), if op == "MaxPool" { EXACT } else { MAPS });
    }
    let apart = [("kernel_shape", Attribute::Ints(&[2, 2])), ("dilations", Attribute::Ints(&[2, 2]))];
    agrees("dilated", &maps(|net, x| net.op("AveragePool", &[x], &apart)), MAPS);
    agrees("GlobalAveragePool", &maps(|net, x| net.op("GlobalAveragePool", &[x], &[])), EXACT);
}

#[test]
fn activations() {
    for op in
        ["Relu", "Sigmoid", "HardSwish", "Tanh", "Abs", "LeakyRelu", "Elu", "HardSigmoid", "Softplus", "Mish"]
    {
        agrees(op, &maps(|net, x| net.op(op, &[x], &[])), MAPS);
    }
}

#[test]
fn sums() {
    agrees(
        "residual",
        &maps(|net, x| {
            let y = net.conv(x, [8, 8], 3, 1);
            let y = net.op("Add", &[x, &y], &[]);
            net.op("Relu", &[&y], &[])
        }),
        MAPS,
    );
    agrees(
        "constant",
        &maps(|net, x| {
            let c = net.noise(&[1, 8, 8, 8], 0.0, 1.0);
            net.op("Add", &[x, &c], &[])
        }),
        MAPS,
    );
}

#[test]
fn tokens() {
    let mut net = Net::new(&[1, 3, 16, 16]);
    let (x, n) = net.tokens(16, 3, 4, 32);
    let y = net.norm(&x, 32);
    let y = net.attention(&y, n, 32, 2, None);
    let x = net.op("Add", &[&x, &y], &[]);
    let y = net.norm(&x, 32);
    let y = net.linear(&y, [32, 64]);
    let y = net.op("Relu", &[&y], &[]);
    let y = net.linear(&y, [64, 32]);
    let x = net.op("Add", &[&x, &y], &[]);
    let y = net.linear(&x, [32, 10]);
    agrees("transformer", &folder(net, &y, [16, 16, 3]), TOKENS);
}
