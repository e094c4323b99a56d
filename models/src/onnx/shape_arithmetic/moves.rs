//! Operators that move integers without looking at them.
//!
//! The float kernels move the indices of the elements, which f32 holds exactly (there are at most
//! [`MAX_INTS`](super::MAX_INTS) of them), and the integers follow.

use std::sync::Arc;

use super::{integers, limited, one};
use crate::float::graph::ValueId;
use crate::float::ops::{self, OpError};
use crate::float::tensor::{Tensor, element_count};
use crate::onnx::constants::{Constant, IntTensor};
use crate::onnx::reader::{NodeReader, Operand, Part};

type Result<T> = std::result::Result<T, OpError>;

pub fn fold(r: &mut NodeReader<'_>) -> Result<Option<Vec<Constant>>> {
    let moved = if r.op_type() == "Concat" { r.input_count() } else { 1 };
    let Some(sources) = integers(r, 0, moved)? else {
        return Ok(None);
    };
    if let Some(t) = cut_to_nothing(r, &sources)? {
        return Ok(one(t));
    }
    let build = ops::builder(r.op_type()).ok_or_else(|| OpError::new("has no float kernel"))?;
    let (mut indices, mut pool) = (Vec::new(), Vec::new());
    for t in &sources {
        let from = pool.len();
        pool.extend(&t.data);
        limited(pool.len())?;
        let data = (from..pool.len()).map(|i| i as f32).collect();
        indices.push(Tensor::new(t.shape.clone(), data)?);
    }
    // Ids that no part of the node has.
    let id = |i: usize| ValueId(usize::MAX - i);
    let stand_in = |i: usize| match indices.get(i) {
        Some(t) => Some(Operand::Float { id: id(i), shape: t.shape().to_vec(), constant: None }),
        None => r.operand(i).cloned(),
    };
    let mut inner = r.with_operands((0..r.input_count()).map(stand_in).collect());
    let built = build(&mut inner)?;
    r.learn(&inner);
    let first = inner.first_part();
    let mut made: Vec<Tensor> = Vec::new();
    let run = |op: &ops::Op, inputs: &[ValueId], made: &[Tensor]| {
        let operand = |v: &ValueId| {
            let part = v.0.checked_sub(first).and_then(|i| made.get(i));
            part.or_else(|| indices.get(usize::MAX - v.0))
                .ok_or_else(|| OpError::new("an operand is not there"))
        };
        let operands: Vec<&Tensor> = inputs.iter().map(operand).collect::<Result<_>>()?;
        let shapes: Vec<&[usize]> = operands.iter().map(|t| t.shape()).collect();
        for shape in op.operator().infer_shape(&shapes)? {
            limited(element_count(&shape)?)?;
        }
        op.operator().eval(&operands)
    };
    for part in inner.into_parts() {
        let result = match part {
            Part::Constant(t) => vec![t],
            Part::Node { op, inputs, .. } => run(&op, &inputs, &made)?,
        };
        made.extend(result.into_iter().take(1));
    }
    let element = sources.first().map(|t| t.element).unwrap_or_default();
    let back = |t: &Tensor| {
        let data = t.data().iter().filter_map(|&i| pool.get(i as usize).copied()).collect();
        Constant::Int(Arc::new(IntTensor { shape: t.shape().to_vec(), data, element }))
    };
    Ok(Some(run(&built.op, &built.inputs, &made)?.iter().map(back).collect()))
}

/// The result of a Slice that leaves nothing of a vector: float tensors are never empty, but exporters cut
/// shapes to nothing and join the rest.
fn cut_to_nothing(r: &mut NodeReader<'_>, sources: &[Arc<IntTensor>]) -> Result<Option<IntTensor>> {
    let [t] = sources else { return Ok(None) };
    if r.op_type() != "Slice" || t.shape.len() != 1 {
        return Ok(None);
    }
    let scalar = |i: usize, default: i64| match r.const_ints(i) {
        Ok(Some(t)) => t.data.first().copied().unwrap_or(default),
        _ => default,
    };
    let n = t.data.len() as i64;
    let clamp = |x: i64| (if x < 0 { x.saturating_add(n) } else { x }).clamp(0, n);
    let (from, to) = (clamp(scalar(1, 0)), clamp(scalar(2, n)));
    let nothing = from >= to && scalar(4, 1) > 0;
    Ok(nothing.then(|| IntTensor { element: t.element, ..IntTensor::vector(Vec::new()) }))
}
