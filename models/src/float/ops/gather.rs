//! Gather-13 with constant indices on a float operand.

use super::axis::{around, axis_index};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::{Tensor, element_count};
use crate::onnx::reader::NodeReader;

/// One operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gather {
    /// The axis that is indexed.
    pub axis: usize,
    /// Indices along it, row-major over `index_shape`.
    pub indices: Vec<usize>,
    /// Shape that replaces the axis; empty for a single index.
    pub index_shape: Vec<usize>,
}

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("Gather", &[11, 13], build, "constant indices")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 2)?;
    let shape = r.shape(0)?.to_vec();
    let axis = axis_index(r.int("axis", 0)?, shape.len())?;
    let t = r.const_ints(1)?.ok_or_else(|| OpError::new("indices are missing"))?;
    let indices = t.data.iter().map(|&i| axis_index(i, shape[axis]));
    let indices = indices.collect::<Result<Vec<_>, _>>()?;
    let index_shape = t.shape.clone();
    let op = Op::Gather(Gather { axis, indices, index_shape });
    Ok(Built { op, inputs: vec![r.float(0)?] })
}

/// Longest list of indices that a lowering makes, so that a small file cannot demand a huge one.
const MAX_INDICES: usize = 1 << 24;

impl Gather {
    /// Makes `n` elements of an axis, each picked by its place.
    pub(super) fn picking(axis: usize, n: usize, pick: impl Fn(usize) -> usize) -> Result<Op, OpError> {
        if n > MAX_INDICES {
            return Err(OpError::new(format!("an axis of {n} elements is too long (limit {MAX_INDICES})")));
        }
        Ok(Op::Gather(Gather { axis, indices: (0..n).map(pick).collect(), index_shape: vec![n] }))
    }
}

impl Operator for Gather {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        let n = inputs[0].get(self.axis).copied().unwrap_or(0);
        let fits = element_count(&self.index_shape)? == self.indices.len();
        if self.axis >= inputs[0].len() || !fits || self.indices.iter().any(|&i| i >= n) {
            return Err(OpError::new(format!("indices do not fit axis {} of {:?}", self.axis, inputs[0])));
        }
        let (before, after) = (&inputs[0][..self.axis], &inputs[0][self.axis + 1..]);
        Ok(vec![[before, &self.index_shape, after].concat()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        let shape = self.infer_shape(&[x.shape()])?.remove(0);
        let (outer, n, inner) = around(x.shape(), self.axis);
        let mut data = Vec::with_capacity(element_count(&shape)?);
        for o in 0..outer {
            for i in &self.indices {
                data.extend_from_slice(&x.data()[(o * n + i) * inner..][..inner]);
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
        let x = Tensor::new(vec![2, 2], vec![1., 2., 3., 4.]).unwrap();
        let one = Gather { axis: 1, indices: vec![1], index_shape: vec![] };
        let y = one.eval(&[&x]).unwrap().remove(0);
        assert_eq!((y.shape(), y.data()), (&[2][..], &[2., 4.][..]));
        let two = Gather { axis: 0, indices: vec![1, 1], index_shape: vec![2] };
        assert_eq!(two.eval(&[&x]).unwrap()[0].data(), [3., 4., 3., 4.]);
    }
}
