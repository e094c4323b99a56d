//! Reshape-14 with a constant shape.

use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::{Tensor, element_count};
use crate::onnx::reader::NodeReader;

/// One operand of as many elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reshape {
    /// Shape of the result, resolved.
    pub shape: Vec<usize>,
}

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("Reshape", &[5, 13, 14, 19, 21], build, "constant shape")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 2)?;
    let allow_zero = r.flag("allowzero", false)?;
    let target = r.const_ints(1)?.ok_or_else(|| OpError::new("the shape is missing"))?;
    let shape = resolve(r.shape(0)?, &target.data, allow_zero)?;
    Ok(Built { op: Op::Reshape(Reshape { shape }), inputs: vec![r.float(0)?] })
}

/// The shape that `target` asks for: 0 copies a dimension, one -1 takes the rest.
pub fn resolve(from: &[usize], target: &[i64], allow_zero: bool) -> Result<Vec<usize>, OpError> {
    let fail = || OpError::new(format!("{from:?} does not reshape to {target:?}"));
    if target.len() > 16 || target.iter().filter(|&&d| d == -1).count() > 1 {
        return Err(fail());
    }
    let mut shape = Vec::with_capacity(target.len());
    for (i, &d) in target.iter().enumerate() {
        shape.push(match d {
            0 if !allow_zero => *from.get(i).ok_or_else(fail)?,
            -1 => 1,
            d => usize::try_from(d).map_err(|_| fail())?,
        });
    }
    let (have, known) = (element_count(from)?, element_count(&shape)?);
    if let Some(i) = target.iter().position(|&d| d == -1) {
        shape[i] = have.checked_div(known).ok_or_else(fail)?;
    }
    if element_count(&shape)? != have {
        return Err(OpError::new(format!(
            "{from:?} does not reshape to {target:?} (the batch was fixed to 1: \
             a larger batch written into the shape must be exported as 1 or -1)"
        )));
    }
    Ok(shape)
}

impl Operator for Reshape {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        if element_count(inputs[0])? != element_count(&self.shape)? {
            return Err(OpError::new(format!("{:?} does not reshape to {:?}", inputs[0], self.shape)));
        }
        Ok(vec![self.shape.clone()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![inputs[0].reshaped(&self.shape)?])
    }

    fn eval_owned(&self, x: Tensor) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![Tensor::new(self.shape.clone(), x.into_data())?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        assert_eq!(resolve(&[2, 3, 4], &[0, -1], false), Ok(vec![2, 12]));
        assert_eq!(resolve(&[6], &[2, 3], false), Ok(vec![2, 3]));
        assert!(resolve(&[6], &[-1, -1], false).is_err());
        assert!(resolve(&[6], &[4, -1], false).is_err());
        assert!(resolve(&[6], &[i64::MAX, -1], false).is_err());
    }
}
