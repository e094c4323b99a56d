//! DequantizeLinear-21 (and 10, 13, 19): `(code - zero point) * scale`.

use super::quantize_linear::{LIMITS, Scheme};
use super::{Built, OnnxOperator, Op, OpError, Operator};
use std::sync::Arc;

use crate::float::tensor::Tensor;
use crate::onnx::constants::IntTensor;
use crate::onnx::generated::tensor_proto::DataType;
use crate::onnx::reader::{NodeReader, Operand};

/// One operand, codes held as f32; stored codes become a constant.
#[derive(Debug, Clone, PartialEq)]
pub struct DequantizeLinear {
    /// What the codes stand for.
    pub scheme: Scheme,
    /// The codes of a constant that may have more digits than a float.
    pub codes: Option<Arc<[i32]>>,
}

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("DequantizeLinear", &[10, 13, 19, 21], build, LIMITS)];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    let scheme = Scheme::read(r)?;
    let wide = |code: &IntTensor| code.element == DataType::Int32;
    let codes = match r.operand(0) {
        // An INT32 fits; it came of four bytes.
        Some(Operand::Int(t)) if wide(t) => Some(t.data.iter().map(|&code| code as i32).collect()),
        _ => None,
    };
    Ok(Built { op: Op::DequantizeLinear(DequantizeLinear { scheme, codes }), inputs: vec![r.as_float(0)?] })
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
        assert_eq!(DequantizeLinear { scheme, codes: None }.eval(&[&x]).unwrap()[0].data(), [-64., 0., 1.]);
    }
}
