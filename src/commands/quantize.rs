//! `bitgauge quantize`: from a trained network to integers, and what that costs in accuracy.

use std::path::{Path, PathBuf};

use anyhow::Result;
use bitgauge_flow::AccuracyFigures;
use bitgauge_models::integer::evaluate::TensorNoise;
use bitgauge_models::integer::{Assignment, Quantized};
use bitgauge_models::onnx::{export, export_exact};
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::files;
use crate::inputs::{Model, Subject};
use crate::output::{self, Format};
use crate::pipeline;
use crate::quantization::{self, Quantization};

/// Options of `quantize`.
#[derive(clap::Args)]
pub struct Quantize {
    #[command(flatten)]
    subject: Subject,
    /// Where to write the integer network
    #[arg(long, default_value = "model.bgq", value_name = "FILE")]
    output: PathBuf,
    /// Also write the quantized network as ONNX, for ONNX Runtime and Netron
    #[arg(long, value_name = "ONNX")]
    export_onnx: Option<PathBuf>,
    /// What the ONNX file says
    #[arg(long, value_enum, default_value_t = ExportStyle::Exact, requires = "export_onnx")]
    export_style: ExportStyle,
    #[command(flatten)]
    quantization: Quantization,
}

/// How a quantized network is written as ONNX.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ExportStyle {
    /// The integers' own arithmetic: every code is that of the accelerator
    Exact,
    /// Pairs of QuantizeLinear and DequantizeLinear around float operators, which other tools know and fuse; their
    /// codes are near
    Qdq,
}

/// Why there is no accuracy.
pub const NO_LABELS: &str = "accuracy: the data set has no labels";

#[derive(Serialize)]
struct Answer {
    file: String,
    bits_file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    onnx_file: Option<String>,
    model_sha256: String,
    calibration_sha256: String,
    quantization: String,
    parameters: u64,
    macs: u64,
    weight_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<AccuracyFigures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_measured: Option<&'static str>,
    notes: Vec<String>,
    tensors: Vec<TensorRow>,
}

/// Signal to quantization noise of one tensor.
#[derive(Serialize)]
struct TensorRow {
    tensor: String,
    value: String,
    #[serde(serialize_with = "bitgauge_reports::number_or_word")]
    decibels: f64,
    at_ends: f64,
}

impl From<TensorNoise> for TensorRow {
    fn from(noise: TensorNoise) -> TensorRow {
        let TensorNoise { tensor, value, decibels, at_ends, .. } = noise;
        TensorRow { tensor, value, decibels, at_ends }
    }
}

impl Quantize {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        self.check_files()?;
        let (model, data) = self.subject.load()?;
        let (quantized, options, mut notes) = pipeline::quantized(&model, &data, &self.quantization)?;
        let exported = match &self.export_onnx {
            Some(path) => Some((path, onnx(&model, &quantized, self.export_style)?)),
            None => None,
        };
        let bits = Assignment::of(&model.graph, &quantized, &options.bits).to_toml();
        let bits_file = self.bits_file();
        let graph = quantized.graph;
        let (noise, more) = pipeline::tensor_noise(&model, &graph, &data)?;
        notes.extend(more);
        let answer = Answer {
            file: self.output.display().to_string(),
            bits_file: bits_file.display().to_string(),
            onnx_file: self.export_onnx.as_ref().map(|path| path.display().to_string()),
            parameters: bitgauge_flow::parameters(&graph),
            macs: graph.nodes.iter().map(|node| graph.macs(node)).sum(),
            weight_bytes: bitgauge_flow::weight_bytes(&graph),
            accuracy: pipeline::accuracy(Some(&model.graph), &graph, &data)?,
            not_measured: data.labels.is_none().then_some(NO_LABELS),
            notes,
            tensors: noise.into_iter().map(TensorRow::from).collect(),
            quantization: quantization::describe(&options),
            model_sha256: model.sha256,
            calibration_sha256: data.calibration_sha256,
        };
        files::write(&self.output, &graph.to_bytes())?;
        files::write(&bits_file, bits.as_bytes())?;
        if let Some((path, bytes)) = exported {
            files::write(path, &bytes)?;
        }
        output::data(&match format {
            Format::Json => output::json("quantize", &answer)?,
            Format::Text => text(&answer),
        })?;
        Ok(ExitStatus::Success)
    }
}

impl Quantize {
    /// Where the bits of each layer and tensor go.
    fn bits_file(&self) -> PathBuf {
        self.output.with_extension("bits.toml")
    }

    /// Refuses before any work what would leave one file without the others, or write over what is read.
    fn check_files(&self) -> Result<()> {
        let refuse = |message: &str, path: &Path| Failure::new(message).at(path.display());
        let bits = self.bits_file();
        let exported = self.export_onnx.as_deref();
        if exported == Some(&self.output) || exported == Some(&bits) {
            let message = "--export-onnx names a file that --output writes";
            return Err(refuse(message, exported.unwrap_or(&bits)).hint("give it another name").into());
        }
        if self.quantization.bits.as_ref().is_some_and(|read| files::same(read, &bits)) {
            let message = "--output would write over the file of --bits";
            return Err(refuse(message, &bits).hint("give --output another name").into());
        }
        let written = [Some(self.output.as_path()), Some(&bits), exported];
        match written.into_iter().flatten().find(|path| path.is_dir()) {
            Some(folder) => Err(refuse("cannot write: it is a folder", folder).into()),
            None => Ok(()),
        }
    }
}

fn onnx(model: &Model, quantized: &Quantized, style: ExportStyle) -> Result<Vec<u8>> {
    let bytes = match style {
        ExportStyle::Exact => export_exact(&model.graph, &quantized.graph),
        ExportStyle::Qdq => export(&model.graph, quantized),
    };
    let bytes = bytes.map_err(|error| {
        let fault = Failure::new(format!("cannot export the quantized network: {error}")).at(&model.place);
        fault.hint("leave out --export-onnx; everything else works with the file of --output")
    })?;
    Ok(bytes)
}

fn text(answer: &Answer) -> String {
    let mut text = format!(
        "{}: {} parameters, {} MACs, {} bytes of weights\n{}\n",
        answer.file, answer.parameters, answer.macs, answer.weight_bytes, answer.quantization
    );
    text += &format!("{}: bits of each layer and tensor, for --bits\n", answer.bits_file);
    if let Some(file) = &answer.onnx_file {
        text += &format!("{file}: the same network as ONNX\n");
    }
    if let Some(accuracy) = &answer.accuracy {
        text += &accuracy_line(accuracy);
    }
    let rows: Vec<Vec<String>> = answer
        .tensors
        .iter()
        .map(|noise| {
            let (decibels, ends) =
                (format!("{:.1}", noise.decibels), format!("{:.2}", 100.0 * noise.at_ends));
            vec![noise.tensor.clone(), decibels, ends]
        })
        .collect();
    text + "\n" + &output::table(&["tensor", "SQNR dB", "% at ends"], &rows)
}

/// Accuracy for people.
pub fn accuracy_line(accuracy: &AccuracyFigures) -> String {
    let (images, integer) = (accuracy.images, 100.0 * accuracy.integer_top1);
    match &accuracy.float {
        Some(float) => format!(
            "top-1 over {images} images: float {:.2} %, integer {integer:.2} %; both say the same of {:.2} %\n",
            100.0 * float.float_top1,
            100.0 * float.agreement
        ),
        None => format!("top-1 over {images} images: integer {integer:.2} %\n"),
    }
}
