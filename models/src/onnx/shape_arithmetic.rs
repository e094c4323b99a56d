//! Folding of integer tensors at import: `Shape`, and what exporters compute from it.
//!
//! Contract: [`fold`] returns `None` where a node is not integer arithmetic (the operator table
//! takes it then); results are limited to [`MAX_INTS`] elements; arithmetic is checked.

use std::sync::Arc;

use super::constants::{Constant, IntTensor, decode};
use super::generated::attribute_proto::AttributeType;
use super::generated::tensor_proto::DataType;
use super::reader::{NodeReader, Operand};
use crate::float::ops::OpError;
use crate::float::ops::axis::{axis_index, broadcast_shapes, squeezed, unsqueezed};
use crate::float::ops::reshape::resolve;
use crate::float::tensor::{Tensor, element_count};

/// Largest integer tensor that is folded.
const MAX_INTS: usize = 1 << 16;

/// What is folded here (some of them are float operators too).
pub const OPERATORS: &[&str] = &[
    "Add",
    "Cast",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Div",
    "Gather",
    "Identity",
    "Mul",
    "Range",
    "Reshape",
    "Shape",
    "Slice",
    "Squeeze",
    "Sub",
    "Unsqueeze",
];

/// Folds the node if it is `Constant`, `Shape` or arithmetic on integer constants.
pub fn fold(r: &mut NodeReader<'_>) -> Result<Option<Constant>, OpError> {
    let op = r.op_type().to_owned();
    match op.as_str() {
        "Constant" => return constant(r).map(Some),
        "Shape" => return shape_of(r).map(|t| Some(int(t))),
        "ConstantOfShape" => return constant_of_shape(r).map(Some),
        "Cast" => return cast(r),
        _ => {}
    }
    if !OPERATORS.contains(&op.as_str()) {
        return Ok(None);
    }
    let ints: Vec<Arc<IntTensor>> = (0..r.input_count())
        .filter_map(|i| match r.operand(i) {
            Some(Operand::Int(t)) => Some(Arc::clone(t)),
            _ => None,
        })
        .collect();
    if !matches!(r.operand(0), Some(Operand::Int(_))) {
        return Ok(None);
    }
    if ints.len() != r.input_count() {
        return Err(OpError::new("mixes integer and float operands"));
    }
    let data = &*ints[0];
    let second = || ints.get(1).ok_or_else(|| OpError::new("input 1 is missing"));
    let result = match op.as_str() {
        "Identity" => data.clone(),
        "Add" => binary(data, second()?, i64::checked_add)?,
        "Sub" => binary(data, second()?, i64::checked_sub)?,
        "Mul" => binary(data, second()?, i64::checked_mul)?,
        // ONNX divides integers as C does, towards zero.
        "Div" => binary(data, second()?, i64::checked_div)?,
        "Squeeze" => {
            let axes = r.ints_from("axes", 1)?;
            IntTensor { shape: squeezed(&data.shape, axes.as_deref())?, data: data.data.clone() }
        }
        "Unsqueeze" => {
            let axes = r.ints_from("axes", 1)?;
            IntTensor {
                shape: unsqueezed(&data.shape, axes.as_deref().unwrap_or(&[]))?,
                data: data.data.clone(),
            }
        }
        "Reshape" => {
            let allow_zero = r.flag("allowzero", false)?;
            IntTensor { shape: resolve(&data.shape, &second()?.data, allow_zero)?, data: data.data.clone() }
        }
        "Concat" => {
            let axis = r.int("axis", 0)?;
            if !matches!(axis, 0 | -1) || ints.iter().any(|t| t.shape.len() != 1) {
                return Err(OpError::new("integer tensors are joined only where rank 1"));
            }
            vector(ints.iter().flat_map(|t| t.data.clone()).collect())
        }
        "Gather" => gather(data, second()?, r.int("axis", 0)?)?,
        "Slice" => slice(&ints)?,
        "Range" => range(&ints)?,
        _ => return Ok(None),
    };
    limited(result.data.len())?;
    Ok(Some(int(result)))
}

fn int(t: IntTensor) -> Constant {
    Constant::Int(Arc::new(t))
}

fn vector(data: Vec<i64>) -> IntTensor {
    IntTensor { shape: vec![data.len()], data }
}

fn limited(n: usize) -> Result<(), OpError> {
    if n <= MAX_INTS {
        return Ok(());
    }
    Err(OpError::new(format!("an integer tensor of {n} elements is too large (limit {MAX_INTS})")))
}

fn constant(r: &mut NodeReader<'_>) -> Result<Constant, OpError> {
    if let Some(a) = r.attribute("value", AttributeType::Tensor)? {
        let t = a.t.as_ref().ok_or_else(|| OpError::new("attribute `value` is empty"))?;
        return decode(t).map_err(OpError::new);
    }
    if let Some(v) = r.int_if("value_int")? {
        return Ok(int(IntTensor { shape: Vec::new(), data: vec![v] }));
    }
    if let Some(v) = r.ints("value_ints")? {
        return Ok(int(vector(v.to_vec())));
    }
    let float = |shape: Vec<usize>, data: Vec<f32>| {
        if !data.iter().all(|x| x.is_finite()) {
            return Err(OpError::new("the constant is not finite"));
        }
        Ok(Constant::Float(Arc::new(Tensor::new(shape, data)?)))
    };
    if let Some(a) = r.attribute("value_float", AttributeType::Float)? {
        return float(Vec::new(), vec![a.f()]);
    }
    if let Some(a) = r.attribute("value_floats", AttributeType::Floats)? {
        return float(vec![a.floats.len()], a.floats.clone());
    }
    Err(OpError::new(
        "has none of the supported attributes value, value_int, value_ints, value_float, value_floats",
    ))
}

fn shape_of(r: &mut NodeReader<'_>) -> Result<IntTensor, OpError> {
    r.expect_inputs(1, 1)?;
    let (start, end) = (r.int("start", 0)?, r.int_if("end")?);
    let dims: Vec<i64> = r.shape(0)?.iter().map(|&d| d as i64).collect();
    let n = dims.len() as i64;
    let clamp = |x: i64| (if x < 0 { x.saturating_add(n) } else { x }).clamp(0, n) as usize;
    let (from, to) = (clamp(start), clamp(end.unwrap_or(n)));
    Ok(vector(dims.get(from..to.max(from)).unwrap_or(&[]).to_vec()))
}

fn constant_of_shape(r: &mut NodeReader<'_>) -> Result<Constant, OpError> {
    let dims = r.const_ints(0)?.ok_or_else(|| OpError::new("input 0 is missing"))?;
    let shape: Vec<usize> = dims
        .data
        .iter()
        .map(|&d| usize::try_from(d).map_err(|_| OpError::new(format!("dimension {d} is negative"))))
        .collect::<Result<_, _>>()?;
    let n = element_count(&shape)?;
    limited(n)?;
    let value = match r.attribute("value", AttributeType::Tensor)? {
        None => return Ok(Constant::Float(Arc::new(Tensor::full(shape, 0.0)?))),
        Some(a) => a.t.as_ref().ok_or_else(|| OpError::new("attribute `value` is empty"))?,
    };
    match decode(value).map_err(OpError::new)? {
        Constant::Float(t) => match t.as_scalar() {
            Some(x) => Ok(Constant::Float(Arc::new(Tensor::full(shape, x)?))),
            None => Err(OpError::new("attribute `value` must have one element")),
        },
        Constant::Int(t) => match t.data[..] {
            [x] => Ok(int(IntTensor { shape, data: vec![x; n] })),
            _ => Err(OpError::new("attribute `value` must have one element")),
        },
    }
}

fn cast(r: &mut NodeReader<'_>) -> Result<Option<Constant>, OpError> {
    let to = r.int("to", 0)?;
    r.ignore("saturate");
    let to = i32::try_from(to).ok().and_then(|t| DataType::try_from(t).ok());
    let to_int = matches!(to, Some(DataType::Int64 | DataType::Int32));
    match (r.operand(0), to) {
        (Some(Operand::Int(t)), _) if to_int => Ok(Some(Constant::Int(Arc::clone(t)))),
        (Some(Operand::Int(t)), Some(DataType::Float)) => {
            let data = t.data.iter().map(|&x| x as f32).collect();
            Ok(Some(Constant::Float(Arc::new(Tensor::new(t.shape.clone(), data)?))))
        }
        (Some(Operand::Float { constant: Some(t), .. }), _) if to_int => {
            limited(t.len())?;
            let data = t.data().iter().map(|&x| x as i64).collect();
            Ok(Some(int(IntTensor { shape: t.shape().to_vec(), data })))
        }
        _ => Ok(None),
    }
}

fn binary(a: &IntTensor, b: &IntTensor, f: fn(i64, i64) -> Option<i64>) -> Result<IntTensor, OpError> {
    let shape = broadcast_shapes(&a.shape, &b.shape)?;
    if shape.len() > 1 {
        return Err(OpError::new("integer arithmetic is supported on scalars and vectors"));
    }
    let n = element_count(&shape)?;
    limited(n)?;
    let at = |t: &IntTensor, i: usize| t.data.get(if t.data.len() == 1 { 0 } else { i }).copied();
    let data: Option<Vec<i64>> = (0..n).map(|i| f(at(a, i)?, at(b, i)?)).collect();
    let data = data.ok_or_else(|| OpError::new("integer overflow or division by zero"))?;
    Ok(IntTensor { shape, data })
}

fn gather(data: &IntTensor, indices: &IntTensor, axis: i64) -> Result<IntTensor, OpError> {
    if data.shape.len() != 1 || !matches!(axis, 0 | -1) {
        return Err(OpError::new("integer tensors are gathered only where rank 1"));
    }
    let picked: Vec<i64> = indices
        .data
        .iter()
        .map(|&i| axis_index(i, data.data.len()).map(|i| data.data[i]))
        .collect::<Result<_, _>>()?;
    Ok(IntTensor { shape: indices.shape.clone(), data: picked })
}

fn slice(ints: &[Arc<IntTensor>]) -> Result<IntTensor, OpError> {
    let first = |i: usize, default: i64| match ints.get(i).map(|t| &t.data[..]) {
        None => Ok(default),
        Some([x]) => Ok(*x),
        Some(_) => Err(OpError::new("integer tensors are cut only along one axis")),
    };
    let data = &ints[0];
    if data.shape.len() != 1 || !matches!(first(3, 0)?, 0 | -1) || first(4, 1)? != 1 {
        return Err(OpError::new("integer tensors are cut only where rank 1, with step 1"));
    }
    let n = data.data.len() as i64;
    let clamp = |x: i64| (if x < 0 { x.saturating_add(n) } else { x }).clamp(0, n) as usize;
    let (from, to) = (clamp(first(1, 0)?), clamp(first(2, n)?));
    Ok(vector(data.data.get(from..to.max(from)).unwrap_or(&[]).to_vec()))
}

fn range(ints: &[Arc<IntTensor>]) -> Result<IntTensor, OpError> {
    let scalars: Option<Vec<i64>> = ints.iter().map(|t| t.data.first().copied()).collect();
    let Some([start, limit, delta]) = scalars.as_deref() else {
        return Err(OpError::new("takes three integer scalars"));
    };
    let (start, limit, delta) = (i128::from(*start), i128::from(*limit), i128::from(*delta));
    if delta == 0 {
        return Err(OpError::new("delta is 0"));
    }
    let n = ((limit - start + delta - delta.signum()) / delta).max(0);
    let n = usize::try_from(n).map_err(|_| OpError::new("the range is too long"))?;
    limited(n)?;
    // Every element lies between start and limit, so it fits i64.
    Ok(vector((0..n as i128).map(|i| (start + i * delta) as i64).collect()))
}
