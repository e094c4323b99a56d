//! Does a small accelerator become what an FPGA has: multipliers DSP blocks, scratchpads block RAM, no latch?
//!
//! All of it takes Yosys minutes: that is for the tier `ci`. Every day `src/synth/parts.rs` asks the same of the parts.

// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// 2 x 2 elements, one lane, least memories.
const SMALL: &str = include_str!("small.toml");

fn yosys() -> bool {
    let works = Command::new("yosys").arg("-V").output().is_ok_and(|output| output.status.success());
    if !works {
        assert!(std::env::var_os("BITGAUGE_REQUIRE_TOOLS").is_none(), "yosys does not start");
        // Past the capture of the test's output, so that it is seen and counted.
        let what = "SKIPPED: synthesis; `apt-get install yosys` brings what it needs";
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{what}\n"));
    }
    works
}

fn synth(folder: &Path, arguments: &[&str]) -> Output {
    std::fs::write(folder.join("small.toml"), SMALL).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitgauge"));
    command.current_dir(folder).args(["synth", "small.toml", "--format", "json"]).args(arguments);
    command.output().unwrap()
}

#[test]
#[ignore = "ci tier: two minutes of two cores"]
fn small_design_on_ecp5() {
    if !yosys() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = synth(folder.path(), &["--family", "ecp5", "--device", "25k"]);
    let said = String::from_utf8_lossy(&output.stderr);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    // Exit code and answer say the same.
    assert_eq!(answer["device"]["fits"] == true, output.status.code() == Some(0), "{said}");
    assert_eq!(answer["latches"].as_array().unwrap().len(), 0);
    let modules = answer["modules"].as_array().unwrap();
    let named = |start: &str| -> Vec<&Value> {
        let name = |row: &&Value| row["module"].as_str().unwrap().starts_with(start);
        modules.iter().filter(name).collect()
    };
    let pe = named("pe_");
    assert_eq!(pe.len(), 1);
    assert_eq!(pe[0]["instances"], 4);
    assert_eq!(pe[0]["whole"]["dsp"], 1, "one DSP block per element");
    // The main requantizer's 33 x 16 bits take two.
    assert_eq!(named("requantizer")[0]["whole"]["dsp"], 2);
    // A block RAM holds 2 KiB.
    for (start, kib) in [("scratchpad_activation", 16), ("scratchpad_weight", 8)] {
        let rows = named(start);
        assert_eq!(rows.len(), 1, "{start}");
        assert_eq!(rows[0]["whole"]["bram"], kib / 2, "{start}");
    }
    let written: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("synth/synth.json")).unwrap()).unwrap();
    assert_eq!(written, answer);
}

/// The elements alone: one DSP block each, and no memories.
#[test]
fn the_array_alone_on_ecp5() {
    if !yosys() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = synth(folder.path(), &["--family", "ecp5", "--part", "array"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["part"], "array");
    assert_eq!((answer["total"]["dsp"].as_u64(), answer["total"]["bram"].as_u64()), (Some(4), Some(0)));
}

/// Several descriptions: a line for each, and what each alone would give.
#[test]
fn accelerators_side_by_side() {
    if !yosys() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("wide.toml"), SMALL.replace("cols = 2", "cols = 4")).unwrap();
    let both = ["wide.toml", "--family", "ecp5", "--part", "array"];
    let output = synth(folder.path(), &both);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let designs = answer["designs"].as_array().unwrap();
    assert_eq!(
        designs.iter().map(|one| one["total"]["dsp"].as_u64()).collect::<Vec<_>>(),
        [Some(4), Some(8)]
    );
    for (name, one) in ["small", "wide"].iter().zip(designs) {
        assert_eq!(one["accelerator"], format!("{name}.toml"));
        let written = std::fs::read(folder.path().join("synth").join(name).join("synth.json")).unwrap();
        let mut written: Value = serde_json::from_slice(&written).unwrap();
        for key in ["format_version", "command"] {
            assert!(written.as_object_mut().unwrap().remove(key).is_some());
        }
        assert_eq!(written, *one);
    }
}

#[test]
fn two_descriptions_of_one_name_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = synth(folder.path(), &["./small.toml", "--family", "ecp5"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("two descriptions have files of one name"));
}

#[test]
fn wrong_names_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = synth(folder.path(), &["--family", "ecp5", "--device", "12"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("choices: 25k, 45k, 85k"));
}

#[test]
fn missing_tool_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.toml"), SMALL).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bitgauge"))
        .current_dir(folder.path())
        .args(["synth", "small.toml", "--family", "ecp5"])
        .env("BITGAUGE_YOSYS", folder.path().join("nothing"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("BITGAUGE_YOSYS"));
}
