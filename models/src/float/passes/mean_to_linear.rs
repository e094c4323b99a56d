//! Writes means over axes that are neither a map's pixels nor all tokens as linear layers with equal weights.

use crate::float::graph::{FloatGraph, ValueId};
use crate::float::ops::linear::Linear;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::chain::Chain;
use super::channels_last::is_map;
use super::replace_each;

/// Elements of the longest mean; the weights are stored.
const LIMIT: usize = 1 << 20;

/// `ReduceMean(x)` over other axes => `Transpose`, `Reshape`, `Linear` of one output, `Reshape`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, |graph, i| {
        let node = graph.nodes[i].clone();
        let (Op::ReduceMean(mean), &[x], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
            return Ok(Vec::new());
        };
        let (shape, to) = (graph.shape(x).to_vec(), graph.shape(y).to_vec());
        let count: usize = mean.axes.iter().map(|&axis| shape[axis]).product();
        if !(2..=LIMIT).contains(&count) || is_pooled(graph, x, &mean.axes) {
            return Ok(Vec::new());
        }
        let kept: Vec<usize> = (0..shape.len()).filter(|axis| !mean.axes.contains(axis)).collect();
        let perm: Vec<usize> = kept.iter().chain(&mean.axes).copied().collect();
        let mut rows: Vec<usize> = kept.iter().map(|&axis| shape[axis]).collect();
        rows.push(count);
        let mut chain = Chain::new(graph, &node.name);
        let weight = chain.constant("weights", Tensor::full(vec![1, count], 1.0 / count as f32)?);
        let turned = chain.transpose("turned", x, &perm)?;
        let rows = chain.reshape("rows", turned, &rows)?;
        let mean = chain.step("", Op::Linear(Linear), &[rows, weight])?;
        chain.reshape("dims", mean, &to)?;
        Ok(chain.finish(y))
    })
}

/// Whether the mean is over all tokens, or over a map's pixels: what remains is one axis, the last or the channels.
fn is_pooled(graph: &FloatGraph, x: ValueId, axes: &[usize]) -> bool {
    let shape = graph.shape(x);
    let mut left = (0..shape.len()).filter(|axis| !axes.contains(axis) && shape[*axis] > 1);
    match (left.next(), left.next()) {
        (Some(axis), None) if axis + 1 == shape.len() => true,
        (Some(1), None) => is_map(graph, &graph.links(), x),
        // One channel, or one pixel each.
        (None, _) => shape.len() == 4 && is_map(graph, &graph.links(), x),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::reduce_mean::ReduceMean;
    use crate::float::passes::testing::Sketch;

    fn sketch(shape: &[usize], axes: &[usize], keep_dims: bool) -> (Sketch, ValueId) {
        let mut s = Sketch::new();
        let x = s.input(shape);
        let y = s.node(Op::ReduceMean(ReduceMean { axes: axes.to_vec(), keep_dims }), &[x]);
        (s, y)
    }

    #[test]
    fn over_any_axes() {
        type Case = (&'static [usize], &'static [usize], bool, &'static [&'static str]);
        let cases: [Case; 4] = [
            (&[1, 3, 4, 5], &[1], true, &["Transpose", "Linear", "Reshape"]),
            (&[1, 4, 5], &[2], false, &["Linear", "Reshape"]),
            (&[3, 2, 2], &[1], true, &["Transpose", "Linear", "Reshape"]),
            (&[3, 2, 2], &[0, 1, 2], false, &["Reshape", "Linear", "Reshape"]),
        ];
        for (shape, axes, keep_dims, kinds) in cases {
            let (s, y) = sketch(shape, axes, keep_dims);
            s.check(&[y], run, kinds);
        }
    }

    #[test]
    fn pools_stay() {
        let cases: [(&[usize], &[usize]); 3] =
            [(&[1, 3, 4, 5], &[2, 3]), (&[1, 4, 5], &[1]), (&[4, 5], &[0])];
        for (shape, axes) in cases {
            let (s, y) = sketch(shape, axes, false);
            assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0, "{shape:?} {axes:?}");
        }
    }
}
