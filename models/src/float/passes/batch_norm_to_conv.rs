//! Makes a convolution of a BatchNormalization that no convolution could take in.

use crate::float::graph::FloatGraph;
use crate::float::ops::conv::Conv;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// `BatchNorm(x[N, C, H, W])` with constant statistics => depthwise 1 x 1 `Conv` with the normalization's
/// factor as weight and its offset as bias
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    for i in 0..graph.nodes.len() {
        let node = &graph.nodes[i];
        let (Op::BatchNorm(op), &[x, s, b, m, v]) = (&node.op, &node.inputs[..]) else {
            continue;
        };
        let (&[_, channels, _, _], [Some(s), Some(b), Some(m), Some(v)]) =
            (graph.shape(x), [s, b, m, v].map(|p| graph.constant(p)))
        else {
            continue;
        };
        let (factor, offset) = op.affine([s, b, m, v]);
        if !factor.iter().chain(&offset).all(|x| x.is_finite()) {
            continue;
        }
        let weight = Tensor::new(vec![channels, 1, 1, 1], factor)?;
        let bias = Tensor::new(vec![channels], offset)?;
        let name = node.name.clone();
        let w = graph.add_constant(&format!("{name}.factor"), weight);
        let b = graph.add_constant(&format!("{name}.offset"), bias);
        let window = Window::POINT;
        graph.nodes[i].op = Op::Conv(Conv { window, groups: channels });
        graph.nodes[i].inputs = vec![x, w, b];
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use crate::float::FloatGraph;
    use crate::float::ops::batch_norm::BatchNorm;
    use crate::float::ops::{Op, OpError, unary::Unary};
    use crate::float::passes::{fold_batch_norm, testing::Sketch};

    #[test]
    fn behind_an_activation() {
        // With the pass before it, which has to leave such a normalization alone.
        fn both(graph: &mut FloatGraph) -> Result<usize, OpError> {
            assert_eq!(fold_batch_norm::run(graph)?, 0);
            super::run(graph)
        }
        let mut s = Sketch::new();
        let x = s.input(&[1, 2, 4, 4]);
        let a = s.node(Op::Unary(Unary::Relu), &[x]);
        let p = [[2., 1.], [0.5, -1.], [0.1, 0.2], [4., 0.3]].map(|v| s.constant(&[2], &v));
        let y = s.node(Op::BatchNorm(BatchNorm { epsilon: 1e-3 }), &[a, p[0], p[1], p[2], p[3]]);
        s.check(&[y], both, &["Unary", "Conv"]);
    }
}
