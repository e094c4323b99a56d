//! `bitgauge schema`: the JSON schema of the description, for editors.

use anyhow::Result;
use bitgauge_arch::Accelerator;

use crate::exit::ExitStatus;
use crate::output;

/// Options of `schema`.
#[derive(clap::Args)]
pub struct Schema {}

impl Schema {
    pub(super) fn run(&self) -> Result<ExitStatus> {
        let schema = schemars::generate::SchemaSettings::draft07()
            .into_generator()
            .into_root_schema_for::<Accelerator>();
        output::data(&(serde_json::to_string_pretty(&schema)? + "\n"))?;
        Ok(ExitStatus::Success)
    }
}
