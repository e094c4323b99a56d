//! What the program itself writes, broken: compiled programs and quantized networks.

use std::process::Command;

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
    let at = random.below(bytes.len());
    match random.below(if text { 5 } else { 2 }) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes.truncate(at),
        2 => {
            if let Some(digit) = bytes[at..].iter_mut().find(|byte| byte.is_ascii_digit()) {
                *digit = b'0' + random.below(10) as u8;
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

pub fn cases() -> Vec<Case> {
    let mut random = Random(11);
    let mut cases = Vec::new();
    let folder = written(&["compile"]);
    let text = |name: &str| name == "program.bgp";
    for number in 0..60 {
        let mut files = Vec::new();
        let image = number % 6 == 5;
        for (name, bytes) in &folder {
            let here = text(name) != image;
            let bytes = if here { broken(&mut random, bytes, text(name)) } else { bytes.clone() };
            // The image's name is its hash, which is as good as any static name while the test runs.
            files.push((&*name.clone().leak(), bytes));
        }
        cases.push(Case {
            name: format!("program {number}"),
            files,
            arguments: vec!["simulate", "program.bgp", "--timing-only"],
            verdict: if image { Verdict::Refused } else { Verdict::Any },
        });
    }
    let quantized = &written(&["quantize"])[0].1;
    for number in 0..40 {
        let textual = std::str::from_utf8(quantized).is_ok();
        cases.push(Case {
            name: format!("quantized network {number}"),
            files: vec![("net.bgq", broken(&mut random, quantized, textual))],
            arguments: vec!["check", "--quantized", "net.bgq"],
            verdict: Verdict::Any,
        });
    }
    cases
}
