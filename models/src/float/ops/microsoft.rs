//! Operators that ONNX Runtime's graph optimizations make of several, lowered to those: domain `com.microsoft`.
//!
//! Source: ONNX Runtime's `docs/ContribOperators.md`.

use super::binary::Binary;
use super::clip::Clip;
use super::gelu::Gelu;
use super::identity::Identity;
use super::layer_norm::LayerNorm;
use super::mat_mul::MatMul;
use super::transpose::Transpose;
use super::unary::Unary;
use super::{Built, OnnxOperator, Op, OpError, builder};
use crate::float::graph::ValueId;
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

pub(super) const BUILDERS: &[OnnxOperator] = &[
    OnnxOperator::new("BiasGelu", &[1], bias_gelu, ""),
    OnnxOperator::new("FastGelu", &[1], bias_gelu, ""),
    OnnxOperator::new("FusedConv", &[1], fused_conv, "windows over one or two axes"),
    OnnxOperator::new("FusedMatMul", &[1], fused_mat_mul, "transBatchA = transBatchB = 0"),
    OnnxOperator::new("QuickGelu", &[1], quick_gelu, ""),
    OnnxOperator::new(
        "SkipLayerNormalization",
        &[1],
        skip_layer_norm,
        "without mean and deviation as outputs",
    ),
];

fn same(y: ValueId) -> Built {
    Built { op: Op::Identity(Identity), inputs: vec![y] }
}

fn add(r: &mut NodeReader<'_>, a: ValueId, b: ValueId) -> Result<ValueId, OpError> {
    r.emit(Op::Binary(Binary::Add), vec![a, b])
}

/// BiasGelu(x, bias); FastGelu(x, bias or none), by tanh.
fn bias_gelu(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 2)?;
    let tanh = r.op_type() == "FastGelu";
    let mut x = r.float(0)?;
    if r.has(1) {
        let bias = r.float(1)?;
        x = add(r, x, bias)?;
    }
    Ok(Built { op: Op::Gelu(Gelu { tanh }), inputs: vec![x] })
}

/// `x * sigmoid(alpha * x)`
fn quick_gelu(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    let alpha = r.number("alpha", 1.702)?;
    let (x, alpha) = (r.float(0)?, r.constant(Tensor::scalar(alpha)));
    let scaled = r.emit(Op::Binary(Binary::Mul), vec![x, alpha])?;
    let gate = r.emit(Op::Unary(Unary::Sigmoid), vec![scaled])?;
    Ok(Built { op: Op::Binary(Binary::Mul), inputs: vec![x, gate] })
}

/// Conv(x, w, bias or none), plus z where it is given, then a function.
fn fused_conv(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 4)?;
    let function = activation(r)?;
    let other = if r.has(3) { Some(r.float(3)?) } else { None };
    let mut operands = vec![r.float(0)?, r.float(1)?];
    if r.has(2) {
        operands.push(r.float(2)?);
    }
    r.read_instead(&operands)?;
    let build = builder("Conv").ok_or_else(|| OpError::new("has no Conv"))?;
    let built = build(r)?;
    let mut y = r.emit(built.op, built.inputs)?;
    if let Some(other) = other {
        y = add(r, y, other)?;
    }
    Ok(function.map_or(same(y), |op| Built { op, inputs: vec![y] }))
}

fn activation(r: &mut NodeReader<'_>) -> Result<Option<Op>, OpError> {
    let given = r.numbers("activation_params")?.unwrap_or_default();
    let number = |i: usize, default: f32| given.get(i).copied().unwrap_or(default);
    let function = match r.text("activation")? {
        None | Some("") => return Ok(None),
        Some("Relu") => Op::Unary(Unary::Relu),
        Some("Sigmoid") => Op::Unary(Unary::Sigmoid),
        Some("Tanh") => Op::Unary(Unary::Tanh),
        Some("LeakyRelu") => Op::Unary(Unary::LeakyRelu { alpha: number(0, 0.01) }),
        Some("HardSigmoid") => Op::Unary(Unary::HardSigmoid { alpha: number(0, 0.2), beta: number(1, 0.5) }),
        Some("Clip") => Op::Clip(Clip { min: number(0, f32::MIN), max: number(1, f32::MAX) }),
        Some(other) => {
            return Err(OpError::new(format!(
                "activation `{other}` is not supported (supported: Relu, Sigmoid, Tanh, LeakyRelu, HardSigmoid, Clip)"
            )));
        }
    };
    Ok(Some(function))
}

/// `alpha * op(a) * op(b)`, op the transposition of the last two axes where asked for.
fn fused_mat_mul(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 2)?;
    if r.flag("transBatchA", false)? || r.flag("transBatchB", false)? {
        return Err(OpError::new("transBatchA and transBatchB are supported as 0 only"));
    }
    let alpha = r.number("alpha", 1.0)?;
    let mut operands = vec![r.float(0)?, r.float(1)?];
    for (operand, name) in operands.iter_mut().zip(["transA", "transB"]) {
        let rank = r.shape_of(*operand)?.len();
        if r.flag(name, false)? && rank >= 2 {
            let mut perm: Vec<usize> = (0..rank).collect();
            perm.swap(rank - 2, rank - 1);
            *operand = r.emit(Op::Transpose(Transpose { perm }), vec![*operand])?;
        }
    }
    if alpha == 1.0 {
        return Ok(Built { op: Op::MatMul(MatMul), inputs: operands });
    }
    let y = r.emit(Op::MatMul(MatMul), operands)?;
    let alpha = r.constant(Tensor::scalar(alpha));
    Ok(Built { op: Op::Binary(Binary::Mul), inputs: vec![y, alpha] })
}

/// LayerNormalization of the last axis of `x + skip + bias`; the fourth output is that sum.
fn skip_layer_norm(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(3, 5)?;
    let epsilon = r.number("epsilon", 1e-12)?;
    let (x, skip, gamma) = (r.float(0)?, r.float(1)?, r.float(2)?);
    let axis = r.shape(0)?.len().checked_sub(1).ok_or_else(|| OpError::new("x has no axis"))?;
    let mut sum = add(r, x, skip)?;
    if r.has(4) {
        let bias = r.float(4)?;
        sum = add(r, sum, bias)?;
    }
    r.further_output(3, sum);
    let mut inputs = vec![sum, gamma];
    if r.has(3) {
        inputs.push(r.float(3)?);
    }
    Ok(Built { op: Op::LayerNorm(LayerNorm { axis, epsilon }), inputs })
}
