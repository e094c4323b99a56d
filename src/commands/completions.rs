//! `bitgauge completions`: completion scripts.

use anyhow::Result;
use clap_complete::Shell;

use crate::exit::ExitStatus;
use crate::output;

/// Options of `completions`.
#[derive(clap::Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, mut cli: clap::Command) -> Result<ExitStatus> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut cli, "bitgauge", &mut script);
        output::data(&String::from_utf8_lossy(&script))?;
        Ok(ExitStatus::Success)
    }
}
