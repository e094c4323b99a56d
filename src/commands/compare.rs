//! `bitgauge compare`: two or more runs side by side.

use std::path::PathBuf;

use anyhow::Result;
use bitgauge_reports::compare::{Comparison, compare, render_with};
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::files::OutputFolder;
use crate::output::{self, Format};
use crate::plots::PlotArgument;
use crate::results;

/// Options of `compare`.
#[derive(clap::Args)]
pub struct Compare {
    /// Folders that `bitgauge run` wrote, or their result.json; NAME=FOLDER gives a run another name
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    runs: Vec<String>,
    /// Folder of the page, its plots and tables
    #[arg(long, default_value = "comparison", value_name = "DIR")]
    output: PathBuf,
    /// How plots are written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    plots: PlotArgument,
}

#[derive(Serialize)]
struct Answer<'a> {
    page: String,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

impl Compare {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        let folder = OutputFolder::create(&self.output)?;
        let runs = self.runs.iter().map(|argument| results::read(argument)).collect::<Result<Vec<_>>>()?;
        let comparison = compare(&runs);
        if let Some(twice) =
            (1..runs.len()).find(|&index| comparison.runs[..index].contains(&runs[index].label))
        {
            let fault = Failure::new(format!("two runs are called `{}`", runs[twice].label));
            return Err(fault.hint("NAME=FOLDER gives a run another name").into());
        }
        for file in render_with(&runs, self.plots.into())?.files {
            folder.write(&file.path, &file.bytes)?;
        }
        folder.finish()?;
        let answer =
            Answer { page: self.output.join("index.html").display().to_string(), comparison: &comparison };
        output::data(&match format {
            Format::Json => output::json("compare", &answer)?,
            Format::Text => text(&answer),
        })?;
        Ok(ExitStatus::Success)
    }
}

fn text(answer: &Answer<'_>) -> String {
    let comparison = answer.comparison;
    let header: Vec<&str> = std::iter::once("").chain(comparison.runs.iter().map(String::as_str)).collect();
    let rows: Vec<Vec<String>> = comparison
        .figures
        .iter()
        .map(|figure| {
            let values = figure.texts().into_iter().enumerate().map(|(run, text)| {
                match figure.against_first(run).filter(|_| run > 0) {
                    Some(ratio) => format!("{text} (x {ratio:.3})"),
                    None => text,
                }
            });
            std::iter::once(figure.name.to_owned()).chain(values).collect()
        })
        .collect();
    let mut text = output::table(&header, &rows);
    for remark in &comparison.remarks {
        text += &format!("note: {remark}\n");
    }
    text + &format!("page: {}\n", answer.page)
}
