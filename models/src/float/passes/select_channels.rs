//! Makes a convolution of zeros around a map, and of a shortcut that skips pixels and adds empty channels (ResNet's
//! option A).

use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::ops::conv::Conv;
use crate::float::ops::slice::Slice;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// Elements of the largest selection matrix; a larger one is no shortcut of a network.
const LIMIT: usize = 1 << 24;

/// `Pad(x)` or `Pad(Slice(x))`: zeros around a map, or channels of zeros around one of which every nth row and
/// column is taken => 1 x 1 `Conv` with that padding or stride, whose weights select
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    for i in 0..graph.nodes.len() {
        let Some((x, window, before)) = find(graph, &graph.nodes[i]) else { continue };
        let (from, to) = (graph.shape(x)[1], graph.shape(graph.nodes[i].outputs[0])[1]);
        if from.checked_mul(to).is_none_or(|elements| elements > LIMIT) {
            continue;
        }
        let mut weight = Tensor::full(vec![to, from, 1, 1], 0.0)?;
        for channel in 0..from {
            weight.data_mut()[(before + channel) * from + channel] = 1.0;
        }
        let name = format!("{}.selection", graph.nodes[i].name);
        let weight = graph.add_constant(&name, weight);
        graph.nodes[i].op = Op::Conv(Conv { window, groups: 1 });
        graph.nodes[i].inputs = vec![x, weight];
        count += 1;
    }
    graph.remove_dead_nodes();
    Ok(count)
}

/// The map that is read, the window and the number of channels put before it.
fn find(graph: &FloatGraph, node: &Node) -> Option<(ValueId, Window, usize)> {
    let (Op::Pad(pad), &[mut x]) = (&node.op, &node.inputs[..]) else { return None };
    let (&[0, before, top, left], &[0, _, bottom, right]) = (&pad.before[..], &pad.after[..]) else {
        return None;
    };
    let mut window = Window { pads: [top, left, bottom, right], ..Window::POINT };
    // Some exporters cut one axis at a time.
    while let Some((op, input)) = slice_of(graph, x).filter(|_| window.pads == [0; 4]) {
        let steps = steps(op, graph.shape(input))?;
        let strides = window.strides;
        window.strides = [strides[0].checked_mul(steps[0])?, strides[1].checked_mul(steps[1])?];
        x = input;
    }
    (pad.value == 0.0 && matches!(graph.shape(x), [1, ..])).then_some((x, window, before))
}

/// The slice that makes `value`, and its operand.
fn slice_of(graph: &FloatGraph, value: ValueId) -> Option<(&Slice, ValueId)> {
    let node = graph.node(graph.links().producer(value)?);
    match node.op {
        Op::Slice(ref slice) => Some((slice, *node.inputs.first()?)),
        _ => None,
    }
}

/// Steps of rows and columns, where both start with the first and end where a stride would.
fn steps(slice: &Slice, shape: &[usize]) -> Option<[usize; 2]> {
    let mut steps = [1, 1];
    for range in &slice.ranges {
        let step = usize::try_from(range.step).ok()?;
        let whole = range.start == 0 && range.len == shape.get(range.axis)?.div_ceil(step);
        match range.axis {
            _ if !whole => return None,
            2 | 3 => steps[range.axis - 2] = step,
            _ if step > 1 => return None,
            _ => {}
        }
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::pad::Pad;
    use crate::float::ops::slice::Range;
    use crate::float::passes::testing::Sketch;

    fn slice(ranges: &[(usize, usize, usize, isize)]) -> Op {
        let ranges = ranges.iter().map(|&(axis, start, len, step)| Range { axis, start, len, step });
        Op::Slice(Slice { ranges: ranges.collect() })
    }

    fn pad(before: [usize; 4], after: [usize; 4], value: f32) -> Op {
        Op::Pad(Pad { before: before.to_vec(), after: after.to_vec(), value })
    }

    #[test]
    fn shortcuts() {
        let channels = || pad([0, 2, 0, 0], [0, 1, 0, 0], 0.0);
        let together = [slice(&[(2, 0, 4, 2), (3, 0, 2, 3)])];
        let apart = [slice(&[(1, 0, 3, 1), (2, 0, 4, 2)]), slice(&[(3, 0, 3, 2)])];
        for cuts in [&together[..], &apart[..], &[]] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 3, 7, 6]);
            let cut = cuts.iter().fold(x, |x, op| s.node(op.clone(), &[x]));
            let y = s.node(channels(), &[cut]);
            s.check(&[y], run, &["Conv"]);
        }
    }

    #[test]
    fn zeros_around() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 4, 4]);
        let cut = s.node(slice(&[(2, 0, 2, 2)]), &[x]);
        let y = s.node(pad([0, 1, 2, 0], [0, 0, 1, 3], 0.0), &[cut]);
        s.check(&[y], run, &["Slice", "Conv"]);
    }

    #[test]
    fn a_slice_with_other_readers_stays() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 4, 4]);
        let cut = s.node(slice(&[(2, 0, 2, 2), (3, 0, 2, 2)]), &[x]);
        let y = s.node(pad([0; 4], [0, 3, 0, 0], 0.0), &[cut]);
        s.check(&[cut, y], run, &["Slice", "Conv"]);
    }

    #[test]
    fn what_a_stride_cannot_say_stays() {
        let channels = pad([0; 4], [0, 3, 0, 0], 0.0);
        let cases = [
            (slice(&[(2, 1, 2, 2)]), channels.clone()),
            (slice(&[(2, 0, 2, 1)]), channels.clone()),
            (slice(&[(1, 0, 2, 2)]), channels.clone()),
            (slice(&[(3, 3, 4, -1)]), channels),
            (slice(&[(2, 0, 2, 2)]), pad([0; 4], [0, 3, 0, 0], 1.0)),
        ];
        for (cut, pad) in cases {
            let mut graph = FloatGraph::default();
            let mut x = graph.add_value("x", vec![1, 3, 4, 4]);
            graph.inputs.push(x);
            for op in [cut, pad] {
                let mut node = Node { name: "n".to_owned(), op, inputs: vec![x], outputs: vec![] };
                let shape = graph.infer(&node).unwrap().remove(0);
                x = graph.add_value("y", shape);
                node.outputs.push(x);
                graph.nodes.push(node);
            }
            graph.outputs.push(x);
            graph.validate().unwrap();
            assert_eq!(run(&mut graph).unwrap(), 0, "{}", graph.to_text());
        }
    }
}
