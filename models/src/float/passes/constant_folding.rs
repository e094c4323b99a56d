//! Computes what depends on constants alone.

use crate::float::graph::FloatGraph;
use crate::float::ops::OpError;
use crate::float::tensor::{Tensor, element_count};
use std::sync::Arc;

/// Larger results stay computed, so that a small file cannot demand a huge constant.
const MAX_FOLDED: usize = 1 << 26;

/// `constants -> Op -> y` => constant y
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    let mut i = 0;
    while i < graph.nodes.len() {
        let node = &graph.nodes[i];
        let constants: Option<Vec<Arc<Tensor>>> =
            node.inputs.iter().map(|&v| graph.constant(v).cloned()).collect();
        let fits = |&v| element_count(graph.shape(v)).is_ok_and(|n| n <= MAX_FOLDED);
        let Some(constants) = constants.filter(|_| node.outputs.iter().all(fits)) else {
            i += 1;
            continue;
        };
        let operands: Vec<&Tensor> = constants.iter().map(Arc::as_ref).collect();
        graph.infer(node)?;
        let results = node.op.operator().eval(&operands)?;
        if results.iter().any(|t| t.data().iter().any(|x| !x.is_finite())) {
            i += 1;
            continue;
        }
        let outputs = graph.nodes.bury(i).outputs;
        for (v, t) in outputs.into_iter().zip(results) {
            graph.values[v.0].constant = Some(Arc::new(t));
        }
        (count, i) = (count + 1, i + 1);
    }
    graph.remove_dead_nodes();
    Ok(count)
}

#[cfg(test)]
mod tests {
    use crate::float::ops::{Op, binary::Binary, unary::Unary};
    use crate::float::passes::testing::Sketch;

    #[test]
    fn a_chain_of_constants() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 4]);
        let c = s.constant(&[4], &[1., 2., 3., 4.]);
        let d = s.node(Op::Unary(Unary::Sqrt), &[c]);
        let e = s.node(Op::Binary(Binary::Mul), &[d, c]);
        let y = s.node(Op::Binary(Binary::Add), &[x, e]);
        s.check(&[y], super::run, &["Binary"]);
    }
}
