//! Linear: `x[.., K] * weight[N, K]^T + bias[N]`. No ONNX operator: the passes make it of MatMul
//! and Gemm with constant weights.

use super::{OnnxOperator, OpError, Operator, expect_inputs, product};
use crate::float::gemm::{MatRef, sgemm};
use crate::float::tensor::Tensor;

/// Operands: x `[.., K]`, weight `[N, K]`, optional bias `[N]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linear;

pub(super) const BUILDERS: &[OnnxOperator] = &[];

impl Operator for Linear {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 2, 3)?;
        let (Some((&k, lead)), &[n, wk]) = (inputs[0].split_last(), inputs[1]) else {
            return Err(OpError::new(format!("needs x [.., K] and weight [N, K], has {inputs:?}")));
        };
        if k != wk || inputs.get(2).is_some_and(|b| *b != [n]) {
            return Err(OpError::new(format!(
                "operands {inputs:?} do not fit x [.., K], weight [N, K], bias [N]"
            )));
        }
        Ok(vec![[lead, &[n]].concat()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|t| t.shape()).collect();
        let mut out = Tensor::full(self.infer_shape(&shapes)?.remove(0), 0.0)?;
        let (n, k) = (inputs[1].shape()[0], inputs[1].shape()[1]);
        if let Some(bias) = inputs.get(2) {
            for row in out.data_mut().chunks_exact_mut(n) {
                row.copy_from_slice(bias.data());
            }
        }
        let m = out.len() / n.max(1);
        let x = MatRef::row_major(inputs[0].data(), k);
        let w = MatRef::row_major(inputs[1].data(), k).t();
        sgemm([m, k, n], x, w, 1.0, out.data_mut(), n)?;
        Ok(vec![out])
    }

    fn macs(&self, inputs: &[&[usize]], _outputs: &[&[usize]]) -> u64 {
        let n = inputs.get(1).and_then(|w| w.first()).map_or(0, |&n| n as u64);
        inputs.first().map_or(0, |x| product(x)).saturating_mul(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![1, 2, 2], vec![1., 2., 3., 4.]).unwrap();
        let w = Tensor::new(vec![1, 2], vec![10., 1.]).unwrap();
        let b = Tensor::new(vec![1], vec![0.5]).unwrap();
        assert_eq!(Linear.eval(&[&x, &w, &b]).unwrap()[0].data(), [12.5, 34.5]);
        assert_eq!(Linear.macs(&[&[1, 2, 2], &[1, 2]], &[]), 4);
        assert!(Linear.infer_shape(&[&[3], &[1, 2]]).is_err());
    }
}
