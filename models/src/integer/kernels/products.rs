//! Products of codes with packed weights, whatever scales the codes have.

use bitgauge_arch::arith::Signedness;
use bitgauge_arch::arith::gemm::{PackedMatrix, matmul};

use crate::integer::graph::CodeType;

/// Memory for the values of codes of two scales, cut into bytes.
#[derive(Default)]
pub struct Split {
    low: Vec<u8>,
    high: Vec<u8>,
    sums: Vec<i32>,
}

/// Sums of `count` rows of codes, `stride` bytes apart, times each row of `weights`, into rows of `n` sums.
///
/// Values of codes of two scales have up to 15 bits: their low and their high bytes are multiplied apart.
pub fn products(
    (rows, stride): (&[u8], usize),
    code: &CodeType,
    count: usize,
    weights: &PackedMatrix,
    (sums, n): (&mut [i32], usize),
    split: &mut Split,
) {
    if code.tag_shift == 0 {
        matmul(rows, stride, code.sign, count, weights, sums, n);
        return;
    }
    let k = weights.k();
    split.low.clear();
    split.high.clear();
    for row in 0..count {
        for &byte in &rows[row * stride..][..k] {
            let [low, high, ..] = code.value(i32::from(byte)).to_le_bytes();
            split.low.push(low);
            split.high.push(high);
        }
    }
    matmul(&split.low, k, Signedness::Unsigned, count, weights, sums, n);
    split.sums.resize(count * weights.n(), 0);
    matmul(&split.high, k, Signedness::Unsigned, count, weights, &mut split.sums, weights.n());
    for (row, high) in split.sums.chunks_exact(weights.n().max(1)).take(count).enumerate() {
        for (sum, high) in sums[row * n..].iter_mut().zip(high) {
            *sum = sum.wrapping_add(high.wrapping_mul(256));
        }
    }
}
