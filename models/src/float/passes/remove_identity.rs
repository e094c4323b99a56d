//! Removes Identity (also Dropout and Cast), Concat of one operand and Pad by nothing: `x -> Identity -> y` becomes `x`.
//!
//! Where y is a graph output, the maker of x makes y instead, so that the output keeps its name.

use crate::float::graph::FloatGraph;
use crate::float::ops::{Op, OpError};

/// `a -> Op -> x -> Identity -> y -> ..` => `a -> Op -> x -> ..`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    let mut i = 0;
    while i < graph.nodes.len() {
        let node = &graph.nodes[i];
        let (op, &[x], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
            i += 1;
            continue;
        };
        let same = match op {
            Op::Identity(_) | Op::Concat(_) => true,
            Op::Pad(pad) => pad.before.iter().chain(&pad.after).all(|&count| count == 0),
            _ => false,
        };
        if !same {
            i += 1;
            continue;
        }
        let links = graph.links();
        if !links.is_output(y) {
            graph.replace_uses(y, x);
        } else if let (Some(maker), false) = (links.producer(x), links.is_output(x)) {
            graph.replace_uses(x, y);
            for out in &mut graph.nodes[maker.0].outputs {
                if *out == x {
                    *out = y;
                }
            }
        } else {
            // From an input or constant, or to two outputs: nothing can take its place.
            i += 1;
            continue;
        }
        graph.nodes.bury(i);
        (count, i) = (count + 1, i + 1);
    }
    graph.remove_dead_nodes();
    Ok(count)
}

#[cfg(test)]
mod tests {
    use crate::float::ops::identity::Identity;
    use crate::float::ops::{Op, unary::Unary};
    use crate::float::passes::testing::Sketch;

    #[test]
    fn inner_and_last() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 4]);
        let a = s.node(Op::Identity(Identity), &[x]);
        let b = s.node(Op::Unary(Unary::Relu), &[a]);
        let c = s.node(Op::Identity(Identity), &[b]);
        s.check(&[c], super::run, &["Unary"]);
    }
}
