//! Signal to quantization noise of each tensor.

use super::bars::Bars;
use super::{Context, Plot};
use crate::svg::style;
use crate::{ReportError, number, tables};

pub fn plot(context: Context<'_>) -> Result<Plot, ReportError> {
    let sqnr = &context.input.sqnr;
    let data = tables::csv(
        &["layer", "tensor", "sqnr_db"],
        sqnr.iter().map(|entry| [entry.layer.clone(), entry.tensor.clone(), entry.sqnr_db.to_string()]),
    )?;
    let svg = Bars {
        axis: "signal to quantization noise, dB",
        series: vec![(style::BLUE, "signal to quantization noise".to_owned())],
        rows: sqnr
            .iter()
            .enumerate()
            .map(|(index, entry)| (format!("{index} {}", entry.tensor), vec![entry.sqnr_db]))
            .collect(),
        grouped: false,
        total: |decibels| format!("{} dB", number::digits(decibels)),
        maximum: None,
    }
    .draw();
    let exact = sqnr.iter().filter(|entry| !entry.sqnr_db.is_finite()).count();
    let worse = sqnr.iter().filter(|entry| entry.sqnr_db <= 0.0).count();
    let mut caption =
        "Float tensor against the integer one, in network order; 6 dB are about one bit. A step down \
                       marks the layer that loses information, not the ones after it."
            .to_owned();
    if exact > 0 {
        caption.push_str(&format!(" {exact} tensors without noise have no bar."));
    }
    if worse > 0 {
        caption.push_str(&format!(
            " {worse} tensors at or below 0 dB, where noise exceeds signal, have no bar."
        ));
    }
    Ok(Plot { name: "sqnr", title: "Signal to quantization noise per tensor".to_owned(), caption, svg, data })
}
