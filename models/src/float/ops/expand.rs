//! Expand-13 and Tile-13, lowered: repeated elements are picked by Gather, one axis after the other.

use super::axis::broadcast_shapes;
use super::gather::Gather;
use super::identity::Identity;
use super::reshape::Reshape;
use super::{Built, OnnxOperator, Op, OpError};
use crate::float::tensor::element_count;
use crate::onnx::reader::NodeReader;

pub(super) const BUILDERS: &[OnnxOperator] = &[
    OnnxOperator::new("Expand", &[8, 13], expand, "constant shape"),
    OnnxOperator::new("Tile", &[6, 13], tile, "constant repeats"),
];

fn sizes(r: &NodeReader<'_>) -> Result<Vec<usize>, OpError> {
    let t = r.const_ints(1)?.ok_or_else(|| OpError::new("input 1 is missing"))?;
    let sizes: Option<Vec<usize>> = t.data.iter().map(|&d| usize::try_from(d).ok()).collect();
    let sizes = sizes.filter(|s| s.len() <= 16 && s.iter().all(|&d| d > 0));
    sizes.ok_or_else(|| OpError::new(format!("{:?} must be at most 16 positive numbers", t.data)))
}

fn expand(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 2)?;
    let from = r.shape(0)?.to_vec();
    let shape = broadcast_shapes(&from, &sizes(r)?)?;
    let mut repeats = shape.clone();
    let lead = shape.len().saturating_sub(from.len());
    for (repeat, d) in repeats.iter_mut().skip(lead).zip(&from) {
        *repeat /= (*d).max(1);
    }
    repeat(r, &repeats)
}

fn tile(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 2)?;
    let repeats = sizes(r)?;
    if repeats.len() != r.shape(0)?.len() {
        return Err(OpError::new(format!("{} repeats for {} axes", repeats.len(), r.shape(0)?.len())));
    }
    repeat(r, &repeats)
}

/// Puts ones before the shape until it has as many axes as `repeats`, then repeats each axis.
fn repeat(r: &mut NodeReader<'_>, repeats: &[usize]) -> Result<Built, OpError> {
    let from = r.shape(0)?.to_vec();
    let mut last = Built { op: Op::Identity(Identity), inputs: vec![r.float(0)?] };
    let mut shape = vec![1; repeats.len().saturating_sub(from.len())];
    if !shape.is_empty() {
        shape.extend(&from);
        last.op = Op::Reshape(Reshape { shape: shape.clone() });
    } else {
        shape = from;
    }
    for (axis, &times) in repeats.iter().enumerate().filter(|(_, times)| **times > 1) {
        let n = shape[axis];
        shape[axis] = n.checked_mul(times).ok_or_else(|| OpError::new("the size overflows"))?;
        element_count(&shape)?;
        let op = Gather::picking(axis, shape[axis], |i| i % n.max(1))?;
        let x = if matches!(last.op, Op::Identity(_)) {
            last.inputs
        } else {
            vec![r.emit(last.op, last.inputs)?]
        };
        last = Built { op, inputs: x };
    }
    Ok(last)
}
