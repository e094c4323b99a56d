//! Writes what picks, joins or orders the channels of maps as 1 x 1 convolutions, whose weights are 0 and 1.
//!
//! The accelerator moves channels nowhere but through its array.

use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::ops::binary::Binary;
use crate::float::ops::conv::Conv;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::channels_last::channels_last;
use super::replace_each;

/// Elements of the largest selection matrix; a larger one is no part of a network.
const LIMIT: usize = 1 << 24;

/// `Slice`, `Gather` or `Split` of channels of `x[1, C, H, W]` => a `Conv` for each output; `Concat` of channels
/// => a `Conv` for each operand and their sum
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, |graph, i| match graph.nodes[i].op {
        _ if !of_channels(graph, i) => Ok(Vec::new()),
        Op::Concat(ref concat) if concat.axis == 1 => joined(graph, i),
        _ => picked(graph, i),
    })
}

/// Whether the second axis of what a node reads may be the channels.
fn of_channels(graph: &FloatGraph, i: usize) -> bool {
    let known = matches!(graph.nodes[i].op, Op::Concat(_) | Op::Slice(_) | Op::Gather(_) | Op::Split(_));
    let links = known.then(|| graph.links());
    links.is_some_and(|links| !graph.nodes[i].inputs.iter().any(|&x| channels_last(graph, &links, x)))
}

/// The convolutions that pick a node's channels; none where it picks no channels.
fn picked(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = &graph.nodes[i];
    let Some(&x) = node.inputs.first() else { return Ok(Vec::new()) };
    let &[1, channels, _, _] = graph.shape(x) else { return Ok(Vec::new()) };
    let parts: Vec<Vec<usize>> = match &node.op {
        Op::Slice(slice) => match slice.ranges[..] {
            [ref range] if range.axis == 1 => {
                let at = |k: usize| range.start as isize + k as isize * range.step;
                vec![(0..range.len).map(|k| at(k).unsigned_abs()).collect()]
            }
            _ => return Ok(Vec::new()),
        },
        Op::Gather(gather) if gather.axis == 1 && gather.index_shape.len() == 1 => {
            vec![gather.indices.clone()]
        }
        Op::Split(split) if split.axis == 1 => {
            let ends = split.sizes.iter().scan(0, |end, size| {
                *end += size;
                Some((*end - size..*end).collect())
            });
            ends.collect()
        }
        _ => return Ok(Vec::new()),
    };
    let largest = parts.iter().map(Vec::len).max().unwrap_or(0);
    let constant = graph.constant(x).is_some();
    if constant || parts.len() != node.outputs.len() || largest.saturating_mul(channels) > LIMIT {
        return Ok(Vec::new());
    }
    let (name, outputs) = (node.name.clone(), node.outputs.clone());
    let mut nodes = Vec::new();
    for (part, (from, y)) in parts.into_iter().zip(outputs).enumerate() {
        let mut weight = Tensor::full(vec![from.len(), channels, 1, 1], 0.0)?;
        for (to, from) in from.into_iter().enumerate() {
            weight.data_mut()[to * channels + from] = 1.0;
        }
        nodes.push(point(graph, format!("{name}.{part}"), x, weight, y));
    }
    Ok(nodes)
}

/// The convolutions and additions that join maps.
fn joined(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = &graph.nodes[i];
    let (&[y], [_, _, ..]) = (&node.outputs[..], &node.inputs[..]) else { return Ok(Vec::new()) };
    let &[1, channels, _, _] = graph.shape(y) else { return Ok(Vec::new()) };
    let constant = node.inputs.iter().any(|&x| graph.constant(x).is_some());
    if constant || channels.saturating_mul(channels) > LIMIT {
        return Ok(Vec::new());
    }
    let (name, inputs, shape) = (node.name.clone(), node.inputs.clone(), graph.shape(y).to_vec());
    let (mut nodes, mut sum, mut before) = (Vec::new(), None, 0);
    for (part, &x) in inputs.iter().enumerate() {
        let own = graph.shape(x)[1];
        let mut weight = Tensor::full(vec![channels, own, 1, 1], 0.0)?;
        for channel in 0..own {
            weight.data_mut()[(before + channel) * own + channel] = 1.0;
        }
        before += own;
        let apart = graph.add_value(&format!("{name}.{part}"), shape.clone());
        nodes.push(point(graph, format!("{name}.{part}"), x, weight, apart));
        sum = Some(match sum {
            None => apart,
            Some(sum) => {
                let last = part + 1 == inputs.len();
                let to = if last { y } else { graph.add_value(&format!("{name}.to_{part}"), shape.clone()) };
                nodes.push(Node {
                    name: format!("{name}.sum_{part}"),
                    op: Op::Binary(Binary::Add),
                    inputs: vec![apart, sum],
                    outputs: vec![to],
                });
                to
            }
        });
    }
    Ok(nodes)
}

/// A 1 x 1 convolution.
fn point(graph: &mut FloatGraph, name: String, x: ValueId, weight: Tensor, y: ValueId) -> Node {
    let weight = graph.add_constant(&format!("{name}.selection"), weight);
    Node {
        name,
        op: Op::Conv(Conv { window: Window::POINT, groups: 1 }),
        inputs: vec![x, weight],
        outputs: vec![y],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::concat::Concat;
    use crate::float::ops::gather::Gather;
    use crate::float::ops::slice::{Range, Slice};
    use crate::float::passes::testing::Sketch;

    #[test]
    fn channels_are_picked() {
        let slice = Slice { ranges: vec![Range { axis: 1, start: 4, len: 2, step: -3 }] };
        let gather = Gather { axis: 1, indices: vec![3, 0, 0], index_shape: vec![3] };
        for op in [Op::Slice(slice), Op::Gather(gather)] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 5, 3, 2]);
            let y = s.node(op, &[x]);
            s.check(&[y], run, &["Conv"]);
        }
    }

    #[test]
    fn maps_are_joined() {
        let mut s = Sketch::new();
        let parts = [2, 3, 1].map(|channels| s.input(&[1, channels, 2, 3]));
        let y = s.node(Op::Concat(Concat { axis: 1 }), &parts);
        s.check(&[y], run, &["Conv", "Conv", "Binary", "Conv", "Binary"]);
    }

    #[test]
    fn other_axes_stay() {
        let mut s = Sketch::new();
        let parts = [2, 3].map(|rows| s.input(&[1, 2, rows, 3]));
        let y = s.node(Op::Concat(Concat { axis: 2 }), &parts);
        assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
    }
}
