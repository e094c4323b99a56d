//! Sum of two tensors, or a change of scale of one.

use bitgauge_arch::arith::{Post, Residual};

use super::Operand;
use crate::integer::graph::IntTensor;

/// Computes a validated `Add`.
pub fn compute(
    first: &Residual,
    second: Option<(&Residual, Operand<'_>)>,
    post: &Post,
    input: Operand<'_>,
    output: &IntTensor,
    out: &mut [u8],
) {
    for index in 0..output.shape.elements() {
        let mut value = first.rescale(input.tensor.code.read(input.bytes, index));
        if let Some((second, operand)) = second {
            value += second.rescale(operand.tensor.code.read(operand.bytes, index));
        }
        output.code.write(out, index, post.finish(value));
    }
}
