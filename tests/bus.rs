//! Does the exported bench say under Icarus that the accelerator stands slaves of every legal order, bus errors,
//! bad programs and resets, and that the run after them is as if nothing had been? (Under Verilator:
//! `tests/mutations`.)
//!
//! Oracle: the simulator's memory, cycles and counters; the bench's memory checks the bus protocol, and that
//! nothing is on its way when a run is over.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

use bitgauge_cosim::Slave;
use bitgauge_rtl::export;
use bitgauge_tests::recovery::{CASES, program, small};
use bitgauge_tests::verilog::{Simulated, tool};

/// The exported bench with these arguments under Icarus: whether it passed by its exit code, and what it said.
fn play(folder: &Path, arguments: &[String]) -> (bool, String) {
    let output =
        Command::new("vvp").args(["-N", "bench.vvp"]).args(arguments).current_dir(folder).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A memory that begins with zeros: the program stores what nobody has written too.
fn zeroed(text: &str) -> String {
    text.lines().fold(String::new(), |out, line| {
        let size = line.rsplit_once(" words [0:").and_then(|(_, rest)| rest.strip_suffix("];"));
        let zeros = size.filter(|size| size.parse::<usize>().is_ok()).map_or(String::new(), |last| {
            format!("  integer word;\n  initial for (word = 0; word <= {last}; word = word + 1) words[word] = 0;\n")
        });
        out + line + "\n" + &zeros
    })
}

/// Every way, or one of each kind.
fn icarus(all: bool) {
    if !tool("iverilog") {
        return;
    }
    let accelerator = small();
    let program = program(&accelerator, 4);
    let simulated = Simulated::new(&program, &[]).unwrap();
    let files = export::export(&accelerator, Some(&simulated.vectors())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut sources = Vec::new();
    for file in &files {
        let path = folder.path().join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, zeroed(&file.text)).unwrap();
        if file.path.ends_with(".v") && !file.path.starts_with("synthesis/") {
            sources.push(&file.path);
        }
    }
    let compiled = Command::new("iverilog")
        .args(["-g2005", "-Wall", "-Wno-timescale", "-s", "testbench", "-o", "bench.vvp"])
        .args(sources)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success() && said.trim().is_empty(), "{said}");
    let mut ways: Vec<Vec<String>> = vec![vec![]];
    for slave in Slave::OTHERS {
        if all || slave == Slave::Together {
            ways.push(vec![format!("+slave={}", slave as u32)]);
        }
    }
    for (case, _, places) in CASES {
        // Random data, an abort with a reset, SLVERR.
        if all || [1, 5, 7].contains(&case) {
            ways.push(vec![format!("+before={case}"), format!("+at={}", places[places.len() / 2])]);
        }
    }
    for way in &ways {
        let (passed, said) = play(folder.path(), way);
        assert!(passed && said.contains("PASS"), "{} cycles, {way:?}: {said}", simulated.result.cycles);
    }
    // It can fail: one byte, one cycle.
    for (file, from, to) in [("expected.hex", '0', '1'), ("run.hex", '1', '2')] {
        let path = folder.path().join("vectors").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let line = if file == "run.hex" { 2 } else { 1 };
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let last = lines[line].pop().unwrap();
        lines[line].push(if last == from { to } else { from });
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        let (passed, said) = play(folder.path(), &[]);
        assert!(!passed && said.contains("FAIL"), "{file}: {said}");
        std::fs::write(&path, text).unwrap();
    }
}

#[test]
fn the_exported_bench_says_so_under_icarus() {
    icarus(false);
}

#[test]
#[ignore = "long tier: twenty-two runs under Icarus"]
fn every_way_is_stood_under_icarus() {
    icarus(true);
}
