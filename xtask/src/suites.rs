//! The test executables of the workspace, side by side: `cargo test` runs one after the other, and while the last
//! test of one ends, cores have nothing to do.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::shell::{cargo, output, root};

/// Those that take longest, in seconds of one core, are begun first: what is begun last decides when the cores
/// become idle. `cargo xtask test` prints what each took.
pub const SLOW_FIRST: [&str; 13] = [
    "synth",
    "node_conformance",
    "cosim",
    "unit_vector_stream",
    "mutations",
    "cases",
    "bus",
    "unit_top",
    "unit_rows",
    "unit_store",
    "unit_load",
    "qdq_import",
    "interrupted",
];

/// The same of the ignored tests of the tier `long`.
pub const LONGEST_FIRST: [&str; 4] = ["mutations", "configurations", "cosim", "cosim_networks"];

/// Suites that run at once. Each uses all cores while it has tests for them, so a few of them leave none idle.
const AT_ONCE: usize = 3;

/// Tests that run as one process.
pub struct Suite {
    /// As a person names it: `tests/cosim.rs`.
    pub name: String,
    /// What cargo calls the target.
    pub target: String,
    pub command: Command,
}

/// Has cargo build all tests.
pub fn build() -> Result<Vec<Suite>> {
    let mut command = cargo(&["test", "--release", "--workspace", "--no-run", "--quiet"]);
    command.args(["--message-format", "json-render-diagnostics"]);
    let messages = String::from_utf8(output(command)?)?;
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let tests = artifacts.filter(|artifact| artifact["profile"]["test"] == true);
    let mut suites = tests.map(|artifact| suite(&artifact)).collect::<Result<Vec<Suite>>>()?;
    ensure!(!suites.is_empty(), "cargo named no tests");
    // Cargo finishes them in any order.
    suites.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(suites)
}

/// An executable of cargo's, to be run as cargo does.
fn suite(artifact: &Value) -> Result<Suite> {
    let text = |value: &Value| value.as_str().map(str::to_owned).context("cargo tells too little of a test");
    let source = PathBuf::from(text(&artifact["target"]["src_path"])?);
    let manifest = PathBuf::from(text(&artifact["manifest_path"])?);
    let package = manifest.parent().context("a manifest in no folder")?;
    let name = source.strip_prefix(root()).unwrap_or(&source).display().to_string();
    let mut command = Command::new(text(&artifact["executable"])?);
    command.current_dir(package).env("CARGO_MANIFEST_DIR", package);
    Ok(Suite { name, target: text(&artifact["target"]["name"])?, command })
}

/// The examples in the documentation; cargo alone knows how to build them.
pub fn examples() -> Suite {
    let command = cargo(&["test", "--release", "--workspace", "--doc", "--quiet"]);
    Suite { name: "examples in the documentation".to_owned(), target: "doc".to_owned(), command }
}

/// Puts the slow ones first. A name in the list that no suite has is an error.
pub fn sort(suites: &mut [Suite], slow: &[&str]) -> Result<()> {
    let place = |suite: &Suite| slow.iter().position(|name| *name == suite.target);
    for name in slow {
        ensure!(suites.iter().any(|suite| suite.target == *name), "there is no suite {name} to begin with");
    }
    suites.sort_by_key(|suite| place(suite).unwrap_or(slow.len()));
    Ok(())
}

/// What a suite did.
struct Outcome {
    status: ExitStatus,
    time: Duration,
    /// Whole, as it may hold what is no UTF-8.
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// What all suites did.
#[derive(Default)]
struct Found {
    picked: Vec<String>,
    failed: Vec<String>,
    times: Vec<(Duration, String)>,
}

/// Runs all, in their order as places become free, each to its end whatever others found. Shows what each printed
/// when it is over, then what took how long, then what failed; gives the lines of stderr that `wanted` picks.
pub fn run(suites: Vec<Suite>, wanted: impl Fn(&str) -> bool + Sync) -> Result<Vec<String>> {
    let waiting = Mutex::new(suites.into_iter());
    let found = Mutex::new(Found::default());
    let work = || -> Result<()> {
        loop {
            let Some(suite) = lock(&waiting).next() else { return Ok(()) };
            let Suite { name, command, .. } = suite;
            let outcome = finish(command).with_context(|| format!("cannot run {name}"))?;
            let talk = String::from_utf8_lossy(&outcome.stderr).into_owned();
            // Held while it is shown, so that what a suite said stays in one piece.
            let mut found = lock(&found);
            eprintln!("\n+ {name}: {:.1} s", outcome.time.as_secs_f64());
            eprint!("{talk}{}", String::from_utf8_lossy(&outcome.stdout));
            found.picked.extend(talk.lines().filter(|line| wanted(line)).map(str::to_owned));
            if !outcome.status.success() {
                found.failed.push(format!("{name} ended with {}", outcome.status));
            }
            found.times.push((outcome.time, name));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, Result<()>>| {
            worker.join().unwrap_or_else(|_| bail!("what runs the tests panicked"))
        };
        workers.into_iter().map(join).fold(Ok(()), Result::and)
    })?;
    let Found { picked, failed, mut times } = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    times.sort();
    eprintln!("\nslowest suites, of {}:", times.len());
    for (time, name) in times.iter().rev().take(10) {
        eprintln!("{:8.1} s  {name}", time.as_secs_f64());
    }
    ensure!(
        failed.is_empty(),
        "{} of {} suites failed:\n  {}",
        failed.len(),
        times.len(),
        failed.join("\n  ")
    );
    Ok(picked)
}

/// Runs it with files for what it prints: pipes that nobody reads would stop it.
fn finish(mut command: Command) -> Result<Outcome> {
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let start = Instant::now();
    let status = command.stdout(stdout.try_clone()?).stderr(stderr.try_clone()?).status()?;
    let time = start.elapsed();
    Ok(Outcome { status, time, stdout: whole(&mut stdout)?, stderr: whole(&mut stderr)? })
}

fn whole(file: &mut File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a worker that panicked left is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(name: &str, script: &str) -> Suite {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Suite { name: name.to_owned(), target: name.to_owned(), command }
    }

    fn skip(line: &str) -> bool {
        line.starts_with("SKIPPED: ")
    }

    #[test]
    fn lines_of_all_suites_are_picked_and_of_stderr_only() {
        let one = shell("one", "echo 'SKIPPED: a' >&2; echo SKIPPED: not here; printf '\\377\\n' >&2");
        let two = shell("two", "echo talk >&2; echo 'SKIPPED: b' >&2");
        let mut picked = run(vec![one, two], skip).unwrap();
        picked.sort();
        assert_eq!(picked, ["SKIPPED: a", "SKIPPED: b"]);
    }

    #[test]
    fn every_suite_runs_and_those_that_fail_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut suites: Vec<Suite> =
            (0..2 * AT_ONCE).map(|at| shell(&format!("bad {at}"), "exit 3")).collect();
        let last = folder.path().join("last");
        suites.push(shell("last", &format!("echo > {}", last.display())));
        let error = run(suites, skip).unwrap_err().to_string();
        assert!(error.starts_with("6 of 7 suites failed"), "{error}");
        assert!(
            (0..2 * AT_ONCE).all(|at| error.contains(&format!("bad {at} ended with exit status: 3"))),
            "{error}"
        );
        assert!(last.exists() && !error.contains("last"));
    }

    /// Each waits for a file of the other.
    #[test]
    fn suites_run_side_by_side() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name).display().to_string();
        let meet = |mine: &str, other: &str| {
            let (mine, other) = (file(mine), file(other));
            let wait = format!("for i in $(seq 1000); do [ -e {other} ] && exit 0; sleep 0.01; done; exit 1");
            shell("waits", &format!("echo > {mine}; {wait}"))
        };
        run(vec![meet("a", "b"), meet("b", "a")], skip).unwrap();
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let suite =
            Suite { name: "gone".to_owned(), target: String::new(), command: Command::new("/no/such") };
        assert_eq!(run(vec![suite], skip).unwrap_err().to_string(), "cannot run gone");
    }

    #[test]
    fn slow_suites_come_first_and_exist() {
        let named = |names: &[&str]| names.iter().map(|name| shell(name, "")).collect::<Vec<_>>();
        let mut reversed: Vec<&str> = SLOW_FIRST.into_iter().rev().collect();
        reversed.insert(0, "quick");
        let mut suites = named(&reversed);
        sort(&mut suites, &SLOW_FIRST).unwrap();
        let order: Vec<&str> = suites.iter().map(|suite| suite.name.as_str()).collect();
        assert_eq!(order, [&SLOW_FIRST[..], &["quick"]].concat());
        assert!(sort(&mut named(&["quick"]), &SLOW_FIRST).unwrap_err().to_string().contains(SLOW_FIRST[0]));
    }
}
