//! Busy, stalled and idle cycles of each unit.

use bitgauge_arch::command::Unit;
use bitgauge_sim::result::StallReason;

use super::bars::Bars;
use super::{Context, Plot, STALL_COLOURS};
use crate::draw::{palette, tick_label};
use crate::{ReportError, tables};

pub fn plot(context: Context<'_>) -> Result<Plot, ReportError> {
    let run = context.input.run;
    let mut header = vec!["unit", "busy"];
    header.extend(StallReason::ALL.iter().map(|reason| reason.name()));
    header.push("idle");
    let rows: Vec<(&str, Vec<u64>)> = Unit::ALL
        .iter()
        .zip(&run.units)
        .map(|(unit, cycles)| {
            let mut values = vec![cycles.busy];
            values.extend(cycles.stalled);
            values.push(cycles.idle);
            (unit.name(), values)
        })
        .collect();
    let data = tables::csv(
        &header,
        rows.iter().map(|(name, values)| {
            std::iter::once((*name).to_owned())
                .chain(values.iter().map(u64::to_string))
                .collect::<Vec<String>>()
        }),
    )?;
    let mut series = vec![(palette::BLUE, "busy".to_owned())];
    series.extend(
        StallReason::ALL
            .iter()
            .zip(STALL_COLOURS)
            .map(|(reason, colour)| (colour, format!("stalled: {}", reason.name()))),
    );
    series.push((palette::IDLE, "idle".to_owned()));
    let drawing = Bars {
        axis: "cycles",
        series,
        rows: rows
            .into_iter()
            .map(|(name, values)| (name.to_owned(), values.into_iter().map(|value| value as f64).collect()))
            .collect(),
        grouped: false,
        total: |cycles| tick_label(&cycles),
        notes: Vec::new(),
    }
    .draw()?;
    Ok(Plot {
        name: "unit_cycles",
        title: "Where each unit's cycles went".to_owned(),
        caption: "Busy, stalled and idle add up to the run's cycles for each unit. Stalled: a command is at hand and \
                  something is missing. Idle: no command."
            .to_owned(),
        drawing,
        data,
    })
}
