//! Per layer: cycles, utilization, what it is bound by.
//!
//! Layers overlap: while one computes, the next one's weights arrive. Two views of a layer's cycles are
//! given. Its *window* runs from the start of its first command to the end of its last; windows overlap
//! and do not add up. Its *share* is the time by which its end moves the end of the run; shares add up to
//! the run's cycles but for the tail in which the controller stops.

use bitgauge_arch::command::Unit;
use bitgauge_sim::result::{LayerResult, StallReason};
use serde::Serialize;

use super::{EnergySummary, Traffic};
use crate::ReportInput;
use crate::number::ratio;

/// Occupancy above which a resource is said to bind a layer; below, waiting does.
const BINDING: f64 = 0.5;

/// A layer.
#[derive(Clone, Debug, Serialize)]
pub struct LayerRow {
    /// Position in the program.
    pub index: usize,
    /// Name.
    pub name: String,
    /// Operator.
    pub operator: String,
    /// How it was mapped.
    pub mapping: String,
    /// M, N, K of the matrix product.
    pub product: Option<[u64; 3]>,
    /// Useful multiply-accumulates, as the compiler counts them.
    pub macs: u64,
    /// Start of its first command; `None` where it has none.
    pub start: Option<u64>,
    /// End of its last command.
    pub end: u64,
    /// Cycles from start to end.
    pub window_cycles: u64,
    /// Cycles by which its end moves the end of the run.
    pub share_cycles: u64,
    /// The compiler's closed-form lower bound on its window.
    pub bound_cycles: u64,
    /// Cycles from the first feeder read to the last.
    pub array_span: u64,
    /// Cycles in which the feeders ran.
    pub feed_cycles: u64,
    /// Useful multiply-accumulates on the array.
    pub array_macs: u64,
    /// The same with padding.
    pub array_padded_macs: u64,
    /// Useful multiply-accumulates on the vector unit.
    pub vector_macs: u64,
    /// `array_macs / (rows * cols * array_span)`.
    pub utilization: Option<f64>,
    /// What M, N alone allow: M N K over the product padded to whole rows and columns.
    pub geometric_bound: Option<f64>,
    /// Unit that does the work.
    pub main_unit: Unit,
    /// Cycles per unit with a command of the layer running.
    pub unit_busy: [u64; 4],
    /// Cycles per unit and stall reason that commands waited at the head of the queue.
    pub unit_waited: [[u64; 6]; 4],
    /// The same, but for waits before the layer's window: there a command waits for earlier layers.
    pub unit_waited_inside: [[u64; 6]; 4],
    /// Beats on the bus.
    pub bus_beats: u64,
    /// Share of the window's cycles with one of its beats on the bus.
    pub bus_occupancy: f64,
    /// What binds it.
    pub bottleneck: String,
    /// Share of the window in which that was at work.
    pub bottleneck_occupancy: f64,
    /// Bytes read from external memory.
    pub read_bytes: u64,
    /// Bytes written to external memory.
    pub write_bytes: u64,
    /// Multiply-accumulates per byte on the bus; `None` without traffic.
    pub intensity: Option<f64>,
    /// Multiply-accumulates per cycle of its window.
    pub macs_per_cycle: f64,
    /// Picojoules.
    pub picojoules: f64,
}

pub(super) fn layers(input: &ReportInput<'_>, traffic: &Traffic, energy: &EnergySummary) -> Vec<LayerRow> {
    let accelerator = &input.program.accelerator;
    let peak = accelerator.peak_macs_per_cycle();
    let bus_bytes = u64::from(accelerator.bus_bytes());
    let waited = waited_inside(input);
    let mut finished = 0;
    let mut rows = Vec::with_capacity(input.run.layers.len());
    for (index, ((symbol, layer), waited)) in
        input.program.layers.iter().zip(&input.run.layers).zip(&waited).enumerate()
    {
        let start = (layer.start != u64::MAX).then_some(layer.start);
        let window_cycles = start.map_or(0, |start| layer.end.saturating_sub(start));
        let share_cycles = layer.end.saturating_sub(finished);
        finished = finished.max(layer.end);
        let (bottleneck, bottleneck_occupancy) = bottleneck(layer, waited, window_cycles);
        let macs = layer.array_macs + layer.vector_macs;
        let bytes = layer.bus_beats * bus_bytes;
        rows.push(LayerRow {
            index,
            name: symbol.name.clone(),
            operator: symbol.operator.clone(),
            mapping: symbol.mapping.clone(),
            product: symbol.product,
            macs: symbol.macs,
            start,
            end: layer.end,
            window_cycles,
            share_cycles,
            bound_cycles: symbol.bound_cycles,
            array_span: layer.array_span,
            feed_cycles: layer.feed_cycles,
            array_macs: layer.array_macs,
            array_padded_macs: layer.array_padded_macs,
            vector_macs: layer.vector_macs,
            utilization: (layer.array_span > 0)
                .then(|| ratio(layer.array_macs, peak.saturating_mul(layer.array_span))),
            geometric_bound: symbol
                .product
                .map(|product| geometric_bound(product, accelerator.array.rows, accelerator.array.cols)),
            main_unit: main_unit(layer),
            unit_busy: layer.unit_busy,
            unit_waited: layer.unit_waited,
            unit_waited_inside: *waited,
            bus_beats: layer.bus_beats,
            bus_occupancy: ratio(layer.bus_beats, window_cycles),
            bottleneck,
            bottleneck_occupancy,
            read_bytes: traffic.layer(index, false),
            write_bytes: traffic.layer(index, true),
            intensity: (bytes > 0).then(|| ratio(macs, bytes)),
            macs_per_cycle: ratio(macs, window_cycles),
            picojoules: energy.layers.get(index).map_or(0.0, |layer| layer.total),
        });
    }
    rows
}

/// Waits by layer, unit and reason that lie inside the layer's window; all of them where the run keeps no
/// spans. A command waits in one stretch up to its start, so what is cut off is its beginning, in which
/// the reasons that come first hold.
fn waited_inside(input: &ReportInput<'_>) -> Vec<[[u64; 6]; 4]> {
    let run = input.run;
    if run.spans.is_empty() {
        return run.layers.iter().map(|layer| layer.unit_waited).collect();
    }
    let mut inside = vec![[[0; 6]; 4]; run.layers.len()];
    for span in &run.spans {
        let Some(symbol) = input.program.commands.get(span.command as usize) else { continue };
        let index = symbol.layer as usize;
        let (Some(layer), Some(units)) = (run.layers.get(index), inside.get_mut(index)) else { continue };
        let room = span.start.saturating_sub(layer.start);
        let mut cut = span.waited.iter().sum::<u64>().saturating_sub(room);
        for (sum, waited) in units[span.unit.index()].iter_mut().zip(span.waited) {
            let outside = waited.min(cut);
            cut -= outside;
            *sum += waited - outside;
        }
    }
    inside
}

/// K cancels: sums stay in place, so only rows and columns are padded.
fn geometric_bound([m, n, _]: [u64; 3], rows: u32, cols: u32) -> f64 {
    let padded = |size: u64, step: u32| size.next_multiple_of(u64::from(step.max(1)));
    ratio(m, padded(m, rows)) * ratio(n, padded(n, cols))
}

/// The array where it works at all, else the vector unit, else the transfer that takes longest.
fn main_unit(layer: &LayerResult) -> Unit {
    let order = [Unit::Compute, Unit::Vector];
    if let Some(unit) =
        order.into_iter().filter(|unit| layer.unit_busy[unit.index()] > 0).max_by_key(|unit| {
            // On a tie the array.
            (layer.unit_busy[unit.index()], *unit == Unit::Compute)
        })
    {
        return unit;
    }
    if layer.unit_busy[Unit::Store.index()] > layer.unit_busy[Unit::Load.index()] {
        Unit::Store
    } else {
        Unit::Load
    }
}

/// The busiest of bus, feeders and vector unit over the layer's window; where none is busy for half of
/// it, what the units waited for most.
fn bottleneck(layer: &LayerResult, waited: &[[u64; 6]; 4], window: u64) -> (String, f64) {
    if window == 0 {
        return ("–".to_owned(), 0.0);
    }
    let resources = [
        ("memory bus", layer.bus_beats),
        ("array", layer.feed_cycles),
        ("vector unit", layer.unit_busy[Unit::Vector.index()]),
    ];
    let (mut name, mut cycles) = ("", 0);
    for (candidate, busy) in resources {
        if busy > cycles {
            (name, cycles) = (candidate, busy);
        }
    }
    let occupancy = ratio(cycles, window);
    if occupancy >= BINDING {
        return (name.to_owned(), occupancy.min(1.0));
    }
    let unit = main_unit(layer);
    let waited = &waited[unit.index()];
    let mut reason = None;
    for (candidate, &cycles) in StallReason::ALL.iter().zip(waited) {
        if cycles > reason.map_or(0, |(_, most)| most) {
            reason = Some((candidate.name(), cycles));
        }
    }
    match reason {
        Some((reason, cycles)) => {
            (format!("waiting ({} for {reason})", unit.name()), ratio(cycles, window).min(1.0))
        }
        None => ("latency".to_owned(), occupancy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geometry_pads_rows_and_columns() {
        assert!((geometric_bound([16, 32, 7], 16, 16) - 1.0).abs() < 1e-12);
        assert!((geometric_bound([17, 16, 7], 16, 16) - 17.0 / 32.0).abs() < 1e-12);
        assert_eq!(geometric_bound([0, 0, 0], 16, 16), 0.0);
    }

    #[test]
    fn the_busiest_resource_binds() {
        let mut waited = [[0; 6]; 4];
        let mut layer = LayerResult { bus_beats: 90, feed_cycles: 60, ..LayerResult::default() };
        assert_eq!(bottleneck(&layer, &waited, 100).0, "memory bus");
        layer.bus_beats = 10;
        assert_eq!(bottleneck(&layer, &waited, 100).0, "array");
        layer.unit_busy[1] = 70;
        waited[1][0] = 300;
        assert_eq!(bottleneck(&layer, &waited, 1000).0, "waiting (compute for token)");
        assert_eq!(bottleneck(&LayerResult::default(), &[[0; 6]; 4], 10).0, "latency");
    }
}
