//! The sub-commands, one file each.

mod calibrate_energy;
mod check;
mod compare;
mod compile;
mod completions;
mod cosim;
mod export_verilog;
mod init;
mod price;
mod quantize;
mod run;
mod schema;
mod search;
mod simulate;
mod synth;

use anyhow::Result;
use clap::Subcommand;

use crate::exit::ExitStatus;
use crate::output::Format;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Quantize, compile, simulate, report: the main job
    Run(run::Run),
    /// Check an accelerator, and whether a model fits it
    Check(check::Check),
    /// Quantize a model and measure what that costs in accuracy
    Quantize(quantize::Quantize),
    /// Search the bits of each layer and tensor, for an average or for what an accelerator takes
    Search(search::Search),
    /// Compile a model to a program
    Compile(compile::Compile),
    /// Run a compiled program
    Simulate(simulate::Simulate),
    /// Put two or more runs side by side
    Compare(compare::Compare),
    /// Price the energy of a run by other tables, without running it again
    Price(price::Price),
    /// Measure what the design's units take on a cell library, gate by gate, as a table of prices
    CalibrateEnergy(calibrate_energy::CalibrateEnergy),
    /// Run a network on the simulator and on the exported Verilog, and compare
    Cosim(cosim::Cosim),
    /// Write the accelerator as Verilog, with bench and vectors
    ExportVerilog(export_verilog::ExportVerilog),
    /// Synthesize the accelerator for an FPGA with Yosys, and place it with nextpnr
    Synth(synth::Synth),
    /// Write a commented accelerator description to start from
    Init(init::Init),
    /// Print the JSON schema of the accelerator description
    Schema(schema::Schema),
    /// Print a completion script for a shell
    Completions(completions::Completions),
}

impl Command {
    /// Runs it. `cli` is the whole command line, for completions.
    pub fn run(self, format: Format, cli: fn() -> clap::Command) -> Result<ExitStatus> {
        match self {
            Command::Run(command) => command.run(format),
            Command::Check(command) => command.run(format),
            Command::Quantize(command) => command.run(format),
            Command::Search(command) => command.run(format),
            Command::Compile(command) => command.run(format),
            Command::Simulate(command) => command.run(format),
            Command::Compare(command) => command.run(format),
            Command::Price(command) => command.run(format),
            Command::CalibrateEnergy(command) => command.run(format),
            Command::Cosim(command) => command.run(format),
            Command::ExportVerilog(command) => command.run(format),
            Command::Synth(command) => command.run(format),
            Command::Init(command) => command.run(),
            Command::Schema(command) => command.run(),
            Command::Completions(command) => command.run(cli()),
        }
    }
}
