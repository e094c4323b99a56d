//! DynamicQuantizeLinear-11: reals to codes of the range that the tensor has at the time.

use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// One operand; results: codes 0 to 255, held as f32, their scale, and the code of 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicQuantizeLinear;

pub(super) const BUILDERS: &[OnnxOperator] = &[OnnxOperator::new(
    "DynamicQuantizeLinear",
    &[11],
    build,
    "quantized only where MatMulInteger or ConvInteger reads it and Mul brings the scale back",
)];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    Ok(Built { op: Op::DynamicQuantizeLinear(DynamicQuantizeLinear), inputs: r.floats()? })
}

impl Operator for DynamicQuantizeLinear {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        Ok(vec![inputs[0].to_vec(), vec![], vec![]])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        let ends = |(low, high): (f32, f32), &x: &f32| (low.min(x), high.max(x));
        let (low, high) = x.data().iter().fold((0.0, 0.0), ends);
        let scale = if high > low { (high - low) / 255.0 } else { 1.0 };
        let zero = (-low / scale).round_ties_even().clamp(0.0, 255.0);
        let code = |&x: &f32| ((x / scale).round_ties_even() + zero).clamp(0.0, 255.0);
        let codes = Tensor::new(x.shape().to_vec(), x.data().iter().map(code).collect())?;
        Ok(vec![codes, Tensor::scalar(scale), Tensor::scalar(zero)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of ONNX's node test `dynamicquantizelinear`.
    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![6], vec![0., 2., -3., -2.5, 1.34, 0.5]).unwrap();
        let results = DynamicQuantizeLinear.eval(&[&x]).unwrap();
        assert_eq!(results[0].data(), [153., 255., 0., 26., 221., 179.]);
        assert!((results[1].data()[0] - 0.019_607_844).abs() < 1e-8);
        assert_eq!(results[2].data(), [153.]);
    }
}
