//! ArgMax-13 (and 11, 12): where along an axis the greatest element is. Indices are held as f32, which is exact
//! for the sizes that tensors may have along an axis of classes.

use super::axis::{around, axis_index};
use super::reduce::reduced_shape;
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// One operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgMax {
    /// The axis of which one index stays.
    pub axis: usize,
    /// Whether it stays with size 1.
    pub keep_dims: bool,
    /// Of equal ones the last is taken, not the first.
    pub last: bool,
}

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("ArgMax", &[11, 12, 13], build, "indices are held as f32")];

/// Greatest index along the axis that f32 holds exactly.
const MAX_INDEX: usize = 1 << 24;

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    let axis = axis_index(r.int("axis", 0)?, r.shape(0)?.len())?;
    let last = r.opset() >= 12 && r.flag("select_last_index", false)?;
    let op = ArgMax { axis, keep_dims: r.flag("keepdims", true)?, last };
    Ok(Built { op: Op::ArgMax(op), inputs: vec![r.float(0)?] })
}

impl Operator for ArgMax {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        let shape = reduced_shape(inputs[0], &[self.axis], self.keep_dims)?;
        if inputs[0][self.axis] > MAX_INDEX {
            return Err(OpError::new(format!("axis {} of {:?} has too many indices", self.axis, inputs[0])));
        }
        Ok(vec![shape])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let shape = self.infer_shape(&[inputs[0].shape()])?.remove(0);
        let (outer, n, inner) = around(inputs[0].shape(), self.axis);
        let data = inputs[0].data();
        let greatest = |base: usize| {
            let better = |best: usize, at: usize| {
                let (a, b) = (data[base + best * inner], data[base + at * inner]);
                if b > a || (self.last && b == a) { at } else { best }
            };
            (0..n).fold(0, better) as f32
        };
        let bases = (0..outer).flat_map(|o| (0..inner).map(move |i| o * n * inner + i));
        Ok(vec![Tensor::new(shape, bases.map(greatest).collect())?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![2, 3], vec![1., 4., 4., 7., 2., 7.]).unwrap();
        let run = |axis, keep_dims, last| ArgMax { axis, keep_dims, last }.eval(&[&x]).unwrap().remove(0);
        assert_eq!(run(1, true, false).data(), [1., 0.]);
        assert_eq!(run(1, true, false).shape(), [2, 1]);
        assert_eq!(run(1, false, true).data(), [2., 2.]);
        assert_eq!(run(0, false, false).data(), [1., 0., 1.]);
    }
}
