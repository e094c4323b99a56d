//! Makes one function of nodes that compute with one value alone, element by element.
//!
//! The accelerator looks up any function of one operand in a table. So it does not matter how one is written:
//! GELU, SiLU, Mish in every form, with constants as they were rounded, with bounds that come from codes. The
//! passes before give names to those that have one.

use std::collections::BTreeSet;

use crate::float::graph::{FloatGraph, NodeId, ValueId};
use crate::float::nodes::Links;
use crate::float::ops::function::{Function, Source, Step};
use crate::float::ops::{Op, OpError};

/// Longest function that is looked for.
const MAX_STEPS: usize = 32;

/// Elementwise nodes between `x` and an operator of two computed operands, all constants being numbers =>
/// `Function(x)`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    // The last node of a function first: shorter ones are a part of it.
    for i in (0..graph.nodes.len()).rev() {
        let links = graph.links();
        let Some((x, nodes)) = region(graph, &links, i) else { continue };
        let steps = nodes.iter().map(|&node| step(graph, &links, &nodes, node)).collect();
        graph.nodes[i].op = Op::Function(Function { steps });
        graph.nodes[i].inputs = vec![x];
        count += 1;
    }
    graph.remove_dead_nodes();
    Ok(count)
}

/// The one value that all nodes of a region read, and the region's nodes in order, if `last` computes with two
/// values that both come from it.
fn region(graph: &FloatGraph, links: &Links, last: usize) -> Option<(ValueId, Vec<usize>)> {
    let (node, &[y]) = (&graph.nodes[last], &graph.nodes[last].outputs[..]) else { return None };
    let computed = node.inputs.iter().filter(|&&v| graph.constant(v).is_none()).count();
    if !matches!(node.op, Op::Binary(_)) || computed < 2 {
        return None;
    }
    let shape = graph.shape(y);
    // Values that are read and not yet explained, by the node that makes them.
    let mut open = BTreeSet::from([(Some(NodeId(last)), y)]);
    let mut nodes = Vec::new();
    while let Some((maker, value)) = open.pop_last() {
        if open.is_empty() && !nodes.is_empty() {
            nodes.reverse();
            return Some((value, nodes));
        }
        // The latest of several values: none of the others can come from it, so it must come from them.
        let NodeId(maker) = maker?;
        let node = &graph.nodes[maker];
        let fits = node.op.is_elementwise() && graph.shape(value) == shape && nodes.len() < MAX_STEPS;
        if !fits {
            return None;
        }
        for &operand in &node.inputs {
            if graph.constant(operand).is_none() {
                open.insert((links.producer(operand), operand));
            } else {
                graph.scalar(operand)?;
            }
        }
        nodes.push(maker);
    }
    None
}

/// A node as a step of a region.
fn step(graph: &FloatGraph, links: &Links, nodes: &[usize], at: usize) -> Step {
    let node = &graph.nodes[at];
    let source = |&operand: &ValueId| {
        let made = links.producer(operand).and_then(|id| nodes.iter().position(|&node| node == id.0));
        match (graph.scalar(operand), made) {
            (Some(number), _) => Source::Number(number),
            (None, Some(step)) => Source::Step(step),
            (None, None) => Source::Operand,
        }
    };
    Step { op: node.op.clone(), operands: node.inputs.iter().map(source).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::binary::Binary;
    use crate::float::ops::unary::Unary;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn a_quick_gelu_with_a_rounded_constant() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 4]);
        let c = s.constant(&[1], &[1.7]);
        let u = s.node(Op::Binary(Binary::Mul), &[c, x]);
        let g = s.node(Op::Unary(Unary::Sigmoid), &[u]);
        let y = s.node(Op::Binary(Binary::Mul), &[x, g]);
        s.check(&[y], run, &["Function"]);
    }

    #[test]
    fn a_value_times_itself_and_a_quotient() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 4]);
        let square = s.node(Op::Binary(Binary::Mul), &[x, x]);
        let one = s.constant(&[], &[1.0]);
        let sum = s.node(Op::Binary(Binary::Add), &[square, one]);
        let y = s.node(Op::Binary(Binary::Div), &[x, sum]);
        s.check(&[y], run, &["Function"]);
    }

    #[test]
    fn two_operands_stay() {
        let mut s = Sketch::new();
        let (x, z) = (s.input(&[1, 4]), s.constant(&[4], &[1., 2., 3., 4.]));
        // A constant that is no number, and a sum of two values that come from nothing in common but by it.
        let scaled = s.node(Op::Binary(Binary::Mul), &[x, z]);
        let gate = s.node(Op::Unary(Unary::Sigmoid), &[scaled]);
        let y = s.node(Op::Binary(Binary::Add), &[x, gate]);
        let mut graph = s.graph(&[y]);
        assert_eq!(run(&mut graph).unwrap(), 0);
        assert_eq!(graph.nodes.len(), 3);
    }
}
