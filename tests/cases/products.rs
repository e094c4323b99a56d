//! Matrix products as exporters other than PyTorch's write them.

use crate::net::{Attribute, Net, X};
use crate::sound::sound;

/// The image as a matrix of 16 rows and 24 columns.
fn matrix() -> (Net, String) {
    let mut net = Net::new(&[1, 1, 16, 24]);
    let y = net.reshape(X, &[16, 24]);
    (net, y)
}

#[test]
fn gemm_with_a_matrix_as_bias() {
    for bias in [&[16, 8][..], &[16, 1], &[1, 8], &[1]] {
        let (mut net, x) = matrix();
        let w = net.noise(&[24, 8], 0.0, 0.2);
        let c = net.noise(bias, 0.0, 1.0);
        let y = net.op("Gemm", &[&x, &w, &c], &[("beta", Attribute::Float(0.5))]);
        let y = net.op("Relu", &[&y], &[]);
        sound(&net.model(&[&y]), [16, 24, 1]);
    }
}

#[test]
fn gemm_with_a_transposed_operand() {
    let (mut net, x) = matrix();
    let w = net.noise(&[8, 16], 0.0, 0.25);
    let c = net.noise(&[8], 0.0, 1.0);
    let turned =
        [("transA", Attribute::Int(1)), ("transB", Attribute::Int(1)), ("alpha", Attribute::Float(-2.0))];
    let y = net.op("Gemm", &[&x, &w, &c], &turned);
    sound(&net.model(&[&y]), [16, 24, 1]);
}

#[test]
fn gemm_of_computed_matrices() {
    let (mut net, x) = matrix();
    let a = net.linear(&x, [24, 16]);
    let b = net.linear(&x, [24, 16]);
    let c = net.linear(&x, [24, 16]);
    let y =
        net.op("Gemm", &[&a, &b, &c], &[("transB", Attribute::Int(1)), ("alpha", Attribute::Float(0.25))]);
    sound(&net.model(&[&y]), [16, 24, 1]);
}

#[test]
fn a_constant_on_the_left() {
    // Tokens mixed with each other, as MLP-Mixer does.
    let mut net = Net::new(&[1, 3, 16, 16]);
    let (x, n) = net.tokens(16, 3, 4, 16);
    let y = net.norm(&x, 16);
    let w = net.noise(&[32, n], 0.0, 0.25);
    let y = net.op("MatMul", &[&w, &y], &[]);
    let y = net.op("Relu", &[&y], &[]);
    let y = net.linear(&y, [16, 8]);
    sound(&net.model(&[&y]), [16, 16, 3]);
}
