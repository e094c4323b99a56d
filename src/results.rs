//! Results of earlier runs.

use std::path::Path;

use anyhow::Result;
use bitgauge_reports::compare::Run;

use crate::failure::Failure;
use crate::files;

/// Reads the result of a run: its folder or its `result.json`; `NAME=FOLDER` gives it another name.
pub fn read(argument: &str) -> Result<Run> {
    // A path that exists is one, whatever characters it has.
    let named = argument.split_once('=').filter(|_| !Path::new(argument).exists());
    let (label, path) = named.unwrap_or((argument.trim_end_matches('/'), argument));
    let path = Path::new(path);
    let file = if path.is_dir() { path.join("result.json") } else { path.to_owned() };
    let hint = "`bitgauge run --output FOLDER` writes FOLDER/result.json";
    if !file.exists() {
        return Err(Failure::new("there is no result of a run").at(file.display()).hint(hint).into());
    }
    let run = Run::read(label, &files::read(&file)?);
    Ok(run.map_err(|error| Failure::new(error.to_string()).at(file.display()).hint(hint))?)
}
