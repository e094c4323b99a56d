//! Writes sums that are divided by their number of elements as means.

use super::matcher::near;
use crate::float::graph::FloatGraph;
use crate::float::ops::binary::Binary;
use crate::float::ops::reduce::ReduceKind;
use crate::float::ops::reduce_mean::ReduceMean;
use crate::float::ops::{Op, OpError};

/// `ReduceSum(x) * (1 / n)` over n elements => `ReduceMean(x)`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    let links = graph.links();
    for i in 0..graph.nodes.len() {
        let (Op::Binary(Binary::Mul), &[a, b]) = (&graph.nodes[i].op, &graph.nodes[i].inputs[..]) else {
            continue;
        };
        let (sum, share) = match (graph.scalar(a), graph.scalar(b)) {
            (None, Some(share)) => (a, share),
            (Some(share), None) => (b, share),
            _ => continue,
        };
        let before = links.producer(sum).map(|id| graph.node(id));
        let Some((Op::Reduce(reduce), &[x])) = before.map(|node| (&node.op, &node.inputs[..])) else {
            continue;
        };
        let elements: usize = reduce.axes.iter().map(|&axis| graph.shape(x)[axis]).product();
        // A constant of higher rank would add dimensions.
        let same = graph.shape(sum) == graph.shape(graph.nodes[i].outputs[0]);
        if reduce.kind == ReduceKind::Sum && same && near(share, 1.0 / elements as f32) {
            let mean = ReduceMean { axes: reduce.axes.clone(), keep_dims: reduce.keep_dims };
            graph.nodes[i].op = Op::ReduceMean(mean);
            graph.nodes[i].inputs = vec![x];
            count += 1;
        }
    }
    graph.remove_dead_nodes();
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::reduce::Reduce;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn only_by_the_number_of_elements() {
        for (share, found) in [(1.0 / 6.0, true), (0.5, false)] {
            let mut s = Sketch::new();
            let x = s.input(&[2, 3, 2]);
            let sum = Reduce { kind: ReduceKind::Sum, axes: vec![1, 2], keep_dims: true };
            let y = s.node(Op::Reduce(sum), &[x]);
            let share = s.constant(&[], &[share]);
            let y = s.node(Op::Binary(Binary::Mul), &[share, y]);
            if found {
                s.check(&[y], run, &["ReduceMean"]);
            } else {
                assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
            }
        }
    }
}
