//! `bitgauge init`: a complete, commented description.

use std::path::PathBuf;

use anyhow::Result;

use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::{files, output};

/// The description: every key with its choices. A test holds it to parse and to name every key.
const TEMPLATE: &str = include_str!("init.toml");

/// Options of `init`.
#[derive(clap::Args)]
pub struct Init {
    /// Where to write it; `-` for stdout
    #[arg(default_value = "accelerator.toml")]
    file: PathBuf,
    /// Overwrite the file if it is there
    #[arg(long)]
    force: bool,
}

impl Init {
    pub(super) fn run(&self) -> Result<ExitStatus> {
        if self.file.as_os_str() == "-" {
            output::data(TEMPLATE)?;
            return Ok(ExitStatus::Success);
        }
        if self.file.exists() && !self.force {
            return Err(Failure::new("the file is already there")
                .at(self.file.display())
                .hint("name another file, or overwrite it with --force")
                .into());
        }
        files::write(&self.file, TEMPLATE.as_bytes())?;
        output::talk(&format!("wrote {}; next: bitgauge check {0}", self.file.display()));
        Ok(ExitStatus::Success)
    }
}

#[cfg(test)]
mod tests {
    use super::TEMPLATE;
    use bitgauge_arch::Accelerator;

    #[test]
    fn template_parses_and_names_every_key() {
        let accelerator = Accelerator::from_toml(TEMPLATE).unwrap();
        for line in accelerator.to_toml().lines().filter(|line| line.contains('=')) {
            let key = line.split('=').next().unwrap().trim();
            let named = TEMPLATE.lines().any(|line| line.split('=').next().unwrap().trim() == key);
            assert!(named, "`{key}` is not in init.toml");
        }
    }
}
