//! Writes vectors that are joined along the last axis as sums of linear layers: the accelerator moves channels nowhere
//! but through its array.

use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::ops::binary::Binary;
use crate::float::ops::linear::Linear;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::chain::Chain;
use super::replace_each;

/// Elements of the largest selection; a larger one is no part of a network.
const LIMIT: usize = 1 << 24;

/// `Linear(Concat(a, b))` over the last axis => `Linear(a) + Linear(b)`, each with its columns of the weights;
/// `Concat(a, b)` over the last axis that others read => the same with weights 0 and 1
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let count = replace_each(graph, layers)?;
    graph.remove_dead_nodes();
    Ok(count + replace_each(graph, selections)?)
}

/// What is joined along the last axis, none of it constant.
fn joined(graph: &FloatGraph, node: &Node) -> Option<Vec<ValueId>> {
    let (Op::Concat(concat), [_, _, ..], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
        return None;
    };
    let last = concat.axis + 1 == graph.shape(y).len();
    let computed = node.inputs.iter().all(|&x| graph.constant(x).is_none());
    (last && computed).then(|| node.inputs.clone())
}

/// The layers whose sum is a layer of joined vectors.
fn layers(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = graph.nodes[i].clone();
    let (Op::Linear(_), &[x, w, ref bias @ ..], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..])
    else {
        return Ok(Vec::new());
    };
    let before = graph.links().producer(x);
    let Some(parts) = before.and_then(|before| joined(graph, graph.node(before))) else {
        return Ok(Vec::new());
    };
    let Some(weight) = graph.constant(w).cloned() else { return Ok(Vec::new()) };
    let &[n, depth] = weight.shape() else { return Ok(Vec::new()) };
    let mut from = 0;
    let mut weights = Vec::new();
    for &part in &parts {
        let own = graph.shape(part).last().copied().unwrap_or(1);
        let rows = weight.data().chunks_exact(depth.max(1));
        let columns: Vec<f32> = rows.flat_map(|row| row[from..from + own].iter().copied()).collect();
        weights.push(Tensor::new(vec![n, own], columns)?);
        from += own;
    }
    sum(graph, &node.name, &parts, weights, bias, y)
}

/// The layers whose sum is the joined vectors.
fn selections(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = graph.nodes[i].clone();
    let (Some(parts), &[y]) = (joined(graph, &node), &node.outputs[..]) else { return Ok(Vec::new()) };
    let width = graph.shape(y).last().copied().unwrap_or(1);
    let sizes: Vec<usize> = parts.iter().map(|&x| graph.shape(x).last().copied().unwrap_or(1)).collect();
    if width.saturating_mul(width) > LIMIT {
        return Ok(Vec::new());
    }
    let mut from = 0;
    let mut weights = Vec::new();
    for own in sizes {
        let mut weight = Tensor::full(vec![width, own], 0.0)?;
        (0..own).for_each(|column| weight.data_mut()[(from + column) * own + column] = 1.0);
        weights.push(weight);
        from += own;
    }
    sum(graph, &node.name, &parts, weights, &[], y)
}

/// A layer for each part, and their sum.
fn sum(
    graph: &mut FloatGraph,
    name: &str,
    parts: &[ValueId],
    weights: Vec<Tensor>,
    bias: &[ValueId],
    y: ValueId,
) -> Result<Vec<Node>, OpError> {
    let mut chain = Chain::new(graph, name);
    let mut so_far: Option<ValueId> = None;
    for (index, (&x, weight)) in parts.iter().zip(weights).enumerate() {
        let weight = chain.constant(&format!("part_{index}_weight"), weight);
        let mut inputs = vec![x, weight];
        if index == 0 {
            inputs.extend(bias);
        }
        let part = chain.step(&format!("part_{index}"), Op::Linear(Linear), &inputs)?;
        so_far = Some(match so_far {
            Some(sum) => chain.step(&format!("sum_{index}"), Op::Binary(Binary::Add), &[part, sum])?,
            None => part,
        });
    }
    Ok(chain.finish(y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::concat::Concat;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn before_a_layer_and_alone() {
        for layer in [true, false] {
            let mut s = Sketch::new();
            let parts = [2, 1, 3].map(|size| s.input(&[1, 2, size]));
            let mut y = s.node(Op::Concat(Concat { axis: 2 }), &parts);
            if layer {
                let w = s.constant(&[2, 6], &[1., -2., 3., 0.5, 4., 1., 2., 2., -1., 0.25, 3., 5.]);
                let b = s.constant(&[2], &[0.5, -1.0]);
                y = s.node(Op::Linear(Linear), &[y, w, b]);
            }
            s.check(&[y], run, &["Linear", "Linear", "Binary", "Linear", "Binary"]);
        }
    }

    #[test]
    fn rows_stay() {
        let mut s = Sketch::new();
        let parts = [2, 1].map(|size| s.input(&[1, size, 4]));
        let y = s.node(Op::Concat(Concat { axis: 1 }), &parts);
        assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
    }
}
