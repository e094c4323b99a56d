//! Calibration and quantization.

use bitgauge_models::float::{FloatGraph, ValueId};
use bitgauge_models::integer::{
    Assignment, Calibration, InputCode, QuantizeOptions, Quantized, calibrate_channels, calibration_runs,
    observed, quantize_traced,
};

use crate::error::{FlowError, NOT_FINITE};
use crate::images::Images;
use crate::progress::{Progress, Stage};

/// The usual codes of inputs for such images. Pixels are bytes already: where all channels have one rule, the codes
/// lose nothing.
#[must_use]
pub fn usual_input(images: &Images) -> InputCode {
    match images.uniform_rule() {
        Some((mean, std)) => InputCode::Pixels { mean: f64::from(mean), std: f64::from(std) },
        None => InputCode::Calibrated,
    }
}

/// Calibrates with the first `count` images, one at least, and quantizes; gives notes too.
///
/// # Errors
/// The float network cannot run or ends in what is not a number; the network or its bits are refused.
pub fn quantized(
    graph: &FloatGraph,
    images: &Images,
    count: usize,
    options: &QuantizeOptions,
    progress: &dyn Progress,
) -> Result<(Quantized, Vec<String>), FlowError> {
    let (calibration, mut notes) = calibrated(graph, images, count, &options.bits, progress)?;
    let quantized = quantize_traced(graph, &calibration, options)?;
    notes.extend(graph.notes.iter().chain(&quantized.trace.notes).cloned());
    Ok((quantized, notes))
}

/// Calibrates with the first `count` images, one at least, for networks of such bits; gives notes too.
///
/// # Errors
/// The float network cannot run or ends in what is not a number.
pub fn calibrated(
    graph: &FloatGraph,
    images: &Images,
    count: usize,
    bits: &Assignment,
    progress: &dyn Progress,
) -> Result<(Calibration, Vec<String>), FlowError> {
    let count = count.clamp(1, images.len());
    let channels = observed(graph, bits);
    let running = progress.begin(Stage::Calibrate, Some(calibration_runs(count)));
    let image = |index| {
        running.step();
        vec![images.tensor(index)]
    };
    let calibration = calibrate_channels(graph, count, image, &channels)?;
    drop(running);
    let infinite = not_finite(graph, &calibration)?;
    let mut notes = images.calibration_remarks(count);
    notes.extend(infinite);
    Ok((calibration, notes))
}

/// A note on values that are infinite in calibration; where they end in what is not a number, there are no ranges.
fn not_finite(graph: &FloatGraph, calibration: &Calibration) -> Result<Option<String>, FlowError> {
    let Some(found) = calibration.not_finite() else { return Ok(None) };
    let name = |value: ValueId| &graph.value(value).name;
    let node = graph.nodes.iter().find(|node| node.outputs.contains(&found.value));
    let by = node.map_or_else(String::new, |node| format!(" (node `{}`)", node.name));
    let first =
        format!("`{}`{by} holds {} for calibration image {}", name(found.value), found.element, found.image);
    match found.not_a_number {
        None => Ok(Some(format!("{first}: its range has no end, and its codes are of no use; {NOT_FINITE}"))),
        Some(value) => Err(FlowError::NotANumber { value: name(value).clone(), first }),
    }
}
