//! Accelergy's files: its energy reference table (`ERT.yaml`) as a table of prices, and a run's counts as its
//! `action_counts.yaml`. Both know components and actions by name; [`place`] says ours.
//!
//! Formats: github.com/Accelergy-Project/accelergy, versions 0.2 (tables by name) and 0.3, 0.4 (lists of tables);
//! energies are picojoules.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bitgauge_arch::actions::{Action, ActionCounts};
use bitgauge_arch::energy::{Basis, EnergyTable, Entry};
use serde::Deserialize;

use crate::ReportError;

/// The component that does an action, and what the action is called there. Memories count bytes.
#[must_use]
pub fn place(action: Action) -> [&'static str; 2] {
    match action {
        Action::ArrayMac => ["array", "mac"],
        Action::ArrayPaddingMac => ["array", "padding_mac"],
        Action::ArrayBitProduct => ["array", "bit_product"],
        Action::ArrayPaddingBitProduct => ["array", "padding_bit_product"],
        Action::PeRegisterBit => ["array", "register_bit"],
        Action::PeAccumulatorBit => ["array", "accumulator_bit"],
        Action::ActivationReadByte => ["activation_scratchpad", "read"],
        Action::ActivationWriteByte => ["activation_scratchpad", "write"],
        Action::WeightReadByte => ["weight_scratchpad", "read"],
        Action::WeightWriteByte => ["weight_scratchpad", "write"],
        Action::ParameterReadByte => ["parameter_memory", "read"],
        Action::ParameterWriteByte => ["parameter_memory", "write"],
        Action::TableReadByte => ["table_memory", "read"],
        Action::TableWriteByte => ["table_memory", "write"],
        Action::PostRequantize => ["post_processor", "requantize"],
        Action::VectorMac => ["vector_unit", "mac"],
        Action::VectorOperation => ["vector_unit", "operation"],
        Action::ExternalReadByte => ["external_memory", "read"],
        Action::ExternalWriteByte => ["external_memory", "write"],
    }
}

/// A run's counts, version 0.4; the accelerator is the one node at the top.
#[must_use]
pub fn action_counts(counts: &ActionCounts) -> String {
    let mut text = "action_counts:\n  version: 0.4\n  subtree:\n  - name: bitgauge\n    local:\n".to_owned();
    let mut before = "";
    for &action in Action::ALL {
        let [component, name] = place(action);
        if component != before {
            let _ = write!(text, "    - name: {component}\n      action_counts:\n");
            before = component;
        }
        let count = counts.get(action);
        let _ = write!(text, "      - name: {name}\n        counts: {count}\n");
    }
    text
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "ERT")]
    ert: Ert,
}

#[derive(Deserialize)]
struct Ert {
    tables: Tables,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Tables {
    List(Vec<Table>),
    ByName(BTreeMap<String, BTreeMap<String, Rows>>),
}

#[derive(Deserialize)]
struct Table {
    name: String,
    actions: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    energy: f64,
}

/// An action's energies: one, or one for each value of its arguments.
#[derive(Deserialize)]
#[serde(untagged)]
enum Rows {
    Each(Vec<Row>),
    One(Row),
}

#[derive(Deserialize)]
struct Row {
    energy: f64,
}

/// Component, action and energy of each row.
fn rows(tables: Tables) -> Vec<(String, String, f64)> {
    match tables {
        Tables::List(tables) => {
            let of = |table: Table| {
                let row = move |action: Named| (table.name.clone(), action.name, action.energy);
                table.actions.into_iter().map(row)
            };
            tables.into_iter().flat_map(of).collect()
        }
        Tables::ByName(tables) => {
            let mut all = Vec::new();
            for (component, actions) in tables {
                for (action, rows) in actions {
                    let rows = match rows {
                        Rows::Each(rows) => rows,
                        Rows::One(row) => vec![row],
                    };
                    all.extend(rows.into_iter().map(|row| (component.clone(), action.clone(), row.energy)));
                }
            }
            all
        }
    }
}

/// The last name of a path such as `system.chip[0..3].glb(1..2)`.
fn component(path: &str) -> String {
    let mut depth = 0usize;
    let mut bare = String::new();
    for letter in path.chars() {
        match letter {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => bare.push(letter),
            _ => {}
        }
    }
    bare.rsplit('.').next().unwrap_or_default().to_owned()
}

/// The prices of an energy reference table. Where an action has several, for values of its arguments, its price is
/// the greatest and `low` the least. An action without a row has no entry: a run that counts it is refused.
///
/// # Errors
/// No reference table, an energy that is negative or not finite, or no row for anything that a run counts.
pub fn table(name: &str, text: &str) -> Result<EnergyTable, ReportError> {
    let refuse = |why: String| ReportError::Accelergy(why);
    let file: File = serde_saphyr::from_str(text).map_err(|error| refuse(error.to_string()))?;
    let mut found: BTreeMap<[String; 2], [f64; 2]> = BTreeMap::new();
    for (path, action, energy) in rows(file.ert.tables) {
        if !energy.is_finite() || energy < 0.0 {
            return Err(refuse(format!("`{action}` of `{path}` has the energy {energy}")));
        }
        let [least, most] = found.entry([component(&path), action]).or_insert([energy; 2]);
        (*least, *most) = (least.min(energy), most.max(energy));
    }
    let mut entry = BTreeMap::new();
    for &action in Action::ALL {
        let [component, called] = place(action);
        let Some(&[least, most]) = found.get(&[component.to_owned(), called.to_owned()]) else { continue };
        let source = format!("Accelergy's energy reference table: `{called}` of `{component}`");
        let varies = least < most;
        let row = Entry {
            picojoules: Some(most),
            low: varies.then_some(least),
            low_source: varies.then(|| format!("{source}, the least of its arguments")),
            // The table does not say what its figures rest on.
            basis: Basis::Assumed,
            source,
            ..Entry::default()
        };
        entry.insert(action, row);
    }
    if entry.is_empty() {
        let known: Vec<String> = Action::ALL
            .iter()
            .map(|&action| place(action))
            .map(|[of, called]| format!("{of}.{called}"))
            .collect();
        return Err(refuse(format!(
            "it has no row for an action of an accelerator of Bitgauge: {}",
            known.join(", ")
        )));
    }
    let note =
        "Accelergy's energy reference table; what stands behind its figures, its plug-ins know.".to_owned();
    Ok(EnergyTable { name: name.to_owned(), note, entry, unit: Vec::new() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_actions_have_one_place() {
        let places: BTreeSet<[&str; 2]> = Action::ALL.iter().map(|&action| place(action)).collect();
        assert_eq!(places.len(), Action::ALL.len());
    }

    #[test]
    fn lists_of_tables() {
        let text = "ERT:\n  version: 0.4\n  tables:\n  - name: system.chip[0..1].weight_scratchpad(1..2)\n    actions:\n    \
                    - {name: read, arguments: {data_delta: 0}, energy: 1.5}\n    \
                    - {name: read, arguments: {data_delta: 1}, energy: 4}\n    \
                    - {name: leak, arguments: null, energy: 0}\n";
        let table = table("mine", text).unwrap();
        assert_eq!(table.entry.keys().copied().collect::<Vec<_>>(), [Action::WeightReadByte]);
        let entry = &table.entry[&Action::WeightReadByte];
        assert_eq!((entry.picojoules, entry.low, entry.basis), (Some(4.0), Some(1.5), Basis::Assumed));
    }

    #[test]
    fn tables_by_name() {
        let text = "ERT:\n  tables:\n    chip.array:\n      mac:\n        arguments: null\n        energy: 0.25\n      idle:\n      \
                    - {arguments: {x: 0}, energy: 0}\n      - {arguments: {x: 1}, energy: 1}\n    chip.post_processor:\n      \
                    requantize:\n      - {arguments: null, energy: 2}\n  version: 0.2\n";
        let table = table("mine", text).unwrap();
        let price = |action| table.entry.get(&action).and_then(|entry| entry.picojoules);
        assert_eq!(price(Action::ArrayMac), Some(0.25));
        assert_eq!(price(Action::PostRequantize), Some(2.0));
        assert_eq!(table.entry.len(), 2);
    }

    #[test]
    fn what_is_no_reference_table() {
        let refused = |text: &str| table("mine", text).unwrap_err().to_string();
        assert!(refused("ERT: 3").contains("Accelergy"));
        assert!(refused("ERT: [").contains("Accelergy"));
        let negative = refused("ERT: {tables: [{name: a.array, actions: [{name: mac, energy: -1}]}]}");
        assert!(negative.contains("`mac` of `a.array` has the energy -1"), "{negative}");
        let other = refused("ERT: {tables: [{name: a.buffer, actions: [{name: fill, energy: 1}]}]}");
        assert!(other.contains("no row") && other.contains("external_memory.read"), "{other}");
    }

    /// A second reading of what was written: component by component, in the form of Accelergy's examples.
    #[test]
    fn counts_are_written_component_by_component() {
        let mut counts = ActionCounts::default();
        counts.add(Action::WeightWriteByte, 7);
        counts.add(Action::ExternalReadByte, 1 << 40);
        #[derive(Deserialize)]
        struct Written {
            action_counts: Top,
        }
        #[derive(Deserialize)]
        struct Top {
            version: f64,
            subtree: Vec<Node>,
        }
        #[derive(Deserialize)]
        struct Node {
            name: String,
            local: Vec<Local>,
        }
        #[derive(Deserialize)]
        struct Local {
            name: String,
            action_counts: Vec<Count>,
        }
        #[derive(Deserialize)]
        struct Count {
            name: String,
            counts: u64,
        }
        let written: Written = serde_saphyr::from_str(&action_counts(&counts)).unwrap();
        assert_eq!(written.action_counts.version, 0.4);
        let [top] = &written.action_counts.subtree[..] else { panic!("one node") };
        assert_eq!(top.name, "bitgauge");
        let names: Vec<&str> = top.local.iter().map(|local| local.name.as_str()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        let of = |component: &str, action: &str| {
            let local = top.local.iter().find(|local| local.name == component).unwrap();
            local.action_counts.iter().find(|count| count.name == action).unwrap().counts
        };
        assert_eq!(of("weight_scratchpad", "write"), 7);
        assert_eq!(of("external_memory", "read"), 1 << 40);
        assert_eq!(top.local.iter().map(|local| local.action_counts.len()).sum::<usize>(), Action::ALL.len());
    }
}
