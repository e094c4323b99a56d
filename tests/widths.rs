//! Networks whose layers and tensors all have widths of their own.

use bitgauge_models::float::{FloatGraph, Tensor};
use bitgauge_models::integer::{
    Assignment, Calibration, ChannelShifts, InputCode, QuantizeOptions, Quantized, calibrate_channels,
    observed, quantize_traced,
};
use bitgauge_testing::Random;

use crate::{Images, float_model, repository};

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// Another network for each.
    pub seed: u64,
    /// The most bits.
    pub most: u32,
    /// The greatest shift of the second scale that every other tensor asks for; 0: none.
    pub tag_shift: u32,
    /// The greatest shift of the channels of a stream, which then has 8 bits; 0: none.
    pub channel_shift: u8,
}

/// A network with another width for each layer and tensor, from 2 bits on and drawn anew for each seed, and what was
/// asked for.
#[must_use]
pub fn drawn(
    float: &FloatGraph,
    calibration: &Calibration,
    input: InputCode,
    Draw { seed, most, tag_shift, channel_shift }: Draw,
) -> (Quantized, Assignment) {
    let with = |bits: &Assignment| {
        let options = QuantizeOptions { bits: bits.clone(), input, ..QuantizeOptions::default() };
        quantize_traced(float, calibration, &options).unwrap()
    };
    let usual = Assignment::default();
    let mut drawn = Assignment::of(float, &with(&usual), &usual);
    let mut random = Random(seed);
    drawn.stream = random.of(&[8, 16]);
    if channel_shift > 0 {
        drawn.stream = 8;
        drawn.channel_shifts.greatest = channel_shift;
    }
    let layers = drawn.weights.layers.values_mut();
    layers
        .chain(drawn.activations.tensors.values_mut())
        .for_each(|bits| *bits = random.within(2, most) as u8);
    if tag_shift > 0 {
        let activations = &mut drawn.activations;
        for (name, _) in activations.tensors.iter().filter(|(_, bits)| **bits > 2) {
            if random.once_in(2) {
                activations.two_scales.insert(name.clone(), random.within(1, tag_shift) as u8);
            }
        }
    }
    let quantized = with(&drawn);
    let written = Assignment::from_toml(&Assignment::of(float, &quantized, &drawn).to_toml()).unwrap();
    assert_eq!(with(&written).graph.to_text(), quantized.graph.to_text(), "seed {seed}");
    (quantized, drawn)
}

/// Calibration that knows the reach of each channel of what may be a stream.
#[must_use]
pub fn seen(float: &FloatGraph, count: usize, image: impl Fn(usize) -> Vec<Tensor> + Sync) -> Calibration {
    let channel_shifts = ChannelShifts { greatest: 1, ..ChannelShifts::default() };
    let bits = Assignment { stream: 8, channel_shifts, ..Assignment::default() };
    calibrate_channels(float, count, image, &observed(float, &bits)).unwrap()
}

/// A shipped model of mixed widths.
#[must_use]
pub fn mixed(model: &str, seed: u64, most: u32) -> (Quantized, Assignment) {
    mixed_as(model, Draw { seed, most, tag_shift: 0, channel_shift: 0 })
}

/// A shipped model of mixed widths and scales.
#[must_use]
pub fn mixed_as(model: &str, draw: Draw) -> (Quantized, Assignment) {
    let images = Images::mnist("calibration");
    let float = float_model(&repository(&format!("models/zoo/{model}.onnx")));
    let calibration = seen(&float, 8, |index| vec![images.tensor(index)]);
    drawn(&float, &calibration, images.input_code(), draw)
}
