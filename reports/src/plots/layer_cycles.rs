//! Where each layer's main unit spent its cycles, and what it waited for.

use bitgauge_arch::command::Unit;
use bitgauge_sim::result::StallReason;

use super::bars::Bars;
use super::{Context, Plot, STALL_COLOURS};
use crate::draw::{palette, tick_label};
use crate::{LayerRow, ReportError, tables};

pub fn plot(context: Context<'_>) -> Result<Plot, ReportError> {
    let layers = &context.measured.layers;
    let mut series = vec![
        (palette::BLUE, "feeding the array, or vector work".to_owned()),
        (palette::SKY, "command running otherwise (setup, drain, transfer)".to_owned()),
    ];
    series.extend(
        StallReason::ALL
            .iter()
            .zip(STALL_COLOURS)
            .map(|(reason, colour)| (colour, format!("waiting: {}", reason.name()))),
    );
    let mut values: Vec<Vec<u64>> = layers.iter().map(split).collect();
    // Reasons that never occur only clutter the legend.
    let kept: Vec<usize> =
        (0..series.len()).filter(|index| *index < 2 || values.iter().any(|row| row[*index] > 0)).collect();
    let series: Vec<_> = kept.iter().map(|&index| series[index].clone()).collect();
    for row in &mut values {
        *row = kept.iter().map(|&index| row[index]).collect();
    }

    let mut header = vec!["layer".to_owned(), "main_unit".to_owned()];
    header.extend(series.iter().map(|(_, name)| name.clone()));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let data = tables::csv(
        &header,
        layers.iter().zip(&values).map(|(layer, values)| {
            let mut row = vec![layer.name.clone(), layer.main_unit.name().to_owned()];
            row.extend(values.iter().map(u64::to_string));
            row
        }),
    )?;
    let drawing = Bars {
        axis: "cycles of the layer's main unit",
        series,
        rows: values
            .iter()
            .enumerate()
            .map(|(index, values)| {
                (context.layer_label(index), values.iter().map(|value| *value as f64).collect())
            })
            .collect(),
        grouped: false,
        total: |cycles| tick_label(&cycles),
        notes: Vec::new(),
    }
    .draw()?;
    Ok(Plot {
        name: "layer_cycles",
        title: "Cycles per layer and stall reasons".to_owned(),
        caption: "For each layer the unit that does its work: the array where it works at all, else the vector unit, \
                  else the transfer. Waits are of commands at the head of that unit's queue, from \
                  the layer's first command on; of reasons that hold at once the first in the legend counts. Layers overlap, so bars do not add up to the run."
            .to_owned(),
        drawing,
        data,
    })
}

/// Working, otherwise running, then waits by reason.
fn split(layer: &LayerRow) -> Vec<u64> {
    let unit = layer.main_unit;
    let running = layer.unit_busy[unit.index()];
    let working = match unit {
        Unit::Compute => layer.feed_cycles.min(running),
        Unit::Vector => running,
        Unit::Load | Unit::Store => 0,
    };
    let mut values = vec![working, running - working];
    values.extend(layer.unit_waited_inside[unit.index()]);
    values
}
