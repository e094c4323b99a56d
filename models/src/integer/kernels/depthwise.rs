//! Depthwise convolution: tap by tap over runs of channels.

use bitgauge_arch::arith::depthwise::accumulate_taps;
use bitgauge_arch::code::Container;

use super::{Operand, Scratch, for_each_tap, output_map};
use crate::integer::graph::{IntOp, IntTensor};

/// Computes a validated [`IntOp::Depthwise`].
pub fn compute(op: &IntOp, input: Operand<'_>, output: &IntTensor, out: &mut [u8], scratch: &mut Scratch) {
    let IntOp::Depthwise { window, weight, parameters, post } = op else { return };
    let shape = input.tensor.shape;
    let channels = shape.channels;
    let sign = input.tensor.code.sign;
    let map = output_map(window, input.tensor);
    let weight: Vec<u8> = weight.iter().map(|w| *w as u8).collect();
    let padding = vec![input.tensor.code.zero_point as u8; channels];
    let mut taps: Vec<(&[u8], &[u8])> = Vec::with_capacity(window.kernel[0] * window.kernel[1]);
    for pixel in 0..map[0] * map[1] {
        scratch.accumulators.clear();
        scratch.accumulators.resize(channels, 0);
        taps.clear();
        for_each_tap(window, [shape.rows, shape.cols], [pixel / map[1], pixel % map[1]], |tap, position| {
            let codes = match position {
                Some(position) => &input.bytes[position * channels..][..channels],
                None => &padding[..],
            };
            taps.push((codes, &weight[tap * channels..][..channels]));
        });
        accumulate_taps(&mut scratch.accumulators, sign, &taps);
        let results = scratch.accumulators.iter().zip(parameters);
        let results = results.map(|(&accumulator, p)| post.finish(p.requantize(accumulator)));
        if output.code.container() == Container::Byte {
            let target = &mut out[pixel * channels..][..channels];
            target.iter_mut().zip(results).for_each(|(to, code)| *to = code as u8);
        } else {
            results.enumerate().for_each(|(c, code)| output.code.write(out, pixel * channels + c, code));
        }
    }
}
