//! The steps that commands share, each with its progress: quantize, evaluate, compile.

use anyhow::Result;
use bitgauge_arch::validate::Validated;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_compiler::CompileError;
use bitgauge_models::float::{FloatGraph, ValueId};
use bitgauge_models::integer::evaluate::{Classification, LoudChannel, TensorNoise, classify, noise};
use bitgauge_models::integer::{
    Calibration, IntGraph, IntOp, QuantizeError, QuantizeOptions, Quantized, calibrate_channels,
    calibration_runs, observed, quantize_traced,
};
use serde::Serialize;

use crate::dataset::Dataset;
use crate::failure::Failure;
use crate::inputs::Model;
use crate::output;
use crate::quantization::Quantization;

/// Images that tensor noise is measured on.
const NOISE_IMAGES: usize = 16;

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
    let count = arguments.calibration_images.unwrap_or(images.len()).clamp(1, images.len());
    let bar = output::progress("calibrate", calibration_runs(count));
    let image = |index| {
        bar.inc(1);
        vec![images.tensor(index)]
    };
    let channels = observed(&model.graph, &options.bits);
    let calibration = calibrate_channels(&model.graph, count, image, &channels)?;
    bar.finish_and_clear();
    let infinite = not_finite(model, &calibration)?;
    let quantized = quantize_traced(&model.graph, &calibration, &options).map_err(|error| {
        match (&error, &arguments.bits) {
            // Of what the file names and the network does not have, the file is the place.
            (QuantizeError::Unknown { .. }, Some(path)) => Failure::new(error.to_string()).at(path.display()),
            _ => Failure::new(format!("cannot quantize the model: {error}")).at(&model.place),
        }
    })?;
    let mut notes = data.scale_remarks();
    notes.extend(data.calibration_remarks(count));
    notes.extend(infinite);
    notes.extend(model.graph.notes.iter().chain(&quantized.trace.notes).cloned());
    Ok((quantized, options, tell(notes)))
}

/// A note on values that are infinite in calibration; where they end in what is not a number, there are no ranges.
fn not_finite(model: &Model, calibration: &Calibration) -> Result<Option<String>> {
    let Some(found) = calibration.not_finite() else { return Ok(None) };
    let name = |value: ValueId| &model.graph.value(value).name;
    let node = model.graph.nodes.iter().find(|node| node.outputs.contains(&found.value));
    let by = node.map_or_else(String::new, |node| format!(" (node `{}`)", node.name));
    let first =
        format!("`{}`{by} holds {} for calibration image {}", name(found.value), found.element, found.image);
    let hint = "look at the operands of logarithms, divisions and roots before it, and at mean and std of the data set";
    match found.not_a_number {
        None => Ok(Some(format!("{first}: its range has no end, and its codes are of no use; {hint}"))),
        Some(value) => {
            let message = format!(
                "the float network gives what is not a number in `{}`; the first value that is not finite: {first}",
                name(value)
            );
            Err(Failure::new(message).at(&model.place).hint(hint).into())
        }
    }
}

/// Accuracy over a data set; shares are from 0 to 1.
#[derive(Clone, Debug, Serialize)]
pub struct AccuracyFigures {
    /// Images evaluated.
    pub images: usize,
    /// Images whose greatest output of the integer network is the label's.
    pub integer_top1: f64,
    /// Images whose label is among its five greatest.
    pub integer_top5: f64,
    /// Beside the float network, where it is at hand.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub float: Option<FloatFigures>,
}

/// Accuracy of the float network, and how far the integer network is from it.
#[derive(Clone, Debug, Serialize)]
pub struct FloatFigures {
    /// As of the integer network.
    pub float_top1: f64,
    /// As of the integer network.
    pub float_top5: f64,
    /// Images of which both say the same.
    pub agreement: f64,
    /// Kullback-Leibler divergence of the integer from the float class distribution, nats, mean.
    #[serde(serialize_with = "bitgauge_reports::number_or_word")]
    pub divergence_nats: f64,
}

impl From<Classification> for AccuracyFigures {
    fn from(counts: Classification) -> AccuracyFigures {
        let share = |count: usize| count as f64 / counts.images.max(1) as f64;
        AccuracyFigures {
            images: counts.images,
            integer_top1: share(counts.top1),
            integer_top5: share(counts.top5),
            float: counts.float.map(|float| FloatFigures {
                float_top1: share(float.top1),
                float_top5: share(float.top5),
                agreement: share(float.agreement),
                divergence_nats: float.divergence,
            }),
        }
    }
}

/// Accuracy over the data set's images, by the integer interpreter and, where there is a float network, by the
/// float one; `None` without labels.
pub fn accuracy(
    float: Option<&FloatGraph>,
    graph: &IntGraph,
    data: &Dataset,
) -> Result<Option<AccuracyFigures>> {
    let Some(labels) = &data.labels else { return Ok(None) };
    let bar = output::progress("accuracy", labels.len());
    let counts = classify(graph, float, labels, |index| {
        bar.inc(1);
        vec![data.images.tensor(index)]
    })?;
    bar.finish_and_clear();
    Ok(Some(counts.into()))
}

/// Noise of every tensor over the data set's first images, and notes on what it tells.
pub fn tensor_noise(
    model: &Model,
    graph: &IntGraph,
    data: &Dataset,
) -> Result<(Vec<TensorNoise>, Vec<String>)> {
    let count = data.images.len().min(NOISE_IMAGES);
    let bar = output::progress("signal to noise", count);
    let noise = noise(graph, &model.graph, count, |index| {
        bar.inc(1);
        vec![data.images.tensor(index)]
    })?;
    bar.finish_and_clear();
    let notes = tell(noise_notes(&noise));
    Ok((noise, notes))
}

fn noise_notes(noise: &[TensorNoise]) -> Vec<String> {
    let not_finite = noise.iter().find_map(|noise| {
        let image = noise.not_finite?;
        Some(format!(
            "`{}`: the float network gives what is not finite for image {image}; there is no signal-to-noise ratio",
            noise.value
        ))
    });
    let loud = noise.iter().filter_map(|noise| {
        let LoudChannel { channel, greatest, others } = noise.loud?;
        Some(format!(
            "`{}`: channel {channel} reaches {greatest:.3}, the others about {others:.3}; one step for all leaves these \
             few of their bits: scale the channel down in the model, or keep less of the range (--range percentile)",
            noise.tensor
        ))
    });
    not_finite.into_iter().chain(loud).collect()
}

/// Compiles; a network that does not fit is a finding, not an error.
pub fn compiled(
    graph: &IntGraph,
    accelerator: &Accelerator,
    options: &bitgauge_compiler::Options,
) -> Result<Validated<Program>> {
    let bar = output::spinner("compile");
    let program = bitgauge_compiler::compile(graph, accelerator, options);
    bar.finish_and_clear();
    let program = program.map_err(|error| match error {
        CompileError::DoesNotFit { layer, what, needed, available, hint } => {
            let message =
                format!("layer `{layer}` does not fit: {what} needs {needed}, there are {available}");
            Failure::finding(message).hint(hint)
        }
        CompileError::Unsupported { .. } | CompileError::Beyond { .. } => {
            Failure::finding(format!("cannot compile the model: {error}"))
        }
        CompileError::Invalid(_) => Failure::new(error.to_string())
            .hint("this is a defect of Bitgauge; please report it with the model and the accelerator"),
        other => Failure::new(format!("cannot compile the model: {other}")),
    })?;
    Ok(program)
}

/// Bytes of the quantized weights, each layer's at its own width.
pub fn weight_bytes(graph: &IntGraph) -> u64 {
    let bytes = |op: &IntOp| match op {
        IntOp::Conv { weight, .. } | IntOp::Depthwise { weight, .. } | IntOp::Phased { weight, .. } => {
            (weight.len() as u64 * u64::from(weight.bits)).div_ceil(8)
        }
        _ => 0,
    };
    graph.nodes.iter().map(|node| bytes(&node.op)).sum()
}
