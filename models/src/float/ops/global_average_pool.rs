//! GlobalAveragePool-1: mean over all axes after the channel; of other ranks than 4 it is a ReduceMean.

use super::reduce_mean::ReduceMean;
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// One operand `[N, C, H, W]`; result `[N, C, 1, 1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalAveragePool;

pub(super) const BUILDERS: &[OnnxOperator] = &[OnnxOperator::new("GlobalAveragePool", &[1], build, "")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    let rank = r.shape(0)?.len();
    if rank == 4 {
        return Ok(Built { op: Op::GlobalAveragePool(GlobalAveragePool), inputs: r.floats()? });
    }
    if rank < 3 {
        return Err(OpError::new(format!("needs x [N, C, ..], has {:?}", r.shape(0)?)));
    }
    let mean = ReduceMean { axes: (2..rank).collect(), keep_dims: true };
    Ok(Built { op: Op::ReduceMean(mean), inputs: r.floats()? })
}

impl Operator for GlobalAveragePool {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        match *inputs[0] {
            [n, c, _, _] => Ok(vec![vec![n, c, 1, 1]]),
            _ => Err(OpError::new(format!("needs rank 4, has {:?}", inputs[0]))),
        }
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let shape = self.infer_shape(&[inputs[0].shape()])?.remove(0);
        let n: usize = inputs[0].shape()[2..].iter().product();
        let mean = |p: &[f32]| (p.iter().map(|&v| f64::from(v)).sum::<f64>() / n as f64) as f32;
        let data = inputs[0].data().chunks_exact(n.max(1)).map(mean).collect();
        Ok(vec![Tensor::new(shape, data)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![1, 2, 1, 2], vec![1., 2., 3., 5.]).unwrap();
        assert_eq!(GlobalAveragePool.eval(&[&x]).unwrap()[0].data(), [1.5, 4.]);
    }
}
