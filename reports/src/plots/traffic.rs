//! Bytes on the bus per layer, by operand and direction.

use bitgauge_arch::program::Operand;

use super::bars::Bars;
use super::{Context, Plot, operand_colour};
use crate::draw::palette;
use crate::number::si;
use crate::{ReportError, TrafficSeries, tables};

pub fn plot(context: Context<'_>) -> Result<Plot, ReportError> {
    let traffic = &context.measured.traffic;
    let fetches = traffic.fetch.iter().any(|bytes| *bytes > 0);
    let mut rows: Vec<(String, &Vec<u64>)> =
        traffic.layers.iter().enumerate().map(|(index, bytes)| (context.layer_label(index), bytes)).collect();
    if fetches {
        rows.push(("command fetch".to_owned(), &traffic.fetch));
    }
    let mut header = vec!["layer".to_owned()];
    header.extend(traffic.series.iter().map(|series| format!("{} bytes", series.name())));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let data = tables::csv(
        &header,
        rows.iter().map(|(label, bytes)| {
            std::iter::once(label.clone()).chain(bytes.iter().map(u64::to_string)).collect::<Vec<String>>()
        }),
    )?;
    let drawing = Bars {
        axis: "bytes on the bus",
        series: traffic.series.iter().map(|series| (colour(*series), series.name())).collect(),
        rows: rows
            .into_iter()
            .map(|(label, bytes)| (label, bytes.iter().map(|bytes| *bytes as f64).collect()))
            .collect(),
        grouped: false,
        total: |bytes| si(bytes, "B"),
        notes: Vec::new(),
    }
    .draw()?;
    let source = if traffic.traced {
        format!(
            "Beats times the bus width, so the empty part of a last beat counts; that is {} in all.",
            si(traffic.padding_bytes as f64, "B")
        )
    } else {
        "Without a trace of bursts the operands are unknown; bytes come from the counters.".to_owned()
    };
    Ok(Plot {
        name: "traffic",
        title: "Traffic per layer by operand and direction".to_owned(),
        caption: source,
        drawing,
        data,
    })
}

/// Operands keep their colour; the rarer direction of one that goes both ways gets its own.
pub fn colour(series: TrafficSeries) -> palette::Ink {
    match (series.operand, series.write) {
        (Some(Operand::LengthTable), true) => palette::YELLOW,
        (Some(operand), _) => operand_colour(operand),
        (None, false) => palette::BLUE,
        (None, true) => palette::VERMILLION,
    }
}
