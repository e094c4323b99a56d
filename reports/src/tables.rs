//! CSV files.

use std::fmt::Display;

use crate::{Component, Measured, ReportError, ReportInput};

/// A table of text: header, then rows.
pub fn csv<R, C>(header: &[&str], rows: impl IntoIterator<Item = R>) -> Result<Vec<u8>, ReportError>
where
    R: IntoIterator<Item = C>,
    C: AsRef<[u8]>,
{
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(|error| ReportError::Csv(error.into_error().into()))
}

fn text(value: impl Display) -> String {
    value.to_string()
}

fn optional<T: Display>(value: Option<T>) -> String {
    value.map(text).unwrap_or_default()
}

/// `layers.csv`.
pub fn layers(measured: &Measured) -> Result<Vec<u8>, ReportError> {
    let header = [
        "layer",
        "name",
        "operator",
        "m",
        "n",
        "k",
        "macs",
        "start",
        "end",
        "window_cycles",
        "share_cycles",
        "bound_cycles",
        "main_unit",
        "bottleneck",
        "bottleneck_occupancy",
        "array_bound",
        "waits_for_unit",
        "waits_for_layer",
        "array_load",
        "bus_load",
        "vector_load",
        "load_lines",
        "store_lines",
        "array_span",
        "feed_cycles",
        "array_macs",
        "array_padded_macs",
        "vector_macs",
        "utilization",
        "geometric_bound",
        "geometric_bound_whole",
        "bound_reached",
        "bus_beats",
        "bus_occupancy",
        "read_bytes",
        "write_bytes",
        "macs_per_byte",
        "macs_per_cycle",
        "picojoules",
        "mapping",
    ];
    csv(
        &header,
        measured.layers.iter().map(|layer| {
            let product = |index: usize| optional(layer.product.map(|product| product[index]));
            [
                text(layer.index),
                layer.name.clone(),
                layer.operator.clone(),
                product(0),
                product(1),
                product(2),
                text(layer.macs),
                optional(layer.start),
                text(layer.end),
                text(layer.window_cycles),
                text(layer.share_cycles),
                text(layer.bound_cycles),
                text(layer.main_unit.name()),
                layer.bottleneck.clone(),
                text(layer.bottleneck_occupancy),
                text(layer.array_bound),
                optional(layer.waits_for.map(|by| by.unit.name())),
                optional(layer.waits_for.map(|by| by.layer)),
                text(layer.loads.array),
                text(layer.loads.bus),
                text(layer.loads.vector),
                text(layer.loads.load_lines),
                text(layer.loads.store_lines),
                text(layer.array_span),
                text(layer.feed_cycles),
                text(layer.array_macs),
                text(layer.array_padded_macs),
                text(layer.vector_macs),
                optional(layer.utilization),
                optional(layer.geometric_bound),
                optional(layer.geometric_bound_whole),
                optional(layer.bound_reached),
                text(layer.bus_beats),
                text(layer.bus_occupancy),
                text(layer.read_bytes),
                text(layer.write_bytes),
                optional(layer.intensity),
                text(layer.macs_per_cycle),
                text(layer.picojoules),
                layer.mapping.clone(),
            ]
        }),
    )
}

/// `energy.csv`: each action's count, price and source.
pub fn energy(measured: &Measured) -> Result<Vec<u8>, ReportError> {
    csv(
        &[
            "action",
            "component",
            "count",
            "picojoules_each",
            "picojoules",
            "source",
            "basis",
            "low_picojoules",
            "high_picojoules",
            "low_source",
            "high_source",
        ],
        measured.energy.actions.iter().map(|action| {
            [
                text(action.action.name()),
                text(Component::name(action.component)),
                text(action.count),
                text(action.picojoules_each),
                text(action.picojoules),
                action.source.clone(),
                text(action.basis.name()),
                text(action.low_picojoules),
                text(action.high_picojoules),
                action.low_source.clone().unwrap_or_default(),
                action.high_source.clone().unwrap_or_default(),
            ]
        }),
    )
}

/// `bursts.csv`; the layer of command fetch is empty.
pub fn bursts(input: &ReportInput<'_>) -> Result<Vec<u8>, ReportError> {
    let layers = input.run.layers.len();
    csv(
        &["cycle", "address", "bytes", "beats", "write", "operand", "layer"],
        input.run.bursts.iter().map(|burst| {
            [
                text(burst.cycle),
                text(burst.address),
                text(burst.bytes),
                text(burst.beats),
                text(u8::from(burst.write)),
                text(burst.operand.name()),
                optional(((burst.layer as usize) < layers).then_some(burst.layer)),
            ]
        }),
    )
}
