//! Moves functions of one operand before the views that they read, so that they stand behind the layer that
//! computes.

use crate::float::graph::{FloatGraph, NodeId};
use crate::float::ops::{Op, OpError};

/// `f(Transpose(x))` => `Transpose(f(x))`, and so for Reshape, where nothing else reads the view
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    for i in 0..graph.nodes.len() {
        // Through one view after the other.
        let mut at = i;
        while let Some(before) = swap(graph, at) {
            at = before;
            count += 1;
        }
    }
    Ok(count)
}

/// Exchanges the function at `i` with the view before it; the function's new index.
fn swap(graph: &mut FloatGraph, i: usize) -> Option<usize> {
    let node = &graph.nodes[i];
    let (true, &[v], &[y]) = (node.op.is_function(), &node.inputs[..], &node.outputs[..]) else {
        return None;
    };
    let links = graph.links();
    let NodeId(view) = links.producer(v).filter(|_| links.sole_consumer(v) == Some(NodeId(i)))?;
    let &[x] = &graph.nodes[view].inputs[..] else { return None };
    // A function that already stands behind a layer's first view gains nothing from an input's.
    links.producer(x)?;
    if !matches!(graph.nodes[view].op, Op::Transpose(_) | Op::Reshape(_)) {
        return None;
    }
    let shape = graph.shape(x).to_vec();
    let name = format!("{}.before_view", graph.value(y).name);
    let inner = graph.add_value(&name, shape);
    let [function, moved] = [graph.nodes[i].op.clone(), graph.nodes[view].op.clone()];
    let names = [graph.nodes[i].name.clone(), graph.nodes[view].name.clone()];
    // The function takes the view's place in the order, the view the function's.
    (graph.nodes[view].op, graph.nodes[view].name) = (function, names[0].clone());
    graph.nodes[view].outputs = vec![inner];
    (graph.nodes[i].op, graph.nodes[i].name) = (moved, names[1].clone());
    graph.nodes[i].inputs = vec![inner];
    Some(view)
}

#[cfg(test)]
mod tests {
    use crate::float::ops::transpose::Transpose;
    use crate::float::ops::{Op, unary::Unary};
    use crate::float::passes::testing::Sketch;

    #[test]
    fn behind_a_transposition() {
        let mut s = Sketch::new();
        let x = s.input(&[2, 3]);
        let r = s.node(Op::Unary(Unary::Relu), &[x]);
        let t = s.node(Op::Transpose(Transpose { perm: vec![1, 0] }), &[r]);
        let y = s.node(Op::Unary(Unary::Sigmoid), &[t]);
        s.check(&[y], super::run, &["Unary", "Unary", "Transpose"]);
    }
}
