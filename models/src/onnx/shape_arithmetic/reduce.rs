//! Sums, products and extremes of integer vectors: the number of elements behind a shape.

use super::{integers, one};
use crate::float::ops::OpError;
use crate::onnx::constants::{Constant, IntTensor};
use crate::onnx::reader::NodeReader;

pub fn fold(r: &mut NodeReader<'_>) -> Result<Option<Vec<Constant>>, OpError> {
    let Some(data) = integers(r, 0, 1)? else {
        return Ok(None);
    };
    let [t] = &data[..] else { return Ok(None) };
    let (keep, no_op) = (r.flag("keepdims", true)?, r.flag("noop_with_empty_axes", false)?);
    let axes = r.ints_from("axes", 1)?.unwrap_or_default();
    if axes.is_empty() && no_op {
        return Ok(one(IntTensor::clone(t)));
    }
    if t.shape.len() > 1 || !axes.iter().all(|a| matches!(a, 0 | -1)) {
        return Err(OpError::new("integer tensors are reduced only where rank 1"));
    }
    let mut all = t.data.iter().copied();
    let result = match r.op_type() {
        "ReduceSum" => all.try_fold(0i64, i64::checked_add),
        "ReduceProd" => all.try_fold(1i64, i64::checked_mul),
        "ReduceMax" => all.max(),
        _ => all.min(),
    };
    let result = result.ok_or_else(|| OpError::new("integer overflow, or nothing to reduce"))?;
    let shape = if keep { vec![1; t.shape.len()] } else { Vec::new() };
    Ok(one(IntTensor { shape, data: vec![result], element: t.element }))
}
