//! LogSoftmax-13 (and 11), lowered: `x - max - ln(sum(e^(x - max)))`, which does not underflow.

use super::axis::axis_index;
use super::binary::Binary;
use super::identity::Identity;
use super::reduce::{Reduce, ReduceKind};
use super::reshape::Reshape;
use super::softmax::flattened;
use super::unary::Unary;
use super::{Built, OnnxOperator, Op, OpError};
use crate::onnx::reader::NodeReader;

pub(super) const BUILDERS: &[OnnxOperator] = &[OnnxOperator::new("LogSoftmax", &[11, 13], build, "")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    let mut x = r.float(0)?;
    let shape = r.shape(0)?.to_vec();
    let axis = r.int("axis", if r.opset() < 13 { 1 } else { -1 })?;
    let flat = flattened(r, &shape, axis)?;
    let axis = match &flat {
        Some((axis, matrix)) => {
            x = r.emit(Op::Reshape(Reshape { shape: matrix.clone() }), vec![x])?;
            *axis
        }
        None => axis_index(axis, shape.len())?,
    };
    let reduce = |kind| Op::Reduce(Reduce { kind, axes: vec![axis], keep_dims: true });
    let max = r.emit(reduce(ReduceKind::Max), vec![x])?;
    let shifted = r.emit(Op::Binary(Binary::Sub), vec![x, max])?;
    let powers = r.emit(Op::Unary(Unary::Exp), vec![shifted])?;
    let sum = r.emit(reduce(ReduceKind::Sum), vec![powers])?;
    let log = r.emit(Op::Unary(Unary::Log), vec![sum])?;
    let y = r.emit(Op::Binary(Binary::Sub), vec![shifted, log])?;
    match flat {
        Some(_) => Ok(Built { op: Op::Reshape(Reshape { shape }), inputs: vec![y] }),
        None => Ok(Built { op: Op::Identity(Identity), inputs: vec![y] }),
    }
}
