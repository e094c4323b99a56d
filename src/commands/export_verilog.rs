//! `bitgauge export-verilog`: the accelerator as Verilog, with bench and vectors.

use std::path::PathBuf;

use anyhow::Result;
use bitgauge_arch::Program;
use bitgauge_arch::validate::Validated;
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_rtl::export::{self, Vectors};
use bitgauge_sim::Machine;
use serde::Serialize;

use crate::compilation::Compilation;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::files::OutputFolder;
use crate::network::Source;
use crate::output::{self, Format};
use crate::pipeline;
use crate::rtl::Reference;
use crate::{bundle, inputs};

/// Options of `export-verilog`.
#[derive(clap::Args)]
pub struct ExportVerilog {
    /// Accelerator description (TOML); the reference design if left out
    accelerator: Option<PathBuf>,
    /// Folder of the export
    #[arg(long, short, default_value = "verilog", value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    source: Source,
    /// Image of the data set whose run becomes the bench's vectors
    #[arg(long, default_value_t = 0, value_name = "N")]
    image: usize,
    #[command(flatten)]
    compilation: Compilation,
    /// Write no vectors: the hardware alone
    #[arg(long)]
    no_vectors: bool,
    /// Name of the outermost module, before the names of all others too
    #[arg(long, value_name = "NAME", value_parser = module_name)]
    prefix: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    folder: String,
    top: String,
    configuration: String,
    modules: usize,
    lines: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    cycles: Option<u64>,
}

impl ExportVerilog {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        let folder = OutputFolder::create(&self.output)?;
        let design = inputs::design(self.accelerator.as_deref())?;
        let accelerator = &design.accelerator;
        let traced = self.reference(accelerator)?;
        let reference = traced.as_ref().map(|(_, reference)| reference);
        let vectors = reference.map(|reference| Vectors {
            memory: &reference.memory,
            expected: &reference.after,
            run: reference.run(),
        });
        let bar = output::spinner("export");
        let files =
            export::export_with(accelerator, self.prefix.as_deref(), vectors.as_ref()).map_err(|error| {
                Failure::new(format!("cannot export the accelerator: {error}"))
                    .at(&design.place)
                    .hint("this is a fault of Bitgauge; please report it with the description")
            })?;
        for file in &files {
            folder.write(&file.path, file.text.as_bytes())?;
        }
        if let Some((program, reference)) = &traced {
            bundle::write_outputs(&folder, "vectors/", program, &reference.after)?;
        }
        folder.finish()?;
        bar.finish_and_clear();
        let verilog = files.iter().filter(|file| file.path.starts_with("rtl/") && file.path.ends_with(".v"));
        let answer = Answer {
            folder: self.output.display().to_string(),
            top: export::top_name_with(accelerator, self.prefix.as_deref()),
            configuration: format!("{:016x}", export::configuration_hash(accelerator)),
            modules: verilog.clone().count(),
            lines: verilog.map(|file| file.text.lines().count()).sum(),
            cycles: reference.map(|reference| reference.result.cycles),
        };
        output::data(&match format {
            Format::Json => output::json("export-verilog", &answer)?,
            Format::Text => text(&answer),
        })?;
        Ok(ExitStatus::Success)
    }

    /// The run that becomes vectors: of the user's network, or of the one that ships if it fits.
    fn reference(
        &self,
        accelerator: &bitgauge_arch::Accelerator,
    ) -> Result<Option<(Validated<Program>, Reference)>> {
        if self.no_vectors {
            return Ok(None);
        }
        let (network, data) = self.source.with_data()?;
        let options = self.compilation.options();
        let program = match pipeline::compiled(&network.graph, accelerator, &options) {
            Ok(program) => program,
            Err(error) if !self.source.named() => {
                output::talk(&format!("no vectors: the network that ships does not run here: {error}"));
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if self.image >= data.images.len() {
            let message = format!("there is no image {}; the data set has {}", self.image, data.images.len());
            return Err(Failure::new(message).hint("images are counted from 0").into());
        }
        let inputs = encode_inputs(&network.graph, &[data.images.tensor(self.image)])?;
        let names = network.graph.inputs.iter().map(|&id| network.graph.tensor(id).name.as_str());
        let named: Vec<(&str, &[u8])> = names.zip(inputs.iter().map(Vec::as_slice)).collect();
        let mut machine = Machine::new(&program);
        let reference = Reference::new(&program, &mut machine, &named)?;
        Ok(Some((program, reference)))
    }
}

/// A prefix that begins the names of modules.
fn module_name(text: &str) -> Result<String, String> {
    if bitgauge_rtl::verilog::is_module_name(text) {
        return Ok(text.to_owned());
    }
    Err("a module's name is lower case letters, digits and underscores, a letter first, and no word of Verilog".into())
}

fn text(answer: &Answer) -> String {
    let mut text = format!(
        "{}: module {} and {} more, {} lines of Verilog, configuration {}\n",
        answer.folder,
        answer.top,
        answer.modules - 1,
        answer.lines,
        answer.configuration
    );
    text += &match answer.cycles {
        Some(cycles) => format!(
            "vectors: one image, {cycles} cycles\ntry: make -C {0} verilator (a minute); make -C {0} icarus (minutes)\n",
            answer.folder
        ),
        None => format!("no vectors\ntry: make -C {} lint\n", answer.folder),
    };
    text
}
