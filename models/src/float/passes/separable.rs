//! A map whose columns and rows are each weighed by a constant matrix: two linear layers.

use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::ops::linear::Linear;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::chain::Chain;

/// The nodes that replace the node at `i`, which makes a map of `x[N, C, H, W]`: `columns[OW, W]` and
/// `rows[OH, H]` are the weights.
pub fn separable(
    graph: &mut FloatGraph,
    i: usize,
    x: ValueId,
    [columns, rows]: [Tensor; 2],
) -> Result<Vec<Node>, OpError> {
    let Node { name, outputs, .. } = graph.nodes[i].clone();
    let &[y] = &outputs[..] else { return Ok(Vec::new()) };
    let mut chain = Chain::new(graph, &name);
    let mut at = x;
    for (part, weights) in [("columns", columns), ("rows", rows)] {
        let weights = chain.constant(&format!("{part}_weights"), weights);
        let product = chain.step(part, Op::Linear(Linear), &[at, weights])?;
        at = chain.transpose(&format!("{part}_turn"), product, &[0, 1, 3, 2])?;
    }
    Ok(chain.finish(y))
}
