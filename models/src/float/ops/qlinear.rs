//! QLinearConv and its kin, lowered: the float operator between DequantizeLinear and QuantizeLinear.
//!
//! Source: the ONNX specification (QLinearConv-10, QLinearMatMul-10, -21), and for the operators of domain
//! `com.microsoft` ONNX Runtime's `docs/ContribOperators.md`.

use super::binary::Binary;
use super::dequantize_linear::DequantizeLinear;
use super::global_average_pool::GlobalAveragePool;
use super::identity::Identity;
use super::quantize_linear::{QuantizeLinear, Scheme, limits};
use super::unary::Unary;
use super::{Built, OnnxOperator, Op, OpError, builder};
use crate::float::graph::ValueId;
use crate::onnx::generated::tensor_proto::DataType;
use crate::onnx::reader::NodeReader;

const CODES: &str = "constant scales and zero points; INT8, UINT8, INT16, UINT16";

pub(super) const BUILDERS: &[OnnxOperator] = &[
    OnnxOperator::new("QGemm", &[1], gemm, CODES),
    OnnxOperator::new("QLinearAdd", &[1], binary, CODES),
    OnnxOperator::new("QLinearAveragePool", &[1], average_pool, CODES),
    OnnxOperator::new("QLinearConcat", &[1], concat, CODES),
    OnnxOperator::new("QLinearConv", &[10], conv, CODES),
    OnnxOperator::new("QLinearGlobalAveragePool", &[1], global_average_pool, CODES),
    OnnxOperator::new("QLinearLeakyRelu", &[1], leaky_relu, CODES),
    OnnxOperator::new("QLinearMatMul", &[10, 21], mat_mul, CODES),
    OnnxOperator::new("QLinearMul", &[1], binary, CODES),
    OnnxOperator::new("QLinearSigmoid", &[1], sigmoid, CODES),
    OnnxOperator::new("QLinearSoftmax", &[1], softmax, CODES),
];

/// The reals of the codes at operand `at`, whose scale and zero point follow it; where these are several, they are
/// along `axis`.
fn reals(r: &mut NodeReader<'_>, at: usize, axis: usize) -> Result<ValueId, OpError> {
    let scheme = Scheme::at(r, [at + 1, at + 2], axis)?;
    let codes = r.as_float(at)?;
    r.emit(Op::DequantizeLinear(DequantizeLinear { scheme, codes: None }), vec![codes])
}

/// The reals of an INT32 bias at operand `at`, whose scale is `factor` times those of the product's operands.
fn bias(
    r: &mut NodeReader<'_>,
    at: usize,
    [x, w]: [&Scheme; 2],
    factor: f32,
) -> Result<Option<ValueId>, OpError> {
    let Some(stored) = r.const_ints(at)?.cloned() else { return Ok(None) };
    let &[step] = &x.scale[..] else { return Err(OpError::new("the input has more than one scale")) };
    let scale: Vec<f32> = w.scale.iter().map(|w| factor * step * w).collect();
    let axis = stored.shape.len().saturating_sub(1);
    let scheme = Scheme { zero_point: vec![0; scale.len()], scale, axis };
    let codes: Result<Vec<i32>, _> = stored.data.iter().map(|&code| i32::try_from(code)).collect();
    let codes = codes.map_err(|_| OpError::new("a bias passes 32 bits"))?;
    let stored = r.as_float(at)?;
    let op = DequantizeLinear { scheme, codes: Some(codes.into()) };
    r.emit(Op::DequantizeLinear(op), vec![stored]).map(Some)
}

/// The result `y` as codes by the scale at operand `at` and the zero point behind it.
fn codes(r: &NodeReader<'_>, at: usize) -> Result<QuantizeLinear, OpError> {
    let element = r.const_ints(at + 1)?.map_or(DataType::Uint8, |zero| zero.element);
    let (low, high) = limits(element)?;
    Ok(QuantizeLinear { scheme: Scheme::at(r, [at, at + 1], 0)?, low, high })
}

/// What the float operator `name` makes of these operands with the node's attributes.
fn float(r: &mut NodeReader<'_>, name: &str, operands: &[ValueId]) -> Result<ValueId, OpError> {
    r.read_instead(operands)?;
    let build = builder(name).ok_or_else(|| OpError::new(format!("has no {name}")))?;
    let built = build(r)?;
    r.emit(built.op, built.inputs)
}

fn stored(op: QuantizeLinear, y: ValueId) -> Built {
    Built { op: Op::QuantizeLinear(op), inputs: vec![y] }
}

fn conv(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(8, 9)?;
    let op = codes(r, 6)?;
    let schemes = [Scheme::at(r, [1, 2], 1)?, Scheme::at(r, [4, 5], 0)?];
    let mut operands = vec![reals(r, 0, 1)?, reals(r, 3, 0)?];
    operands.extend(bias(r, 8, [&schemes[0], &schemes[1]], 1.0)?);
    Ok(stored(op, float(r, "Conv", &operands)?))
}

fn mat_mul(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(8, 8)?;
    let op = codes(r, 6)?;
    let (rows, columns) = (r.shape(0)?.len().saturating_sub(2), r.shape(3)?.len().saturating_sub(1));
    let operands = [reals(r, 0, rows)?, reals(r, 3, columns)?];
    Ok(stored(op, float(r, "MatMul", &operands)?))
}

fn gemm(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(6, 9)?;
    let axis = usize::from(!r.flag("transB", false)?);
    let factor = r.number("alpha", 1.0)?;
    let op = if r.has(7) { Some(codes(r, 7)?) } else { None };
    let schemes = [Scheme::at(r, [1, 2], 0)?, Scheme::at(r, [4, 5], axis)?];
    let mut operands = vec![reals(r, 0, 0)?, reals(r, 3, axis)?];
    operands.extend(bias(r, 6, [&schemes[0], &schemes[1]], factor)?);
    let y = float(r, "Gemm", &operands)?;
    // Without a scale the result stays real.
    Ok(op.map_or(Built { op: Op::Identity(Identity), inputs: vec![y] }, |op| stored(op, y)))
}

fn binary(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(7, 8)?;
    let op = codes(r, 6)?;
    let operands = vec![reals(r, 0, 0)?, reals(r, 3, 0)?];
    let kind = if r.op_type() == "QLinearMul" { Binary::Mul } else { Binary::Add };
    let y = r.emit(Op::Binary(kind), operands)?;
    Ok(stored(op, y))
}

/// A result of one operand: its scale is operand 3, its zero point operand 4.
fn of_one(
    r: &mut NodeReader<'_>,
    make: impl FnOnce(&mut NodeReader<'_>, ValueId) -> Result<ValueId, OpError>,
) -> Result<Built, OpError> {
    r.expect_inputs(4, 5)?;
    let op = codes(r, 3)?;
    let x = reals(r, 0, 0)?;
    Ok(stored(op, make(r, x)?))
}

fn channels_first(r: &mut NodeReader<'_>) -> Result<(), OpError> {
    match r.flag("channels_last", false)? {
        true => Err(OpError::new("channels_last = 1 is not supported (supported: 0)")),
        false => Ok(()),
    }
}

fn average_pool(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    channels_first(r)?;
    of_one(r, |r, x| float(r, "AveragePool", &[x]))
}

fn global_average_pool(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    channels_first(r)?;
    of_one(r, |r, x| r.emit(Op::GlobalAveragePool(GlobalAveragePool), vec![x]))
}

fn leaky_relu(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    let alpha = r.number("alpha", 0.01)?;
    of_one(r, |r, x| r.emit(Op::Unary(Unary::LeakyRelu { alpha }), vec![x]))
}

fn sigmoid(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    of_one(r, |r, x| r.emit(Op::Unary(Unary::Sigmoid), vec![x]))
}

fn softmax(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    let opset = r.int("opset", 13)?;
    if opset < 13 {
        return Err(OpError::new(format!("opset = {opset} is not supported (supported: from 13 on)")));
    }
    of_one(r, |r, x| float(r, "Softmax", &[x]))
}

fn concat(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    let count = r.input_count().saturating_sub(2);
    if count == 0 || !count.is_multiple_of(3) {
        return Err(OpError::new(
            "needs a scale, a zero point, and three inputs for each tensor that is joined",
        ));
    }
    let op = codes(r, 0)?;
    let operands = (0..count / 3).map(|i| reals(r, 2 + 3 * i, 0)).collect::<Result<Vec<_>, OpError>>()?;
    Ok(stored(op, float(r, "Concat", &operands)?))
}
