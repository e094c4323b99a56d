//! Data sets: arrays with broken headers, sizes that lie, values that are none.

use crate::{Case, Random, Verdict, npy, repository};

const DATA: &str = "calibration = \"images.npy\"\nimages = \"images.npy\"\nmean = [33.0]\nstd = [78.0]\ntask = \"classification\"\n";

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
        names: Vec::new(),
    }
}

/// Images and data set as they should be.
pub fn twin() -> Case {
    case("unbroken".to_owned(), DATA, images(), Verdict::Accepted)
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, from, to, wanted) in [
        ("infinite mean", "[33.0]", "[inf]", ["`mean` needs", "data.toml"]),
        ("negative std", "[78.0]", "[-1.0]", ["`std` needs", "data.toml"]),
        ("std so small that it vanishes", "[78.0]", "[1e-60]", ["`std` needs", "data.toml"]),
        ("mean so large that it overflows", "[33.0]", "[1e300]", ["`mean` needs", "data.toml"]),
        ("folder for images", "\"images.npy\"", "\".\"", ["cannot read", "directory"]),
        ("itself for images", "\"images.npy\"", "\"data.toml\"", ["magic bytes", "data.toml"]),
        ("model for images", "\"images.npy\"", "\"model.onnx\"", ["magic bytes", "model.onnx"]),
    ] {
        cases
            .push(case(name.to_owned(), &DATA.replace(from, to), images(), Verdict::Refused).naming(&wanted));
    }
    for (name, shape, wanted) in [
        ("huge", "(18446744073709551615, 28, 28, 1)", "overflows"),
        ("product beyond 64 bits", "(4294967296, 4294967296, 4294967296, 1)", "overflows"),
        ("more than there is", "(3, 28, 28, 1)", "the data needs 2352 bytes"),
        ("no tuple", "2", "no tuple"),
        ("open", "(2, 28, 28, 1", "no tuple"),
        ("words", "(two, 28, 28, 1)", "dimension `two`"),
        ("one dimension", "(1568,)", "N x H x W x C"),
        ("none", "()", "too many"),
        ("nine dimensions", "(2, 28, 28, 1, 1, 1, 1, 1, 1)", "N x H x W x C"),
    ] {
        cases.push(
            case(name.to_owned(), DATA, npy("|u1", shape, &[7; 2 * 784]), Verdict::Refused)
                .naming(&["images.npy", wanted]),
        );
    }
    for descr in ["<f2", ">i8", "|O", "|S5", "", "<u99"] {
        cases.push(
            case(format!("type {descr}"), DATA, npy(descr, "(2, 28, 28, 1)", &[7; 1568]), Verdict::Refused)
                .naming(&["images.npy", "element type"]),
        );
    }
    let whole = images();
    for end in [0, 1, 5, 6, 7, 8, 9, 10, 40, 80, whole.len() - 1] {
        cases.push(
            case(format!("cut at {end}"), DATA, whole[..end].to_vec(), Verdict::Refused)
                .naming(&["images.npy", "the file is truncated"]),
        );
    }
    let mut random = Random(5);
    for number in 0..12 {
        let mut bytes = images();
        let at = random.index(80);
        bytes[at] ^= 1 << random.index(8);
        cases.push(case(format!("bits {number}"), DATA, bytes, Verdict::Any).naming(&["images.npy"]));
    }
    cases
}
