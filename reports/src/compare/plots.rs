//! Plots of runs side by side.

use super::{Comparison, Run};
use crate::draw::palette;
use crate::number::{count, joules};
use crate::plots::{Bars, ENERGY_COLOURS, Plot};
use crate::{Component, ReportError, tables};

/// Colours of runs.
pub const COLOURS: [palette::Ink; 7] = [
    palette::BLUE,
    palette::ORANGE,
    palette::GREEN,
    palette::PURPLE,
    palette::VERMILLION,
    palette::SKY,
    palette::YELLOW,
];

pub fn all(runs: &[Run], comparison: &Comparison) -> Result<Vec<Plot>, ReportError> {
    Ok(vec![energy(runs)?, layers(comparison)?])
}

fn energy(runs: &[Run]) -> Result<Plot, ReportError> {
    let header: Vec<String> = std::iter::once("run".to_owned())
        .chain(Component::ALL.iter().map(|component| format!("{} pJ", component.name())))
        .collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let data = tables::csv(
        &header,
        runs.iter().map(|run| {
            let values = run.document.energy.components.iter().map(f64::to_string);
            std::iter::once(run.label.clone()).chain(values).collect::<Vec<_>>()
        }),
    )?;
    let rows = runs.iter().map(|run| {
        let values = run.document.energy.components.iter().map(|picojoules| picojoules * 1e-6);
        (run.label.clone(), values.collect())
    });
    let series = Component::ALL.iter().zip(ENERGY_COLOURS);
    let drawing = Bars {
        axis: "energy of one inference, µJ",
        series: series.map(|(component, colour)| (colour, component.name().to_owned())).collect(),
        rows: rows.collect(),
        grouped: false,
        total: |value| joules(value * 1e6),
        notes: Vec::new(),
    }
    .draw()?;
    Ok(Plot {
        name: "energy",
        title: "Energy by component".to_owned(),
        caption: "Counts of the simulator times the prices of each run's own table.".to_owned(),
        drawing,
        data,
    })
}

fn layers(comparison: &Comparison) -> Result<Plot, ReportError> {
    let values = |cycles: &[Option<u64>]| -> Vec<f64> {
        cycles.iter().map(|cycles| cycles.unwrap_or_default() as f64).collect()
    };
    let header: Vec<&str> =
        std::iter::once("layer").chain(comparison.runs.iter().map(String::as_str)).collect();
    let data = tables::csv(
        &header,
        comparison.layers.iter().map(|layer| {
            let cycles = layer.cycles.iter().map(|cycles| cycles.map_or_else(String::new, |c| c.to_string()));
            std::iter::once(layer.name.clone()).chain(cycles).collect::<Vec<_>>()
        }),
    )?;
    let series = comparison.runs.iter().enumerate();
    let drawing = Bars {
        axis: "cycles by which the layer's end moves the end of the run",
        series: series.map(|(index, run)| (COLOURS[index % COLOURS.len()], run.clone())).collect(),
        rows: comparison
            .layers
            .iter()
            .enumerate()
            .map(|(index, layer)| {
                (format!("{index} {}", layer.name.trim_start_matches('/')), values(&layer.cycles))
            })
            .collect(),
        grouped: true,
        total: |value| count(value as u64),
        notes: Vec::new(),
    }
    .draw()?;
    Ok(Plot {
        name: "layer_cycles",
        title: "Cycles by layer".to_owned(),
        caption:
            "The longest run's number stands at each row's end. Shares of a run add up to its cycles, but \
                  for the tail in which the controller stops."
                .to_owned(),
        drawing,
        data,
    })
}
