//! Transpose-13: permutes axes.

use super::axis::{axis_indices, for_each_offset};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::{Tensor, strides, turn};
use crate::onnx::reader::NodeReader;

/// One operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transpose {
    /// Axis `i` of the result is axis `perm[i]` of the operand.
    pub perm: Vec<usize>,
}

pub(super) const BUILDERS: &[OnnxOperator] = &[OnnxOperator::new("Transpose", &[1, 13, 21], build, "")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    let rank = r.shape(0)?.len();
    let perm = match r.ints("perm")? {
        None => (0..rank).rev().collect(),
        Some(p) => {
            axis_indices(p, rank)?;
            // Out-of-range entries were refused; negative ones are not ONNX.
            p.iter().map(|&a| usize::try_from(a).unwrap_or(usize::MAX)).collect()
        }
    };
    Ok(Built { op: Op::Transpose(Transpose { perm }), inputs: r.floats()? })
}

impl Operator for Transpose {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        let mut sorted = self.perm.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..inputs[0].len()) {
            return Err(OpError::new(format!("perm {:?} does not permute {:?}", self.perm, inputs[0])));
        }
        Ok(vec![self.perm.iter().map(|&p| inputs[0][p]).collect()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        let shape = self.infer_shape(&[x.shape()])?.remove(0);
        let own = strides(x.shape());
        let s: Vec<isize> = self.perm.iter().map(|&p| own[p] as isize).collect();
        // The last two axes exchanged: matrices. Axes that stay last: whole runs.
        let last = self.perm.len().saturating_sub(2);
        if self.perm.iter().take(last).copied().eq(0..last) && self.perm[last..] == [last + 1, last] {
            let (rows, cols) = (x.shape()[last], x.shape()[last + 1]);
            let mut out = Tensor::full(shape, 0.0)?;
            let size = (rows * cols).max(1);
            for (from, to) in x.data().chunks_exact(size).zip(out.data_mut().chunks_exact_mut(size)) {
                turn(from, rows, cols, to);
            }
            return Ok(vec![out]);
        }
        let stay = self.perm.iter().enumerate().rev().take_while(|(axis, from)| axis == *from).count();
        let (moved, run) = (shape.len() - stay, shape[shape.len() - stay..].iter().product::<usize>());
        let mut data = Vec::with_capacity(x.len());
        if stay == 0 {
            for_each_offset(&shape, &s, 0, |o| data.push(x.data()[o]));
        } else {
            for_each_offset(&shape[..moved], &s[..moved], 0, |o| {
                data.extend_from_slice(&x.data()[o..][..run])
            });
        }
        Ok(vec![Tensor::new(shape, data)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![2, 3], vec![1., 2., 3., 4., 5., 6.]).unwrap();
        let y = Transpose { perm: vec![1, 0] }.eval(&[&x]).unwrap();
        assert_eq!(y[0].data(), [1., 4., 2., 5., 3., 6.]);
        // Every way: moved one by one, runs, matrices with whole squares and without, and nothing at all.
        let shape = [3, 2, 21, 35];
        let x = Tensor::new(shape.to_vec(), (0..shape.iter().product()).map(|i: usize| i as f32).collect())
            .unwrap();
        for perm in [[3, 2, 1, 0], [2, 0, 1, 3], [1, 0, 2, 3], [0, 1, 3, 2], [0, 1, 2, 3], [0, 3, 1, 2]] {
            let y = Transpose { perm: perm.to_vec() }.eval(&[&x]).unwrap().remove(0);
            let (own, new) = (strides(&shape), strides(y.shape()));
            for (at, &value) in y.data().iter().enumerate() {
                let from: usize = (0..4).map(|axis| at / new[axis] % y.shape()[axis] * own[perm[axis]]).sum();
                assert_eq!(value, x.data()[from], "{perm:?} {at}");
            }
        }
        assert!(Transpose { perm: vec![0, 0] }.infer_shape(&[&[2, 3]]).is_err());
    }
}
