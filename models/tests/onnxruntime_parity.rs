//! The interpreter against ONNX Runtime: every intermediate tensor of the imported graph, and the
//! outputs of the simplified one, within `max|a - b| <= 1e-4 * max|b|` per tensor.
//!
//! Needs a Python (environment variable BITGAUGE_PYTHON, or python3) with onnx, onnxruntime and
//! numpy; skipped with one line where there is none. Compares what this repository ships, what lies in the
//! shared folder beside it, and the models in the folder that BITGAUGE_PARITY_MODELS names.

// Helpers outside of #[test] functions fail the test by panicking, and say what is skipped.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use bitgauge_models::float::{Tensor, passes, run, run_observed};
use bitgauge_models::npy::{self, NpyData};
use bitgauge_models::onnx::{ImportOptions, import_with};

const LIMIT: f32 = 1e-4;

fn python() -> Option<String> {
    let python = std::env::var("BITGAUGE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python).args(["-c", "import onnx, onnxruntime, numpy"]).output();
    probe.is_ok_and(|o| o.status.success()).then_some(python)
}

/// One loud line, past the harness, which swallows what passing tests print with macros.
fn skipped(what: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}

fn models() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["../../shared/data/models", "zoo"] {
        let Ok(entries) = std::fs::read_dir(here.join(folder)) else {
            skipped(&format!("no folder {folder} beside this checkout, its models are not compared"));
            continue;
        };
        let paths = entries.filter_map(|e| e.ok().map(|e| e.path()));
        found.extend(paths.filter(|p| p.extension().is_some_and(|e| e == "onnx")));
    }
    if let Some(more) = std::env::var_os("BITGAUGE_PARITY_MODELS") {
        let paths = std::fs::read_dir(more).unwrap().map(|e| e.unwrap().path());
        found.extend(paths.filter(|p| p.extension().is_some_and(|e| e == "onnx")));
    }
    found.sort();
    found
}

fn load(path: &Path) -> Tensor {
    let array = npy::read(&std::fs::read(path).unwrap()).unwrap();
    let NpyData::F32(data) = array.data else {
        panic!("{} is not f32", path.display());
    };
    Tensor::new(array.shape, data).unwrap()
}

fn compare(python: &str, model: &Path) -> Result<(), String> {
    let name = model.file_stem().unwrap().to_string_lossy().into_owned();
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
    std::fs::create_dir_all(&out).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference_tensors.py");
    let status = Command::new(python).arg(script).arg(model).arg(&out).output().unwrap();
    if !status.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&status.stderr)));
    }
    let beside = |location: &str, offset: u64, length: usize| {
        let bytes = std::fs::read(model.parent().unwrap().join(location)).map_err(|e| e.to_string())?;
        let part = bytes.get(offset as usize..).and_then(|rest| rest.get(..length));
        Ok(part.unwrap_or_default().to_vec())
    };
    let options = ImportOptions { external: Some(&beside), ..ImportOptions::default() };
    let bytes = std::fs::read(model).unwrap();
    let mut graph = import_with(&bytes, &options).map_err(|e| format!("{name}: {e}"))?;
    let index = std::fs::read_to_string(out.join("index.txt")).unwrap();
    let (mut inputs, mut wanted) = (Vec::new(), BTreeMap::new());
    for line in index.lines() {
        let mut words = line.splitn(3, ' ');
        let (kind, i, name) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let tensor = load(&out.join(format!("{kind}_{i}.npy")));
        if kind == "input" {
            inputs.push(tensor);
        } else {
            wanted.insert(name.to_owned(), tensor);
        }
    }
    let (mut worst, mut compared) = ((0.0f32, String::new()), 0);
    let first = run_observed(&graph, &inputs, |id, tensor| {
        let value = &graph.value(id).name;
        if let Some(want) = wanted.get(value) {
            compared += 1;
            let error = tensor.relative_error(want);
            if error > worst.0 {
                worst = (error, value.clone());
            }
        }
    })
    .map_err(|e| format!("{name}: {e}"))?;
    assert_eq!(first, run(&graph, &inputs).unwrap(), "{name}: two runs differ");
    let (macs, parameters) = (graph.macs().iter().sum::<u64>(), graph.parameter_count());
    passes::simplify(&mut graph).map_err(|e| format!("{name}: {e}"))?;
    let start = Instant::now();
    let outputs = run(&graph, &inputs).map_err(|e| format!("{name}: {e}"))?;
    let time = start.elapsed();
    let mut simplified = 0.0f32;
    for (&id, tensor) in graph.outputs.iter().zip(&outputs) {
        simplified = simplified.max(tensor.relative_error(&wanted[&graph.value(id).name]));
    }
    eprintln!(
        "{name}: {compared} tensors, worst {:.2e} at `{}`; simplified outputs {simplified:.2e}; \
         {macs} MAC, {parameters} parameters, {} nodes, {time:.1?}",
        worst.0,
        worst.1,
        graph.nodes.len(),
    );
    if compared == 0 || worst.0 > LIMIT || simplified > LIMIT {
        return Err(format!("{name}: above {LIMIT:e} (or nothing compared)"));
    }
    Ok(())
}

#[test]
fn every_tensor_agrees() {
    let Some(python) = python() else {
        skipped(
            "ONNX Runtime parity; install it with `pip install onnx onnxruntime numpy` and set BITGAUGE_PYTHON",
        );
        return;
    };
    let errors: Vec<String> = models().iter().filter_map(|m| compare(&python, m).err()).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}
