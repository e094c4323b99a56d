//! `bitgauge`: how few bits can this network live on, on this hardware, and what does each bit cost?
//!
//! The only crate that opens files and prints. Data go to stdout, talk to stderr; the exit code is an
//! [`exit::ExitStatus`].

mod assumptions;
mod bundle;
mod cleanup;
mod commands;
mod compilation;
mod dataset;
mod exit;
mod failure;
mod files;
mod inputs;
mod journal;
mod liberty;
mod memory;
mod network;
mod output;
mod pipeline;
mod plots;
mod quantization;
mod results;
mod rtl;
mod shipped;
mod synth;
mod waves;

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use bitgauge_arch::arith::host;
use clap::{CommandFactory as _, Parser};

use commands::Command;
use exit::ExitStatus;
use output::{Format, talk};

/// How few bits can this network live on, on this hardware, and what does each bit cost?
///
/// Takes a trained ViT or CNN (ONNX) and an accelerator description (TOML), quantizes the network, compiles
/// it to the accelerator's command stream, simulates it bit for bit and cycle for cycle, and reports where
/// every byte, cycle and picojoule went. `bitgauge run` without arguments does so for a small trained vision
/// transformer that is built in.
#[derive(Parser)]
#[command(name = "bitgauge", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How data look on stdout
    #[arg(long, global = true, value_enum, default_value_t, display_order = 900)]
    format: Format,
}

/// What holds for every command: variables of the environment, and signals.
fn prepare() -> Result<(), failure::Failure> {
    if let Some(unknown) = host::unknown_kernel() {
        let choices = host::KERNELS.map(|(name, _)| name).join(", ");
        let message = format!("BITGAUGE_KERNEL is `{unknown}`");
        return Err(failure::Failure::new(message)
            .at("the environment")
            .hint(format!("possible: {choices}")));
    }
    cleanup::listen().map_err(|error| failure::Failure::new(format!("cannot listen to signals: {error}")))
}

fn main() -> ExitCode {
    memory::prepare();
    let cli = Cli::parse();
    panic::set_hook(Box::new(|fault| {
        let place =
            fault.location().map_or_else(String::new, |at| format!("\n --> {}:{}", at.file(), at.line()));
        let payload = fault.payload();
        let message = payload.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("unknown");
        talk(&format!(
            "error: a fault inside Bitgauge {}: {message}{place}\nhint: please report it, with the command line and its input files",
            env!("CARGO_PKG_VERSION"),
        ));
    }));
    if let Err(failure) = prepare() {
        talk(&failure::render(&failure.into()));
        return ExitStatus::Failure.into();
    }
    // Errors are values here; this only makes sure that a fault of ours ends with its own exit code.
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| cli.command.run(cli.format, Cli::command)));
    match outcome {
        Ok(Ok(status)) => status.into(),
        Ok(Err(error)) => {
            talk(&failure::render(&error));
            failure::status(&error).into()
        }
        Err(_) => ExitStatus::Failure.into(),
    }
}
