//! Softmax-13 along one axis; Softmax-11 where it means the same.

use super::axis::{around, axis_index};
use super::{Builder, Built, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// One operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Softmax {
    /// The axis that sums to 1.
    pub axis: usize,
}

pub(super) const BUILDERS: &[(&str, Builder)] = &[("Softmax", build)];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    let old = r.opset() < 13;
    let axis = r.int("axis", if old { 1 } else { -1 })?;
    let shape = r.shape(0)?;
    let axis = axis_index(axis, shape.len())?;
    // Before opset 13 the operator flattened all axes from `axis` on.
    if old && shape[axis + 1..].iter().any(|&d| d != 1) {
        return Err(OpError::new("before opset 13 only the last axis is supported"));
    }
    Ok(Built { op: Op::Softmax(Softmax { axis }), inputs: r.floats()? })
}

impl Operator for Softmax {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        if self.axis >= inputs[0].len() {
            return Err(OpError::new(format!("axis {} is not in {:?}", self.axis, inputs[0])));
        }
        Ok(vec![inputs[0].to_vec()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let mut out = inputs[0].clone();
        let (outer, n, inner) = around(inputs[0].shape(), self.axis);
        let mut row = vec![0.0f32; n];
        for o in 0..outer {
            for i in 0..inner {
                let base = o * n * inner + i;
                let data = out.data_mut();
                for (j, r) in row.iter_mut().enumerate() {
                    *r = data[base + j * inner];
                }
                let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let mut sum = 0.0;
                for r in &mut row {
                    *r = libm::expf(*r - max);
                    sum += *r;
                }
                for (j, r) in row.iter().enumerate() {
                    data[base + j * inner] = r / sum;
                }
            }
        }
        Ok(vec![out])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let ln3 = 3f32.ln();
        let x = Tensor::new(vec![2, 2], vec![0., 100., ln3, 100.]).unwrap();
        let y = Softmax { axis: 0 }.eval(&[&x]).unwrap().remove(0);
        let want = Tensor::new(vec![2, 2], vec![0.25, 0.5, 0.75, 0.5]).unwrap();
        assert!(y.relative_error(&want) < 1e-6);
    }
}
