//! Linear: `x[.., K] * weight[N, K]^T + bias[N]`. No ONNX operator: the passes make it of MatMul
//! and Gemm with constant weights.

use super::{OnnxOperator, OpError, Operator, expect_inputs, product};
use crate::float::gemm::{MatRef, sgemm};
use crate::float::tensor::Tensor;

/// Operands: x `[.., K]`, weight `[N, K]`, optional bias `[N]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linear;

/// Rows of x from which on turning the result takes less time than packing the weights.
const MANY: usize = 64;
/// Weights of neighbouring outputs that are a multiple of so many elements apart share few sets of a cache, and the
/// library's packing reads 64 such outputs at once.
const FAR: usize = 512;

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
        let shape = self.infer_shape(&shapes)?.remove(0);
        let (n, k) = (inputs[1].shape()[0], inputs[1].shape()[1]);
        let m = inputs[0].len() / k.max(1);
        let x = MatRef::row_major(inputs[0].data(), k);
        let w = MatRef::row_major(inputs[1].data(), k);
        let bias = inputs.get(2).map(|bias| bias.data());
        if m >= MANY && k.is_multiple_of(FAR) {
            // The weights come first and are read where they lie; the result is turned instead.
            let mut turned = Tensor::full(vec![n, m], 0.0)?;
            if let Some(bias) = bias {
                turned.data_mut().chunks_exact_mut(m).zip(bias).for_each(|(row, &b)| row.fill(b));
            }
            sgemm([n, k, m], w, x.t(), 1.0, turned.data_mut(), m)?;
            return Ok(vec![Tensor::new(shape, turned.transposed2()?.into_data())?]);
        }
        let mut out = Tensor::full(shape, 0.0)?;
        if let Some(bias) = bias {
            out.data_mut().chunks_exact_mut(n).for_each(|row| row.copy_from_slice(bias));
        }
        sgemm([m, k, n], x, w.t(), 1.0, out.data_mut(), n)?;
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

    /// Small whole numbers: every order of additions gives the same sums.
    #[test]
    fn turned_or_not_the_sums_are_those_of_the_definition() {
        for (m, k, n) in [(MANY, FAR, 70), (MANY + 3, 2 * FAR, 5), (MANY - 1, FAR, 3), (MANY, FAR + 1, 9)] {
            let whole = |count: usize, by: usize| (0..count).map(|i| (i * by % 7) as f32 - 3.0).collect();
            let x = Tensor::new(vec![m, k], whole(m * k, 5)).unwrap();
            let w = Tensor::new(vec![n, k], whole(n * k, 11)).unwrap();
            let b = Tensor::new(vec![n], whole(n, 3)).unwrap();
            for operands in [&[&x, &w, &b][..], &[&x, &w]] {
                let y = Linear.eval(operands).unwrap().remove(0);
                assert_eq!(y.shape(), [m, n]);
                for (i, y) in y.data().iter().enumerate() {
                    let rows = x.data()[i / n * k..][..k].iter().zip(&w.data()[i % n * k..][..k]);
                    let sum: f32 = rows.map(|(x, w)| x * w).sum();
                    assert_eq!(*y, sum + if operands.len() == 3 { b.data()[i % n] } else { 0.0 }, "{i}");
                }
            }
        }
    }
}
