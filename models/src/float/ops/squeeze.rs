//! Squeeze-13 and Unsqueeze-13 (and 11), lowered to Reshape.

use super::axis::{squeezed, unsqueezed};
use super::reshape::Reshape;
use super::{Built, OnnxOperator, Op, OpError};
use crate::onnx::reader::NodeReader;

pub(super) const BUILDERS: &[OnnxOperator] = &[
    OnnxOperator::new("Squeeze", &[11, 13, 21], squeeze, "constant axes"),
    OnnxOperator::new("Unsqueeze", &[11, 13, 21], unsqueeze, "constant axes"),
];

fn squeeze(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 2)?;
    let axes = r.ints_from("axes", 1)?;
    let shape = squeezed(r.shape(0)?, axes.as_deref())?;
    Ok(Built { op: Op::Reshape(Reshape { shape }), inputs: vec![r.float(0)?] })
}

fn unsqueeze(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 2)?;
    let axes = r.ints_from("axes", 1)?.ok_or_else(|| OpError::new("axes are missing"))?;
    let shape = unsqueezed(r.shape(0)?, &axes)?;
    Ok(Built { op: Op::Reshape(Reshape { shape }), inputs: vec![r.float(0)?] })
}
