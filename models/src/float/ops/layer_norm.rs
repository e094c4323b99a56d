//! LayerNormalization-17: zero mean and unit variance over the axes from `axis` on, then scale, bias.

use bitgauge_arch::arith::host::widest;

use super::axis::axis_index;
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// Rows whose sums are made side by side.
const ROWS: usize = 8;

/// Operands: x, scale and optional bias, both of the normalized axes' shape.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerNorm {
    /// First normalized axis.
    pub axis: usize,
    /// Added to the variance.
    pub epsilon: f32,
}

pub(super) const BUILDERS: &[OnnxOperator] = &[OnnxOperator::new(
    "LayerNormalization",
    &[17],
    build,
    "further outputs unread; scale and bias of the normalized shape",
)];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 3)?;
    if r.int("stash_type", 1)? != 1 {
        return Err(OpError::new("stash_type other than 1 (float) is not supported"));
    }
    let axis = axis_index(r.int("axis", -1)?, r.shape(0)?.len())?;
    let epsilon = r.number("epsilon", 1e-5)?;
    Ok(Built { op: Op::LayerNorm(LayerNorm { axis, epsilon }), inputs: r.floats()? })
}

impl Operator for LayerNorm {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 2, 3)?;
        match inputs[0].get(self.axis..) {
            Some(tail) if !tail.is_empty() && inputs[1..].iter().all(|p| *p == tail) => {
                Ok(vec![inputs[0].to_vec()])
            }
            _ => Err(OpError::new(format!(
                "scale and bias must have x's shape from axis {} on, has {inputs:?}",
                self.axis
            ))),
        }
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let mut out = inputs[0].clone();
        let n = inputs[1].len();
        for rows in out.data_mut().chunks_mut(ROWS * n.max(1)) {
            let means = sums(rows, n, |x, _| x).map(|sum| sum / n as f64);
            let variances = sums(rows, n, |x, row| (x - means[row]).powi(2)).map(|sum| sum / n as f64);
            for ((row, mean), variance) in rows.chunks_exact_mut(n.max(1)).zip(means).zip(variances) {
                let inv = 1.0 / (variance + f64::from(self.epsilon)).sqrt();
                let (scale, bias) = (inputs[1].data(), inputs.get(2).map(|bias| bias.data()));
                widest(
                    #[inline(always)]
                    || {
                        for (x, &s) in row.iter_mut().zip(scale) {
                            *x = ((f64::from(*x) - mean) * inv) as f32 * s;
                        }
                        if let Some(bias) = bias {
                            row.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
                        }
                    },
                );
            }
        }
        Ok(vec![out])
    }
}

/// Sums of `f` over up to [`ROWS`] rows of `n`. Each goes from the first element to the last; those of several rows do
/// not wait for each other.
fn sums(rows: &[f32], n: usize, f: impl Fn(f64, usize) -> f64) -> [f64; ROWS] {
    let mut sums = [-0.0; ROWS];
    if rows.len() == ROWS * n {
        let mut next = rows.chunks_exact(n.max(1));
        let each: [&[f32]; ROWS] = std::array::from_fn(|_| next.next().unwrap_or_default());
        for i in 0..n {
            let made = sums.iter_mut().zip(each).enumerate();
            made.for_each(|(row, (sum, values))| *sum += f(f64::from(values[i]), row));
        }
        return sums;
    }
    for (row, (sum, values)) in sums.iter_mut().zip(rows.chunks_exact(n.max(1))).enumerate() {
        *sum = values.iter().fold(-0.0, |sum, &x| sum + f(f64::from(x), row));
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![1, 2], vec![1., 3.]).unwrap();
        let s = Tensor::new(vec![2], vec![2., 2.]).unwrap();
        let b = Tensor::new(vec![2], vec![0., 1.]).unwrap();
        let y = LayerNorm { axis: 1, epsilon: 0.0 }.eval(&[&x, &s, &b]).unwrap();
        assert_eq!(y[0].data(), [-2., 3.]);
    }

    #[test]
    fn rows_side_by_side_have_the_bits_of_one_by_one() {
        let (rows, n) = (2 * ROWS + 3, 37);
        let fill = |count: usize| (0..count).map(|i| (i * 37 % 101) as f32 * 0.07 - 3.0).collect();
        let x = Tensor::new(vec![rows, n], fill(rows * n)).unwrap();
        let (s, b) = (Tensor::new(vec![n], fill(n)).unwrap(), Tensor::new(vec![n], fill(n)).unwrap());
        let norm = LayerNorm { axis: 1, epsilon: 1e-5 };
        let y = norm.eval(&[&x, &s, &b]).unwrap().remove(0);
        for (x, y) in x.data().chunks(n).zip(y.data().chunks(n)) {
            let alone = Tensor::new(vec![1, n], x.to_vec()).unwrap();
            assert_eq!(norm.eval(&[&alone, &s, &b]).unwrap()[0].data(), y);
        }
    }
}
