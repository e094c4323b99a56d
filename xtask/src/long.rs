//! The long tier: ignored tests and accuracy over whole data sets, with the results in `docs/status`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::shell::{bitgauge, command, output, root};
use crate::test;

/// A network and the images that measure it.
struct Subject {
    name: &'static str,
    model: PathBuf,
    data: PathBuf,
    needs: &'static str,
}

/// Runs it all and writes `docs/status/accuracy.md`.
pub fn run() -> Result<()> {
    test::ignored()?;
    let program = bitgauge()?;
    let mut lines = String::new();
    for subject in subjects() {
        let (model, data) = (relative(&subject.model), relative(&subject.data));
        if !subject.model.exists() || !data_is_there(&subject.data) {
            eprintln!("SKIPPED: accuracy of {}: {}", subject.name, subject.needs);
            let _ = writeln!(lines, "| {} | not measured: {} | | | |", subject.name, subject.needs);
            continue;
        }
        let words = ["quantize", "--model", &model, "--data", &data, "--format", "json"];
        let scratch = tempfile::tempdir()?;
        let mut quantize = command(&program, &words);
        quantize.arg("--output").arg(scratch.path().join("model.bgq"));
        let answer: Value = serde_json::from_slice(&output(quantize)?)?;
        let accuracy = answer.get("accuracy").context("`quantize` gave no accuracy")?;
        let figure = |key: &str| accuracy.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let _ = writeln!(
            lines,
            "| {} | {} | {:.2} % | {:.2} % | `bitgauge {}` |",
            subject.name,
            figure("images"),
            100.0 * figure("float_top1"),
            100.0 * figure("integer_top1"),
            words[..5].join(" "),
        );
    }
    let path = root().join("docs/status/accuracy.md");
    std::fs::create_dir_all(root().join("docs/status"))?;
    let text = format!("{HEAD}{lines}");
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

const HEAD: &str = "# Accuracy over whole data sets

Tier: long. Written by `cargo xtask long`; data by `cargo xtask fetch`. Both accuracies are top-1 over the
same images: float by the float interpreter, integer by the integer interpreter, which the simulator equals
bit for bit.

| network | images | float | integer | command |
| --- | --- | --- | --- | --- |
";

fn subjects() -> Vec<Subject> {
    let zoo = root().join("models/zoo");
    let fetch = "`cargo xtask fetch` brings the 10,000 images";
    let imagenet = std::env::var_os("BITGAUGE_IMAGENET").map(PathBuf::from);
    vec![
        Subject {
            name: "ViT, MNIST",
            model: zoo.join("vit_mnist.onnx"),
            data: zoo.join("mnist_full.toml"),
            needs: fetch,
        },
        Subject {
            name: "CNN, MNIST",
            model: zoo.join("cnn_mnist.onnx"),
            data: zoo.join("mnist_full.toml"),
            needs: fetch,
        },
        Subject {
            name: "EfficientNet-Lite0, ImageNet",
            model: zoo.join("data/efficientnet_lite0.onnx"),
            data: imagenet.unwrap_or_else(|| zoo.join("data/imagenet.toml")),
            needs: "name your ImageNet data set in BITGAUGE_IMAGENET; see models/zoo/imagenet_example.toml",
        },
    ]
}

/// Whether the data set's arrays lie where it says.
fn data_is_there(toml: &Path) -> bool {
    let Ok(text) = std::fs::read_to_string(toml) else { return false };
    let folder = toml.parent().unwrap_or(Path::new("."));
    let mut files =
        text.lines().filter_map(|line| line.split('"').nth(1)).filter(|name| name.ends_with(".npy"));
    files.all(|name| folder.join(name).exists())
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
