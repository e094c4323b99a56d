//! Writes a softmax over any axis as one over the last axis, which the accelerator has.

use std::collections::BTreeSet;

use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::heads;
use crate::float::ops::softmax::Softmax;
use crate::float::ops::{Op, OpError};

use super::chain::Chain;
use super::replace_each;

/// `Softmax(x)` over another axis than the last => `Softmax` between two `Transpose`, or between two `Reshape` where
/// the axes behind it have one element; one at the end of the network stays
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let last = |node: &Node, axis: usize| axis + 1 == graph.shape(node.inputs[0]).len();
    if !graph.nodes.iter().any(|node| matches!(node.op, Op::Softmax(Softmax { axis }) if !last(node, axis))) {
        return Ok(0);
    }
    // What ranks classes at the end is left to the host, over whatever axis.
    let computed: BTreeSet<ValueId> =
        heads::take_off(graph).0.nodes.iter().flat_map(|node| node.outputs.clone()).collect();
    replace_each(graph, |graph, i| {
        let node = graph.nodes[i].clone();
        let (&Op::Softmax(Softmax { axis }), &[x], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..])
        else {
            return Ok(Vec::new());
        };
        let shape = graph.shape(x).to_vec();
        let last = shape.len() - 1;
        if axis == last || !computed.contains(&y) {
            return Ok(Vec::new());
        }
        let mut chain = Chain::new(graph, &node.name);
        if shape[axis + 1..].iter().all(|&size| size == 1) {
            let flat = chain.reshape("flat", x, &shape[..=axis])?;
            let own = chain.step("", Op::Softmax(Softmax { axis }), &[flat])?;
            chain.reshape("back", own, &shape)?;
        } else {
            let mut perm: Vec<usize> = (0..=last).collect();
            perm.swap(axis, last);
            let turned = chain.transpose("turned", x, &perm)?;
            let own = chain.step("", Op::Softmax(Softmax { axis: last }), &[turned])?;
            chain.transpose("back", own, &perm)?;
        }
        Ok(chain.finish(y))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::unary::Unary;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn every_axis() {
        for (shape, axis, around) in
            [(&[1, 4, 3][..], 1, "Transpose"), (&[2, 5, 1, 1], 1, "Reshape"), (&[4, 2, 3], 0, "Transpose")]
        {
            let mut s = Sketch::new();
            let x = s.input(shape);
            let y = s.node(Op::Softmax(Softmax { axis }), &[x]);
            let y = s.node(Op::Unary(Unary::Sqrt), &[y]);
            s.check(&[y], run, &[around, "Softmax", around, "Unary"]);
        }
    }

    #[test]
    fn at_the_end_it_stays() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 4, 3]);
        let x = s.node(Op::Unary(Unary::Sqrt), &[x]);
        let y = s.node(Op::Softmax(Softmax { axis: 1 }), &[x]);
        assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
    }
}
