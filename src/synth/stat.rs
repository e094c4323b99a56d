//! What Yosys counts, as `stat -json` and its log say it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::family::{Area, Family};

/// Cells of each module by type; types that are modules are instances of them.
pub type Cells = BTreeMap<String, BTreeMap<String, u64>>;

#[derive(Deserialize)]
struct Module {
    #[serde(default)]
    num_cells_by_type: BTreeMap<String, serde_json::Value>,
}

/// Reads the output of `stat -json`.
pub fn cells(text: &str) -> Result<Cells> {
    // Yosys 0.23 prints the hierarchy as plain text behind the modules: only they are read.
    let (_, rest) = text.split_once("\"modules\":").context("Yosys's `stat -json` names no modules")?;
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<BTreeMap<String, Module>>();
    let modules =
        values.next().context("Yosys's `stat -json` is cut off")?.context("Yosys's `stat -json`")?;
    // Later versions give a number and an area for each type.
    let number = |value: &serde_json::Value| {
        value.as_u64().or_else(|| value.get("count").and_then(serde_json::Value::as_u64)).unwrap_or(0)
    };
    let plain = |name: &str| name.trim_start_matches('\\').to_owned();
    Ok(modules
        .iter()
        .map(|(name, module)| {
            let types = module.num_cells_by_type.iter();
            (plain(name), types.map(|(name, count)| (plain(name), number(count))).collect())
        })
        .collect())
}

/// A module in the design.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub module: String,
    /// How often it is there.
    pub instances: u64,
    /// One of them, with all that is inside it.
    pub whole: Area,
    /// One of them without the modules inside it.
    pub own: Area,
}

/// The modules under `top`, the largest in total first, and the cells that no family knows.
pub fn rows(cells: &Cells, family: Family, top: &str) -> Vec<Row> {
    let mut instances = BTreeMap::new();
    count(cells, top, 1, &mut instances);
    let mut rows: Vec<Row> = instances
        .iter()
        .map(|(module, instances)| Row {
            module: (*module).to_owned(),
            instances: *instances,
            whole: area(cells, family, module, true),
            own: area(cells, family, module, false),
        })
        .collect();
    let weight = |row: &Row| row.whole.lut + row.whole.ff + 64 * (row.whole.dsp + row.whole.bram);
    rows.sort_by_key(|row| std::cmp::Reverse(row.instances * weight(row)));
    rows
}

fn count<'a>(cells: &'a Cells, module: &'a str, times: u64, instances: &mut BTreeMap<&'a str, u64>) {
    let Some(inside) = cells.get(module) else { return };
    *instances.entry(module).or_default() += times;
    for (name, number) in inside {
        count(cells, name, times * number, instances);
    }
}

fn area(cells: &Cells, family: Family, module: &str, deep: bool) -> Area {
    let mut total = Area::default();
    for (name, number) in cells.get(module).into_iter().flatten() {
        if let Some(cell) = family.cell(name) {
            total.add(cell, *number);
        } else if deep && cells.contains_key(name) {
            total.add(area(cells, family, name, true), *number);
        }
    }
    total
}

/// The signals that Yosys made latches for.
pub fn latches(log: &str) -> Vec<String> {
    let found = log.lines().filter_map(|line| line.trim().strip_prefix("Latch inferred for signal "));
    found.map(|rest| rest.split(" from ").next().unwrap_or(rest).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of Yosys 0.23.
    const STAT: &str = r#"
{
   "creator": "Yosys 0.23 (git sha1 7ce5011c24b, x86_64)",
   "invocation": "stat -json ",
   "modules": {
      "\\pe": {
         "num_wires":         30,
         "num_cells":         68,
         "num_cells_by_type": {
            "CCU2C": 17,
            "MULT18X18D": 1,
            "LUT4": 5,
            "TRELLIS_FF": 45
         }
      },
      "\\top": {
         "num_cells":         5,
         "num_cells_by_type": { "LUT4": 1, "pe": 4, "DP16KD": 3 }
      },
      "\\unused": { "num_cells": 1, "num_cells_by_type": { "LUT4": 1 } }
   },
       top                               1
         pe                              4
   "design": { "num_cells": 277 }
}
"#;

    #[test]
    fn totals_follow_the_hierarchy() {
        let rows = rows(&cells(STAT).unwrap(), Family::Ecp5, "top");
        let names: Vec<_> = rows.iter().map(|row| (row.module.as_str(), row.instances)).collect();
        assert_eq!(names, [("top", 1), ("pe", 4)]);
        assert_eq!(rows[0].whole, Area { lut: 1 + 4 * 39, ff: 180, dsp: 4, bram: 3 });
        assert_eq!(rows[0].own, Area { lut: 1, ff: 0, dsp: 0, bram: 3 });
    }

    #[test]
    fn latches_are_seen_in_the_log() {
        let log = "No latch inferred for signal `\\a.\\b' from process `\\a.$proc$1'.\n\
                   Latch inferred for signal `\\a.\\q' from process `\\a.$proc$2': $auto$3\n";
        assert_eq!(latches(log), ["`\\a.\\q'"]);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        assert!(cells("ERROR").is_err());
    }
}
