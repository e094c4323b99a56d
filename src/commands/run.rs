//! `bitgauge run`: from a network and an accelerator to a report.

use std::path::PathBuf;

use anyhow::Result;
use bitgauge_flow::{AccuracyFigures, Simulated};
use bitgauge_models::integer::IntGraph;
use bitgauge_models::integer::evaluate::TensorNoise;
use bitgauge_reports::{Accuracy, Headline, ModelInfo, Provenance, ReportInput, TensorSqnr};
use serde::Serialize;

use crate::assumptions::ASSUMPTIONS;
use crate::compilation::Compilation;
use crate::dataset::Dataset;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::files::OutputFolder;
use crate::inputs;
use crate::network::{Network, Source};
use crate::output::{self, Format};
use crate::pipeline;
use crate::plots::PlotArgument;
use crate::synth::summary;

/// Options of `run`.
#[derive(clap::Args)]
pub struct Run {
    #[command(flatten)]
    source: Source,
    /// Accelerator description (TOML); the reference design if left out
    #[arg(long, value_name = "TOML")]
    accelerator: Option<PathBuf>,
    /// Energy table: the name of one that ships, a TOML file, or Accelergy's ERT.yaml [default: what the description
    /// names]
    #[arg(long, value_name = "TABLE")]
    energy: Option<String>,
    /// Folder of the report
    #[arg(long, default_value = "report", value_name = "DIR")]
    output: PathBuf,
    /// Images to simulate and compare bit by bit with the interpreter; the report draws the first
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    images: u32,
    /// What `bitgauge synth` wrote for this accelerator (synth.json), for the report
    #[arg(long, value_name = "JSON")]
    synth: Option<PathBuf>,
    #[command(flatten)]
    compilation: Compilation,
    /// How plots are written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    plots: PlotArgument,
}

#[derive(Serialize)]
struct Answer {
    report: String,
    model: String,
    accelerator: String,
    quantization: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<AccuracyFigures>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_measured: Vec<&'static str>,
    notes: Vec<String>,
    simulated_images: usize,
    compared_bytes: u64,
    fewest_cycles: u64,
    most_cycles: u64,
    headline: Headline,
    checks_failed: Vec<String>,
}

/// What a run leaves out.
fn not_measured(network: &Network, data: &Dataset) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if data.labels.is_none() {
        missing.push(super::quantize::NO_LABELS);
    } else if network.float.is_none() {
        missing.push("accuracy of the float network: it is not in the file of the quantized one (--model)");
    }
    if network.float.is_none() {
        missing.push(
            "signal-to-noise ratio per tensor: noise is the difference from the float network (--model)",
        );
    }
    missing
}

impl Run {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        let folder = OutputFolder::create(&self.output)?;
        let design = inputs::design(self.accelerator.as_deref())?;
        let energy =
            inputs::energy_table(&design.accelerator, self.accelerator.as_deref(), self.energy.as_deref())?;
        let synth = self.synth.as_deref();
        let synthesis = synth.map(|path| summary::read(path, &design.accelerator)).transpose()?;
        let (mut network, data) = self.source.with_data()?;
        let graph = &network.graph;
        let options = self.compilation.options();
        let program = pipeline::compiled(graph, &design.accelerator, &options)?;
        let simulated = pipeline::simulated(&program, graph, &data, self.images as usize)?;
        let float = network.float.as_ref();
        let accuracy = pipeline::accuracy(float.map(|model| &model.graph), graph, &data)?;
        let (noise, more) = match float {
            Some(model) => pipeline::tensor_noise(model, graph, &data)?,
            None => (Vec::new(), Vec::new()),
        };
        let warnings = inputs::energy_warnings(&energy, &design.accelerator);
        let notes = [std::mem::take(&mut network.notes), more, warnings].concat();
        let not_measured = not_measured(&network, &data);
        let input = ReportInput {
            model: model_info(&network),
            program: &program,
            run: &simulated.result,
            energy: &energy,
            synthesis,
            accuracy: accuracy.as_ref().map(|figures| self.report_accuracy(figures)),
            sqnr: sqnr(graph, &noise),
            activation_sizes: simulated.activation_sizes.clone(),
            provenance: provenance(&network, &data, &design.place, &simulated, &not_measured),
            assumptions: ASSUMPTIONS.iter().map(|&sentence| sentence.to_owned()).collect(),
        };
        let bar = output::spinner("report");
        let measured = bitgauge_reports::measure(&input)?;
        for file in bitgauge_reports::render_with(&input, self.plots.into())?.files {
            folder.write(&file.path, &file.bytes)?;
        }
        folder.finish()?;
        bar.finish_and_clear();
        let failed = measured.checks.iter().filter(|check| !check.passed);
        let answer = Answer {
            report: self.output.join("index.html").display().to_string(),
            not_measured,
            notes,
            model: network.place,
            accelerator: design.place,
            quantization: network.quantization,
            accuracy,
            simulated_images: simulated.images,
            compared_bytes: simulated.compared_bytes,
            fewest_cycles: simulated.cycles[0],
            most_cycles: simulated.cycles[1],
            checks_failed: failed
                .map(|check| format!("{}: {} and {}", check.what, check.left, check.right))
                .collect(),
            headline: measured.headline,
        };
        output::data(&match format {
            Format::Json => output::json("run", &answer)?,
            Format::Text => text(&answer),
        })?;
        match answer.checks_failed.first() {
            None => Ok(ExitStatus::Success),
            Some(first) => Err(Failure::finding(format!("a cross-check of the report failed: {first}"))
                .at(&answer.report)
                .hint("this is a fault of Bitgauge; please report it with the model and the description")
                .into()),
        }
    }

    fn report_accuracy(&self, figures: &AccuracyFigures) -> Accuracy {
        let data = self.source.subject.data.as_ref().map_or_else(
            || "MNIST, the first 500 test images (built in)".to_owned(),
            |path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        );
        Accuracy {
            dataset: data,
            images: figures.images as u64,
            float_top1: figures.float.as_ref().map(|float| float.float_top1),
            integer_top1: figures.integer_top1,
            float_top5: figures.float.as_ref().map(|float| float.float_top5),
            integer_top5: Some(figures.integer_top5),
            agreement: figures.float.as_ref().map(|float| float.agreement),
            evaluated_by: "integer interpreter".to_owned(),
        }
    }
}

fn model_info(network: &Network) -> ModelInfo {
    let graph = &network.graph;
    let input = graph.inputs.first().map(|&input| graph.tensor(input).shape);
    ModelInfo {
        name: network.name.clone(),
        hash: network.sha256.clone(),
        parameters: network.parameters,
        macs: graph.nodes.iter().map(|node| graph.macs(node)).sum(),
        weight_bytes: Some(bitgauge_flow::weight_bytes(graph)),
        quantization: network.quantization.clone(),
        input_shape: input.map_or_else(String::new, |shape| {
            format!("1 x {} x {} x {}", shape.flat_channels(), shape.rows, shape.cols)
        }),
    }
}

fn sqnr(graph: &IntGraph, noise: &[TensorNoise]) -> Vec<TensorSqnr> {
    let layer = |name: &str| {
        let node = graph.nodes.iter().find(|node| graph.tensor(node.output).name == name);
        node.map_or_else(|| "input".to_owned(), |node| node.name.clone())
    };
    noise
        .iter()
        .map(|noise| TensorSqnr {
            tensor: noise.tensor.clone(),
            layer: layer(&noise.tensor),
            sqnr_db: noise.decibels,
        })
        .collect()
}

fn provenance(
    network: &Network,
    data: &Dataset,
    design: &str,
    simulated: &Simulated,
    not_measured: &[&str],
) -> Provenance {
    let arguments = std::env::args_os().skip(1);
    let arguments: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let mut extra = vec![
        ("accelerator description", design.to_owned()),
        ("images simulated", simulated.images.to_string()),
        ("output bytes equal to the interpreter's", simulated.compared_bytes.to_string()),
        (
            "fewest and most cycles of an image",
            format!("{} and {}", simulated.cycles[0], simulated.cycles[1]),
        ),
    ];
    // What calibrated a network that was quantized before, nobody knows here.
    let calibrated_here = network.float.is_some();
    extra.extend((!not_measured.is_empty()).then(|| ("not measured", not_measured.join("; "))));
    let calibration = if calibrated_here { data.calibration_sha256.as_str() } else { "not known" };
    Provenance {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        calibration_hash: calibration.to_owned(),
        seed: 0,
        command_line: format!("bitgauge {}", arguments.join(" ")),
        extra: extra.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

fn text(answer: &Answer) -> String {
    let head = &answer.headline;
    let above = 100.0 * (head.cycles as f64 / head.bound_cycles.max(1) as f64 - 1.0);
    let mut rows = vec![
        ("model", answer.model.clone()),
        ("accelerator", answer.accelerator.clone()),
        ("quantization", answer.quantization.clone()),
        ("cycles", format!("{} (closed-form bound {}, {above:.1} % above)", head.cycles, head.bound_cycles)),
        ("any program", format!("at least {} cycles", head.network_bound_cycles)),
        (
            "time",
            format!("{:.3} ms, {:.0} inferences per second", head.milliseconds, head.inferences_per_second),
        ),
        ("array", format!("{} MACs, {:.1} % of its peak", head.array_macs, 100.0 * head.mac_utilization)),
        (
            "memory bus",
            format!("{} bytes, busy {:.1} % of the time", head.bus_bytes, 100.0 * head.bus_occupancy),
        ),
        (
            "energy",
            format!(
                "{:.3} uJ ({:.3} to {:.3} by source of the prices), {:.1} mW; {:.1} % priced by assumption",
                head.picojoules * 1e-6,
                head.low_picojoules * 1e-6,
                head.high_picojoules * 1e-6,
                head.milliwatts,
                100.0 * head.assumed_energy_share
            ),
        ),
    ];
    if let Some(accuracy) = &answer.accuracy {
        rows.push(("accuracy", super::quantize::accuracy_line(accuracy).trim_end().to_owned()));
    }
    rows.extend(answer.not_measured.iter().map(|what| ("not measured", (*what).to_owned())));
    let compared = format!(
        "{} images, {} output bytes, all equal to the interpreter's",
        answer.simulated_images, answer.compared_bytes
    );
    rows.push(("simulated", compared));
    rows.push(("report", answer.report.clone()));
    rows.iter().map(|(name, value)| format!("{name:<13} {value}\n")).collect()
}
