//! Permutations of codes.

use super::{Check, ensure};
use crate::integer::graph::Shape;

/// Most dimensions of a permutation: six of a float value, each in two parts.
const MAX_DIMS: usize = 12;

/// Whether dimensions and their order fit two shapes.
pub fn check(dims: &[usize], order: &[usize], from: Shape, to: Shape) -> Check {
    ensure((1..=MAX_DIMS).contains(&dims.len()), || format!("{} dimensions", dims.len()))?;
    let product = dims.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    ensure(product == Some(from.elements()) && from.elements() == to.elements(), || {
        format!("dimensions {dims:?} do not fit {from:?} and {to:?}")
    })?;
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    ensure(sorted.into_iter().eq(0..dims.len()), || {
        format!("{order:?} is no permutation of {} dimensions", dims.len())
    })
}
