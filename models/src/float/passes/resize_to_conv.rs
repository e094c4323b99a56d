//! Writes a Resize that repeats pixels a whole number of times as a depthwise transposed convolution.

use crate::float::graph::FloatGraph;
use crate::float::ops::conv_transpose::ConvTranspose;
use crate::float::ops::resize::{Coordinate, Resize};
use crate::float::ops::resize_taps::taps;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// `Resize(x[1, C, H, W])` whose every pixel is one of the input, in whole steps => `ConvTranspose` with weights 1
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    for i in 0..graph.nodes.len() {
        let node = &graph.nodes[i];
        let (Op::Resize(op), &[x]) = (&node.op, &node.inputs[..]) else { continue };
        let (&[1, channels, h, w], &[1, to, _, _]) = (graph.shape(x), &op.shape[..]) else { continue };
        let plain = to == channels && op.coordinate != Coordinate::TfCropAndResize;
        let (true, Some([rows, cols])) = (plain, repeats(op, [h, w])) else { continue };
        let name = format!("{}.repeats", node.name);
        let weight = graph.add_constant(&name, Tensor::full(vec![channels, 1, rows, cols], 1.0)?);
        let window = Window { kernel: [rows, cols], strides: [rows, cols], ..Window::POINT };
        graph.nodes[i].op =
            Op::ConvTranspose(ConvTranspose { window, output_padding: [0; 2], groups: channels });
        graph.nodes[i].inputs = vec![x, weight];
        count += 1;
    }
    Ok(count)
}

/// How often a Resize of a map of `from` rows and columns repeats each of both, if it does nothing else.
pub(super) fn repeats(op: &Resize, from: [usize; 2]) -> Option<[usize; 2]> {
    let along = |axis: usize| {
        let (from, to) = (from[axis - 2], *op.shape.get(axis)?);
        let times = to.checked_div(from).filter(|times| times * from == to)?;
        let taps = taps(op, axis, from, to);
        let each = taps.iter().enumerate().all(|(i, taps)| taps[..] == [(i / times, 1.0)]);
        each.then_some(times)
    };
    Some([along(2)?, along(3)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::resize::{Interpolation, Nearest};
    use crate::float::passes::testing::Sketch;

    fn resize(interpolation: Interpolation, shape: [usize; 4]) -> Resize {
        Resize {
            interpolation,
            coordinate: Coordinate::Asymmetric,
            shape: shape.to_vec(),
            scales: vec![1.0, 1.0, shape[2] as f64 / 2.0, shape[3] as f64 / 3.0],
            roi: vec![[0.0, 1.0]; 4],
            antialias: false,
            exclude_outside: false,
            extrapolation: 0.0,
        }
    }

    #[test]
    fn whole_repeats() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 2, 3]);
        let y = s.node(Op::Resize(resize(Interpolation::Nearest(Nearest::Floor), [1, 3, 4, 9])), &[x]);
        s.check(&[y], run, &["ConvTranspose"]);
    }

    #[test]
    fn others_stay() {
        let cases = [
            resize(Interpolation::Linear, [1, 3, 4, 6]),
            resize(Interpolation::Nearest(Nearest::Floor), [1, 3, 5, 6]),
            resize(Interpolation::Nearest(Nearest::Ceil), [1, 3, 4, 6]),
        ];
        for op in cases {
            let mut s = Sketch::new();
            let x = s.input(&[1, 3, 2, 3]);
            let y = s.node(Op::Resize(op), &[x]);
            assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
        }
    }
}
