//! Does every operator compute what ONNX says? The node tests of the package `onnx`, suites times runtimes.
//!
//! Which tests run, and which are left out and why, is data: `conformance`. A test of the suites whose
//! operators are all in the program's table must be in one of its lists, so the counts are complete. The suites
//! lie in the folder that BITGAUGE_ONNX_NODE_TESTS names, one folder per version of `onnx`
//! (`cargo xtask test` puts them into `.tools/onnx-node-tests`); where the variable is not set and the
//! folder is not there, the test is skipped with one line.

// Helpers outside of #[test] functions fail the test by panicking, and say what is skipped.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod case;
mod integer;
mod manifest;
mod runtimes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bitgauge_models::float::passes;
use bitgauge_models::onnx::{import, operator_names};

use case::{cases, operators};
use manifest::{Manifest, Suite};
use runtimes::{Runtime, compare};

/// One loud line, past the harness, which swallows what passing tests print with macros.
fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The folder with the suites; `None` where nobody asked for it and it is not there.
fn folder() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("BITGAUGE_ONNX_NODE_TESTS") {
        return Some(PathBuf::from(given));
    }
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/onnx-node-tests");
    usual.is_dir().then_some(usual)
}

/// The tests of a suite whose operators are all known.
fn known_tests(suite: &Path) -> BTreeMap<String, PathBuf> {
    let names: BTreeSet<&str> = operator_names().into_iter().collect();
    let entries = std::fs::read_dir(suite).unwrap_or_else(|e| {
        panic!(
            "{}: {e}; `cargo xtask test` fetches the suites, or unpack onnx/backend/test/data/node of that \
             version of the PyPI package onnx there",
            suite.display()
        )
    });
    let tests = entries.map(|e| e.unwrap().path()).filter(|p| p.join("model.onnx").is_file());
    let known = |path: &PathBuf| {
        let ops = operators(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        !ops.is_empty() && ops.iter().all(|op| names.contains(op.as_str()))
    };
    let name = |path: PathBuf| (path.file_name().unwrap().to_string_lossy().into_owned(), path);
    tests.filter(known).map(name).collect()
}

fn outcome(path: &Path, name: &str, runtime: &Runtime, manifest: &Manifest) -> Result<(), String> {
    for case in cases(path, name, &manifest.prepare, runtime.coded)? {
        compare(&(runtime.run)(&case)?, &case.wanted, runtime.tolerance)?;
    }
    Ok(())
}

/// What is wrong with the lists of a suite.
fn unlisted(suite: &Suite, tests: &BTreeMap<String, PathBuf>, manifest: &Manifest) -> Vec<String> {
    let mut problems = Vec::new();
    let mut listed: BTreeMap<&String, usize> = suite.run.iter().map(|t| (t, 1)).collect();
    for test in suite.ignore.iter().flat_map(|i| &i.tests) {
        *listed.entry(test).or_default() += 1;
    }
    for (test, count) in &listed {
        if *count > 1 {
            problems.push(format!("{test} is listed {count} times"));
        }
        if !tests.contains_key(*test) {
            problems.push(format!("{test} is listed, but is no test of operators in the table"));
        }
    }
    let float = &runtimes::all()[0];
    for (test, path) in tests.iter().filter(|(test, _)| !listed.contains_key(test)) {
        let outcome = outcome(path, test, float, manifest);
        problems
            .push(format!("{test} is not listed ({})", outcome.map_or_else(|e| e, |()| "passes".to_owned())));
    }
    problems
}

/// Runs a suite on a runtime and reports the counts; what failed.
fn run_suite(
    suite: &Suite,
    runtime: &Runtime,
    tests: &BTreeMap<String, PathBuf>,
    manifest: &Manifest,
) -> Vec<String> {
    let own = manifest
        .runtime_ignores
        .iter()
        .filter(|i| i.runtimes.contains(runtime.name) && i.suite == suite.name);
    let own: BTreeMap<&String, &str> =
        own.flat_map(|i| i.tests.iter().map(|t| (t, i.reason.as_str()))).collect();
    let mut failed = Vec::new();
    let mut run = 0;
    let start = std::time::Instant::now();
    for test in suite.run.iter().filter(|t| !own.contains_key(t)) {
        let Some(path) = tests.get(test) else { continue };
        run += 1;
        if let Err(e) = outcome(path, test, runtime, manifest) {
            failed.push(format!("{} x {}: {test}: {e}", suite.name, runtime.name));
        }
    }
    for test in own.keys() {
        if tests.get(*test).is_some_and(|path| outcome(path, test, runtime, manifest).is_ok()) {
            failed.push(format!("{} x {}: {test} is ignored, but passes", suite.name, runtime.name));
        }
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for ignore in &suite.ignore {
        *reasons.entry(&ignore.reason).or_default() += ignore.tests.len();
    }
    for reason in own.values() {
        *reasons.entry(reason).or_default() += 1;
    }
    say(&format!(
        "onnx {} x {}: {} tests of operators in the table, {run} run, {} passed, {} ignored, {:.1} s",
        suite.name,
        runtime.name,
        tests.len(),
        run - failed.len(),
        reasons.values().sum::<usize>(),
        start.elapsed().as_secs_f64(),
    ));
    for (reason, count) in reasons {
        say(&format!("    {count:4} {reason}"));
    }
    failed
}

#[test]
fn node_tests() {
    let manifest = Manifest::read();
    let Some(folder) = folder() else {
        say(
            "SKIPPED: ONNX's node tests; fetch them with `cargo xtask test`, or set BITGAUGE_ONNX_NODE_TESTS to a \
             folder that holds one folder of node tests per version",
        );
        return;
    };
    let mut problems = Vec::new();
    let verilog = bitgauge_tests::verilog::verilator();
    for suite in &manifest.suites {
        let tests = known_tests(&folder.join(&suite.name));
        problems
            .extend(unlisted(suite, &tests, &manifest).into_iter().map(|p| format!("{}: {p}", suite.name)));
        let there = |runtime: &&Runtime| match runtime.name {
            "verilog" => verilog,
            "export" => bitgauge_tests::exported::available(),
            _ => true,
        };
        for runtime in runtimes::all().iter().filter(there) {
            problems.extend(run_suite(suite, runtime, &tests, &manifest));
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// Broken models of every operator end in an error or in a graph, never in a panic.
#[test]
fn mutated_models_do_not_panic() {
    let Some(folder) = folder() else {
        return say("SKIPPED: mutations of ONNX's node tests, which are not there");
    };
    // A fixed linear congruential generator: the same mutations on every run.
    let mut state = 1u64;
    let mut random = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % n
    };
    for suite in &Manifest::read().suites {
        for path in known_tests(&folder.join(&suite.name)).values() {
            let Ok(bytes) = case::prepared(path) else { continue };
            for _ in 0..40 {
                let mut broken = bytes.clone();
                for _ in 0..=random(3) {
                    let at = random(broken.len());
                    broken[at] ^= 1 << random(8);
                }
                if let Ok(mut graph) = import(&broken) {
                    let _ = passes::simplify(&mut graph);
                }
            }
        }
    }
}

#[test]
fn ignored_tests_have_a_reason_and_a_place() {
    let manifest = Manifest::read();
    let runtimes: BTreeSet<&str> = runtimes::all().iter().map(|r| r.name).collect();
    for suite in &manifest.suites {
        assert!(suite.ignore.iter().all(|i| !i.reason.is_empty() && !i.tests.is_empty()), "{}", suite.name);
    }
    for ignore in &manifest.runtime_ignores {
        let suite = manifest.suites.iter().find(|s| s.name == ignore.suite);
        let runs = suite.is_some_and(|s| ignore.tests.iter().all(|t| s.run.contains(t)));
        let known = ignore.runtimes.iter().all(|name| runtimes.contains(name.as_str()));
        assert!(runs && known, "{:?}: {}", ignore.runtimes, ignore.reason);
    }
}
