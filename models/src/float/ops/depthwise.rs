//! Convolution of each channel with its own window: a sum of shifted planes.

use bitgauge_arch::arith::host::widest;

use super::OpError;
use super::window::{Window, every};
use crate::float::tensor::{Tensor, element_count};

/// Outputs that are summed together: what the widest registers hold, and four of them, which hide each other's latency.
const LANES: usize = 16;
const BLOCK: usize = 4 * LANES;

/// The padded plane cut into one plane for each phase of the strides: row `y` of the plane of phase `y mod stride`,
/// columns likewise. Every tap then reads one contiguous run for all outputs, whatever strides and dilations are; the
/// outputs between the last column and the end of such a row are computed too, and left out.
struct Phases {
    /// Columns of one phase, and its elements.
    width: usize,
    size: usize,
    /// Where each tap begins to read.
    starts: Vec<usize>,
    data: Vec<f32>,
}

impl Phases {
    fn new(window: &Window, [h, w]: [usize; 2], [oh, ow]: [usize; 2]) -> Phases {
        let [sy, sx] = window.strides;
        let reach = |i: usize, outputs: usize, image: usize| {
            ((outputs - 1) * window.strides[i] + window.span(i)).max(window.pads[i] + image)
        };
        let (rows, cols) = (reach(0, oh, h).div_ceil(sy), reach(1, ow, w).div_ceil(sx));
        let size = rows * cols;
        let start = |t: usize| {
            let y = t / window.kernel[1] * window.dilations[0];
            let x = t % window.kernel[1] * window.dilations[1];
            (y % sy * sx + x % sx) * size + y / sy * cols + x / sx
        };
        let starts: Vec<usize> = (0..window.kernel[0] * window.kernel[1]).map(start).collect();
        // What is left out of the last row of the last tap lies beyond the planes.
        let data = vec![0.0; sy * sx * size + (oh * cols).next_multiple_of(LANES)];
        Phases { width: cols, size, starts, data }
    }

    /// Puts an image in; the padding stays as it is, zero.
    #[inline(always)]
    fn fill(&mut self, window: &Window, image: &[f32], w: usize) {
        let [sy, sx] = window.strides;
        for (y, line) in image.chunks_exact(w).enumerate() {
            let y = y + window.pads[0];
            for phase in 0..sx {
                // The first column of the image that lies in this phase.
                let first = (phase + sx - window.pads[1] % sx) % sx;
                let x = (first + window.pads[1]) / sx;
                let start = (y % sy * sx + phase) * self.size + y / sy * self.width + x;
                every(sx, &line[first.min(w)..], &mut self.data[start..]);
            }
        }
    }

    /// Adds all taps to `sums`, whose length is a multiple of [`LANES`].
    #[inline(always)]
    fn add(&self, weights: &[f32], sums: &mut [f32]) {
        let (blocks, rest) = sums.as_chunks_mut::<BLOCK>();
        let done = BLOCK * blocks.len();
        blocks.iter_mut().enumerate().for_each(|(i, sums)| self.add_block(weights, BLOCK * i, sums));
        let (rest, _) = rest.as_chunks_mut::<LANES>();
        rest.iter_mut().enumerate().for_each(|(i, sums)| self.add_block(weights, done + LANES * i, sums));
    }

    /// So many outputs from `at` on: their number is known to the compiler, which keeps the sums in registers.
    #[inline(always)]
    fn add_block<const N: usize>(&self, weights: &[f32], at: usize, sums: &mut [f32; N]) {
        let mut totals = *sums;
        for (start, weight) in self.starts.iter().zip(weights) {
            let Some(run) = self.data[start + at..].first_chunk::<N>() else { break };
            for (total, x) in totals.iter_mut().zip(run) {
                *total += weight * x;
            }
        }
        *sums = totals;
    }
}

/// `x` `[N, C, H, W]` with `w` `[C, 1, KH, KW]` and a bias a channel.
pub(super) fn depthwise(
    window: &Window,
    x: &Tensor,
    w: &Tensor,
    bias: Option<&[f32]>,
    shape: Vec<usize>,
) -> Result<Tensor, OpError> {
    let mut data = Vec::with_capacity(element_count(&shape)?);
    let (&[_, channels, h, wide], &[_, _, oh, ow]) = (x.shape(), &shape[..]) else {
        return Err(OpError::new(format!("needs rank 4, has {:?}", x.shape())));
    };
    let mut phases = Phases::new(window, [h, wide], [oh, ow]);
    let mut sums = vec![0.0; (oh * phases.width).next_multiple_of(LANES)];
    let taps = phases.starts.len();
    for (at, image) in x.data().chunks_exact(h * wide).enumerate() {
        let channel = at % channels;
        let (weights, bias) = (&w.data()[channel * taps..][..taps], bias.map_or(0.0, |bias| bias[channel]));
        widest(
            #[inline(always)]
            || {
                phases.fill(window, image, wide);
                sums.fill(bias);
                phases.add(weights, &mut sums);
            },
        );
        sums.chunks_exact(phases.width).take(oh).for_each(|row| data.extend_from_slice(&row[..ow]));
    }
    Ok(Tensor::new(shape, data)?)
}
