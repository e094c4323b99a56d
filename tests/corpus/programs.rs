//! What the program itself writes, broken: compiled programs and quantized networks.

use std::hash::Hasher as _;
use std::process::Command;

use fnv::FnvHasher;

use crate::{Case, Random, Verdict};

/// The files that a command writes into a folder.
fn written(arguments: &[&str]) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bitgauge"))
        .args(arguments)
        .args(["--output", "out"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let out = folder.path().join("out");
    if out.is_file() {
        return vec![("out".to_owned(), std::fs::read(out).unwrap())];
    }
    let entries = std::fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &std::path::Path| path.file_name().unwrap().to_string_lossy().into_owned();
    entries.map(|path| (name(&path), std::fs::read(&path).unwrap())).collect()
}

/// Bytes with some change at random: a bit, a digit, a line gone, a line twice, an end cut off.
fn broken(random: &mut Random, bytes: &[u8], text: bool) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = random.index(bytes.len());
    match random.index(if text { 5 } else { 2 }) {
        0 => bytes[at] ^= 1 << random.index(8),
        1 => bytes.truncate(at),
        2 => {
            if let Some(digit) = bytes[at..].iter_mut().find(|byte| byte.is_ascii_digit()) {
                *digit = b'0' + random.index(10) as u8;
            }
        }
        kind => {
            let start = bytes[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |place| place + 1);
            let end = bytes[at..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |n| at + n + 1);
            let line = bytes[start..end].to_vec();
            let insert = if kind == 3 { Vec::new() } else { [&line[..], &line[..]].concat() };
            bytes.splice(start..end, insert);
        }
    }
    bytes
}

/// FNV-1a over 64 bits, as the end of a quantized network has it.
fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

/// What the program wrote of the shipped network.
pub struct Written {
    /// Files of `compile`.
    program: Vec<(&'static str, Vec<u8>)>,
    /// The file of `quantize`.
    network: Vec<u8>,
}

impl Written {
    pub fn new() -> Written {
        // The image's name is its hash, which is as good as any static name while the test runs.
        let named = |(name, bytes): (String, Vec<u8>)| -> (&'static str, Vec<u8>) { (name.leak(), bytes) };
        let program = written(&["compile"]).into_iter().map(named).collect();
        Written { program, network: written(&["quantize"]).remove(0).1 }
    }

    fn program(&self, name: String, verdict: Verdict) -> Case {
        let arguments = vec!["simulate", "program.bgp", "--timing-only"];
        Case { name, files: self.program.clone(), arguments, verdict, names: Vec::new() }
    }

    fn network(name: String, bytes: Vec<u8>, verdict: Verdict) -> Case {
        let arguments = vec!["check", "--quantized", "net.bgq"];
        Case { name, files: vec![("net.bgq", bytes)], arguments, verdict, names: vec!["net.bgq".to_owned()] }
    }

    pub fn twins(&self) -> Vec<Case> {
        vec![
            self.program("program".to_owned(), Verdict::Accepted),
            Written::network("quantized network".to_owned(), self.network.clone(), Verdict::Accepted),
        ]
    }

    pub fn cases(&self) -> Vec<Case> {
        let mut random = Random(11);
        let mut cases = Vec::new();
        for number in 0..60 {
            let image = number % 6 == 5;
            let verdict = if image { Verdict::Refused } else { Verdict::Any };
            let mut case = self.program(format!("program {number}"), verdict);
            let broken_file = |name: &str| (name == "program.bgp") != image;
            for (_, bytes) in case.files.iter_mut().filter(|(name, _)| broken_file(name)) {
                *bytes = broken(&mut random, bytes, !image);
            }
            cases.push(if image { case.naming(&["its SHA-256 differs"]) } else { case.naming(&["program"]) });
        }
        for number in 0..8 {
            let bytes = broken(&mut random, &self.network, false);
            let case = Written::network(format!("quantized network {number}"), bytes, Verdict::Refused);
            cases.push(case.naming(&["damaged"]));
        }
        // Behind the checksum, which is made to fit: the reader itself has to take what is inside.
        for number in 0..60 {
            let body = &self.network[..self.network.len() - 8];
            let mut bytes = broken(&mut random, body, false);
            // Most of the file is weights, of which every byte is sound: half of the faults are near the ends.
            if number % 2 == 0 && !bytes.is_empty() {
                let near = random.index(bytes.len().min(6000));
                let at = if number % 4 == 0 { near } else { bytes.len() - 1 - near };
                bytes[at] ^= 1 << random.index(8);
            }
            bytes.extend(checksum(&bytes).to_le_bytes());
            cases.push(Written::network(format!("sealed network {number}"), bytes, Verdict::Any));
        }
        cases
    }
}
