//! Conv-11: 2-D convolution with groups, strides, dilations and padding.
//!
//! Depthwise runs as sums of shifted planes (`depthwise.rs`); all else as im2col in column blocks, times
//! the weights by the library's matrix product.

use bitgauge_arch::arith::host::widest;

use super::depthwise::depthwise;
use super::window::{Window, as_given, as_map, every};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs, product};
use crate::float::gemm::{MatRef, sgemm};
use crate::float::tensor::{Tensor, element_count};
use crate::onnx::reader::NodeReader;

/// Attributes of a convolution; the kernel size repeats the weights'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conv {
    /// Window with resolved padding.
    pub window: Window,
    /// Number of groups; equal to the channels for depthwise.
    pub groups: usize,
}

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("Conv", &[11], build, "windows over one or two axes")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 3)?;
    let (x, shape) = as_map(r, 0)?;
    let (w, [_, _, kh, kw]) = as_map(r, 1)?;
    let window = Window::read(r, &shape, Some([kh, kw]), false)?;
    let groups = groups(r)?;
    let mut inputs = vec![x, w];
    if r.has(2) {
        inputs.push(r.float(2)?);
    }
    as_given(r, Built { op: Op::Conv(Conv { window, groups }), inputs })
}

/// The attribute `group`.
pub(super) fn groups(r: &mut NodeReader<'_>) -> Result<usize, OpError> {
    let groups = usize::try_from(r.int("group", 1)?).ok().filter(|&g| g > 0);
    groups.ok_or_else(|| OpError::new("attribute `group` must be positive"))
}

impl Conv {
    /// Whether every group has one input and one output channel (`w` is the weight shape).
    #[must_use]
    pub fn is_depthwise(&self, w: &[usize]) -> bool {
        matches!(*w, [m, 1, _, _] if m == self.groups)
    }
}

impl Operator for Conv {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 2, 3)?;
        let (&[n, c, h, w], &[m, cg, kh, kw]) = (inputs[0], inputs[1]) else {
            return Err(OpError::new(format!("needs rank 4, has {:?} and {:?}", inputs[0], inputs[1])));
        };
        let g = self.groups;
        if g == 0 || cg.checked_mul(g) != Some(c) || m % g != 0 || [kh, kw] != self.window.kernel {
            return Err(OpError::new(format!(
                "weights {:?} do not fit x {:?} with {g} groups",
                inputs[1], inputs[0]
            )));
        }
        if inputs.get(2).is_some_and(|b| *b != [m]) {
            return Err(OpError::new(format!("bias {:?} is not [{m}]", inputs[2])));
        }
        let [oh, ow] = self.window.output([h, w])?;
        Ok(vec![vec![n, m, oh, ow]])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        self.eval_within(inputs, None)
    }

    fn macs(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> u64 {
        let per_output = inputs.get(1).map_or(0, |w| product(w.get(1..).unwrap_or(&[])));
        outputs.first().map_or(0, |o| product(o)).saturating_mul(per_output)
    }
}

/// Every output at its bias, or at 0.
fn started(shape: Vec<usize>, bias: Option<&[f32]>) -> Result<Tensor, OpError> {
    let Some(bias) = bias else { return Ok(Tensor::full(shape, 0.0)?) };
    let plane = shape[2] * shape[3];
    let mut data = Vec::with_capacity(element_count(&shape)?);
    for _ in 0..shape[0] {
        bias.iter().for_each(|&bias| data.extend(std::iter::repeat_n(bias, plane)));
    }
    Ok(Tensor::new(shape, data)?)
}

/// Least and greatest of what an output may be, if it is bounded.
pub type Bounds = Option<[f32; 2]>;

/// Bounds values in place.
#[inline(always)]
pub(super) fn bound(values: &mut [f32], bounds: Bounds) {
    if let Some([low, high]) = bounds {
        // One instruction each, which `max` and `min` are not: they ask for numbers on both sides.
        values.iter_mut().for_each(|x| {
            let least = if *x > low { *x } else { low };
            *x = if least < high { least } else { high };
        });
    }
}

impl Conv {
    /// As [`Operator::eval`], with the outputs bounded while they are in the cache.
    pub fn eval_within(&self, inputs: &[&Tensor], bounds: Bounds) -> Result<Vec<Tensor>, OpError> {
        let (x, w) = (inputs[0], inputs[1]);
        let shapes: Vec<&[usize]> = inputs.iter().map(|t| t.shape()).collect();
        let shape = self.infer_shape(&shapes)?.remove(0);
        let bias = inputs.get(2).map(|bias| bias.data());
        if self.is_depthwise(w.shape()) {
            return Ok(vec![depthwise(&self.window, x, w, (bias, bounds), shape)?]);
        }
        let mut out = started(shape, bias)?;
        self.by_product(x, w, bounds, &mut out)?;
        Ok(vec![out])
    }

    fn by_product(&self, x: &Tensor, w: &Tensor, bounds: Bounds, out: &mut Tensor) -> Result<(), OpError> {
        let (xs, os) = (x.shape().to_vec(), out.shape().to_vec());
        let (cg, mg) = (w.shape()[1], os[1] / self.groups);
        let (image, plane) = (xs[2] * xs[3], os[2] * os[3]);
        let depth = cg * self.window.kernel[0] * self.window.kernel[1];
        let direct =
            self.window.kernel == [1, 1] && self.window.strides == [1, 1] && self.window.pads == [0; 4];
        // A block of columns that stays in the second-level cache, but so many that packing the weights for each
        // block takes little beside the product.
        // Where the image itself is read, the outputs count.
        let block = if direct { 131_072 / mg.max(1) } else { 65_536 / depth.max(1) };
        let block = (block.clamp(512, 4096) / 64 * 64).min(plane);
        let mut columns = if direct { Vec::new() } else { vec![0.0; depth * block] };
        for n in 0..xs[0] {
            for g in 0..self.groups {
                let src = &x.data()[(n * xs[1] + g * cg) * image..][..cg * image];
                let wg = MatRef::row_major(&w.data()[g * mg * depth..][..mg * depth], depth);
                let dst = &mut out.data_mut()[(n * os[1] + g * mg) * plane..][..mg * plane];
                for start in (0..plane).step_by(block) {
                    let count = block.min(plane - start);
                    let b = if direct {
                        MatRef::row_major(&src[start..], plane)
                    } else {
                        self.columns(src, [xs[2], xs[3]], os[3], start, count, &mut columns);
                        MatRef::row_major(&columns, count)
                    };
                    let dst = &mut dst[start..];
                    sgemm([mg, depth, count], wg, b, 1.0, dst, plane)?;
                    widest(
                        #[inline(always)]
                        || dst.chunks_mut(plane).for_each(|row| bound(&mut row[..count], bounds)),
                    );
                }
            }
        }
        Ok(())
    }

    /// Fills `columns[depth, count]` with the windows of output pixels `start..start + count`.
    fn columns(
        &self,
        src: &[f32],
        [h, w]: [usize; 2],
        ow: usize,
        start: usize,
        count: usize,
        columns: &mut [f32],
    ) {
        let win = &self.window;
        let taps = win.kernel[0] * win.kernel[1];
        for (row, dst) in columns.chunks_exact_mut(count).enumerate() {
            let Some(plane) = src.get(row / taps * h * w..).and_then(|s| s.get(..h * w)) else {
                break;
            };
            let tap = row % taps;
            let dy = tap / win.kernel[1] * win.dilations[0];
            let dx = tap % win.kernel[1] * win.dilations[1];
            let mut i = 0;
            while i < count {
                let (oy, ox) = ((start + i) / ow, (start + i) % ow);
                let run = (ow - ox).min(count - i);
                let part = &mut dst[i..i + run];
                i += run;
                let y = (oy * win.strides[0] + dy).wrapping_sub(win.pads[0]);
                if y >= h {
                    part.fill(0.0);
                    continue;
                }
                let line = &plane[y * w..][..w];
                if win.strides[1] == 1 {
                    // Zeros, a part of the line, zeros.
                    let before = win.pads[1].saturating_sub(ox + dx).min(run);
                    let x = (ox + dx + before).saturating_sub(win.pads[1]).min(w);
                    let inside = (w - x).min(run - before);
                    part[..before].fill(0.0);
                    part[before..][..inside].copy_from_slice(&line[x..][..inside]);
                    part[before + inside..].fill(0.0);
                    continue;
                }
                // The first output whose tap lies in the line, and what follows as far as the line goes.
                let (stride, at) = (win.strides[1], ox * win.strides[1] + dx);
                let before = win.pads[1].saturating_sub(at).div_ceil(stride).min(run);
                let x = (at + before * stride).saturating_sub(win.pads[1]).min(w);
                let inside = (w - x).div_ceil(stride).min(run - before);
                part[..before].fill(0.0);
                every(stride, &line[x..], &mut part[before..][..inside]);
                part[before + inside..].fill(0.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(c: &Conv, x: &Tensor, w: &Tensor, shape: &[usize]) -> Vec<f32> {
        let (xs, ws) = (x.shape(), w.shape());
        let mut out = Vec::new();
        for m in 0..shape[1] {
            let g = m / (shape[1] / c.groups);
            for oy in 0..shape[2] {
                for ox in 0..shape[3] {
                    let mut sum = 0.0;
                    for ci in 0..ws[1] {
                        for ky in 0..ws[2] {
                            for kx in 0..ws[3] {
                                let y = (oy * c.window.strides[0] + ky * c.window.dilations[0])
                                    .wrapping_sub(c.window.pads[0]);
                                let xx = (ox * c.window.strides[1] + kx * c.window.dilations[1])
                                    .wrapping_sub(c.window.pads[1]);
                                if y < xs[2] && xx < xs[3] {
                                    let cc = g * ws[1] + ci;
                                    sum += x.data()[(cc * xs[2] + y) * xs[3] + xx]
                                        * w.data()[((m * ws[1] + ci) * ws[2] + ky) * ws[3] + kx];
                                }
                            }
                        }
                    }
                    out.push(sum);
                }
            }
        }
        out
    }

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![1, 1, 2, 2], vec![1., 2., 3., 4.]).unwrap();
        let w = Tensor::new(vec![1, 1, 2, 2], vec![1., 0., 0., 10.]).unwrap();
        let b = Tensor::new(vec![1], vec![0.5]).unwrap();
        let window = Window {
            kernel: [2, 2],
            strides: [1, 1],
            dilations: [1, 1],
            pads: [0, 0, 1, 1],
            ceil_mode: false,
        };
        let y = Conv { window, groups: 1 }.eval(&[&x, &w, &b]).unwrap();
        assert_eq!(y[0].data(), [41.5, 2.5, 3.5, 4.5]);
    }

    #[test]
    fn all_paths_agree_with_the_definition() {
        for (c, m, groups) in [(4, 6, 1), (4, 6, 2), (4, 4, 4), (4, 8, 4)] {
            for (strides, dilations, pads) in [
                ([1, 1], [1, 1], [0, 0, 0, 0]),
                ([2, 2], [1, 1], [1, 1, 1, 1]),
                ([2, 3], [2, 1], [0, 2, 1, 3]),
            ] {
                for kernel in [[1, 1], [3, 3], [3, 2], [4, 5]] {
                    let window = Window { kernel, strides, dilations, pads, ceil_mode: false };
                    let conv = Conv { window, groups };
                    let fill = |n: usize, k: usize| (0..n).map(|i| ((i * k) % 11) as f32 - 5.0).collect();
                    let x = Tensor::new(vec![1, c, 7, 9], fill(c * 63, 7)).unwrap();
                    let n = m * c / groups * kernel[0] * kernel[1];
                    let w = Tensor::new(vec![m, c / groups, kernel[0], kernel[1]], fill(n, 5)).unwrap();
                    let y = conv.eval(&[&x, &w]).unwrap().remove(0);
                    let mut wanted = naive(&conv, &x, &w, y.shape());
                    assert_eq!(y.data(), wanted, "{conv:?}");
                    let bounds = Some([-3.0, 20.0]);
                    bound(&mut wanted, bounds);
                    assert_eq!(conv.eval_within(&[&x, &w], bounds).unwrap()[0].data(), wanted, "{conv:?}");
                }
            }
        }
    }
}
