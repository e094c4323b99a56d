//! Writes a report of a made-up run to a folder: `cargo run -p bitgauge-reports --example demo -- DIR`.
//!
//! A second argument repeats the layers, to see what many of them look like.
#![allow(clippy::print_stderr, reason = "a command line talks to whoever called it")]

mod fixture;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next() else {
        eprintln!("usage: demo DIR [REPEATS]");
        return ExitCode::FAILURE;
    };
    let repeats = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    match write(Path::new(&folder), repeats) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path, repeats: usize) -> Result<(), Box<dyn std::error::Error>> {
    let fixture = fixture::Fixture::new(repeats)?;
    for file in bitgauge_reports::render(&fixture.input())?.files {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, file.bytes)?;
    }
    Ok(())
}
