//! The table of layers and the roofline's data.

use crate::bottleneck::{bottleneck, seen};
use crate::cases::{Case, cases};
use crate::forms::{UNITS, forms, vector_cycles};
use crate::table::{Cell, hold};

/// Bytes on the bus of a layer, read or written.
pub fn moved(case: &Case, layer: Option<usize>, write: bool) -> u64 {
    let beats = case.bursts(layer).filter(|burst| burst.write == write).map(|burst| u64::from(burst.beats));
    beats.sum::<u64>() * case.hardware.bus()
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// Columns of `layers.csv`, and a row of them for each layer.
pub fn rows(case: &Case) -> Vec<Vec<(&'static str, Cell)>> {
    let (seen, forms, hardware) = (seen(case), forms(case), &case.hardware);
    let (peak, bus) = (hardware.rows() * hardware.cols(), hardware.bus());
    let mut finished = 0;
    let mut rows = Vec::new();
    for (index, symbol) in case.program.layers.iter().enumerate() {
        let (seen, forms, counted) = (&seen[index], &forms[index], &case.run.layers[index]);
        let (read, written) = (moved(case, Some(index), false), moved(case, Some(index), true));
        let (window, vector) = (seen.window(), vector_cycles(case, index));
        let (name, occupancy, by) = bottleneck(case, index, seen, forms);
        let works = !forms.padded_k.is_empty();
        let utilization = works.then(|| share(forms.macs, peak * counted.array_span));
        let allowed = works.then(|| share(forms.macs, forms.padded_macs));
        let whole =
            symbol.product.filter(|[m, n, k]| works && m * n * k == forms.macs).and_then(|[m, n, k]| {
                let alike = forms.padded_k.iter().all(|padded| *padded == forms.padded_k[0]);
                let places = |size: u64, by: u64| size.div_ceil(by) * by;
                let all = places(m, hardware.rows()) * places(n, hardware.cols()) * forms.padded_k[0];
                alike.then(|| share(m * n * k, all))
            });
        let macs = forms.macs + counted.vector_macs;
        let joules: f64 =
            counted.actions.iter().map(|(of, count)| case.prices[of.name()].each * count as f64).sum();
        let product = |at: usize| Cell::from(symbol.product.map(|product| product[at]));
        rows.push(vec![
            ("layer", (index as u64).into()),
            ("name", symbol.name.as_str().into()),
            ("operator", symbol.operator.as_str().into()),
            ("m", product(0)),
            ("n", product(1)),
            ("k", product(2)),
            ("macs", (forms.macs + counted.vector_macs).into()),
            ("start", seen.start.into()),
            ("end", seen.end.into()),
            ("window_cycles", window.into()),
            ("share_cycles", seen.end.saturating_sub(finished).into()),
            ("bound_cycles", forms.bound(hardware, vector).into()),
            ("main_unit", UNITS[seen.main_unit()].into()),
            ("bottleneck", name.as_str().into()),
            ("bottleneck_occupancy", occupancy.into()),
            ("array_bound", (name == "array").to_string().into()),
            ("waits_for_unit", by.map(|(unit, _)| UNITS[unit]).into()),
            ("waits_for_layer", by.map(|(_, layer)| layer as u64).into()),
            ("array_load", forms.array.into()),
            ("bus_load", ((read + written) / bus).into()),
            ("vector_load", vector.into()),
            ("load_lines", forms.load_lines.into()),
            ("store_lines", forms.store_lines.into()),
            ("array_span", counted.array_span.into()),
            ("feed_cycles", forms.feed.into()),
            ("array_macs", forms.macs.into()),
            ("array_padded_macs", forms.padded_macs.into()),
            ("vector_macs", counted.vector_macs.into()),
            ("utilization", utilization.into()),
            ("geometric_bound", allowed.into()),
            ("geometric_bound_whole", whole.into()),
            ("bound_reached", utilization.zip(allowed).map(|(found, most)| found / most).into()),
            ("bus_beats", forms.beats.into()),
            ("bus_occupancy", share(read + written, bus * window).into()),
            ("read_bytes", read.into()),
            ("write_bytes", written.into()),
            ("macs_per_byte", (read + written > 0).then(|| share(macs, read + written)).into()),
            ("macs_per_cycle", share(macs, window).into()),
            ("picojoules", joules.into()),
            ("mapping", symbol.mapping.as_str().into()),
        ]);
        finished = finished.max(seen.end);
    }
    rows
}

#[test]
fn each_column_of_the_table_of_layers() {
    for case in cases() {
        let rows = rows(case);
        let header: Vec<&str> = rows[0].iter().map(|(name, _)| *name).collect();
        let cells: Vec<Vec<Cell>> =
            rows.into_iter().map(|row| row.into_iter().map(|(_, cell)| cell).collect()).collect();
        hold(case, "layers.csv", &header, &cells);
    }
}

/// Multiply-accumulates by the networks' shapes: 49 patches and a class token of 64 in four blocks of 128 hidden; and
/// a CNN of 28, 14 and 7 pixels a side.
#[test]
fn products_of_the_networks() {
    for case in cases() {
        let block = 3 * 50 * 64 * 64 + 2 * 50 * 50 * 64 + 50 * 64 * 64 + 2 * 50 * 64 * 128;
        let wanted = match case.model {
            "vit_mnist" => 49 * 16 * 64 + 4 * block + 64 * 10,
            _ => {
                let stem = 784 * 16 * 9;
                let first = 2 * 196 * 16 * 144;
                let down = 196 * 48 * 16 + 49 * 48 * 9 + 49 * 32 * 48;
                let inverted = 49 * 96 * 32 + 49 * 96 * 9 + 49 * 32 * 96;
                stem + first + down + inverted + 2 * 49 * 32 * 288 + 32 * 10
            }
        };
        let found: f64 = case.table("layers.csv").numbers("macs").iter().sum();
        assert_eq!(found, f64::from(wanted), "{}", case.name);
        assert_eq!(case.result["model"]["macs"], wanted, "{}", case.name);
    }
}

#[test]
fn points_of_the_roofline() {
    for case in cases() {
        let (peak, bus) = ((case.hardware.rows() * case.hardware.cols()) as f64, case.hardware.bus() as f64);
        let cells: Vec<Vec<Cell>> = rows(case)
            .into_iter()
            .map(|row| {
                let of = |name: &str| row.iter().find(|(known, _)| *known == name).unwrap().1.clone();
                let roof = match of("macs_per_byte") {
                    Cell::Number(intensity) => (intensity * bus).min(peak),
                    _ => peak,
                };
                let names = ["layer", "name", "operator", "macs_per_byte", "macs_per_cycle"];
                names.iter().map(|name| of(name)).chain([roof.into()]).collect()
            })
            .collect();
        let header = ["layer", "name", "operator", "macs_per_byte", "macs_per_cycle", "roof_macs_per_cycle"];
        hold(case, "data/roofline.csv", &header, &cells);
    }
}
