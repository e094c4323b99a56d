//! Writes averages that divide by another number at the border than inside as linear layers over the columns and the
//! rows: the accelerator's average divides by one number.

use crate::float::graph::{FloatGraph, Node};
use crate::float::ops::pool::{Pool, PoolKind};
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::replace_each;
use super::separable::separable;

/// Elements of the largest matrix of weights; a larger one is no part of a network.
const LIMIT: usize = 1 << 24;

/// `AveragePool(x[N, C, H, W])` that leaves out the padding, or whose windows hang over the end => `Linear` over the
/// columns, `Transpose`, `Linear` over the rows, `Transpose`: the number of elements in a window is a product of one
/// along each axis
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, layers)
}

fn layers(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = &graph.nodes[i];
    let (Op::Pool(Pool { kind: PoolKind::Average { count_include_pad }, window }), &[x], &[y]) =
        (&node.op, &node.inputs[..], &node.outputs[..])
    else {
        return Ok(Vec::new());
    };
    let (&[_, _, h, w], &[_, _, oh, ow]) = (graph.shape(x), graph.shape(y)) else { return Ok(Vec::new()) };
    if h.saturating_mul(oh) > LIMIT || w.saturating_mul(ow) > LIMIT {
        return Ok(Vec::new());
    }
    let rows = shares(window, 0, [h, oh], *count_include_pad);
    let columns = shares(window, 1, [w, ow], *count_include_pad);
    let [Some(rows), Some(columns)] = [rows, columns] else { return Ok(Vec::new()) };
    let even = |shares: &Shares, axis: usize| shares.counts.iter().all(|&n| n == window.kernel[axis]);
    if graph.constant(x).is_some() || (even(&rows, 0) && even(&columns, 1)) {
        return Ok(Vec::new());
    }
    let matrices = [Tensor::new(vec![ow, w], columns.weights)?, Tensor::new(vec![oh, h], rows.weights)?];
    separable(graph, i, x, matrices)
}

/// What each output takes of the inputs along one axis.
struct Shares {
    /// `[outputs, inputs]`.
    weights: Vec<f32>,
    /// Elements that each output divides by.
    counts: Vec<usize>,
}

/// The shares of `size` elements in `out` windows; `None` where a window has no element.
fn shares(window: &Window, axis: usize, [size, out]: [usize; 2], padding_counts: bool) -> Option<Shares> {
    let before = window.pads[axis];
    let padded = size + before + window.pads[axis + 2];
    let mut made = Shares { weights: vec![0.0; size * out], counts: Vec::new() };
    for (at, row) in made.weights.chunks_exact_mut(size.max(1)).enumerate() {
        let taps = (0..window.kernel[axis]).map(|k| at * window.strides[axis] + k * window.dilations[axis]);
        let inside: Vec<usize> =
            taps.clone().filter_map(|tap| tap.checked_sub(before).filter(|&x| x < size)).collect();
        // What hangs over the padding counts for nothing.
        let count = if padding_counts { taps.filter(|&tap| tap < padded).count() } else { inside.len() };
        if count == 0 {
            return None;
        }
        inside.into_iter().for_each(|x| row[x] += 1.0 / count as f32);
        made.counts.push(count);
    }
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::passes::testing::Sketch;

    fn sketch(count_include_pad: bool, pads: [usize; 4], ceil_mode: bool) -> (Sketch, crate::float::ValueId) {
        let mut s = Sketch::new();
        let x = s.input(&[1, 2, 6, 7]);
        let window = Window { kernel: [3, 2], strides: [2, 2], dilations: [1, 1], pads, ceil_mode };
        let y = s.node(Op::Pool(Pool { kind: PoolKind::Average { count_include_pad }, window }), &[x]);
        (s, y)
    }

    #[test]
    fn borders_of_their_own() {
        for (includes, pads, ceil) in
            [(false, [1, 1, 1, 1], false), (false, [0, 0, 1, 1], true), (true, [1, 0, 1, 0], true)]
        {
            let (s, y) = sketch(includes, pads, ceil);
            s.check(&[y], run, &["Linear", "Transpose", "Linear", "Transpose"]);
        }
    }

    #[test]
    fn one_divisor_stays() {
        for (includes, pads) in [(true, [1, 1, 1, 0]), (false, [0; 4])] {
            let (s, y) = sketch(includes, pads, false);
            assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
        }
    }
}
