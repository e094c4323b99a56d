//! Do plots show the values of their data? Bars, points and marks are measured along their axes, by their ticks.

use std::collections::BTreeMap;

use crate::bottleneck::seen;
use crate::cases::{Case, cases};
use crate::forms::{OPERANDS, UNITS};
use crate::svg::{Plot, Shape, number};
use crate::table::Table;

/// Bars of a plot: label of a row, name of a series, and the value that the bar's length stands for, with what a
/// pixel's third is worth.
fn bars(case: &Case, name: &str, unit: f64) -> Vec<(String, String, f64, f64)> {
    let plot = Plot::read(case, name);
    let axis = plot.across(false);
    let legend: BTreeMap<&str, &str> = plot.legend().into_iter().collect();
    let hovering = plot.shapes.iter().filter_map(|shape: &Shape| Some((shape, shape.hover.as_deref()?)));
    hovering
        .map(|(shape, hover)| {
            let (label, rest) = hover.split_once(": ").unwrap();
            let [left, _, right, _] = shape.boxes[0];
            // The name before the number; where there are several series, the one that the class stands for.
            let series = legend.get(shape.class.as_str()).map_or_else(
                || rest.split(|c: char| c.is_ascii_digit()).next().unwrap().trim().to_owned(),
                |series| (*series).to_owned(),
            );
            assert!(rest.starts_with(&series), "{}: {name}: {hover} is of {series}", case.name);
            // What hovering tells, to three digits.
            let told = number(rest[series.len()..].trim()).unwrap() * told_in(rest);
            let value = axis.length(right - left) * unit;
            // A bar is shorter by a seam where another lies before it, and as wide as can be seen at least.
            let slack = axis.length(0.9) * unit;
            assert!((value - told).abs() <= slack + 0.006 * told, "{}: {name}: {hover}: {value}", case.name);
            (label.to_owned(), series, told, slack)
        })
        .collect()
}

/// What a number's unit is worth beside its prefix: joules are compared in picojoules.
fn told_in(text: &str) -> f64 {
    if text.ends_with('J') { 1e12 } else { 1.0 }
}

/// Holds bars to columns of a table: each value that can be seen has its bar, and no bar is of another.
fn bars_show(case: &Case, name: &str, unit: f64, table: &Table, labels: &[String], columns: &[(&str, &str)]) {
    let bars = bars(case, name, unit);
    let mut shown = 0;
    for (row, label) in labels.iter().enumerate() {
        for (column, series) in columns {
            let Ok(wanted) = table.column(column)[row].parse::<f64>() else { continue };
            let own: Vec<_> = bars.iter().filter(|bar| bar.0 == *label && bar.1 == *series).collect();
            if own.is_empty() {
                let slack = bars.first().map_or(0.0, |bar| bar.3);
                assert!(wanted <= slack, "{}: {name}: no bar for {label}, {series}: {wanted}", case.name);
                continue;
            }
            let told = own[0].2;
            assert!(
                (told - wanted).abs() <= 0.006 * wanted,
                "{}: {name}: {label}, {series}: {told}, not {wanted}",
                case.name
            );
            shown += 1;
        }
    }
    assert_eq!(shown, bars.len(), "{}: {name}: bars that are of nothing, or twice", case.name);
}

fn labels(case: &Case) -> Vec<String> {
    (0..case.program.layers.len()).map(|layer| case.label(layer)).collect()
}

#[test]
fn bars_of_traffic_energy_and_cycles() {
    for case in cases() {
        let with_fetch: Vec<String> = labels(case).into_iter().chain(["command fetch".to_owned()]).collect();
        let traffic = case.table("data/traffic.csv");
        let columns: Vec<(&str, &str)> =
            traffic.header[1..].iter().map(|name| (name.as_str(), name.trim_end_matches(" bytes"))).collect();
        bars_show(case, "traffic", 1.0, &traffic, &with_fetch, &columns);

        let energy = case.table("data/energy.csv");
        let parts = energy.header[1..energy.header.len() - 1].iter();
        let columns: Vec<(&str, &str)> =
            parts.map(|name| (name.as_str(), name.trim_end_matches(" pJ"))).collect();
        let axis = Plot::read(case, "energy")
            .labels
            .iter()
            .find(|label| label.text.starts_with("energy, "))
            .unwrap()
            .text
            .clone();
        let unit = if axis.ends_with("µJ") { 1e6 } else { 1e3 };
        bars_show(case, "energy", unit, &energy, &with_fetch, &columns);

        let cycles = case.table("data/layer_cycles.csv");
        let columns: Vec<(&str, &str)> =
            cycles.header[2..].iter().map(|name| (name.as_str(), name.as_str())).collect();
        bars_show(case, "layer_cycles", 1.0, &cycles, &labels(case), &columns);

        let units = case.table("data/unit_cycles.csv");
        let stalled: Vec<String> = units.header[2..8].iter().map(|name| format!("stalled: {name}")).collect();
        let mut columns = vec![("busy", "busy"), ("idle", "idle")];
        columns.extend(
            units.header[2..8].iter().zip(&stalled).map(|(name, series)| (name.as_str(), series.as_str())),
        );
        bars_show(case, "unit_cycles", 1.0, &units, &UNITS.map(str::to_owned), &columns);
    }
}

#[test]
fn bars_of_decibels_and_sizes() {
    for case in cases() {
        let label = |name: &&str, tensor: &&str| {
            let layer = case.program.layers.iter().position(|layer| layer.name == *name);
            layer.map_or_else(|| (*tensor).to_owned(), |layer| case.label(layer))
        };
        let sqnr = case.table("data/sqnr.csv");
        let names = sqnr
            .column("layer")
            .iter()
            .zip(&sqnr.column("tensor"))
            .map(|(a, b)| label(a, b))
            .collect::<Vec<_>>();
        bars_show(case, "sqnr", 1.0, &sqnr, &names, &[("sqnr_db", "signal to quantization noise")]);

        let sizes = case.table("data/activation_size.csv");
        let names = sizes
            .column("layer")
            .iter()
            .zip(&sizes.column("tensor"))
            .map(|(a, b)| label(a, b))
            .collect::<Vec<_>>();
        let columns = [
            ("raw_bytes", "raw (whole containers)"),
            ("packed_bytes", "packed"),
            ("zvc_bytes", "zero-value compressed"),
        ];
        bars_show(case, "activation_size", 1.0, &sizes, &names, &columns);
    }
}

/// Each window's bytes by operand are as high as the axis says; the axis on the right is the same in GB/s.
#[test]
fn heights_of_the_bandwidth() {
    for case in cases() {
        let (plot, table) = (Plot::read(case, "bandwidth"), case.table("data/bandwidth.csv"));
        let (across, upwards, right) = (plot.across(false), plot.upwards(false), plot.on_the_right(false));
        let gigahertz = case.hardware.get("clock", "mhz") as f64 * 1e-3;
        let y = upwards.place(case.hardware.bus() as f64);
        let limit = case.hardware.bus() as f64 * gigahertz;
        assert!((right.value(y) - limit).abs() < 0.01 * limit, "{}: {} GB/s", case.name, right.value(y));
        let (starts, lengths) = (table.numbers("first_cycle"), table.numbers("cycles"));
        for (class, operand) in plot.legend() {
            let (bytes, boxes) = (table.numbers(&format!("{operand} bytes")), plot.plain_boxes(class));
            assert!(OPERANDS.contains(&operand) && bytes.iter().sum::<f64>() > 0.0, "{operand}");
            for ((start, length), bytes) in starts.iter().zip(&lengths).zip(&bytes) {
                let x = across.place(start + length / 2.0);
                let over = boxes.iter().filter(|[left, _, to, _]| *left <= x && x < *to);
                let pixels: f64 = over.map(|[_, top, _, bottom]| bottom - top).sum();
                let off = (-upwards.length(pixels) - bytes / length).abs();
                let what = format!("{}: {operand} at {start}", case.name);
                // The last window may be too narrow to be drawn.
                assert!(
                    off <= -upwards.length(0.3) || across.place(*length) - across.place(0.0) < 0.5,
                    "{what}: {off}"
                );
            }
        }
        assert_eq!(
            plot.legend().len(),
            table.header[2..].iter().filter(|name| table.numbers(name).iter().sum::<f64>() > 0.0).count()
        );
    }
}

/// Points of the roofline lie where their data say; the axis on the right counts two operations a product.
#[test]
fn points_of_the_roofline_plot() {
    for case in cases() {
        let (plot, table) = (Plot::read(case, "roofline"), case.table("data/roofline.csv"));
        let (across, upwards) = (plot.across(true), plot.upwards(true));
        let points: BTreeMap<&str, &Shape> = plot
            .shapes
            .iter()
            .filter_map(|shape| Some((shape.hover.as_deref()?.split(' ').next().unwrap(), shape)))
            .collect();
        let (x, y) = (table.numbers("macs_per_byte"), table.numbers("macs_per_cycle"));
        let mut shown = 0;
        for (row, layer) in table.column("layer").iter().enumerate() {
            let Some(point) = points.get(layer) else {
                assert_eq!(y[row], 0.0, "{}: layer {layer} has no point", case.name);
                continue;
            };
            let [cx, cy] = point.centre.unwrap();
            let (off_x, off_y) = ((across.place(x[row]) - cx).abs(), (upwards.place(y[row]) - cy).abs());
            assert!(off_x < 0.4 && off_y < 0.4, "{}: layer {layer}: {off_x}, {off_y} pixels off", case.name);
            let vector = case.run.layers[row].vector_macs > case.run.layers[row].array_macs;
            let name = plot.legend().into_iter().find(|(class, _)| *class == point.class).unwrap().1;
            assert_eq!(name, if vector { "on the vector unit" } else { "on the array" }, "{}", case.name);
            shown += 1;
        }
        assert_eq!(shown, points.len(), "{}", case.name);
        let gops = 2.0 * case.hardware.get("clock", "mhz") as f64 * 1e-3;
        let right = plot.on_the_right(true);
        let at = upwards.place(10.0);
        assert!((right.value(at) / (10.0 * gops) - 1.0).abs() < 0.02, "{}: {}", case.name, right.value(at));
        let peak = case.hardware.rows() * case.hardware.cols();
        for roof in [
            format!("array peak: {peak} MAC per cycle"),
            format!("bus: {} bytes per cycle", case.hardware.bus()),
        ] {
            assert!(plot.labels.iter().any(|label| label.text == roof), "{}: {roof}", case.name);
        }
    }
}

/// The first and last mark of each unit in each layer's row are its first and last command.
#[test]
fn marks_of_the_timeline() {
    for case in cases() {
        let plot = Plot::read(case, "timeline");
        let (across, seen) = (plot.across(false), seen(case));
        let rows: Vec<f64> = (0..seen.len())
            .map(|layer| {
                let label = case.label(layer);
                let shown = |text: &str| {
                    label == text || text.strip_suffix('…').is_some_and(|text| label.starts_with(text))
                };
                plot.labels
                    .iter()
                    .find(|label| shown(&label.text))
                    .unwrap_or_else(|| panic!("no row for {label}"))
                    .y
            })
            .collect();
        let pitch = rows[1] - rows[0];
        // Heights of marks in their row, by unit: lanes are in the order of the legend.
        let mut lanes: Vec<Vec<f64>> = Vec::new();
        for (class, unit) in plot.legend() {
            let unit = UNITS.iter().position(|known| *known == unit).unwrap();
            let boxes = plot.plain_boxes(class);
            lanes.push(Vec::new());
            for (layer, row) in rows.iter().enumerate() {
                let middle = row - 4.25;
                let own: Vec<&[f64; 4]> =
                    boxes.iter().filter(|[_, top, _, _]| (top - middle).abs() < pitch / 2.0).collect();
                let spans = || case.spans(layer).filter(|span| span.unit as usize == unit);
                let what = format!("{}: {} of layer {layer}", case.name, UNITS[unit]);
                let Some(first) = spans().map(|span| span.start).min() else {
                    assert!(own.is_empty(), "{what}");
                    continue;
                };
                let last = spans().map(|span| span.end).max().unwrap();
                lanes[unit].extend(own.iter().map(|mark| mark[1] - middle));
                let left = own.iter().map(|mark| mark[0]).fold(f64::MAX, f64::min);
                let right = own.iter().map(|mark| mark[2]).fold(0.0, f64::max);
                assert!((across.place(first as f64) - left).abs() < 0.4, "{what} starts at {first}");
                // A mark is as wide as can be seen.
                let off = right - across.place(last as f64);
                assert!(off > -0.4 && off < 1.2, "{what} ends at {last}");
            }
        }
        let ends = |lane: &Vec<f64>| {
            [lane.iter().copied().fold(f64::MAX, f64::min), lane.iter().copied().fold(f64::MIN, f64::max)]
        };
        let ends: Vec<[f64; 2]> = lanes.iter().map(ends).collect();
        assert!(ends.windows(2).all(|pair| pair[0][1] < pair[1][0]), "{}: lanes {ends:?}", case.name);
    }
}

/// Each burst is under a mark of its operand, at its cycle and address; no mark is beyond all bursts.
#[test]
fn marks_of_memory_accesses() {
    for case in cases() {
        let plot = Plot::read(case, "memory_access");
        let (across, upwards) = (plot.across(false), plot.upwards(false));
        for (class, operand) in plot.legend() {
            let boxes = plot.plain_boxes(class);
            let of = OPERANDS.iter().position(|known| *known == operand).unwrap();
            let own = || case.run.bursts.iter().filter(move |burst| burst.operand as usize == of);
            for burst in own().step_by(17) {
                let x = across.place(burst.cycle as f64 + f64::from(burst.beats) / 2.0);
                let y =
                    upwards.place((burst.address + u64::from(burst.beats) * case.hardware.bus() / 2) as f64);
                let under = |[left, top, right, bottom]: &&[f64; 4]| {
                    left - 0.3 <= x && x <= right + 0.3 && top - 0.3 <= y && y <= bottom + 0.3
                };
                assert!(boxes.iter().any(|mark| under(&mark)), "{}: {operand}: {burst:?}", case.name);
            }
            let cycles = || own().map(|burst| burst.cycle as f64);
            let left = boxes.iter().map(|mark| mark[0]).fold(f64::MAX, f64::min);
            let right = boxes.iter().map(|mark| mark[2]).fold(0.0, f64::max);
            let first = across.place(cycles().fold(f64::MAX, f64::min));
            let last = across.place(cycles().fold(0.0, f64::max));
            assert!(
                (left - first).abs() < 0.4 && right > last - 0.4 && right < last + 3.0,
                "{}: {operand}",
                case.name
            );
        }
    }
}
