//! What happens on malformed input? An error with exit code 2, no fault of ours, nothing written.

// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the program in a folder with these files; it has to refuse them, and to say `wanted`: an input that is
/// refused for another reason tests nothing.
fn refused(case: &str, wanted: &str, files: &[(&str, &[u8])], arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let before = listing(folder.path());
    let output = Command::new(env!("CARGO_BIN_EXE_bitgauge"))
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{case}: {talk}");
    assert!(talk.starts_with("error: "), "{case}: {talk}");
    assert!(talk.contains(wanted), "{case}: does not say `{wanted}`: {talk}");
    assert!(!talk.contains("panicked") && !talk.contains("inside Bitgauge"), "{case}: {talk}");
    assert!(output.stdout.is_empty(), "{case}: data on stdout");
    assert_eq!(before, listing(folder.path()), "{case}: something was written");
    talk
}

/// The unbroken twin of what is refused: the same command has to take it.
fn accepted(files: &[(&str, &[u8])], arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_bitgauge"))
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "unbroken: {}", String::from_utf8_lossy(&output.stderr));
}

fn listing(folder: &Path) -> BTreeSet<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn repository(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn accelerators() {
    let good = String::from_utf8(repository("designs/reference-16x16.toml")).unwrap();
    accepted(&[("design.toml", good.as_bytes())], &["check", "design.toml"]);
    let cases: Vec<(String, &str, Vec<u8>)> = [
        ("empty", "missing field", String::new()),
        ("not TOML", "design.toml:1:1", "][".to_owned()),
        ("unknown table", "unknown field `nonesuch`", format!("{good}\n[nonesuch]\nx = 1\n")),
        ("missing table", "unknown field `clok`", good.replace("[clock]", "[clok]")),
        ("negative", "integer `-16`", good.replacen("rows = 16", "rows = -16", 1)),
        ("huge", "99999999999999999999", good.replacen("rows = 16", "rows = 99999999999999999999", 1)),
        ("wrong type", "string \"16\"", good.replacen("rows = 16", "rows = \"16\"", 1)),
        ("float", "16.0", good.replacen("rows = 16", "rows = 16.0", 1)),
        ("twice", "duplicate key", good.replacen("rows = 16", "rows = 16\nrows = 16", 1)),
        ("lanes beyond columns", "lanes", good.replacen("lanes = 16", "lanes = 64", 1)),
        (
            "no such energy table",
            "unknown energy table `nonesuch`",
            good.replace("horowitz-45nm", "nonesuch"),
        ),
        ("no such energy file", "nonesuch.toml", good.replace("horowitz-45nm", "nonesuch.toml")),
    ]
    .into_iter()
    .map(|(case, wanted, text)| (case.to_owned(), wanted, text.into_bytes()))
    .chain([
        ("not UTF-8".to_owned(), "UTF-8", vec![0xff, 0xfe, 0x00]),
        ("binary".to_owned(), "key with no value", vec![0; 4096]),
    ])
    .chain(
        (0..good.len())
            .step_by(37)
            .map(|end| (format!("cut at {end}"), "design.toml", good.as_bytes()[..end].to_vec())),
    )
    .collect();
    for (case, wanted, text) in cases {
        // Some cuts leave a sound description; those are not refused.
        let sound = std::str::from_utf8(&text).is_ok_and(|text| text.contains("mhz = 500"));
        if !(case.starts_with("cut") && sound) {
            refused(&case, wanted, &[("design.toml", &text)], &["check", "design.toml"]);
        }
    }
    refused("no file", "nonesuch.toml", &[], &["check", "nonesuch.toml"]);
    refused("a folder", "cannot read", &[], &["check", "."]);
}

const RUN: [&str; 7] = ["run", "--model", "model.onnx", "--data", "data.toml", "--output", "report"];

const DATA: &str = "calibration = \"images.npy\"\nimages = \"images.npy\"\nlabels = \"labels.npy\"\nmean = [33.0]\nstd = [78.0]\ntask = \"classification\"\n";

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn models() {
    let (images, labels) = (npy("|u1", "(2, 28, 28, 1)", &[7; 2 * 784]), npy("<i8", "(2,)", &[0; 16]));
    let good = repository("models/zoo/cnn_mnist.onnx");
    accepted(
        &[
            ("model.onnx", &good[..]),
            ("data.toml", DATA.as_bytes()),
            ("images.npy", &images),
            ("labels.npy", &labels),
        ],
        &RUN,
    );
    let mut cases = vec![
        ("empty".to_owned(), vec![]),
        ("text".to_owned(), b"this is no model".to_vec()),
        ("zeros".to_owned(), vec![0; 1000]),
        ("ones".to_owned(), vec![0xff; 1000]),
    ];
    for end in (1..12).map(|part| good.len() * part / 12) {
        cases.push((format!("cut at {end}"), good[..end].to_vec()));
    }
    for (case, model) in &cases {
        let files = [
            ("model.onnx", &model[..]),
            ("data.toml", DATA.as_bytes()),
            ("images.npy", &images),
            ("labels.npy", &labels),
        ];
        refused(case, "cannot import the model", &files, &RUN);
    }
    refused("no data", "data.toml", &[], &RUN);
}

#[test]
fn data_sets() {
    let model = repository("models/zoo/cnn_mnist.onnx");
    let (images, labels) = (npy("|u1", "(2, 28, 28, 1)", &[7; 2 * 784]), npy("<i8", "(2,)", &[0; 16]));
    for (case, wanted, change) in [
        ("unknown key", "unknown field `tsk`", ("task =", "tsk = 1\ntask =")),
        ("missing key", "missing field `mean`", ("mean = [33.0]\n", "")),
        ("unknown task", "unknown variant `segmentation`", ("classification", "segmentation")),
        ("no such file", "nonesuch.npy", ("images.npy", "nonesuch.npy")),
        ("too many means", "`mean` has 3", ("[33.0]", "[33.0, 33.0, 33.0]")),
        ("no mean", "`mean` needs", ("[33.0]", "[]")),
        ("NaN", "`mean` needs", ("[33.0]", "[nan]")),
        ("zero std", "`std` needs", ("[78.0]", "[0.0]")),
        ("images for labels", "labels must be 2 integers", ("labels.npy", "images.npy")),
        ("labels for images", "N x H x W x C", ("\"images.npy\"", "\"labels.npy\"")),
        ("not TOML", "data.toml:1:", ("=", ":")),
    ] {
        assert!(DATA.contains(change.0));
        let data = DATA.replace(change.0, change.1);
        let files = [
            ("model.onnx", &model[..]),
            ("data.toml", data.as_bytes()),
            ("images.npy", &images),
            ("labels.npy", &labels),
        ];
        refused(case, wanted, &files, &RUN);
    }
    for (case, wanted, images) in [
        ("empty", "the magic needs 6 bytes", vec![]),
        ("text", "magic bytes", b"no array".to_vec()),
        ("cut", "the data needs 1568 bytes", images[..images.len() - 1].to_vec()),
        ("too long", "1 bytes too many", [&images[..], &[0]].concat()),
        ("other size", "the images give [1, 1, 32, 32]", npy("|u1", "(2, 32, 32, 1)", &[7; 2 * 1024])),
        ("other rank", "N x H x W x C", npy("|u1", "(2, 784)", &[7; 2 * 784])),
        ("no image", "no image", npy("|u1", "(0, 28, 28, 1)", &[])),
        ("floats", "unsigned bytes", npy("<f4", "(1, 28, 28, 1)", &[0; 784 * 4])),
        ("doubles", "element type `<f8`", npy("<f8", "(1, 28, 28, 1)", &[0; 784 * 8])),
        ("absurd shape", "overflows", npy("|u1", "(99999999999, 99999999999, 9, 9)", &[])),
        ("negative shape", "dimension `-1`", npy("|u1", "(-1, 28, 28, 1)", &[])),
    ] {
        let files = [
            ("model.onnx", &model[..]),
            ("data.toml", DATA.as_bytes()),
            ("images.npy", &images),
            ("labels.npy", &labels),
        ];
        refused(case, wanted, &files, &RUN);
    }
}

#[test]
fn programs() {
    let folder = tempfile::tempdir().unwrap();
    let compiled = Command::new(env!("CARGO_BIN_EXE_bitgauge"))
        .args(["compile", "--output", "out"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(compiled.status.success());
    let out = folder.path().join("out");
    let good = std::fs::read_to_string(out.join("program.bgp")).unwrap();
    let is_image = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "bin");
    let image = std::fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path()).find(is_image).unwrap();
    let (name, bytes) = (image.file_name().unwrap().to_str().unwrap(), std::fs::read(&image).unwrap());
    let arguments = ["simulate", "model.bgp", "--timing-only"];
    accepted(&[("model.bgp", good.as_bytes()), (name, &bytes)], &arguments);
    let (header, commands) = good.split_once("--- commands").unwrap();
    let version = good.lines().next().unwrap();
    for (case, wanted, text) in [
        ("empty", "names no image", String::new()),
        ("text", "names no image", "hello".to_owned()),
        ("no commands", "no line `--- commands`", header.to_owned()),
        ("unknown key", "unknown field `nonesuch`", format!("{header}nonesuch = 1\n--- commands{commands}")),
        (
            "other version",
            "the first line should read",
            good.replacen(version, &version.replace('1', "999"), 1),
        ),
        ("unknown command", "nonesuch", format!("{good}nonesuch\n")),
    ] {
        refused(case, wanted, &[("model.bgp", text.as_bytes()), (name, &bytes)], &arguments);
    }
    refused("no image", name, &[("model.bgp", good.as_bytes())], &arguments);
    refused("no program", "nonesuch.bgp", &[], &["simulate", "nonesuch.bgp", "--timing-only"]);
}

#[test]
fn places_that_cannot_be_written() {
    for command in ["run", "compile"] {
        let files = [("report", &b"a file"[..])];
        refused("output is a file", "report", &files, &[command, "--output", "report"]);
        refused("parent is a file", "report", &files, &[command, "--output", "report/sub"]);
    }
    refused(
        "init into a file",
        "cannot make the folder",
        &[("file", b"x")],
        &["init", "file/accelerator.toml"],
    );
    if Path::new("/dev/full").exists() && Path::new("/proc/self").exists() {
        refused("kernel's folder", "/proc/report", &[], &["run", "--output", "/proc/report"]);
        let program = env!("CARGO_BIN_EXE_bitgauge");
        let full =
            Command::new("sh").args(["-c", &format!("'{program}' schema > /dev/full")]).output().unwrap();
        assert_eq!(full.status.code(), Some(2), "stdout on a full disk");
    }
}

#[test]
fn cell_libraries_and_measured_tables() {
    let calibrate = ["calibrate-energy", "--liberty", "cells.lib"];
    let toy = String::from_utf8(repository("hw/gates/tests/toy.lib")).unwrap().replace("DELAY", "1");
    for (case, wanted, text) in [
        ("empty", "does not begin with", String::new()),
        ("not Liberty", "line 1", "module x;".to_owned()),
        ("cut", "`}` is missing", toy.split("cell (AND2)").next().unwrap().to_owned()),
        ("no supply", "no `nom_voltage`", toy.replace("nom_voltage", "other")),
        ("no unit", "capacitive_load_unit", toy.replace("(1, pf)", "(1, 1)")),
        ("no cells", "no cells", toy.replace("cell (", "hidden (")),
    ] {
        refused(case, wanted, &[("cells.lib", text.as_bytes())], &calibrate);
    }
    refused("no file", "qflow-tech-osu018", &[], &calibrate);
    refused(
        "a table that is none",
        "mine.toml",
        &[("cells.lib", toy.as_bytes()), ("mine.toml", b"x = 1")],
        &["calibrate-energy", "--liberty", "cells.lib", "--output", "mine.toml"],
    );

    let design = String::from_utf8(repository("designs/reference-16x16.toml")).unwrap();
    let design = design.replace("\"horowitz-45nm\"", "\"mine.toml\"");
    let entries = String::from_utf8(repository("hw/arch/src/energy/horowitz-45nm.toml")).unwrap();
    let unit = "\n[[unit]]\nmodule = \"pe_fixed8_v1_acc32\"\nlibrary = \"l\"\ncorner = \"c\"\ntools = \"t\"\n\
                command = \"c\"\narea_um2 = 1.0\nflip_flops = 1\nsettle_ns = 1.0\nleakage_nanowatts = 1.0\n\
                clock_picojoules = 1.0\nrows = []\n";
    let table = format!("{entries}{unit}");
    let check = ["check", "design.toml"];
    accepted(&[("design.toml", design.as_bytes()), ("mine.toml", table.as_bytes())], &check);
    for (case, wanted, table) in [
        ("other elements", "none of `pe_fixed8_v1_acc32`", table.replace("pe_fixed8_v1", "pe_fixed8_v4")),
        ("twice", "is there twice", format!("{table}{unit}")),
        (
            "negative",
            "negative or not finite",
            table.replace("clock_picojoules = 1.0", "clock_picojoules = -1.0"),
        ),
        ("unknown key", "unknown field", table.replace("settle_ns", "settles_ns")),
    ] {
        let files = [("design.toml", design.as_bytes()), ("mine.toml", table.as_bytes())];
        refused(case, wanted, &files, &check);
    }
}
