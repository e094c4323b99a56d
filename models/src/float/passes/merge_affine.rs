//! Joins products with, and sums of, constants per channel of a map into one depthwise convolution, and that into the
//! convolution behind it: normalization of the image inside the model, `(x / 255 - mean) / std`.

use crate::float::graph::{FloatGraph, NodeId, ValueId};
use crate::float::nodes::Links;
use crate::float::ops::binary::Binary;
use crate::float::ops::conv::Conv;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::fold_channel_affine::is_per_channel;

/// Two or more of `x * f`, `x + o`, `x - o`, `o - x` in a row, with f and o of shape `[C, 1, 1]` up to leading ones or
/// numbers, a sum among them => depthwise 1 x 1 `Conv`; `Conv(depthwise 1 x 1 Conv(x))` => `Conv(x)`, where the padding
/// is none or the inner one adds nothing
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    Ok(join(graph)? + fold(graph)?)
}

/// `x * factor + offset`, channel by channel.
struct Affine {
    factor: Vec<f32>,
    offset: Vec<f32>,
}

/// The operand and the function of a node that is one of those above.
fn affine(graph: &FloatGraph, i: usize) -> Option<(ValueId, Affine, bool)> {
    let node = &graph.nodes[i];
    let (&Op::Binary(op), &[a, b], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
        return None;
    };
    let (x, constant, constant_first) = match (graph.constant(a), graph.constant(b)) {
        (None, Some(c)) => (a, c, false),
        (Some(c), None) => (b, c, true),
        _ => return None,
    };
    let (&[1, channels, _, _], true) = (graph.shape(x), graph.shape(x) == graph.shape(y)) else {
        return None;
    };
    let constant = match constant.as_scalar() {
        Some(number) => vec![number; channels],
        None if is_per_channel(constant.shape(), channels) => constant.data().to_vec(),
        None => return None,
    };
    let same = |value: f32| vec![value; channels];
    let (factor, offset) = match (op, constant_first) {
        (Binary::Mul, _) => (constant, same(0.0)),
        (Binary::Add, _) => (same(1.0), constant),
        (Binary::Sub, false) => (same(1.0), constant.iter().map(|c| -c).collect()),
        (Binary::Sub, true) => (same(-1.0), constant),
        _ => return None,
    };
    Some((x, Affine { factor, offset }, op != Binary::Mul))
}

/// Makes convolutions of runs of functions.
fn join(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    let links = graph.links();
    let mut taken = vec![false; graph.nodes.len()];
    for first in 0..graph.nodes.len() {
        let Some((x, mut whole, mut sums)) = affine(graph, first).filter(|_| !taken[first]) else { continue };
        let (mut last, mut length) = (first, 1);
        while let Some(NodeId(next)) = links.sole_consumer(graph.nodes[last].outputs[0]) {
            let Some((_, then, sum)) = affine(graph, next) else { break };
            for c in 0..whole.factor.len() {
                whole.offset[c] = whole.offset[c] * then.factor[c] + then.offset[c];
                whole.factor[c] *= then.factor[c];
            }
            (last, length, sums) = (next, length + 1, sums || sum);
            taken[next] = true;
        }
        let finite = whole.factor.iter().chain(&whole.offset).all(|x| x.is_finite());
        if length < 2 || !sums || !finite {
            continue;
        }
        let (name, channels) = (graph.nodes[last].name.clone(), whole.factor.len());
        let weight = graph
            .add_constant(&format!("{name}.factor"), Tensor::new(vec![channels, 1, 1, 1], whole.factor)?);
        let bias = graph.add_constant(&format!("{name}.offset"), Tensor::new(vec![channels], whole.offset)?);
        graph.nodes[last].op = Op::Conv(Conv { window: Window::POINT, groups: channels });
        graph.nodes[last].inputs = vec![x, weight, bias];
        count += 1;
    }
    graph.remove_dead_nodes();
    Ok(count)
}

/// Takes depthwise convolutions of one pixel into the convolutions that alone read them.
fn fold(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    let links = graph.links();
    for i in 0..graph.nodes.len() {
        let Some((x, inner)) = inner(graph, &links, i) else { continue };
        let (Op::Conv(conv), &[_, w, ref bias @ ..]) = (&graph.nodes[i].op, &graph.nodes[i].inputs[..])
        else {
            continue;
        };
        let bias = bias.first().map(|&b| graph.constant(b).cloned());
        let padded = conv.window.pads != [0; 4] && inner.offset.iter().any(|&o| o != 0.0);
        // Weights with codes of their own stay as they are.
        let stays = padded || graph.grid(w).is_some() || matches!(bias, Some(None));
        let (Some(weight), false) = (graph.constant(w), stays) else {
            continue;
        };
        let &[n, depth, ..] = weight.shape() else { continue };
        let (groups, taps) = (conv.groups.max(1), weight.len() / (n * depth).max(1));
        let mut weight = Tensor::clone(weight);
        let mut shifted = bias.flatten().map_or_else(|| vec![0.0; n], |b| b.data().to_vec());
        for (out, rows) in weight.data_mut().chunks_exact_mut((depth * taps).max(1)).enumerate() {
            for (channel, row) in rows.chunks_exact_mut(taps.max(1)).enumerate() {
                let from = out / (n / groups).max(1) * depth + channel;
                shifted[out] += row.iter().sum::<f32>() * inner.offset[from];
                row.iter_mut().for_each(|w| *w *= inner.factor[from]);
            }
        }
        if !weight.data().iter().chain(&shifted).all(|x| x.is_finite()) {
            continue;
        }
        let name = graph.nodes[i].name.clone();
        let weight = graph.add_constant(&format!("{name}.weight_scaled"), weight);
        let bias = graph.add_constant(&format!("{name}.bias_shifted"), Tensor::new(vec![n], shifted)?);
        graph.nodes[i].inputs = vec![x, weight, bias];
        count += 1;
    }
    graph.remove_dead_nodes();
    Ok(count)
}

/// What the operand of node `i` is of its own operand, where that is such a convolution.
fn inner(graph: &FloatGraph, links: &Links, i: usize) -> Option<(ValueId, Affine)> {
    let outer = &graph.nodes[i];
    let read = *outer.inputs.first().filter(|_| matches!(outer.op, Op::Conv(_)))?;
    let before = graph.node(links.producer(read).filter(|_| links.sole_consumer(read) == Some(NodeId(i)))?);
    let (Op::Conv(conv), &[x, w, ref bias @ ..]) = (&before.op, &before.inputs[..]) else { return None };
    let weight = graph.constant(w)?;
    let channels = *graph.shape(x).get(1)?;
    let point =
        conv.window == Window::POINT && conv.groups == channels && weight.shape() == [channels, 1, 1, 1];
    let offset = match bias.first() {
        Some(&bias) => graph.constant(bias)?.data().to_vec(),
        None => vec![0.0; channels],
    };
    point.then(|| (x, Affine { factor: weight.data().to_vec(), offset }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::passes::testing::Sketch;

    fn normalized(s: &mut Sketch) -> ValueId {
        let x = s.input(&[1, 3, 4, 4]);
        let scale = s.constant(&[], &[1.0 / 255.0]);
        let mean = s.constant(&[1, 3, 1, 1], &[0.485, 0.456, 0.406]);
        let inverse = s.constant(&[3, 1, 1], &[4.0, -4.5, 4.4]);
        let y = s.node(Op::Binary(Binary::Mul), &[x, scale]);
        let y = s.node(Op::Binary(Binary::Sub), &[y, mean]);
        s.node(Op::Binary(Binary::Mul), &[inverse, y])
    }

    #[test]
    fn normalization_alone_and_before_a_convolution() {
        for (pads, kinds) in
            [(None, &["Conv"][..]), (Some([0; 4]), &["Conv"]), (Some([1; 4]), &["Conv", "Conv"])]
        {
            let mut s = Sketch::new();
            let mut y = normalized(&mut s);
            if let Some(pads) = pads {
                let w = s.constant(&[2, 3, 1, 2], &[1., -2., 3., 0.5, 2., 1., -1., 0.25, 4., 1., -3., 2.]);
                let window = Window { kernel: [1, 2], pads, ..Window::POINT };
                y = s.node(Op::Conv(Conv { window, groups: 1 }), &[y, w]);
            }
            s.check(&[y], run, kinds);
        }
    }

    #[test]
    fn a_factor_passes_the_padding() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 4, 3, 3]);
        let f = s.constant(&[4, 1, 1, 1], &[2.0, -1.0, 0.5, 3.0]);
        let y = s.node(Op::Conv(Conv { window: Window::POINT, groups: 4 }), &[x, f]);
        let w = s.constant(&[2, 2, 1, 2], &[1., -2., 3., 0.5, 2., 1., -1., 0.25]);
        let window = Window { kernel: [1, 2], pads: [1; 4], ..Window::POINT };
        let y = s.node(Op::Conv(Conv { window, groups: 2 }), &[y, w]);
        s.check(&[y], run, &["Conv"]);
    }

    #[test]
    fn one_function_stays() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 4, 4]);
        let o = s.constant(&[3, 1, 1], &[0.1, 0.2, 0.3]);
        let y = s.node(Op::Binary(Binary::Add), &[x, o]);
        assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
    }
}
