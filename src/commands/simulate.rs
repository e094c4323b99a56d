//! `bitgauge simulate`: runs a compiled program.

use std::path::{Path, PathBuf};

use anyhow::Result;
use bitgauge_arch::Program;
use bitgauge_arch::command::Unit;
use bitgauge_arch::program::{TensorRole, TensorSymbol};
use bitgauge_models::npy::{self, NpyData};
use bitgauge_sim::result::{RunResult, StallReason};
use bitgauge_sim::{Machine, Options};

use crate::bundle;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::files::{self, OutputFolder};
use crate::output::{self, Format};

/// Options of `simulate`.
#[derive(clap::Args)]
pub struct Simulate {
    /// The program's text (`program.bgp`); its image has to lie beside it
    program: PathBuf,
    /// Codes of the input as they lie in memory: `.npy`, unsigned bytes, groups x rows x columns x channels
    #[arg(long, value_name = "NPY", required_unless_present = "timing_only", conflicts_with = "timing_only")]
    input: Option<PathBuf>,
    /// Find cycles without computing data
    #[arg(long)]
    timing_only: bool,
    /// Folder for the whole result (JSON) and the output codes (`.npy`, dimensions and order of ONNX)
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Give up after so many cycles
    #[arg(long, value_name = "CYCLES", default_value_t = 100_000_000_000)]
    cycle_limit: u64,
}

impl Simulate {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        let folder = self.output.as_deref().map(OutputFolder::create).transpose()?;
        let program = bundle::read(&self.program)?;
        if folder.is_some() && !self.timing_only && program.outputs.is_empty() {
            let message =
                "the program does not say in which order its outputs are: an earlier version wrote it";
            return Err(Failure::new(message)
                .at(self.program.display())
                .hint("compile the network again")
                .into());
        }
        let mut machine = Machine::new(&program);
        let input = self.input.as_deref().map(|path| self.read_input(path, &program)).transpose()?;
        let named: Vec<(&str, &[u8])> =
            input.iter().map(|(tensor, codes)| (tensor.name.as_str(), &codes[..])).collect();
        let options = Options {
            trace: folder.is_some(),
            data: !self.timing_only,
            cycle_limit: self.cycle_limit,
            ..Options::default()
        };
        let bar = output::spinner("simulate");
        let result = machine.run(&named, &options).map_err(Failure::from)?;
        bar.finish_and_clear();
        if let Some(folder) = folder {
            folder.write("result.json", output::json("simulate", &result)?.as_bytes())?;
            if !self.timing_only {
                bundle::write_outputs(&folder, "", &program, machine.memory())?;
            }
            folder.finish()?;
        }
        output::data(&match format {
            // Spans and bursts are for the file.
            Format::Json => {
                output::json("simulate", &RunResult { spans: Vec::new(), bursts: Vec::new(), ..result })?
            }
            Format::Text => text(&program, &result),
        })?;
        Ok(ExitStatus::Success)
    }

    fn read_input<'p>(&self, path: &Path, program: &'p Program) -> Result<(&'p TensorSymbol, Vec<u8>)> {
        let mut inputs = program.tensors.iter().filter(|tensor| tensor.role == TensorRole::Input);
        let (Some(tensor), None) = (inputs.next(), inputs.next()) else {
            return Err(Failure::new("the program does not have one input")
                .at(self.program.display())
                .into());
        };
        let array = npy::read(&files::read(path)?)
            .map_err(|error| Failure::new(format!("not a usable .npy array: {error}")).at(path.display()))?;
        match array.data {
            NpyData::U8(codes) => Ok((tensor, codes)),
            _ => Err(Failure::new(format!("the codes of `{}` must be unsigned bytes", tensor.name))
                .at(path.display())
                .hint("array.view(numpy.uint8) keeps signed codes as they are")
                .into()),
        }
    }
}

fn text(program: &Program, result: &RunResult) -> String {
    let milliseconds = result.cycles as f64 / (f64::from(program.accelerator.clock.mhz) * 1e3);
    let mut text = format!(
        "{} cycles (closed-form bound {}), {milliseconds:.3} ms on {}\n\n",
        result.cycles, result.bound_cycles, program.accelerator.name
    );
    let mut header = vec!["unit", "busy"];
    header.extend(StallReason::ALL.iter().map(|reason| reason.name()));
    header.push("idle");
    let units = Unit::ALL.iter().zip(&result.units).map(|(unit, cycles)| {
        let counts = [cycles.busy].into_iter().chain(cycles.stalled).chain([cycles.idle]);
        [unit.name().to_owned()].into_iter().chain(counts.map(|count| count.to_string())).collect()
    });
    text += &output::table(&header, &units.collect::<Vec<_>>());
    text += "\n";
    let layers = program.layers.iter().zip(&result.layers).map(|(layer, counts)| {
        let cycles = counts.end.saturating_sub(counts.start.min(counts.end));
        let macs = counts.array_macs + counts.vector_macs;
        let numbers = [cycles, layer.bound_cycles, macs, counts.bus_beats];
        let numbers = numbers.map(|number| number.to_string());
        [layer.name.clone(), layer.operator.clone()].into_iter().chain(numbers).collect()
    });
    let header = ["layer", "operator", "cycles", "at least", "MACs", "bus beats"];
    text + &output::table(&header, &layers.collect::<Vec<_>>())
}
