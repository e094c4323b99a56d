//! Arithmetic and comparisons of integer constants, element by element, with broadcasting.

use std::sync::Arc;

use super::{integers, limited, one};
use crate::float::ops::OpError;
use crate::float::ops::axis::{broadcast_shapes, broadcast_strides, for_each_offset};
use crate::float::tensor::element_count;
use crate::onnx::constants::{Constant, IntTensor};
use crate::onnx::generated::tensor_proto::DataType;
use crate::onnx::reader::NodeReader;

type Result<T> = std::result::Result<T, OpError>;

pub fn fold(r: &mut NodeReader<'_>) -> Result<Option<Vec<Constant>>> {
    let op = r.op_type().to_owned();
    // The condition of Where is an integer tensor even where it chooses between floats.
    let first = usize::from(op == "Where");
    let Some(mut operands) = integers(r, first, r.input_count())? else {
        return Ok(None);
    };
    if first == 1 {
        operands.extend(integers(r, 0, 1)?.unwrap_or_default());
    }
    let needed = match op.as_str() {
        "Abs" | "Neg" => 1..=1,
        "Where" => 3..=3,
        "Max" | "Min" => 1..=usize::MAX,
        _ => 2..=2,
    };
    if !needed.contains(&operands.len()) {
        return Err(OpError::new(format!("has {} integer operands", operands.len())));
    }
    let fmod = op == "Mod" && r.flag("fmod", false)?;
    let element = if op == "Equal" { DataType::Bool } else { operands[0].element };
    let apply = |v: &[i64]| match (op.as_str(), v) {
        ("Abs", [a]) => a.checked_abs(),
        ("Neg", [a]) => a.checked_neg(),
        ("Add", [a, b]) => a.checked_add(*b),
        ("Sub", [a, b]) => a.checked_sub(*b),
        ("Mul", [a, b]) => a.checked_mul(*b),
        // ONNX divides integers as C does, towards zero.
        ("Div", [a, b]) => a.checked_div(*b),
        // The sign is the divisor's, with fmod the dividend's.
        ("Mod", [a, b]) if fmod => a.checked_rem(*b),
        ("Mod", [a, b]) => floored(*a, *b),
        ("Equal", [a, b]) => Some(i64::from(a == b)),
        ("Where", [a, b, condition]) => Some(if *condition != 0 { *a } else { *b }),
        ("Max", all) => all.iter().copied().max(),
        ("Min", all) => all.iter().copied().min(),
        _ => None,
    };
    zip(&operands, element, apply).map(one)
}

/// The remainder of a division towards minus infinity.
fn floored(a: i64, b: i64) -> Option<i64> {
    let rest = a.checked_rem(b)?;
    Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
}

fn zip(
    operands: &[Arc<IntTensor>],
    element: DataType,
    apply: impl Fn(&[i64]) -> Option<i64>,
) -> Result<IntTensor> {
    let start = Ok(Vec::new());
    let shape = operands.iter().fold(start, |shape: Result<Vec<usize>>, t| {
        shape.and_then(|shape| broadcast_shapes(&shape, &t.shape))
    })?;
    let n = element_count(&shape)?;
    limited(n)?;
    let mut columns = Vec::with_capacity(operands.len());
    for t in operands {
        let strides: Vec<isize> =
            broadcast_strides(&t.shape, &shape).into_iter().map(|s| s as isize).collect();
        let mut column = Vec::with_capacity(n);
        for_each_offset(&shape, &strides, 0, |o| column.extend(t.data.get(o)));
        columns.push(column);
    }
    let row = |i: usize| columns.iter().map(|c| c.get(i).copied()).collect::<Option<Vec<i64>>>();
    let data: Option<Vec<i64>> = (0..n).map(|i| apply(&row(i)?)).collect();
    let data = data.ok_or_else(|| OpError::new("integer overflow or division by zero"))?;
    // Narrow types would wrap in the model; a shape never does.
    let (low, high) = range(element);
    if data.iter().any(|x| !(low..=high).contains(x)) {
        return Err(OpError::new(format!("a result leaves the range of {}", element.as_str_name())));
    }
    Ok(IntTensor { shape, data, element })
}

fn range(element: DataType) -> (i64, i64) {
    match element {
        DataType::Bool => (0, 1),
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Uint8 => (0, u8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Uint16 => (0, u16::MAX.into()),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::Uint32 => (0, u32::MAX.into()),
        DataType::Uint64 => (0, i64::MAX),
        _ => (i64::MIN, i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_and_overflow() {
        let t = |shape: &[usize], data: &[i64]| Arc::new(IntTensor::new(shape.to_vec(), data.to_vec()));
        let add = |v: &[i64]| v[0].checked_add(v[1]);
        let sum = zip(&[t(&[2, 1], &[1, 2]), t(&[2], &[10, 20])], DataType::Int64, add).unwrap();
        assert_eq!((sum.shape, sum.data), (vec![2, 2], vec![11, 21, 12, 22]));
        assert_eq!([floored(-4, 3), floored(4, -3), floored(6, 3)], [Some(2), Some(-2), Some(0)]);
        assert!(floored(1, 0).is_none() && floored(i64::MIN, -1).is_none());
        assert!(zip(&[t(&[], &[i64::MAX]), t(&[], &[1])], DataType::Int64, add).is_err());
        assert!(zip(&[t(&[], &[200]), t(&[], &[100])], DataType::Uint8, add).is_err());
    }
}
