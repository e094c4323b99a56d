//! MatMulInteger-10 and ConvInteger-10, lowered: products of codes less their zero points.

use super::binary::Binary;
use super::dequantize_linear::DequantizeLinear;
use super::quantize_linear::Scheme;
use super::reshape::Reshape;
use super::{Built, OnnxOperator, Op, OpError, builder};
use crate::float::graph::ValueId;
use crate::onnx::reader::{NodeReader, Operand};

const LIMITS: &str = "constant weights and zero points of weights; sums up to 2^24 are exact";

pub(super) const BUILDERS: &[OnnxOperator] = &[
    OnnxOperator::new("ConvInteger", &[10], conv, LIMITS),
    OnnxOperator::new("MatMulInteger", &[10], mat_mul, LIMITS),
];

fn conv(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    product(r, "Conv", 0)
}

fn mat_mul(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    let columns = r.shape(1)?.len().saturating_sub(1);
    product(r, "MatMul", columns)
}

fn product(r: &mut NodeReader<'_>, name: &str, axis: usize) -> Result<Built, OpError> {
    r.expect_inputs(2, 4)?;
    let operands = [centred(r)?, weights(r, axis)?];
    r.read_instead(&operands)?;
    let build = builder(name).ok_or_else(|| OpError::new(format!("has no {name}")))?;
    build(r)
}

/// Codes less their zero point, which is computed beside them; several are for the rows.
fn centred(r: &mut NodeReader<'_>) -> Result<ValueId, OpError> {
    let codes = r.as_float(0)?;
    if !r.has(2) {
        return Ok(codes);
    }
    let mut zero = r.as_float(2)?;
    if let &[rows] = r.shape_of(zero)?
        && rows > 1
    {
        zero = r.emit(Op::Reshape(Reshape { shape: vec![rows, 1] }), vec![zero])?;
    }
    r.emit(Op::Binary(Binary::Sub), vec![codes, zero])
}

/// Stored codes of step 1, which stay to be seen as codes.
fn weights(r: &mut NodeReader<'_>, axis: usize) -> Result<ValueId, OpError> {
    if !matches!(r.operand(1), Some(Operand::Int(_))) {
        return Err(OpError::new("the weights (input 1) must be a constant integer tensor"));
    }
    let zero_point = match r.const_ints(3)? {
        Some(t) => t.data.iter().map(|&z| i32::try_from(z).unwrap_or(i32::MAX)).collect(),
        None => vec![0],
    };
    let axis = if zero_point.len() > 1 { axis } else { 0 };
    let scheme = Scheme { scale: vec![1.0; zero_point.len()], zero_point, axis };
    let codes = r.as_float(1)?;
    r.emit(Op::DequantizeLinear(DequantizeLinear { scheme, codes: None }), vec![codes])
}
