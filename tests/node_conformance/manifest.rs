//! What the conformance suites hold, and what is left out and why: data beside this file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// How a test's model is brought to what import takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepare {
    /// Older models are read as this operator set.
    pub opset_floor: i64,
    /// Operators whose further outputs are dropped.
    pub first_output_only: BTreeSet<String>,
    /// Tests whose integer data are read as floats.
    pub data_as_float: BTreeSet<String>,
    /// Float operands that become initializers, by operator.
    pub constants: BTreeMap<String, Vec<usize>>,
    /// Those that do so for runtimes on codes as well.
    pub coded_constants: BTreeMap<String, Vec<usize>>,
}

/// Tests that are left out for one reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ignore {
    pub reason: String,
    pub tests: BTreeSet<String>,
}

/// One version of ONNX's node tests.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The folder's name: the version of the package `onnx`.
    pub name: String,
    pub ignore: Vec<Ignore>,
    pub run: BTreeSet<String>,
}

/// What runtimes cannot run of a suite.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeIgnore {
    pub runtimes: BTreeSet<String>,
    pub suite: String,
    pub reason: String,
    pub tests: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Runtimes {
    #[serde(default)]
    ignore: Vec<RuntimeIgnore>,
}

/// All of it.
pub struct Manifest {
    pub prepare: Prepare,
    pub suites: Vec<Suite>,
    pub runtime_ignores: Vec<RuntimeIgnore>,
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

impl Manifest {
    pub fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
        let entries = std::fs::read_dir(folder.join("suites")).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
        files.sort();
        Self {
            prepare: read(&folder.join("prepare.toml")),
            suites: files.iter().map(|f| read(f)).collect(),
            runtime_ignores: read::<Runtimes>(&folder.join("runtimes.toml")).ignore,
        }
    }
}
