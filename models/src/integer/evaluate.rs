//! How well an integer graph stands for its float graph.
//!
//! Deterministic: images run in parallel, sums are taken in the images' order.

mod classes;
mod noise;
mod reference;

use thiserror::Error;

pub use classes::{Classification, FloatClassification, classify};
pub use noise::{LoudChannel, TensorNoise, noise};
pub use reference::{Distance, Reference};

use super::code::CodeError;
use super::graph::IntGraph;
use super::interpreter::{Prepared, RunError};
use crate::float::{self, Tensor, heads};

/// Why an evaluation failed.
#[derive(Debug, Error)]
pub enum EvaluateError {
    /// The integer graph.
    #[error(transparent)]
    Integer(#[from] RunError),
    /// The float graph.
    #[error(transparent)]
    Float(#[from] float::RunError),
    /// The image.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The two graphs do not belong together.
    #[error("the integer and the float graph differ in inputs or outputs")]
    Mismatch,
}

/// Codes of all graph inputs for an image; each tensor lies in the order of ONNX.
///
/// # Errors
/// Another number of tensors than the graph has inputs, or of elements.
pub fn encode_inputs(graph: &IntGraph, image: &[Tensor]) -> Result<Vec<Vec<u8>>, EvaluateError> {
    if graph.inputs.len() != image.len() {
        return Err(EvaluateError::Mismatch);
    }
    let pairs = graph.inputs.iter().zip(image);
    pairs.map(|(&id, tensor)| Ok(graph.tensor(id).encode(tensor.data())?)).collect()
}

/// Each output's reals for an image, in the order of ONNX, its head done.
///
/// # Errors
/// The image is not what the graph takes.
pub fn outputs(prepared: &Prepared<'_>, image: &[Tensor]) -> Result<Vec<Vec<f32>>, EvaluateError> {
    let graph = prepared.graph();
    let containers = prepared.run_outputs(&encode_inputs(graph, image)?)?;
    let pairs = graph.outputs.iter().zip(&containers);
    Ok(pairs.map(|(output, bytes)| heads::finish(&output.head, &output.reals(graph, bytes))).collect())
}

/// The first output's reals for an image, in the order of ONNX, before its head.
///
/// # Errors
/// As [`outputs`]; or there is no output.
pub fn logits(prepared: &Prepared<'_>, image: &[Tensor]) -> Result<Vec<f32>, EvaluateError> {
    let graph = prepared.graph();
    let containers = prepared.run_outputs(&encode_inputs(graph, image)?)?;
    let first = graph.outputs.first().zip(containers.first());
    let (output, containers) = first.ok_or(EvaluateError::Mismatch)?;
    Ok(output.reals(graph, containers))
}
