//! The steps that commands share, each with its progress: quantize, evaluate, compile.

use anyhow::Result;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_compiler::{CodecChoice, CompileError};
use bitgauge_models::float::FloatGraph;
use bitgauge_models::integer::evaluate::{Classification, TensorNoise, classify, noise};
use bitgauge_models::integer::{IntGraph, IntOp, QuantizeOptions, Quantized, calibrate, quantize_traced};
use serde::Serialize;

use crate::dataset::Dataset;
use crate::failure::Failure;
use crate::inputs::Model;
use crate::output;
use crate::quantization::Quantization;

/// Images that tensor noise is measured on.
const NOISE_IMAGES: usize = 16;

/// Codec of activations in external memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum CodecArgument {
    /// Whole containers
    #[default]
    None,
    /// Codes at their own width
    Pack,
}

/// Calibrates and quantizes; gives the options too.
pub fn quantized(
    model: &Model,
    data: &Dataset,
    arguments: &Quantization,
) -> Result<(Quantized, QuantizeOptions)> {
    let images = &data.calibration;
    let options = arguments.options(images)?;
    let count = arguments.calibration_images.unwrap_or(images.len()).clamp(1, images.len());
    // The ends first, histograms second.
    let bar = output::progress("calibrate", 2 * count);
    let calibration = calibrate(&model.graph, count, |index| {
        bar.inc(1);
        vec![images.tensor(index)]
    })?;
    bar.finish_and_clear();
    let quantized = quantize_traced(&model.graph, &calibration, &options)
        .map_err(|error| Failure::new(format!("cannot quantize the model: {error}")).at(&model.place))?;
    for note in model.graph.notes.iter().chain(&quantized.trace.notes) {
        output::talk(&format!("note: {note}"));
    }
    Ok((quantized, options))
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

/// Noise of every tensor over the data set's first images.
pub fn tensor_noise(model: &Model, graph: &IntGraph, data: &Dataset) -> Result<Vec<TensorNoise>> {
    let count = data.images.len().min(NOISE_IMAGES);
    let bar = output::progress("signal to noise", count);
    let noise = noise(graph, &model.graph, count, |index| {
        bar.inc(1);
        vec![data.images.tensor(index)]
    })?;
    bar.finish_and_clear();
    Ok(noise)
}

/// Compiles and validates; a network that does not fit is a finding, not an error.
pub fn compiled(
    graph: &IntGraph,
    accelerator: &Accelerator,
    options: &bitgauge_compiler::Options,
) -> Result<Program> {
    let bar = output::spinner("compile");
    let program = bitgauge_compiler::compile(graph, accelerator, options);
    bar.finish_and_clear();
    let program = program.map_err(|error| match error {
        CompileError::DoesNotFit { layer, what, needed, available, hint } => {
            let message =
                format!("layer `{layer}` does not fit: {what} needs {needed}, there are {available}");
            Failure::finding(message).hint(hint)
        }
        CompileError::Unsupported { .. } => Failure::finding(format!("cannot compile the model: {error}")),
        other => Failure::new(format!("cannot compile the model: {other}")),
    })?;
    validated(&program).map_err(|problem| {
        Failure::new(format!("the compiler made an invalid program: {problem}"))
            .hint("this is a defect of Bitgauge; please report it with the model and the accelerator")
    })?;
    Ok(program)
}

/// Whether a program may run; what is wrong with it, in one line.
///
/// # Errors
/// The number of problems and the first of them.
pub fn validated(program: &Program) -> Result<(), String> {
    bitgauge_arch::validate::validate(program).map_err(|problems| {
        let first = problems.first().map_or_else(String::new, ToString::to_string);
        format!("{} problems, the first: {first}", problems.len())
    })
}

/// The compiler's options of a command line.
pub fn compile_options(codec: CodecArgument) -> bitgauge_compiler::Options {
    let codec = match codec {
        CodecArgument::None => CodecChoice::None,
        CodecArgument::Pack => CodecChoice::Pack,
    };
    bitgauge_compiler::Options { codec, ..bitgauge_compiler::Options::default() }
}

/// Bytes of the quantized weights.
pub fn weight_bytes(graph: &IntGraph) -> u64 {
    let bytes = |op: &IntOp| match op {
        IntOp::Conv { weight, .. } | IntOp::Depthwise { weight, .. } | IntOp::Phased { weight, .. } => {
            weight.len() as u64
        }
        _ => 0,
    };
    graph.nodes.iter().map(|node| bytes(&node.op)).sum()
}
