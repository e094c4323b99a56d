//! Synthesis with open tools: what an accelerator costs on an FPGA, and how fast it is there.
//!
//! `yosys` runs Yosys, `stat` reads what it counts, `family` knows cells and devices, `nextpnr` places and
//! routes and reads the report, `summary` reads the result for a report of a run.

pub mod family;
pub mod nextpnr;
#[cfg(test)]
mod parts;
pub mod stat;
pub mod summary;
pub mod yosys;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::Result;

use crate::failure::Failure;

/// A program from outside: by the environment variable if that is set, else the first of these names that
/// starts.
pub fn tool(variable: &str, names: &[&str], install: &str) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(variable) {
        let path = PathBuf::from(named);
        return match version(&path) {
            Some(_) => Ok(path),
            None => Err(Failure::new(format!("{} does not start", path.display()))
                .hint(format!("{variable} names it; unset it or correct it"))
                .into()),
        };
    }
    names.iter().map(PathBuf::from).find(|path| version(path).is_some()).ok_or_else(|| {
        Failure::new(format!("{} is not installed", names.join(" and ")))
            .hint(format!("{install}, or name the program with {variable}"))
            .into()
    })
}

/// What a tool says of its version, on one line.
pub fn version(tool: &Path) -> Option<String> {
    let yosys = tool.file_name().is_some_and(|name| name.to_string_lossy().contains("yosys"));
    let asks = if yosys { "-V" } else { "--version" };
    let output = Command::new(tool).arg(asks).output().ok().filter(|output| output.status.success())?;
    let said = said(&output);
    said.lines().find(|line| !line.trim().is_empty()).map(|line| line.trim().to_owned())
}

/// Both streams of a program as one text.
fn said(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text += &String::from_utf8_lossy(&output.stderr);
    text
}

/// The last lines of a log.
fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
