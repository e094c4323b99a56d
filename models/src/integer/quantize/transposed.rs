//! Transposed convolutions: one dense convolution for each phase of the stride.
//!
//! Output row `s h + p` of stride `s` takes from input row `h + d` the kernel row `p + pad - s d`, where there
//! is one. So the rows of one phase `p` are a convolution of stride 1 with the taps `d`; columns alike.

use bitgauge_arch::arith::Post;

use super::QuantizeError;
use super::conv::Layer;
use super::lower::Lowering;
use super::view::{Axis, View};
use crate::float::ops::conv_transpose::ConvTranspose;
use crate::float::ops::window::Window as FloatWindow;
use crate::float::{NodeId, Tensor};
use crate::integer::graph::{self, IntOp, Shape, Window};

/// Phases of columns are stored apart where a pixel is whole beats of any bus; else a row of all of them is
/// one convolution, some of whose weights are zero.
const BEATS: usize = 64;

/// Taps along an axis that some phases of it share.
#[derive(Clone, Copy)]
struct Taps {
    /// Steps from an output position of the phase to the input position of the first tap; not above 0.
    start: isize,
    count: usize,
}

impl Taps {
    fn of(window: &FloatWindow, axis: usize, members: std::ops::Range<usize>) -> Taps {
        let (stride, span) = (window.strides[axis] as isize, window.span(axis) as isize);
        let reach = |member: usize| {
            let at = (member + window.pads[axis]) as isize;
            let first =
                (at - span + 1).div_euclid(stride) + isize::from((at - span + 1).rem_euclid(stride) > 0);
            (first, at / stride)
        };
        let start = members.clone().map(|m| reach(m).0).fold(0, isize::min);
        let end = members.map(|m| reach(m).1).fold(start, isize::max);
        Taps { start, count: (end - start) as usize + 1 }
    }

    /// Padding before and after a map of `size` for `out` positions.
    fn pads(self, size: usize, out: usize) -> [usize; 2] {
        let before = self.start.unsigned_abs();
        [before, (out + self.count - 1).saturating_sub(size + before)]
    }

    /// The kernel's row or column under a tap.
    fn kernel(self, window: &FloatWindow, axis: usize, member: usize, tap: usize) -> Option<usize> {
        let step = self.start + tap as isize;
        let at = (member + window.pads[axis]) as isize - window.strides[axis] as isize * step;
        let at = usize::try_from(at).ok().filter(|at| *at < window.span(axis))?;
        at.is_multiple_of(window.dilations[axis]).then_some(at / window.dilations[axis])
    }
}

/// Weights `[C, M / groups, KH, KW]` by channel.
struct Weights<'a> {
    data: &'a [f32],
    shape: [usize; 4],
    groups: usize,
}

impl Weights<'_> {
    fn at(&self, input: usize, output: usize, at: [usize; 2]) -> f32 {
        self.index(input, output, at).map_or(0.0, |index| self.data[index])
    }

    /// Where the weight is; `None` between groups.
    fn index(&self, input: usize, output: usize, [row, col]: [usize; 2]) -> Option<usize> {
        let [channels, each, rows, cols] = self.shape;
        let same = input / (channels / self.groups).max(1) == output / each.max(1);
        same.then_some(((input * each + output % each) * rows + row) * cols + col)
    }
}

impl Lowering<'_> {
    pub fn conv_transpose(&mut self, id: NodeId, conv: &ConvTranspose) -> Result<(), QuantizeError> {
        let float = self.float;
        let node = float.node(id);
        let place = self.map_place(node, node.inputs[0])?;
        let from = self.shape_of(&place);
        let constant = |index: usize| node.inputs.get(index).map(|&v| float.constant(v));
        let (Some(Some(weight)), bias @ (None | Some(Some(_)))) = (constant(1), constant(2)) else {
            return Err(self.unsupported(node, "weights and bias must be constant"));
        };
        let (&[_, channels, rows, cols], &[c, each, kh, kw]) = (float.shape(node.outputs[0]), weight.shape())
        else {
            return Err(self.unsupported(node, "needs rank 4"));
        };
        let weights = Weights { data: weight.data(), shape: [c, each, kh, kw], groups: conv.groups };
        let bias = bias.flatten().map_or_else(|| vec![0.0; channels], |bias| Tensor::data(bias).to_vec());
        let shape = Shape { groups: 1, rows, cols, channels };
        let view = View::of(shape, &[&[], &[Axis::Channel], &[Axis::Row], &[Axis::Col]]);
        let tail = self.tail(node.outputs[0], &view, shape, true);
        let code = self.code_for(tail.end);
        let post: Post = Self::post(&code, tail.clamp);

        let strides = conv.window.strides;
        let apart = channels.is_multiple_of(BEATS) || !cols.is_multiple_of(strides[1]);
        // Few rows or columns have no more phases than there are of them.
        let phases = [strides[0].min(rows), if apart { strides[1].min(cols) } else { 1 }];
        let members = strides[1].min(cols) / phases[1];
        let n = members * channels;
        let (mut windows, mut codes, mut parameters) = (Vec::new(), Vec::new(), Vec::new());
        let mut bits = 2;
        let steps = self.steps(node, 1, channels).filter(|_| conv.groups == 1);
        let steps = steps.map(|steps| steps.iter().copied().cycle().take(n).collect::<Vec<f64>>());
        let mut kernel = vec![0.0f32; weight.data().len()];
        let wide: Vec<f32> = bias.iter().copied().cycle().take(n).collect();
        for phase in 0..phases[0] * phases[1] {
            let (y, x) = (phase / phases[1], phase % phases[1]);
            let taps = [Taps::of(&conv.window, 0, y..y + 1), Taps::of(&conv.window, 1, x..x + members)];
            let out = [(rows - y).div_ceil(phases[0]), (cols / members - x).div_ceil(phases[1])];
            let ([top, bottom], [left, right]) =
                (taps[0].pads(from.rows, out[0]), taps[1].pads(from.cols, out[1]));
            let window = Window {
                kernel: [taps[0].count, taps[1].count],
                pad: [top, left, bottom, right],
                ..Window::POINT
            };
            let area = taps[0].count * taps[1].count;
            let mut weight = Vec::with_capacity(n * area * c);
            for output in 0..n {
                for tap in 0..area {
                    let row = taps[0].kernel(&conv.window, 0, y, tap / taps[1].count);
                    let col = taps[1].kernel(&conv.window, 1, x + output / channels, tap % taps[1].count);
                    let of = |input| match (row, col) {
                        (Some(row), Some(col)) => weights.at(input, output % channels, [row, col]),
                        _ => 0.0,
                    };
                    weight.extend((0..c).map(of));
                }
            }
            let of = Shape { channels: n, ..shape };
            let steps = steps.clone();
            let layer = Layer {
                window,
                weight: weight.into(),
                taps: 1,
                steps,
                depthwise: false,
                parts: 1,
                shape: of,
                view: view.clone(),
            };
            let (each, quantized) = self.parameters(node, &place, &layer, &wide, &code)?;
            let from = self.scale_of(&place);
            for (at, &held) in quantized.codes.iter().enumerate() {
                let (output, tap, input) = (at / c / area, at / c % area, at % c);
                let row = taps[0].kernel(&conv.window, 0, y, tap / taps[1].count);
                let col = taps[1].kernel(&conv.window, 1, x + output / channels, tap % taps[1].count);
                let index =
                    row.zip(col).and_then(|(row, col)| weights.index(input, output % channels, [row, col]));
                if let Some(index) = index {
                    let step = each[output].requant.to_real() * code.scale / from;
                    kernel[index] = (f64::from(held) * step) as f32;
                }
            }
            windows.push(window);
            bits = bits.max(quantized.bits);
            codes.extend_from_slice(&quantized.codes);
            parameters.extend(each);
        }
        let output = self.tensor(tail.end, shape, code, &view);
        let weight = graph::Weights::new(codes, bits);
        let op = IntOp::Phased { phases, windows, weight, parameters, post };
        self.trace.kernels.insert(node.outputs[0], kernel);
        self.emit(&node.name, op, vec![place.tensor], output, (tail.end, view));
        Ok(())
    }
}
