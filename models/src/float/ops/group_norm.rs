//! InstanceNormalization-6 and GroupNormalization-21 (and 18), lowered: LayerNorm over the elements of each
//! group, then scale and bias per channel.

use super::binary::Binary;
use super::layer_norm::LayerNorm;
use super::reshape::Reshape;
use super::transpose::Transpose;
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
    let (each, pixels) = (channels / groups, elements / (channels / groups));
    // The order in a group is of no matter where all have one scale: as maps are stored, pixel by pixel.
    let turned = vec![0, 1, 3, 2];
    let split = r.emit(Op::Reshape(Reshape { shape: vec![n, groups, each, pixels] }), vec![x])?;
    let split = r.emit(Op::Transpose(Transpose { perm: turned.clone() }), vec![split])?;
    let flat = r.emit(Op::Reshape(Reshape { shape: vec![n, groups, elements] }), vec![split])?;
    let ones = r.constant(Tensor::full(vec![elements], 1.0)?);
    let normal = r.emit(Op::LayerNorm(LayerNorm { axis: 2, epsilon }), vec![flat, ones])?;
    let split = r.emit(Op::Reshape(Reshape { shape: vec![n, groups, pixels, each] }), vec![normal])?;
    let split = r.emit(Op::Transpose(Transpose { perm: turned }), vec![split])?;
    let map = match rest[..] {
        [length] => vec![n, channels, 1, length],
        _ => shape.clone(),
    };
    let mut y = r.emit(Op::Reshape(Reshape { shape: map.clone() }), vec![split])?;
    // Version 18 has one scale and bias per group.
    let per_group = r.op_type() == "GroupNormalization" && r.opset() < 21 && groups != channels;
    let count = if per_group { groups } else { channels };
    for (i, op, neutral) in [(1, Binary::Mul, 1.0), (2, Binary::Add, 0.0)] {
        if r.shape(i)? != [count] {
            return Err(OpError::new(format!("input {i} is {:?}, needs [{count}]", r.shape(i)?)));
        }
        // Torch writes its GroupNorm as an InstanceNormalization that neither scales nor shifts.
        let known = r.const_floats(i).ok().flatten();
        if known.is_none_or(|t| t.data().iter().any(|&p| p != neutral)) {
            let p = parameter(r, i, [count, channels], map.len())?;
            y = r.emit(Op::Binary(op), vec![y, p])?;
        }
    }
    Ok(Built { op: Op::Reshape(Reshape { shape }), inputs: vec![y] })
}

/// Operand `i`, one number per channel or group, for each channel of a map of this rank.
fn parameter(
    r: &mut NodeReader<'_>,
    i: usize,
    [count, channels]: [usize; 2],
    rank: usize,
) -> Result<ValueId, OpError> {
    let mut p = r.float(i)?;
    if count != channels {
        p = r.emit(Op::Reshape(Reshape { shape: vec![count, 1] }), vec![p])?;
        let ones = r.constant(Tensor::full(vec![count, channels / count], 1.0)?);
        p = r.emit(Op::Binary(Binary::Mul), vec![p, ones])?;
    }
    let shape = std::iter::once(channels).chain(std::iter::repeat_n(1, rank.saturating_sub(2))).collect();
    r.emit(Op::Reshape(Reshape { shape }), vec![p])
}
