//! Do equal inputs give equal bytes, whatever the number of threads?

// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Every file below a folder, by its path in it.
fn files(folder: &Path, below: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder.join(below)).unwrap() {
        let path = below.join(entry.unwrap().file_name());
        if folder.join(&path).is_dir() {
            files(folder, &path, found);
        } else {
            found.insert(path.display().to_string(), std::fs::read(folder.join(&path)).unwrap());
        }
    }
}

fn run(threads: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bitgauge"))
        .args(["run", "--images", "3"])
        .env("RAYON_NUM_THREADS", threads)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found = BTreeMap::from([("stdout".to_owned(), output.stdout)]);
    files(folder.path(), Path::new("report"), &mut found);
    found
}

#[test]
fn one_thread_and_many_give_the_same_report() {
    let (one, many) = (run("1"), run("5"));
    assert!(one.len() > 5, "{:?}", one.keys());
    assert_eq!(one.keys().collect::<Vec<_>>(), many.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(many[name] == *bytes, "{name} differs");
    }
}
