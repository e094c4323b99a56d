//! DequantizeLinear-21 (and 10, 13, 19): `(code - zero point) * scale`.

use super::quantize_linear::{LIMITS, Scheme};
use super::{Built, OnnxOperator, Op, OpError, Operator};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// One operand, codes held as f32; stored codes become a constant.
#[derive(Debug, Clone, PartialEq)]
pub struct DequantizeLinear {
    /// What the codes stand for.
    pub scheme: Scheme,
}

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("DequantizeLinear", &[10, 13, 19, 21], build, LIMITS)];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    let scheme = Scheme::read(r)?;
    Ok(Built { op: Op::DequantizeLinear(DequantizeLinear { scheme }), inputs: vec![r.as_float(0)?] })
}

impl Operator for DequantizeLinear {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        self.scheme.infer_shape(inputs)
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        self.scheme.map(inputs[0], |x, scale, zero| (x - zero) * scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let scheme = Scheme { scale: vec![0.5], zero_point: vec![128], axis: 0 };
        let x = Tensor::new(vec![3], vec![0., 128., 130.]).unwrap();
        assert_eq!(DequantizeLinear { scheme }.eval(&[&x]).unwrap()[0].data(), [-64., 0., 1.]);
    }
}
