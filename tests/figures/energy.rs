//! Picojoules: counts times prices, by action, by component, by layer.

use bitgauge_arch::actions::{Action, ActionCounts};

use crate::cases::{Case, Price, cases};
use crate::layers::moved;
use crate::table::{Cell, hold};

/// Components in the order of legends.
pub const COMPONENTS: [&str; 5] =
    ["array", "scratchpads", "parameters", "post-processor and vector", "external memory"];

/// What an action is charged to.
fn component(action: &str) -> usize {
    match action {
        "array_mac" | "array_padding_mac" | "array_bit_product" | "array_padding_bit_product" => 0,
        "pe_register_bit" | "pe_accumulator_bit" => 0,
        "activation_read_byte" | "activation_write_byte" | "weight_read_byte" | "weight_write_byte" => 1,
        "parameter_read_byte" | "parameter_write_byte" | "table_read_byte" | "table_write_byte" => 2,
        "post_requantize" | "vector_mac" | "vector_operation" => 3,
        "external_read_byte" | "external_write_byte" => 4,
        other => panic!("{other} has no component here"),
    }
}

/// Counts times prices, by component.
fn priced(case: &Case, counts: &ActionCounts, of: fn(&Price) -> f64) -> [f64; 5] {
    let mut sums = [0.0; 5];
    for (action, count) in counts.iter() {
        sums[component(action.name())] += of(&case.prices[action.name()]) * count as f64;
    }
    sums
}

pub fn each(price: &Price) -> f64 {
    price.each
}

pub fn least(price: &Price) -> f64 {
    price.low
}

pub fn most(price: &Price) -> f64 {
    price.high
}

/// Picojoules of the whole run.
pub fn total(case: &Case, of: fn(&Price) -> f64) -> f64 {
    components(case, of).iter().sum()
}

/// Picojoules of the whole run, by component.
pub fn components(case: &Case, of: fn(&Price) -> f64) -> [f64; 5] {
    priced(case, &case.run.actions, of)
}

/// Picojoules of a layer.
pub fn of_layer(case: &Case, layer: usize, of: fn(&Price) -> f64) -> f64 {
    priced(case, &case.run.layers[layer].actions, of).iter().sum()
}

/// Picojoules of the run whose price is assumed.
pub fn assumed(case: &Case) -> f64 {
    let counts = case.run.actions.iter().map(|(action, count)| (&case.prices[action.name()], count));
    counts.filter(|(price, _)| price.basis == "assumed").map(|(price, count)| price.each * count as f64).sum()
}

/// Bytes of commands fetched, and what they cost.
pub fn fetch(case: &Case) -> (u64, f64) {
    let bytes = moved(case, None, false);
    (bytes, bytes as f64 * case.prices["external_read_byte"].each)
}

#[test]
fn events_prices_and_sources() {
    let header = [
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
    ];
    for case in cases() {
        let rows: Vec<Vec<Cell>> = Action::ALL
            .iter()
            .map(|action| {
                let (name, count) = (action.name(), case.run.actions.get(*action));
                let price = &case.prices[name];
                let priced = |each: f64| Cell::from(each * count as f64);
                vec![
                    name.into(),
                    COMPONENTS[component(name)].into(),
                    count.into(),
                    price.each.into(),
                    priced(price.each),
                    price.source.as_str().into(),
                    price.basis.as_str().into(),
                    priced(price.low),
                    priced(price.high),
                    price.low_source.clone().into(),
                    price.high_source.clone().into(),
                ]
            })
            .collect();
        hold(case, "energy.csv", &header, &rows);
    }
}

/// What is counted as an event is what layers and bursts show.
#[test]
fn events_are_what_happened() {
    for case in cases() {
        let table = case.table("energy.csv");
        let names = table.column("action");
        let counts = table.numbers("count");
        let count = |name: &str| counts[names.iter().position(|known| *known == name).unwrap()];
        let layers = case.table("layers.csv");
        let sum = |name: &str| layers.numbers(name).iter().sum::<f64>();
        assert_eq!(count("array_mac"), sum("array_macs"), "{}", case.name);
        assert_eq!(
            count("array_mac") + count("array_padding_mac"),
            sum("array_padded_macs"),
            "{}",
            case.name
        );
        assert_eq!(count("vector_mac"), sum("vector_macs"), "{}", case.name);
        let fetched = fetch(case).0 as f64;
        assert_eq!(count("external_read_byte"), sum("read_bytes") + fetched, "{}", case.name);
        assert_eq!(count("external_write_byte"), sum("write_bytes"), "{}", case.name);
    }
}

#[test]
fn energy_by_layer_and_component() {
    for case in cases() {
        let header: Vec<String> =
            COMPONENTS.iter().chain(&["total"]).map(|name| format!("{name} pJ")).collect();
        let header: Vec<&str> = ["layer"].into_iter().chain(header.iter().map(String::as_str)).collect();
        let row = |label: String, parts: [f64; 5]| -> Vec<Cell> {
            let numbers = parts.into_iter().chain([parts.iter().sum()]);
            [label.into()].into_iter().chain(numbers.map(Cell::from)).collect()
        };
        let layers = case.run.layers.iter().enumerate();
        let mut rows: Vec<Vec<Cell>> =
            layers.map(|(index, layer)| row(case.label(index), priced(case, &layer.actions, each))).collect();
        rows.push(row("command fetch".to_owned(), [0.0, 0.0, 0.0, 0.0, fetch(case).1]));
        hold(case, "data/energy.csv", &header, &rows);
        let all: f64 = case.table("data/energy.csv").numbers("total pJ").iter().sum();
        assert!(
            (all - total(case, each)).abs() <= 1e-9 * all,
            "{}: {all} of {}",
            case.name,
            total(case, each)
        );
    }
}
