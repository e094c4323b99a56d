//! Gemm-13: `alpha * op(A) * op(B) + beta * C` on matrices.

use super::axis::{broadcast_shapes, broadcast_strides};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs, product};
use crate::float::gemm::{MatRef, sgemm};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// Attributes of Gemm; operands A, B and optionally C, which broadcasts to `[M, N]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gemm {
    /// Factor of the product.
    pub alpha: f32,
    /// Factor of C.
    pub beta: f32,
    /// Whether A is read transposed.
    pub trans_a: bool,
    /// Whether B is read transposed.
    pub trans_b: bool,
}

pub(super) const BUILDERS: &[OnnxOperator] = &[OnnxOperator::new("Gemm", &[11, 13], build, "")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 3)?;
    let op = Op::Gemm(Gemm {
        alpha: r.number("alpha", 1.0)?,
        beta: r.number("beta", 1.0)?,
        trans_a: r.flag("transA", false)?,
        trans_b: r.flag("transB", false)?,
    });
    Ok(Built { op, inputs: r.floats()? })
}

impl Gemm {
    fn sizes(&self, inputs: &[&[usize]]) -> Result<[usize; 3], OpError> {
        expect_inputs(inputs, 2, 3)?;
        let (&[a0, a1], &[b0, b1]) = (inputs[0], inputs[1]) else {
            return Err(OpError::new(format!("needs matrices, has {inputs:?}")));
        };
        let (m, k) = if self.trans_a { (a1, a0) } else { (a0, a1) };
        let (kb, n) = if self.trans_b { (b1, b0) } else { (b0, b1) };
        let c_fits = inputs.get(2).is_none_or(|c| broadcast_shapes(c, &[m, n]) == Ok(vec![m, n]));
        if k != kb || !c_fits {
            return Err(OpError::new(format!("operands {inputs:?} do not fit")));
        }
        Ok([m, k, n])
    }
}

impl Operator for Gemm {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        let [m, _, n] = self.sizes(inputs)?;
        Ok(vec![vec![m, n]])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|t| t.shape()).collect();
        let [m, k, n] = self.sizes(&shapes)?;
        let side = |t: &'_ Tensor, trans: bool| (t.shape()[1], trans);
        let mat = |i: usize, (cols, trans): (usize, bool)| {
            let x = MatRef::row_major(inputs[i].data(), cols);
            if trans { x.t() } else { x }
        };
        let mut out = Tensor::full(vec![m, n], 0.0)?;
        let a = mat(0, side(inputs[0], self.trans_a));
        let b = mat(1, side(inputs[1], self.trans_b));
        sgemm([m, k, n], a, b, 0.0, out.data_mut(), n)?;
        if let Some(c) = inputs.get(2) {
            let s = broadcast_strides(c.shape(), &[m, n]);
            for (i, y) in out.data_mut().iter_mut().enumerate() {
                *y = self.alpha * *y + self.beta * c.data()[i / n * s[0] + i % n * s[1]];
            }
        } else {
            out.data_mut().iter_mut().for_each(|y| *y *= self.alpha);
        }
        Ok(vec![out])
    }

    fn macs(&self, inputs: &[&[usize]], _outputs: &[&[usize]]) -> u64 {
        self.sizes(inputs).map_or(0, |mkn| product(&mkn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let a = Tensor::new(vec![2, 1], vec![1., 2.]).unwrap();
        let b = Tensor::new(vec![1, 2], vec![3., 4.]).unwrap();
        let c = Tensor::new(vec![1], vec![1.]).unwrap();
        let g = Gemm { alpha: 2.0, beta: 0.5, trans_a: true, trans_b: true };
        assert_eq!(g.eval(&[&a, &b, &c]).unwrap()[0].data(), [22.5]);
        let g = Gemm { trans_a: false, trans_b: false, ..g };
        assert_eq!(g.eval(&[&a, &b]).unwrap()[0].data(), [6., 8., 12., 16.]);
    }
}
