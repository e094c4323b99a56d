//! Does any input make the program panic, abort, run out of 2 GiB or leave something half written?
//!
//! Each case is files and a command line. The program has to end with 0, 1 or 2 under a limit of its memory;
//! with anything but 0 nothing may have been written. Cases that no reading of them makes sound have to be
//! refused, and every refusal has to name what is broken: a case that is refused for another reason tests
//! nothing. The unbroken twin of each kind has to be accepted by the same command.

// Helpers outside of #[test] functions fail the test by panicking, and say how many cases ran.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod descriptions;
mod images;
mod models;
mod programs;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use bitgauge_testing::Random;

/// Bytes of address space that a run may take, in KiB as `ulimit` wants it.
const MOST_KIB: u64 = 2 << 20;

/// What the program has to make of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is sound.
    Accepted,
    /// It may be sound.
    Any,
    /// It cannot be sound.
    Refused,
}

/// One input.
struct Case {
    name: String,
    files: Vec<(&'static str, Vec<u8>)>,
    arguments: Vec<&'static str>,
    verdict: Verdict,
    /// What an error has to say, each of these: the place and the kind of fault.
    names: Vec<String>,
}

impl Case {
    /// The case with further words that its error has to have.
    fn naming(mut self, words: &[&str]) -> Case {
        self.names.extend(words.iter().map(|&word| word.to_owned()));
        self
    }
}

fn repository(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// An array on disk.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn listing(folder: &Path) -> BTreeSet<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// What is wrong with how the program took a case.
fn complaint(case: &Case) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in &case.files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let before = listing(folder.path());
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -v {MOST_KIB}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_bitgauge")])
        .args(&case.arguments)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let wrong = |what: &str| Some(format!("{}: {what}: {:?}: {said}", case.name, output.status));
    match output.status.code() {
        Some(0) if case.verdict == Verdict::Refused => wrong("was not refused"),
        Some(0) => None,
        _ if case.verdict == Verdict::Accepted => wrong("was refused"),
        Some(1 | 2) if !said.starts_with("error: ") => wrong("no error"),
        Some(1 | 2) if said.contains("panicked") || said.contains("inside Bitgauge") => wrong("a defect"),
        Some(1 | 2) if !case.names.iter().all(|word| said.contains(word.as_str())) => {
            wrong(&format!("the error does not name {:?}", case.names))
        }
        Some(1 | 2) if before != listing(folder.path()) => wrong("something was written"),
        Some(1 | 2) => None,
        _ => wrong("it neither ended well nor with an error"),
    }
}

/// Runs the cases on all cores, their unbroken twins first; at least so many there have to be.
fn all_are_taken(twins: &[Case], cases: &[Case], least: usize) {
    assert!(cases.len() >= least, "{} cases", cases.len());
    let refused: Vec<String> = twins.iter().filter_map(complaint).collect();
    assert!(!twins.is_empty() && refused.is_empty(), "unbroken: {refused:#?}");
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.extend(complaint(case));
        }
        found
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let complaints: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let first: Vec<&String> = complaints.iter().take(8).collect();
    assert!(complaints.is_empty(), "{} of {}: {first:#?}", complaints.len(), cases.len());
    eprintln!("{} cases", cases.len());
}

#[test]
fn accelerators() {
    all_are_taken(&[descriptions::twin()], &descriptions::cases(), 120);
}

#[test]
fn networks() {
    all_are_taken(&[models::twin()], &models::cases(), 120);
}

#[test]
fn data_sets_and_arrays() {
    all_are_taken(&[images::twin()], &images::cases(), 30);
}

#[test]
fn compiled_programs_and_quantized_networks() {
    let written = programs::Written::new();
    all_are_taken(&written.twins(), &written.cases(), 80);
}
