//! Writes slices that take every nth row or column as pools with windows of one pixel.

use crate::float::graph::{FloatGraph, Node};
use crate::float::ops::pool::{Pool, PoolKind};
use crate::float::ops::transpose::Transpose;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};

use super::channels_last::channels_last;
use super::replace_each;

/// `Slice(x[1, C, H, W])` of every nth row and column from the first on => `MaxPool`; where the channels are the last
/// axis, between two `Transpose`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, pooled)
}

fn pooled(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = &graph.nodes[i];
    let (Op::Slice(slice), &[x], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
        return Ok(Vec::new());
    };
    let (from, to) = (graph.shape(x).to_vec(), graph.shape(y).to_vec());
    if from.len() != 4 || from[0] != 1 || graph.constant(x).is_some() {
        return Ok(Vec::new());
    }
    let last = channels_last(graph, &graph.links(), x);
    let first = if last { 1 } else { 2 };
    let mut strides = [1, 1];
    for range in &slice.ranges {
        let step = usize::try_from(range.step).unwrap_or(0);
        let whole = range.start == 0 && step > 0 && range.len == from[range.axis].div_ceil(step.max(1));
        match range.axis.checked_sub(first).and_then(|axis| strides.get_mut(axis)) {
            _ if !whole => return Ok(Vec::new()),
            Some(stride) => *stride = step,
            None if step > 1 => return Ok(Vec::new()),
            None => {}
        }
    }
    if strides == [1, 1] {
        return Ok(Vec::new());
    }
    let name = node.name.clone();
    let op = Op::Pool(Pool { kind: PoolKind::Max, window: Window { strides, ..Window::POINT } });
    if !last {
        return Ok(vec![Node { name, op, inputs: vec![x], outputs: vec![y] }]);
    }
    let map = |shape: &[usize]| vec![shape[0], shape[3], shape[1], shape[2]];
    let turned = graph.add_value(&format!("{name}.map"), map(&from));
    let pooled = graph.add_value(&format!("{name}.pooled"), map(&to));
    let turn = |perm: [usize; 4]| Op::Transpose(Transpose { perm: perm.to_vec() });
    let step =
        |what: &str, op, x, y| Node { name: format!("{name}{what}"), op, inputs: vec![x], outputs: vec![y] };
    Ok(vec![
        step(".map", turn([0, 3, 1, 2]), x, turned),
        step("", op, turned, pooled),
        step(".back", turn([0, 2, 3, 1]), pooled, y),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::slice::{Range, Slice};
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
    fn channels_and_parts_stay() {
        for op in [every(1, 2, 2), every(2, 2, 2), every(3, 6, 1)] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 3, 5, 6]);
            let y = s.node(op, &[x]);
            assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
        }
    }
}
