//! LayerNormalization-17: zero mean and unit variance over the axes from `axis` on, then scale, bias.

use super::axis::axis_index;
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

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
        for row in out.data_mut().chunks_exact_mut(n.max(1)) {
            let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / n as f64;
            let var = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n as f64;
            let inv = 1.0 / (var + f64::from(self.epsilon)).sqrt();
            for (x, &s) in row.iter_mut().zip(inputs[1].data()) {
                *x = ((f64::from(*x) - mean) * inv) as f32 * s;
            }
            if let Some(bias) = inputs.get(2) {
                row.iter_mut().zip(bias.data()).for_each(|(x, b)| *x += b);
            }
        }
        Ok(vec![out])
    }
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
}
