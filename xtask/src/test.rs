//! The tier `test`, and the ignored tests that the long tier adds.

use std::ffi::OsString;

use anyhow::{Result, ensure};

use crate::shell::{self, cargo};
use crate::{suites, tools};

/// Which tests run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Those for every day.
    Test,
    /// The ignored tests of [`CI`] too.
    Ci,
}

/// Suites whose ignored tests belong to the tier `ci`.
const CI: [&str; 1] = ["synth"];

/// Sets up what the tests use, builds them and runs them side by side; says last what was left out. With
/// `complete`, anything that was left out is an error.
pub fn run(tier: Tier, complete: bool) -> Result<()> {
    let tools = tools();
    let mut suites = suites::build()?;
    for suite in suites.iter_mut().filter(|suite| tier == Tier::Ci && CI.contains(&suite.target.as_str())) {
        suite.command.arg("--include-ignored");
    }
    suites.push(suites::examples());
    suites::sort(&mut suites, &suites::SLOW_FIRST)?;
    for suite in &mut suites {
        suite.command.envs(tools.iter().cloned());
    }
    let skips = suites::run(suites, is_skip)?;
    for skip in &skips {
        eprintln!("{skip}");
    }
    eprintln!("checks skipped: {}", skips.len());
    ensure!(!complete || skips.is_empty(), "{} checks were skipped, and --complete allows none", skips.len());
    Ok(())
}

/// Seconds for which the long tier runs each fuzz target.
const FUZZ_SECONDS: &str = "600";

/// All of them at once, however many cores there are.
const FUZZ_THREADS: &str = "--test-threads=8";

/// The ignored tests that measure time or memory. Each runs with nothing beside it; all others share the cores.
const MEASUREMENTS: [&str; 14] = [
    "a_float_inference_takes_little_more_than_onnx_runtimes",
    "a_larger_array_is_no_slower_to_simulate",
    "a_process_of_its_own",
    "all_widths_in_ten_minutes_and_the_same_again",
    "cycles_a_second",
    "cycles_alone_of_a_large_transformer",
    "large_networks_in_seconds",
    "one_image_in_little_memory",
    "one_image_of_a_transformer_on_one_core",
    "one_image_on_one_core",
    "one_inference_of_efficientnet_lite0",
    "the_trace_takes_less_than_half_of_the_speed",
    "twice_the_area_takes_twice_the_time",
    "twice_the_layers_take_twice_the_time",
];

/// Runs the tests that are too slow for every day, then the fuzz targets side by side, each part to its end whatever
/// the others found. So many checks were skipped before.
pub fn ignored(skipped: usize) -> Result<()> {
    let slow = slow();
    let alone = ["--no-fail-fast", "--", "--ignored", "--nocapture", "--test-threads=1"];
    let measured = with(&[&alone[..], &MEASUREMENTS].concat());
    let mut fuzz = cargo(&["test", "--release", "--workspace", "--test", "fuzz"]);
    fuzz.args(["--", "--nocapture", FUZZ_THREADS]);
    fuzz.env("BITGAUGE_FUZZ_SECONDS", FUZZ_SECONDS);
    let fuzzed = shell::run(fuzz);
    let skips = slow.iter().chain(&measured).map(Vec::len).sum::<usize>();
    eprintln!("checks skipped: {}", skipped + skips);
    slow.and(measured).map(drop).and(fuzzed)
}

/// Runs the ignored tests that measure nothing, side by side; gives the lines of those that say that they were skipped.
fn slow() -> Result<Vec<String>> {
    let tools = tools();
    let mut suites = suites::build()?;
    suites::sort(&mut suites, &suites::LONGEST_FIRST)?;
    for suite in &mut suites {
        suite.command.envs(tools.iter().cloned()).args(["--ignored", "--nocapture"]);
        suite.command.args(MEASUREMENTS.iter().flat_map(|name| ["--skip", name]));
    }
    suites::run(suites, is_skip)
}

/// Runs all tests with these arguments, one executable after the other; gives the lines of those that say that they
/// were skipped.
fn with(arguments: &[&str]) -> Result<Vec<String>> {
    let mut tests = cargo(&["test", "--release", "--workspace"]);
    tests.args(arguments).envs(tools());
    shell::lines(tests, is_skip)
}

/// Has the tools that tests use set up; gives the environment that tells where they are.
fn tools() -> Vec<(&'static str, OsString)> {
    let mut found = Vec::new();
    if let Some(python) = tools::python() {
        found.push(("BITGAUGE_PYTHON", python.into()));
    }
    if let Some(suites) = tools::node_tests() {
        found.push(("BITGAUGE_ONNX_NODE_TESTS", suites.into()));
    }
    if let Some(library) = tools::liberty() {
        found.push(("BITGAUGE_LIBERTY", library.into()));
    }
    // With the tools there, a check that cannot start one fails instead of being skipped.
    if tools::hardware() {
        found.push(("BITGAUGE_REQUIRE_TOOLS", "1".into()));
    }
    found
}

/// Whether a test says so that something was left out; tools that are missing say so in their own lines.
fn is_skip(line: &str) -> bool {
    line.starts_with("SKIPPED: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every Rust file, with its path from the root.
    fn sources() -> Vec<(String, String)> {
        let mut files = vec![shell::root()];
        let mut found = Vec::new();
        while let Some(path) = files.pop() {
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.is_dir() && !hidden && !path.ends_with("target") {
                files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(shell::root()).unwrap().display().to_string();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
        found
    }

    /// The list is that of the tests whose reason to be ignored says that they measure.
    #[test]
    fn every_measurement_runs_alone() {
        let mut found = Vec::new();
        for (_, text) in sources() {
            let reasons = text.split("#[ignore = \"long tier: ").skip(1);
            let measures = ["a timing", "a measurement", "time and memory", "peak memory", "a part of"];
            let named = reasons.filter(|reason| measures.iter().any(|words| reason.starts_with(words)));
            let name = |reason: &str| reason.split("fn ").nth(1)?.split('(').next().map(str::to_owned);
            found.extend(named.filter_map(name));
        }
        found.sort();
        let mut listed = MEASUREMENTS.map(str::to_owned).to_vec();
        listed.sort();
        assert_eq!(found, listed);
    }

    /// A suite of the list has tests that are ignored for it, and none of another tier; no other suite has one.
    #[test]
    fn tests_of_the_tier_ci_are_run_there() {
        let reasons = |text: &str, tier: &str| text.matches(&format!("#[ignore = \"{tier} tier: ")).count();
        let of_ci = |name: &str| CI.iter().any(|suite| name.starts_with(&format!("tests/{suite}/")));
        let (listed, others): (Vec<_>, Vec<_>) = sources().into_iter().partition(|(name, _)| of_ci(name));
        for suite in CI {
            let files = listed.iter().filter(|(name, _)| name.starts_with(&format!("tests/{suite}/")));
            assert!(files.map(|(_, text)| reasons(text, "ci")).sum::<usize>() > 0, "{suite}");
        }
        assert!(listed.iter().all(|(_, text)| reasons(text, "long") == 0));
        for (name, text) in others {
            assert_eq!(reasons(&text, "ci"), 0, "{name}: list its suite in CI");
        }
    }

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
