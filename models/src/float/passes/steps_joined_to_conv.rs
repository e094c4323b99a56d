//! Writes pixels of blocks that are joined as channels as one convolution whose weights are 0 and 1: the Focus of
//! YOLOv5 and YOLOX, the patch merging of Swin.

use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::nodes::Links;
use crate::float::ops::conv::Conv;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::chain::Chain;
use super::channels_last::channels_last;
use super::replace_each;

/// Elements of the largest selection; a larger one is no part of a network.
const LIMIT: usize = 1 << 24;

/// `Concat` of the channels of slices that take every nth row and column of one map => `Conv` with stride n; where
/// the channels are the last axis, between two `Transpose`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, joined)
}

/// Every nth row and column of a map.
struct Steps {
    x: ValueId,
    offset: [usize; 2],
    step: [usize; 2],
}

/// The slices that make `value`; `first` is the axis of the rows.
fn steps(graph: &FloatGraph, links: &Links, value: ValueId, first: usize) -> Option<Steps> {
    let mut found = Steps { x: value, offset: [0, 0], step: [1, 1] };
    while let Some(node) = links.producer(found.x).map(|id| graph.node(id))
        && let (Op::Slice(slice), &[x]) = (&node.op, &node.inputs[..])
    {
        for range in &slice.ranges {
            let axis = range.axis.checked_sub(first).filter(|&axis| axis < 2)?;
            // The index in the operand of what was found so far.
            let step = usize::try_from(range.step).ok()?;
            found.offset[axis] = range.start.checked_add(step.checked_mul(found.offset[axis])?)?;
            found.step[axis] = found.step[axis].checked_mul(step)?;
        }
        found.x = x;
    }
    (found.step != [1, 1]).then_some(found)
}

fn joined(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = graph.nodes[i].clone();
    let (Op::Concat(concat), [first, _, ..], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
        return Ok(Vec::new());
    };
    let links = graph.links();
    let last = match concat.axis {
        1 => false,
        3 => true,
        _ => return Ok(Vec::new()),
    };
    let rows = if last { 1 } else { 2 };
    let parts: Option<Vec<Steps>> =
        node.inputs.iter().map(|&part| steps(graph, &links, part, rows)).collect();
    let Some(parts) = parts else { return Ok(Vec::new()) };
    let Steps { x, step, .. } = parts[0];
    let (&[1, a, b, c], [_, out @ ..]) = (graph.shape(x), graph.shape(*first)) else { return Ok(Vec::new()) };
    let ([h, w, channels], out) =
        if last { ([a, b, c], [out[0], out[1]]) } else { ([b, c, a], [out[1], out[2]]) };
    let same = parts.iter().all(|part| part.x == x && part.step == step);
    let reach = |axis: usize| parts.iter().map(|part| part.offset[axis]).max().unwrap_or(0);
    let kernel = [reach(0) + 1, reach(1) + 1];
    let window = Window { kernel, strides: step, ..Window::POINT };
    let fits =
        same && kernel[0] <= step[0].max(1) && kernel[1] <= step[1].max(1) && graph.constant(x).is_none();
    if !fits || last != channels_last(graph, &links, x) || window.output([h, w]) != Ok(out) {
        return Ok(Vec::new());
    }
    let (area, count) = (kernel[0] * kernel[1], parts.len() * channels);
    if count.saturating_mul(channels).saturating_mul(area) > LIMIT {
        return Ok(Vec::new());
    }
    let mut weight = Tensor::full(vec![count, channels, kernel[0], kernel[1]], 0.0)?;
    for (part, steps) in parts.iter().enumerate() {
        for channel in 0..channels {
            let at = ((part * channels + channel) * channels + channel) * area;
            weight.data_mut()[at + steps.offset[0] * kernel[1] + steps.offset[1]] = 1.0;
        }
    }
    let mut chain = Chain::new(graph, &node.name);
    let weight = chain.constant("selection", weight);
    let map = if last { chain.transpose("map", x, &[0, 3, 1, 2])? } else { x };
    let pixels = chain.step("", Op::Conv(Conv { window, groups: 1 }), &[map, weight])?;
    if last {
        chain.transpose("back", pixels, &[0, 2, 3, 1])?;
    }
    Ok(chain.finish(y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::concat::Concat;
    use crate::float::ops::slice::{Range, Slice};
    use crate::float::ops::transpose::Transpose;
    use crate::float::passes::testing::Sketch;

    fn every(axis: usize, start: usize, len: usize, step: isize) -> Range {
        Range { axis, start, len, step }
    }

    #[test]
    fn focus() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 4, 6]);
        let mut parts = Vec::new();
        for (row, col) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let both = Slice { ranges: vec![every(2, row, 2, 2), every(3, col, 3, 2)] };
            let y = match col {
                0 => s.node(Op::Slice(both), &[x]),
                _ => {
                    let y = s.node(Op::Slice(Slice { ranges: vec![every(2, row, 2, 2)] }), &[x]);
                    s.node(Op::Slice(Slice { ranges: vec![every(3, col, 3, 2)] }), &[y])
                }
            };
            parts.push(y);
        }
        let y = s.node(Op::Concat(Concat { axis: 1 }), &parts);
        s.check(&[y], |graph| run(graph).inspect(|_| graph.remove_dead_nodes()), &["Conv"]);
    }

    #[test]
    fn patch_merging() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 4, 6]);
        let x = s.node(Op::Transpose(Transpose { perm: vec![0, 2, 3, 1] }), &[x]);
        let parts = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(row, col)| {
            let ranges = vec![every(1, row, 2, 2), every(2, col, 3, 2)];
            s.node(Op::Slice(Slice { ranges }), &[x])
        });
        let y = s.node(Op::Concat(Concat { axis: 3 }), &parts);
        let kinds = ["Transpose", "Transpose", "Conv", "Transpose"];
        s.check(&[y], |graph| run(graph).inspect(|_| graph.remove_dead_nodes()), &kinds);
    }

    #[test]
    fn slices_of_two_maps_stay() {
        let mut s = Sketch::new();
        let maps = [s.input(&[1, 3, 4, 4]), s.input(&[1, 3, 4, 4])];
        let parts = maps.map(|x| s.node(Op::Slice(Slice { ranges: vec![every(2, 0, 2, 2)] }), &[x]));
        let y = s.node(Op::Concat(Concat { axis: 1 }), &parts);
        assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
    }
}
