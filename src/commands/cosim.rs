//! `bitgauge cosim`: the same program on the simulator and on the exported Verilog.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use bitgauge_arch::program::TensorRole;
use bitgauge_compiler::Options;
use bitgauge_cosim::{Build, BuildOptions, RunOptions, compare};
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_sim::Machine;
use rayon::prelude::*;
use serde::Serialize;

use crate::cleanup::Temporary;
use crate::compilation::Compilation;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::network::Source;
use crate::output::{self, Format};
use crate::pipeline;
use crate::rtl::{self, Reference};
use crate::{files, inputs, waves};

/// Options of `cosim`.
#[derive(clap::Args)]
pub struct Cosim {
    #[command(flatten)]
    source: Source,
    /// Accelerator description (TOML); the reference design if left out
    #[arg(long, value_name = "TOML")]
    accelerator: Option<PathBuf>,
    /// Images to run
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    images: u32,
    #[command(flatten)]
    compilation: Compilation,
    /// Stall the memory bus at random: bits are compared, cycles are not
    #[arg(long, value_name = "SEED")]
    stall: Option<u32>,
    /// Folder for waveforms of the first image: `verilog.vcd` and `simulator.vcd`, equal signals by name
    #[arg(long, value_name = "DIR")]
    vcd: Option<PathBuf>,
    /// Folder for what is built; kept from call to call
    #[arg(long, value_name = "DIR")]
    build: Option<PathBuf>,
}

#[derive(Serialize)]
struct Answer {
    model: String,
    accelerator: String,
    images: usize,
    programs: Vec<Compared>,
    cycles_per_second: f64,
    differences: Vec<String>,
}

/// What the images gave with one plan of external memory.
#[derive(Serialize)]
struct Compared {
    memory: &'static str,
    commands: usize,
    tensors: usize,
    compared_bytes: u64,
    cycles: Vec<u64>,
    rtl_cycles: Vec<u64>,
}

/// Plans of external memory: that of `run` and `compile`, and one in which every tensor keeps its place, so that
/// all of them are compared.
const PLANS: [(&str, bool); 2] = [("reused", true), ("a place per tensor", false)];

/// One image of one program on both sides.
struct Pair {
    cycles: [u64; 2],
    seconds: f64,
    differences: Vec<String>,
}

impl Cosim {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        let design = inputs::design(self.accelerator.as_deref())?;
        let (network, data) = self.source.with_data()?;
        let graph = &network.graph;
        let plan = |reuse_memory: bool| {
            let options = Options { reuse_memory, ..self.compilation.options() };
            pipeline::compiled(graph, &design.accelerator, &options)
        };
        let programs = PLANS.into_iter().map(|(_, reused)| plan(reused)).collect::<Result<Vec<_>>>()?;
        let folder = self.build.clone().unwrap_or_else(|| std::env::temp_dir().join("bitgauge-cosim"));
        let bar = output::spinner("verilate");
        let build_options = BuildOptions {
            memory_bytes: programs.iter().map(|program| program.memory_bytes).max().unwrap_or(0) as usize,
            waveforms: self.vcd.is_some(),
            ..BuildOptions::default()
        };
        let build = Build::new(&design.accelerator, &folder, build_options).map_err(rtl::failure)?;
        bar.finish_and_clear();

        let count = (self.images as usize).clamp(1, data.images.len());
        let inputs = (0..count)
            .map(|index| Ok(encode_inputs(graph, &[data.images.tensor(index)])?))
            .collect::<Result<Vec<_>>>()?;
        let bar = output::progress("simulate and run the Verilog", count * programs.len());
        let names: Vec<&str> = graph.inputs.iter().map(|&id| graph.tensor(id).name.as_str()).collect();
        let mut compared = Vec::new();
        let mut pairs = Vec::new();
        for ((memory, reused), program) in PLANS.into_iter().zip(&programs) {
            let machine = Machine::new(program);
            let one = |machine: &mut Machine, (image, codes): (usize, &Vec<Vec<u8>>)| {
                let named: Vec<(&str, &[u8])> =
                    names.iter().copied().zip(codes.iter().map(Vec::as_slice)).collect();
                let waves = self.vcd.as_deref().filter(|_| image == 0 && reused);
                let pair = self.pair(&build, Reference::new(program, machine, &named)?, waves)?;
                bar.inc(1);
                let said = pair.differences.iter();
                let differences =
                    said.map(|said| format!("image {image}, memory {memory}: {said}")).collect();
                Ok(Pair { differences, ..pair })
            };
            let each: Vec<Pair> =
                inputs.par_iter().enumerate().map_init(|| machine.clone(), one).collect::<Result<_>>()?;
            let tensors = program.tensors.iter().filter(|tensor| tensor.role != TensorRole::Constant);
            compared.push(Compared {
                memory,
                commands: program.commands.len(),
                tensors: tensors.count(),
                compared_bytes: count as u64 * program.memory_bytes,
                cycles: each.iter().map(|pair| pair.cycles[0]).collect(),
                rtl_cycles: each.iter().map(|pair| pair.cycles[1]).collect(),
            });
            pairs.extend(each);
        }
        bar.finish_and_clear();
        let seconds: f64 = pairs.iter().map(|pair| pair.seconds).sum();
        let total: u64 = pairs.iter().map(|pair| pair.cycles[1]).sum();
        let answer = Answer {
            model: network.place,
            accelerator: design.place,
            images: count,
            programs: compared,
            cycles_per_second: total as f64 / seconds,
            differences: pairs.into_iter().flat_map(|pair| pair.differences).collect(),
        };
        output::data(&match format {
            Format::Json => output::json("cosim", &answer)?,
            Format::Text => self.text(&answer),
        })?;
        match answer.differences.first() {
            None => Ok(ExitStatus::Success),
            Some(first) => Err(Failure::finding(format!("simulator and Verilog differ: {first}"))
                .hint(if self.vcd.is_some() {
                    "this is a fault of Bitgauge; please report it with the model and the description"
                } else {
                    "--vcd DIR writes waveforms of both sides; please report it, it is a fault of Bitgauge"
                })
                .into()),
        }
    }

    /// One image of a program on both sides; waveforms go to the folder.
    fn pair(&self, build: &Build, reference: Reference, waves: Option<&Path>) -> Result<Pair> {
        if let Some(folder) = waves {
            files::write(&folder.join("simulator.vcd"), waves::vcd(&reference.result).as_bytes())?;
        }
        let (scratch, _temporary) = Temporary::make(tempfile::tempdir, |folder| folder.path())
            .context("cannot make a temporary folder")?;
        let slower = if self.stall.is_some() { 40 } else { 2 };
        let options = RunOptions {
            stall_seed: self.stall,
            cycle_limit: u32::try_from(reference.result.cycles * slower + 10_000).ok(),
            waveforms: waves.map(|folder| folder.join("verilog.vcd")),
            ..RunOptions::default()
        };
        let run = build.run(&reference.job(), scratch.path(), &options).map_err(rtl::failure)?;
        let mut expected = reference.expected();
        if self.stall.is_some() {
            expected.cycles = None;
        }
        let found = compare(&expected, &run);
        Ok(Pair {
            cycles: [reference.result.cycles, run.cycles],
            seconds: run.elapsed.as_secs_f64(),
            differences: found.iter().take(20).map(ToString::to_string).collect(),
        })
    }

    fn text(&self, answer: &Answer) -> String {
        let what = if self.stall.is_some() {
            "external memory and accesses at the ports compared, under random stalls"
        } else {
            "external memory, every command's start and end, 32 counters, accesses at the ports and totals compared"
        };
        let mut text = format!(
            "{} on {}: {} images, each with memory reused as in `run`, and with a place per tensor\n{what}\n",
            answer.model, answer.accelerator, answer.images
        );
        for Compared { memory, commands, tensors, cycles, rtl_cycles, .. } in &answer.programs {
            text += &format!("memory {memory}: {commands} commands, {tensors} tensors\n");
            for (image, (simulator, rtl)) in cycles.iter().zip(rtl_cycles).enumerate().take(10) {
                text += &format!("  image {image}: simulator {simulator} cycles, Verilog {rtl}\n");
            }
        }
        text += &format!("Verilog at {:.0} cycles per second and core\n", answer.cycles_per_second);
        if answer.differences.is_empty() {
            text += "differences: 0\n";
        }
        for difference in &answer.differences {
            text += &format!("difference: {difference}\n");
        }
        text
    }
}
