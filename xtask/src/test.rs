//! The tier `test`, and the ignored tests that the long tier adds.

use anyhow::{Result, ensure};

use crate::shell::{self, cargo};
use crate::tools;

/// Sets up what the tests use and runs them; says last what was left out. With `complete`, anything that was left
/// out is an error.
pub fn run(complete: bool) -> Result<()> {
    let skips = with(&[])?;
    for skip in &skips {
        eprintln!("{skip}");
    }
    eprintln!("checks skipped: {}", skips.len());
    ensure!(!complete || skips.is_empty(), "{} checks were skipped, and --complete allows none", skips.len());
    Ok(())
}

/// Seconds for which the long tier runs each fuzz target.
const FUZZ_SECONDS: &str = "1200";

/// All of them at once, however many cores there are.
const FUZZ_THREADS: &str = "--test-threads=8";

/// Runs the tests that are too slow for every day, one at a time, as some of them take the time; then the fuzz
/// targets side by side. So many checks were skipped before.
pub fn ignored(skipped: usize) -> Result<()> {
    let skips = with(&["--", "--ignored", "--nocapture", "--test-threads=1"])?;
    let mut fuzz = cargo(&["test", "--release", "--package", "bitgauge-tests", "--test", "fuzz"]);
    fuzz.args(["--", "--nocapture", FUZZ_THREADS]);
    fuzz.env("BITGAUGE_FUZZ_SECONDS", FUZZ_SECONDS);
    shell::run(fuzz)?;
    eprintln!("checks skipped: {}", skipped + skips.len());
    Ok(())
}

/// Runs all tests with these arguments; gives the lines of those that say that they were skipped.
fn with(arguments: &[&str]) -> Result<Vec<String>> {
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
    shell::lines(tests, is_skip)
}

/// Whether a test says so that something was left out; tools that are missing say so in their own lines.
fn is_skip(line: &str) -> bool {
    line.starts_with("SKIPPED: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_are_counted_as_they_come() {
        let mut command = std::process::Command::new("sh");
        command.args([
            "-c",
            "echo 'SKIPPED: one' >&2; echo SKIPPED: not here; echo talk >&2; echo 'SKIPPED: two' >&2",
        ]);
        assert_eq!(shell::lines(command, is_skip).unwrap(), ["SKIPPED: one", "SKIPPED: two"]);
        let mut failing = std::process::Command::new("sh");
        failing.args(["-c", "exit 3"]);
        assert!(shell::lines(failing, is_skip).is_err());
    }
}
