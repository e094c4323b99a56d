//! The switches of quantization.

use serde::{Deserialize, Serialize};

use crate::integer::ranges::RangeRule;

/// How the step of an output channel's weights is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightClip {
    /// The greatest weight is the last code.
    Max,
    /// The greatest weight shrunk in steps of 1 %, down to a half, with the least squared error.
    Mse,
}

/// How the network's inputs are coded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputCode {
    /// The range that calibration saw.
    Calibrated,
    /// `real = (pixel - mean) / std` in all channels, for pixels that are bytes: the code is
    /// `pixel - 128`, without any error. (A mean that is no whole number leaves a fraction of a step,
    /// which the first convolution's bias takes up.)
    Pixels {
        /// Subtracted from the pixel, 0 to 255.
        mean: f64,
        /// Divisor.
        std: f64,
    },
}

/// What quantization is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuantizeOptions {
    /// Bits of a weight, 2 to 8; containers stay bytes.
    pub weight_bits: u8,
    /// Leave out the least code, so that weights lie symmetrically.
    pub weight_narrow: bool,
    /// Step of the weights.
    pub weight_clip: WeightClip,
    /// Bits of an activation, 2 to 8; containers stay bytes.
    pub activation_bits: u8,
    /// 8 or 16: bits of what runs past the blocks of a transformer, from addition to addition. A
    /// network without LayerNorm has no such stream.
    pub stream_bits: u8,
    /// 8 or 16: bits of the network's outputs; 16 keep close logits apart.
    pub output_bits: u8,
    /// Range of the 8-bit activations. (16-bit codes take all that was seen, and as much again.)
    pub range: RangeRule,
    /// Codes of the inputs.
    pub input: InputCode,
}

impl Default for QuantizeOptions {
    fn default() -> Self {
        Self {
            weight_bits: 8,
            weight_narrow: true,
            weight_clip: WeightClip::Mse,
            activation_bits: 8,
            stream_bits: 16,
            output_bits: 16,
            range: RangeRule::Percentile(0.99999),
            input: InputCode::Calibrated,
        }
    }
}
