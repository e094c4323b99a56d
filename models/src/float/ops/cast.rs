//! Cast-21 and CastLike-21 of a float to FLOAT, lowered to Identity (integer casts are folded at import).

use super::identity::Identity;
use super::{Built, OnnxOperator, Op, OpError};
use crate::onnx::generated::tensor_proto::DataType;
use crate::onnx::reader::NodeReader;

const LIMITS: &str = "computed floats to FLOAT, and to DOUBLE, which is held as f32";

pub(super) const BUILDERS: &[OnnxOperator] = &[
    OnnxOperator::new("Cast", &[9, 13, 19, 21], build, LIMITS),
    OnnxOperator::new("CastLike", &[15, 19, 21], like, LIMITS),
];

fn like(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 2)?;
    r.ignore("saturate");
    r.float(1)?;
    Ok(Built { op: Op::Identity(Identity), inputs: vec![r.float(0)?] })
}

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    r.ignore("saturate");
    let to = r.int("to", 0)?;
    // DOUBLE is held as f32, as stored tensors of that type are.
    if to != DataType::Float as i64 && to != DataType::Double as i64 {
        return Err(OpError::new(format!(
            "cast of a computed float to element type {to} is not supported (supported: 1 FLOAT, 11 DOUBLE)"
        )));
    }
    Ok(Built { op: Op::Identity(Identity), inputs: r.floats()? })
}
