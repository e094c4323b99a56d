//! What follows a convolution and runs in its post-processor: an addition, then bounds or a function.

use super::lower::Lowering;
use super::view::View;
use crate::float::ops::binary::Binary;
use crate::float::ops::gelu::gelu;
use crate::float::ops::unary::Unary;
use crate::float::{NodeId, Op, Operator as _, Tensor, ValueId};
use crate::integer::graph::{CodeType, Shape};

/// The tail of a convolution.
pub struct Tail {
    /// The value that the node finally computes.
    pub end: ValueId,
    /// The other operand of the addition.
    pub residual: Option<ValueId>,
    /// The value that the addition makes.
    pub sum: Option<ValueId>,
    /// Bounds of the activation.
    pub clamp: Option<(f64, f64)>,
    /// The value before the function, and the node of the function.
    pub function: Option<(ValueId, NodeId)>,
}

/// Bounds, where an operator is nothing else.
pub fn bounds(op: &Op) -> Option<(f64, f64)> {
    match op {
        Op::Unary(Unary::Relu) => Some((0.0, f64::INFINITY)),
        Op::Clip(clip) => Some((f64::from(clip.min), f64::from(clip.max))),
        _ => None,
    }
}

/// An operator of one operand as a function.
pub fn function(op: &Op, x: f64) -> Option<f64> {
    match op {
        Op::Unary(unary) => Some(f64::from(unary.apply(x as f32))),
        Op::Gelu(g) => Some(f64::from(gelu(x as f32, g.tanh))),
        Op::Clip(clip) => Some(x.max(f64::from(clip.min)).min(f64::from(clip.max))),
        Op::Function(steps) => {
            let result = steps.eval(&[&Tensor::scalar(x as f32)]).ok()?;
            result.first()?.as_scalar().map(f64::from)
        }
        _ => None,
    }
}

/// The table from codes (by their low byte) to codes; `None` where the operator is no function of one
/// operand or leaves the reals.
pub fn table(op: &Op, from: &CodeType, factor: f64, to: &CodeType) -> Option<[u8; 256]> {
    let (low, high) = from.range();
    let mut table = [0; 256];
    for code in low..=high {
        let y = function(op, from.decode(code) * factor)?;
        // The square root of a code below zero, which stands for no real that was ever seen.
        let y = if y.is_nan() { 0.0 } else { y };
        table[usize::from(code as u8)] = to.encode(y) as u8;
    }
    Some(table)
}

impl Lowering<'_> {
    /// Takes in what follows `value`; `view` and `shape` are what a residual must have.
    pub fn tail(&mut self, value: ValueId, view: &View, shape: Shape, simple: bool) -> Tail {
        let mut tail = Tail { end: value, residual: None, sum: None, clamp: None, function: None };
        while let Some(id) = self.links.sole_consumer(tail.end) {
            let node = self.float.node(id);
            if self.done[id.0] || tail.function.is_some() || tail.clamp.is_some() {
                break;
            }
            if let Some(clamp) = bounds(&node.op) {
                tail.clamp = Some(clamp);
            } else if matches!(node.op, Op::Binary(Binary::Add)) && tail.residual.is_none() && !simple {
                let other = node.inputs.iter().copied().find(|&v| v != tail.end);
                let fits = other.and_then(|v| self.places[v.0].as_ref()).is_some_and(|place| {
                    let (at, of) = view.laid_out(shape, self.layout_for(node.outputs[0], view, shape));
                    place.view == at && self.shape_of(place) == of
                });
                if !fits {
                    break;
                }
                tail.residual = other;
                tail.sum = Some(node.outputs[0]);
            } else if node.op.is_function() && !simple {
                tail.function = Some((tail.end, id));
            } else {
                break;
            }
            self.done[id.0] = true;
            tail.end = node.outputs[0];
        }
        tail
    }
}
