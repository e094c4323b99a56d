//! Softmax-13 along one axis; Softmax-11 over all axes from one on, by way of a matrix.

use bitgauge_arch::arith::host::widest;

use super::axis::{around, axis_index};
use super::reshape::Reshape;
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::functions::exp;
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// Rows whose sums are made side by side.
const ROWS: usize = 8;

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
        self.eval_owned(inputs[0].clone())
    }

    fn eval_owned(&self, mut out: Tensor) -> Result<Vec<Tensor>, OpError> {
        let (outer, n, inner) = around(out.shape(), self.axis);
        if inner == 1 {
            out.data_mut().chunks_mut(ROWS * n.max(1)).for_each(|rows| normalize(rows, n));
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
                normalize(&mut row, n);
                for (j, r) in row.iter().enumerate() {
                    data[base + j * inner] = *r;
                }
            }
        }
        Ok(vec![out])
    }
}

/// Softmax of up to [`ROWS`] rows of `n`. Each sum goes from the first element to the last; those of several rows do
/// not wait for each other.
fn normalize(rows: &mut [f32], n: usize) {
    widest(
        #[inline(always)]
        || {
            let mut sums = [0f32; ROWS];
            for row in rows.chunks_exact_mut(n.max(1)) {
                let greatest = greatest(row);
                for x in row {
                    *x = exp(*x - greatest);
                }
            }
            if rows.len() == ROWS * n {
                let mut next = rows.chunks_exact(n.max(1));
                let each: [&[f32]; ROWS] = std::array::from_fn(|_| next.next().unwrap_or_default());
                for i in 0..n {
                    sums.iter_mut().zip(each).for_each(|(sum, row)| *sum += row[i]);
                }
            } else {
                for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(n.max(1))) {
                    *sum = row.iter().fold(0.0, |sum, x| sum + x);
                }
            }
            for (row, sum) in rows.chunks_exact_mut(n.max(1)).zip(sums) {
                for x in row {
                    *x /= sum;
                }
            }
        },
    );
}

/// The greatest of a row, side by side.
#[inline(always)]
fn greatest(row: &[f32]) -> f32 {
    const LANES: usize = 32;
    let mut greatest = [f32::NEG_INFINITY; LANES];
    for block in row.chunks(LANES) {
        greatest.iter_mut().zip(block).for_each(|(most, &x)| *most = if x > *most { x } else { *most });
    }
    greatest.into_iter().fold(f32::NEG_INFINITY, f32::max)
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

    #[test]
    fn rows_side_by_side_have_the_bits_of_one_by_one() {
        let (rows, n) = (2 * ROWS + 3, 37);
        let data: Vec<f32> = (0..rows * n).map(|i| (i * 37 % 101) as f32 * 0.07).collect();
        let x = Tensor::new(vec![rows, n], data).unwrap();
        let y = Softmax { axis: 1 }.eval(&[&x]).unwrap().remove(0);
        for (x, y) in x.data().chunks(n).zip(y.data().chunks(n)) {
            let alone = Tensor::new(vec![n], x.to_vec()).unwrap();
            assert_eq!(Softmax { axis: 0 }.eval(&[&alone]).unwrap()[0].data(), y);
        }
    }
}
