//! Writes bounds as `Clip`, however they are spelled, and joins one with the next.

use crate::float::graph::{FloatGraph, ValueId};
use crate::float::ops::binary::Binary;
use crate::float::ops::clip::Clip;
use crate::float::ops::unary::Unary;
use crate::float::ops::{Op, OpError};

/// `Max(x, number)`, `Min(x, number)` => `Clip(x)`; `Clip(Clip(x))`, `Clip(Relu(x))` => `Clip(x)` where the bounds
/// leave something between them
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    // What a node stops reading had no other reader, so one look at the links is enough.
    let links = graph.links();
    for i in 0..graph.nodes.len() {
        let Some((mut x, mut clip)) = bound(graph, i) else { continue };
        let written = matches!(graph.nodes[i].op, Op::Binary(_));
        let mut joined = false;
        while let Some(before) = links.producer(x).filter(|_| links.sole_consumer(x).is_some()) {
            let Some((inner, outer)) = bound(graph, before.0) else { break };
            let both = Clip { min: clip.min.max(outer.min), max: clip.max.min(outer.max) };
            if clip.min > outer.max || clip.max < outer.min {
                break;
            }
            (x, clip, joined) = (inner, both, true);
        }
        if written || joined {
            // What is a Relu after all keeps its name.
            let relu = clip.min == 0.0 && clip.max == f32::MAX;
            graph.nodes[i].op = if relu { Op::Unary(Unary::Relu) } else { Op::Clip(clip) };
            graph.nodes[i].inputs = vec![x];
            count += 1;
        }
    }
    graph.remove_dead_nodes();
    Ok(count)
}

/// The operand and the bounds of a node that is nothing but bounds.
fn bound(graph: &FloatGraph, i: usize) -> Option<(ValueId, Clip)> {
    let node = &graph.nodes[i];
    match (&node.op, &node.inputs[..]) {
        (Op::Clip(clip), &[x]) => Some((x, clip.clone())),
        (Op::Unary(Unary::Relu), &[x]) => Some((x, Clip { min: 0.0, max: f32::MAX })),
        (Op::Binary(op @ (Binary::Max | Binary::Min)), &[a, b]) => {
            let (x, number) = match (graph.scalar(a), graph.scalar(b)) {
                (None, Some(number)) => (a, number),
                (Some(number), None) => (b, number),
                _ => return None,
            };
            let same = graph.shape(x) == graph.shape(*node.outputs.first()?);
            let (min, max) = if *op == Binary::Max { (number, f32::MAX) } else { (f32::MIN, number) };
            same.then_some((x, Clip { min, max }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn numbers_on_either_side() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 6]);
        let [zero, six] = [0.0, 0.5].map(|c| s.constant(&[], &[c]));
        let y = s.node(Op::Binary(Binary::Max), &[zero, x]);
        let z = s.node(Op::Binary(Binary::Min), &[y, six]);
        s.check(&[z], run, &["Clip"]);

        let mut s = Sketch::new();
        let x = s.input(&[1, 6]);
        let zero = s.constant(&[1], &[0.0]);
        let y = s.node(Op::Binary(Binary::Max), &[x, zero]);
        s.check(&[y], run, &["Unary"]);
    }

    #[test]
    fn a_relu_and_its_bound() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 6]);
        let y = s.node(Op::Unary(Unary::Relu), &[x]);
        let z = s.node(Op::Clip(Clip { min: -1.0, max: 1.0 }), &[y]);
        s.check(&[z], run, &["Clip"]);
        // Where another node reads it, it stays.
        let mut s = Sketch::new();
        let x = s.input(&[1, 6]);
        let y = s.node(Op::Unary(Unary::Relu), &[x]);
        let z = s.node(Op::Clip(Clip { min: -1.0, max: 1.0 }), &[y]);
        assert_eq!(run(&mut s.graph(&[y, z])).unwrap(), 0);
    }
}
