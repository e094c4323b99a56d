//! Joins views of views, so that the patterns behind them meet one view at most.

use crate::float::graph::{FloatGraph, ValueId};
use crate::float::ops::transpose::Transpose;
use crate::float::ops::{Op, OpError};

/// `Reshape(Reshape(x))` => `Reshape(x)`; `Transpose(Transpose(x))` => `Transpose(x)`; one that changes nothing => `x`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    // Outputs of nodes do not change here, so one look at the links is enough.
    let links = graph.links();
    let mut alias: Vec<ValueId> = (0..graph.values.len()).map(ValueId).collect();
    for i in 0..graph.nodes.len() {
        graph.nodes[i].inputs.iter_mut().for_each(|x| *x = alias[x.0]);
        let node = &graph.nodes[i];
        let (&[mut x], &[y]) = (&node.inputs[..], &node.outputs[..]) else { continue };
        let before = links.producer(x).map(|id| graph.node(id));
        let merged = match (&node.op, before.map(|node| (&node.op, &node.inputs[..]))) {
            (Op::Reshape(reshape), Some((Op::Reshape(_), &[first]))) => {
                Some((Op::Reshape(reshape.clone()), first))
            }
            (Op::Transpose(second), Some((Op::Transpose(one), &[first]))) => {
                let perm = second.perm.iter().map(|&axis| one.perm[axis]).collect();
                Some((Op::Transpose(Transpose { perm }), first))
            }
            _ => None,
        };
        if let Some((op, first)) = merged {
            (graph.nodes[i].op, graph.nodes[i].inputs, x) = (op, vec![first], first);
            count += 1;
        }
        let same = match &graph.nodes[i].op {
            Op::Reshape(_) => graph.shape(x) == graph.shape(y),
            Op::Transpose(transpose) => transpose.perm.iter().copied().eq(0..transpose.perm.len()),
            _ => false,
        };
        // An output stays a value of its own.
        if same && !links.is_output(y) {
            alias[y.0] = x;
            count += 1;
        }
    }
    graph.remove_dead_nodes();
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::reshape::Reshape;
    use crate::float::ops::unary::Unary;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn views_of_views() {
        let mut s = Sketch::new();
        let x = s.input(&[2, 3, 4]);
        let a = s.node(Op::Reshape(Reshape { shape: vec![6, 4] }), &[x]);
        let b = s.node(Op::Reshape(Reshape { shape: vec![3, 8] }), &[a]);
        let c = s.node(Op::Transpose(Transpose { perm: vec![1, 0] }), &[b]);
        let d = s.node(Op::Transpose(Transpose { perm: vec![1, 0] }), &[c]);
        let y = s.node(Op::Unary(Unary::Relu), &[d]);
        let z = s.node(Op::Unary(Unary::Relu), &[a]);
        s.check(&[y, z], run, &["Reshape", "Reshape", "Unary", "Unary"]);
    }
}
