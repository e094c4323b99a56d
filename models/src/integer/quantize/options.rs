//! The switches of quantization.

use super::assignment::Assignment;
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
    /// Bits of weights and activations.
    pub bits: Assignment,
    /// Leave out the least code, so that weights lie symmetrically.
    pub weight_narrow: bool,
    /// Step of the weights.
    pub weight_clip: WeightClip,
    /// Range of the 8-bit activations. (16-bit codes take all that was seen, and as much again.)
    pub range: RangeRule,
    /// Codes of the inputs.
    pub input: InputCode,
}

impl Default for QuantizeOptions {
    fn default() -> Self {
        Self {
            bits: Assignment::default(),
            weight_narrow: true,
            weight_clip: WeightClip::Mse,
            range: RangeRule::Percentile(0.99999),
            input: InputCode::Calibrated,
        }
    }
}
