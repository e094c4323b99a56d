//! Writes a Resize of a map as two linear layers with constant weights, over the columns and over the rows.

use crate::float::graph::FloatGraph;
use crate::float::ops::resize::{Coordinate, Resize};
use crate::float::ops::resize_taps::taps;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::replace_each;
use super::resize_to_conv::repeats;
use super::separable::separable;

/// Longest side of a result: a linear layer has no more outputs, and a broken file may ask for any number.
const MAX_SIDE: usize = 65_535;

/// `Resize(x[1, C, H, W])` => `Linear` over the columns, `Transpose`, `Linear` over the rows, `Transpose`: each
/// weight is the share of an input pixel in an output pixel. What only repeats pixels of several channels is left
/// to [`super::resize_to_conv`]
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, |graph, i| {
        let node = &graph.nodes[i];
        if let (Op::Resize(op), &[x], &[_]) = (&node.op, &node.inputs[..], &node.outputs[..])
            && let (&[1, channels, h, w], &[1, to, to_h, to_w]) = (graph.shape(x), &op.shape[..])
            && op.coordinate != Coordinate::TfCropAndResize
            && channels == to
            && to_h.max(to_w) <= MAX_SIDE
            && (channels == 1 || repeats(op, [h, w]).is_none())
        {
            let matrices = [matrix(op, 3, [w, to_w])?, matrix(op, 2, [h, to_h])?];
            return separable(graph, i, x, matrices);
        }
        Ok(Vec::new())
    })
}

/// `[to, from]` weights along an axis.
fn matrix(op: &Resize, axis: usize, [from, to]: [usize; 2]) -> Result<Tensor, OpError> {
    let mut weights = vec![0.0; from * to];
    for (row, taps) in weights.chunks_exact_mut(from.max(1)).zip(taps(op, axis, from, to)) {
        taps.into_iter().for_each(|(i, weight)| row[i] += weight);
    }
    Ok(Tensor::new(vec![to, from], weights)?)
}

#[cfg(test)]
mod tests {
    use crate::float::ops::Op;
    use crate::float::ops::resize::{Coordinate, Interpolation, Nearest, Resize};
    use crate::float::passes::testing::Sketch;

    #[test]
    fn every_interpolation() {
        let kinds = [
            (Interpolation::Linear, 1),
            (Interpolation::Linear, 5),
            (Interpolation::Cubic { a: -0.75 }, 3),
            (Interpolation::Nearest(Nearest::Floor), 1),
            (Interpolation::Nearest(Nearest::Ceil), 2),
        ];
        for (interpolation, channels) in kinds {
            let mut s = Sketch::new();
            let x = s.input(&[1, channels, 4, 6]);
            let resize = Resize {
                interpolation,
                coordinate: Coordinate::HalfPixel,
                shape: vec![1, channels, 7, 9],
                scales: vec![1.0, 1.0, 1.75, 1.5],
                roi: vec![[0.0, 1.0]; 4],
                antialias: false,
                exclude_outside: false,
                extrapolation: 0.0,
            };
            let y = s.node(Op::Resize(resize), &[x]);
            s.check(&[y], super::run, &["Linear", "Transpose", "Linear", "Transpose"]);
        }
    }
}
