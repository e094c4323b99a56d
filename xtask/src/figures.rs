//! Figures on pages.

use anyhow::Result;

use crate::shell::{cargo, run};

/// Has the tests that hold pages to their figures write them first.
pub fn run_all() -> Result<()> {
    for test in ["figures", "utilization"] {
        let mut tests = cargo(&["test", "--release", "--quiet", "--workspace", "--test", test]);
        tests.env("BITGAUGE_FIGURES", "write");
        run(tests)?;
    }
    Ok(())
}
