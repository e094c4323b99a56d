//! Max-13, Min-13, Sum-13 and Mean-13 of any number of operands, lowered to a chain of two-operand functions.

use super::binary::Binary;
use super::identity::Identity;
use super::{Built, OnnxOperator, Op, OpError};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

pub(super) const BUILDERS: &[OnnxOperator] = &[
    OnnxOperator::new("Max", &[8, 12, 13], build, ""),
    OnnxOperator::new("Mean", &[8, 13], build, ""),
    OnnxOperator::new("Min", &[8, 12, 13], build, ""),
    OnnxOperator::new("Sum", &[8, 13], build, ""),
];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1024)?;
    let (op, mean) = match r.op_type() {
        "Max" => (Binary::Max, false),
        "Min" => (Binary::Min, false),
        "Mean" => (Binary::Add, true),
        _ => (Binary::Add, false),
    };
    let mut operands = r.floats()?.into_iter();
    let first = operands.next().ok_or_else(|| OpError::new("has no operands"))?;
    let mut so_far = first;
    let mut last = Built { op: Op::Identity(Identity), inputs: vec![first] };
    let mut is_first = true;
    for operand in operands {
        if !is_first {
            so_far = r.emit(last.op, last.inputs)?;
        }
        last = Built { op: Op::Binary(op), inputs: vec![so_far, operand] };
        is_first = false;
    }
    if mean && !is_first {
        let sum = r.emit(last.op, last.inputs)?;
        let count = r.constant(Tensor::scalar(r.input_count() as f32));
        last = Built { op: Op::Binary(Binary::Div), inputs: vec![sum, count] };
    }
    Ok(last)
}
