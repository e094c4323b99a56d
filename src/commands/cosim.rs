//! `bitgauge cosim`: the same program on the simulator and on the exported Verilog.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use bitgauge_arch::program::TensorRole;
use bitgauge_compiler::Options;
use bitgauge_cosim::{Build, BuildOptions, RunOptions, compare};
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_sim::Machine;
use rayon::prelude::*;
use serde::Serialize;

use crate::cleanup::Temporary;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::network::Source;
use crate::output::{self, Format};
use crate::pipeline::{self, CodecArgument};
use crate::rtl::{self, Reference};
use crate::{files, inputs, simulator, waves};

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
    /// Codec of activations in external memory
    #[arg(long, value_enum, default_value_t)]
    codec: CodecArgument,
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
    commands: usize,
    tensors: usize,
    compared_bytes: u64,
    cycles: Vec<u64>,
    rtl_cycles: Vec<u64>,
    cycles_per_second: f64,
    differences: Vec<String>,
}

impl Cosim {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        let design = inputs::design(self.accelerator.as_deref())?;
        let (network, data) = self.source.with_data()?;
        let graph = &network.graph;
        // Every tensor keeps its place, so that all of them are compared.
        let options = Options { reuse_memory: false, ..pipeline::compile_options(self.codec) };
        let program = pipeline::compiled(graph, &design.accelerator, &options)?;
        let folder = self.build.clone().unwrap_or_else(|| std::env::temp_dir().join("bitgauge-cosim"));
        let bar = output::spinner("verilate");
        let build_options = BuildOptions {
            memory_bytes: program.memory_bytes as usize,
            waveforms: self.vcd.is_some(),
            ..BuildOptions::default()
        };
        let build = Build::new(&design.accelerator, &folder, build_options).map_err(rtl::failure)?;
        bar.finish_and_clear();

        let count = (self.images as usize).clamp(1, data.images.len());
        let machine = Machine::new(&program).map_err(simulator::failure)?;
        let bar = output::progress("simulate and run the Verilog", count);
        let names: Vec<&str> = graph.inputs.iter().map(|&id| graph.tensor(id).name.as_str()).collect();
        let one = |machine: &mut Machine, index: usize| -> Result<(u64, u64, f64, Vec<String>)> {
            let inputs = encode_inputs(graph, &[data.images.tensor(index)])?;
            let named: Vec<(&str, &[u8])> =
                names.iter().copied().zip(inputs.iter().map(Vec::as_slice)).collect();
            let reference = Reference::new(&program, machine, &named)?;
            let waves = self.vcd.as_deref().filter(|_| index == 0);
            if let Some(folder) = waves {
                files::write(&folder.join("simulator.vcd"), waves::vcd(&reference.result).as_bytes())?;
            }
            let (scratch, _temporary) = Temporary::make(tempfile::tempdir, |folder| folder.path())
                .context("cannot make a temporary folder")?;
            let options = RunOptions {
                stall_seed: self.stall,
                cycle_limit: u32::try_from(
                    reference.result.cycles * if self.stall.is_some() { 40 } else { 2 } + 10_000,
                )
                .ok(),
                waveforms: waves.map(|folder| folder.join("verilog.vcd")),
                ..RunOptions::default()
            };
            let run = build.run(&reference.job(), scratch.path(), &options).map_err(rtl::failure)?;
            let mut expected = reference.expected();
            if self.stall.is_some() {
                expected.cycles = None;
            }
            let found = compare(&expected, &run);
            bar.inc(1);
            let texts = found.iter().take(20).map(|difference| format!("image {index}: {difference}"));
            Ok((reference.result.cycles, run.cycles, run.elapsed.as_secs_f64(), texts.collect()))
        };
        let each: Vec<_> = (0..count)
            .into_par_iter()
            .map_init(|| machine.clone(), |machine, index| one(machine, index))
            .collect::<Result<_>>()?;
        bar.finish_and_clear();
        let seconds: f64 = each.iter().map(|(_, _, seconds, _)| seconds).sum();
        let total: u64 = each.iter().map(|(_, cycles, ..)| cycles).sum();
        let answer = Answer {
            model: network.place,
            accelerator: design.place,
            images: count,
            commands: program.commands.len(),
            tensors: program.tensors.iter().filter(|tensor| tensor.role != TensorRole::Constant).count(),
            compared_bytes: count as u64 * program.memory_bytes,
            cycles: each.iter().map(|(cycles, ..)| *cycles).collect(),
            rtl_cycles: each.iter().map(|(_, cycles, ..)| *cycles).collect(),
            cycles_per_second: total as f64 / seconds,
            differences: each.into_iter().flat_map(|(.., differences)| differences).collect(),
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

    fn text(&self, answer: &Answer) -> String {
        let what = if self.stall.is_some() {
            "external memory compared, under random stalls".to_owned()
        } else {
            format!(
                "external memory, {} commands' starts and ends, 32 counters and totals compared",
                answer.commands
            )
        };
        let mut text = format!(
            "{} on {}: {} images, {} tensors each\n{what}\n",
            answer.model, answer.accelerator, answer.images, answer.tensors
        );
        for (index, (simulator, rtl)) in answer.cycles.iter().zip(&answer.rtl_cycles).enumerate().take(10) {
            text += &format!("image {index}: simulator {simulator} cycles, Verilog {rtl}\n");
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
