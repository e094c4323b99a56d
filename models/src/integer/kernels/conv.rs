//! Convolution and linear layers: blocks of pixels are laid out as rows of a matrix and multiplied
//! with the packed weights.

use std::ops::Range;

use bitgauge_arch::arith::gemm::PackedMatrix;
use bitgauge_arch::arith::{ChannelParameter, Post, Residual};
use bitgauge_arch::code::Container;

use super::products::products;
use super::{Operand, Scratch, for_each_tap, output_map};
use crate::integer::graph::{CodeType, IntOp, IntTensor, Window};

/// Bytes of patches or accumulators worked on at a time: they stay in the second-level cache.
const BLOCK_BYTES: usize = 128 << 10;

/// Computes a validated [`IntOp::Conv`].
pub fn compute(
    op: &IntOp,
    weights: &[PackedMatrix],
    operands: &[Operand<'_>],
    output: &IntTensor,
    out: &mut [u8],
    scratch: &mut Scratch,
) {
    let IntOp::Conv { window, parameters, post, table, residual, transposed, .. } = op else { return };
    let input = operands[0];
    let map = output_map(window, input.tensor);
    let epilogue = Epilogue {
        parameters,
        post,
        table: table.as_deref(),
        residual: residual.as_ref().zip(operands.get(1).copied()),
        transposed: *transposed,
        pixels: map[0] * map[1],
        channels: output.shape.channels,
        code: &output.code,
    };
    run(window, map, weights, input, &epilogue, out, scratch);
}

/// The pixels of `map` of a convolution of `input`, post-processed into `out`. Of several `weights` each is of one
/// part of the channels and of the outputs.
pub fn run(
    window: &Window,
    map: [usize; 2],
    weights: &[PackedMatrix],
    input: Operand<'_>,
    epilogue: &Epilogue<'_>,
    out: &mut [u8],
    scratch: &mut Scratch,
) {
    let from = input.tensor.shape;
    let pixels = map[0] * map[1];
    let n: usize = weights.iter().map(PackedMatrix::n).sum();
    let k = weights.first().map_or(0, PackedMatrix::k);
    let channels = from.channels / weights.len().max(1);
    let block = (BLOCK_BYTES / k.max(4 * n).max(1)).clamp(8, 4096);
    // A point kernel over one group reads the map as it lies.
    let in_place = from.groups == 1 && is_point(window) && map[1] == from.cols;
    for first in (0..pixels).step_by(block) {
        let count = block.min(pixels - first);
        scratch.accumulators.resize(count * n, 0);
        let mut at = 0;
        for (part, weights) in weights.iter().enumerate() {
            let start = part * channels;
            let (rows, stride) = if in_place {
                (&input.bytes[first * from.channels + start..], from.channels)
            } else {
                gather(
                    window,
                    map,
                    input,
                    start..start + channels,
                    first..first + count,
                    &mut scratch.patches,
                );
                (&scratch.patches[..], k)
            };
            let accumulators = (&mut scratch.accumulators[at..], n);
            products((rows, stride), &input.tensor.code, count, weights, accumulators, &mut scratch.split);
            at += weights.n();
        }
        for (offset, row) in scratch.accumulators.chunks_exact(n).enumerate() {
            epilogue.pixel(first + offset, row, out);
        }
    }
}

fn is_point(window: &Window) -> bool {
    window.kernel == [1, 1] && window.stride == [1, 1] && window.pad == [0; 4]
}

/// Rows `[kernel row][kernel col][group][channel]` of these output pixels and these channels of each group.
fn gather(
    window: &Window,
    map: [usize; 2],
    input: Operand<'_>,
    channels: Range<usize>,
    pixels: Range<usize>,
    patches: &mut Vec<u8>,
) {
    let shape = input.tensor.shape;
    let plane = shape.rows * shape.cols * shape.channels;
    // The bias assumes that padding holds the zero point.
    let zero = input.tensor.code.zero_code() as u8;
    patches.clear();
    for pixel in pixels {
        for_each_tap(window, [shape.rows, shape.cols], [pixel / map[1], pixel % map[1]], |_, position| {
            match position {
                Some(position) => {
                    for group in 0..shape.groups {
                        let start = group * plane + position * shape.channels + channels.start;
                        patches.extend_from_slice(&input.bytes[start..][..channels.len()]);
                    }
                }
                None => patches.resize(patches.len() + shape.groups * channels.len(), zero),
            }
        });
    }
}

/// What becomes of the accumulators of a convolution.
pub struct Epilogue<'a> {
    pub parameters: &'a [ChannelParameter],
    pub post: &'a Post,
    pub table: Option<&'a [u8; 256]>,
    pub residual: Option<(&'a Residual, Operand<'a>)>,
    pub transposed: bool,
    /// Of the whole output.
    pub pixels: usize,
    /// Of a group of the output.
    pub channels: usize,
    pub code: &'a CodeType,
}

impl Epilogue<'_> {
    /// Post-processes and stores all channels of one pixel.
    #[inline]
    fn pixel(&self, pixel: usize, accumulators: &[i32], out: &mut [u8]) {
        if self.transposed {
            // n = group * rows + row runs over whole rows of `pixels` codes.
            for (n, (&accumulator, parameter)) in accumulators.iter().zip(self.parameters).enumerate() {
                let code = self.post.finish(parameter.requantize(accumulator));
                self.store(out, n * self.pixels + pixel, code);
            }
            return;
        }
        let channels = self.channels;
        let groups = accumulators.chunks_exact(channels).zip(self.parameters.chunks_exact(channels));
        for (group, (accumulators, parameters)) in groups.enumerate() {
            let start = (group * self.pixels + pixel) * channels;
            match self.residual {
                None if self.table.is_none() && self.code.container() == Container::Byte => {
                    let target = &mut out[start..][..channels];
                    for ((to, &accumulator), parameter) in target.iter_mut().zip(accumulators).zip(parameters)
                    {
                        *to = self.post.finish(parameter.requantize(accumulator)) as u8;
                    }
                }
                residual => {
                    for (channel, (&accumulator, parameter)) in
                        accumulators.iter().zip(parameters).enumerate()
                    {
                        let added = residual.map_or(0, |(residual, operand)| {
                            let code = operand.tensor.code.read(operand.bytes, start + channel);
                            residual.of_channel(parameter).rescale(code)
                        });
                        let code = self.post.finish(parameter.requantize(accumulator) + added);
                        self.store(out, start + channel, code);
                    }
                }
            }
        }
    }

    #[inline]
    fn store(&self, out: &mut [u8], index: usize, code: i32) {
        match self.table {
            Some(table) => out[index] = table[usize::from(code as u8)],
            None => self.code.write(out, index, code),
        }
    }
}
