//! Figures on pages: the test that computes them holds the page to them.
//!
//! A page marks them: `<!-- figures: NAME, by TEST -->`, lines, `<!-- end of figures -->`. `cargo xtask figures` runs
//! the tests with `BITGAUGE_FIGURES=write`, which writes the lines; every other run compares.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Tests of one process write one after another.
static WRITING: Mutex<()> = Mutex::new(());

fn page_of(path: &str) -> PathBuf {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let root = folders.filter(|folder| folder.join("ARCHITECTURE.md").exists()).last().unwrap();
    root.join(path)
}

/// Where the lines of a block are, within a page's text.
fn lines_of(text: &str, name: &str) -> Option<std::ops::Range<usize>> {
    let start = text.find(&format!("<!-- figures: {name}, "))?;
    let start = start + text[start..].find('\n')? + 1;
    Some(start..start + text[start..].find("<!-- end of figures -->")?)
}

/// Holds the block `name` of a page (a path from the root) to these lines, or writes them.
pub fn hold(page: &str, name: &str, lines: &str) {
    let _one = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let path = page_of(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let range = lines_of(&text, name).unwrap_or_else(|| panic!("{page} has no block `{name}`"));
    if text[range.clone()] == *lines {
        return;
    }
    if std::env::var("BITGAUGE_FIGURES").is_ok_and(|mode| mode == "write") {
        std::fs::write(&path, [&text[..range.start], lines, &text[range.end..]].concat()).unwrap();
        return;
    }
    let found = &text[range];
    let differing = found.lines().zip(lines.lines()).find(|(found, wanted)| found != wanted);
    panic!("{page}: the figures `{name}` are stale: {differing:?}; `cargo xtask figures` writes them anew");
}
