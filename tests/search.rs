//! `bitgauge search`: bits that other commands take, a search that goes on where it was stopped, and its refusals.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn repository(path: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path).display().to_string()
}

fn bitgauge(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bitgauge")).current_dir(folder).args(arguments).output().unwrap()
}

/// A search for the small convolutional network over so many images.
fn search_over(images: &str, folder: &Path, more: &[&str]) -> Output {
    let (model, data) = (repository("models/zoo/cnn_mnist.onnx"), repository("models/zoo/mnist.toml"));
    let usual = ["search", "--model", &model, "--data", &data, "--images", images, "--format", "json"];
    bitgauge(folder, &[&usual[..], more].concat())
}

fn search(folder: &Path, more: &[&str]) -> Output {
    search_over("64", folder, more)
}

fn answer(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn bits_that_are_found_are_those_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let found = answer(&search(folder, &["--target-bits", "5"]));
    assert_eq!(found["target_met"], true);
    assert!(found["found"]["bits"].as_f64().unwrap() <= 5.0);
    assert!(found["start"]["bits"].as_f64().unwrap() > 7.9);
    // The last step is what was found, and there was none too many.
    let steps = read(folder, "bits.steps.csv");
    let columns = |line: &str| line.rsplit(',').take(6).map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<&str> = steps.lines().collect();
    assert_eq!(lines.len() as u64, found["steps"].as_u64().unwrap() + 2);
    let average = |line: &str| columns(line)[5].parse::<f64>().unwrap();
    assert_eq!(average(lines[lines.len() - 1]), found["found"]["bits"].as_f64().unwrap());
    assert!(average(lines[lines.len() - 2]) > 5.0);
    // `quantize` with them writes the same bits again: the network has what the file says.
    let (model, data) = (repository("models/zoo/cnn_mnist.onnx"), repository("models/zoo/mnist.toml"));
    let network = ["--model", &model, "--data", &data, "--bits", "bits.toml", "--format", "json"];
    let quantized = bitgauge(folder, &[&["quantize", "--output", "again.bgq"], &network[..]].concat());
    let quantized = answer(&quantized);
    assert_eq!(read(folder, "again.bits.toml"), read(folder, "bits.toml"));
    assert!(quantized["accuracy"]["integer_top1"].as_f64().unwrap() > 0.9, "{}", quantized["accuracy"]);
    // Weights of so many bits take so many bytes.
    let weights = found["found"]["weight_bits"].as_f64().unwrap();
    let all = found["start"]["weight_bits"].as_f64().unwrap();
    assert_eq!(all, 8.0);
    let bytes = quantized["weight_bytes"].as_f64().unwrap();
    let full = answer(&bitgauge(
        folder,
        &[&["quantize", "--output", "full.bgq"], &network[..4], &network[6..]].concat(),
    ));
    let ratio = bytes / full["weight_bytes"].as_f64().unwrap();
    assert!((ratio - weights / 8.0).abs() < 1e-3, "{ratio} and {weights}");
}

#[test]
fn a_search_goes_on_where_it_was() {
    let [stopped, whole] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let first = answer(&search(stopped.path(), &["--target-bits", "7"]));
    assert_eq!(first["networks_known"], 0);
    let gone_on = answer(&search(stopped.path(), &["--target-bits", "6"]));
    assert_eq!(gone_on["networks_known"], first["networks_judged"]);
    let at_once = answer(&search(whole.path(), &["--target-bits", "6"]));
    assert_eq!(
        (&gone_on["found"], &gone_on["networks_judged"]),
        (&at_once["found"], &at_once["networks_judged"])
    );
    for file in ["bits.toml", "bits.steps.csv", "bits.steps.svg"] {
        assert_eq!(read(stopped.path(), file), read(whole.path(), file), "{file}");
    }
    // Another loss is another search.
    let other = answer(&search(stopped.path(), &["--target-bits", "7", "--loss", "error"]));
    assert_eq!(other["networks_known"], 0);
}

#[test]
fn cycles_of_the_accelerator_are_saved() {
    let folder = tempfile::tempdir().unwrap();
    let design = repository("designs/serial-8x8.toml");
    let target = ["--target-cost", "0.9", "--cost", "cycles", "--accelerator", &design];
    let found = answer(&search_over("16", folder.path(), &target));
    let cycles = |point: &str| found[point]["cost"].as_f64().unwrap();
    assert!(cycles("found") <= 0.9 * cycles("start"));
    // A run with these bits takes them.
    let (model, data) = (repository("models/zoo/cnn_mnist.onnx"), repository("models/zoo/mnist.toml"));
    let arguments =
        ["run", "--model", &model, "--data", &data, "--accelerator", &design, "--bits", "bits.toml"];
    let run =
        answer(&bitgauge(folder.path(), &[&arguments[..], &["--images", "1", "--format", "json"]].concat()));
    assert_eq!(run["headline"]["cycles"].as_f64().unwrap(), cycles("found"));
}

#[test]
fn what_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |more: &[&str], status: i32, words: &str| {
        let output = search(folder.path(), more);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{said}");
        assert!(said.contains(words), "{said}");
    };
    refused(&[], 2, "the search has no target");
    refused(&["--target-bits", "9"], 2, "--target-bits 9 is out of range");
    refused(&["--target-cost", "0"], 2, "--target-cost 0 is out of range");
    refused(&["--target-weights", "4"], 2, "--target-activations");
    refused(&["--target-bits", "5", "--target-cost", "0.5"], 2, "cannot be used with");
    refused(
        &["--target-bits", "5", "--output", "bits.journal"],
        2,
        "--output has the ending of another file",
    );
    refused(&["--target-bits", "6", "--least", "7"], 1, "nothing is left to take");
    std::fs::write(folder.path().join("mine.toml"), "stream = 16\n").unwrap();
    refused(
        &["--target-bits", "6", "--bits", "mine.toml", "--output", "mine.toml"],
        2,
        "over the file of --bits",
    );
    // Few images are said.
    let output = search_over("8", folder.path(), &["--target-bits", "7.9"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("the loss is measured on 8 images"));
    assert!(output.status.success());
}
