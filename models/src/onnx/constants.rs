//! Tensors stored in the file: TensorProto -> f32 or i64.
//!
//! Contract: every length is checked against the dimensions; NaN and infinity are refused;
//! DOUBLE becomes f32, INT32 and BOOL become i64.

use std::sync::Arc;

use super::generated::TensorProto;
use super::generated::tensor_proto::{DataLocation, DataType};
use crate::float::tensor::{Tensor, element_count};

/// An i64 tensor: shape operands, indices. Never a value of the float graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntTensor {
    /// Dimensions; empty for a scalar.
    pub shape: Vec<usize>,
    /// Elements in row-major order.
    pub data: Vec<i64>,
}

/// A constant of the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// A float tensor.
    Float(Arc<Tensor>),
    /// An integer tensor.
    Int(Arc<IntTensor>),
}

/// Decodes a stored tensor; the error says what is wrong with it.
pub fn decode(t: &TensorProto) -> Result<Constant, String> {
    if t.data_location == Some(DataLocation::External as i32) || !t.external_data.is_empty() {
        return Err("its data lie in an external file, which is not yet supported; \
             save the model with all data inside (onnx.save with save_as_external_data=False)"
            .to_owned());
    }
    if t.segment.is_some() {
        return Err("segmented tensors are not supported".to_owned());
    }
    let shape: Vec<usize> = t
        .dims
        .iter()
        .map(|&d| usize::try_from(d).map_err(|_| format!("dimension {d} is negative")))
        .collect::<Result<_, _>>()?;
    let n = element_count(&shape).map_err(|e| e.to_string())?;
    let code = t.data_type.unwrap_or(0);
    let float = |data: Vec<f32>| {
        let data = sized(data, n)?;
        if let Some(i) = data.iter().position(|x| !x.is_finite()) {
            return Err(format!("element {i} is {}, not a finite number", data[i]));
        }
        let t = Tensor::new(shape.clone(), data).map_err(|e| e.to_string())?;
        Ok(Constant::Float(Arc::new(t)))
    };
    let int = |data: Vec<i64>| {
        let data = sized(data, n)?;
        let shape = shape.clone();
        Ok(Constant::Int(Arc::new(IntTensor { shape, data })))
    };
    match DataType::try_from(code) {
        Ok(DataType::Float) => float(match &t.raw_data {
            Some(raw) => words(raw, n, f32::from_le_bytes)?,
            None => t.float_data.clone(),
        }),
        Ok(DataType::Double) => float(match &t.raw_data {
            Some(raw) => words(raw, n, |b| f64::from_le_bytes(b) as f32)?,
            None => t.double_data.iter().map(|&x| x as f32).collect(),
        }),
        Ok(DataType::Int64) => int(match &t.raw_data {
            Some(raw) => words(raw, n, i64::from_le_bytes)?,
            None => t.int64_data.clone(),
        }),
        Ok(DataType::Int32) => int(match &t.raw_data {
            Some(raw) => words(raw, n, |b| i64::from(i32::from_le_bytes(b)))?,
            None => t.int32_data.iter().map(|&x| i64::from(x)).collect(),
        }),
        Ok(DataType::Bool) => int(match &t.raw_data {
            Some(raw) => words(raw, n, |[b]: [u8; 1]| i64::from(b))?,
            None => t.int32_data.iter().map(|&x| i64::from(x)).collect(),
        }),
        Ok(other) => Err(format!(
            "element type {} is not supported (supported: FLOAT, DOUBLE, INT64, INT32, BOOL)",
            other.as_str_name()
        )),
        Err(_) => Err(format!("element type code {code} is not in ONNX")),
    }
}

fn sized<T>(data: Vec<T>, n: usize) -> Result<Vec<T>, String> {
    if data.len() == n {
        return Ok(data);
    }
    Err(format!("its dimensions need {n} elements, it stores {}", data.len()))
}

fn words<T, const W: usize>(raw: &[u8], n: usize, decode: impl Fn([u8; W]) -> T) -> Result<Vec<T>, String> {
    let (chunks, rest) = raw.as_chunks::<W>();
    if chunks.len() != n || !rest.is_empty() {
        return Err(format!("its dimensions need {n} elements of {W} bytes, it stores {} bytes", raw.len()));
    }
    Ok(chunks.iter().map(|&c| decode(c)).collect())
}
