//! Cast-13 of a float to FLOAT, lowered to Identity (integer casts are folded at import).

use super::identity::Identity;
use super::{Builder, Built, Op, OpError};
use crate::onnx::generated::tensor_proto::DataType;
use crate::onnx::reader::NodeReader;

pub(super) const BUILDERS: &[(&str, Builder)] = &[("Cast", build)];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    r.ignore("saturate");
    let to = r.int("to", 0)?;
    if to != DataType::Float as i64 {
        return Err(OpError::new(format!(
            "cast of a computed float to element type {to} is not supported (supported: 1 FLOAT)"
        )));
    }
    Ok(Built { op: Op::Identity(Identity), inputs: r.floats()? })
}
