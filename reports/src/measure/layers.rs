//! Per layer: cycles, utilization, what it is bound by.
//!
//! Layers overlap: while one computes, the next one's weights arrive. Two views of a layer's cycles are
//! given. Its *window* runs from the start of its first command to the end of its last; windows overlap
//! and do not add up. Its *share* is the time by which its end moves the end of the run; shares add up to
//! the run's cycles but for the tail in which the controller stops.

use bitgauge_arch::command::Unit;
use serde::Serialize;

use super::bottleneck::{bottleneck, main_unit};
use super::{EnergySummary, Loads, Traffic, WaitsFor};
use crate::ReportInput;
use crate::number::ratio;

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
    /// Share of the array's peak, at the widths of the layer's codes: of `fixed` with one lane
    /// `array_macs / (rows * cols * array_span)`.
    pub utilization: Option<f64>,
    /// What the geometry of the program's tiles allows: `array_macs / array_padded_macs`, with M padded to
    /// rows and N to columns tile by tile, and K to lines per kernel position and segment.
    pub geometric_bound: Option<f64>,
    /// The same for the whole layer as one product of M, N, K, groups of a batched product side by side;
    /// tiles cannot do better.
    pub geometric_bound_whole: Option<f64>,
    /// `utilization / geometric_bound`.
    pub bound_reached: Option<f64>,
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
    /// What each resource must do at least.
    pub loads: Loads,
    /// What binds it.
    pub bottleneck: String,
    /// Share of the window, for the array of its span, that the bottleneck fills.
    pub bottleneck_occupancy: f64,
    /// Whether the array is the bottleneck.
    pub array_bound: bool,
    /// Whose commands ended the wait, where the bottleneck is waiting for tokens and the trace tells.
    pub waits_for: Option<WaitsFor>,
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
    let elements = u64::from(accelerator.array.rows) * u64::from(accelerator.array.cols);
    let bus_bytes = u64::from(accelerator.bus_bytes());
    let waits = super::waits::waits(input);
    let loads = super::loads::loads(input);
    let mut finished = 0;
    let mut rows = Vec::with_capacity(input.run.layers.len());
    for (index, (((symbol, layer), waits), known)) in
        input.program.layers.iter().zip(&input.run.layers).zip(&waits).zip(&loads).enumerate()
    {
        let start = (layer.start != u64::MAX).then_some(layer.start);
        let window_cycles = start.map_or(0, |start| layer.end.saturating_sub(start));
        let share_cycles = layer.end.saturating_sub(finished);
        finished = finished.max(layer.end);
        let (read_bytes, write_bytes) = (traffic.layer(index, false), traffic.layer(index, true));
        let transfers = [read_bytes, write_bytes].map(|bytes| bytes / bus_bytes.max(1));
        let bottleneck = bottleneck(layer, &known.loads, waits, transfers, window_cycles);
        let utilization = (layer.array_span > 0)
            .then(|| ratio(known.peak_cycles, elements.saturating_mul(layer.array_span)));
        let geometric_bound =
            (layer.array_padded_macs > 0).then(|| ratio(layer.array_macs, layer.array_padded_macs));
        let whole = symbol.product.zip(known.padded_k).and_then(|(product, padded_k)| {
            // Only where the commands do what the product says, once.
            let all = product.iter().try_fold(1u64, |all, size| all.checked_mul(*size));
            (all == Some(layer.array_macs))
                .then(|| whole_bound(product, padded_k, accelerator.array.rows, accelerator.array.cols))
        });
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
            utilization,
            geometric_bound,
            geometric_bound_whole: whole,
            bound_reached: utilization
                .zip(geometric_bound)
                .map(|(utilization, bound)| if bound > 0.0 { utilization / bound } else { 0.0 }),
            main_unit: main_unit(layer),
            unit_busy: layer.unit_busy,
            unit_waited: layer.unit_waited,
            unit_waited_inside: waits.inside,
            bus_beats: layer.bus_beats,
            bus_occupancy: ratio(layer.bus_beats, window_cycles),
            loads: known.loads,
            bottleneck: bottleneck.name,
            bottleneck_occupancy: bottleneck.occupancy,
            array_bound: bottleneck.array,
            waits_for: bottleneck.waits_for,
            read_bytes,
            write_bytes,
            intensity: (bytes > 0).then(|| ratio(macs, bytes)),
            macs_per_cycle: ratio(macs, window_cycles),
            picojoules: energy.layers.get(index).map_or(0.0, |layer| layer.total),
        });
    }
    rows
}

/// M and N padded to whole rows and columns, K as the array pads it.
fn whole_bound([m, n, k]: [u64; 3], padded_k: u64, rows: u32, cols: u32) -> f64 {
    let padded = |size: u64, step: u32| size.next_multiple_of(u64::from(step.max(1)));
    ratio(m, padded(m, rows)) * ratio(n, padded(n, cols)) * ratio(k, padded_k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geometry_pads_rows_columns_and_lines() {
        assert!((whole_bound([16, 32, 16], 16, 16, 16) - 1.0).abs() < 1e-12);
        assert!((whole_bound([17, 16, 16], 16, 16, 16) - 17.0 / 32.0).abs() < 1e-12);
        // 24 channels take two lines of 16.
        assert!((whole_bound([16, 144, 24], 32, 16, 16) - 0.75).abs() < 1e-12);
        assert_eq!(whole_bound([0, 0, 0], 0, 16, 16), 0.0);
    }
}
