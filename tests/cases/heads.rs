//! Classifiers that end in Softmax, LogSoftmax, Sigmoid or ArgMax: is what they say as good as what goes into it?

use serde_json::Value;

use crate::folder::{Data, Folder};
use crate::net::{Attribute, Net, X};

const CLASSES: usize = 1000;
const DATA: Data = Data { count: 16, image: [16, 16, 3], labels: None };

/// A thousand classes from 64 features, up to what goes into the head.
fn classifier() -> (Net, String) {
    let mut net = Net::new(&[1, 3, 16, 16]);
    let y = net.conv(X, [3, 4], 3, 4);
    let y = net.op("Relu", &[&y], &[]);
    let y = net.op("Flatten", &[&y], &[]);
    let w = net.codes(&[64, CLASSES], 0.002);
    let y = net.op("MatMul", &[&y, &w], &[]);
    (net, y)
}

/// The network with these nodes behind it, and its accuracy on the labels of the one without.
fn with_head(head: &[(&str, &[(&str, Attribute)])]) -> (Folder, Value) {
    let (net, y) = classifier();
    let bare = net.model(&[&y]);
    let (mut net, mut y) = classifier();
    for (kind, attributes) in head {
        y = net.op(kind, &[&y], attributes);
    }
    let folder = Folder::new(&net.model(&[&y]), &DATA);
    folder.label_by(&bare, &DATA);
    let answer = folder.quantize(&[]);
    (folder, answer["accuracy"].clone())
}

#[test]
fn every_head_ranks_as_what_goes_into_it() {
    let last = || [("axis", Attribute::Int(-1))];
    let (_, bare) = with_head(&[]);
    assert_eq!(bare["float_top1"], 1.0);
    // 15 of 16 by the linear layer's 16-bit codes; the softmax's 8 bits gave 7.
    assert!(bare["integer_top1"].as_f64().unwrap() >= 14.0 / 16.0, "{bare}");
    assert!(bare["integer_top5"] == 1.0 && bare["divergence_nats"].as_f64().unwrap() > 1e-6, "{bare}");
    type Nodes<'a> = &'a [(&'a str, &'a [(&'a str, Attribute<'a>)])];
    let heads: [(&str, Nodes<'_>); 7] = [
        ("Softmax", &[("Softmax", &last())]),
        ("LogSoftmax", &[("LogSoftmax", &last())]),
        ("Sigmoid", &[("Sigmoid", &[])]),
        ("ArgMax", &[("ArgMax", &[("axis", Attribute::Int(1)), ("keepdims", Attribute::Int(0))])]),
        ("LogSoftmax", &[("Softmax", &last()), ("Log", &[])]),
        ("Softmax and ArgMax", &[("Softmax", &last()), ("ArgMax", &last())]),
        ("Softmax", &[("Softmax", &last()), ("Identity", &[])]),
    ];
    for (name, head) in heads {
        let (folder, accuracy) = with_head(head);
        for key in ["float_top1", "float_top5", "integer_top1", "integer_top5", "agreement"] {
            assert_eq!(accuracy[key], bare[key], "{name}: {key}");
        }
        if name != "Sigmoid" {
            let [own, wanted] = [&accuracy, &bare].map(|of| of["divergence_nats"].as_f64().unwrap());
            assert!((own / wanted - 1.0).abs() < 1e-6, "{name}: {own} {wanted}");
        }
        // The user is told, and the network runs.
        let said = folder.bitgauge(&["run", "--model", "model.onnx", "--data", "data.toml", "--images", "1"]);
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.contains(&format!(": {name} at the end is left to the host")), "{said}");
        folder.run();
        // Quantized before, it knows what was left to the host.
        let before = ["run", "--quantized", "net.bgq", "--data", "data.toml", "--images", "1"];
        assert_eq!(folder.answer(&before)["accuracy"]["integer_top1"], bare["integer_top1"], "{name}");
        // So does the exported one; written with pairs, it has its head again, and takes it off again.
        let before = ["run", "--model", "net.onnx", "--data", "data.toml", "--images", "1"];
        assert_eq!(folder.answer(&before)["accuracy"]["integer_top1"], bare["integer_top1"], "{name}");
        folder.quantize(&["--export-style", "qdq", "--export-onnx", "codes.onnx"]);
        let again = ["quantize", "--model", "codes.onnx", "--data", "data.toml", "--output", "again.bgq"];
        assert_eq!(folder.answer(&again)["accuracy"]["integer_top1"], bare["integer_top1"], "{name}");
    }
}

/// Each pixel of a map has a distribution of its own; the greatest of all is looked for.
#[test]
fn a_softmax_over_the_channels_of_a_map() {
    let build = |head: bool| {
        let mut net = Net::new(&[1, 3, 16, 16]);
        let y = net.conv(X, [3, 21], 3, 2);
        let y = if head { net.op("Softmax", &[&y], &[("axis", Attribute::Int(1))]) } else { y };
        let y = net.op("Flatten", &[&y], &[]);
        net.model(&[&y])
    };
    let folder = Folder::new(&build(true), &DATA);
    folder.label_by(&build(true), &DATA);
    let accuracy = &folder.quantize(&[])["accuracy"];
    assert_eq!(accuracy["float_top1"], 1.0);
    assert!(accuracy["integer_top1"].as_f64().unwrap() >= 0.8, "{accuracy}");
    folder.run();
}
