//! Writes what picks elements along an axis, where no copy of rows can, as a linear layer whose weights are 0 and 1.

use crate::float::graph::{FloatGraph, Node};
use crate::float::ops::linear::Linear;
use crate::float::ops::slice::{Range, Slice};
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::chain::Chain;
use super::replace_each;

/// Elements of the largest selection; a larger one is no part of a network.
const LIMIT: usize = 1 << 24;

/// `Slice`, `Gather` or `Split` of the last axis, or in another order than the axis has => `Transpose`, `Linear`,
/// `Transpose`; `Split` of another axis => a `Slice` for each part
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, picked)
}

/// What one output has of an axis.
struct Pick {
    axis: usize,
    indices: Vec<usize>,
}

fn picked(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = graph.nodes[i].clone();
    let (&[x], [_, ..]) = (&node.inputs[..], &node.outputs[..]) else { return Ok(Vec::new()) };
    let shape = graph.shape(x).to_vec();
    let (picks, split) = match &node.op {
        Op::Slice(slice) => match &slice.ranges[..] {
            [range] => {
                let at = |k: usize| (range.start as isize + k as isize * range.step).unsigned_abs();
                (vec![Pick { axis: range.axis, indices: (0..range.len).map(at).collect() }], false)
            }
            _ => return Ok(Vec::new()),
        },
        Op::Gather(gather) => (vec![Pick { axis: gather.axis, indices: gather.indices.clone() }], false),
        Op::Split(split) => {
            let ends = split.sizes.iter().scan(0, |end, &size| {
                *end += size;
                Some(Pick { axis: split.axis, indices: (*end - size..*end).collect() })
            });
            (ends.collect(), true)
        }
        _ => return Ok(Vec::new()),
    };
    let is_run = |pick: &Pick| pick.indices.windows(2).all(|pair| pair[0] + 1 == pair[1]);
    let last = shape.len().saturating_sub(1);
    // Runs of rows are copied as they are; indices of several axes cut them.
    let stays =
        |pick: &Pick| !split && is_run(pick) && (pick.axis != last || pick.indices.len() == shape[last]);
    let large = |pick: &Pick| pick.indices.len().saturating_mul(shape[pick.axis]) > LIMIT;
    let several = matches!(&node.op, Op::Gather(gather) if gather.index_shape.len() > 1);
    let left = picks.iter().any(|pick| (stays(pick) && !several) || large(pick) || pick.indices.is_empty());
    if left || graph.constant(x).is_some() || shape.is_empty() {
        return Ok(Vec::new());
    }
    let mut nodes = Vec::new();
    for (part, (pick, &y)) in picks.into_iter().zip(&node.outputs).enumerate() {
        let name = if split { format!("{}.{part}", node.name) } else { node.name.clone() };
        let to = graph.shape(y).to_vec();
        let mut chain = Chain::new(graph, &name);
        let Pick { axis, indices } = pick;
        if axis != last && indices.windows(2).all(|pair| pair[0] + 1 == pair[1]) {
            let ranges = vec![Range { axis, start: indices[0], len: indices.len(), step: 1 }];
            let run = chain.step("", Op::Slice(Slice { ranges }), &[x])?;
            chain.reshape("dims", run, &to)?;
        } else {
            let mut weight = Tensor::full(vec![indices.len(), shape[axis]], 0.0)?;
            for (row, &index) in weight.data_mut().chunks_exact_mut(shape[axis]).zip(&indices) {
                row[index] = 1.0;
            }
            let weight = chain.constant("selection", weight);
            let mut perm: Vec<usize> = (0..=last).collect();
            perm.swap(axis, last);
            let turned = chain.transpose("turned", x, &perm)?;
            let chosen = chain.step("", Op::Linear(Linear), &[turned, weight])?;
            let back = chain.transpose("back", chosen, &perm)?;
            chain.reshape("dims", back, &to)?;
        }
        nodes.extend(chain.finish(y));
    }
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::gather::Gather;
    use crate::float::ops::split::Split;
    use crate::float::passes::testing::Sketch;

    fn slice(axis: usize, start: usize, len: usize, step: isize) -> Op {
        Op::Slice(Slice { ranges: vec![Range { axis, start, len, step }] })
    }

    fn gather(axis: usize, indices: &[usize], index_shape: &[usize]) -> Op {
        Op::Gather(Gather { axis, indices: indices.to_vec(), index_shape: index_shape.to_vec() })
    }

    #[test]
    fn of_any_axis() {
        let around = &["Transpose", "Linear", "Transpose"][..];
        let cases = [
            (slice(2, 1, 2, 1), &["Linear"][..]),
            (slice(2, 3, 2, -2), &["Linear"]),
            (slice(1, 2, 3, -1), around),
            (gather(1, &[2, 0, 0], &[3]), around),
            (gather(2, &[3], &[]), &["Linear", "Reshape"]),
            (gather(1, &[0, 1, 1, 2], &[2, 2]), &["Transpose", "Linear", "Transpose", "Reshape"]),
            (gather(1, &[0, 1], &[2, 1]), &["Slice", "Reshape"]),
        ];
        for (op, kinds) in cases {
            let mut s = Sketch::new();
            let x = s.input(&[2, 3, 4]);
            let y = s.node(op, &[x]);
            s.check(&[y], run, kinds);
        }
    }

    #[test]
    fn parts() {
        let mut graph = FloatGraph::default();
        let x = graph.add_value("x", vec![1, 3, 4]);
        let parts = [1, 2].map(|size| graph.add_value("y", vec![1, size, 4]));
        graph.inputs.push(x);
        graph.outputs = parts.to_vec();
        let op = Op::Split(Split { axis: 1, sizes: vec![1, 2] });
        graph.nodes.push(Node { name: "n".to_owned(), op, inputs: vec![x], outputs: parts.to_vec() });
        assert_eq!(run(&mut graph).unwrap(), 1);
        graph.validate().unwrap();
        let kinds: Vec<&str> = graph.nodes.iter().map(|node| node.op.kind()).collect();
        assert_eq!(kinds, ["Slice", "Slice"]);
    }

    #[test]
    fn runs_of_rows_stay() {
        for op in [slice(1, 1, 2, 1), gather(1, &[1, 2], &[2])] {
            let mut s = Sketch::new();
            let x = s.input(&[2, 3, 4]);
            let y = s.node(op, &[x]);
            assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
        }
    }
}
