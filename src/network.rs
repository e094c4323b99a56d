//! The network that a command compiles: quantized here from a trained one, or before by `bitgauge quantize`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use bitgauge_flow::hash::sha256;
use bitgauge_flow::{parameters, scale_remarks};
use bitgauge_models::float::heads;
use bitgauge_models::integer::{IntGraph, IntOutput};
use bitgauge_models::onnx;

use crate::dataset::{self, Dataset};
use crate::failure::Failure;
use crate::files;
use crate::inputs::{Model, Subject, size_hint};
use crate::pipeline;
use crate::quantization::{self, Quantization};

/// Where the network comes from.
#[derive(clap::Args, Clone, Debug)]
pub struct Source {
    #[command(flatten)]
    pub subject: Subject,
    /// Network that `bitgauge quantize` wrote, instead of --model; there is no float network to compare with
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "Quantization"])]
    pub quantized: Option<PathBuf>,
    #[command(flatten)]
    quantization: Quantization,
}

/// A network of integers and what is known of its origin.
pub struct Network {
    /// Where it comes from.
    pub place: String,
    /// Name for reports.
    pub name: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// The network.
    pub graph: IntGraph,
    /// The trained network, where this was quantized here.
    pub float: Option<Model>,
    /// How it was quantized, one line.
    pub quantization: String,
    /// Trained values.
    pub parameters: u64,
    /// What the user was told of it and of its data.
    pub notes: Vec<String>,
}

impl Source {
    /// Whether the user named a network or its images.
    pub fn named(&self) -> bool {
        self.quantized.is_some() || self.subject.model.is_some() || self.subject.data.is_some()
    }

    /// The network; images only calibrate it.
    pub fn network(&self) -> Result<Network> {
        let Some(network) = self.integers()? else { return Ok(self.with_data()?.0) };
        if self.subject.data.is_some() {
            let message = "--data says nothing here: the network is quantized already";
            return Err(Failure::new(message).hint("leave it out").into());
        }
        Ok(network)
    }

    /// The network, where it is quantized already: what `bitgauge quantize` wrote, as its own file or as ONNX.
    fn integers(&self) -> Result<Option<Network>> {
        let (path, graph) = match (&self.quantized, &self.subject.model) {
            (Some(path), _) => (path, read(path)?),
            (None, Some(path)) => match exported(path)? {
                Some(graph) if self.quantization.is_default() => (path, graph),
                Some(_) => {
                    let fault = Failure::new(
                        "options of quantization say nothing here: the network is quantized already",
                    );
                    return Err(fault.at(path.display()).hint("leave them out").into());
                }
                None => return Ok(None),
            },
            (None, None) => return Ok(None),
        };
        Ok(Some(Network {
            place: path.display().to_string(),
            name: path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            sha256: sha256(&files::read(path)?),
            quantization: "as its file says (quantized before)".to_owned(),
            parameters: parameters(&graph),
            float: None,
            graph,
            notes: Vec::new(),
        }))
    }

    /// The network and the images to run it on.
    pub fn with_data(&self) -> Result<(Network, Dataset)> {
        let data = dataset::load(self.subject.data.as_deref())?;
        if let Some(mut network) = self.integers()? {
            check_data(&network, &data, self.subject.data.is_some())?;
            network.notes = pipeline::tell(scale_remarks(&data.calibration, &data.images));
            return Ok((network, data));
        }
        let (model, data) = self.subject.load_with(data)?;
        let (quantized, options, notes) = pipeline::quantized(&model, &data, &self.quantization)?;
        let graph = quantized.graph;
        let network = Network {
            place: model.place.clone(),
            name: model.name(),
            sha256: model.sha256.clone(),
            quantization: quantization::describe(&options),
            parameters: parameters(&graph),
            float: Some(model),
            graph,
            notes,
        };
        Ok((network, data))
    }
}

fn read(path: &Path) -> Result<IntGraph> {
    IntGraph::from_bytes(&files::read(path)?).map_err(|error| {
        let fault = Failure::new(format!("cannot read the quantized network: {error}"));
        fault.at(path.display()).hint("`bitgauge quantize` writes such files").into()
    })
}

/// The integer network of an ONNX file that `bitgauge quantize` wrote; `None` where it is any other file.
fn exported(path: &Path) -> Result<Option<IntGraph>> {
    onnx::integer_network(&files::Parts::open(path)?).map_err(|error| {
        let fault = Failure::new(format!("cannot read the integer network: {error}")).at(path.display());
        fault.hint("`bitgauge quantize --export-onnx` writes such files; give one as it was written").into()
    })
}

/// Refuses images that are not what the network takes.
fn check_data(network: &Network, data: &Dataset, named: bool) -> Result<()> {
    let inputs: Vec<_> = network.graph.inputs.iter().map(|&id| network.graph.tensor(id).shape).collect();
    let [_, channels, rows, cols] = data.images.shape();
    match inputs[..] {
        [input] if (input.groups, input.channels, input.rows, input.cols) == (1, channels, rows, cols) => {
            let first = network.graph.outputs.first();
            let elements = |output: &IntOutput| network.graph.tensor(output.tensor).shape.elements();
            let classes = first.map(|output| heads::classes(&output.head, elements(output)));
            data.check_labels(classes.unwrap_or(Some(0)))
        }
        _ => {
            let message = format!(
                "the images ({channels} x {rows} x {cols}) are not what the network takes: {inputs:?}"
            );
            let fault = Failure::new(message).at(&network.place);
            Err(fault.hint(size_hint(named)).into())
        }
    }
}
