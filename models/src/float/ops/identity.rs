//! Identity-16, and Dropout-13 in inference, which is one.

use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// One operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity;

pub(super) const BUILDERS: &[OnnxOperator] = &[
    OnnxOperator::new("Dropout", &[10, 12, 13], dropout, "inference only (training_mode 0); the mask unread"),
    OnnxOperator::new("Identity", &[1, 13, 14, 16, 19, 21], identity, "tensors only"),
];

fn identity(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    Ok(Built { op: Op::Identity(Identity), inputs: r.floats()? })
}

fn dropout(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 3)?;
    r.ignore("ratio");
    r.ignore("seed");
    if r.const_ints(2)?.is_some_and(|t| t.data.iter().any(|&x| x != 0)) {
        return Err(OpError::new("training_mode is not supported; export the model in eval mode"));
    }
    Ok(Built { op: Op::Identity(Identity), inputs: vec![r.float(0)?] })
}

impl Operator for Identity {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        Ok(vec![inputs[0].to_vec()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![inputs[0].clone()])
    }

    fn eval_owned(&self, x: Tensor) -> Result<Vec<Tensor>, OpError> {
        Ok(vec![x])
    }
}
