//! Folds a product with, or a sum of, one constant per channel into the convolution before it.

use crate::float::graph::{FloatGraph, NodeId};
use crate::float::ops::binary::Binary;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// `Conv(w, b) * f` => `Conv(w * f, b * f)`; `Conv(w, b) + o` => `Conv(w, b + o)`, with f and o of shape
/// `[C, 1, 1]` up to leading ones. TensorFlow's exporter writes BatchNormalization so.
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    let mut i = 0;
    while i < graph.nodes.len() {
        match fold(graph, i)? {
            true => count += 1,
            false => i += 1,
        }
    }
    graph.remove_dead_nodes();
    Ok(count)
}

/// Folds what follows the convolution at `i`.
fn fold(graph: &mut FloatGraph, i: usize) -> Result<bool, OpError> {
    let conv = &graph.nodes[i];
    let (Op::Conv(_), &[x, w, ref bias @ ..], &[y]) = (&conv.op, &conv.inputs[..], &conv.outputs[..]) else {
        return Ok(false);
    };
    let bias = bias.first().map(|&b| graph.constant(b).cloned());
    let (Some(weight), false) = (graph.constant(w), matches!(bias, Some(None))) else {
        return Ok(false);
    };
    let Some(NodeId(next)) = graph.links().sole_consumer(y) else {
        return Ok(false);
    };
    let node = &graph.nodes[next];
    let (Op::Binary(op @ (Binary::Mul | Binary::Add)), &[a, b]) = (&node.op, &node.inputs[..]) else {
        return Ok(false);
    };
    let (product, channels) = (*op == Binary::Mul, weight.shape().first().copied().unwrap_or(0));
    let other = graph.constant(if a == y { b } else { a });
    let Some(constant) = other.filter(|t| is_per_channel(t.shape(), channels)) else {
        return Ok(false);
    };
    let old = bias.flatten();
    let at = |c: usize| old.as_ref().and_then(|b| b.data().get(c)).copied().unwrap_or(0.0);
    let per_channel = constant.data().iter().enumerate();
    let shifted = per_channel.map(|(c, &v)| if product { at(c) * v } else { at(c) + v }).collect();
    let shifted = Tensor::new(vec![channels], shifted)?;
    let mut scaled = Tensor::clone(weight);
    if product {
        let taps = scaled.len() / channels.max(1);
        for (row, f) in scaled.data_mut().chunks_exact_mut(taps.max(1)).zip(constant.data()) {
            row.iter_mut().for_each(|x| *x *= f);
        }
    }
    if !scaled.is_finite() || !shifted.is_finite() {
        return Ok(false);
    }
    let name = conv.name.clone();
    let old_weight = w;
    let w = if product { graph.add_constant(&format!("{name}.weight_scaled"), scaled) } else { w };
    let b = graph.add_constant(&format!("{name}.bias_shifted"), shifted);
    let outputs = graph.nodes[next].outputs.clone();
    graph.nodes[i].inputs = vec![x, w, b];
    graph.nodes[i].outputs = outputs;
    graph.nodes.bury(next);
    graph.drop_unread(old_weight);
    Ok(true)
}

/// Whether a constant of this shape has one number per channel of a map `[N, C, H, W]`.
pub(super) fn is_per_channel(shape: &[usize], channels: usize) -> bool {
    channels > 1
        && shape.len() <= 4
        && matches!(shape, [lead @ .., c, 1, 1] if *c == channels && lead.iter().all(|&d| d == 1))
}

#[cfg(test)]
mod tests {
    use crate::float::ops::binary::Binary;
    use crate::float::ops::conv::Conv;
    use crate::float::ops::{Op, window::Window};
    use crate::float::passes::testing::Sketch;

    #[test]
    fn products_and_sums() {
        for (bias, swap) in [(true, false), (false, true)] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 2, 4, 4]);
            let w = s.constant(&[3, 2, 1, 1], &[1., -2., 3., 0.5, 4., 1.]);
            let b = s.constant(&[3], &[0.25, -1., 2.]);
            let window = Window::POINT;
            let operands = [x, w, b];
            let c = s.node(Op::Conv(Conv { window, groups: 1 }), &operands[..if bias { 3 } else { 2 }]);
            let f = s.constant(&[1, 3, 1, 1], &[2., -1., 0.5]);
            let o = s.constant(&[3, 1, 1], &[1., 2., 3.]);
            let p = s.node(Op::Binary(Binary::Mul), &if swap { [f, c] } else { [c, f] });
            let y = s.node(Op::Binary(Binary::Add), &if swap { [o, p] } else { [p, o] });
            s.check(&[y], super::run, &["Conv"]);
        }
    }
}
