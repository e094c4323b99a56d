//! The committed schema of the description.

use anyhow::{Context as _, Result};

use crate::shell::{bitgauge, command, output, root};

/// Writes it; a test holds it to be what the program prints.
pub fn run() -> Result<()> {
    let schema = output(command(bitgauge()?, &["schema"]))?;
    let path = root().join("docs/reference/accelerator.schema.json");
    std::fs::write(&path, schema).with_context(|| format!("cannot write {}", path.display()))
}
