//! Developer commands: `cargo xtask test` is all a contributor needs; `cargo xtask ci` is what has to pass.

// The one place beside the command line that talks to a person.
#![allow(clippy::print_stderr)]

mod fetch;
mod figures;
mod lint;
mod long;
mod operators;
mod readme;
mod sanitizers;
mod schema;
mod shell;
mod suites;
mod test;
mod tools;

use std::process::ExitCode;

use clap::Parser;

use crate::test::Tier;

/// Developer commands of Bitgauge.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Command {
    /// Set up what the tests use, then run them all (under five minutes after the build)
    Test,
    /// Everything that has to pass: lint, documentation, the README's commands, test with synthesis
    Ci {
        /// Fail where a check was skipped because a tool or data are missing
        #[arg(long)]
        complete: bool,
    },
    /// The slow checks and the accuracy figures; writes docs/status
    Long,
    /// Formatting and clippy
    Lint,
    /// Fetch the public data that the long tier measures on
    Fetch {
        /// One of them; all if left out
        what: Option<fetch::What>,
    },
    /// Write docs/reference/accelerator.schema.json
    Schema,
    /// Write docs/reference/operators.md
    Operators,
    /// Write the figures that tests compute into README.md and docs/status/figures.md
    Figures,
}

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Test => test::run(Tier::Test, false),
        Command::Ci { complete } => lint::run_all()
            .and_then(|()| lint::docs())
            .and_then(|()| readme::run_all())
            .and_then(|()| test::run(Tier::Ci, complete)),
        Command::Long => long::run(),
        Command::Lint => lint::run_all(),
        Command::Fetch { what } => fetch::run_all(what),
        Command::Schema => schema::run(),
        Command::Operators => operators::run_all(),
        Command::Figures => figures::run_all(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
