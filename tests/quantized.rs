//! Does a network that was quantized before give what one quantized on the way gives?

// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn bitgauge(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bitgauge")).args(arguments).current_dir(folder).output().unwrap()
}

/// The JSON that a command prints; it has to end well.
fn answer(folder: &Path, arguments: &[&str]) -> Value {
    let output = bitgauge(folder, &[arguments, &["--format", "json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

const FEW: [&str; 2] = ["--calibration-images", "8"];

#[test]
fn step_by_step_equals_run() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let file = ["--quantized", "vit.bgq"];
    let once = answer(here, &[&["run", "--output", "once", "--images", "1"], &FEW[..]].concat());
    let quantized = answer(here, &[&["quantize", "--output", "vit.bgq"], &FEW[..]].concat());
    answer(here, &[&["compile", "--output", "before"], &file[..]].concat());
    answer(here, &[&["compile", "--output", "on-the-way"], &FEW[..]].concat());
    let program = |name: &str| std::fs::read(here.join(name).join("program.bgp")).unwrap();
    assert!(program("before") == program("on-the-way"), "the programs differ");

    let simulated = answer(here, &["simulate", "before/program.bgp", "--timing-only"]);
    let again = answer(here, &[&["run", "--output", "again", "--images", "1"], &file[..]].concat());
    assert_eq!(simulated["cycles"], once["headline"]["cycles"]);
    assert_eq!(again["headline"], once["headline"]);
    assert_eq!(again["compared_bytes"], once["compared_bytes"]);

    // What needs the float network is left out, and said to be; the rest is as it was.
    assert!(once["accuracy"].is_object() && once.get("not_measured").is_none());
    assert!(once["accuracy"]["float_top1"].is_number() && again["accuracy"].get("float_top1").is_none());
    assert_eq!(again["accuracy"]["integer_top1"], once["accuracy"]["integer_top1"]);
    assert_eq!(again["accuracy"]["integer_top5"], once["accuracy"]["integer_top5"]);
    assert_eq!(again["not_measured"].as_array().unwrap().len(), 2);
    assert!(std::fs::read_to_string(here.join("again/index.html")).unwrap().contains("not measured"));
    let result = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(here.join(name).join("result.json")).unwrap()).unwrap()
    };
    assert_eq!(result("again")["model"]["parameters"], quantized["parameters"]);
    assert_eq!(quantized["parameters"], 139_018, "as models/zoo/README.md says");

    let fit = answer(here, &[&["check"], &file[..]].concat());
    assert_eq!(fit["fit"]["fits"], Value::Bool(true));
}

/// The network as ONNX, read again: nothing is calibrated, every code is the file's.
#[test]
fn an_exported_network_gives_the_same_program() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let bytes = |name: &str| std::fs::read(here.join(name)).unwrap();
    for style in ["exact", "qdq"] {
        for name in ["vit", "again"] {
            let (integers, onnx) = (format!("{name}.bgq"), format!("{name}-{style}.onnx"));
            let quantize =
                ["quantize", "--output", &integers, "--export-onnx", &onnx, "--export-style", style];
            answer(here, &[&quantize[..], &FEW[..]].concat());
        }
        let [first, second] = ["vit", "again"].map(|name| format!("{name}-{style}.onnx"));
        assert!(bytes(&first) == bytes(&second), "two exports differ: {style}");
        answer(here, &["compile", "--output", "integers", "--quantized", "vit.bgq"]);
        answer(here, &["compile", "--output", "onnx", "--model", &first]);
        assert!(bytes("integers/program.bgp") == bytes("onnx/program.bgp"), "the programs differ: {style}");
    }
    // The file of integers is the network of integers: there is no float network to compare with.
    let [ours, theirs] = [["--quantized", "vit.bgq"], ["--model", "vit-exact.onnx"]]
        .map(|file| answer(here, &[&["run", "--output", "report", "--images", "1"], &file[..]].concat()));
    assert_eq!(ours["headline"], theirs["headline"]);
    assert_eq!(ours["accuracy"], theirs["accuracy"]);
    assert_eq!(theirs["not_measured"].as_array().unwrap().len(), 2);
    let refused = |arguments: &[&str], word: &str| {
        let output = bitgauge(here, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(word), "{arguments:?}: {said}");
    };
    refused(&["quantize", "--model", "vit-exact.onnx"], "--export-style qdq");
    refused(&["compile", "--model", "vit-exact.onnx", "--weight-bits", "4"], "quantized already");
    // Weights that somebody changed are not read as if nobody had.
    let mut changed = bytes("vit-exact.onnx");
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(here.join("changed.onnx"), changed).unwrap();
    refused(&["compile", "--model", "changed.onnx"], "not as Bitgauge wrote it");
}

#[test]
fn what_it_cannot_obey_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/zoo/mnist.toml");
    std::fs::write(here.join("bad.bgq"), b"BITGAUGE").unwrap();
    let bits = |name: &str, text: &str| std::fs::write(here.join(name), text).unwrap();
    bits("wide.toml", "[weights]\ndefault = 9\n");
    bits("typo.toml", "[activations.tensors]\n\"/embed/Cnv\" = 4\n");
    bits("mine.bits.toml", "stream = 8\n");
    std::fs::create_dir(here.join("taken.bits.toml")).unwrap();
    // The unbroken twin, and a file that is sound.
    let sound = bitgauge(here, &["quantize", "--bits", "mine.bits.toml", "--output", "other.bgq"]);
    assert_eq!(sound.status.code(), Some(0), "{}", String::from_utf8_lossy(&sound.stderr));
    assert!(here.join("other.bgq").exists() && here.join("other.bits.toml").exists());
    let before = left(here);
    for (arguments, said) in [
        (&["run", "--quantized", "bad.bgq"][..], "cannot read the quantized network"),
        (&["run", "--quantized", "nonesuch.bgq"], "nonesuch.bgq"),
        (&["run", "--quantized", "bad.bgq", "--model", "x.onnx"], "cannot be used with"),
        (&["compile", "--quantized", "bad.bgq", "--weight-bits", "4"], "cannot be used with"),
        (&["compile", "--quantized", "bad.bgq", "--bits", "mine.bits.toml"], "cannot be used with"),
        (&["compile", "--quantized", "other.bgq", "--data", data.to_str().unwrap()], "--data"),
        (&["quantize", "--range", "mse", "--percentile", "0.99"], "--percentile says nothing"),
        (&["quantize", "--percentile", "1.5"], "--percentile 1.5 is out of range"),
        (&["quantize", "--output", "same", "--export-onnx", "same"], "a file that --output writes"),
        (&["quantize", "--output", "x.bgq", "--export-onnx", "x.bits.toml"], "a file that --output writes"),
        (&["quantize", "--export-onnx", "."], "it is a folder"),
        (&["quantize", "--output", "taken.bgq"], "taken.bits.toml"),
        (&["quantize", "--export-style", "qdq"], "--export-onnx"),
        (&["quantize", "--export-onnx", "x.onnx", "--export-style", "nonesuch"], "possible values"),
        (&["quantize", "--bits", "mine.bits.toml", "--output", "mine.bgq"], "over the file of --bits"),
        (&["quantize", "--bits", "mine.bits.toml", "--weight-bits", "4"], "cannot be used with"),
        (&["quantize", "--bits", "nonesuch.toml"], "nonesuch.toml"),
        (&["quantize", "--bits", "wide.toml"], "weights.default = 9 (possible: 2 to 8)"),
        (&["quantize", "--bits", "typo.toml"], "the network has no tensor `/embed/Cnv`; the nearest of"),
    ] {
        let output = bitgauge(here, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(said), "{arguments:?}: {errors}, and not `{said}`");
        assert_eq!(left(here), before, "{arguments:?}");
    }
}

/// What lies in a folder.
fn left(folder: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}
