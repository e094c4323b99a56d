//! Folds BatchNormalization into the convolution, or transposed convolution, before it.

use crate::float::graph::{FloatGraph, NodeId};
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// `x -> Conv(w, b) -> BatchNorm -> y` => `x -> Conv(w * f, b * f + o) -> y`
/// with f, o the normalization's factor and offset per channel.
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

fn fold(graph: &mut FloatGraph, i: usize) -> Result<bool, OpError> {
    let norm = &graph.nodes[i];
    let (Op::BatchNorm(op), &[x, s, b, m, v]) = (&norm.op, &norm.inputs[..]) else {
        return Ok(false);
    };
    let links = graph.links();
    let Some(NodeId(c)) = links.producer(x).filter(|_| links.sole_consumer(x) == Some(NodeId(i))) else {
        return Ok(false);
    };
    let conv = &graph.nodes[c];
    let &[_, w, ref rest @ ..] = &conv.inputs[..] else { return Ok(false) };
    // Blocks of weights that belong to one output channel after the other: a transposed convolution has such a
    // run for each input channel, of its group's outputs.
    let (blocks, groups, inputs) = match (&conv.op, graph.shape(w)) {
        (Op::Conv(_), &[n, ..]) => (n, 1, 1),
        (Op::ConvTranspose(op), &[c, each, ..]) => (c * each, op.groups, c / op.groups.max(1)),
        _ => return Ok(false),
    };
    let bias = rest.first().map(|&b| graph.constant(b));
    let old_weight = w;
    let (Some(w), false) = (graph.constant(w), bias == Some(None)) else {
        return Ok(false);
    };
    let [Some(s), Some(b), Some(m), Some(v)] = [s, b, m, v].map(|p| graph.constant(p)) else {
        return Ok(false);
    };
    let (factor, offset) = op.affine([s, b, m, v]);
    let mut weights = Tensor::clone(w);
    let taps = weights.len() / blocks.max(1);
    let each = factor.len() / groups.max(1);
    for (block, row) in weights.data_mut().chunks_exact_mut(taps.max(1)).enumerate() {
        let channel = block / (each * inputs).max(1) * each + block % each.max(1);
        let f = factor.get(channel).copied().unwrap_or(1.0);
        row.iter_mut().for_each(|x| *x *= f);
    }
    let old = bias.flatten();
    let at = |i: usize| old.map_or(0.0, |b| b.data()[i]);
    let bias = (0..offset.len()).map(|i| at(i) * factor[i] + offset[i]).collect();
    let bias = Tensor::new(vec![offset.len()], bias)?;
    if !weights.is_finite() || !bias.is_finite() {
        return Ok(false);
    }
    let name = graph.nodes[c].name.clone();
    let w = graph.add_constant(&format!("{name}.weight_folded"), weights);
    let b = graph.add_constant(&format!("{name}.bias_folded"), bias);
    let outputs = graph.nodes[i].outputs.clone();
    let conv = &mut graph.nodes[c];
    conv.inputs.truncate(1);
    conv.inputs.extend([w, b]);
    conv.outputs = outputs;
    graph.nodes.bury(i);
    graph.drop_unread(old_weight);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::float::ops::batch_norm::BatchNorm;
    use crate::float::ops::conv::Conv;
    use crate::float::ops::{Op, window::Window};
    use crate::float::passes::testing::Sketch;

    #[test]
    fn with_and_without_bias() {
        for bias in [true, false] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 2, 4, 4]);
            let w = s.constant(&[2, 2, 1, 1], &[1., -2., 3., 0.5]);
            let b = s.constant(&[2], &[0.25, -1.]);
            let window = Window::POINT;
            let conv = Op::Conv(Conv { window, groups: 1 });
            let operands = [x, w, b];
            let c = s.node(conv, &operands[..if bias { 3 } else { 2 }]);
            let p = [[2., 1.], [0.5, -1.], [0.1, 0.2], [4., 0.3]].map(|v| s.constant(&[2], &v));
            let inputs = [c, p[0], p[1], p[2], p[3]];
            let y = s.node(Op::BatchNorm(BatchNorm { epsilon: 1e-3 }), &inputs);
            s.check(&[y], super::run, &["Conv"]);
        }
    }
}
