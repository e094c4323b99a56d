//! `bitgauge compile`: from a network to a program.

use std::path::PathBuf;

use anyhow::Result;
use bitgauge_arch::Program;
use bitgauge_arch::program::LayerSymbol;
use bitgauge_reports::{Loads, planned_loads};
use serde::Serialize;

use crate::bundle;
use crate::compilation::Compilation;
use crate::exit::ExitStatus;
use crate::files::OutputFolder;
use crate::inputs;
use crate::network::Source;
use crate::output::{self, Format};
use crate::pipeline;

/// Options of `compile`.
#[derive(clap::Args)]
pub struct Compile {
    #[command(flatten)]
    source: Source,
    /// Accelerator description (TOML); the reference design if left out
    #[arg(long, value_name = "TOML")]
    accelerator: Option<PathBuf>,
    /// Folder for the program's text and its image
    #[arg(long, default_value = "program", value_name = "DIR")]
    output: PathBuf,
    /// Print how every layer was mapped, what that costs at least, and what bounds it
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    compilation: Compilation,
}

#[derive(Serialize)]
struct Answer<'a> {
    program: String,
    image: String,
    command_words: usize,
    commands: usize,
    memory_bytes: u64,
    constant_bytes: usize,
    bound_cycles: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<Vec<Explained<'a>>>,
}

/// A layer: how it was mapped, and the cycles that its commands need of each resource, taken alone.
#[derive(Serialize)]
struct Explained<'a> {
    #[serde(flatten)]
    layer: &'a LayerSymbol,
    loads: Loads,
    bound_by: &'static str,
}

fn explained(program: &Program) -> Vec<Explained<'_>> {
    let each = program.layers.iter().zip(planned_loads(program));
    each.map(|(layer, loads)| Explained { layer, loads, bound_by: loads.greatest().0 }).collect()
}

impl Compile {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        let folder = OutputFolder::create(&self.output)?;
        let design = inputs::design(self.accelerator.as_deref())?;
        let graph = self.source.network()?.graph;
        let program = pipeline::compiled(&graph, &design.accelerator, &self.compilation.options())?;
        let image = bundle::write(&folder, &program)?;
        folder.finish()?;
        let answer = Answer {
            program: self.output.join(bundle::PROGRAM).display().to_string(),
            image: self.output.join(image).display().to_string(),
            command_words: program.words.len(),
            commands: program.commands.len(),
            memory_bytes: program.memory_bytes,
            constant_bytes: program.segments.iter().map(|segment| segment.bytes.len()).sum(),
            bound_cycles: program.layers.iter().map(|layer| layer.bound_cycles).sum(),
            layers: self.explain.then(|| explained(&program)),
        };
        output::data(&match format {
            Format::Json => output::json("compile", &answer)?,
            Format::Text => text(&answer),
        })?;
        Ok(ExitStatus::Success)
    }
}

fn text(answer: &Answer<'_>) -> String {
    let mut text = format!(
        "{}: {} commands in {} words, {} bytes of external memory, {} of them constant\n",
        answer.program, answer.commands, answer.command_words, answer.memory_bytes, answer.constant_bytes
    );
    if let Some(layers) = &answer.layers {
        text += "\n";
        text += &explanation(layers);
    }
    text
}

/// One line per layer: what it is, how it was tiled, and what that costs each resource.
fn explanation(layers: &[Explained<'_>]) -> String {
    let row = |explained: &Explained<'_>| {
        let Explained { layer, loads, bound_by } = explained;
        let product = layer.product.map_or_else(String::new, |[m, n, k]| format!("{m} x {n} x {k}"));
        vec![
            layer.name.clone(),
            layer.operator.clone(),
            product,
            layer.macs.to_string(),
            loads.array.to_string(),
            loads.bus.to_string(),
            loads.vector.to_string(),
            loads.load_lines.max(loads.store_lines).to_string(),
            (*bound_by).to_owned(),
            layer.mapping.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = layers.iter().map(row).collect();
    let header =
        ["layer", "operator", "M x N x K", "MACs", "array", "bus", "vector", "lines", "bound by", "mapping"];
    output::table(&header, &rows)
        + "array, bus, vector, lines: cycles that the layer's commands need of each at least, taken alone\n"
}
