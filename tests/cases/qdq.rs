//! Pairs of QuantizeLinear and DequantizeLinear inside of what is one function for the accelerator, and codes that
//! it cannot hold: what ONNX Runtime's static tool writes for transformers and for squeeze-and-excitation.

use std::f32::consts::SQRT_2;

use serde_json::Value;

use crate::folder::{Data, Folder, last_decibels};
use crate::net::{Attribute, Net, X};

/// Quantizes a network of this image, runs one, and holds the last tensor to 25 dB.
fn runs(net: Net, output: &str, image: [usize; 3]) -> Value {
    let folder = Folder::new(&net.model(&[output]), &Data { count: 8, image, labels: None });
    let answer = folder.quantize(&[]);
    let decibels = last_decibels(&answer);
    assert!(decibels > 25.0, "{decibels} dB");
    folder.run();
    answer
}

/// 16 tokens of 32 channels behind a linear layer, all with codes; their step holds -5 to 5.
fn tokens(net: &mut Net) -> String {
    let x = net.reshape(X, &[1, 16, 16]);
    let x = net.pair(&x, 1.0 / 64.0, 0);
    let w = net.codes(&[16, 32], 0.004);
    let y = net.op("MatMul", &[&x, &w], &[]);
    net.pair(&y, 0.05, 3)
}

/// The layer behind, so that codes are read by a layer.
fn last_layer(net: &mut Net, x: &str) -> String {
    let w = net.codes(&[32, 8], 0.004);
    let y = net.op("MatMul", &[x, &w], &[]);
    net.pair(&y, 0.06, 0)
}

/// GELU with a pair behind each node, in each usual grouping and with each usual constant.
#[test]
fn gelu_with_pairs_between_its_nodes() {
    for (form, inverse) in [(0, SQRT_2.recip()), (1, SQRT_2.recip()), (2, 181.0 / 256.0)] {
        let mut net = Net::new(&[1, 1, 16, 16]);
        let y = tokens(&mut net);
        let c = net.scalar(inverse);
        let u = net.op("Mul", &[&y, &c], &[]);
        let u = net.pair(&u, 0.04, 3);
        let e = net.op("Erf", &[&u], &[]);
        let e = net.pair(&e, 1.0 / 127.0, 0);
        let one = net.scalar(1.0);
        let a = net.op("Add", &[&e, &one], &[]);
        // Codes from zero on, as the tool chooses them: the sum is never below.
        let a = net.pair(&a, 2.0 / 255.0, -128);
        let half = net.scalar(0.5);
        let [p, q] = match form {
            0 => [y.clone(), a.clone()],
            1 => [half.clone(), y.clone()],
            _ => [half.clone(), a.clone()],
        };
        let m = net.op("Mul", &[&p, &q], &[]);
        let (scale, zero) = match form {
            0 => (0.07, -100),
            1 => (0.025, 3),
            _ => (1.0 / 255.0, -128),
        };
        let m = net.pair(&m, scale, zero);
        let rest = [&half, &a, &y][form];
        let o = net.op("Mul", &[&m, rest], &[]);
        let o = net.pair(&o, 0.035, -100);
        let y = last_layer(&mut net, &o);
        runs(net, &y, [16, 16, 1]);
    }
}

/// Functions that no pass knows by name, and those whose constants a tool has rounded.
#[test]
fn any_function_of_one_value() {
    for slope in [1.0, 1.702, 1.703] {
        let mut net = Net::new(&[1, 1, 16, 16]);
        let y = tokens(&mut net);
        let c = net.scalar(slope);
        let u = net.op("Mul", &[&y, &c], &[]);
        let u = net.pair(&u, 0.09, 3);
        let g = net.op("Sigmoid", &[&u], &[]);
        let g = net.pair(&g, 1.0 / 255.0, -128);
        let o = net.op("Mul", &[&g, &y], &[]);
        let o = net.pair(&o, 0.035, -120);
        let y = last_layer(&mut net, &o);
        runs(net, &y, [16, 16, 1]);
    }
}

/// LayerNorm written out, a pair behind each sum and product; variance and epsilon have codes from zero on.
#[test]
fn layer_norm_with_pairs_between_its_nodes() {
    let mut net = Net::new(&[1, 1, 16, 16]);
    let x = tokens(&mut net);
    let mean = [("axes", Attribute::Ints(&[-1])), ("keepdims", Attribute::Int(1))];
    let m = net.op("ReduceMean", &[&x], &mean);
    let d = net.op("Sub", &[&x, &m], &[]);
    let two = net.scalar(2.0);
    let square = net.op("Pow", &[&d, &two], &[]);
    let v = net.op("ReduceMean", &[&square], &mean);
    let epsilon = net.scalar(1e-5);
    let v = net.op("Add", &[&v, &epsilon], &[]);
    let v = net.pair(&v, 0.02, -128);
    let root = net.op("Sqrt", &[&v], &[]);
    let n = net.op("Div", &[&d, &root], &[]);
    let n = net.pair(&n, 0.03, 0);
    let (gamma, beta) = (net.noise(&[32], 1.0, 0.2), net.noise(&[32], 0.0, 0.2));
    let n = net.op("Mul", &[&n, &gamma], &[]);
    let n = net.pair(&n, 0.035, 2);
    let n = net.op("Add", &[&n, &beta], &[]);
    let n = net.pair(&n, 0.035, 2);
    let y = last_layer(&mut net, &n);
    runs(net, &y, [16, 16, 1]);
}

/// A convolution without bias, its weights stored as codes.
fn conv(net: &mut Net, x: &str, shape: [usize; 4], step: f32) -> String {
    let (k, pad) = (shape[2] as i64, (shape[2] / 2) as i64);
    let w = net.codes(&shape, step);
    let attributes = [("kernel_shape", Attribute::Ints(&[k, k])), ("pads", Attribute::Ints(&[pad; 4]))];
    net.op("Conv", &[x, &w], &attributes)
}

/// Both factors have zero points of their own: calibrated around zero, and a note for each.
#[test]
fn squeeze_and_excitation() {
    let mut net = Net::new(&[1, 8, 8, 8]);
    let x = net.pair(X, 1.0 / 64.0, 0);
    let y = conv(&mut net, &x, [8, 8, 3, 3], 0.004);
    let y = net.op("Relu", &[&y], &[]);
    let y = net.pair(&y, 0.05, -128);
    let s = net.op("GlobalAveragePool", &[&y], &[]);
    let s = net.pair(&s, 0.02, -128);
    let s = conv(&mut net, &s, [8, 8, 1, 1], 0.01);
    let s = net.op("Sigmoid", &[&s], &[]);
    let s = net.pair(&s, 1.0 / 256.0, -128);
    let y = net.op("Mul", &[&y, &s], &[]);
    let y = net.pair(&y, 0.04, -128);
    let y = conv(&mut net, &y, [4, 8, 1, 1], 0.01);
    let y = net.pair(&y, 0.1, 0);
    let folder = Folder::new(&net.model(&[&y]), &Data { count: 8, image: [8, 8, 8], labels: None });
    let output =
        folder.bitgauge(&["quantize", "--model", "model.onnx", "--data", "data.toml", "--output", "net.bgq"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let notes = said.lines().filter(|line| line.contains("cannot have the model's codes")).count();
    assert_eq!(notes, 2, "{said}");
    assert!(last_decibels(&folder.quantize(&[])) > 25.0);
    folder.run();
}
