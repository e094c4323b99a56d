//! `bitgauge price`: the energy of runs by other tables, without running them again.

use std::path::PathBuf;

use anyhow::Result;
use bitgauge_arch::energy::TABLES;
use bitgauge_reports::compare::Run;
use bitgauge_reports::price::{Pricing, price};
use bitgauge_reports::{Component, ReportError, accelergy};
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::{files, inputs, results};

/// Options of `price`.
#[derive(clap::Args)]
pub struct Price {
    /// Folders that `bitgauge run` wrote, or their result.json; NAME=FOLDER gives a run another name
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<String>,
    /// Energy table: the name of one that ships, a TOML file, or Accelergy's ERT.yaml; several stand side by side
    /// [default: all that ship]
    #[arg(long, value_name = "TABLE")]
    energy: Vec<String>,
    /// Also write the run's counts as Accelergy's action_counts.yaml
    #[arg(long, value_name = "YAML")]
    action_counts: Option<PathBuf>,
}

#[derive(Serialize)]
struct Answer {
    run: String,
    prices: Vec<Pricing>,
}

/// Several runs.
#[derive(Serialize)]
struct Answers {
    runs: Vec<Answer>,
}

impl Price {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        let runs = self.runs.iter().map(|run| results::read(run)).collect::<Result<Vec<_>>>()?;
        if self.action_counts.is_some() && runs.len() > 1 {
            let fault = Failure::new("--action-counts is for one run");
            return Err(fault.hint("write each run's by itself").into());
        }
        let mut answers = runs.iter().map(|run| self.priced(run)).collect::<Result<Vec<_>>>()?;
        if let (Some(path), [run]) = (&self.action_counts, &runs[..]) {
            files::write(path, accelergy::action_counts(&run.counts()).as_bytes())?;
        }
        let text = text(&answers);
        output::data(&match (format, answers.len()) {
            (Format::Text, _) => text,
            (Format::Json, 1) => output::json("price", &answers.remove(0))?,
            (Format::Json, _) => output::json("price", &Answers { runs: answers })?,
        })?;
        Ok(ExitStatus::Success)
    }

    /// A run by every table.
    fn priced(&self, run: &Run) -> Result<Answer> {
        let shipped = || TABLES.iter().map(|(name, _)| (*name).to_owned()).collect();
        let names: Vec<String> = if self.energy.is_empty() { shipped() } else { self.energy.clone() };
        let (mut prices, mut mixtures) = (Vec::new(), Vec::new());
        for name in &names {
            let refuse = |error: ReportError| {
                let failure = Failure::new(error.to_string()).at(name);
                match error {
                    ReportError::Unpriced { .. } => failure.hint(
                        "add a row for it to the table; the tables that ship have one for every action",
                    ),
                    _ => failure,
                }
            };
            let table = inputs::named_table(name)?;
            prices.push(price(run, &table).map_err(refuse)?);
            mixtures.extend(table.mixture());
        }
        for sentence in prices.iter().flat_map(|pricing| &pricing.outside).chain(&mixtures) {
            output::talk(&format!("warning: {sentence}"));
        }
        Ok(Answer { run: run.label().to_owned(), prices })
    }
}

/// A column for each table; of several runs, for each run and table.
fn text(answers: &[Answer]) -> String {
    let columns = || answers.iter().flat_map(|answer| answer.prices.iter().map(move |price| (answer, price)));
    let micro = |picojoules: f64| format!("{:.3} uJ", picojoules / 1e6);
    let row = |name: &str, of: &dyn Fn(&Pricing) -> String| -> Vec<String> {
        std::iter::once(name.to_owned()).chain(columns().map(|(_, price)| of(price))).collect()
    };
    let mut rows: Vec<Vec<String>> = Component::ALL
        .iter()
        .map(|&component| row(component.name(), &|pricing| micro(pricing.components[component as usize])))
        .collect();
    rows.push(row("energy per inference", &|pricing| micro(pricing.total_picojoules)));
    rows.push(row("at the least prices", &|pricing| micro(pricing.low_picojoules)));
    rows.push(row("at the most", &|pricing| micro(pricing.high_picojoules)));
    rows.push(row("priced by assumption", &|pricing| format!("{:.1} %", 100.0 * pricing.assumed_share)));
    let name = |(answer, price): (&Answer, &Pricing)| match answers {
        [_] => price.table.clone(),
        _ => format!("{}, {}", answer.run, price.table),
    };
    let names: Vec<String> = columns().map(name).collect();
    let header: Vec<&str> = std::iter::once("").chain(names.iter().map(String::as_str)).collect();
    output::table(&header, &rows)
}
