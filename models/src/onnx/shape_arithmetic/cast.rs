//! Casts of constants: integers to float and back.

use std::sync::Arc;

use super::{limited, one};
use crate::float::Tensor;
use crate::float::ops::OpError;
use crate::onnx::constants::{Constant, IntTensor};
use crate::onnx::generated::tensor_proto::DataType;
use crate::onnx::reader::{NodeReader, Operand};

type Result<T> = std::result::Result<T, OpError>;

pub fn cast(r: &mut NodeReader<'_>) -> Result<Option<Vec<Constant>>> {
    r.ignore("saturate");
    let to = r.int("to", 0)?;
    match i32::try_from(to).ok().and_then(|t| DataType::try_from(t).ok()) {
        Some(to) => convert(r.operand(0), to),
        None => Err(OpError::new(format!("element type code {to} is not in ONNX"))),
    }
}

pub fn cast_like(r: &mut NodeReader<'_>) -> Result<Option<Vec<Constant>>> {
    r.ignore("saturate");
    let to = match r.operand(1) {
        Some(Operand::Int(t)) => t.element,
        _ => DataType::Float,
    };
    convert(r.operand(0), to)
}

/// `None` where the operand is computed, or is float and stays so.
fn convert(from: Option<&Operand>, to: DataType) -> Result<Option<Vec<Constant>>> {
    let is_float = matches!(to, DataType::Float | DataType::Double);
    match from {
        Some(Operand::Int(t)) if is_float => {
            let tensor = Tensor::new(t.shape.clone(), t.floats())?;
            Ok(Some(vec![Constant::Float(Arc::new(tensor))]))
        }
        Some(Operand::Int(t)) => {
            let data = t.data.iter().map(|&x| narrow(x, to)).collect::<Option<_>>();
            let data = data.ok_or_else(|| refused(to))?;
            Ok(one(IntTensor { shape: t.shape.clone(), data, element: to }))
        }
        // Rust's cast of a float cuts towards zero, as ONNX's does, and never leaves the range.
        Some(Operand::Float { constant: Some(t), .. }) if !is_float && narrow(0, to).is_some() => {
            limited(t.len())?;
            let integer = |&x: &f32| if to == DataType::Bool { i64::from(x != 0.0) } else { x as i64 };
            let data = t.data().iter().map(integer).filter_map(|x| narrow(x, to)).collect();
            Ok(one(IntTensor { shape: t.shape().to_vec(), data, element: to }))
        }
        _ => Ok(None),
    }
}

/// An integer in another integer type, its upper bits cut; `None` where the type is none.
fn narrow(x: i64, to: DataType) -> Option<i64> {
    Some(match to {
        DataType::Int64 | DataType::Uint64 => x,
        DataType::Int32 => i64::from(x as i32),
        DataType::Uint32 => i64::from(x as u32),
        DataType::Int16 => i64::from(x as i16),
        DataType::Uint16 => i64::from(x as u16),
        DataType::Int8 => i64::from(x as i8),
        DataType::Uint8 => i64::from(x as u8),
        DataType::Bool => i64::from(x != 0),
        _ => return None,
    })
}

fn refused(to: DataType) -> OpError {
    OpError::new(format!(
        "cast of an integer constant to {} is not supported (supported: FLOAT, DOUBLE, BOOL, integers of 8 to \
         64 bits)",
        to.as_str_name()
    ))
}
