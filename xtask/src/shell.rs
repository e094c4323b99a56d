//! Running other programs from the repository's root.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// A program that will run in the root.
pub fn command(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// The cargo that runs us.
pub fn cargo(arguments: &[&str]) -> Command {
    command(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), arguments)
}

/// Runs it, having said what; an exit code other than 0 is an error.
pub fn run(mut command: Command) -> Result<()> {
    eprintln!("+ {}", describe(&command));
    let status = command.status().with_context(|| format!("cannot start {}", describe(&command)))?;
    ensure!(status.success(), "{} ended with {status}", describe(&command));
    Ok(())
}

/// Runs it and gives back its stdout.
pub fn output(mut command: Command) -> Result<Vec<u8>> {
    eprintln!("+ {}", describe(&command));
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", describe(&command)))?;
    ensure!(output.status.success(), "{} ended with {}", describe(&command), output.status);
    Ok(output.stdout)
}

/// Runs it and gives back its stderr, which is shown too.
pub fn talk(mut command: Command) -> Result<String> {
    eprintln!("+ {}", describe(&command));
    let output = command.output().with_context(|| format!("cannot start {}", describe(&command)))?;
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    eprint!("{talk}");
    ensure!(output.status.success(), "{} ended with {}", describe(&command), output.status);
    Ok(talk)
}

/// Runs it, shows its stderr as it comes, and gives back the lines of it that `wanted` picks.
pub fn lines(mut command: Command, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    eprintln!("+ {}", describe(&command));
    let context = format!("cannot start {}", describe(&command));
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().context(context)?;
    let mut picked = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        // Bytes, as a test may print what is no UTF-8.
        for line in BufReader::new(stderr).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            eprintln!("{line}");
            if wanted(&line) {
                picked.push(line);
            }
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "{} ended with {status}", describe(&command));
    Ok(picked)
}

/// Whether it runs and ends with 0; says nothing.
pub fn works(mut command: Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The command line of our own program, built first, as the tests build it: other words would have cargo choose
/// other features of dependencies, and build nearly everything twice.
pub fn bitgauge() -> Result<PathBuf> {
    let mut build = cargo(&["test", "--release", "--workspace", "--test", "schema", "--no-run", "--quiet"]);
    build.args(["--message-format", "json-render-diagnostics"]);
    let messages = String::from_utf8(output(build)?)?;
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut programs = artifacts.filter(|artifact| {
        artifact["target"]["name"] == "bitgauge" && artifact["target"]["kind"][0] == "bin"
    });
    let path = programs.find_map(|program| Some(program["executable"].as_str()?.to_owned()));
    path.map(PathBuf::from).context("cargo named no executable")
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
