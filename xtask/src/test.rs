//! The tier `test`, and the ignored tests that the long tier adds.

use anyhow::Result;

use crate::shell::{self, cargo};
use crate::tools;

/// Sets up what the tests use and runs them.
pub fn run() -> Result<()> {
    with(&[])
}

/// Seconds for which the long tier runs each fuzz target.
const FUZZ_SECONDS: &str = "1200";

/// All of them at once, however many cores there are.
const FUZZ_THREADS: &str = "--test-threads=8";

/// Runs the tests that are too slow for every day, one at a time, as some of them take the time; then the fuzz
/// targets side by side.
pub fn ignored() -> Result<()> {
    with(&["--", "--ignored", "--nocapture", "--test-threads=1"])?;
    let mut fuzz = cargo(&["test", "--release", "--package", "bitgauge-tests", "--test", "fuzz"]);
    fuzz.args(["--", "--nocapture", FUZZ_THREADS]);
    fuzz.env("BITGAUGE_FUZZ_SECONDS", FUZZ_SECONDS);
    shell::run(fuzz)
}

fn with(arguments: &[&str]) -> Result<()> {
    let mut tests = cargo(&["test", "--release", "--workspace"]);
    tests.args(arguments);
    if let Some(python) = tools::python() {
        tests.env("BITGAUGE_PYTHON", python);
    }
    if let Some(suites) = tools::node_tests() {
        tests.env("BITGAUGE_ONNX_NODE_TESTS", suites);
    }
    // With the tools there, a check that cannot start one fails instead of being skipped.
    if tools::hardware() {
        tests.env("BITGAUGE_REQUIRE_TOOLS", "1");
    }
    shell::run(tests)
}
