//! Cuts a linear layer into those whose outputs are read apart: Q, K and V in one product, as most exporters write
//! attention.

use crate::float::graph::{FloatGraph, Node, NodeId, ValueId};
use crate::float::nodes::Links;
use crate::float::ops::linear::Linear;
use crate::float::ops::reshape::Reshape;
use crate::float::ops::transpose::Transpose;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::replace_each;

/// Elements of the largest output that is looked at; indices up to it are exact in floats.
const LIMIT: usize = 1 << 24;

/// `Split`, `Slice` or `Gather` of views of `Linear(x)`, where each part has some channels of all tokens => for
/// each part a `Linear` with its rows of the weights, `Reshape`, `Transpose`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let count = replace_each(graph, apart)?;
    graph.remove_dead_nodes();
    Ok(count)
}

/// The layers that give a node's outputs, and their views; none where it cuts something else.
fn apart(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    if !matches!(graph.nodes[i].op, Op::Split(_) | Op::Slice(_) | Op::Gather(_)) {
        return Ok(Vec::new());
    }
    let links = graph.links();
    let Some((linear, views)) = source(graph, &links, i) else { return Ok(Vec::new()) };
    let [x, weight, ref bias @ ..] = linear.inputs[..] else { return Ok(Vec::new()) };
    let bias = bias.first().copied();
    let shape = graph.shape(linear.outputs[0]).to_vec();
    let (Some(weight), Some(&channels)) = (graph.constant(weight).cloned(), shape.last()) else {
        return Ok(Vec::new());
    };
    let elements: usize = shape.iter().product();
    let bias_data = bias.map(|bias| graph.constant(bias).cloned());
    if elements > LIMIT || channels == 0 || matches!(bias_data, Some(None)) {
        return Ok(Vec::new());
    }
    let mut indices = Tensor::new(shape.clone(), (0..elements).map(|i| i as f32).collect())?;
    for view in views.iter().rev() {
        let Some(next) = graph.nodes[*view].op.operator().eval(&[&indices])?.pop() else {
            return Ok(Vec::new());
        };
        indices = next;
    }
    let parts = graph.nodes[i].op.operator().eval(&[&indices])?;
    let cuts: Option<Vec<Cut>> =
        parts.iter().map(|part| Cut::of(part, elements / channels, channels)).collect();
    let Some(cuts) = cuts else { return Ok(Vec::new()) };
    let (name, outputs) = (graph.nodes[i].name.clone(), graph.nodes[i].outputs.clone());
    let mut nodes = Vec::new();
    for (number, (cut, y)) in cuts.into_iter().zip(outputs).enumerate() {
        let name = format!("{name}.{number}");
        let depth = weight.shape()[1];
        let mut rows = Vec::with_capacity(cut.channels.len() * depth);
        cut.channels.iter().for_each(|&c| rows.extend_from_slice(&weight.data()[c * depth..][..depth]));
        let own = Tensor::new(vec![cut.channels.len(), depth], rows)?;
        let mut inputs = vec![x, graph.add_constant(&format!("{name}.weight"), own)];
        if let Some(Some(bias)) = &bias_data {
            let own = cut.channels.iter().map(|&c| bias.data()[c]).collect();
            let own = Tensor::new(vec![cut.channels.len()], own)?;
            inputs.push(graph.add_constant(&format!("{name}.bias"), own));
        }
        let mut narrow = shape.clone();
        narrow.pop();
        narrow.push(cut.channels.len());
        let out = graph.add_value(&format!("{name}.linear"), narrow);
        let dims = graph.add_value(&format!("{name}.dims"), cut.dims.clone());
        let step = |what: &str, op: Op, inputs: Vec<ValueId>, output: ValueId| Node {
            name: format!("{name}{what}"),
            op,
            inputs,
            outputs: vec![output],
        };
        nodes.push(step("", Op::Linear(Linear), inputs, out));
        nodes.push(step(".dims", Op::Reshape(Reshape { shape: cut.dims }), vec![out], dims));
        nodes.push(step(".order", Op::Transpose(Transpose { perm: cut.perm }), vec![dims], y));
    }
    Ok(nodes)
}

/// The layer whose output `i` reads through views, the last view first.
fn source<'a>(graph: &'a FloatGraph, links: &Links, i: usize) -> Option<(&'a Node, Vec<usize>)> {
    let (mut at, mut views) = (i, Vec::new());
    loop {
        let NodeId(before) = links.producer(*graph.nodes[at].inputs.first()?)?;
        let node = &graph.nodes[before];
        match node.op {
            Op::Linear(_) => return Some((node, views)),
            Op::Reshape(_) | Op::Transpose(_) | Op::Identity(_) => views.push(before),
            _ => return None,
        }
        at = before;
    }
}

/// Some channels of all rows of a product, in an order.
struct Cut {
    channels: Vec<usize>,
    /// Rows and channels cut into the part's dimensions, outermost first, and the order of those in the part.
    dims: Vec<usize>,
    perm: Vec<usize>,
}

impl Cut {
    /// What a part is, by where its elements lie in `rows` rows of so many channels. A part of all channels is
    /// none.
    fn of(part: &Tensor, rows: usize, channels: usize) -> Option<Cut> {
        let at: Vec<usize> = part.data().iter().map(|&x| x as usize).collect();
        // Which channels the part has, and the place of each among them.
        let mut read = vec![false; channels];
        at.iter().for_each(|i| read[i % channels] = true);
        let own: Vec<usize> = (0..channels).filter(|&c| read[c]).collect();
        let mut ranks = vec![0; channels];
        own.iter().enumerate().for_each(|(rank, &c)| ranks[c] = rank);
        let width = own.len();
        if width == channels || rows * width != at.len() {
            return None;
        }
        // Places in the product of the part's channels alone.
        let places: Vec<usize> = at.iter().map(|i| i / channels * width + ranks[i % channels]).collect();
        // The distance of neighbours along each dimension; the largest one is outermost.
        let shape = part.shape();
        let mut step = 1;
        let mut steps = vec![0; shape.len()];
        for (axis, &size) in shape.iter().enumerate().rev() {
            steps[axis] = if size > 1 { places.get(step)?.checked_sub(places[0])? } else { 0 };
            step *= size;
        }
        let mut order: Vec<usize> = (0..shape.len()).collect();
        // Dimensions of one element go first: they are no matter of order.
        order.sort_by_key(|&axis| (shape[axis] > 1, std::cmp::Reverse(steps[axis])));
        let dims: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        let mut perm = vec![0; order.len()];
        order.iter().enumerate().for_each(|(position, &axis)| perm[axis] = position);
        // Whether reshaping and transposing gives the part.
        let plain = Tensor::new(dims.clone(), (0..places.len()).map(|i| i as f32).collect()).ok()?;
        let turned =
            Op::Transpose(Transpose { perm: perm.clone() }).operator().eval(&[&plain]).ok()?.pop()?;
        let same = turned.data().iter().zip(&places).all(|(&a, &b)| a as usize == b);
        same.then_some(Cut { channels: own, dims, perm })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::gather::Gather;
    use crate::float::ops::slice::{Range, Slice};
    use crate::float::ops::split::Split;
    use crate::float::passes::testing::Sketch;

    /// A layer of 12 channels over 5 tokens, as heads: Q, K, V first.
    fn heads() -> (Sketch, ValueId, ValueId) {
        let mut s = Sketch::new();
        let x = s.input(&[1, 5, 3]);
        let weights: Vec<f32> = (0..36).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
        let w = s.constant(&[12, 3], &weights);
        let b = s.constant(&[12], &weights[..12]);
        let y = s.node(Op::Linear(Linear), &[x, w, b]);
        let cut = s.node(Op::Reshape(Reshape { shape: vec![1, 5, 3, 2, 2] }), &[y]);
        let turned = s.node(Op::Transpose(Transpose { perm: vec![2, 0, 3, 1, 4] }), &[cut]);
        (s, y, turned)
    }

    #[test]
    fn one_of_three() {
        let (mut s, _, turned) = heads();
        let parts = [0, 2].map(|index| {
            let gather = Gather { axis: 0, indices: vec![index], index_shape: vec![] };
            s.node(Op::Gather(gather), &[turned])
        });
        s.check(&parts, run, &["Linear", "Reshape", "Transpose", "Linear", "Reshape", "Transpose"]);
    }

    #[test]
    fn two_of_three_together() {
        let (mut s, _, turned) = heads();
        let slice = Slice { ranges: vec![Range { axis: 0, start: 1, len: 2, step: 1 }] };
        let part = s.node(Op::Slice(slice), &[turned]);
        s.check(&[part], run, &["Linear", "Reshape", "Transpose"]);
    }

    #[test]
    fn channels_without_views() {
        let (mut s, y, _) = heads();
        let part = s.node(Op::Split(Split { axis: 2, sizes: vec![12] }), &[y]);
        let slice = Slice { ranges: vec![Range { axis: 2, start: 3, len: 4, step: 2 }] };
        let other = s.node(Op::Slice(slice), &[y]);
        s.check(&[part, other], run, &["Linear", "Split", "Linear", "Reshape", "Transpose"]);
    }

    #[test]
    fn tokens_stay() {
        let (mut s, y, _) = heads();
        let slice = Slice { ranges: vec![Range { axis: 1, start: 0, len: 4, step: 1 }] };
        let part = s.node(Op::Slice(slice), &[y]);
        assert_eq!(run(&mut s.graph(&[part])).unwrap(), 0);
    }
}
