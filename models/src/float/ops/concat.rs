//! Concat-13: joins operands along an axis.

use super::axis::{around, axis_index};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// One operand or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concat {
    /// The axis along which they are joined.
    pub axis: usize,
}

pub(super) const BUILDERS: &[OnnxOperator] = &[OnnxOperator::new("Concat", &[11, 13], build, "")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    let axis = r.int_if("axis")?.ok_or_else(|| OpError::new("attribute `axis` is missing"))?;
    let axis = axis_index(axis, r.shape(0)?.len())?;
    Ok(Built { op: Op::Concat(Concat { axis }), inputs: r.floats()? })
}

impl Operator for Concat {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, usize::MAX)?;
        let mut shape = inputs[0].to_vec();
        let fail = || OpError::new(format!("operands {inputs:?} do not fit along axis {}", self.axis));
        let same = |a: &[usize]| {
            let equal = |i: usize| i == self.axis || a[i] == inputs[0][i];
            a.len() == inputs[0].len() && (0..a.len()).all(equal)
        };
        if self.axis >= shape.len() || !inputs.iter().all(|a| same(a)) {
            return Err(fail());
        }
        let sum = inputs.iter().try_fold(0usize, |n, a| n.checked_add(a[self.axis]));
        shape[self.axis] = sum.ok_or_else(fail)?;
        Ok(vec![shape])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|t| t.shape()).collect();
        let shape = self.infer_shape(&shapes)?.remove(0);
        let (outer, _, inner) = around(&shape, self.axis);
        let mut data = Vec::with_capacity(shape.iter().product());
        for o in 0..outer {
            for t in inputs {
                let n = t.shape()[self.axis] * inner;
                data.extend_from_slice(&t.data()[o * n..][..n]);
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
        let a = Tensor::new(vec![2, 1], vec![1., 2.]).unwrap();
        let b = Tensor::new(vec![2, 2], vec![3., 4., 5., 6.]).unwrap();
        let y = Concat { axis: 1 }.eval(&[&a, &b]).unwrap();
        assert_eq!(y[0].data(), [1., 3., 4., 2., 5., 6.]);
        assert!(Concat { axis: 0 }.infer_shape(&[&[2, 1], &[2, 2]]).is_err());
    }
}
