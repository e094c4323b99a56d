//! Flatten-13, lowered to Reshape: `[d0 * .. * d(axis-1), d(axis) * ..]`.

use super::reshape::Reshape;
use super::{Built, OnnxOperator, Op, OpError};
use crate::onnx::reader::NodeReader;

pub(super) const BUILDERS: &[OnnxOperator] = &[OnnxOperator::new("Flatten", &[11, 13, 21], build, "")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    let axis = r.int("axis", 1)?;
    let dims = r.shape(0)?;
    let rank = dims.len() as i64;
    if !(-rank..=rank).contains(&axis) {
        return Err(OpError::new(format!("axis {axis} is not in {dims:?}")));
    }
    let axis = (if axis < 0 { axis + rank } else { axis }) as usize;
    // The operand passed the element limit, so its products cannot overflow.
    let shape = vec![dims[..axis].iter().product(), dims[axis..].iter().product()];
    Ok(Built { op: Op::Reshape(Reshape { shape }), inputs: r.floats()? })
}
