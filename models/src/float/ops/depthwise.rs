//! Convolution of each channel with its own window: a sum of shifted planes.

#[cfg(target_arch = "x86_64")]
mod avx512;

use bitgauge_arch::arith::host::widest;
#[cfg(target_arch = "x86_64")]
use bitgauge_arch::arith::host::{Vectors, vectors};

use super::OpError;
use super::conv::{Bounds, bound};
use super::window::{Window, every};
use crate::float::tensor::{Tensor, element_count};

/// Elements of the widest registers.
const LANES: usize = 16;
/// Outputs that are summed together: four registers, which hide each other's latency.
const BLOCK: usize = 4 * LANES;
/// Outputs of a band of rows, which stays in the first-level cache with what it is made of.
const BAND: usize = 2048;

/// A band of the padded plane cut into one plane for each phase of the strides: row `y` in the plane of phase `y mod
/// stride`, columns likewise. Every tap then reads one contiguous run for all outputs, whatever strides and dilations
/// are; the outputs between the last column and the end of such a row are computed too, and left out.
struct Phases {
    /// Output rows of a band.
    outputs: usize,
    /// Columns of one phase, and its elements.
    width: usize,
    size: usize,
    /// Where each tap begins to read.
    starts: Vec<usize>,
    /// Where each row of the padded plane begins, in its first phase of columns.
    rows: Vec<usize>,
    /// The first column of the image in each phase of columns, and where it lies there.
    columns: Vec<[usize; 2]>,
    data: Vec<f32>,
}

/// Row `y` of an image of width `w`; nothing where it has none.
#[inline(always)]
fn line(image: &[f32], w: usize, y: usize) -> &[f32] {
    y.checked_mul(w).and_then(|at| image.get(at..)?.get(..w)).unwrap_or_default()
}

impl Phases {
    fn new(window: &Window, w: usize, [oh, ow]: [usize; 2]) -> Phases {
        let [sy, sx] = window.strides;
        let width = ((ow - 1) * sx + window.span(1)).max(window.pads[1] + w).div_ceil(sx);
        let outputs = (BAND / width).clamp(1, oh);
        let high = ((outputs - 1) * sy + window.span(0)).div_ceil(sy);
        let size = high * width;
        let start = |t: usize| {
            let y = t / window.kernel[1] * window.dilations[0];
            let x = t % window.kernel[1] * window.dilations[1];
            (y % sy * sx + x % sx) * size + y / sy * width + x / sx
        };
        let starts: Vec<usize> = (0..window.kernel[0] * window.kernel[1]).map(start).collect();
        // What is left out of the last row of the last tap lies beyond the planes.
        let data = vec![0.0; sy * sx * size + (outputs * width).next_multiple_of(LANES)];
        let rows = (0..high * sy).map(|row| row % sy * sx * size + row / sy * width).collect();
        let column = |phase: usize| {
            let first = (phase + sx - window.pads[1] % sx) % sx;
            [first, (first + window.pads[1]) / sx]
        };
        let columns = (0..sx).map(column).collect();
        Phases { outputs, width, size, starts, rows, columns, data }
    }

    /// Puts in what output rows from `top` on read of an image; the columns of padding stay as they are, zero.
    #[inline(always)]
    fn fill(&mut self, window: &Window, image: &[f32], w: usize, top: usize) {
        let [sy, sx] = window.strides;
        for (row, start) in self.rows.iter().enumerate() {
            let line = line(image, w, (top * sy + row).wrapping_sub(window.pads[0]));
            for (phase, &[first, x]) in self.columns.iter().enumerate() {
                let to = &mut self.data[start + phase * self.size..][..self.width];
                match line.get(first..).unwrap_or_default() {
                    // The band before may have left a row here.
                    [] => to[x..].fill(0.0),
                    line => every(sx, line, &mut to[x..]),
                }
            }
        }
    }

    /// Adds all taps to `sums`, whose number is a multiple of [`LANES`].
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

/// `x` `[N, C, H, W]` with `w` `[C, 1, KH, KW]`, a bias a channel and bounds of the outputs.
pub(super) fn depthwise(
    window: &Window,
    x: &Tensor,
    w: &Tensor,
    (bias, bounds): (Option<&[f32]>, Bounds),
    shape: Vec<usize>,
) -> Result<Tensor, OpError> {
    let mut data = Vec::with_capacity(element_count(&shape)?);
    let (&[_, channels, h, wide], &[_, _, oh, ow]) = (x.shape(), &shape[..]) else {
        return Err(OpError::new(format!("needs rank 4, has {:?}", x.shape())));
    };
    let mut phases = Phases::new(window, wide, [oh, ow]);
    let mut sums = vec![0.0; (phases.outputs * phases.width).next_multiple_of(LANES)];
    let taps = phases.starts.len();
    for (at, image) in x.data().chunks_exact(h * wide).enumerate() {
        let channel = at % channels;
        let (weights, bias) = (&w.data()[channel * taps..][..taps], bias.map_or(0.0, |bias| bias[channel]));
        for top in (0..oh).step_by(phases.outputs) {
            let rows = phases.outputs.min(oh - top);
            #[cfg(target_arch = "x86_64")]
            if vectors() == Vectors::Avx512 {
                // SAFETY: the host has these instructions.
                unsafe {
                    phases.fill_wide(window, image, wide, top);
                    phases.sums_wide(weights, bias, &mut sums);
                    phases.take_wide(&sums, bounds, [rows, ow], &mut data);
                }
                continue;
            }
            widest(
                #[inline(always)]
                || {
                    phases.fill(window, image, wide, top);
                    sums.fill(bias);
                    phases.add(weights, &mut sums);
                    bound(&mut sums, bounds);
                },
            );
            let made = sums.chunks_exact(phases.width).take(rows);
            made.for_each(|row| data.extend_from_slice(&row[..ow]));
        }
    }
    Ok(Tensor::new(shape, data)?)
}
