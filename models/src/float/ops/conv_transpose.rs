//! ConvTranspose-11: every input pixel adds its weighted window to the result.
//!
//! The windows of all pixels are one matrix product; their sum is a loop over rows.

use super::conv::groups;
use super::window::{AutoPad, LIMIT, Window, as_given, as_map, numbers};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs, product};
use crate::float::gemm::{MatRef, sgemm};
use crate::float::tensor::{Tensor, element_count};
use crate::onnx::reader::NodeReader;

/// Attributes; the kernel size repeats the weights'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvTranspose {
    /// Kernel, strides, dilations; the pads are cut off the result.
    pub window: Window,
    /// Pixels added after the last row and column.
    pub output_padding: [usize; 2],
    /// Number of groups.
    pub groups: usize,
}

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("ConvTranspose", &[11], build, "windows over one or two axes")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 3)?;
    let (x, [_, _, h, wide]) = as_map(r, 0)?;
    let (w, [_, _, kh, kw]) = as_map(r, 1)?;
    let flat = r.shape(0)?.len() == 3;
    let mut window = Window::geometry(r, Some([kh, kw]), false)?;
    let auto = AutoPad::read(r)?;
    let mut output_padding =
        r.ints("output_padding")?.map_or(Ok([0; 2]), |v| numbers(v, "output_padding", flat, 0))?;
    let asked = r.ints("output_shape")?.map(|v| numbers::<2>(v, "output_shape", flat, 1)).transpose()?;
    let asked = match auto {
        AutoPad::Explicit => asked,
        AutoPad::Valid => {
            window.pads = [0; 4];
            asked
        }
        _ => asked.or(Some([h * window.strides[0], wide * window.strides[1]])),
    };
    for (i, size) in [h, wide].into_iter().enumerate() {
        let Some(asked) = asked else { continue };
        let whole =
            size.saturating_sub(1).saturating_mul(window.strides[i]) + output_padding[i] + window.span(i);
        (window.pads[i], window.pads[i + 2]) = auto.split(whole.saturating_sub(asked[i]));
        // What is asked for may lie beyond the last window.
        output_padding[i] += asked[i].saturating_sub(whole);
    }
    let groups = groups(r)?;
    let mut inputs = vec![x, w];
    if r.has(2) {
        inputs.push(r.float(2)?);
    }
    as_given(r, Built { op: Op::ConvTranspose(ConvTranspose { window, output_padding, groups }), inputs })
}

impl Operator for ConvTranspose {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 2, 3)?;
        let (&[n, c, h, w], &[wc, mg, kh, kw]) = (inputs[0], inputs[1]) else {
            return Err(OpError::new(format!("needs rank 4, has {:?} and {:?}", inputs[0], inputs[1])));
        };
        let m = mg.checked_mul(self.groups).filter(|_| self.groups > 0 && c % self.groups == 0);
        let (Some(m), true, true) = (m, wc == c, [kh, kw] == self.window.kernel) else {
            return Err(OpError::new(format!(
                "weights {:?} do not fit x {:?} with {} groups",
                inputs[1], inputs[0], self.groups
            )));
        };
        if inputs.get(2).is_some_and(|b| *b != [m]) {
            return Err(OpError::new(format!("bias {:?} is not [{m}]", inputs[2])));
        }
        let win = &self.window;
        let steps = win.kernel.iter().chain(&win.strides).chain(&win.dilations);
        let all = steps.clone().chain(&win.pads);
        if steps.clone().any(|&x| x == 0)
            || all.chain(&self.output_padding).chain(&[h, w]).any(|&x| x > LIMIT)
        {
            return Err(OpError::new(format!("window {win:?} on image {:?} is out of range", [h, w])));
        }
        let mut shape = vec![n, m];
        for (i, size) in [h, w].into_iter().enumerate() {
            let whole = size.saturating_sub(1) * win.strides[i] + win.span(i) + self.output_padding[i];
            let left = whole.checked_sub(win.pads[i] + win.pads[i + 2]).filter(|&x| x > 0);
            shape.push(left.ok_or_else(|| OpError::new(format!("padding {:?} leaves nothing", win.pads)))?);
        }
        // The windows before they are summed.
        element_count(&[mg, kh, kw, h, w])?;
        Ok(vec![shape])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let (x, w) = (inputs[0], inputs[1]);
        let shapes: Vec<&[usize]> = inputs.iter().map(|t| t.shape()).collect();
        let shape = self.infer_shape(&shapes)?.remove(0);
        let mut out = Tensor::full(shape.clone(), 0.0)?;
        let (image, plane) = (x.shape()[2] * x.shape()[3], shape[2] * shape[3]);
        if let Some(bias) = inputs.get(2) {
            for (i, chunk) in out.data_mut().chunks_exact_mut(plane.max(1)).enumerate() {
                chunk.fill(bias.data()[i % shape[1]]);
            }
        }
        let (cg, mg) = (x.shape()[1] / self.groups, w.shape()[1]);
        let taps = self.window.kernel[0] * self.window.kernel[1];
        let mut columns = vec![0.0; mg * taps * image];
        for n in 0..shape[0] {
            for g in 0..self.groups {
                let src = &x.data()[(n * cg * self.groups + g * cg) * image..][..cg * image];
                let weights = &w.data()[g * cg * mg * taps..][..cg * mg * taps];
                let a = MatRef::row_major(weights, mg * taps).t();
                let b = MatRef::row_major(src, image);
                sgemm([mg * taps, cg, image], a, b, 0.0, &mut columns, image)?;
                let dst = &mut out.data_mut()[(n * shape[1] + g * mg) * plane..][..mg * plane];
                for (row, part) in columns.chunks_exact(image).enumerate() {
                    let to = &mut dst[row / taps * plane..][..plane];
                    self.scatter(row % taps, part, x.shape()[3], to, [shape[2], shape[3]]);
                }
            }
        }
        Ok(vec![out])
    }

    fn macs(&self, inputs: &[&[usize]], _outputs: &[&[usize]]) -> u64 {
        let per_pixel = inputs.get(1).map_or(0, |w| product(w.get(1..).unwrap_or(&[])));
        inputs.first().map_or(0, |x| product(x)).saturating_mul(per_pixel)
    }
}

impl ConvTranspose {
    /// Adds what one tap of the kernel makes of every input pixel.
    fn scatter(&self, tap: usize, part: &[f32], width: usize, to: &mut [f32], [oh, ow]: [usize; 2]) {
        let win = &self.window;
        let (ky, kx) = (tap / win.kernel[1], tap % win.kernel[1]);
        for (iy, line) in part.chunks_exact(width.max(1)).enumerate() {
            let y = (iy * win.strides[0] + ky * win.dilations[0]).wrapping_sub(win.pads[0]);
            if y >= oh {
                continue;
            }
            let row = &mut to[y * ow..][..ow];
            for (ix, &v) in line.iter().enumerate() {
                let x = (ix * win.strides[1] + kx * win.dilations[1]).wrapping_sub(win.pads[1]);
                if let Some(sum) = row.get_mut(x) {
                    *sum += v;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![1, 1, 1, 2], vec![1., 2.]).unwrap();
        let w = Tensor::new(vec![1, 1, 1, 2], vec![1., 10.]).unwrap();
        let b = Tensor::new(vec![1], vec![0.5]).unwrap();
        let window =
            Window { kernel: [1, 2], strides: [1, 1], dilations: [1, 1], pads: [0; 4], ceil_mode: false };
        let op = ConvTranspose { window, output_padding: [0, 1], groups: 1 };
        assert_eq!(op.eval(&[&x, &w, &b]).unwrap()[0].data(), [1.5, 12.5, 20.5, 0.5]);
        assert_eq!(op.macs(&[&[1, 1, 1, 2], &[1, 1, 1, 2]], &[]), 4);
    }
}
