//! LogSoftmax-13 along one axis; LogSoftmax-11 over all axes from one on, by way of a matrix.

use super::axis::{around, axis_index};
use super::reshape::Reshape;
use super::softmax::flattened;
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// One operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSoftmax {
    /// The axis whose exponentials sum to 1.
    pub axis: usize,
}

pub(super) const BUILDERS: &[OnnxOperator] = &[OnnxOperator::new("LogSoftmax", &[11, 13], build, "")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    let x = r.float(0)?;
    let shape = r.shape(0)?.to_vec();
    let axis = r.int("axis", if r.opset() < 13 { 1 } else { -1 })?;
    let Some((axis, flat)) = flattened(r, &shape, axis)? else {
        let axis = axis_index(axis, shape.len())?;
        return Ok(Built { op: Op::LogSoftmax(LogSoftmax { axis }), inputs: vec![x] });
    };
    let x = r.emit(Op::Reshape(Reshape { shape: flat }), vec![x])?;
    let y = r.emit(Op::LogSoftmax(LogSoftmax { axis }), vec![x])?;
    Ok(Built { op: Op::Reshape(Reshape { shape }), inputs: vec![y] })
}

/// `x - max - ln(sum(e^(x - max)))` of a row, which does not underflow.
pub fn log_softmax(row: &mut [f64]) {
    let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = row.iter().map(|x| libm::exp(x - max)).sum();
    let log = libm::log(sum);
    row.iter_mut().for_each(|x| *x = (*x - max) - log);
}

impl Operator for LogSoftmax {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        if self.axis >= inputs[0].len() {
            return Err(OpError::new(format!("axis {} is not in {:?}", self.axis, inputs[0])));
        }
        Ok(vec![inputs[0].to_vec()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let mut out = inputs[0].clone();
        let (outer, n, inner) = around(inputs[0].shape(), self.axis);
        let mut row = vec![0.0f64; n];
        for base in (0..outer).flat_map(|o| (0..inner).map(move |i| o * n * inner + i)) {
            let data = out.data_mut();
            for (j, x) in row.iter_mut().enumerate() {
                *x = f64::from(data[base + j * inner]);
            }
            log_softmax(&mut row);
            for (j, &x) in row.iter().enumerate() {
                data[base + j * inner] = x as f32;
            }
        }
        Ok(vec![out])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let ln3 = 3f32.ln();
        let x = Tensor::new(vec![2, 2], vec![0., 100., ln3, 300.]).unwrap();
        let y = LogSoftmax { axis: 0 }.eval(&[&x]).unwrap().remove(0);
        let want = Tensor::new(vec![2, 2], vec![0.25f32.ln(), -200., 0.75f32.ln(), 0.]).unwrap();
        assert!(y.relative_error(&want) < 1e-6, "{y:?}");
    }
}
