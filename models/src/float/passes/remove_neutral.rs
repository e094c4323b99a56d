//! Removes operations with a constant that change nothing: a sum with zeros, a product with ones, a bound at infinity.

use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::ops::binary::Binary;
use crate::float::ops::identity::Identity;
use crate::float::ops::{Op, OpError};

/// `x + 0`, `x - 0`, `x * 1`, `x / 1`, `max(x, -infinity)`, `min(x, infinity)` of the result's shape => `x`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    for i in 0..graph.nodes.len() {
        if let Some(x) = kept(graph, &graph.nodes[i]) {
            let node = &mut graph.nodes[i];
            (node.op, node.inputs) = (Op::Identity(Identity), vec![x]);
            count += 1;
        }
    }
    if count > 0 {
        super::remove_identity::run(graph)?;
    }
    Ok(count)
}

/// The operand that is the result, too.
fn kept(graph: &FloatGraph, node: &Node) -> Option<ValueId> {
    let &[y] = &node.outputs[..] else { return None };
    // Codes that the model gives the result would be lost.
    if graph.grid(y).is_some() {
        return None;
    }
    let (x, neutral) = match (&node.op, &node.inputs[..]) {
        (Op::Binary(op), &[a, b]) => {
            let changes_nothing = |constant: ValueId, first: bool| {
                let tensor = graph.constant(constant)?;
                tensor.data().iter().all(|&c| is_neutral(*op, c, first)).then_some(())
            };
            match (changes_nothing(b, false), changes_nothing(a, true)) {
                (Some(()), _) => (a, true),
                (None, Some(())) => (b, true),
                (None, None) => (a, false),
            }
        }
        (Op::Clip(clip), &[x]) => (x, clip.min <= f32::MIN && clip.max >= f32::MAX),
        _ => return None,
    };
    let stays = neutral && graph.constant(x).is_none() && graph.shape(x) == graph.shape(y);
    stays.then_some(x)
}

/// Whether an operation with `constant` as its first or its second operand gives the other one.
fn is_neutral(op: Binary, constant: f32, first: bool) -> bool {
    match op {
        Binary::Add => constant == 0.0,
        Binary::Mul => constant == 1.0,
        Binary::Sub => constant == 0.0 && !first,
        Binary::Div => constant == 1.0 && !first,
        Binary::Max => constant <= f32::MIN,
        Binary::Min => constant >= f32::MAX,
        Binary::PRelu | Binary::Pow => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::unary::Unary;
    use crate::float::passes::testing::Sketch;

    fn kinds(op: Binary, shape: &[usize], data: &[f32], swapped: bool, expected: &[&str]) {
        let mut s = Sketch::new();
        let x = s.input(&[2, 3]);
        let a = s.node(Op::Unary(Unary::Sin), &[x]);
        let c = s.constant(shape, data);
        let y = s.node(Op::Binary(op), &if swapped { [c, a] } else { [a, c] });
        let z = s.node(Op::Unary(Unary::Relu), &[y]);
        let (mut graph, kinds) = (s.graph(&[z]), expected.to_vec());
        run(&mut graph).unwrap();
        let left: Vec<&str> = graph.nodes.iter().map(|node| node.op.kind()).collect();
        assert_eq!(left, kinds, "{op:?} {data:?}");
    }

    #[test]
    fn what_changes_nothing_goes() {
        let gone = &["Unary", "Unary"];
        kinds(Binary::Add, &[3], &[0.0, -0.0, 0.0], false, gone);
        kinds(Binary::Add, &[], &[0.0], true, gone);
        kinds(Binary::Sub, &[1], &[0.0], false, gone);
        kinds(Binary::Mul, &[2, 1], &[1.0, 1.0], true, gone);
        kinds(Binary::Div, &[], &[1.0], false, gone);
        kinds(Binary::Max, &[], &[f32::MIN], false, gone);
        kinds(Binary::Min, &[], &[f32::MAX], true, gone);
    }

    #[test]
    fn what_changes_something_stays() {
        let stays = &["Unary", "Binary", "Unary"];
        kinds(Binary::Add, &[3], &[0.0, 0.0, 1e-6], false, stays);
        kinds(Binary::Sub, &[1], &[0.0], true, stays);
        kinds(Binary::Div, &[], &[1.0], true, stays);
        kinds(Binary::Max, &[], &[f32::MAX], false, stays);
        // A further dimension.
        kinds(Binary::Add, &[1, 1, 1], &[0.0], false, stays);
    }

    #[test]
    fn bounds_at_infinity() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 4]);
        let clip = crate::float::ops::clip::Clip { min: f32::NEG_INFINITY, max: f32::MAX };
        let y = s.node(Op::Clip(clip), &[x]);
        let z = s.node(Op::Unary(Unary::Relu), &[y]);
        s.check(&[z], run, &["Unary"]);
    }
}
