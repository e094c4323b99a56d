//! Is the committed schema the one of this program?

use std::process::Command;

#[test]
fn committed_schema_is_fresh() {
    let output = Command::new(env!("CARGO_BIN_EXE_bitgauge")).arg("schema").output().unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/accelerator.schema.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == String::from_utf8(output.stdout).unwrap(),
        "docs/reference/accelerator.schema.json is out of date: run `cargo xtask schema` and commit the file"
    );
}
