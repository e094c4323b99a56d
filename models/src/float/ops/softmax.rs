//! Softmax-13 along one axis; Softmax-11 over all axes from one on, by way of a matrix.

use bitgauge_arch::arith::host::widest;

use super::axis::{around, axis_index};
use super::reshape::Reshape;
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::functions::exp;
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// One operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Softmax {
    /// The axis that sums to 1.
    pub axis: usize,
}

pub(super) const BUILDERS: &[OnnxOperator] = &[OnnxOperator::new("Softmax", &[11, 13], build, "")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    let x = r.float(0)?;
    let shape = r.shape(0)?.to_vec();
    let axis = r.int("axis", if r.opset() < 13 { 1 } else { -1 })?;
    let Some((axis, flat)) = flattened(r, &shape, axis)? else {
        let axis = axis_index(axis, shape.len())?;
        return Ok(Built { op: Op::Softmax(Softmax { axis }), inputs: vec![x] });
    };
    let x = r.emit(Op::Reshape(Reshape { shape: flat }), vec![x])?;
    let y = r.emit(Op::Softmax(Softmax { axis }), vec![x])?;
    Ok(Built { op: Op::Reshape(Reshape { shape }), inputs: vec![y] })
}

/// Before opset 13 Softmax and LogSoftmax read their operand as a matrix whose columns are all axes from
/// `axis` on: the axis and the matrix's shape, where that is not one axis of the tensor itself.
pub(super) fn flattened(
    r: &NodeReader<'_>,
    shape: &[usize],
    axis: i64,
) -> Result<Option<(usize, Vec<usize>)>, OpError> {
    let rank = shape.len() as i64;
    if r.opset() >= 13 {
        return Ok(None);
    }
    // One past the last axis is allowed there: columns of one element.
    let at = if axis < 0 { axis.saturating_add(rank) } else { axis };
    let at = usize::try_from(at).ok().filter(|&at| at <= shape.len());
    let at = at.ok_or_else(|| OpError::new(format!("axis {axis} is not in {shape:?}")))?;
    if at < shape.len() && shape[at + 1..].iter().all(|&d| d == 1) {
        return Ok(None);
    }
    // The operand passed the element limit, so its products cannot overflow.
    Ok(Some((1, vec![shape[..at].iter().product(), shape[at..].iter().product()])))
}

impl Operator for Softmax {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        if self.axis >= inputs[0].len() {
            return Err(OpError::new(format!("axis {} is not in {:?}", self.axis, inputs[0])));
        }
        Ok(vec![inputs[0].to_vec()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let mut out = inputs[0].clone();
        let (outer, n, inner) = around(inputs[0].shape(), self.axis);
        if inner == 1 {
            out.data_mut().chunks_exact_mut(n.max(1)).for_each(normalize);
            return Ok(vec![out]);
        }
        let mut row = vec![0.0f32; n];
        for o in 0..outer {
            for i in 0..inner {
                let base = o * n * inner + i;
                let data = out.data_mut();
                for (j, r) in row.iter_mut().enumerate() {
                    *r = data[base + j * inner];
                }
                normalize(&mut row);
                for (j, r) in row.iter().enumerate() {
                    data[base + j * inner] = *r;
                }
            }
        }
        Ok(vec![out])
    }
}

/// Softmax of a row. The sum goes from the first element to the last.
fn normalize(row: &mut [f32]) {
    widest(
        #[inline(always)]
        || {
            const LANES: usize = 32;
            let mut greatest = [f32::NEG_INFINITY; LANES];
            for block in row.chunks(LANES) {
                greatest
                    .iter_mut()
                    .zip(block)
                    .for_each(|(most, &x)| *most = if x > *most { x } else { *most });
            }
            let greatest = greatest.into_iter().fold(f32::NEG_INFINITY, f32::max);
            row.iter_mut().for_each(|x| *x = exp(*x - greatest));
            let sum = row.iter().fold(0.0, |sum, x| sum + x);
            row.iter_mut().for_each(|x| *x /= sum);
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let ln3 = 3f32.ln();
        let x = Tensor::new(vec![2, 2], vec![0., 100., ln3, 100.]).unwrap();
        let y = Softmax { axis: 0 }.eval(&[&x]).unwrap().remove(0);
        let want = Tensor::new(vec![2, 2], vec![0.25, 0.5, 0.75, 0.5]).unwrap();
        assert!(y.relative_error(&want) < 1e-6);
    }
}
