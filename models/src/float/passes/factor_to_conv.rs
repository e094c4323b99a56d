//! Makes a convolution of a product with one constant per channel that no convolution could take in.

use crate::float::graph::FloatGraph;
use crate::float::ops::binary::Binary;
use crate::float::ops::conv::Conv;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::fold_channel_affine::is_per_channel;

/// `x[N, C, H, W] * f`, with f of shape `[C, 1, 1]` up to leading ones or a number not above 0 => depthwise 1 x 1
/// `Conv` with f as weights
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    for i in 0..graph.nodes.len() {
        let node = &graph.nodes[i];
        let (Op::Binary(Binary::Mul), &[a, b], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
            continue;
        };
        let (x, factor) = match (graph.constant(a), graph.constant(b)) {
            (None, Some(factor)) => (a, factor),
            (Some(factor), None) => (b, factor),
            _ => continue,
        };
        let (&[_, channels, _, _], true) = (graph.shape(x), graph.shape(x) == graph.shape(y)) else {
            continue;
        };
        let weights = match factor.as_scalar() {
            Some(factor) if factor <= 0.0 => vec![factor; channels],
            None if is_per_channel(factor.shape(), channels) => factor.data().to_vec(),
            _ => continue,
        };
        let name = format!("{}.factor", node.name);
        let weight = graph.add_constant(&name, Tensor::new(vec![channels, 1, 1, 1], weights)?);
        graph.nodes[i].op = Op::Conv(Conv { window: Window::POINT, groups: channels });
        graph.nodes[i].inputs = vec![x, weight];
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn factors_of_channels() {
        for (shape, factors) in [(&[3, 1, 1][..], &[0.5, -2.0, 1.0][..]), (&[1], &[-3.0])] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 3, 2, 2]);
            let f = s.constant(shape, factors);
            let y = s.node(Op::Binary(Binary::Mul), &[f, x]);
            s.check(&[y], run, &["Conv"]);
        }
    }

    #[test]
    fn a_step_of_its_own_stays() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 2, 2]);
        let f = s.constant(&[1], &[0.25]);
        let y = s.node(Op::Binary(Binary::Mul), &[x, f]);
        assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
    }
}
