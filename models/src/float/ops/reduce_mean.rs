//! ReduceMean-18 (and 11, 13): mean over axes.

use super::reduce::{accumulate, read_axes, reduced_shape};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// One operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReduceMean {
    /// Reduced axes, sorted.
    pub axes: Vec<usize>,
    /// Whether they stay with size 1.
    pub keep_dims: bool,
}

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("ReduceMean", &[11, 13, 18], build, "constant axes")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 2)?;
    let (axes, keep_dims) = read_axes(r)?;
    Ok(Built { op: Op::ReduceMean(ReduceMean { axes, keep_dims }), inputs: vec![r.float(0)?] })
}

impl Operator for ReduceMean {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        Ok(vec![reduced_shape(inputs[0], &self.axes, self.keep_dims)?])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        let shape = self.infer_shape(&[x.shape()])?.remove(0);
        let sums = accumulate(x, &self.axes, 0.0, |sum, v| sum + v);
        let n = (x.len() / sums.len().max(1)) as f64;
        let data = sums.iter().map(|s| (s / n) as f32).collect();
        Ok(vec![Tensor::new(shape, data)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![2, 2], vec![1., 3., 5., 9.]).unwrap();
        let run = |axes: &[usize], keep_dims| {
            ReduceMean { axes: axes.to_vec(), keep_dims }.eval(&[&x]).unwrap().remove(0)
        };
        assert_eq!(run(&[0], false).data(), [3., 6.]);
        assert_eq!(run(&[1], true).data(), [2., 7.]);
        assert_eq!(run(&[1], true).shape(), [2, 1]);
        assert_eq!(run(&[0, 1], false).data(), [4.5]);
    }
}
