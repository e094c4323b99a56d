//! Reports of a made-up run: complete, consistent, deterministic, and no panic where there is nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../examples/demo/fixture/mod.rs"]
mod fixture;

use std::collections::BTreeMap;

use bitgauge_arch::actions::{Action, ActionCounts};
use bitgauge_arch::program::Operand;
use bitgauge_reports::perfetto_proto::Trace;
use bitgauge_reports::{Report, ReportError, measure, render};
use bitgauge_sim::result::Burst;
use fixture::Fixture;
use prost::Message;

const PLOTS: [&str; 11] = [
    "sqnr",
    "memory_access",
    "memory_access_by_operand",
    "traffic",
    "bandwidth",
    "layer_cycles",
    "unit_cycles",
    "timeline",
    "energy",
    "roofline",
    "activation_size",
];

fn text<'a>(report: &'a Report, path: &str) -> &'a str {
    std::str::from_utf8(report.file(path).unwrap_or_else(|| panic!("{path} is missing"))).unwrap()
}

fn rows(report: &Report, path: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(report.file(path).unwrap());
    reader.deserialize().collect::<Result<_, _>>().unwrap()
}

fn sum(rows: &[BTreeMap<String, String>], column: &str) -> f64 {
    rows.iter().map(|row| row[column].parse::<f64>().unwrap()).sum()
}

/// Every tag that opens closes, in order; attributes hold no stray brackets.
fn check_tags(markup: &str) {
    const VOID: [&str; 6] = ["meta", "input", "br", "link", "hr", "wbr"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = markup;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>').unwrap();
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closing tag");
        } else if !tag.starts_with('!') && !tag.ends_with('/') {
            let name = tag.split(|character: char| character.is_whitespace()).next().unwrap();
            if name == "script" || name == "style" {
                rest = &rest[rest.find(&format!("</{name}>")).unwrap() + name.len() + 3..];
            } else if !VOID.contains(&name) {
                open.push(name);
            }
        }
    }
    assert!(open.is_empty(), "open at the end: {open:?}");
}

#[test]
fn all_files_are_there_and_well_formed() {
    let fixture = Fixture::new(1).unwrap();
    let report = render(&fixture.input()).unwrap();
    check_tags(text(&report, "index.html"));
    for name in PLOTS {
        check_tags(text(&report, &format!("plots/{name}.svg")));
        assert!(text(&report, &format!("data/{name}.csv")).lines().count() > 1, "{name} has no data");
    }
    for path in ["layers.csv", "energy.csv", "bursts.csv", "result.json", "trace.perfetto"] {
        assert!(!report.file(path).unwrap().is_empty(), "{path}");
    }
    let mut paths: Vec<&str> = report.files.iter().map(|file| file.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), report.files.len());
}

#[test]
fn the_page_needs_no_network() {
    let fixture = Fixture::new(1).unwrap();
    let report = render(&fixture.input()).unwrap();
    let page = text(&report, "index.html");
    for forbidden in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn equal_inputs_make_equal_bytes() {
    let (one, two) = (Fixture::new(2).unwrap(), Fixture::new(2).unwrap());
    assert_eq!(render(&one.input()).unwrap(), render(&two.input()).unwrap());
}

#[test]
fn tables_add_up_to_the_totals() {
    let fixture = Fixture::new(1).unwrap();
    let input = fixture.input();
    let (report, measured) = (render(&input).unwrap(), measure(&input).unwrap());
    assert!(measured.checks.iter().all(|check| check.passed), "{:#?}", measured.checks);

    let bursts = rows(&report, "bursts.csv");
    assert_eq!(sum(&bursts, "beats") as u64, fixture.run.bus_beats);
    let layers = rows(&report, "layers.csv");
    assert_eq!(layers.len(), fixture.program.layers.len());
    let fetch: f64 = bursts
        .iter()
        .filter(|row| row["layer"].is_empty())
        .map(|row| row["beats"].parse::<f64>().unwrap())
        .sum();
    assert_eq!((sum(&layers, "bus_beats") + fetch) as u64, fixture.run.bus_beats);
    let total = measured.headline.picojoules;
    let close = |value: f64| (value - total).abs() <= 1e-9 * total;
    assert!(close(sum(&layers, "picojoules") + measured.energy.fetch_picojoules));
    assert!(close(sum(&rows(&report, "energy.csv"), "picojoules")));
    assert!(close(sum(&rows(&report, "data/energy.csv"), "total pJ")));
    let shares = sum(&layers, "share_cycles") as u64;
    assert!(shares <= fixture.run.cycles && fixture.run.cycles - shares < 10);

    let windows = rows(&report, "data/bandwidth.csv");
    let moved: f64 =
        Operand::ALL.iter().map(|operand| sum(&windows, &format!("{} bytes", operand.name()))).sum();
    assert_eq!(moved as u64, measured.headline.bus_bytes);
    assert_eq!(sum(&windows, "cycles") as u64, fixture.run.cycles);
}

#[test]
fn bounds_and_bottlenecks_are_in_the_tables() {
    let fixture = Fixture::new(1).unwrap();
    let input = fixture.input();
    let (report, measured) = (render(&input).unwrap(), measure(&input).unwrap());
    for (layer, row) in measured.layers.iter().zip(rows(&report, "layers.csv")) {
        assert_eq!(row["array_bound"], layer.array_bound.to_string());
        assert_eq!(layer.array_bound, layer.bottleneck == "array");
        let (Some([m, n, k]), Some(bound)) = (layer.product, layer.geometric_bound) else { continue };
        // K takes whole lines of 16; the fixture's tiles share M evenly, but for a rest they leave out.
        let k_part = k as f64 / k.next_multiple_of(16) as f64;
        let whole =
            k_part * m as f64 / m.next_multiple_of(16) as f64 * n as f64 / n.next_multiple_of(16) as f64;
        assert!(bound <= k_part + 1e-12, "{}: {bound} with K = {k}", layer.name);
        assert!(k % 16 == 0 || bound < 1.0);
        assert!(m < 16 || bound <= whole + 0.1, "{}: {bound} over {whole}", layer.name);
        let reached = layer.bound_reached.unwrap();
        assert!((reached * bound - layer.utilization.unwrap()).abs() < 1e-12);
        assert!(!layer.array_bound || reached >= 0.85);
    }
    assert!(measured.layers.iter().any(|layer| layer.product.is_some_and(|[_, _, k]| k % 16 != 0)));
    let page = text(&report, "index.html");
    assert!(page.contains("the exported Verilog gives the same bits in the same cycles"));
}

#[test]
fn the_json_has_a_version_and_the_headline() {
    let fixture = Fixture::new(1).unwrap();
    let report = render(&fixture.input()).unwrap();
    let json: serde_json::Value = serde_json::from_slice(report.file("result.json").unwrap()).unwrap();
    assert_eq!(json["format_version"], 2);
    assert_eq!(json["headline"]["cycles"], fixture.run.cycles);
    assert_eq!(json["layers"].as_array().unwrap().len(), 12);
    assert_eq!(json["units"][1]["unit"], "compute");
    assert_eq!(json["energy"]["actions"].as_array().unwrap().len(), Action::ALL.len());
}

#[test]
fn the_trace_decodes_and_its_slices_nest() {
    let fixture = Fixture::new(1).unwrap();
    let report = render(&fixture.input()).unwrap();
    let trace = Trace::decode(report.file("trace.perfetto").unwrap()).unwrap();
    let mut open: BTreeMap<u64, (bool, u64)> = BTreeMap::new();
    let mut begun = 0;
    for packet in &trace.packet {
        let (Some(event), Some(time)) = (&packet.track_event, packet.timestamp) else { continue };
        let track = open.entry(event.track_uuid.unwrap()).or_insert((false, 0));
        assert!(track.1 <= time, "time runs backwards");
        track.1 = time;
        match event.r#type {
            Some(1) => {
                assert!(!track.0, "slices overlap");
                assert!(event.name.is_some());
                track.0 = true;
                begun += 1;
            }
            Some(2) => track.0 = false,
            _ => assert!(event.double_counter_value.unwrap() <= 16.0),
        }
    }
    assert_eq!(begun, fixture.run.spans.len());
}

#[test]
fn nothing_is_no_reason_to_panic() {
    let fixture = Fixture::empty().unwrap();
    let mut input = fixture.input();
    input.accuracy = None;
    input.assumptions.clear();
    let report = render(&input).unwrap();
    check_tags(text(&report, "index.html"));
    for name in PLOTS {
        check_tags(text(&report, &format!("plots/{name}.svg")));
    }
}

#[test]
fn a_run_without_trace_still_reports() {
    let mut fixture = Fixture::new(1).unwrap();
    fixture.run.bursts.clear();
    fixture.run.spans.clear();
    let report = render(&fixture.input()).unwrap();
    assert!(text(&report, "data/traffic.csv").starts_with("layer,read bytes,write bytes"));
}

#[test]
fn hundreds_of_thousands_of_bursts_stay_drawable() {
    let mut fixture = Fixture::new(1).unwrap();
    let cycles = 16 * 200_000;
    fixture.run.cycles = cycles;
    fixture.run.bursts = (0..200_000u64)
        .map(|index| Burst {
            cycle: index * 16,
            // Scattered: the worst for runs of cells.
            address: index.wrapping_mul(0x9e37_79b9) % 0x40_0000,
            beats: 16,
            bytes: 256,
            write: index % 3 == 0,
            operand: Operand::ALL[(index % 7) as usize],
            layer: (index % 12) as u32,
        })
        .collect();
    let report = render(&fixture.input()).unwrap();
    for name in ["memory_access", "memory_access_by_operand"] {
        let svg = text(&report, &format!("plots/{name}.svg"));
        assert!(svg.len() < 1_000_000, "{name}: {}", svg.len());
    }
    assert!(text(&report, "index.html").contains("too many to draw one by one"));
}

#[test]
fn energies_that_do_not_add_up_are_refused() {
    let mut fixture = Fixture::new(1).unwrap();
    fixture.run.layers[3].actions.add(Action::ArrayMac, 1);
    assert!(matches!(render(&fixture.input()), Err(ReportError::Conservation { .. })));

    let mut fixture = Fixture::new(1).unwrap();
    fixture.energy.entry.remove(&Action::ArrayMac);
    assert!(matches!(render(&fixture.input()), Err(ReportError::Unpriced { .. })));

    let mut fixture = Fixture::new(1).unwrap();
    fixture.run.layers.pop();
    assert!(matches!(render(&fixture.input()), Err(ReportError::Layers { program: 12, run: 11 })));
}

#[test]
fn values_that_are_not_numbers_and_names_that_are_markup_do_no_harm() {
    let mut fixture = Fixture::new(1).unwrap();
    fixture.program.layers[0].name = "<script>\"&'\u{1}".to_owned();
    fixture.run.layers[1].actions = ActionCounts::default();
    fixture.run.actions = fixture.run.layers.iter().fold(ActionCounts::default(), |mut sum, layer| {
        sum.merge(&layer.actions);
        sum
    });
    let mut input = fixture.input();
    input.sqnr[0].sqnr_db = f64::INFINITY;
    input.sqnr[1].sqnr_db = f64::NAN;
    input.sqnr[2].sqnr_db = -3.0;
    let report = render(&input).unwrap();
    check_tags(text(&report, "index.html"));
    let svg = text(&report, "plots/sqnr.svg");
    check_tags(svg);
    for note in [">exact<", ">not a number<", ">−3 dB<"] {
        assert!(svg.contains(note), "{note}");
    }
}
