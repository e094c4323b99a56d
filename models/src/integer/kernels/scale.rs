//! A map times a vector of channels.

use bitgauge_arch::arith::{ChannelParameter, Post};

use super::Operand;
use crate::integer::graph::IntTensor;

/// Computes a validated `Scale`.
pub fn compute(
    parameter: ChannelParameter,
    post: &Post,
    input: Operand<'_>,
    other: Operand<'_>,
    output: &IntTensor,
    out: &mut [u8],
) {
    let channels = output.shape.channels.max(1);
    for index in 0..output.shape.elements() {
        let factor = other.tensor.code.read(other.bytes, index % channels);
        let product = input.tensor.code.read(input.bytes, index) * factor;
        output.code.write(out, index, post.finish(parameter.requantize(product)));
    }
}
