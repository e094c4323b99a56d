//! What does a run leave that is killed in the middle? Whole files under their names, or none; and where a signal
//! asks it to end, nothing else either.

// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs that are killed, from the start to the end of one that is not.
const KILLED: u32 = 8;

fn run(folder: &Path, design: &str) -> Command {
    let design = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("designs/{design}.toml"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitgauge"));
    command.args(["run", "--images", "1", "--output", "report", "--accelerator"]).arg(design);
    command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Every file below a folder, by its path in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_killed_run_leaves_whole_files() {
    let whole = |design: &str| {
        let folder = tempfile::tempdir().unwrap();
        let start = Instant::now();
        assert!(run(folder.path(), design).status().unwrap().success());
        (files(&folder.path().join("report")), start.elapsed())
    };
    let ((small, _), (large, time)) = (whole("reference-8x8"), whole("reference-16x16"));
    assert_ne!(small["result.json"], large["result.json"]);
    // Into an empty place, and over an earlier report.
    for before in [None, Some(&small)] {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("report");
        let mut unfinished = 0;
        for kill in 0..KILLED {
            if report.exists() {
                std::fs::remove_dir_all(&report).unwrap();
            }
            for (name, bytes) in before.into_iter().flatten() {
                let path = report.join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            }
            let mut process = run(folder.path(), "reference-16x16").spawn().unwrap();
            std::thread::sleep(time * kill / KILLED + Duration::from_millis(1));
            let _ = process.kill();
            process.wait().unwrap();
            let found = if report.exists() { files(&report) } else { BTreeMap::new() };
            unfinished += u32::from(found != large);
            for (name, bytes) in &found {
                let known = [before.and_then(|before| before.get(name)), large.get(name)];
                assert!(
                    known.contains(&Some(bytes)),
                    "`{name}` is half written, killed at {kill} of {KILLED}"
                );
            }
            assert!(before.is_none_or(|before| before.keys().all(|name| found.contains_key(name))));
            assert!(before.is_some() || found.is_empty() || found == large, "a part of a report");
        }
        assert!(unfinished > KILLED / 4, "only {unfinished} runs were killed before their end");
        // What was left in between is in nobody's way.
        assert!(run(folder.path(), "reference-16x16").status().unwrap().success());
        assert!(files(&report) == large);
    }
}

/// SIGINT is what Ctrl-C sends, SIGTERM what `kill` and the machine's end do.
#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing() {
    use std::os::unix::process::ExitStatusExt as _;
    for (signal, number) in [("INT", 2), ("TERM", 15)] {
        let folder = tempfile::tempdir().unwrap();
        let entries = || std::fs::read_dir(folder.path()).unwrap().count();
        let mut process = run(folder.path(), "reference-16x16").spawn().unwrap();
        // The folder that will be the report is made first.
        let start = Instant::now();
        while entries() == 0 {
            assert!(start.elapsed() < Duration::from_secs(60), "nothing was begun");
            std::thread::sleep(Duration::from_millis(1));
        }
        let kill = Command::new("kill").args(["-s", signal, &process.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let status = process.wait().unwrap();
        assert_eq!(status.signal(), Some(number), "SIG{signal}: it ended first: {status}");
        assert_eq!(entries(), 0, "SIG{signal}");
    }
}
