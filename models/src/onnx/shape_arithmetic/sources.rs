//! Where integers come from: Constant, Shape, Size, ConstantOfShape, Range.

use std::sync::Arc;

use super::{limited, one};
use crate::float::ops::OpError;
use crate::float::tensor::{Tensor, element_count};
use crate::onnx::constants::{Constant, Elsewhere, IntTensor, decode};
use crate::onnx::generated::attribute_proto::AttributeType;
use crate::onnx::reader::{NodeReader, Operand};

type Folded = Result<Option<Vec<Constant>>, OpError>;

fn float(shape: Vec<usize>, data: Vec<f32>) -> Folded {
    if data.iter().any(|x| x.is_nan()) {
        return Err(OpError::new("the constant is not a number"));
    }
    Ok(Some(vec![Constant::Float(Arc::new(Tensor::new(shape, data)?))]))
}

pub fn constant(r: &mut NodeReader<'_>) -> Folded {
    if let Some(a) = r.attribute("value", AttributeType::Tensor)? {
        let t = a.t.as_ref().ok_or_else(|| OpError::new("attribute `value` is empty"))?;
        return decode(t, Elsewhere::default()).map(|c| Some(vec![c])).map_err(OpError::new);
    }
    if let Some(v) = r.int_if("value_int")? {
        return Ok(one(IntTensor::new(Vec::new(), vec![v])));
    }
    if let Some(v) = r.ints("value_ints")? {
        return Ok(one(IntTensor::vector(v.to_vec())));
    }
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

pub fn shape(r: &mut NodeReader<'_>) -> Folded {
    r.expect_inputs(1, 1)?;
    let (start, end) = (r.int("start", 0)?, r.int_if("end")?);
    let dims: Vec<i64> = r.shape(0)?.iter().map(|&d| d as i64).collect();
    let n = dims.len() as i64;
    let clamp = |x: i64| (if x < 0 { x.saturating_add(n) } else { x }).clamp(0, n) as usize;
    let (from, to) = (clamp(start), clamp(end.unwrap_or(n)));
    Ok(one(IntTensor::vector(dims.get(from..to.max(from)).unwrap_or(&[]).to_vec())))
}

pub fn size(r: &mut NodeReader<'_>) -> Folded {
    r.expect_inputs(1, 1)?;
    let n = element_count(r.shape(0)?)?;
    Ok(one(IntTensor::new(Vec::new(), vec![n as i64])))
}

pub fn constant_of_shape(r: &mut NodeReader<'_>) -> Folded {
    let dims = r.const_ints(0)?.ok_or_else(|| OpError::new("input 0 is missing"))?;
    let shape: Vec<usize> = dims
        .data
        .iter()
        .map(|&d| usize::try_from(d).map_err(|_| OpError::new(format!("dimension {d} is negative"))))
        .collect::<Result<_, _>>()?;
    let n = element_count(&shape)?;
    limited(n)?;
    let value = match r.attribute("value", AttributeType::Tensor)? {
        None => return float(shape, vec![0.0; n]),
        Some(a) => a.t.as_ref().ok_or_else(|| OpError::new("attribute `value` is empty"))?,
    };
    let many = || OpError::new("attribute `value` must have one element");
    match decode(value, Elsewhere::default()).map_err(OpError::new)? {
        Constant::Float(t) => float(shape, vec![t.as_scalar().ok_or_else(many)?; n]),
        Constant::Int(t) => match t.data[..] {
            [x] => Ok(one(IntTensor { shape, data: vec![x; n], element: t.element })),
            _ => Err(many()),
        },
    }
}

pub fn range(r: &mut NodeReader<'_>) -> Folded {
    r.expect_inputs(3, 3)?;
    if matches!(r.operand(0), Some(Operand::Float { .. })) {
        return float_range(r);
    }
    let scalar = |i: usize| match r.const_ints(i)?.map(|t| &t.data[..]) {
        Some(&[x]) => Ok(i128::from(x)),
        _ => Err(OpError::new("takes three scalars")),
    };
    let (start, limit, delta) = (scalar(0)?, scalar(1)?, scalar(2)?);
    if delta == 0 {
        return Err(OpError::new("delta is 0"));
    }
    let n = ((limit - start + delta - delta.signum()) / delta).max(0);
    let n = usize::try_from(n).map_err(|_| OpError::new("the range is too long"))?;
    limited(n)?;
    // Every element lies between start and limit, so it fits i64.
    Ok(one(IntTensor::vector((0..n as i128).map(|i| (start + i * delta) as i64).collect())))
}

fn float_range(r: &NodeReader<'_>) -> Folded {
    let scalar = |i: usize| {
        let x = r.const_scalar(i)?.ok_or_else(|| OpError::new("takes three scalars"))?;
        Ok::<_, OpError>(f64::from(x))
    };
    let (start, limit, delta) = (scalar(0)?, scalar(1)?, scalar(2)?);
    if delta == 0.0 {
        return Err(OpError::new("delta is 0"));
    }
    // A saturating cast; the limit refuses what is too long.
    let n = ((limit - start) / delta).ceil().max(0.0) as usize;
    limited(n)?;
    float(vec![n], (0..n).map(|i| (start + i as f64 * delta) as f32).collect())
}
