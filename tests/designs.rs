//! Is every description that ships sound?

// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use bitgauge_arch::Accelerator;

#[test]
fn every_design_parses_and_prints_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../designs");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let design =
            Accelerator::from_toml(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(Accelerator::from_toml(&design.to_toml()).unwrap(), design);
        assert_eq!(
            Some(design.name.as_str()),
            path.file_stem().and_then(|stem| stem.to_str()),
            "name and file name"
        );
        count += 1;
    }
    assert!(count >= 3, "only {count} designs");
}
