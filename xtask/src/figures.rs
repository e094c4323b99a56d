//! Figures on pages.

use anyhow::Result;

use crate::shell::{cargo, run};

/// Has the tests that hold pages to their figures write them first.
pub fn run_all() -> Result<()> {
    for (package, test) in [("bitgauge", "figures"), ("bitgauge-compiler", "utilization")] {
        let mut tests = cargo(&["test", "--release", "--quiet", "--package", package, "--test", test]);
        tests.env("BITGAUGE_FIGURES", "write");
        run(tests)?;
    }
    Ok(())
}
