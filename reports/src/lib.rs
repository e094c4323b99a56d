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

pub mod accelergy;
pub mod compare;
mod draw;
mod error;
mod input;
mod json;
mod measure;
mod number;
mod page;
mod perfetto;
mod plots;
pub mod price;
pub mod search;
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

/// How plots are written; the page shows them as SVG in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlotFormat {
    /// Lines and letters, for screens of all sizes and for later editing.
    #[default]
    Svg,
    /// Dots for print: 300 to the inch at a width of 10 inches, light colours.
    Png,
}

impl PlotFormat {
    /// Ending of a file, without dot.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            PlotFormat::Svg => "svg",
            PlotFormat::Png => "png",
        }
    }

    /// Path of a plot within a report.
    fn path(self, plot: &str) -> String {
        format!("plots/{plot}.{}", self.ending())
    }
}

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

    /// A plot and what is drawn in it.
    fn push_plot(&mut self, plot: &plots::Plot, format: PlotFormat) -> Result<(), ReportError> {
        self.push(format.path(plot.name), plot.drawing.file(&plot.title, format)?);
        self.push(format!("data/{}.csv", plot.name), plot.data.clone());
        Ok(())
    }

    fn push(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.push(ReportFile { path: path.into(), bytes: bytes.into() });
    }
}

/// [`render_with`] plots as SVG.
///
/// # Errors
/// Those of [`render_with`].
pub fn render(input: &ReportInput<'_>) -> Result<Report, ReportError> {
    render_with(input, PlotFormat::Svg)
}

/// Renders the page, its plots and tables, the machine-readable result and the trace.
///
/// # Errors
/// Inputs that do not belong together ([`ReportError::Layers`]), an action without a price, and energies
/// that do not add up.
pub fn render_with(input: &ReportInput<'_>, format: PlotFormat) -> Result<Report, ReportError> {
    let measured = measure(input)?;
    let plots = plots::all(input, &measured)?;
    let mut report = Report::default();
    report.push("index.html", page::page(input, &measured, &plots, format));
    report.push("result.json", json::json(input, &measured)?);
    report.push("layers.csv", tables::layers(&measured)?);
    report.push("energy.csv", tables::energy(&measured)?);
    report.push("bursts.csv", tables::bursts(input)?);
    report.push("trace.perfetto", perfetto::trace(input));
    for plot in &plots {
        report.push_plot(plot, format)?;
    }
    Ok(report)
}
