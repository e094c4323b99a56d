//! InstanceNormalization-6 and GroupNormalization-21 (and 18), lowered: LayerNorm over the elements of each
//! group, then scale and bias per channel.

use super::binary::Binary;
use super::layer_norm::LayerNorm;
use super::reshape::Reshape;
use super::{Built, OnnxOperator, Op, OpError};
use crate::float::graph::ValueId;
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

pub(super) const BUILDERS: &[OnnxOperator] = &[
    OnnxOperator::new("GroupNormalization", &[18, 21], group, ""),
    OnnxOperator::new("InstanceNormalization", &[6], instance, ""),
];

/// Largest group; its scale of ones is stored.
const MAX_ELEMENTS: usize = 1 << 24;

fn instance(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    let channels = r.shape(0)?.get(1).copied().unwrap_or(0);
    lower(r, channels)
}

fn group(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    if r.int("stash_type", 1)? != 1 {
        return Err(OpError::new("stash_type other than 1 (float) is not supported"));
    }
    let groups = r.int_if("num_groups")?.and_then(|g| usize::try_from(g).ok());
    lower(r, groups.ok_or_else(|| OpError::new("attribute `num_groups` must be positive"))?)
}

fn lower(r: &mut NodeReader<'_>, groups: usize) -> Result<Built, OpError> {
    r.expect_inputs(3, 3)?;
    let epsilon = r.number("epsilon", 1e-5)?;
    let (x, shape) = (r.float(0)?, r.shape(0)?.to_vec());
    let [n, channels, ref rest @ ..] = shape[..] else {
        return Err(OpError::new(format!("needs x [N, C, ..], has {shape:?}")));
    };
    if groups == 0 || channels == 0 || channels % groups != 0 {
        return Err(OpError::new(format!("{channels} channels do not divide into {groups} groups")));
    }
    // The operand passed the element limit, so its products cannot overflow.
    let elements = channels / groups * rest.iter().product::<usize>();
    if elements > MAX_ELEMENTS {
        return Err(OpError::new(format!(
            "a group of {elements} elements is too large (limit {MAX_ELEMENTS})"
        )));
    }
    let flat = r.emit(Op::Reshape(Reshape { shape: vec![n, groups, elements] }), vec![x])?;
    let ones = r.constant(Tensor::full(vec![elements], 1.0)?);
    let normal = r.emit(Op::LayerNorm(LayerNorm { axis: 2, epsilon }), vec![flat, ones])?;
    // Version 18 has one scale and bias per group.
    let per_group = r.op_type() == "GroupNormalization" && r.opset() < 21 && groups != channels;
    let count = if per_group { groups } else { channels };
    let (scale, bias) = (parameter(r, 1, count)?, parameter(r, 2, count)?);
    let split = vec![n, count, groups * elements / count];
    let split = r.emit(Op::Reshape(Reshape { shape: split }), vec![normal])?;
    let scaled = r.emit(Op::Binary(Binary::Mul), vec![split, scale])?;
    let shifted = r.emit(Op::Binary(Binary::Add), vec![scaled, bias])?;
    Ok(Built { op: Op::Reshape(Reshape { shape }), inputs: vec![shifted] })
}

/// Operand `i`, one number per channel or group, as `[count, 1]`.
fn parameter(r: &mut NodeReader<'_>, i: usize, count: usize) -> Result<ValueId, OpError> {
    let p = r.float(i)?;
    if r.shape(i)? != [count] {
        return Err(OpError::new(format!("input {i} is {:?}, needs [{count}]", r.shape(i)?)));
    }
    r.emit(Op::Reshape(Reshape { shape: vec![count, 1] }), vec![p])
}
