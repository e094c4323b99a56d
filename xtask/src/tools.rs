//! Programs that tests use and that this repository does not hold. They go to `.tools/`, which git ignores.
//!
//! One function per tool. A tool that cannot be had is one loud line, and the checks that need it are
//! skipped, each with a line of its own. Verilator and Yosys will be set up here too.

use std::path::PathBuf;

use crate::shell::{command, root, run, works};

/// What the comparison with ONNX Runtime imports.
const MODULES: &str = "import numpy, onnx, onnxruntime";
/// The versions that the zoo was trained and measured with.
const WHEELS: [&str; 3] = ["numpy==2.4.6", "onnx==1.23.2", "onnxruntime==1.32.0"];

/// A Python that has ONNX Runtime; `None`, and a line that says so, where there is none.
pub fn python() -> Option<PathBuf> {
    let has_modules = |python: &PathBuf| works(command(python, &["-c", MODULES]));
    if let Some(given) = std::env::var_os("BITGAUGE_PYTHON").map(PathBuf::from) {
        if has_modules(&given) {
            return Some(given);
        }
        return skip(&format!("BITGAUGE_PYTHON ({}) cannot `{MODULES}`", given.display()));
    }
    let python = root().join(".tools/python/bin/python");
    if has_modules(&python) {
        return Some(python);
    }
    if run(command("python3", &["-m", "venv", ".tools/python"])).is_err() {
        return skip("there is no python3 with the module venv (Debian: apt install python3-venv)");
    }
    let mut install = command(&python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    install.args(WHEELS);
    if run(install).is_err() || !has_modules(&python) {
        return skip(&format!("pip could not install {}", WHEELS.join(" ")));
    }
    Some(python)
}

fn skip(why: &str) -> Option<PathBuf> {
    eprintln!("SKIPPED: the comparison with ONNX Runtime: {why}");
    None
}
