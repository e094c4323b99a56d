//! `bitgauge price`: the energy of a run by other tables, without running it again.

use anyhow::Result;
use bitgauge_arch::energy::TABLES;
use bitgauge_reports::price::{Pricing, price};
use bitgauge_reports::{Component, ReportError};
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::{inputs, results};

/// Options of `price`.
#[derive(clap::Args)]
pub struct Price {
    /// Folder that `bitgauge run` wrote, or its result.json
    #[arg(value_name = "RUN")]
    run: String,
    /// Energy table: the name of one that ships, or a TOML file; several stand side by side [default: all that ship]
    #[arg(long, value_name = "TABLE")]
    energy: Vec<String>,
}

#[derive(Serialize)]
struct Answer {
    run: String,
    prices: Vec<Pricing>,
}

impl Price {
    pub(super) fn run(&self, format: Format) -> Result<ExitStatus> {
        let run = results::read(&self.run)?;
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
            prices.push(price(&run, &table).map_err(refuse)?);
            mixtures.extend(table.mixture());
        }
        for sentence in prices.iter().flat_map(|pricing| &pricing.outside).chain(&mixtures) {
            output::talk(&format!("warning: {sentence}"));
        }
        let answer = Answer { run: run.label().to_owned(), prices };
        output::data(&match format {
            Format::Json => output::json("price", &answer)?,
            Format::Text => text(&answer),
        })?;
        Ok(ExitStatus::Success)
    }
}

fn text(answer: &Answer) -> String {
    let micro = |picojoules: f64| format!("{:.3} uJ", picojoules / 1e6);
    let row = |name: &str, of: &dyn Fn(&Pricing) -> String| -> Vec<String> {
        std::iter::once(name.to_owned()).chain(answer.prices.iter().map(of)).collect()
    };
    let mut rows: Vec<Vec<String>> = Component::ALL
        .iter()
        .map(|&component| row(component.name(), &|pricing| micro(pricing.components[component as usize])))
        .collect();
    rows.push(row("energy per inference", &|pricing| micro(pricing.total_picojoules)));
    rows.push(row("at the least prices", &|pricing| micro(pricing.low_picojoules)));
    rows.push(row("at the most", &|pricing| micro(pricing.high_picojoules)));
    rows.push(row("priced by assumption", &|pricing| format!("{:.1} %", 100.0 * pricing.assumed_share)));
    let tables = answer.prices.iter().map(|pricing| pricing.table.as_str());
    let header: Vec<&str> = std::iter::once("").chain(tables).collect();
    output::table(&header, &rows)
}
