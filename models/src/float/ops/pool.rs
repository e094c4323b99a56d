//! MaxPool-12 (its indices unread) and AveragePool-19 over H and W.

use super::window::{Window, as_given, as_map};
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
        let win = &self.window;
        let mut data = Vec::with_capacity(shape.iter().product());
        for plane in x.data().chunks_exact(h * w) {
            for oy in 0..shape[2] {
                for ox in 0..shape[3] {
                    let (mut max, mut sum, mut inside, mut padded) = (f32::NEG_INFINITY, 0.0, 0, 0);
                    for ky in 0..win.kernel[0] {
                        let py = oy * win.strides[0] + ky * win.dilations[0];
                        for kx in 0..win.kernel[1] {
                            let px = ox * win.strides[1] + kx * win.dilations[1];
                            // What hangs over the padding counts for nothing.
                            if py < h + win.pads[0] + win.pads[2] && px < w + win.pads[1] + win.pads[3] {
                                padded += 1;
                            }
                            let (y, xx) = (py.wrapping_sub(win.pads[0]), px.wrapping_sub(win.pads[1]));
                            if y < h && xx < w {
                                let v = plane[y * w + xx];
                                max = max.max(v);
                                sum += v;
                                inside += 1;
                            }
                        }
                    }
                    data.push(match self.kind {
                        PoolKind::Max => max,
                        PoolKind::Average { count_include_pad: true } => sum / padded as f32,
                        PoolKind::Average { count_include_pad: false } => sum / inside.max(1) as f32,
                    });
                }
            }
        }
        Ok(vec![Tensor::new(shape, data)?])
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
