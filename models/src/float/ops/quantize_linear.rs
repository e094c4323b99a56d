//! QuantizeLinear-21 (and 10, 13, 19): reals to integer codes, which the float graph holds as f32.

use super::axis::{around, axis_index};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;
use crate::onnx::generated::tensor_proto::DataType;
use crate::onnx::reader::NodeReader;

/// What codes stand for: `real = (code - zero_point) * scale`, per tensor or per index of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheme {
    /// Steps, one or one per index of the axis; finite and not 0.
    pub scale: Vec<f32>,
    /// Codes of 0, as many.
    pub zero_point: Vec<i32>,
    /// The axis, where there is more than one scale.
    pub axis: usize,
}

/// One operand.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizeLinear {
    /// What the codes stand for.
    pub scheme: Scheme,
    /// Smallest code.
    pub low: i32,
    /// Largest code.
    pub high: i32,
}

/// What is said of both directions.
pub(super) const LIMITS: &str = "constant scale and zero point, per tensor or per axis; INT4, UINT4, INT8, UINT8, INT16, UINT16 (and INT32 to float)";

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("QuantizeLinear", &[10, 13, 19, 21], build, LIMITS)];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.ignore("saturate");
    let given = r.int("output_dtype", 0)?;
    let default = match i32::try_from(given).ok().and_then(|t| DataType::try_from(t).ok()) {
        Some(DataType::Undefined) => DataType::Uint8,
        Some(t) => t,
        None => return Err(OpError::new(format!("output_dtype {given} is not in ONNX"))),
    };
    let element = r.const_ints(2)?.map_or(default, |t| t.element);
    let (low, high) = limits(element)?;
    let scheme = Scheme::read(r)?;
    Ok(Built { op: Op::QuantizeLinear(QuantizeLinear { scheme, low, high }), inputs: vec![r.float(0)?] })
}

/// Least and greatest code of a type.
pub(super) fn limits(element: DataType) -> Result<(i32, i32), OpError> {
    match element {
        DataType::Int4 => Ok((-8, 7)),
        DataType::Uint4 => Ok((0, 15)),
        DataType::Int8 => Ok((-128, 127)),
        DataType::Uint8 => Ok((0, 255)),
        DataType::Int16 => Ok((-32_768, 32_767)),
        DataType::Uint16 => Ok((0, 65_535)),
        other => Err(OpError::new(format!(
            "codes of type {} are not supported (supported: INT4, UINT4, INT8, UINT8, INT16, UINT16)",
            other.as_str_name()
        ))),
    }
}

impl Scheme {
    /// Reads scale, zero point and axis of a node whose operands are x, scale, zero point.
    pub(super) fn read(r: &mut NodeReader<'_>) -> Result<Self, OpError> {
        r.expect_inputs(2, 3)?;
        if r.int("block_size", 0)? != 0 {
            return Err(OpError::new("blocked scales are not supported (supported: per tensor, per axis)"));
        }
        let mut scheme = Self::at(r, [1, 2], 0)?;
        let given = r.int("axis", 1)?;
        if scheme.scale.len() > 1 {
            scheme.axis = axis_index(given, r.shape(0)?.len())?;
        }
        Ok(scheme)
    }

    /// Scale and zero point from these operands; `axis` is theirs, where there are several.
    pub(super) fn at(r: &NodeReader<'_>, [scale, zero]: [usize; 2], axis: usize) -> Result<Self, OpError> {
        let scale = r.const_floats(scale)?.ok_or_else(|| OpError::new("the scale is missing"))?;
        if scale.shape().len() > 1 {
            return Err(OpError::new(format!(
                "scales {:?} are not supported (supported: rank 0, 1)",
                scale.shape()
            )));
        }
        if scale.is_empty() || !scale.data().iter().all(|s| s.is_finite() && *s != 0.0) {
            return Err(OpError::new("a scale is 0 or not finite"));
        }
        let zero_point = match r.const_ints(zero)? {
            None => vec![0; scale.len()],
            Some(t) if t.data.len() == scale.len() => t
                .data
                .iter()
                .map(|&z| {
                    i32::try_from(z).map_err(|_| OpError::new(format!("zero point {z} is out of range")))
                })
                .collect::<Result<_, _>>()?,
            Some(t) => {
                return Err(OpError::new(format!("{} zero points for {} scales", t.data.len(), scale.len())));
            }
        };
        let axis = if scale.len() > 1 { axis } else { 0 };
        Ok(Self { scale: scale.data().to_vec(), zero_point, axis })
    }

    /// The shape of the result, which is the operand's.
    pub(super) fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        let n = self.scale.len();
        if n == 0 || self.zero_point.len() != n || (n > 1 && inputs[0].get(self.axis) != Some(&n)) {
            return Err(OpError::new(format!("{n} scales do not fit axis {} of {:?}", self.axis, inputs[0])));
        }
        Ok(vec![inputs[0].to_vec()])
    }

    /// Applies `f(x, scale, zero point)` to every element.
    pub(super) fn map(&self, x: &Tensor, f: impl Fn(f32, f32, f32) -> f32) -> Result<Vec<Tensor>, OpError> {
        let mut out = x.clone();
        let inner = if self.scale.len() > 1 { around(x.shape(), self.axis).2 } else { x.len() };
        for (i, row) in out.data_mut().chunks_mut(inner.max(1)).enumerate() {
            let at = i % self.scale.len().max(1);
            let (scale, zero) = (self.scale[at], self.zero_point[at] as f32);
            row.iter_mut().for_each(|v| *v = f(*v, scale, zero));
        }
        Ok(vec![out])
    }
}

impl Operator for QuantizeLinear {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        self.scheme.infer_shape(inputs)
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let (low, high) = (self.low as f32, self.high as f32);
        self.scheme.map(inputs[0], |x, scale, zero| ((x / scale).round_ties_even() + zero).max(low).min(high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_even_and_saturates() {
        let scheme = Scheme { scale: vec![2.0, 4.0], zero_point: vec![1, 0], axis: 0 };
        let x = Tensor::new(vec![2, 2], vec![1., 3., -2., 1e9]).unwrap();
        let q = QuantizeLinear { scheme, low: 0, high: 255 };
        assert_eq!(q.eval(&[&x]).unwrap()[0].data(), [1., 3., 0., 255.]);
        assert!(q.infer_shape(&[&[3, 2]]).is_err());
    }
}
