//! The committed page of operators.

use anyhow::Result;

use crate::shell::{cargo, run};

/// Has the test that holds it to be the program's write it first.
pub fn run_all() -> Result<()> {
    let mut test = cargo(&["test", "--release", "--quiet", "--workspace"]);
    test.args(["--test", "operators_page"]).env("BITGAUGE_BLESS", "1");
    run(test)
}
