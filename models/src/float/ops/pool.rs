//! MaxPool-12 (its indices unread) and AveragePool-19 over H and W.

use bitgauge_arch::arith::host::widest;

use super::window::{Window, as_given, as_map, each_with};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// How a window becomes one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolKind {
    /// Its largest element; padding never wins.
    Max,
    /// Its mean.
    Average {
        /// Whether padding counts as zeros (else it does not count).
        count_include_pad: bool,
    },
}

/// One operand `[N, C, H, W]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Max or average.
    pub kind: PoolKind,
    /// Window with resolved padding.
    pub window: Window,
}

pub(super) const BUILDERS: &[OnnxOperator] = &[
    OnnxOperator::new("AveragePool", &[11, 19], build, "windows over one or two axes"),
    OnnxOperator::new("MaxPool", &[11, 12], build, "windows over one or two axes; the indices unread"),
];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    let ceil_mode = r.flag("ceil_mode", false)?;
    let kind = if r.op_type() == "MaxPool" {
        // Concerns the second output, which is refused.
        r.ignore("storage_order");
        PoolKind::Max
    } else {
        let count_include_pad = r.flag("count_include_pad", false)?;
        PoolKind::Average { count_include_pad }
    };
    let (x, shape) = as_map(r, 0)?;
    let window = Window::read(r, &shape, None, ceil_mode)?;
    as_given(r, Built { op: Op::Pool(Pool { kind, window }), inputs: vec![x] })
}

impl Operator for Pool {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        let &[n, c, h, w] = inputs[0] else {
            return Err(OpError::new(format!("needs rank 4, has {:?}", inputs[0])));
        };
        // A window all in the padding would have no element to take.
        for i in 0..2 {
            let span = self.window.kernel[i].saturating_sub(1).saturating_mul(self.window.dilations[i]);
            if self.window.pads[i] > span || self.window.pads[i + 2] > span {
                return Err(OpError::new(format!("padding {:?} is not below the kernel", self.window.pads)));
            }
        }
        let [oh, ow] = self.window.output([h, w])?;
        Ok(vec![vec![n, c, oh, ow]])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        let shape = self.infer_shape(&[x.shape()])?.remove(0);
        let (h, w) = (x.shape()[2], x.shape()[3]);
        let (down, across) = (self.taps(0, h, shape[2]), self.taps(1, w, shape[3]));
        let mut data = Vec::with_capacity(shape.iter().product());
        let mut row = vec![0.0; shape[3]];
        for plane in x.data().chunks_exact(h * w) {
            for (oy, seen) in down.seen.iter().enumerate() {
                widest(
                    #[inline(always)]
                    || self.row(plane, [oy, w], &down, &across, &mut row),
                );
                let divided = row.iter().zip(&across.seen);
                data.extend(divided.map(|(&x, other)| match self.kind {
                    PoolKind::Max => x,
                    PoolKind::Average { count_include_pad: true } => x / (seen.padded * other.padded) as f32,
                    PoolKind::Average { count_include_pad: false } => {
                        x / (seen.inside * other.inside).max(1) as f32
                    }
                }));
            }
        }
        Ok(vec![Tensor::new(shape, data)?])
    }
}

/// What the windows see along one axis.
struct Axis {
    /// For each tap the outputs whose pixel lies in the image, and the pixel of the first of them.
    taps: Vec<(std::ops::Range<usize>, usize)>,
    seen: Vec<Seen>,
}

/// How many taps of an output lie in the image, and how many in the image or its padding: what hangs over the padding
/// counts for nothing.
#[derive(Clone, Copy, Default)]
struct Seen {
    inside: usize,
    padded: usize,
}

impl Pool {
    fn taps(&self, axis: usize, size: usize, outputs: usize) -> Axis {
        let win = &self.window;
        let (before, after, stride) = (win.pads[axis], win.pads[axis + 2], win.strides[axis]);
        let mut seen = vec![Seen::default(); outputs];
        let mut taps = Vec::new();
        for tap in (0..win.kernel[axis]).map(|tap| tap * win.dilations[axis]) {
            let first = before.saturating_sub(tap).div_ceil(stride).min(outputs);
            let end = (before + size).saturating_sub(tap).div_ceil(stride).clamp(first, outputs);
            taps.push((first..end, (first * stride + tap).saturating_sub(before)));
            seen[first..end].iter_mut().for_each(|seen| seen.inside += 1);
            let end = (before + size + after).saturating_sub(tap).div_ceil(stride).min(outputs);
            seen[..end].iter_mut().for_each(|seen| seen.padded += 1);
        }
        Axis { taps, seen }
    }

    /// The greatest or the sum of each window of row `oy`, tap by tap for all of them.
    #[inline(always)]
    fn row(&self, plane: &[f32], [oy, w]: [usize; 2], down: &Axis, across: &Axis, row: &mut [f32]) {
        let max = self.kind == PoolKind::Max;
        row.fill(if max { f32::NEG_INFINITY } else { 0.0 });
        for (outputs, y) in &down.taps {
            if !outputs.contains(&oy) {
                continue;
            }
            let line = &plane[(y + (oy - outputs.start) * self.window.strides[0]) * w..][..w];
            for (outputs, x) in &across.taps {
                let (stride, to) = (self.window.strides[1], &mut row[outputs.clone()]);
                let from = line.get(*x..).unwrap_or_default();
                if max {
                    each_with(stride, from, to, |to, x| *to = to.max(x));
                } else {
                    each_with(stride, from, to, |to, x| *to += x);
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
        let x = Tensor::new(vec![1, 1, 2, 3], vec![1., 2., 3., -4., -5., -6.]).unwrap();
        let window =
            |pads, ceil_mode| Window { kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads, ceil_mode };
        let run = |kind, pads, ceil| {
            let op = Pool { kind, window: window(pads, ceil) };
            op.eval(&[&x]).unwrap().remove(0).into_data()
        };
        assert_eq!(run(PoolKind::Max, [0; 4], false), [2.]);
        assert_eq!(run(PoolKind::Max, [0; 4], true), [2., 3.]);
        assert_eq!(run(PoolKind::Max, [1, 1, 1, 0], false), [1., 3., -4., -5.]);
        let average = |count_include_pad| PoolKind::Average { count_include_pad };
        assert_eq!(run(average(false), [0; 4], true), [-1.5, -1.5]);
        assert_eq!(run(average(false), [1, 1, 1, 0], false), [1., 2.5, -4., -5.5]);
        assert_eq!(run(average(true), [1, 1, 1, 0], false), [0.25, 1.25, -1., -2.75]);
    }
}
