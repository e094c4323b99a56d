//! Data to stdout as text or JSON; talk and progress to stderr.

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::Result;
use bitgauge_flow::{Progress, Running, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// Version of every JSON object that a command prints.
pub const FORMAT_VERSION: u32 = 1;

/// How data look on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object with `format_version`.
    Json,
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    format_version: u32,
    command: &'static str,
    #[serde(flatten)]
    data: &'a T,
}

/// A JSON object with the version of its format.
pub fn json(command: &'static str, data: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string_pretty(&Versioned { format_version: FORMAT_VERSION, command, data })? + "\n")
}

/// Prints data. A reader that went away (`| head`) is no error.
pub fn data(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Says something to the person at the terminal; nothing depends on it being heard.
pub fn talk(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A progress bar over `length` steps; hidden where stderr is no terminal.
pub fn progress(what: &'static str, length: usize) -> ProgressBar {
    let bar =
        ProgressBar::with_draw_target(Some(length as u64), ProgressDrawTarget::stderr()).with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{msg:<28} {bar:32} {pos}/{len} {elapsed}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// Shows stages as bars, those of unknown length as spinners.
pub struct Bars;

/// A stage's bar.
struct Bar(ProgressBar);

impl Progress for Bars {
    fn begin(&self, stage: Stage, steps: Option<usize>) -> Box<dyn Running + '_> {
        let bar = steps.map_or_else(|| spinner(stage.name()), |steps| progress(stage.name(), steps));
        Box::new(Bar(bar))
    }
}

impl Running for Bar {
    fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A bar over a share of 1000, whose message says where it is; hidden where stderr is no terminal.
pub fn share(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr()).with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{msg:<28} {bar:32} {percent} % {elapsed}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// A spinner for a step of unknown length; hidden where stderr is no terminal.
pub fn spinner(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_message(what);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// A table without frames: columns aligned, numbers to the right.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let numeric = |cell: &String| cell.is_empty() || cell.parse::<f64>().is_ok();
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::NOTHING).set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        if rows.iter().all(|row| row.get(index).is_none_or(numeric)) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
