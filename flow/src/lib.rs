//! The whole way as a library: a [`Point`] (network, bits, accelerator, options) in, an [`Outcome`] out, each stage
//! also by itself. No files, no printing: a caller brings bytes, and hears of progress through [`Progress`].

mod accuracy;
mod compile;
mod error;
pub mod hash;
mod images;
mod noise;
mod point;
mod progress;
mod quantize;
pub mod search;
mod simulate;
mod size;

#[cfg(test)]
mod shipped;

pub use accuracy::{AccuracyFigures, FloatFigures, accuracy};
pub use compile::compiled;
pub use error::FlowError;
pub use images::{Images, ImagesError, scale_remarks};
pub use noise::tensor_noise;
pub use point::{Evaluation, Outcome, Point};
pub use progress::{Progress, Running, Silent, Stage};
pub use quantize::{calibrated, quantized, usual_input};
pub use simulate::{Simulated, simulated};
pub use size::{parameters, weight_bytes};
