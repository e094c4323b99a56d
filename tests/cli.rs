//! Does the command line say and return what it promises?
//!
//! Snapshots lie in `tests/cli/`; `BITGAUGE_UPDATE=1 cargo test --test cli` writes them anew.

// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn bitgauge(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bitgauge")).args(arguments).current_dir(folder).output().unwrap()
}

/// Compares exit code, stdout and stderr with `tests/cli/NAME.txt`.
fn snapshot(name: &str, folder: &Path, arguments: &[&str]) {
    let output = bitgauge(folder, arguments);
    let found = format!(
        "$ bitgauge {}\n--- exit code\n{}\n--- stdout\n{}--- stderr\n{}",
        arguments.join(" "),
        output.status.code().unwrap(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli").join(format!("{name}.txt"));
    if std::env::var_os("BITGAUGE_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &found).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{} differs; found:\n{found}", path.display());
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn design(folder: &Path, change: (&str, &str)) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("designs/reference-16x16.toml");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(change.0));
    let path = folder.join("design.toml");
    std::fs::write(&path, text.replacen(change.0, change.1, 1)).unwrap();
    path
}

#[test]
fn help_of_every_command() {
    let folder = scratch();
    snapshot("help", folder.path(), &["--help"]);
    for command in COMMANDS {
        snapshot(&format!("help-{command}"), folder.path(), &[command, "--help"]);
    }
}

const COMMANDS: &[&str] = &[
    "run",
    "check",
    "quantize",
    "search",
    "compile",
    "simulate",
    "compare",
    "price",
    "calibrate-energy",
    "cosim",
    "export-verilog",
    "synth",
    "init",
    "schema",
    "completions",
];

#[test]
fn what_cannot_be_compared_is_named() {
    let folder = scratch();
    snapshot("compare-missing", folder.path(), &["compare", "a", "b"]);
    std::fs::write(folder.path().join("result.json"), "{\"format_version\": 99}").unwrap();
    snapshot("compare-version", folder.path(), &["compare", "new=result.json", "result.json"]);
    assert!(!folder.path().join("comparison").exists());
}

/// What `price` makes of a run's counts is what a run with that table says.
#[test]
fn a_run_is_priced_anew() {
    let folder = scratch();
    let read = |bytes: &[u8]| -> serde_json::Value { serde_json::from_slice(bytes).unwrap() };
    let run = |design: &str, output: &str| {
        let done =
            bitgauge(folder.path(), &["run", "--images", "1", "--accelerator", design, "--output", output]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        read(&std::fs::read(folder.path().join(output).join("result.json")).unwrap())
    };
    let text = std::fs::read_to_string(repository("designs/reference-16x16.toml")).unwrap();
    std::fs::write(folder.path().join("one.toml"), &text).unwrap();
    let other = text.replace("table = \"horowitz-45nm\"", "table = \"bitfusion-45nm\"");
    assert_ne!(text, other);
    std::fs::write(folder.path().join("other.toml"), other).unwrap();
    let documents = [run("one.toml", "one"), run("other.toml", "other")];
    let done = bitgauge(folder.path(), &["price", "one", "--format", "json"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let answer = read(&done.stdout);
    for (pricing, document) in answer["prices"].as_array().unwrap().iter().zip(&documents) {
        for key in
            ["table", "total_picojoules", "low_picojoules", "high_picojoules", "assumed_share", "components"]
        {
            assert_eq!(pricing[key], document["energy"][key], "{key}");
        }
    }
    assert_ne!(answer["prices"][0]["total_picojoules"], answer["prices"][1]["total_picojoules"]);
    // A table from before there were bit-serial elements prices what it has rows for, and no run of such elements.
    let table = std::fs::read_to_string(repository("hw/arch/src/energy/horowitz-45nm.toml")).unwrap();
    let (before, rest) = table.split_once("[entry.array_bit_product]").unwrap();
    let after = &rest[rest.find("[entry.pe_register_bit]").unwrap()..];
    std::fs::write(folder.path().join("old.toml"), format!("{before}{after}")).unwrap();
    let serial = repository("designs/serial-16x16.toml");
    run(serial.to_str().unwrap(), "serial");
    for (of, sound) in [("one", true), ("serial", false)] {
        let done = bitgauge(folder.path(), &["price", of, "--energy", "old.toml"]);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(if sound { 0 } else { 2 }), "{said}");
        assert!(sound || said.contains("array_bit_product"), "{said}");
    }
}

/// Counts go to Accelergy and prices come from it; what the run then takes is counts times prices, added up here.
#[test]
fn a_run_is_priced_by_accelergy() {
    let folder = scratch();
    let priced = |arguments: &[&str]| bitgauge(folder.path(), &[&["price"], arguments].concat());
    let done = bitgauge(folder.path(), &["run", "--images", "1", "--output", "one"]);
    assert!(done.status.success());
    let done = priced(&["one", "--action-counts", "counts.yaml"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let counts = std::fs::read_to_string(folder.path().join("counts.yaml")).unwrap();
    let (mut component, mut action) = ("", "");
    let mut rows: Vec<(&str, &str, f64)> = Vec::new();
    for line in counts.lines() {
        if let Some(name) = line.strip_prefix("    - name: ") {
            component = name;
        } else if let Some(name) = line.strip_prefix("      - name: ") {
            action = name;
        } else if let Some(count) = line.strip_prefix("        counts: ") {
            rows.push((component, action, count.parse().unwrap()));
        }
    }
    assert!(rows.iter().filter(|row| row.2 > 0.0).count() > 12, "{counts}");
    let table = |rows: &[(&str, &str, f64)]| {
        let mut text = "ERT:\n  version: 0.4\n  tables:\n".to_owned();
        for (at, (component, action, _)) in rows.iter().enumerate() {
            text += &format!(
                "  - name: chip.{component}\n    actions:\n    - {{name: {action}, energy: {}}}\n",
                at + 1
            );
        }
        std::fs::write(folder.path().join("ERT.yaml"), text).unwrap();
    };
    table(&rows);
    let done = priced(&["one", "--energy", "ERT.yaml", "--format", "json"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let sum: f64 = rows.iter().enumerate().map(|(at, (_, _, count))| (at + 1) as f64 * count).sum();
    let total = answer["prices"][0]["total_picojoules"].as_f64().unwrap();
    assert!((total / sum - 1.0).abs() < 1e-12, "{total} and {sum}");
    // Without a row for what the run counts it has no price.
    let missing = rows.iter().position(|row| row.2 > 0.0).unwrap();
    let (of, what, _) = rows.remove(missing);
    table(&rows);
    let done = priced(&["one", "--energy", "ERT.yaml"]);
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains("has no price for `array_mac`") && (of, what) == ("array", "mac"), "{said}");
    std::fs::write(folder.path().join("ERT.yaml"), "ERT: 3").unwrap();
    let done = priced(&["one", "--energy", "ERT.yaml"]);
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains("not a usable energy reference table") && said.contains("energy.md"), "{said}");
    // Several runs stand side by side, and their counts are of one each.
    let done = priced(&["one", "again=one", "--energy", "horowitz-45nm", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(answer["runs"][0]["prices"], answer["runs"][1]["prices"]);
    assert_eq!(answer["runs"][1]["run"], "again");
    let done = priced(&["one", "again=one", "--action-counts", "both.yaml"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("--action-counts is for one run"));
    assert!(!folder.path().join("both.yaml").exists());
}

#[test]
fn plots_are_written_as_asked_for() {
    let folder = scratch();
    let (svg, png): (&[u8], &[u8]) = (b"<svg ", b"\x89PNG\r\n");
    let runs: [(&[&str], &str, &str, &[u8]); 4] = [
        (&["run", "--images", "1"], "report", "svg", svg),
        (&["run", "--images", "1", "--plots", "png"], "print", "png", png),
        (&["compare", "report", "print"], "both", "svg", svg),
        (&["compare", "report", "print", "--plots", "png"], "printed", "png", png),
    ];
    for (arguments, output, ending, start) in runs {
        let done = bitgauge(folder.path(), &[arguments, &["--output", output]].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let plots: Vec<PathBuf> = std::fs::read_dir(folder.path().join(output).join("plots"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(plots.len() >= 2, "{output}");
        for plot in plots {
            assert_eq!(plot.extension().unwrap(), ending, "{}", plot.display());
            assert!(std::fs::read(&plot).unwrap().starts_with(start), "{}", plot.display());
        }
    }
}

#[test]
fn check_prints_the_resolved_description() {
    snapshot("check", scratch().path(), &["check"]);
    // 256 elements of 64 lanes: 64 codes take 64, 36, 16 and 4 cycles.
    let serial = repository("designs/serial-16x16.toml");
    let done = bitgauge(scratch().path(), &["check", serial.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(said.contains("on full lines 256 at 8 bits, 455 at 6, 1024 at 4, 4096 at 2"), "{said}");
    snapshot("check-json", scratch().path(), &["check", "--format", "json"]);
}

#[test]
fn errors_have_line_caret_and_hint() {
    for (name, change) in [
        ("error-range", ("rows = 16", "rows = 100")),
        ("error-unknown-key", ("rows = 16", "rowz = 16")),
        ("error-choice", ("bus_bits = 128", "bus_bits = 100")),
        ("error-enum", ("\"output_stationary\"", "\"weight_stationary\"")),
        ("error-syntax", ("cols = 16", "cols = ")),
    ] {
        let folder = scratch();
        design(folder.path(), change);
        snapshot(name, folder.path(), &["check", "design.toml"]);
    }
}

#[test]
fn unknown_energy_table_names_the_choices() {
    let folder = scratch();
    design(folder.path(), ("horowitz-45nm", "horowitz-7nm"));
    snapshot("error-energy", folder.path(), &["check", "design.toml"]);
}

#[test]
fn energy_has_its_range_and_a_size_without_a_price_is_named() {
    let folder = scratch();
    design(folder.path(), ("weight_kib = 128", "weight_kib = 16"));
    let sentence =
        "a bank of the weight scratchpad has 4 KiB, the energy table has prices from 8 to 1024 KiB";
    for arguments in
        [&["check", "design.toml"][..], &["run", "--images", "1", "--accelerator", "design.toml"]]
    {
        let done = bitgauge(folder.path(), &[arguments, &["--format", "json"]].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(said.matches(&format!("warning: {sentence}")).count(), 1, "{said}");
        let json: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        let notes = json.get("warnings").or(json.get("notes")).unwrap().as_array().unwrap();
        assert!(notes.iter().any(|note| note.as_str().unwrap().starts_with(sentence)), "{notes:?}");
    }
    let run = bitgauge(folder.path(), &["run", "--images", "1"]);
    assert!(!String::from_utf8_lossy(&run.stderr).contains("warning"));
    let result = std::fs::read(folder.path().join("report/result.json")).unwrap();
    let head = &serde_json::from_slice::<serde_json::Value>(&result).unwrap()["headline"];
    let micro = |key: &str| format!("{:.3}", head[key].as_f64().unwrap() * 1e-6);
    let share = 100.0 * head["assumed_energy_share"].as_f64().unwrap();
    let (low, middle, high) = (micro("low_picojoules"), micro("picojoules"), micro("high_picojoules"));
    let range = format!("{middle} uJ ({low} to {high} by source of the prices)");
    let text = String::from_utf8(run.stdout).unwrap();
    let line = text.lines().find(|line| line.starts_with("energy")).unwrap();
    assert!(line.contains(&range) && line.ends_with(&format!("{share:.1} % priced by assumption")), "{line}");
}

#[test]
fn init_writes_a_sound_description_and_never_overwrites() {
    let folder = scratch();
    snapshot("init", folder.path(), &["init"]);
    snapshot("init-again", folder.path(), &["init"]);
    assert!(bitgauge(folder.path(), &["check", "accelerator.toml"]).status.success());
    assert!(bitgauge(folder.path(), &["init", "--force"]).status.success());
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in [&["nonesuch"][..], &["check", "--nonesuch"], &["check", "--format", "yaml"], &[]] {
        let output = bitgauge(scratch().path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = bitgauge(scratch().path(), &["completions", shell]);
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("bitgauge"));
    }
}
