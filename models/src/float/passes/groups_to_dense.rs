//! Writes convolutions of several groups, each of several channels, as dense ones, whose weights are 0 between the
//! groups: the array has no other way.

use crate::float::graph::FloatGraph;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// Weights of the largest dense convolution that is made.
const LIMIT: usize = 1 << 26;

/// `Conv` with groups, but for depthwise ones with an output for each channel => `Conv` with one group
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    for i in 0..graph.nodes.len() {
        let (Op::Conv(conv), &[_, w, ..]) = (&graph.nodes[i].op, &graph.nodes[i].inputs[..]) else {
            continue;
        };
        let (groups, Some(weight)) = (conv.groups, graph.constant(w).cloned()) else { continue };
        let &[outputs, each, rows, cols] = weight.shape() else { continue };
        let channels = each * groups;
        let elements = weight.data().len().saturating_mul(groups);
        if groups < 2 || conv.is_depthwise(weight.shape()) || elements > LIMIT {
            continue;
        }
        let (area, per_group) = (rows * cols, outputs / groups);
        let mut dense = Tensor::full(vec![outputs, channels, rows, cols], 0.0)?;
        for (output, own) in weight.data().chunks_exact((each * area).max(1)).enumerate() {
            let start = (output * channels + output / per_group.max(1) * each) * area;
            dense.data_mut()[start..start + own.len()].copy_from_slice(own);
        }
        let name = format!("{}.dense", graph.nodes[i].name);
        let dense = graph.add_constant(&name, dense);
        // The model's own steps are those of outputs, which stay.
        graph.values[dense.0].grid = graph.grid(w).filter(|grid| grid.codes.is_none()).cloned();
        graph.nodes[i].inputs[1] = dense;
        if let Op::Conv(conv) = &mut graph.nodes[i].op {
            conv.groups = 1;
        }
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::conv::Conv;
    use crate::float::ops::window::Window;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn groups_and_multiplied_channels() {
        for (channels, outputs, groups) in [(6, 4, 2), (3, 6, 3)] {
            let mut s = Sketch::new();
            let x = s.input(&[1, channels, 4, 3]);
            let each = channels / groups;
            let weights: Vec<f32> = (0..outputs * each * 4).map(|i| (i % 7) as f32 - 3.0).collect();
            let w = s.constant(&[outputs, each, 2, 2], &weights);
            let window = Window { kernel: [2, 2], ..Window::POINT };
            let y = s.node(Op::Conv(Conv { window, groups }), &[x, w]);
            s.check(&[y], run, &["Conv"]);
        }
    }
}
