//! `result.json` holds what the tables hold, whose cells the other tests recompute.

use serde_json::Value;

use crate::cases::{Case, cases};
use crate::energy::{COMPONENTS, assumed, components, each, fetch, least, most, of_layer, total};
use crate::forms::{OPERANDS, REASONS, UNITS};
use crate::layers::rows;
use crate::table::{Cell, close};

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn holds(case: &Case, place: &str, found: &Value, wanted: &Cell) {
    assert!(wanted.is(&text(found)), "{}: {place}: {found}, not {wanted:?}", case.name);
}

#[test]
fn layers_of_the_result() {
    for case in cases() {
        let found = case.result["layers"].as_array().unwrap();
        let seen = crate::bottleneck::seen(case);
        assert_eq!(found.len(), case.program.layers.len(), "{}", case.name);
        for (index, (found, row)) in found.iter().zip(rows(case)).enumerate() {
            for (name, cell) in &row {
                let value = match *name {
                    "layer" => &found["index"],
                    "m" => &found["product"][0],
                    "n" => &found["product"][1],
                    "k" => &found["product"][2],
                    "waits_for_unit" => &found["waits_for"]["unit"],
                    "waits_for_layer" => &found["waits_for"]["layer"],
                    "array_load" => &found["loads"]["array"],
                    "bus_load" => &found["loads"]["bus"],
                    "vector_load" => &found["loads"]["vector"],
                    "load_lines" => &found["loads"]["load_lines"],
                    "store_lines" => &found["loads"]["store_lines"],
                    "macs_per_byte" => &found["intensity"],
                    same => &found[same],
                };
                holds(case, &format!("layer {index}, {name}"), value, cell);
            }
            let counted = &case.run.layers[index];
            for unit in 0..4 {
                let busy = seen[index].busy[unit].into();
                holds(
                    case,
                    &format!("layer {index}, {} busy", UNITS[unit]),
                    &found["unit_busy"][unit],
                    &busy,
                );
                for reason in 0..6 {
                    let place = format!("layer {index}, {} waits for {}", UNITS[unit], REASONS[reason]);
                    let waits = case.spans(index).filter(|span| span.unit as usize == unit);
                    let all: u64 = waits.map(|span| span.waited[reason]).sum();
                    assert_eq!(all, counted.unit_waited[unit][reason], "{place}");
                    holds(case, &place, &found["unit_waited"][unit][reason], &all.into());
                    let inside = seen[index].waited[unit][reason].into();
                    holds(case, &place, &found["unit_waited_inside"][unit][reason], &inside);
                }
            }
        }
    }
}

#[test]
fn units_and_traffic_of_the_result() {
    for case in cases() {
        let reasons: Vec<String> =
            case.result["stall_reasons"].as_array().unwrap().iter().map(text).collect();
        assert_eq!(reasons, REASONS, "{}", case.name);
        let units = case.table("data/unit_cycles.csv");
        for (found, row) in case.result["units"].as_array().unwrap().iter().zip(&units.rows) {
            let stalled = (0..6).map(|reason| text(&found["stalled"][reason]));
            let cells: Vec<String> = [text(&found["unit"]), text(&found["busy"])]
                .into_iter()
                .chain(stalled)
                .chain([text(&found["idle"])])
                .collect();
            assert_eq!(&cells, row, "{}", case.name);
        }
        let (found, table) = (&case.result["traffic"], case.table("data/traffic.csv"));
        let name = |series: &Value| {
            let direction = if series["write"] == true { "write" } else { "read" };
            format!("{} ({direction}) bytes", text(&series["operand"]).replace('_', " "))
        };
        let names: Vec<String> = found["series"].as_array().unwrap().iter().map(name).collect();
        assert_eq!(names, table.header[1..], "{}", case.name);
        assert!(names.iter().all(|name| OPERANDS.iter().any(|operand| name.starts_with(operand))));
        let rows: Vec<&Value> = found["layers"].as_array().unwrap().iter().chain([&found["fetch"]]).collect();
        assert_eq!(rows.len(), table.rows.len(), "{}", case.name);
        for (found, row) in rows.iter().zip(&table.rows) {
            let bytes: Vec<String> = found.as_array().unwrap().iter().map(text).collect();
            assert_eq!(bytes, row[1..], "{}: traffic of {}", case.name, row[0]);
        }
        let empty = case
            .run
            .bursts
            .iter()
            .map(|burst| u64::from(burst.beats) * case.hardware.bus() - u64::from(burst.bytes));
        assert_eq!(found["padding_bytes"], empty.sum::<u64>(), "{}", case.name);
    }
}

#[test]
fn energy_of_the_result() {
    for case in cases() {
        let found = &case.result["energy"];
        let number = |value: &Value| value.as_f64().unwrap();
        let near = |value: &Value, wanted: f64| {
            assert!(close(number(value), wanted), "{}: {value}, not {wanted}", case.name);
        };
        near(&found["total_picojoules"], total(case, each));
        near(&found["low_picojoules"], total(case, least));
        near(&found["high_picojoules"], total(case, most));
        near(&found["assumed_picojoules"], assumed(case));
        near(&found["assumed_share"], assumed(case) / total(case, each));
        assert_eq!(found["outside"].as_array().unwrap().len(), 0, "{}: each size has a price", case.name);
        near(&found["fetch_picojoules"], fetch(case).1);
        near(&found["fetch_bytes"], fetch(case).0 as f64);
        for (name, wanted) in [
            ("components", components(case, each)),
            ("low_components", components(case, least)),
            ("high_components", components(case, most)),
        ] {
            (0..5).for_each(|component| near(&found[name][component], wanted[component]));
        }
        let layers = case.table("data/energy.csv");
        for (index, layer) in found["layers"].as_array().unwrap().iter().enumerate() {
            for (component, name) in COMPONENTS.iter().enumerate() {
                near(&layer["components"][component], layers.numbers(&format!("{name} pJ"))[index]);
            }
            near(&layer["total"], layers.numbers("total pJ")[index]);
            near(&layer["low"], of_layer(case, index, least));
            near(&layer["high"], of_layer(case, index, most));
        }
        let actions = case.table("energy.csv");
        let listed = found["actions"].as_array().unwrap();
        assert_eq!(listed.len(), actions.rows.len(), "{}", case.name);
        for (row, action) in listed.iter().enumerate() {
            for name in ["action", "source", "basis"] {
                assert_eq!(action[name], actions.column(name)[row], "{}", case.name);
            }
            for name in ["count", "picojoules_each", "picojoules", "low_picojoules", "high_picojoules"] {
                near(&action[name], actions.numbers(name)[row]);
            }
        }
    }
}
