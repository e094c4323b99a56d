//! Results to tables, plots, pages and traces.
//!
//! [`render`] is pure: it takes what was compiled, simulated and evaluated and gives back files as bytes;
//! writing them is the caller's. Equal inputs give equal bytes: no date, no hash order, no randomness.
//!
//! Every number in a report says where it comes from: *simulated* (cycle-level), *evaluated* (counted on
//! images), *analytical* (a closed form), *synthesized* (what tools say of the exported Verilog) or *priced* (a
//! count times a published figure). What should add
//! up is added up twice: energies refuse to be reported unless the parts sum to the total, and the other
//! cross-checks stand in the report with their outcome.

pub mod compare;
mod error;
mod input;
mod json;
mod measure;
mod number;
mod page;
mod perfetto;
mod plots;
mod svg;
mod tables;
mod words;

pub use error::ReportError;
pub use input::{Accuracy, ActivationSize, ModelInfo, Provenance, ReportInput, Synthesis, TensorSqnr};
pub use json::FORMAT_VERSION;
pub use measure::{
    ActionEnergy, Check, Component, EnergySummary, Headline, LayerEnergy, LayerRow, Loads, Measured, Traffic,
    TrafficSeries, WaitsFor, measure, planned_loads,
};
pub use perfetto::proto as perfetto_proto;
pub use words::number_or_word;

/// A file of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// Path relative to the report's folder, with `/` between parts.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// A whole report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Files, `index.html` first; paths are unique.
    pub files: Vec<ReportFile>,
}

impl Report {
    /// The content of a file.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.iter().find(|file| file.path == path).map(|file| file.bytes.as_slice())
    }

    fn push(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.push(ReportFile { path: path.into(), bytes: bytes.into() });
    }
}

/// Renders the page, its plots and tables, the machine-readable result and the trace.
///
/// # Errors
/// Inputs that do not belong together ([`ReportError::Layers`]), an action without a price, and energies
/// that do not add up.
pub fn render(input: &ReportInput<'_>) -> Result<Report, ReportError> {
    let measured = measure(input)?;
    let plots = plots::all(input, &measured)?;
    let mut report = Report::default();
    report.push("index.html", page::page(input, &measured, &plots));
    report.push("result.json", json::json(input, &measured)?);
    report.push("layers.csv", tables::layers(&measured)?);
    report.push("energy.csv", tables::energy(&measured)?);
    report.push("bursts.csv", tables::bursts(input)?);
    report.push("trace.perfetto", perfetto::trace(input));
    for plot in &plots {
        report.push(format!("plots/{}.svg", plot.name), plot.svg.standalone(&plot.title));
        report.push(format!("data/{}.csv", plot.name), plot.data.clone());
    }
    Ok(report)
}
