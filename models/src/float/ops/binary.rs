//! Elementwise functions of two operands with NumPy's broadcasting.

use super::axis::{broadcast_shapes, broadcast_strides, for_each_offset};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::{Tensor, element_count};
use crate::onnx::reader::NodeReader;

/// The function; two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `a + b` (Add-14).
    Add,
    /// `a / b` (Div-14).
    Div,
    /// `max(a, b)` (Max-13).
    Max,
    /// `min(a, b)` (Min-13).
    Min,
    /// `a * b` (Mul-14).
    Mul,
    /// `a` where not below 0, else `a * b`; b must broadcast to a's shape (PRelu-16).
    PRelu,
    /// `a` to the power of `b` (Pow-15).
    Pow,
    /// `a - b` (Sub-14).
    Sub,
}

pub(super) const BUILDERS: &[OnnxOperator] = &[
    OnnxOperator::new("Add", &[7, 13, 14], build, ""),
    OnnxOperator::new("Div", &[7, 13, 14], build, ""),
    OnnxOperator::new("Mul", &[7, 13, 14], build, ""),
    OnnxOperator::new("PRelu", &[9, 16], build, ""),
    OnnxOperator::new("Pow", &[7, 12, 13, 15], build, "float base; an integer exponent must be constant"),
    OnnxOperator::new("Sub", &[7, 13, 14], build, ""),
];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 2)?;
    let op = match r.op_type() {
        "Add" => Binary::Add,
        "Div" => Binary::Div,
        "Mul" => Binary::Mul,
        "PRelu" => Binary::PRelu,
        "Pow" => Binary::Pow,
        "Sub" => Binary::Sub,
        _ => return Err(OpError::new("is not in the table")),
    };
    let inputs = if op == Binary::Pow { vec![r.float(0)?, r.as_float(1)?] } else { r.floats()? };
    Ok(Built { op: Op::Binary(op), inputs })
}

fn power(a: f32, b: f32) -> f32 {
    if b == 2.0 { a * a } else { libm::powf(a, b) }
}

fn zip(a: &Tensor, b: &Tensor, f: impl Fn(f32, f32) -> f32) -> Result<Vec<Tensor>, OpError> {
    let shape = broadcast_shapes(a.shape(), b.shape())?;
    let data: Vec<f32> = if a.shape() == b.shape() {
        a.data().iter().zip(b.data()).map(|(&x, &y)| f(x, y)).collect()
    } else if let (Some(y), true) = (b.as_scalar(), a.shape() == shape) {
        a.data().iter().map(|&x| f(x, y)).collect()
    } else {
        let offsets = |t: &Tensor| {
            let s = broadcast_strides(t.shape(), &shape);
            s.iter().map(|&s| s as isize).collect::<Vec<_>>()
        };
        let mut data = Vec::with_capacity(element_count(&shape)?);
        for_each_offset(&shape, &offsets(a), 0, |o| data.push(a.data()[o]));
        let mut i = 0;
        for_each_offset(&shape, &offsets(b), 0, |o| {
            data[i] = f(data[i], b.data()[o]);
            i += 1;
        });
        data
    };
    Ok(vec![Tensor::new(shape, data)?])
}

impl Operator for Binary {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 2, 2)?;
        let shape = broadcast_shapes(inputs[0], inputs[1])?;
        if *self == Binary::PRelu && shape != inputs[0] {
            return Err(OpError::new(format!("slopes {:?} do not broadcast to {:?}", inputs[1], inputs[0])));
        }
        Ok(vec![shape])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let (a, b) = (inputs[0], inputs[1]);
        match self {
            Binary::Add => zip(a, b, |x, y| x + y),
            Binary::Div => zip(a, b, |x, y| x / y),
            Binary::Max => zip(a, b, f32::max),
            Binary::Min => zip(a, b, f32::min),
            Binary::Mul => zip(a, b, |x, y| x * y),
            Binary::PRelu => zip(a, b, |x, y| if x < 0.0 { x * y } else { x }),
            Binary::Pow => zip(a, b, power),
            Binary::Sub => zip(a, b, |x, y| x - y),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let a = Tensor::new(vec![2, 1], vec![6., 8.]).unwrap();
        let b = Tensor::new(vec![2], vec![2., 4.]).unwrap();
        let run = |op: Binary| op.eval(&[&a, &b]).unwrap().remove(0).into_data();
        assert_eq!(run(Binary::Add), [8., 10., 10., 12.]);
        assert_eq!(run(Binary::Sub), [4., 2., 6., 4.]);
        assert_eq!(run(Binary::Mul), [12., 24., 16., 32.]);
        assert_eq!(run(Binary::Div), [3., 1.5, 4., 2.]);
        assert_eq!(run(Binary::Max), [6., 6., 8., 8.]);
        assert_eq!(run(Binary::Min), [2., 4., 2., 4.]);
        assert!(Binary::PRelu.infer_shape(&[&[2, 1], &[2]]).is_err());
        let x = Tensor::new(vec![2], vec![-1., 1.]).unwrap();
        assert_eq!(Binary::PRelu.eval(&[&x, &Tensor::scalar(0.5)]).unwrap()[0].data(), [-0.5, 1.]);
        let two = Tensor::scalar(2.0);
        assert_eq!(Binary::Pow.eval(&[&a, &two]).unwrap()[0].data(), [36., 64.]);
    }
}
