//! Layers of the float network: every choice of instructions sums in the same order, and depthwise windows are what
//! their definition says, over planes of several bands.

use bitgauge_models::float::ops::conv::Conv;
use bitgauge_models::float::ops::gelu::Gelu;
use bitgauge_models::float::ops::layer_norm::LayerNorm;
use bitgauge_models::float::ops::pool::{Pool, PoolKind};
use bitgauge_models::float::ops::softmax::Softmax;
use bitgauge_models::float::ops::window::Window;
use bitgauge_models::float::{Op, Tensor};
use bitgauge_testing::Random;

use super::Sum;

fn tensor(random: &mut Random, shape: &[usize]) -> Tensor {
    let value = |_| (random.below(2001) as f32 - 1000.0) / 250.0;
    Tensor::new(shape.to_vec(), (0..shape.iter().product()).map(value).collect()).unwrap()
}

impl Sum {
    fn add_floats(&mut self, values: &[f32]) {
        self.add(values.iter().flat_map(|value| value.to_bits().to_le_bytes()));
    }
}

/// A window's sum for one output, by the definition.
fn by_definition(window: &Window, x: &Tensor, w: &Tensor, channel: usize, [oy, ox]: [usize; 2]) -> f64 {
    let [h, wide] = [x.shape()[2], x.shape()[3]];
    let [kh, kw] = window.kernel;
    let mut sum = 0.0;
    for (ky, kx) in (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))) {
        let y = (oy * window.strides[0] + ky * window.dilations[0]).wrapping_sub(window.pads[0]);
        let xx = (ox * window.strides[1] + kx * window.dilations[1]).wrapping_sub(window.pads[1]);
        if y < h && xx < wide {
            let weight = w.data()[(channel * kh + ky) * kw + kx];
            sum += f64::from(x.data()[(channel * h + y) * wide + xx]) * f64::from(weight);
        }
    }
    sum
}

fn depthwise(random: &mut Random, sum: &mut Sum) {
    for ([h, wide], kernel, strides, dilations, pads) in [
        ([112, 112], [3, 3], [1, 1], [1, 1], [1, 1, 1, 1]),
        ([113, 111], [3, 3], [2, 2], [1, 1], [1, 1, 1, 1]),
        ([60, 90], [5, 5], [1, 1], [2, 2], [4, 4, 4, 4]),
        ([70, 65], [3, 2], [2, 3], [2, 1], [0, 2, 1, 3]),
        ([9, 7], [5, 5], [2, 2], [1, 1], [2, 2, 2, 2]),
        ([3, 2500], [3, 3], [1, 1], [1, 1], [1, 1, 1, 1]),
    ] {
        let channels = 3;
        let window = Window { kernel, strides, dilations, pads, ceil_mode: false };
        let x = tensor(random, &[1, channels, h, wide]);
        let w = tensor(random, &[channels, 1, kernel[0], kernel[1]]);
        let conv = Conv { window, groups: channels };
        for bounds in [None, Some([-2.0, 6.0])] {
            let y = conv.eval_within(&[&x, &w], bounds).unwrap().remove(0);
            sum.add_floats(y.data());
            let [oh, ow] = [y.shape()[2], y.shape()[3]];
            for (at, &value) in y.data().iter().enumerate() {
                let (channel, pixel) = (at / (oh * ow), at % (oh * ow));
                let exact = by_definition(&conv.window, &x, &w, channel, [pixel / ow, pixel % ow]);
                let exact = bounds.map_or(exact, |[low, high]| exact.clamp(low.into(), high.into()));
                let error = (f64::from(value) - exact).abs();
                assert!(error < 1e-3, "{conv:?}: output {at} is {value}, and {exact} by the definition");
            }
        }
    }
}

pub fn layers(random: &mut Random, sum: &mut Sum) {
    depthwise(random, sum);
    let window =
        |strides, pads| Window { kernel: [3, 3], strides, dilations: [1, 1], pads, ceil_mode: false };
    for length in [1, 7, 16, 33, 257] {
        let rows = tensor(random, &[1, 5, length]);
        let factors = [(); 2].map(|()| tensor(random, &[length]));
        let map = tensor(random, &[1, 3, length, 19]);
        for (op, inputs) in [
            (Op::Softmax(Softmax { axis: 2 }), vec![&rows]),
            (Op::Gelu(Gelu { tanh: false }), vec![&rows]),
            (Op::Gelu(Gelu { tanh: true }), vec![&rows]),
            (Op::LayerNorm(LayerNorm { axis: 2, epsilon: 1e-5 }), vec![&rows, &factors[0], &factors[1]]),
            (Op::Pool(Pool { kind: PoolKind::Max, window: window([2, 2], [1; 4]) }), vec![&map]),
            (Op::Pool(Pool { kind: PoolKind::Max, window: window([1, 1], [1; 4]) }), vec![&map]),
            (
                Op::Pool(Pool {
                    kind: PoolKind::Average { count_include_pad: false },
                    window: window([1, 1], [1; 4]),
                }),
                vec![&map],
            ),
        ] {
            let outputs = op.operator().eval(&inputs).unwrap();
            outputs.iter().for_each(|output| sum.add_floats(output.data()));
        }
    }
}
