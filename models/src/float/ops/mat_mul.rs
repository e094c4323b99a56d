//! MatMul-13: NumPy's matrix product with batch dimensions broadcast; vectors become matrices at import.

use super::axis::{broadcast_shapes, broadcast_strides, for_each_offset};
use super::reshape::Reshape;
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs, product};
use crate::float::gemm::{MatRef, sgemm};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// No attributes; operands a `[.., M, K]` and b `[.., K, N]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatMul;

pub(super) const BUILDERS: &[OnnxOperator] = &[OnnxOperator::new("MatMul", &[9, 13], build, "")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 2)?;
    let (mut a, mut b) = (r.float(0)?, r.float(1)?);
    let (row, column) = (r.shape(0)?.len() == 1, r.shape(1)?.len() == 1);
    if !row && !column {
        return Ok(Built { op: Op::MatMul(MatMul), inputs: vec![a, b] });
    }
    // A vector is a row on the left and a column on the right; the added axis goes again.
    if row {
        let shape = vec![1, r.shape(0)?[0]];
        a = r.emit(Op::Reshape(Reshape { shape }), vec![a])?;
    }
    if column {
        let shape = vec![r.shape(1)?[0], 1];
        b = r.emit(Op::Reshape(Reshape { shape }), vec![b])?;
    }
    let y = r.emit(Op::MatMul(MatMul), vec![a, b])?;
    let mut shape = r.shape_of(y)?.to_vec();
    if column {
        shape.pop();
    }
    if row {
        let at = shape.len().saturating_sub(if column { 1 } else { 2 });
        shape.remove(at);
    }
    Ok(Built { op: Op::Reshape(Reshape { shape }), inputs: vec![y] })
}

impl Operator for MatMul {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 2, 2)?;
        let ([la @ .., m, k], [lb @ .., kb, n]) = (inputs[0], inputs[1]) else {
            return Err(OpError::new(format!("needs operands of rank 2 or more, has {inputs:?}")));
        };
        if k != kb {
            return Err(OpError::new(format!("inner sizes of {inputs:?} differ")));
        }
        let mut shape = broadcast_shapes(la, lb)?;
        shape.extend([m, n]);
        Ok(vec![shape])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let (a, b) = (inputs[0], inputs[1]);
        let shape = self.infer_shape(&[a.shape(), b.shape()])?.remove(0);
        let mut out = Tensor::full(shape.clone(), 0.0)?;
        let ([lead @ .., m, n], [la @ .., k], [lb @ .., _, _]) = (&shape[..], a.shape(), b.shape()) else {
            return Err(OpError::new("needs operands of rank 2 or more"));
        };
        let la = &la[..la.len() - 1];
        // Offsets in whole matrices of each batch entry.
        let offsets = |own: &[usize]| {
            let s: Vec<isize> = broadcast_strides(own, lead).iter().map(|&s| s as isize).collect();
            let mut list = Vec::new();
            for_each_offset(lead, &s, 0, |o| list.push(o));
            list
        };
        let batches = offsets(la).into_iter().zip(offsets(lb));
        for ((oa, ob), dst) in batches.zip(out.data_mut().chunks_exact_mut((m * n).max(1))) {
            let x = MatRef::row_major(&a.data()[oa * m * k..], *k);
            let y = MatRef::row_major(&b.data()[ob * k * n..], *n);
            sgemm([*m, *k, *n], x, y, 0.0, dst, *n)?;
        }
        Ok(vec![out])
    }

    fn macs(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> u64 {
        let k = inputs.first().and_then(|x| x.last()).map_or(0, |&k| k as u64);
        outputs.first().map_or(0, |o| product(o)).saturating_mul(k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_broadcasts() {
        let a = Tensor::new(vec![2, 1, 2], vec![1., 2., 3., 4.]).unwrap();
        let b = Tensor::new(vec![2, 1], vec![10., 1.]).unwrap();
        let y = MatMul.eval(&[&a, &b]).unwrap().remove(0);
        assert_eq!((y.shape(), y.data()), (&[2, 1, 1][..], &[12., 34.][..]));
        assert!(MatMul.infer_shape(&[&[2, 3], &[2, 3]]).is_err());
    }
}
