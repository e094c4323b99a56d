//! Runs side by side: what is the same divides to one, what is missing is said to be, what is none is refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../examples/demo/fixture/mod.rs"]
mod fixture;

use bitgauge_reports::compare::{Run, compare, render as render_comparison};
use bitgauge_reports::{ReportError, render};
use fixture::Fixture;
use serde_json::Value;

fn result(repeats: usize) -> Vec<u8> {
    let fixture = Fixture::new(repeats).unwrap();
    render(&fixture.input()).unwrap().file("result.json").unwrap().to_vec()
}

/// A result with one value changed.
fn changed(json: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(json).unwrap();
    change(&mut document);
    serde_json::to_vec(&document).unwrap()
}

#[test]
fn figures_are_those_of_the_runs_and_ratios_their_quotients() {
    let json = result(1);
    let cycles = serde_json::from_slice::<Value>(&json).unwrap()["headline"]["cycles"].as_u64().unwrap();
    let other = changed(&json, |document| document["headline"]["cycles"] = (2 * cycles).into());
    let runs =
        [Run::read("a", &json).unwrap(), Run::read("b", &json).unwrap(), Run::read("c", &other).unwrap()];
    let comparison = compare(&runs);
    assert_eq!(comparison.remarks, [""; 0]);
    for figure in &comparison.figures {
        assert_eq!(figure.values[0], figure.values[1], "{}", figure.name);
        assert_eq!(figure.against_first(1).unwrap_or(1.0), 1.0, "{}", figure.name);
    }
    let row = comparison.figures.iter().find(|figure| figure.name == "cycles").unwrap();
    assert_eq!(row.values, [Some(cycles as f64), Some(cycles as f64), Some(2.0 * cycles as f64)]);
    assert_eq!(row.against_first(2), Some(2.0));
}

#[test]
fn layers_match_by_name_and_those_of_one_run_alone_stay() {
    let json = result(1);
    let other = changed(&json, |document| {
        document["layers"][0]["name"] = "another".into();
        document["model"]["hash"] = "another".into();
    });
    let comparison = compare(&[Run::read("a", &json).unwrap(), Run::read("b", &other).unwrap()]);
    let layers = serde_json::from_slice::<Value>(&json).unwrap()["layers"].as_array().unwrap().len();
    assert_eq!(comparison.layers.len(), layers + 1);
    assert!(comparison.layers[0].cycles[0].is_some() && comparison.layers[0].cycles[1].is_none());
    assert_eq!(comparison.layers[layers].name, "another");
    assert!(comparison.layers[layers].cycles[0].is_none() && comparison.layers[layers].cycles[1].is_some());
    assert!(comparison.remarks[0].contains("different networks"), "{:?}", comparison.remarks);
}

#[test]
fn the_page_and_its_files_are_there() {
    let json = result(1);
    let runs = ["8 bits", "4 bits <b>"].map(|label| Run::read(label, &json).unwrap());
    let report = render_comparison(&runs).unwrap();
    let page = String::from_utf8(report.file("index.html").unwrap().to_vec()).unwrap();
    assert!(page.contains("4 bits &lt;b&gt;") && !page.contains("<b>"));
    for path in ["comparison.json", "figures.csv", "layers.csv", "plots/energy.svg", "data/layer_cycles.csv"]
    {
        assert!(!report.file(path).unwrap().is_empty(), "{path}");
    }
    let again = render_comparison(&runs).unwrap();
    assert_eq!(report, again);
}

#[test]
fn what_is_no_result_is_refused() {
    assert!(matches!(Run::read("a", b"{"), Err(ReportError::Result(_))));
    assert!(matches!(Run::read("a", b"{\"format_version\": 2}"), Err(ReportError::Result(_))));
    let newer = changed(&result(1), |document| document["format_version"] = 99.into());
    assert!(matches!(Run::read("a", &newer), Err(ReportError::Version { found: 99, .. })));
}
