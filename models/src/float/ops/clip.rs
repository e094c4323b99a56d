//! Clip-13 (and 11, 12; attributes as before 11): with constant bounds one operator, else Max and Min.

use super::binary::Binary;
use super::identity::Identity;
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs, map};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// One operand; `min <= max`.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// Lower bound, `f32::MIN` if none.
    pub min: f32,
    /// Upper bound, `f32::MAX` if none.
    pub max: f32,
}

pub(super) const BUILDERS: &[OnnxOperator] = &[OnnxOperator::new("Clip", &[11, 12, 13], build, "")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 3)?;
    // Attributes are what Clip had before opset 11; some files keep them.
    let low = bounds(r.number("min", f32::MIN)?);
    let high = bounds(r.number("max", f32::MAX)?);
    let is_constant = |i: usize| r.const_floats(i).is_ok();
    if is_constant(1) && is_constant(2) {
        let min = r.const_scalar(1)?.or(low).unwrap_or(f32::MIN).max(f32::MIN);
        let max = r.const_scalar(2)?.or(high).unwrap_or(f32::MAX).min(f32::MAX);
        if min > max {
            return Err(OpError::new(format!("min {min} is above max {max}")));
        }
        return Ok(Built { op: Op::Clip(Clip { min, max }), inputs: vec![r.float(0)?] });
    }
    let mut x = r.float(0)?;
    for (i, op) in [(1, Binary::Max), (2, Binary::Min)] {
        if r.has(i) {
            let bound = r.float(i)?;
            x = r.emit(Op::Binary(op), vec![x, bound])?;
        }
    }
    Ok(Built { op: Op::Identity(Identity), inputs: vec![x] })
}

fn bounds(x: f32) -> Option<f32> {
    (x.abs() < f32::MAX).then_some(x)
}

impl Operator for Clip {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        Ok(vec![inputs[0].to_vec()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        self.eval_owned(inputs[0].clone())
    }

    fn eval_owned(&self, x: Tensor) -> Result<Vec<Tensor>, OpError> {
        map(x, |x| x.max(self.min).min(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![3], vec![-1., 3., 9.]).unwrap();
        let y = Clip { min: 0.0, max: 6.0 }.eval(&[&x]).unwrap();
        assert_eq!(y[0].data(), [0., 3., 6.]);
    }
}
