//! Energy per layer by component.

use super::bars::Bars;
use super::{Context, Plot};
use crate::draw::palette;
use crate::number::joules;
use crate::{Component, ReportError, tables};

/// Colours of the components, in the order of [`Component::ALL`].
pub const COLOURS: [palette::Ink; 5] =
    [palette::BLUE, palette::SKY, palette::PURPLE, palette::GREEN, palette::VERMILLION];

pub fn plot(context: Context<'_>) -> Result<Plot, ReportError> {
    let energy = &context.measured.energy;
    let mut rows: Vec<(String, Vec<f64>)> = energy
        .layers
        .iter()
        .enumerate()
        .map(|(index, layer)| (context.layer_label(index), layer.components.to_vec()))
        .collect();
    if energy.fetch_picojoules > 0.0 {
        rows.push(("command fetch".to_owned(), vec![0.0, 0.0, 0.0, 0.0, energy.fetch_picojoules]));
    }
    let mut header = vec!["layer".to_owned()];
    header.extend(Component::ALL.iter().map(|component| format!("{} pJ", component.name())));
    header.push("total pJ".to_owned());
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let data = tables::csv(
        &header,
        rows.iter().map(|(label, values)| {
            let mut row = vec![label.clone()];
            row.extend(values.iter().map(f64::to_string));
            row.push(values.iter().sum::<f64>().to_string());
            row
        }),
    )?;
    // One unit for the whole axis, so that bars compare.
    let greatest = rows.iter().map(|(_, values)| values.iter().sum::<f64>()).fold(0.0, f64::max);
    let (axis, scale, total): (&str, f64, fn(f64) -> String) = if greatest >= 1e6 {
        ("energy, µJ", 1e-6, |value| joules(value * 1e6))
    } else {
        ("energy, nJ", 1e-3, |value| joules(value * 1e3))
    };
    for (_, values) in &mut rows {
        values.iter_mut().for_each(|value| *value *= scale);
    }
    let series =
        Component::ALL.iter().zip(COLOURS).map(|(component, colour)| (colour, component.name().to_owned()));
    let drawing =
        Bars { axis, series: series.collect(), rows, grouped: false, total, notes: Vec::new() }.draw()?;
    Ok(Plot {
        name: "energy",
        title: "Energy per layer by component".to_owned(),
        caption: format!(
            "Counts of the simulator times the prices of table {}. {} Layers and command fetch add up to the total.",
            energy.table, energy.note
        ),
        drawing,
        data,
    })
}
