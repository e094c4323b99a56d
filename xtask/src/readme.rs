//! The commands that the README shows have to work: every line of its `sh` blocks that begins with
//! `bitgauge` is run, in order, in one scratch folder that has the repository's models and designs.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::shell::{bitgauge, command, root, run};

/// Runs them.
pub fn run_all() -> Result<()> {
    let readme = std::fs::read_to_string(root().join("README.md")).context("cannot read README.md")?;
    let commands = commands(&readme);
    ensure!(!commands.is_empty(), "README.md shows no command");
    let program = bitgauge()?;
    let scratch = tempfile::tempdir()?;
    for folder in ["models", "designs"] {
        link(&root().join(folder), &scratch.path().join(folder))?;
    }
    for line in commands {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        let mut command = command(&program, &words);
        command.current_dir(scratch.path()).stdout(std::process::Stdio::null());
        run(command)?;
    }
    Ok(())
}

fn commands(readme: &str) -> Vec<&str> {
    let mut inside = false;
    let mut commands = Vec::new();
    for line in readme.lines() {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside && line.starts_with("bitgauge ") {
            commands.push(line.split(" #").next().unwrap_or(line));
        }
    }
    commands
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> Result<()> {
    Ok(std::os::unix::fs::symlink(from, to)?)
}

#[cfg(windows)]
fn link(from: &Path, to: &Path) -> Result<()> {
    Ok(std::os::windows::fs::symlink_dir(from, to)?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_sh_blocks_count() {
        let readme = "```sh\nbitgauge run # main\ncd x\n```\n```text\nbitgauge no\n```\nbitgauge no\n";
        assert_eq!(super::commands(readme), ["bitgauge run"]);
    }
}
