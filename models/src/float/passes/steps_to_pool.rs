//! Writes slices that take every nth row or column as pools with windows of one pixel, or as convolutions.

use crate::float::graph::{FloatGraph, Node};
use crate::float::ops::conv::Conv;
use crate::float::ops::pool::{Pool, PoolKind};
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::chain::Chain;
use super::channels_last::channels_last;
use super::replace_each;

/// `Slice(x[1, C, H, W])` of every nth row and column from the first on => `MaxPool`; from another one on => depthwise
/// `Conv` whose one weight above 0 is at the end of its window; where the channels are the last axis, between two
/// `Transpose`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, pooled)
}

fn pooled(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = &graph.nodes[i];
    let (Op::Slice(slice), &[x], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
        return Ok(Vec::new());
    };
    let from = graph.shape(x).to_vec();
    if from.len() != 4 || from[0] != 1 || graph.constant(x).is_some() {
        return Ok(Vec::new());
    }
    let last = channels_last(graph, &graph.links(), x);
    let first = if last { 1 } else { 2 };
    let mut window = Window::POINT;
    for range in &slice.ranges {
        let step = usize::try_from(range.step).unwrap_or(0);
        let rest = from[range.axis] - range.start;
        let whole = step > 0 && range.start < step && range.len == rest.div_ceil(step.max(1));
        match range.axis.checked_sub(first).filter(|&axis| whole && axis < 2) {
            Some(axis) => (window.strides[axis], window.kernel[axis]) = (step, range.start + 1),
            None => return Ok(Vec::new()),
        }
    }
    if window.strides == [1, 1] {
        return Ok(Vec::new());
    }
    let name = node.name.clone();
    let channels = if last { from[3] } else { from[1] };
    let mut chain = Chain::new(graph, &name);
    let map = if last { chain.transpose("map", x, &[0, 3, 1, 2])? } else { x };
    let pixels = if window.kernel == [1, 1] {
        chain.step("", Op::Pool(Pool { kind: PoolKind::Max, window }), &[map])?
    } else {
        let [rows, cols] = window.kernel;
        let mut weight = Tensor::full(vec![channels, 1, rows, cols], 0.0)?;
        weight.data_mut().chunks_exact_mut(rows * cols).for_each(|taps| taps[rows * cols - 1] = 1.0);
        let weight = chain.constant("selection", weight);
        chain.step("", Op::Conv(Conv { window, groups: channels }), &[map, weight])?
    };
    if last {
        chain.transpose("back", pixels, &[0, 2, 3, 1])?;
    }
    Ok(chain.finish(y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::slice::{Range, Slice};
    use crate::float::ops::transpose::Transpose;
    use crate::float::passes::testing::Sketch;

    fn every(axis: usize, len: usize, step: isize) -> Op {
        Op::Slice(Slice { ranges: vec![Range { axis, start: 0, len, step }] })
    }

    #[test]
    fn rows_and_columns() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 5, 6]);
        let y = s.node(every(2, 3, 2), &[x]);
        let y = s.node(every(3, 2, 3), &[y]);
        s.check(&[y], run, &["Pool", "Pool"]);

        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 5, 6]);
        let turned = s.node(Op::Transpose(Transpose { perm: vec![0, 2, 3, 1] }), &[x]);
        let y = s.node(every(1, 3, 2), &[turned]);
        s.check(&[y], run, &["Transpose", "Transpose", "Pool", "Transpose"]);
    }

    #[test]
    fn from_another_than_the_first_on() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 6, 6]);
        let ranges =
            vec![Range { axis: 2, start: 1, len: 3, step: 2 }, Range { axis: 3, start: 2, len: 2, step: 3 }];
        let y = s.node(Op::Slice(Slice { ranges }), &[x]);
        s.check(&[y], run, &["Conv"]);
    }

    #[test]
    fn channels_and_parts_stay() {
        for op in [every(1, 2, 2), every(2, 2, 2), every(3, 6, 1)] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 3, 5, 6]);
            let y = s.node(op, &[x]);
            assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
        }
    }
}
