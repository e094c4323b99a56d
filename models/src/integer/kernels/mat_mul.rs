//! Product of two activations, group by group.

use bitgauge_arch::arith::gemm::PackedMatrix;
use bitgauge_arch::arith::{ChannelParameter, Post};

use super::products::products;
use super::{Operand, Scratch};
use crate::integer::graph::IntTensor;

/// Computes a validated `MatMul`.
pub fn compute(
    parameter: ChannelParameter,
    post: &Post,
    a: Operand<'_>,
    b: Operand<'_>,
    output: &IntTensor,
    out: &mut [u8],
    scratch: &mut Scratch,
) {
    let (m, k, n) = (a.tensor.shape.rows, a.tensor.shape.channels, b.tensor.shape.rows);
    scratch.accumulators.resize(m * n, 0);
    for group in 0..a.tensor.shape.groups {
        let left = &a.bytes[group * m * k..][..m * k];
        let right = &b.bytes[group * n * k..][..n * k];
        let row = |index: usize| &right[index * k..][..k];
        let packed = match &mut scratch.packed {
            Some(packed) => {
                packed.repack(n, k, row);
                packed
            }
            empty => empty.insert(PackedMatrix::pack(n, k, row)),
        };
        let sums = (&mut scratch.accumulators[..], n);
        products((left, k), &a.tensor.code, m, packed, sums, &mut scratch.split);
        for (index, &accumulator) in scratch.accumulators[..m * n].iter().enumerate() {
            let code = post.finish(parameter.requantize(accumulator));
            output.code.write(out, group * m * n + index, code);
        }
    }
}
