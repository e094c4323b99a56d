//! Folding of integer tensors at import: `Shape`, and what exporters compute from it.
//!
//! Contract: [`fold`] returns `None` where a node is not integer arithmetic (the operator table takes it
//! then); results are limited to [`MAX_INTS`] elements; arithmetic is checked. One table, [`FOLDED`].

mod cast;
mod elementwise;
mod moves;
mod reduce;
mod sources;

use std::sync::Arc;

use super::constants::{Constant, IntTensor};
use super::reader::{NodeReader, Operand};
use crate::float::ops::OpError;

/// Largest integer tensor that is folded.
pub const MAX_INTS: usize = 1 << 16;

type Fold = fn(&mut NodeReader<'_>) -> Result<Option<Vec<Constant>>, OpError>;

/// An operator that import computes.
pub struct Folded {
    /// ONNX name.
    pub name: &'static str,
    /// Versions of the operator between opset 11 and 21.
    pub versions: &'static [u8],
    fold: Fold,
}

const fn folded(name: &'static str, versions: &'static [u8], fold: Fold) -> Folded {
    Folded { name, versions, fold }
}

/// What is folded here (some of them are float operators too).
pub const FOLDED: &[Folded] = &[
    folded("Abs", &[6, 13], elementwise::fold),
    folded("Add", &[7, 13, 14], elementwise::fold),
    folded("Cast", &[9, 13, 19, 21], cast::cast),
    folded("CastLike", &[15, 19, 21], cast::cast_like),
    folded("Concat", &[11, 13], moves::fold),
    folded("Constant", &[11, 12, 13, 19, 21], sources::constant),
    folded("ConstantOfShape", &[9, 20, 21], sources::constant_of_shape),
    folded("Div", &[7, 13, 14], elementwise::fold),
    folded("Equal", &[11, 13, 19], elementwise::fold),
    folded("Expand", &[8, 13], moves::fold),
    folded("Flatten", &[11, 13, 21], moves::fold),
    folded("Gather", &[11, 13], moves::fold),
    folded("Identity", &[1, 13, 14, 16, 19, 21], moves::fold),
    folded("Max", &[8, 12, 13], elementwise::fold),
    folded("Min", &[8, 12, 13], elementwise::fold),
    folded("Mod", &[10, 13], elementwise::fold),
    folded("Mul", &[7, 13, 14], elementwise::fold),
    folded("Neg", &[6, 13], elementwise::fold),
    folded("Range", &[11], sources::range),
    folded("ReduceMax", &[11, 12, 13, 18, 20], reduce::fold),
    folded("ReduceMin", &[11, 12, 13, 18, 20], reduce::fold),
    folded("ReduceProd", &[11, 13, 18], reduce::fold),
    folded("ReduceSum", &[11, 13], reduce::fold),
    folded("Reshape", &[5, 13, 14, 19, 21], moves::fold),
    folded("Shape", &[1, 13, 15, 19, 21], sources::shape),
    folded("Size", &[1, 13, 19, 21], sources::size),
    folded("Slice", &[11, 13], moves::fold),
    folded("Split", &[11, 13, 18], moves::fold),
    folded("Squeeze", &[11, 13, 21], moves::fold),
    folded("Sub", &[7, 13, 14], elementwise::fold),
    folded("Tile", &[6, 13], moves::fold),
    folded("Transpose", &[1, 13, 21], moves::fold),
    folded("Unsqueeze", &[11, 13, 21], moves::fold),
    folded("Where", &[9, 16], elementwise::fold),
];

/// Whether the operator is in the table.
#[must_use]
pub fn is_folded(name: &str) -> bool {
    FOLDED.iter().any(|f| f.name == name)
}

/// Folds the node if it is `Constant`, `Shape` or arithmetic on integer constants; one constant per result.
pub fn fold(r: &mut NodeReader<'_>) -> Result<Option<Vec<Constant>>, OpError> {
    match FOLDED.iter().find(|f| f.name == r.op_type()) {
        Some(f) => (f.fold)(r),
        None => Ok(None),
    }
}

fn one(t: IntTensor) -> Option<Vec<Constant>> {
    Some(vec![Constant::Int(Arc::new(t))])
}

fn limited(n: usize) -> Result<(), OpError> {
    if n <= MAX_INTS {
        return Ok(());
    }
    Err(OpError::new(format!("an integer tensor of {n} elements is too large (limit {MAX_INTS})")))
}

/// The integer operands from `first` on; `None` where operand `first` is float, an error where they mix.
fn integers(r: &NodeReader<'_>, first: usize, last: usize) -> Result<Option<Vec<Arc<IntTensor>>>, OpError> {
    let mut found = Vec::new();
    for i in first..last {
        match r.operand(i) {
            Some(Operand::Int(t)) => found.push(Arc::clone(t)),
            _ if found.is_empty() => return Ok(None),
            _ => return Err(OpError::new("mixes integer and float operands")),
        }
    }
    Ok((!found.is_empty()).then_some(found))
}
