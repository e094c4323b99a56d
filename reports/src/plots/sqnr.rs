//! Signal to quantization noise of each tensor.

use super::bars::Bars;
use super::{Context, Plot};
use crate::draw::palette;
use crate::{ReportError, number, tables};

pub fn plot(context: Context<'_>) -> Result<Plot, ReportError> {
    let sqnr = &context.input.sqnr;
    let data = tables::csv(
        &["layer", "tensor", "sqnr_db"],
        sqnr.iter().map(|entry| [entry.layer.clone(), entry.tensor.clone(), entry.sqnr_db.to_string()]),
    )?;
    let drawing = Bars {
        axis: "signal to quantization noise, dB",
        series: vec![(palette::BLUE, "signal to quantization noise".to_owned())],
        rows: sqnr
            .iter()
            .map(|entry| (context.tensor_label(&entry.tensor, &entry.layer), vec![entry.sqnr_db]))
            .collect(),
        grouped: false,
        total: |decibels| format!("{} dB", number::digits(decibels)),
        notes: sqnr.iter().map(|entry| note(entry.sqnr_db)).collect(),
    }
    .draw()?;
    let exact = sqnr.iter().filter(|entry| entry.sqnr_db == f64::INFINITY).count();
    let worse = sqnr.iter().filter(|entry| entry.sqnr_db <= 0.0).count();
    let mut caption =
        "What each layer makes, by the integer network against the float one, in network order; 6 dB are about one bit. A step down \
                       marks the layer that loses information, not the ones after it."
            .to_owned();
    if exact > 0 {
        caption.push_str(" Exact: no difference at all.");
    }
    if worse > 0 {
        caption.push_str(" Values at or below 0 dB, where noise exceeds signal, have no bar.");
    }
    Ok(Plot {
        name: "sqnr",
        title: "Signal to quantization noise per tensor".to_owned(),
        caption,
        drawing,
        data,
    })
}

/// What stands where there is no bar.
fn note(decibels: f64) -> String {
    if decibels == f64::INFINITY {
        "exact".to_owned()
    } else if decibels.is_nan() {
        "not a number".to_owned()
    } else if decibels == f64::NEG_INFINITY {
        "−∞ dB".to_owned()
    } else {
        format!("{} dB", number::digits(decibels)).replace('-', "−")
    }
}
