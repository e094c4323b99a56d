//! Two or more runs side by side: what `bitgauge compare` shows.
//!
//! All it knows of a run is its `result.json`, so runs of other days, hosts and versions compare too.

mod figures;
mod layers;
mod page;
mod plots;

pub use figures::{Better, Figure};
pub use layers::LayerFigures;

use bitgauge_arch::Accelerator;
use bitgauge_arch::actions::{Action, ActionCounts};
use bitgauge_arch::energy::ElementUse;
use serde::{Deserialize, Serialize};

use crate::{Accuracy, FORMAT_VERSION, ModelInfo, PlotFormat, Report, ReportError, Synthesis, tables};

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it is called beside the others.
    pub label: String,
    document: Document,
}

/// What is read of `result.json`.
#[derive(Clone, Debug, Deserialize)]
struct Document {
    model: ModelInfo,
    accelerator: Accelerator,
    headline: Headline,
    layers: Vec<Layer>,
    energy: Energy,
    #[serde(default)]
    synthesis: Option<Synthesis>,
    #[serde(default)]
    accuracy: Option<Accuracy>,
}

#[derive(Clone, Debug, Deserialize)]
struct Headline {
    cycles: u64,
    bound_cycles: u64,
    milliseconds: f64,
    picojoules: f64,
    // Reports of earlier versions have no range.
    #[serde(default)]
    low_picojoules: Option<f64>,
    #[serde(default)]
    high_picojoules: Option<f64>,
    #[serde(default)]
    assumed_energy_share: Option<f64>,
    mac_utilization: f64,
    bus_bytes: u64,
    bus_occupancy: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct Layer {
    name: String,
    operator: String,
    share_cycles: u64,
    picojoules: f64,
    read_bytes: u64,
    write_bytes: u64,
    bottleneck: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Energy {
    table: String,
    components: Vec<f64>,
    actions: Vec<Counted>,
    // Reports of earlier versions do not have it.
    #[serde(default)]
    elements: Option<Vec<ElementUse>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Counted {
    action: Action,
    count: u64,
}

#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

/// Runs side by side; all lists of values are in the order of the runs.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// What the runs are called.
    pub runs: Vec<String>,
    /// The whole runs.
    pub figures: Vec<Figure>,
    /// Layer by layer, matched by name, in the order of the first run that has them.
    pub layers: Vec<LayerFigures>,
    /// What a reader should know before comparing.
    pub remarks: Vec<String>,
}

impl Run {
    /// Reads a run's `result.json`.
    ///
    /// # Errors
    /// [`ReportError::Result`] where it is none, or of a version that this one does not know.
    pub fn read(label: impl Into<String>, json: &[u8]) -> Result<Run, ReportError> {
        let Version { format_version } = serde_json::from_slice(json).map_err(ReportError::Result)?;
        if format_version != FORMAT_VERSION {
            return Err(ReportError::Version { found: format_version, known: FORMAT_VERSION });
        }
        let document = serde_json::from_slice(json).map_err(ReportError::Result)?;
        Ok(Run { label: label.into(), document })
    }

    /// What it is called.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The accelerator it ran on.
    #[must_use]
    pub fn accelerator(&self) -> &Accelerator {
        &self.document.accelerator
    }

    /// What processing elements did, by the widths of their operands; none in results of earlier versions.
    #[must_use]
    pub fn elements(&self) -> Option<&[ElementUse]> {
        self.document.energy.elements.as_deref()
    }

    /// What the run counted.
    #[must_use]
    pub fn counts(&self) -> ActionCounts {
        let mut counts = ActionCounts::default();
        self.document.energy.actions.iter().for_each(|counted| counts.add(counted.action, counted.count));
        counts
    }
}

/// Puts runs side by side.
#[must_use]
pub fn compare(runs: &[Run]) -> Comparison {
    let mut remarks = Vec::new();
    let differ = |what: fn(&Run) -> &str| runs.windows(2).any(|pair| what(&pair[0]) != what(&pair[1]));
    if differ(|run| &run.document.model.hash) {
        remarks.push("The runs are of different networks: a layer is matched by its name alone.".to_owned());
    }
    if differ(|run| &run.document.energy.table) {
        remarks.push("Energies are priced by different tables.".to_owned());
    }
    let data = |run: &Run| {
        run.document.accuracy.as_ref().map(|accuracy| (accuracy.dataset.clone(), accuracy.images))
    };
    if runs.windows(2).any(|pair| data(&pair[0]) != data(&pair[1])) {
        remarks.push("Accuracies are of different images.".to_owned());
    }
    Comparison {
        runs: runs.iter().map(|run| run.label.clone()).collect(),
        figures: figures::figures(runs),
        layers: layers::layers(runs),
        remarks,
    }
}

/// [`render_with`] plots as SVG.
///
/// # Errors
/// Those of [`render_with`].
pub fn render(runs: &[Run]) -> Result<Report, ReportError> {
    render_with(runs, PlotFormat::Svg)
}

/// Renders the page of a comparison, its plots and its tables.
///
/// # Errors
/// A table or a plot that cannot be written.
pub fn render_with(runs: &[Run], format: PlotFormat) -> Result<Report, ReportError> {
    let comparison = compare(runs);
    let plots = plots::all(runs, &comparison)?;
    let mut report = Report::default();
    report.push("index.html", page::page(&comparison, &plots, format));
    let mut json = serde_json::to_vec_pretty(&comparison)?;
    json.push(b'\n');
    report.push("comparison.json", json);
    report.push("figures.csv", figures::csv(&comparison)?);
    report.push("layers.csv", layers::csv(&comparison)?);
    for plot in &plots {
        report.push_plot(plot, format)?;
    }
    Ok(report)
}

/// One row for each name, the values of the runs behind it.
fn table(comparison: &Comparison, head: &[&str], rows: Vec<Vec<String>>) -> Result<Vec<u8>, ReportError> {
    let header: Vec<&str> = head.iter().copied().chain(comparison.runs.iter().map(String::as_str)).collect();
    tables::csv(&header, rows)
}
