//! BatchNormalization-15, inference: `(x - mean) / sqrt(variance + epsilon) * scale + bias`.

use super::window::{as_given, as_map};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// Operands: x `[N, C, ..]`, scale, bias, mean, variance, all `[C]`.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance.
    pub epsilon: f32,
}

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("BatchNormalization", &[9, 14, 15], build, "inference only (training_mode 0)")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(5, 5)?;
    r.ignore("momentum");
    if r.flag("training_mode", false)? {
        return Err(OpError::new("training_mode is not supported; export the model in eval mode"));
    }
    let epsilon = r.number("epsilon", 1e-5)?;
    let mut inputs = r.floats()?;
    if r.shape(0)?.len() == 3 {
        inputs[0] = as_map(r, 0)?.0;
    }
    as_given(r, Built { op: Op::BatchNorm(BatchNorm { epsilon }), inputs })
}

impl BatchNorm {
    /// `(factor, offset)` per channel, so that the result is `x * factor + offset`.
    #[must_use]
    pub fn affine(&self, [scale, bias, mean, variance]: [&Tensor; 4]) -> (Vec<f32>, Vec<f32>) {
        let stats = mean.data().iter().zip(variance.data());
        let params = scale.data().iter().zip(bias.data());
        params
            .zip(stats)
            .map(|((&s, &b), (&m, &v))| {
                let f = f64::from(s) / (f64::from(v) + f64::from(self.epsilon)).sqrt();
                (f as f32, (f64::from(b) - f64::from(m) * f) as f32)
            })
            .unzip()
    }
}

impl Operator for BatchNorm {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 5, 5)?;
        match inputs[0] {
            [_, c, ..] if inputs[1..].iter().all(|p| **p == [*c]) => Ok(vec![inputs[0].to_vec()]),
            _ => Err(OpError::new(format!("needs x [N, C, ..] and four [C], has {inputs:?}"))),
        }
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let (factor, offset) = self.affine([inputs[1], inputs[2], inputs[3], inputs[4]]);
        let mut out = inputs[0].clone();
        let plane: usize = out.shape()[2..].iter().product();
        for (i, chunk) in out.data_mut().chunks_exact_mut(plane.max(1)).enumerate() {
            let (f, o) = (factor[i % factor.len()], offset[i % factor.len()]);
            chunk.iter_mut().for_each(|x| *x = *x * f + o);
        }
        Ok(vec![out])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![1, 2, 1, 1], vec![3., 5.]).unwrap();
        let v = |a, b| Tensor::new(vec![2], vec![a, b]).unwrap();
        let (s, b, m, var) = (v(2., 1.), v(1., 0.), v(1., 1.), v(4., 1.));
        let y = BatchNorm { epsilon: 0.0 }.eval(&[&x, &s, &b, &m, &var]).unwrap();
        assert_eq!(y[0].data(), [3., 4.]);
    }
}
