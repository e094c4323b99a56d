//! Which axis of a value with four axes has the channels: patterns alone cannot tell a map from tokens in rows and
//! columns.

use crate::float::graph::{FloatGraph, ValueId};
use crate::float::nodes::Links;
use crate::float::ops::Op;

/// Nodes that are looked at.
const DEPTH: usize = 64;

/// Whether the last axis of `value` is one that linear layers or LayerNorm made or read: `[1, H, W, C]`.
pub fn channels_last(graph: &FloatGraph, links: &Links, mut value: ValueId) -> bool {
    // Whether the two places were exchanged an odd number of times.
    let mut exchanged = false;
    for _ in 0..DEPTH {
        let Some(node) = links.producer(value).and_then(|id| graph.nodes.get(id.0)) else { break };
        let Some(&x) = node.inputs.iter().find(|&&x| graph.constant(x).is_none()) else { break };
        let (from, to) = (graph.shape(x), graph.shape(value));
        match &node.op {
            Op::Linear(_) | Op::MatMul(_) | Op::LayerNorm(_) => return !exchanged,
            Op::Transpose(transpose) if from.len() == to.len() && to.len() >= 3 => {
                let (last, perm) = (to.len() - 1, &transpose.perm);
                match (perm.get(1).copied(), perm.last().copied()) {
                    (_, Some(1)) => exchanged = !exchanged,
                    (Some(second), _) if second == last => exchanged = !exchanged,
                    (_, Some(end)) if end == last => {}
                    _ => break,
                }
            }
            Op::Reshape(_) if from.last() != to.last() => break,
            Op::Reshape(_) | Op::Binary(_) | Op::Identity(_) => {}
            op if op.is_function() => {}
            Op::Slice(_) | Op::Concat(_) | Op::Pad(_) | Op::Split(_) | Op::Gather(_)
                if from.len() == to.len() => {}
            _ => break,
        }
        value = x;
    }
    exchanged
}

/// Whether the channels of a value are its second axis: something that works on maps made it.
pub fn is_map(graph: &FloatGraph, links: &Links, mut value: ValueId) -> bool {
    for _ in 0..DEPTH {
        let Some(node) = links.producer(value).map(|id| graph.node(id)) else {
            return graph.shape(value).len() == 4 && graph.inputs.contains(&value);
        };
        let Some(&x) = node.inputs.iter().find(|&&x| graph.constant(x).is_none()) else { return false };
        let (from, to) = (graph.shape(x), graph.shape(value));
        match &node.op {
            Op::Conv(_) | Op::ConvTranspose(_) | Op::Pool(_) | Op::GlobalAveragePool(_) => return true,
            Op::Reshape(_) if from.len() > 1 && to.len() > 1 && from[..2] == to[..2] => {}
            Op::Unary(_) | Op::Gelu(_) | Op::Clip(_) | Op::Binary(_) | Op::Identity(_) | Op::BatchNorm(_) => {
            }
            Op::Slice(_) | Op::Concat(_) | Op::Pad(_) if from.len() == to.len() => {}
            _ => return false,
        }
        value = x;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::linear::Linear;
    use crate::float::ops::reshape::Reshape;
    use crate::float::ops::transpose::Transpose;
    use crate::float::ops::unary::Unary;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn maps_and_tokens() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 4, 3]);
        let map = s.node(Op::Unary(Unary::Relu), &[x]);
        let turned = s.node(Op::Transpose(Transpose { perm: vec![0, 2, 3, 1] }), &[map]);
        let w = s.constant(&[2, 3], &[1.0; 6]);
        let layer = s.node(Op::Linear(Linear), &[turned, w]);
        let flat = s.node(Op::Reshape(Reshape { shape: vec![1, 12, 2] }), &[layer]);
        let back = s.node(Op::Transpose(Transpose { perm: vec![0, 2, 1] }), &[flat]);
        let graph = s.graph(&[back]);
        let links = graph.links();
        let known = [x, map, turned, layer, flat, back].map(|value| channels_last(&graph, &links, value));
        assert_eq!(known, [false, false, true, true, true, false]);
    }
}
