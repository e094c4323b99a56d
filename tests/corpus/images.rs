//! Data sets: arrays with broken headers, sizes that lie, values that are none.

use crate::{Case, Random, Verdict, npy, repository};

const DATA: &str = "calibration = \"images.npy\"\nimages = \"images.npy\"\nmean = [33.0]\nstd = [78.0]\n";

/// Images of the shipped network's size, as a file.
pub fn images() -> Vec<u8> {
    npy("|u1", "(2, 28, 28, 1)", &[7; 2 * 784])
}

fn case(name: String, data: &str, images: Vec<u8>, verdict: Verdict) -> Case {
    Case {
        name,
        files: vec![
            ("model.onnx", repository("models/zoo/cnn_mnist.onnx")),
            ("data.toml", data.as_bytes().to_vec()),
            ("images.npy", images),
        ],
        arguments: vec!["check", "--model", "model.onnx", "--data", "data.toml"],
        verdict,
    }
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, from, to) in [
        ("infinite mean", "[33.0]", "[inf]"),
        ("negative std", "[78.0]", "[-1.0]"),
        ("std so small that it vanishes", "[78.0]", "[1e-60]"),
        ("mean so large that it overflows", "[33.0]", "[1e300]"),
        ("folder for images", "\"images.npy\"", "\".\""),
        ("itself for images", "\"images.npy\"", "\"data.toml\""),
        ("model for images", "\"images.npy\"", "\"model.onnx\""),
    ] {
        cases.push(case(name.to_owned(), &DATA.replace(from, to), images(), Verdict::Refused));
    }
    for (name, shape) in [
        ("huge", "(18446744073709551615, 28, 28, 1)"),
        ("product beyond 64 bits", "(4294967296, 4294967296, 4294967296, 1)"),
        ("more than there is", "(3, 28, 28, 1)"),
        ("no tuple", "2"),
        ("open", "(2, 28, 28, 1"),
        ("words", "(two, 28, 28, 1)"),
        ("one dimension", "(1568,)"),
        ("none", "()"),
        ("nine dimensions", "(2, 28, 28, 1, 1, 1, 1, 1, 1)"),
    ] {
        cases.push(case(name.to_owned(), DATA, npy("|u1", shape, &[7; 2 * 784]), Verdict::Refused));
    }
    for descr in ["<f2", ">i8", "|O", "|S5", "", "<u99"] {
        cases.push(case(
            format!("type {descr}"),
            DATA,
            npy(descr, "(2, 28, 28, 1)", &[7; 1568]),
            Verdict::Refused,
        ));
    }
    let whole = images();
    for end in [0, 1, 5, 6, 7, 8, 9, 10, 40, 80, whole.len() - 1] {
        cases.push(case(format!("cut at {end}"), DATA, whole[..end].to_vec(), Verdict::Refused));
    }
    let mut random = Random(5);
    for number in 0..12 {
        let mut bytes = images();
        let at = random.below(80);
        bytes[at] ^= 1 << random.below(8);
        cases.push(case(format!("bits {number}"), DATA, bytes, Verdict::Any));
    }
    cases
}
