//! The stages that commands share, with bars for the person at the terminal, and errors that know their place.

use anyhow::Result;
use bitgauge_arch::validate::Validated;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_flow::{self as flow, AccuracyFigures, FlowError, Simulated};
use bitgauge_models::float::FloatGraph;
use bitgauge_models::integer::evaluate::TensorNoise;
use bitgauge_models::integer::{IntGraph, QuantizeError, QuantizeOptions, Quantized};

use crate::dataset::Dataset;
use crate::failure::Failure;
use crate::inputs::Model;
use crate::output::{self, Bars};
use crate::quantization::Quantization;

/// Tells the user what is worth a second look, and gives it back.
pub fn tell(notes: Vec<String>) -> Vec<String> {
    for note in &notes {
        output::talk(&format!("note: {note}"));
    }
    notes
}

/// Calibrates and quantizes; gives the options and the notes too.
pub fn quantized(
    model: &Model,
    data: &Dataset,
    arguments: &Quantization,
) -> Result<(Quantized, QuantizeOptions, Vec<String>)> {
    let images = &data.calibration;
    let options = arguments.options(images)?;
    let count = arguments.calibration_images.unwrap_or(images.len());
    let quantized = flow::quantized(&model.graph, images, count, &options, &Bars);
    let (quantized, more) = quantized.map_err(|error| match (&error, &arguments.bits) {
        // Of what the file names and the network does not have, the file is the place.
        (FlowError::Quantize(unknown @ QuantizeError::Unknown { .. }), Some(path)) => {
            Failure::new(unknown.to_string()).at(path.display())
        }
        (FlowError::Quantize(_) | FlowError::NotANumber { .. }, _) => Failure::from(error).at(&model.place),
        _ => error.into(),
    })?;
    let mut notes = flow::scale_remarks(images, &data.images);
    notes.extend(more);
    Ok((quantized, options, tell(notes)))
}

/// Accuracy over the data set's images; `None` without labels.
pub fn accuracy(
    float: Option<&FloatGraph>,
    graph: &IntGraph,
    data: &Dataset,
) -> Result<Option<AccuracyFigures>> {
    let Some(labels) = &data.labels else { return Ok(None) };
    Ok(Some(flow::accuracy(float, graph, &data.images, labels, &Bars).map_err(Failure::from)?))
}

/// Noise of every tensor over the data set's first images, and notes on what it tells.
pub fn tensor_noise(
    model: &Model,
    graph: &IntGraph,
    data: &Dataset,
) -> Result<(Vec<TensorNoise>, Vec<String>)> {
    let noise = flow::tensor_noise(&model.graph, graph, &data.images, &Bars);
    let (noise, notes) = noise.map_err(Failure::from)?;
    Ok((noise, tell(notes)))
}

/// Compiles; a network that does not fit is a finding, not an error.
pub fn compiled(
    graph: &IntGraph,
    accelerator: &Accelerator,
    options: &bitgauge_compiler::Options,
) -> Result<Validated<Program>> {
    Ok(flow::compiled(graph, accelerator, options, &Bars).map_err(Failure::from)?)
}

/// Simulates the first images; a difference from the interpreter is a finding.
pub fn simulated(
    program: &Validated<Program>,
    graph: &IntGraph,
    data: &Dataset,
    count: usize,
) -> Result<Simulated> {
    Ok(flow::simulated(program, graph, &data.images, count, &Bars).map_err(Failure::from)?)
}
