//! Where a cell library is, and what to say where there is none or it cannot be used.

use std::path::{Path, PathBuf};

use anyhow::Result;
use bitgauge_gates::GatesError;

use crate::failure::Failure;

/// Where Debian's package puts its library: one of the few that come from a package manager with tables of power.
const DEBIAN: &str = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib";

/// The variable that names a library.
const VARIABLE: &str = "BITGAUGE_LIBERTY";

const HINT: &str = "Debian: `apt-get install qflow-tech-osu018` (180 nm; without root `apt-get download \
    qflow-tech-osu018` and `dpkg-deb -x` it, then --liberty); or name a library of your own, such as sky130's or \
    Nangate's, with --liberty FILE";

/// The library that the user names, or one that is there.
pub fn find(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = named {
        return there(path, "--liberty");
    }
    if let Some(path) = std::env::var_os(VARIABLE) {
        return there(Path::new(&path), VARIABLE);
    }
    let path = PathBuf::from(DEBIAN);
    if path.is_file() {
        return Ok(path);
    }
    let message =
        format!("there is no cell library: none named by --liberty or {VARIABLE}, none at {DEBIAN}");
    Err(Failure::new(message).hint(HINT).into())
}

fn there(path: &Path, by: &str) -> Result<PathBuf> {
    if path.is_file() {
        return Ok(path.to_owned());
    }
    Err(Failure::new(format!("there is no cell library here, as {by} says"))
        .at(path.display())
        .hint(HINT)
        .into())
}

/// An error of the gates, with its place and what to do.
pub fn failure(error: GatesError, liberty: &Path) -> anyhow::Error {
    let message = error.to_string();
    let failure = Failure::new(message);
    match error {
        GatesError::Liberty(_) | GatesError::NoFlipFlop { .. } | GatesError::Cell { .. } => {
            failure.at(liberty.display()).hint(HINT)
        }
        GatesError::Yosys { .. } => {
            failure.at(liberty.display()).hint("the library may lack gates or flip-flops that Yosys asks for")
        }
        GatesError::Start { .. } | GatesError::File { .. } => failure,
        GatesError::Differs { .. } => Failure { status: crate::exit::ExitStatus::Finding, ..failure }
            .hint("either Yosys mapped wrongly, or this is a fault of Bitgauge; please report it with the description"),
        GatesError::Export(_) | GatesError::Netlist { .. } => {
            failure.hint("this is a fault of Bitgauge; please report it with the description and the library")
        }
    }
    .into()
}
