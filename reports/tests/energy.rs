//! Do the ranges, the assumptions' share and the warnings of a report follow from counts and table alone?

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../examples/demo/fixture/mod.rs"]
mod fixture;

use bitgauge_arch::actions::Action;
use bitgauge_arch::energy::{EnergyTable, TABLES};
use bitgauge_reports::compare::{Run, compare, render as render_comparison};
use bitgauge_reports::{Report, measure, render};
use fixture::Fixture;
use serde_json::Value;

/// Rows of `horowitz-45nm` that rest on an assumption.
const ASSUMED: [&str; 9] = [
    "array_padding_mac",
    "activation_write_byte",
    "weight_write_byte",
    "array_bit_product",
    "array_padding_bit_product",
    "parameter_write_byte",
    "post_requantize",
    "vector_operation",
    "external_write_byte",
];

/// A run in which every action has events of a number of its own, all in one layer.
fn lopsided() -> Fixture {
    let mut fixture = Fixture::new(1).unwrap();
    for (index, action) in Action::ALL.iter().enumerate() {
        // External traffic has to stay that of the trace.
        if !action.name().starts_with("external") && *action != Action::ArrayMac {
            let more = 1000 * (index as u64 + 1).pow(2);
            fixture.run.actions.add(*action, more);
            fixture.run.layers[2].actions.add(*action, more);
        }
    }
    fixture
}

/// Low, price and high of a row, of the design's sizes: 32 KiB a bank, 16 KiB of parameters, 1 KiB of tables.
fn prices(table: &EnergyTable, action: Action) -> [f64; 3] {
    let entry = &table.entry[&action];
    let Some(points) = &entry.sizes else {
        let price = entry.picojoules.unwrap();
        return [entry.low.unwrap_or(price), price, entry.high.unwrap_or(price)];
    };
    let at = |kib: f64| points.iter().find(|point| point.kib == kib).unwrap();
    let of = |kib: f64| {
        let point = at(kib);
        let price = point.picojoules_per_byte;
        [point.low.unwrap_or(price), price, point.high.unwrap_or(price)]
    };
    match action.name().split('_').next().unwrap() {
        "activation" | "weight" => of(32.0),
        "table" => of(1.0),
        // The geometric mean of the two points around it.
        "parameter" => std::array::from_fn(|index| (of(8.0)[index] * of(32.0)[index]).sqrt()),
        name => panic!("{name} has no size here"),
    }
}

/// Least, middle and most picojoules, and the middle of what is assumed.
fn expected(fixture: &Fixture) -> ([f64; 3], f64) {
    let (mut sums, mut assumed) = ([0.0; 3], 0.0);
    for &action in Action::ALL {
        let count = fixture.run.actions.get(action) as f64;
        let prices = prices(&fixture.energy, action);
        for (sum, price) in sums.iter_mut().zip(prices) {
            *sum += price * count;
        }
        if ASSUMED.contains(&action.name()) {
            assumed += prices[1] * count;
        }
    }
    (sums, assumed)
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{found} is not {expected}");
}

fn number(json: &Value, path: &str) -> f64 {
    json.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} is no number"))
}

fn document(report: &Report) -> Value {
    serde_json::from_slice(report.file("result.json").unwrap()).unwrap()
}

#[test]
fn totals_have_the_range_and_the_share_that_counts_and_table_give() {
    let fixture = lopsided();
    let report = render(&fixture.input()).unwrap();
    let json = document(&report);
    let ([low, middle, high], assumed) = expected(&fixture);
    assert!(low < 0.7 * middle && middle < 0.7 * high && assumed > 0.05 * middle && assumed < 0.6 * middle);
    for (path, value) in [
        ("/headline/picojoules", middle),
        ("/headline/low_picojoules", low),
        ("/headline/high_picojoules", high),
        ("/headline/assumed_energy_share", assumed / middle),
        ("/energy/total_picojoules", middle),
        ("/energy/low_picojoules", low),
        ("/energy/high_picojoules", high),
        ("/energy/assumed_picojoules", assumed),
        ("/energy/assumed_share", assumed / middle),
    ] {
        close(number(&json, path), value);
    }
    let sum = |path: &str| -> f64 {
        json.pointer(path).unwrap().as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).sum()
    };
    close(sum("/energy/low_components"), low);
    close(sum("/energy/high_components"), high);
    // Layers and fetch, which is of reads alone.
    let fetch = number(&json, "/energy/fetch_bytes");
    let read = prices(&fixture.energy, Action::ExternalReadByte);
    for (key, total, price) in [("low", low, read[0]), ("total", middle, read[1]), ("high", high, read[2])] {
        let layers = json["energy"]["layers"].as_array().unwrap();
        let layers: f64 = layers.iter().map(|layer| layer[key].as_f64().unwrap()).sum();
        close(layers + fetch * price, total);
    }
    assert_eq!(json["energy"]["outside"], Value::Array(Vec::new()));
}

#[test]
fn each_action_has_its_prices_its_basis_and_its_sources() {
    let fixture = lopsided();
    let report = render(&fixture.input()).unwrap();
    let json = document(&report);
    let mut rows = csv::Reader::from_reader(report.file("energy.csv").unwrap());
    let rows: Vec<std::collections::BTreeMap<String, String>> =
        rows.deserialize().collect::<Result<_, _>>().unwrap();
    for (index, &action) in Action::ALL.iter().enumerate() {
        let [low, middle, high] = prices(&fixture.energy, action);
        let count = fixture.run.actions.get(action) as f64;
        let (found, row) = (&json["energy"]["actions"][index], &rows[index]);
        assert_eq!(found["action"], action.name());
        let assumed = ASSUMED.contains(&action.name());
        assert_eq!(found["basis"] == "assumed", assumed, "{action:?}");
        assert_eq!(row["basis"] == "assumed", assumed, "{action:?}");
        for (key, value) in [
            ("low_picojoules_each", low),
            ("picojoules_each", middle),
            ("high_picojoules_each", high),
            ("low_picojoules", low * count),
            ("picojoules", middle * count),
            ("high_picojoules", high * count),
        ] {
            close(found[key].as_f64().unwrap(), value);
            if !key.ends_with("each") {
                close(row[key].parse().unwrap(), value);
            }
        }
        let source = |key: &str| found.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let entry = &fixture.energy.entry[&action];
        assert_eq!(row["source"], entry.source);
        for key in ["low_source", "high_source"] {
            assert_eq!(source(key), row[key], "{action:?}");
        }
        assert_eq!(source("low_source"), entry.low_source.clone().unwrap_or_default());
        assert_eq!(source("high_source"), entry.high_source.clone().unwrap_or_default());
        assert!(low == middle || !source("low_source").is_empty(), "{action:?}");
        assert!(high == middle || !source("high_source").is_empty(), "{action:?}");
    }
}

#[test]
fn the_page_shows_the_range_and_the_share() {
    let fixture = lopsided();
    let ([low, middle, high], assumed) = expected(&fixture);
    let page =
        String::from_utf8(render(&fixture.input()).unwrap().file("index.html").unwrap().to_vec()).unwrap();
    // Three digits, as everywhere on the page.
    let micro = |picojoules: f64| {
        let value = picojoules * 1e-6;
        let decimals = (2 - value.log10().floor() as i32).max(0) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    let range = format!("{} to {} µJ", micro(low), micro(high));
    assert_eq!(page.matches(&range).count(), 2, "{range}: headline and table of components");
    let share = format!("{:.1} % of it is priced by assumption", 100.0 * assumed / middle);
    assert!(page.contains(&share), "{share}");
}

#[test]
fn a_bank_without_a_price_is_named_on_the_page_and_in_the_result() {
    let mut fixture = Fixture::new(1).unwrap();
    fixture.program.accelerator.scratchpad.weight_kib = 16;
    let report = render(&fixture.input()).unwrap();
    let outside = document(&report)["energy"]["outside"].clone();
    let sentence = outside[0].as_str().unwrap();
    assert!(
        sentence.contains("weight scratchpad has 4 KiB") && sentence.contains("from 8 to 1024 KiB"),
        "{outside}"
    );
    assert_eq!(outside.as_array().unwrap().len(), 1);
    let page = String::from_utf8(report.file("index.html").unwrap().to_vec()).unwrap();
    assert!(page.contains(sentence));
    assert_eq!(measure(&fixture.input()).unwrap().energy.outside, [sentence]);
}

#[test]
fn a_comparison_shows_each_run_with_its_range() {
    let json = render(&lopsided().input()).unwrap().file("result.json").unwrap().to_vec();
    let mut changed: Value = serde_json::from_slice(&json).unwrap();
    for (key, value) in [("low_picojoules", 1e6), ("picojoules", 2e6), ("high_picojoules", 3e6)] {
        changed["headline"][key] = value.into();
    }
    let mut old = changed.clone();
    for key in ["low_picojoules", "high_picojoules", "assumed_energy_share"] {
        old["headline"].as_object_mut().unwrap().remove(key);
    }
    let runs = [("a", changed), ("old", old)]
        .map(|(label, json)| Run::read(label, &serde_json::to_vec(&json).unwrap()).unwrap());
    let comparison = compare(&runs);
    let figure = |name: &str| comparison.figures.iter().find(|figure| figure.name == name).unwrap();
    assert_eq!(figure("energy per inference").texts(), ["2 µJ (1 to 3 µJ)", "2 µJ"]);
    assert_eq!(figure("energy priced by assumption").values[1], None);
    assert!(figure("energy priced by assumption").values[0].is_some());
    assert!(comparison.figures.iter().filter(|figure| !figure.ranges.is_empty()).count() == 1);
    let report = render_comparison(&runs).unwrap();
    let text = |path: &str| String::from_utf8(report.file(path).unwrap().to_vec()).unwrap();
    assert!(text("index.html").contains("2 µJ (1 to 3 µJ)"));
    let csv = text("figures.csv");
    assert!(csv.contains("\"energy per inference, least\",pJ,1000000,\n"), "{csv}");
    assert!(csv.contains("\"energy per inference, most\",pJ,3000000,\n"), "{csv}");
}

#[test]
fn an_action_without_a_row_is_refused() {
    for action in Action::ALL {
        let text = TABLES[0].1.replace(&format!("[entry.{}]", action.name()), "[entry.another]");
        assert!(EnergyTable::from_toml(&text).is_err());
        let start = TABLES[0].1.find(&format!("[entry.{}]", action.name())).unwrap();
        let rest = &TABLES[0].1[start..];
        let end = rest.find("\n[").unwrap_or(rest.len());
        let without = EnergyTable::from_toml(&format!("{}{}", &TABLES[0].1[..start], &rest[end..]));
        if action.name().ends_with("bit_product") {
            // Tables from before there were any; a run that has some is refused, as one of any action without a row.
            assert!(without.is_ok());
            continue;
        }
        let said = without.unwrap_err();
        assert!(said.to_string().contains(&format!("`{}` is missing", action.name())), "{said}");
    }
}
