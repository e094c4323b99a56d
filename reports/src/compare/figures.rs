//! Figures of whole runs.

use serde::Serialize;

use super::{Comparison, Run, table};
use crate::ReportError;
use crate::number::{count, digits, joules, joules_between, percent, si};
use crate::page::Source;

/// Which of two values a designer would rather have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// The smaller one.
    Less,
    /// The larger one.
    More,
    /// It depends.
    Neither,
}

/// A figure of all runs.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// Its name.
    pub name: &'static str,
    /// Its unit; empty for counts and shares.
    pub unit: &'static str,
    /// The values; none where a run does not have it.
    pub values: Vec<Option<f64>>,
    /// What a value may be by the least and the most that sources give; empty where a figure has no range.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Option<[f64; 2]>>,
    /// Which is better.
    pub better: Better,
    /// Where it comes from.
    #[serde(skip)]
    pub source: Source,
    /// How a value reads.
    #[serde(skip)]
    pub text: fn(f64) -> String,
}

impl Figure {
    /// Value of a run over that of the first; none where one of them is missing or the first is zero.
    #[must_use]
    pub fn against_first(&self, run: usize) -> Option<f64> {
        let first = self.values.first().copied().flatten().filter(|first| *first != 0.0)?;
        Some(self.values.get(run).copied().flatten()? / first)
    }

    /// The values as they read, with their ranges.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let text = |(run, value): (usize, &Option<f64>)| {
            let value = value.map_or_else(|| "–".to_owned(), self.text);
            match self.ranges.get(run).copied().flatten() {
                Some([low, high]) => format!("{value} ({})", joules_between(low, high)),
                None => value,
            }
        };
        self.values.iter().enumerate().map(text).collect()
    }
}

fn whole(value: f64) -> String {
    count(value as u64)
}

/// The figure that has a range.
const ENERGY: &str = "energy per inference";

/// Energy at the least and the most prices, where a run's report has them.
fn energy_range(run: &Run) -> Option<[f64; 2]> {
    let headline = &run.document.headline;
    Some([headline.low_picojoules?, headline.high_picojoules?])
}

/// All figures that at least one run has.
pub fn figures(runs: &[Run]) -> Vec<Figure> {
    use Better::{Less, More, Neither};
    use Source::{Analytical, Described, Evaluated, Priced, Simulated, Synthesized};
    type Get = fn(&Run) -> Option<f64>;
    type Row = (&'static str, &'static str, Better, Source, fn(f64) -> String, Get);
    let rows: [Row; 21] = [
        ("cycles", "", Less, Simulated, whole, |run| Some(run.document.headline.cycles as f64)),
        ("lower bound on them", "", Neither, Analytical, whole, |run| {
            Some(run.document.headline.bound_cycles as f64)
        }),
        (
            "latency",
            "ms",
            Less,
            Simulated,
            |ms| format!("{} ms", digits(ms)),
            |run| Some(run.document.headline.milliseconds),
        ),
        (ENERGY, "pJ", Less, Priced, joules, |run| Some(run.document.headline.picojoules)),
        ("energy priced by assumption", "", Neither, Priced, percent, |run| {
            run.document.headline.assumed_energy_share
        }),
        (
            "energy × latency",
            "pJ ms",
            Less,
            Priced,
            |product| digits(product * 1e-6) + " µJ ms",
            |run| Some(run.document.headline.picojoules * run.document.headline.milliseconds),
        ),
        (
            "external traffic",
            "B",
            Less,
            Simulated,
            |bytes| si(bytes, "B"),
            |run| Some(run.document.headline.bus_bytes as f64),
        ),
        ("memory bus busy", "", Neither, Simulated, percent, |run| Some(run.document.headline.bus_occupancy)),
        ("MAC utilization", "", More, Simulated, percent, |run| Some(run.document.headline.mac_utilization)),
        ("top-1, integer", "", More, Evaluated, percent, |run| {
            run.document.accuracy.as_ref().map(|accuracy| accuracy.integer_top1)
        }),
        ("top-1, float", "", Neither, Evaluated, percent, |run| {
            run.document.accuracy.as_ref().and_then(|accuracy| accuracy.float_top1)
        }),
        (
            "quantized weights",
            "B",
            Less,
            Evaluated,
            |bytes| si(bytes, "B"),
            |run| run.document.model.weight_bytes.map(|bytes| bytes as f64),
        ),
        ("peak MAC per cycle", "", Neither, Described, whole, |run| {
            Some(run.document.accelerator.peak_macs_per_cycle() as f64)
        }),
        (
            "scratchpads",
            "KiB",
            Less,
            Described,
            |kib| format!("{} KiB", whole(kib)),
            |run| {
                let scratchpad = &run.document.accelerator.scratchpad;
                Some(f64::from(scratchpad.activation_kib) + f64::from(scratchpad.weight_kib))
            },
        ),
        (
            "memory bus",
            "bits",
            Neither,
            Described,
            |bits| format!("{} bits", whole(bits)),
            |run| Some(f64::from(run.document.accelerator.memory.bus_bits)),
        ),
        (
            "clock",
            "MHz",
            Neither,
            Described,
            |mhz| format!("{} MHz", digits(mhz)),
            |run| Some(f64::from(run.document.accelerator.clock.mhz)),
        ),
        ("FPGA: look-up tables", "", Less, Synthesized, whole, |run| {
            run.document.synthesis.as_ref().map(|fpga| fpga.lut as f64)
        }),
        ("FPGA: flip-flops", "", Less, Synthesized, whole, |run| {
            run.document.synthesis.as_ref().map(|fpga| fpga.ff as f64)
        }),
        ("FPGA: DSP blocks", "", Less, Synthesized, whole, |run| {
            run.document.synthesis.as_ref().map(|fpga| fpga.dsp as f64)
        }),
        ("FPGA: block RAMs", "", Less, Synthesized, whole, |run| {
            run.document.synthesis.as_ref().map(|fpga| fpga.bram as f64)
        }),
        (
            "FPGA: highest clock",
            "MHz",
            More,
            Synthesized,
            |mhz| format!("{} MHz", digits(mhz)),
            |run| run.document.synthesis.as_ref().and_then(|fpga| fpga.fmax_mhz),
        ),
    ];
    rows.into_iter()
        .map(|(name, unit, better, source, text, get)| Figure {
            name,
            unit,
            values: runs.iter().map(get).collect(),
            ranges: if name == ENERGY { runs.iter().map(energy_range).collect() } else { Vec::new() },
            better,
            source,
            text,
        })
        .filter(|figure| figure.values.iter().any(Option::is_some))
        .collect()
}

/// `figures.csv`.
pub fn csv(comparison: &Comparison) -> Result<Vec<u8>, ReportError> {
    let row = |figure: &Figure| {
        let mut row = vec![figure.name.to_owned(), figure.unit.to_owned()];
        row.extend(
            figure.values.iter().map(|value| value.map_or_else(String::new, |value| value.to_string())),
        );
        row
    };
    let bound = |figure: &Figure, name: &str, which: usize| {
        let mut row = vec![format!("{}, {name}", figure.name), figure.unit.to_owned()];
        let value =
            |range: &Option<[f64; 2]>| range.map_or_else(String::new, |range| range[which].to_string());
        row.extend(figure.ranges.iter().map(value));
        row
    };
    let rows = |figure: &Figure| {
        let mut rows = vec![row(figure)];
        if !figure.ranges.is_empty() {
            rows.extend([bound(figure, "least", 0), bound(figure, "most", 1)]);
        }
        rows
    };
    table(comparison, &["figure", "unit"], comparison.figures.iter().flat_map(rows).collect())
}
