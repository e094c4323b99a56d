//! Networks: cut and flipped files, and graphs that decode but make no sense.

use bitgauge_models::onnx::generated::{GraphProto, ModelProto, NodeProto, TensorProto};
use prost::Message as _;

use crate::images::images;
use crate::{Case, Random, Verdict, repository};

fn case(name: String, model: Vec<u8>, verdict: Verdict) -> Case {
    let data = "calibration = \"images.npy\"\nimages = \"images.npy\"\nmean = [33.0]\nstd = [78.0]\n";
    Case {
        name,
        files: vec![("model.onnx", model), ("data.toml", data.into()), ("images.npy", images())],
        arguments: vec!["check", "--model", "model.onnx", "--data", "data.toml"],
        verdict,
    }
}

/// Changes that leave a file which decodes.
type Change = fn(&mut GraphProto);

/// A weight's values, as the shipped models hold them.
fn raw(tensor: &mut TensorProto) -> &mut Vec<u8> {
    tensor.raw_data.get_or_insert_default()
}

/// The first node that reads something, and the second.
fn reader(graph: &mut GraphProto, number: usize) -> &mut NodeProto {
    graph.node.iter_mut().filter(|node| !node.input.is_empty()).nth(number).unwrap()
}

fn set(graph: &mut GraphProto, value: f32) {
    for tensor in graph.initializer.iter_mut().filter(|tensor| tensor.data_type == Some(1)) {
        let bytes = raw(tensor);
        if bytes.len() >= 4 {
            bytes[..4].copy_from_slice(&value.to_le_bytes());
        }
    }
}

const CHANGES: &[(&str, Change)] = &[
    ("no nodes", |graph| graph.node.clear()),
    ("no inputs", |graph| graph.input.clear()),
    ("no outputs", |graph| graph.output.clear()),
    ("no weights", |graph| graph.initializer.clear()),
    ("a cycle", |graph| {
        let last = graph.node.last().unwrap().output[0].clone();
        reader(graph, 0).input[0] = last;
    }),
    ("a node of itself", |graph| {
        let node = reader(graph, 0);
        node.input[0] = node.output[0].clone();
    }),
    ("two writers of a value", |graph| {
        let name = reader(graph, 0).output[0].clone();
        reader(graph, 1).output[0] = name;
    }),
    ("an unknown operator", |graph| reader(graph, 0).op_type = Some("Frobnicate".to_owned())),
    ("an unknown domain", |graph| reader(graph, 0).domain = Some("com.example".to_owned())),
    ("no operator", |graph| reader(graph, 0).op_type = None),
    ("an operand that nobody makes", |graph| reader(graph, 1).input[0] = "nobody".to_owned()),
    ("no operands", |graph| reader(graph, 0).input.clear()),
    ("an output that nobody makes", |graph| graph.output[0].name = Some("nobody".to_owned())),
    ("NaN among weights", |graph| set(graph, f32::NAN)),
    ("infinity among weights", |graph| set(graph, f32::INFINITY)),
    ("negative infinity among weights", |graph| set(graph, f32::NEG_INFINITY)),
    ("weights cut short", |graph| {
        for tensor in &mut graph.initializer {
            raw(tensor).truncate(2);
        }
    }),
    ("weights of absurd size", |graph| {
        for tensor in &mut graph.initializer {
            tensor.dims = vec![1 << 40, 1 << 40];
        }
    }),
    ("weights of a size that wraps to theirs", |graph| {
        for tensor in &mut graph.initializer {
            tensor.dims.push(1 << 62);
            tensor.dims.push(4);
        }
    }),
    ("weights of negative size", |graph| {
        for tensor in &mut graph.initializer {
            tensor.dims.iter_mut().take(1).for_each(|size| *size = -1);
        }
    }),
    ("weights of no size", |graph| {
        for tensor in &mut graph.initializer {
            tensor.dims.iter_mut().take(1).for_each(|size| *size = 0);
        }
    }),
    ("weights of doubles", |graph| {
        for tensor in &mut graph.initializer {
            tensor.data_type = Some(11);
        }
    }),
    ("weights of no type", |graph| {
        for tensor in &mut graph.initializer {
            tensor.data_type = None;
        }
    }),
    ("weights of an unknown type", |graph| {
        for tensor in &mut graph.initializer {
            tensor.data_type = Some(1234);
        }
    }),
];

/// Integers that an attribute may be told, none of which it means.
const NUMBERS: [i64; 6] = [-1, 0, 1 << 31, i64::MAX, i64::MIN, 1_000_003];

fn changed(bytes: &[u8], change: impl FnOnce(&mut GraphProto)) -> Vec<u8> {
    let mut model = ModelProto::decode(bytes).unwrap();
    change(model.graph.as_mut().unwrap());
    model.encode_to_vec()
}

pub fn cases() -> Vec<Case> {
    let bytes = repository("models/zoo/cnn_mnist.onnx");
    let mut cases: Vec<Case> = CHANGES
        .iter()
        .map(|(name, change)| case((*name).to_owned(), changed(&bytes, change), Verdict::Refused))
        .collect();
    for opset in [-1, 0, 5, 1000, i64::MAX] {
        let mut model = ModelProto::decode(&bytes[..]).unwrap();
        model.opset_import[0].version = Some(opset);
        cases.push(case(format!("opset {opset}"), model.encode_to_vec(), Verdict::Refused));
    }
    // Every integer of every node's attributes.
    let whole = ModelProto::decode(&bytes[..]).unwrap();
    for (n, node) in whole.graph.unwrap().node.iter().enumerate() {
        for (a, attribute) in node.attribute.iter().enumerate() {
            let name = format!("{} of node {n}", attribute.name());
            for number in NUMBERS {
                let change = |graph: &mut GraphProto| {
                    let attribute = &mut graph.node[n].attribute[a];
                    attribute.i = attribute.i.map(|_| number);
                    attribute.ints.iter_mut().for_each(|value| *value = number);
                };
                cases.push(case(format!("{name} is {number}"), changed(&bytes, change), Verdict::Any));
            }
            let cleared = changed(&bytes, |graph| graph.node[n].attribute[a].ints.clear());
            cases.push(case(format!("{name} is empty"), cleared, Verdict::Any));
        }
    }
    for part in 1..20 {
        let end = bytes.len() * part / 20;
        cases.push(case(format!("cut at {end}"), bytes[..end].to_vec(), Verdict::Refused));
    }
    let mut random = Random(7);
    for number in 0..60 {
        let mut broken = bytes.clone();
        for _ in 0..=random.below(6) {
            // Structure is rare among weights: half of the flips are near the ends, where the nodes are.
            let near = random.below(2) == 0;
            let at = random.below(if near { 2000.min(broken.len()) } else { broken.len() });
            let at = if near && random.below(2) == 0 { broken.len() - 1 - at } else { at };
            broken[at] ^= 1 << random.below(8);
        }
        cases.push(case(format!("bits {number}"), broken, Verdict::Any));
    }
    cases
}
