//! Clip-13 with constant bounds.

use super::{Builder, Built, Op, OpError, Operator, expect_inputs, map};
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

pub(super) const BUILDERS: &[(&str, Builder)] = &[("Clip", build)];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 3)?;
    let min = r.const_scalar(1)?.unwrap_or(f32::MIN);
    let max = r.const_scalar(2)?.unwrap_or(f32::MAX);
    if min > max {
        return Err(OpError::new(format!("min {min} is above max {max}")));
    }
    Ok(Built { op: Op::Clip(Clip { min, max }), inputs: vec![r.float(0)?] })
}

impl Operator for Clip {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        Ok(vec![inputs[0].to_vec()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        map(inputs[0], |x| x.max(self.min).min(self.max))
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
