//! The steps that commands share, each with its progress: quantize, evaluate, compile.

use anyhow::Result;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_compiler::{CodecChoice, CompileError};
use bitgauge_models::integer::evaluate::{Classification, TensorNoise, classify, noise};
use bitgauge_models::integer::{InputCode, IntGraph, IntOp, QuantizeOptions, RangeRule, calibrate, quantize};
use serde::Serialize;

use crate::dataset::{Dataset, Images};
use crate::failure::Failure;
use crate::inputs::Model;
use crate::output;

/// Images that tensor noise is measured on.
const NOISE_IMAGES: usize = 16;

/// How to quantize.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Quantization")]
pub struct Quantization {
    /// Bits of a weight, 2 to 8
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(2..=8))]
    weight_bits: u8,
    /// Bits of an activation, 2 to 8
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(2..=8))]
    activation_bits: u8,
    /// Bits of a transformer's residual stream
    #[arg(long, default_value = "16", value_parser = ["8", "16"])]
    stream_bits: String,
    /// How the range of an activation follows from calibration
    #[arg(long, value_enum, default_value_t = Range::Mse)]
    range: Range,
    /// Share of the values that `--range percentile` keeps
    #[arg(long, default_value_t = 0.9999)]
    percentile: f64,
    /// Calibration images to use; all if left out
    #[arg(long, value_name = "N")]
    calibration_images: Option<usize>,
}

/// The rule of activation ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Range {
    /// All that was seen
    MinMax,
    /// The middle part that holds a share of the values
    Percentile,
    /// The range with the least squared error
    Mse,
}

/// Codec of activations in external memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum CodecArgument {
    /// Whole containers
    #[default]
    None,
    /// Codes at their own width
    Pack,
}

impl Quantization {
    fn options(&self, images: &Images) -> QuantizeOptions {
        QuantizeOptions {
            weight_bits: self.weight_bits,
            activation_bits: self.activation_bits,
            stream_bits: if self.stream_bits == "8" { 8 } else { 16 },
            range: match self.range {
                Range::MinMax => RangeRule::MinMax,
                Range::Percentile => RangeRule::Percentile(self.percentile),
                Range::Mse => RangeRule::Mse,
            },
            // Pixels are bytes already: where all channels have one rule, the codes lose nothing.
            input: match images.uniform_rule() {
                Some((mean, std)) => InputCode::Pixels { mean: f64::from(mean), std: f64::from(std) },
                None => InputCode::Calibrated,
            },
            ..QuantizeOptions::default()
        }
    }

    /// One line for reports.
    pub fn describe(&self) -> String {
        let range = match self.range {
            Range::MinMax => "min-max".to_owned(),
            Range::Percentile => format!("percentile {}", self.percentile),
            Range::Mse => "least squared error".to_owned(),
        };
        format!(
            "{}-bit weights per channel, {}-bit activations per tensor (range: {range}), {}-bit residual stream",
            self.weight_bits, self.activation_bits, self.stream_bits
        )
    }
}

/// Calibrates and quantizes.
pub fn quantized(model: &Model, data: &Dataset, arguments: &Quantization) -> Result<IntGraph> {
    if arguments.range == Range::Percentile && !(0.5..=1.0).contains(&arguments.percentile) {
        return Err(Failure::new(format!("--percentile {} is out of range", arguments.percentile))
            .hint("allowed: 0.5 to 1")
            .into());
    }
    let images = &data.calibration;
    let count = arguments.calibration_images.unwrap_or(images.len()).clamp(1, images.len());
    // The ends first, histograms second.
    let bar = output::progress("calibrate", 2 * count);
    let calibration = calibrate(&model.graph, count, |index| {
        bar.inc(1);
        vec![images.tensor(index)]
    })?;
    bar.finish_and_clear();
    Ok(quantize(&model.graph, &calibration, &arguments.options(images))
        .map_err(|error| Failure::new(format!("cannot quantize the model: {error}")).at(&model.place))?)
}

/// Top-1 accuracy of both networks; shares are from 0 to 1.
#[derive(Clone, Debug, Serialize)]
pub struct AccuracyFigures {
    /// Images evaluated.
    pub images: usize,
    /// Float network.
    pub float_top1: f64,
    /// Integer network.
    pub integer_top1: f64,
    /// Float network.
    pub float_top5: f64,
    /// Integer network.
    pub integer_top5: f64,
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
            float_top1: share(counts.float_top1),
            integer_top1: share(counts.top1),
            float_top5: share(counts.float_top5),
            integer_top5: share(counts.top5),
            agreement: share(counts.agreement),
            divergence_nats: counts.divergence,
        }
    }
}

/// Accuracy over the data set's images, by both interpreters; `None` without labels.
pub fn accuracy(model: &Model, graph: &IntGraph, data: &Dataset) -> Result<Option<AccuracyFigures>> {
    let Some(labels) = &data.labels else { return Ok(None) };
    let bar = output::progress("accuracy", labels.len());
    let counts = classify(graph, &model.graph, labels, |index| {
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

/// Compiles; a network that does not fit is a finding, not an error.
pub fn compiled(
    graph: &IntGraph,
    accelerator: &Accelerator,
    options: &bitgauge_compiler::Options,
) -> Result<Program> {
    let bar = output::spinner("compile");
    let program = bitgauge_compiler::compile(graph, accelerator, options);
    bar.finish_and_clear();
    Ok(program.map_err(|error| match error {
        CompileError::DoesNotFit { layer, what, needed, available, hint } => {
            let message =
                format!("layer `{layer}` does not fit: {what} needs {needed}, there are {available}");
            Failure::finding(message).hint(hint)
        }
        CompileError::Unsupported { .. } => Failure::finding(format!("cannot compile the model: {error}")),
        other => Failure::new(format!("cannot compile the model: {other}")),
    })?)
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
        IntOp::Conv { weight, .. } | IntOp::Depthwise { weight, .. } => weight.len() as u64,
        _ => 0,
    };
    graph.nodes.iter().map(|node| bytes(&node.op)).sum()
}
