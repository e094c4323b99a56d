//! LayerNorm of every pixel over its channels.

use bitgauge_arch::arith::layernorm::layernorm_token;
use bitgauge_arch::arith::{ChannelParameter, Post};

use super::Operand;
use crate::integer::graph::IntTensor;

/// Computes a validated `LayerNorm`.
pub fn compute(
    parameters: &[ChannelParameter],
    epsilon: u64,
    post: &Post,
    input: Operand<'_>,
    output: &IntTensor,
    out: &mut [u8],
) {
    let channels = input.tensor.shape.channels;
    let mut codes = vec![0; channels];
    for token in 0..input.tensor.shape.rows * input.tensor.shape.cols {
        let start = token * channels;
        for ((channel, code), parameter) in codes.iter_mut().enumerate().zip(parameters) {
            *code = input.tensor.code.read(input.bytes, start + channel);
            if input.tensor.channel_shifts.is_some() {
                *code = parameter.aligned(*code);
            }
        }
        layernorm_token(&codes, epsilon, parameters, |channel, value| {
            output.code.write(out, start + channel, post.finish(value));
        });
    }
}
