//! The units that nobody simulates: their flip-flops, counted by Yosys before any mapping.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::GatesError;

/// The commands: flip-flops are there once processes are; nothing is mapped, so that memories stay what they are.
const SCRIPT: &str = "read_verilog all.v\nproc\nopt_clean\ntee -q -o stat.json stat -json -width\n";

/// Flip-flops of each module of a text, without those of the modules in it; modules without any are left out.
///
/// # Errors
/// Yosys does not start, or refuses; files cannot be written or read.
pub fn flip_flops(yosys: &Path, verilog: &str) -> Result<BTreeMap<String, u64>, GatesError> {
    let folder =
        tempfile::tempdir().map_err(|error| GatesError::File { path: "a temporary folder".into(), error })?;
    for (name, text) in [("all.v", verilog), ("count.ys", SCRIPT)] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).map_err(|error| GatesError::File { path, error })?;
    }
    let output = Command::new(yosys).current_dir(folder.path()).args(["-q", "-s", "count.ys"]).output();
    let output = output.map_err(|error| GatesError::Start { path: yosys.to_owned(), error })?;
    let refuse = |log: String| GatesError::Yosys { unit: "the design".to_owned(), log };
    if !output.status.success() {
        return Err(refuse(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let path = folder.path().join("stat.json");
    let text = std::fs::read_to_string(&path).map_err(|error| GatesError::File { path, error })?;
    counted(&text).ok_or_else(|| refuse("its `stat -json` names no modules".to_owned()))
}

/// Reads `stat -json -width`: `$dff_32` are 32 flip-flops.
fn counted(text: &str) -> Option<BTreeMap<String, u64>> {
    // Yosys 0.23 prints the hierarchy as plain text behind the modules: only they are read.
    let (_, rest) = text.split_once("\"modules\":")?;
    let modules =
        serde_json::Deserializer::from_str(rest).into_iter::<BTreeMap<String, Value>>().next()?.ok()?;
    let mut counts = BTreeMap::new();
    for (name, module) in &modules {
        let cells = module.get("num_cells_by_type").and_then(Value::as_object);
        let bits = cells.into_iter().flatten().filter_map(|(kind, count)| {
            // $dff, $sdff, $adff, with and without enable.
            let kind = kind.strip_prefix('$').filter(|kind| kind.contains("dff"))?;
            let width: u64 = kind.rsplit_once('_')?.1.parse().ok()?;
            Some(width * count.as_u64().or_else(|| count.get("count")?.as_u64())?)
        });
        let bits: u64 = bits.sum();
        if bits > 0 {
            counts.insert(name.trim_start_matches('\\').to_owned(), bits);
        }
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flip_flops_are_counted_by_their_widths() {
        let text = r#"{ "creator": "Yosys", "modules": {
            "\\a": { "num_cells_by_type": { "$dff_32": 2, "$adffe_1": 3, "$add_8": 9, "b": 1 } },
            "\\b": { "num_cells_by_type": { "$sdff_4": { "count": 5, "area": 1.0 } } },
            "\\c": { "num_cells_by_type": { "$and_4": 5 } }
        } } design hierarchy"#;
        let expected = BTreeMap::from([("a".to_owned(), 67), ("b".to_owned(), 20)]);
        assert_eq!(counted(text), Some(expected));
        assert_eq!(counted("{}"), None);
    }
}
