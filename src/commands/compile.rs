//! `bitgauge compile`: from a network to a program.

use std::path::PathBuf;

use anyhow::Result;
use bitgauge_arch::Program;
use serde::Serialize;

use crate::bundle;
use crate::exit::ExitStatus;
use crate::files::OutputFolder;
use crate::inputs;
use crate::network::Source;
use crate::output::{self, Format};
use crate::pipeline::{self, CodecArgument};

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
    /// Print how every layer was mapped
    #[arg(long)]
    explain: bool,
    /// Codec of activations in external memory
    #[arg(long, value_enum, default_value_t)]
    codec: CodecArgument,
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
    layers: Option<&'a [bitgauge_arch::program::LayerSymbol]>,
}

impl Compile {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        let folder = OutputFolder::create(&self.output)?;
        let design = inputs::design(self.accelerator.as_deref())?;
        let graph = self.source.network()?.graph;
        let program =
            pipeline::compiled(&graph, &design.accelerator, &pipeline::compile_options(self.codec))?;
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
            layers: self.explain.then_some(&program.layers[..]),
        };
        output::data(&match format {
            Format::Json => output::json("compile", &answer)?,
            Format::Text => text(&answer, self.explain.then_some(&program)),
        })?;
        Ok(ExitStatus::Success)
    }
}

fn text(answer: &Answer<'_>, explained: Option<&Program>) -> String {
    let mut text = format!(
        "{}: {} commands in {} words, {} bytes of external memory, {} of them constant\n",
        answer.program, answer.commands, answer.command_words, answer.memory_bytes, answer.constant_bytes
    );
    if let Some(program) = explained {
        text += "\n";
        text += &explanation(program);
    }
    text
}

/// One line per layer: what it is, what it costs at least, and how it was tiled.
fn explanation(program: &Program) -> String {
    let row = |layer: &bitgauge_arch::program::LayerSymbol| {
        let product = layer.product.map_or_else(String::new, |[m, n, k]| format!("{m} x {n} x {k}"));
        vec![
            layer.name.clone(),
            layer.operator.clone(),
            product,
            layer.macs.to_string(),
            layer.bound_cycles.to_string(),
            layer.mapping.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = program.layers.iter().map(row).collect();
    let header = ["layer", "operator", "M x N x K", "MACs", "cycles at least", "mapping"];
    output::table(&header, &rows)
}
