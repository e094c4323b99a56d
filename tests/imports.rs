//! Does every crate import only what it may?
//!
//! Simulator and Verilog share nothing but the contract, or their agreement would prove nothing.

// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Our crates and which of ours each may import. The command line, the tests and the developer commands may
/// import all.
const MAY_IMPORT: [(&str, &[&str]); 10] = [
    ("bitgauge-arch", &[]),
    ("bitgauge-models", &["bitgauge-arch"]),
    ("bitgauge-compiler", &["bitgauge-arch", "bitgauge-models"]),
    ("bitgauge-sim", &["bitgauge-arch"]),
    ("bitgauge-rtl", &["bitgauge-arch"]),
    ("bitgauge-cosim", &["bitgauge-arch", "bitgauge-rtl"]),
    ("bitgauge-gates", &["bitgauge-arch", "bitgauge-rtl"]),
    ("bitgauge-reports", &["bitgauge-arch", "bitgauge-sim"]),
    (
        "bitgauge-flow",
        &["bitgauge-arch", "bitgauge-compiler", "bitgauge-models", "bitgauge-reports", "bitgauge-sim"],
    ),
    ("bitgauge-testing", &["bitgauge-arch"]),
];

const MAY_IMPORT_ALL: [&str; 3] = ["bitgauge", "bitgauge-tests", "xtask"];

/// All that the contract depends on: it does no I/O and knows no clock.
const ARCH_DEPENDS_ON: [&str; 4] = ["schemars", "serde", "thiserror", "toml"];

#[test]
fn crates_import_only_what_the_table_allows() {
    let packages = packages();
    let table: BTreeMap<&str, &[&str]> = MAY_IMPORT.into_iter().collect();
    for (name, dependencies) in &packages {
        if MAY_IMPORT_ALL.contains(&name.as_str()) {
            continue;
        }
        let allowed = table.get(name.as_str()).unwrap_or_else(|| {
            panic!(
                "`{name}` is not in the table of tests/imports.rs and ARCHITECTURE.md: say what it may import"
            )
        });
        // A crate's own tests may put it together with others; what it is built from may not.
        let built_from = dependencies.iter().filter(|(_, kind)| kind != "dev");
        for (dependency, _) in built_from.filter(|(dependency, _)| packages.contains_key(dependency)) {
            assert!(allowed.contains(&dependency.as_str()), "`{name}` must not import `{dependency}`");
        }
    }
}

#[test]
fn the_contract_depends_on_next_to_nothing() {
    let packages = packages();
    let dependencies = packages["bitgauge-arch"].iter().filter(|(_, kind)| kind != "dev");
    let found: BTreeSet<&str> = dependencies.map(|(name, _)| name.as_str()).collect();
    assert_eq!(found, BTreeSet::from(ARCH_DEPENDS_ON));
}

/// Name and kind of every dependency of every package of the workspace.
fn packages() -> BTreeMap<String, Vec<(String, String)>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or("normal").to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    let dependencies = |package: &Value| {
        let list = package["dependencies"].as_array().unwrap();
        list.iter().map(|dependency| (text(dependency, "name"), text(dependency, "kind"))).collect()
    };
    packages.iter().map(|package| (text(package, "name"), dependencies(package))).collect()
}
