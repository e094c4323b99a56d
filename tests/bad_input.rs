//! What happens on malformed input? An error with exit code 2, no fault of ours, nothing written.

// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the program in a folder with these files; it has to refuse them.
fn refused(case: &str, files: &[(&str, &[u8])], arguments: &[&str]) -> String {
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
    assert!(!talk.contains("panicked") && !talk.contains("inside Bitgauge"), "{case}: {talk}");
    assert!(output.stdout.is_empty(), "{case}: data on stdout");
    assert_eq!(before, listing(folder.path()), "{case}: something was written");
    talk
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
    let cases: Vec<(String, Vec<u8>)> = [
        ("empty", String::new()),
        ("not TOML", "][".to_owned()),
        ("unknown table", format!("{good}\n[nonesuch]\nx = 1\n")),
        ("missing table", good.replace("[clock]", "[clok]")),
        ("negative", good.replacen("rows = 16", "rows = -16", 1)),
        ("huge", good.replacen("rows = 16", "rows = 99999999999999999999", 1)),
        ("wrong type", good.replacen("rows = 16", "rows = \"16\"", 1)),
        ("float", good.replacen("rows = 16", "rows = 16.0", 1)),
        ("twice", good.replacen("rows = 16", "rows = 16\nrows = 16", 1)),
        ("lanes beyond columns", good.replacen("lanes = 16", "lanes = 64", 1)),
        ("no such energy table", good.replace("horowitz-45nm", "nonesuch")),
        ("no such energy file", good.replace("horowitz-45nm", "nonesuch.toml")),
    ]
    .into_iter()
    .map(|(case, text)| (case.to_owned(), text.into_bytes()))
    .chain([("not UTF-8".to_owned(), vec![0xff, 0xfe, 0x00]), ("binary".to_owned(), vec![0; 4096])])
    .chain((0..good.len()).step_by(37).map(|end| (format!("cut at {end}"), good.as_bytes()[..end].to_vec())))
    .collect();
    for (case, text) in cases {
        // Some cuts leave a sound description; those are not refused.
        let sound = std::str::from_utf8(&text).is_ok_and(|text| text.contains("mhz = 500"));
        if !(case.starts_with("cut") && sound) {
            refused(&case, &[("design.toml", &text)], &["check", "design.toml"]);
        }
    }
    refused("no file", &[], &["check", "nonesuch.toml"]);
    refused("a folder", &[], &["check", "."]);
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
        refused(case, &files, &RUN);
    }
    refused("no model", &[], &RUN);
}

#[test]
fn data_sets() {
    let model = repository("models/zoo/cnn_mnist.onnx");
    let (images, labels) = (npy("|u1", "(2, 28, 28, 1)", &[7; 2 * 784]), npy("<i8", "(2,)", &[0; 16]));
    for (case, change) in [
        ("unknown key", ("task =", "tsk = 1\ntask =")),
        ("missing key", ("mean = [33.0]\n", "")),
        ("unknown task", ("classification", "segmentation")),
        ("no such file", ("images.npy", "nonesuch.npy")),
        ("too many means", ("[33.0]", "[33.0, 33.0, 33.0]")),
        ("no mean", ("[33.0]", "[]")),
        ("NaN", ("[33.0]", "[nan]")),
        ("zero std", ("[78.0]", "[0.0]")),
        ("images for labels", ("labels.npy", "images.npy")),
        ("labels for images", ("\"images.npy\"", "\"labels.npy\"")),
        ("not TOML", ("=", ":")),
    ] {
        assert!(DATA.contains(change.0));
        let data = DATA.replace(change.0, change.1);
        let files = [
            ("model.onnx", &model[..]),
            ("data.toml", data.as_bytes()),
            ("images.npy", &images),
            ("labels.npy", &labels),
        ];
        refused(case, &files, &RUN);
    }
    for (case, images) in [
        ("empty", vec![]),
        ("text", b"no array".to_vec()),
        ("cut", images[..images.len() - 1].to_vec()),
        ("too long", [&images[..], &[0]].concat()),
        ("other size", npy("|u1", "(2, 32, 32, 1)", &[7; 2 * 1024])),
        ("other rank", npy("|u1", "(2, 784)", &[7; 2 * 784])),
        ("no image", npy("|u1", "(0, 28, 28, 1)", &[])),
        ("floats", npy("<f4", "(1, 28, 28, 1)", &[0; 784 * 4])),
        ("doubles", npy("<f8", "(1, 28, 28, 1)", &[0; 784 * 8])),
        ("absurd shape", npy("|u1", "(99999999999, 99999999999, 9, 9)", &[])),
        ("negative shape", npy("|u1", "(-1, 28, 28, 1)", &[])),
    ] {
        let files = [
            ("model.onnx", &model[..]),
            ("data.toml", DATA.as_bytes()),
            ("images.npy", &images),
            ("labels.npy", &labels),
        ];
        refused(case, &files, &RUN);
    }
}

#[test]
fn programs() {
    for (case, text) in [
        ("empty", ""),
        ("text", "hello"),
        ("no commands", "bitgauge-program 1\n"),
        ("bad header", "bitgauge-program 1\nx = 1\n--- commands\n"),
        ("other version", "bitgauge-program 2\n--- commands\n"),
    ] {
        refused(case, &[("model.bgp", text.as_bytes())], &["simulate", "model.bgp"]);
    }
    refused("no program", &[], &["simulate", "nonesuch.bgp"]);
}

#[test]
fn places_that_cannot_be_written() {
    for command in ["run", "compile"] {
        let files = [("report", &b"a file"[..])];
        let talk = refused("output is a file", &files, &[command, "--output", "report"]);
        assert!(talk.contains("report"), "{talk}");
        let talk = refused("parent is a file", &files, &[command, "--output", "report/sub"]);
        assert!(talk.contains("report"), "{talk}");
    }
    refused("init into a file", &[("file", b"x")], &["init", "file/accelerator.toml"]);
    if Path::new("/dev/full").exists() && Path::new("/proc/self").exists() {
        refused("kernel's folder", &[], &["run", "--output", "/proc/report"]);
        let program = env!("CARGO_BIN_EXE_bitgauge");
        let full =
            Command::new("sh").args(["-c", &format!("'{program}' schema > /dev/full")]).output().unwrap();
        assert_eq!(full.status.code(), Some(2), "stdout on a full disk");
    }
}
