//! ONNX Runtime as the second source of whole networks.

// Helpers of tests are not seen as tests by the lints' exceptions.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]
// Every test program includes all of them.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::Command;

use bitgauge_models::float::Tensor;
use bitgauge_models::npy::{self, NpyData};

/// A Python with ONNX Runtime.
pub fn python() -> Option<String> {
    python_with("onnxruntime, numpy")
}

/// A Python with these modules.
pub fn python_with(modules: &str) -> Option<String> {
    let python = std::env::var("BITGAUGE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    probe.is_ok_and(|o| o.status.success()).then_some(python)
}

/// One loud line, past the harness, which swallows what passing tests print with macros.
pub fn skipped(what: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}

/// Index of the greatest; the first of equals.
pub fn greatest(values: &[f32]) -> usize {
    (0..values.len()).fold(0, |best, index| if values[index] > values[best] { index } else { best })
}

/// A script beside the tests.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// A folder for the files of one comparison; other test executables, which may run beside this one, have others.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(env!("CARGO_CRATE_NAME")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Images as one array.
pub fn save(path: &Path, images: &[Tensor]) {
    let shape: Vec<String> =
        [images.len()].iter().chain(images[0].shape()[1..].iter()).map(ToString::to_string).collect();
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({},), }}", shape.join(", "));
    // The data begin on a multiple of 64 bytes.
    header.push_str(&" ".repeat(64 - (10 + header.len() + 1) % 64));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    for image in images {
        bytes.extend(image.data().iter().flat_map(|x| x.to_le_bytes()));
    }
    std::fs::write(path, bytes).unwrap();
}

/// Runs a script; its complaint fails the test.
pub fn run(python: &str, arguments: &[&Path]) {
    let output = Command::new(python).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The model's first output for each image, by ONNX Runtime; its graph optimizations are `off` or `on`.
pub fn outputs(python: &str, name: &str, model: &[u8], images: &[Tensor], level: &str) -> Vec<Vec<f32>> {
    let folder = scratch(name);
    let [file, input, output] = ["model.onnx", "images.npy", "outputs.npy"].map(|file| folder.join(file));
    std::fs::write(&file, model).unwrap();
    save(&input, images);
    run(python, &[&script("qdq_outputs.py"), &file, &input, &output, Path::new(level)]);
    let array = npy::read(&std::fs::read(&output).unwrap()).unwrap();
    let NpyData::F32(data) = array.data else { panic!("outputs are not f32") };
    data.chunks_exact(array.shape[1]).map(<[f32]>::to_vec).collect()
}
