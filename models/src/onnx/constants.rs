//! Tensors stored in the file: TensorProto -> f32 or i64.
//!
//! Contract: every length is checked against the dimensions; NaN is refused, infinity stays to be looked at when it is
//! known who reads it; DOUBLE, FLOAT16
//! and BFLOAT16 become f32, integers and BOOL become i64 and keep the name of their type.

use std::sync::Arc;

use super::external::{self, External, ReadTensor};
use super::generated::TensorProto;
use super::generated::tensor_proto::{DataLocation, DataType};
use super::outline::{Part, Source};
use crate::float::tensor::{Tensor, element_count};

/// An integer tensor: shape operands, indices, stored codes. Never a value of the float graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntTensor {
    /// Dimensions; empty for a scalar.
    pub shape: Vec<usize>,
    /// Elements in row-major order.
    pub data: Vec<i64>,
    /// The element type in the file; it says where a quantized value saturates.
    pub element: DataType,
}

impl IntTensor {
    /// An INT64 tensor; the caller sees to it that `data` fills `shape`.
    #[must_use]
    pub fn new(shape: Vec<usize>, data: Vec<i64>) -> Self {
        Self { shape, data, element: DataType::Int64 }
    }

    /// A tensor of rank 1.
    #[must_use]
    pub fn vector(data: Vec<i64>) -> Self {
        Self::new(vec![data.len()], data)
    }

    /// The elements as f32, rounded to nearest where they have more than 24 bits.
    #[must_use]
    pub fn floats(&self) -> Vec<f32> {
        self.data.iter().map(|&x| x as f32).collect()
    }
}

/// A constant of the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// A float tensor.
    Float(Arc<Tensor>),
    /// An integer tensor.
    Int(Arc<IntTensor>),
}

/// Where data of a tensor may lie that are not in its message.
#[derive(Clone, Copy, Default)]
pub struct Elsewhere<'a> {
    /// Files beside the model.
    pub external: External<'a>,
    /// The model's file, and the part of it that an outline leaves out.
    pub inside: Option<(&'a dyn Source, Part)>,
}

/// Bytes that are turned into elements at once.
const PIECE: usize = 1 << 20;

/// Decodes a stored tensor, its data from elsewhere if need be; the error says what is wrong with it.
pub fn decode(t: &TensorProto, elsewhere: Elsewhere<'_>) -> Result<Constant, String> {
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
    let element = DataType::try_from(code).map_err(|_| format!("element type code {code} is not in ONNX"))?;
    let is_external = t.data_location == Some(DataLocation::External as i32) || !t.external_data.is_empty();
    let apart: Option<(usize, ReadTensor<'_>)> = match elsewhere.inside {
        _ if is_external => {
            let needed = n.saturating_mul(width(element).ok_or_else(|| unsupported(element))?);
            Some((needed, external::locate(&t.external_data, needed, elsewhere.external)?))
        }
        Some((source, Part { offset, length })) => {
            let read =
                move |at, length| Ok(source.read(offset.saturating_add(at as u64), length)?.into_owned());
            Some((length, Box::new(read)))
        }
        None => None,
    };
    if let (DataType::Float, Some((length, read))) = (element, &apart) {
        return floats(shape, n, *length, read);
    }
    let fetched = apart.map(|(length, read)| read(0, length)).transpose()?;
    let stored = Stored { t, raw: fetched.as_deref().or(t.raw_data.as_deref()), n };
    let float = |data: Vec<f32>| {
        let data = sized(data, n)?;
        constant(shape.clone(), data)
    };
    let int = |data: Vec<i64>| {
        let data = sized(data, n)?;
        Ok(Constant::Int(Arc::new(IntTensor { shape: shape.clone(), data, element })))
    };
    match element {
        DataType::Float => float(stored.list(f32::from_le_bytes, |t| t.float_data.clone())?),
        DataType::Double => {
            float(stored.list(
                |b| f64::from_le_bytes(b) as f32,
                |t| t.double_data.iter().map(|&x| x as f32).collect(),
            )?)
        }
        DataType::Float16 => float(stored.halves(half)?),
        DataType::Bfloat16 => float(stored.halves(|bits| f32::from_bits(u32::from(bits) << 16))?),
        DataType::Int64 => int(stored.list(i64::from_le_bytes, |t| t.int64_data.clone())?),
        DataType::Uint64 => int(stored.list(
            |b| i64::try_from(u64::from_le_bytes(b)).unwrap_or(i64::MAX),
            |t| t.uint64_data.iter().map(|&x| i64::try_from(x).unwrap_or(i64::MAX)).collect(),
        )?),
        DataType::Uint32 => int(stored.list(
            |b| i64::from(u32::from_le_bytes(b)),
            |t| t.uint64_data.iter().map(|&x| i64::from(x as u32)).collect(),
        )?),
        DataType::Int32 => int(stored.small(|b| i64::from(i32::from_le_bytes(b)))?),
        DataType::Int16 => int(stored.small(|b| i64::from(i16::from_le_bytes(b)))?),
        DataType::Uint16 => int(stored.small(|b| i64::from(u16::from_le_bytes(b)))?),
        DataType::Int8 => int(stored.small(|b| i64::from(i8::from_le_bytes(b)))?),
        DataType::Uint8 => int(stored.small(|b| i64::from(u8::from_le_bytes(b)))?),
        DataType::Int4 => int(stored.nibbles(|half| i64::from((half << 4) as i8 >> 4))?),
        DataType::Uint4 => int(stored.nibbles(i64::from)?),
        DataType::Bool => int(stored.small(|[b]: [u8; 1]| i64::from(b != 0))?),
        other => Err(unsupported(other)),
    }
}

/// A float tensor, piece by piece, so that its bytes are not held beside it.
fn floats(shape: Vec<usize>, n: usize, length: usize, read: &ReadTensor<'_>) -> Result<Constant, String> {
    if Some(length) != n.checked_mul(4) {
        return Err(wrong_length(n, 4, length));
    }
    let mut data: Vec<f32> = Vec::with_capacity(n);
    for start in (0..length).step_by(PIECE) {
        let bytes = read(start, PIECE.min(length - start))?;
        data.extend(bytes.as_chunks().0.iter().map(|&word| f32::from_le_bytes(word)));
    }
    constant(shape, sized(data, n)?)
}

fn constant(shape: Vec<usize>, data: Vec<f32>) -> Result<Constant, String> {
    let t = Tensor::new(shape, data).map_err(|e| e.to_string())?;
    if t.is_finite() {
        return Ok(Constant::Float(Arc::new(t)));
    }
    // Infinities may be bounds: what reads them decides.
    match t.data().iter().position(|x| x.is_nan()) {
        Some(i) => Err(format!("element {i} is NaN, not a finite number")),
        None => Ok(Constant::Float(Arc::new(t))),
    }
}

fn wrong_length(n: usize, width: usize, bytes: usize) -> String {
    format!("its dimensions need {n} elements of {width} bytes, it stores {bytes} bytes")
}

fn unsupported(element: DataType) -> String {
    format!(
        "element type {} is not supported (supported: FLOAT, DOUBLE, FLOAT16, BFLOAT16, BOOL, and integers \
         of 4 to 64 bits)",
        element.as_str_name()
    )
}

/// Bytes of one stored element; `None` for types that are not read.
fn width(element: DataType) -> Option<usize> {
    match element {
        DataType::Double | DataType::Int64 | DataType::Uint64 => Some(8),
        DataType::Float | DataType::Int32 | DataType::Uint32 => Some(4),
        DataType::Float16 | DataType::Bfloat16 | DataType::Int16 | DataType::Uint16 => Some(2),
        DataType::Int8 | DataType::Uint8 | DataType::Bool => Some(1),
        _ => None,
    }
}

/// A stored tensor of `n` elements, as bytes or in the field of its type.
struct Stored<'a> {
    t: &'a TensorProto,
    raw: Option<&'a [u8]>,
    n: usize,
}

impl Stored<'_> {
    fn list<T, const W: usize>(
        &self,
        word: impl Fn([u8; W]) -> T,
        field: impl Fn(&TensorProto) -> Vec<T>,
    ) -> Result<Vec<T>, String> {
        let Some(raw) = self.raw else { return Ok(field(self.t)) };
        let (chunks, rest) = raw.as_chunks::<W>();
        if chunks.len() != self.n || !rest.is_empty() {
            return Err(wrong_length(self.n, W, raw.len()));
        }
        Ok(chunks.iter().map(|&c| word(c)).collect())
    }

    /// Types that share the field of INT32.
    fn small<const W: usize>(&self, word: impl Fn([u8; W]) -> i64) -> Result<Vec<i64>, String> {
        self.list(word, |t| t.int32_data.iter().map(|&x| i64::from(x)).collect())
    }

    /// Two codes to a byte, the first in its low half.
    fn nibbles(&self, word: impl Fn(u8) -> i64) -> Result<Vec<i64>, String> {
        let packed = Self { n: self.n.div_ceil(2), ..*self };
        let bytes = packed.list(|[b]: [u8; 1]| b, |t| t.int32_data.iter().map(|&x| x as u8).collect())?;
        Ok(sized(bytes, packed.n)?
            .into_iter()
            .flat_map(|b| [word(b & 15), word(b >> 4)])
            .take(self.n)
            .collect())
    }

    fn halves(&self, value: impl Fn(u16) -> f32) -> Result<Vec<f32>, String> {
        self.list(
            |b| value(u16::from_le_bytes(b)),
            |t| t.int32_data.iter().map(|&bits| value(bits as u16)).collect(),
        )
    }
}

/// The value of an IEEE binary16.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let size = match exponent {
        0 => fraction * libm::exp2f(-24.0),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * libm::exp2f((exponent - 15) as f32),
    };
    if bits >> 15 == 1 { -size } else { size }
}

fn sized<T>(data: Vec<T>, n: usize) -> Result<Vec<T>, String> {
    if data.len() == n {
        return Ok(data);
    }
    Err(format!("its dimensions need {n} elements, it stores {}", data.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_codes_to_a_byte() {
        let decoded = |element: DataType, raw: &[u8]| {
            let (dims, data_type, raw_data) = (vec![3], Some(element as i32), Some(raw.to_vec()));
            match decode(
                &TensorProto { dims, data_type, raw_data, ..TensorProto::default() },
                Elsewhere::default(),
            ) {
                Ok(Constant::Int(t)) => Ok(t.data.clone()),
                Ok(Constant::Float(_)) => panic!("4 bits are no float"),
                Err(e) => Err(e),
            }
        };
        assert_eq!(decoded(DataType::Int4, &[0x7f, 0xf8]).unwrap(), [-1, 7, -8]);
        assert_eq!(decoded(DataType::Uint4, &[0x7f, 0xf8]).unwrap(), [15, 7, 8]);
        assert!(decoded(DataType::Int4, &[0x7f]).is_err() && decoded(DataType::Int4, &[0; 3]).is_err());
    }

    #[test]
    fn half_precision() {
        for (bits, value) in [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 5.960_464_5e-8)] {
            assert_eq!(half(bits), value);
        }
        assert!(half(0x7e00).is_nan() && half(0xfc00) == f32::NEG_INFINITY);
    }
}
