//! Formatting, clippy, documentation.

use anyhow::Result;

use crate::shell::{cargo, run};

/// Formatting and clippy, warnings refused.
pub fn run_all() -> Result<()> {
    run(cargo(&["fmt", "--all", "--check"]))?;
    run(cargo(&["clippy", "--release", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
}

/// The documentation of every crate builds without a warning. In the profile of clippy, which has checked what it
/// depends on.
pub fn docs() -> Result<()> {
    let mut docs = cargo(&["doc", "--release", "--workspace", "--no-deps", "--quiet"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    run(docs)
}
