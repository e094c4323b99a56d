//! Takes BatchNormalization of tokens, and products with a constant per channel of them, into a linear layer, or makes
//! depthwise convolutions of them.

use crate::float::graph::{FloatGraph, Node, NodeId, ValueId};
use crate::float::ops::binary::Binary;
use crate::float::ops::conv::Conv;
use crate::float::ops::reshape::Reshape;
use crate::float::ops::transpose::Transpose;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::to_linear::is_row;

/// `BatchNorm(x[T, C])`, `x[.., T, C] * constant[C]` or `x[.., T, C]` times a number not above 0 behind a `Linear`, over views that keep the channels => that
/// `Linear` with other weights; before a `Linear` => that one; else => a depthwise `Conv` of the tokens as a map
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let (mut count, mut i) = (0, 0);
    while i < graph.nodes.len() {
        let Some(affine) = Affine::of(graph, i) else {
            i += 1;
            continue;
        };
        count += 1;
        if fold_back(graph, i, &affine)? || fold_on(graph, i, &affine)? {
            graph.nodes.bury(i);
            i += 1;
        } else {
            let made = as_conv(graph, i, &affine)?;
            let length = made.len();
            graph.nodes.splice(i..=i, made);
            i += length;
        }
    }
    Ok(count)
}

/// `x * factor + offset`, channel by channel of the last axis.
struct Affine {
    x: ValueId,
    factor: Vec<f32>,
    offset: Vec<f32>,
}

impl Affine {
    fn of(graph: &FloatGraph, i: usize) -> Option<Affine> {
        let node = &graph.nodes[i];
        let (x, (factor, offset)) = match (&node.op, &node.inputs[..]) {
            (Op::BatchNorm(op), &[x, s, b, m, v]) => {
                let [Some(s), Some(b), Some(m), Some(v)] = [s, b, m, v].map(|p| graph.constant(p)) else {
                    return None;
                };
                (x, op.affine([s, b, m, v]))
            }
            (Op::Binary(Binary::Mul), &[a, b]) => {
                let (x, factor) = match (graph.constant(a), graph.constant(b)) {
                    (None, Some(factor)) => (a, factor),
                    (Some(factor), None) => (b, factor),
                    _ => return None,
                };
                let &channels = graph.shape(x).last()?;
                let factor = match factor.as_scalar() {
                    // One above 0 costs nothing where it is.
                    Some(number) if number <= 0.0 => vec![number; channels],
                    None if is_row(factor.shape(), channels) => factor.data().to_vec(),
                    _ => return None,
                };
                (x, (factor, vec![0.0; channels]))
            }
            _ => return None,
        };
        let shape = graph.shape(x);
        let tokens = match node.op {
            Op::BatchNorm(_) => matches!(shape, [_, _]),
            // Of a map, a number is a factor of channels, which are elsewhere.
            _ => {
                let numbers = factor.iter().all(|&f| f == factor[0]);
                let rank = matches!(shape, [_, _] | [1, _, _]) || (shape.len() > 3 && !numbers);
                rank && graph.shape(node.outputs[0]) == shape
            }
        };
        let finite = factor.iter().chain(&offset).all(|x| x.is_finite());
        let fits = tokens && shape.last() == Some(&factor.len()) && graph.constant(x).is_none();
        (fits && finite).then_some(Affine { x, factor, offset })
    }
}

/// Changes the `Linear` that `x` is a view of; the node at `i` is then its own operand.
fn fold_back(graph: &mut FloatGraph, i: usize, affine: &Affine) -> Result<bool, OpError> {
    let links = graph.links();
    let (mut at, mut reader) = (affine.x, i);
    let linear = loop {
        let Some(NodeId(before)) = links.producer(at) else { return Ok(false) };
        if links.sole_consumer(at) != Some(NodeId(reader)) || links.is_output(at) {
            return Ok(false);
        }
        let node = &graph.nodes[before];
        match node.op {
            Op::Linear(_) => break before,
            Op::Reshape(_) if graph.shape(node.inputs[0]).last() == graph.shape(at).last() => {
                (at, reader) = (node.inputs[0], before);
            }
            _ => return Ok(false),
        }
    };
    let Some((mut weight, mut bias)) = parameters(graph, linear) else { return Ok(false) };
    let depth = weight.len() / affine.factor.len().max(1);
    for (row, f) in weight.data_mut().chunks_exact_mut(depth.max(1)).zip(&affine.factor) {
        row.iter_mut().for_each(|w| *w *= f);
    }
    for ((b, f), o) in bias.data_mut().iter_mut().zip(&affine.factor).zip(&affine.offset) {
        *b = *b * f + o;
    }
    let y = graph.nodes[i].outputs[0];
    if links.is_output(y) {
        return Ok(false);
    }
    Ok(changed(graph, linear, weight, bias) && {
        graph.replace_uses(y, affine.x);
        true
    })
}

/// Changes the `Linear` that alone reads the node's result.
fn fold_on(graph: &mut FloatGraph, i: usize, affine: &Affine) -> Result<bool, OpError> {
    let y = graph.nodes[i].outputs[0];
    let links = graph.links();
    let Some(NodeId(linear)) = links.sole_consumer(y).filter(|_| !links.is_output(y)) else {
        return Ok(false);
    };
    if !matches!(graph.nodes[linear].op, Op::Linear(_)) || graph.nodes[linear].inputs[0] != y {
        return Ok(false);
    }
    let Some((mut weight, mut bias)) = parameters(graph, linear) else { return Ok(false) };
    let depth = affine.factor.len().max(1);
    for (row, b) in weight.data_mut().chunks_exact_mut(depth).zip(bias.data_mut()) {
        *b += row.iter().zip(&affine.offset).map(|(w, o)| w * o).sum::<f32>();
        row.iter_mut().zip(&affine.factor).for_each(|(w, f)| *w *= f);
    }
    Ok(changed(graph, linear, weight, bias) && {
        graph.replace_uses(y, affine.x);
        true
    })
}

/// Weights `[N, K]` and bias `[N]`, zeros where there is none; `None` where they are computed.
fn parameters(graph: &FloatGraph, linear: usize) -> Option<(Tensor, Tensor)> {
    let &[_, weight, ref bias @ ..] = &graph.nodes[linear].inputs[..] else { return None };
    let weight = Tensor::clone(graph.constant(weight)?);
    let bias = match bias.first() {
        Some(&bias) => Tensor::clone(graph.constant(bias)?),
        None => Tensor::full(vec![*weight.shape().first()?], 0.0).ok()?,
    };
    Some((weight, bias))
}

/// Gives a `Linear` other parameters, where they are numbers.
fn changed(graph: &mut FloatGraph, linear: usize, weight: Tensor, bias: Tensor) -> bool {
    if !weight.data().iter().chain(bias.data()).all(|x| x.is_finite()) {
        return false;
    }
    let (name, x) = (graph.nodes[linear].name.clone(), graph.nodes[linear].inputs[0]);
    let weight = graph.add_constant(&format!("{name}.weight_folded"), weight);
    let bias = graph.add_constant(&format!("{name}.bias_folded"), bias);
    graph.nodes[linear].inputs = vec![x, weight, bias];
    true
}

/// Tokens as rows of a map of one column, its depthwise convolution, and tokens again.
fn as_conv(graph: &mut FloatGraph, i: usize, affine: &Affine) -> Result<Vec<Node>, OpError> {
    let (name, outputs) = (graph.nodes[i].name.clone(), graph.nodes[i].outputs.clone());
    let shape = graph.shape(affine.x).to_vec();
    let channels = affine.factor.len();
    let tokens = shape.iter().product::<usize>() / channels.max(1);
    let weight = Tensor::new(vec![channels, 1, 1, 1], affine.factor.clone())?;
    let bias = Tensor::new(vec![channels], affine.offset.clone())?;
    let parameters = [
        graph.add_constant(&format!("{name}.factor"), weight),
        graph.add_constant(&format!("{name}.offset"), bias),
    ];
    let (rows, turned) = (vec![1, tokens, channels], vec![1, channels, tokens]);
    let map = vec![1, channels, tokens, 1];
    let turn = || Op::Transpose(Transpose { perm: vec![0, 2, 1] });
    let to = |shape: &Vec<usize>| Op::Reshape(Reshape { shape: shape.clone() });
    let steps = [
        ("rows", to(&rows), rows.clone()),
        ("turned", turn(), turned.clone()),
        ("map", to(&map), map.clone()),
        ("product", Op::Conv(Conv { window: Window::POINT, groups: channels }), map.clone()),
        ("flat", to(&turned), turned.clone()),
        ("back", turn(), rows.clone()),
        ("tokens", to(&shape), shape.clone()),
    ];
    let (mut nodes, mut at) = (Vec::new(), affine.x);
    let last = steps.len() - 1;
    for (index, (step, op, dims)) in steps.into_iter().enumerate() {
        let output = match (index == last, outputs.first()) {
            (true, Some(&output)) => output,
            _ => graph.add_value(&format!("{name}.{step}"), dims),
        };
        let mut inputs = vec![at];
        if matches!(op, Op::Conv(_)) {
            inputs.extend(parameters);
        }
        nodes.push(Node { name: format!("{name}.{step}"), op, inputs, outputs: vec![output] });
        at = output;
    }
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::batch_norm::BatchNorm;
    use crate::float::ops::linear::Linear;
    use crate::float::ops::unary::Unary;
    use crate::float::passes::testing::Sketch;

    fn norm(s: &mut Sketch, x: ValueId) -> ValueId {
        let p =
            [[2., 1., -0.3], [0.5, -1., 0.0], [0.1, 0.2, 2.], [4., 0.3, 1.]].map(|v| s.constant(&[3], &v));
        s.node(Op::BatchNorm(BatchNorm { epsilon: 1e-3 }), &[x, p[0], p[1], p[2], p[3]])
    }

    fn linear(s: &mut Sketch, x: ValueId) -> ValueId {
        let w = s.constant(&[3, 3], &[1., -2., 3., 0.5, 1., 1., 0., 2., -1.]);
        s.node(Op::Linear(Linear), &[x, w])
    }

    #[test]
    fn behind_and_before_a_layer() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 4, 3]);
        let y = linear(&mut s, x);
        let y = s.node(Op::Reshape(Reshape { shape: vec![4, 3] }), &[y]);
        let y = norm(&mut s, y);
        let y = s.node(Op::Reshape(Reshape { shape: vec![1, 4, 3] }), &[y]);
        s.check(&[y], run, &["Linear", "Reshape", "Reshape"]);

        let mut s = Sketch::new();
        let x = s.input(&[4, 3]);
        let y = norm(&mut s, x);
        let y = linear(&mut s, y);
        s.check(&[y], run, &["Linear"]);
    }

    #[test]
    fn alone() {
        let kinds = ["Unary", "Reshape", "Transpose", "Reshape", "Conv", "Reshape", "Transpose", "Reshape"];
        let mut s = Sketch::new();
        let x = s.input(&[4, 3]);
        let y = s.node(Op::Unary(Unary::Relu), &[x]);
        let y = norm(&mut s, y);
        s.check(&[y], run, &kinds);

        let mut s = Sketch::new();
        let x = s.input(&[1, 4, 3]);
        let y = s.node(Op::Unary(Unary::Relu), &[x]);
        let f = s.constant(&[3], &[0.5, -1.0, 2.0]);
        let y = s.node(Op::Binary(Binary::Mul), &[f, y]);
        s.check(&[y], run, &kinds);

        let mut s = Sketch::new();
        let x = s.input(&[1, 4, 3]);
        let y = s.node(Op::Unary(Unary::Relu), &[x]);
        let f = s.constant(&[], &[-0.5]);
        let y = s.node(Op::Binary(Binary::Mul), &[f, y]);
        s.check(&[y], run, &kinds);
    }
}
