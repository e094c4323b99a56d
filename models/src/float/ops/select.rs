//! Where-16 between two floats, by a constant condition.

use super::axis::{broadcast_shapes, broadcast_strides, for_each_offset};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::{Tensor, element_count};
use crate::onnx::reader::NodeReader;

/// Operands x (where the condition holds) and y; all three broadcast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// The condition, row-major over `shape`.
    pub condition: Vec<bool>,
    /// Its shape.
    pub shape: Vec<usize>,
}

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("Where", &[9, 16], build, "constant condition")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(3, 3)?;
    let t = r.const_ints(0)?.ok_or_else(|| OpError::new("the condition is missing"))?;
    let select = Select { condition: t.data.iter().map(|&c| c != 0).collect(), shape: t.shape.clone() };
    Ok(Built { op: Op::Select(select), inputs: vec![r.float(1)?, r.float(2)?] })
}

impl Operator for Select {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 2, 2)?;
        if element_count(&self.shape)? != self.condition.len() {
            return Err(OpError::new("the condition does not fill its shape"));
        }
        let shape = broadcast_shapes(inputs[0], inputs[1])?;
        Ok(vec![broadcast_shapes(&self.shape, &shape)?])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let shape = self.infer_shape(&[inputs[0].shape(), inputs[1].shape()])?.remove(0);
        let mut data = Vec::with_capacity(element_count(&shape)?);
        let strides = |own: &[usize]| {
            let s = broadcast_strides(own, &shape);
            s.into_iter().map(|s| s as isize).collect::<Vec<_>>()
        };
        for_each_offset(&shape, &strides(inputs[1].shape()), 0, |o| data.push(inputs[1].data()[o]));
        let mut chosen = Vec::with_capacity(data.len());
        for_each_offset(&shape, &strides(&self.shape), 0, |o| chosen.push(self.condition[o]));
        let mut i = 0;
        for_each_offset(&shape, &strides(inputs[0].shape()), 0, |o| {
            if chosen[i] {
                data[i] = inputs[0].data()[o];
            }
            i += 1;
        });
        Ok(vec![Tensor::new(shape, data)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![2, 1], vec![1., 2.]).unwrap();
        let y = Tensor::new(vec![2], vec![3., 4.]).unwrap();
        let s = Select { condition: vec![true, false], shape: vec![2] };
        assert_eq!(s.eval(&[&x, &y]).unwrap()[0].data(), [1., 4., 2., 4.]);
        assert!(s.infer_shape(&[&[3], &[3]]).is_err());
    }
}
