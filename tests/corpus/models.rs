//! Networks: cut and flipped files, and graphs that decode but make no sense.

use bitgauge_models::onnx::generated::{GraphProto, ModelProto, NodeProto, TensorProto};
use prost::Message as _;

use crate::images::images;
use crate::{Case, Random, Verdict, repository};

fn case(name: String, model: Vec<u8>, verdict: Verdict) -> Case {
    let data = "calibration = \"images.npy\"\nimages = \"images.npy\"\nmean = [33.0]\nstd = [78.0]\ntask = \"classification\"\n";
    Case {
        name,
        files: vec![("model.onnx", model), ("data.toml", data.into()), ("images.npy", images())],
        arguments: vec!["check", "--model", "model.onnx", "--data", "data.toml"],
        verdict,
        names: vec!["cannot import the model".to_owned(), "model.onnx".to_owned()],
    }
}

/// The network as it ships, encoded again.
pub fn twin() -> Case {
    case("unbroken".to_owned(), changed(&repository("models/zoo/cnn_mnist.onnx"), |_| ()), Verdict::Accepted)
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
        // Single numbers are bounds, of which some may be infinite.
        if bytes.len() > 4 {
            bytes[..4].copy_from_slice(&value.to_le_bytes());
        }
    }
}

/// Name, what the error has to say, and the change.
const CHANGES: &[(&str, &str, Change)] = &[
    ("no nodes", "reads `logits`", |graph| graph.node.clear()),
    ("no inputs", "reads `input`", |graph| graph.input.clear()),
    ("no outputs", "no outputs", |graph| graph.output.clear()),
    ("no weights", "reads `stem.weight`", |graph| graph.initializer.clear()),
    ("a cycle", "part of a cycle", |graph| {
        let last = graph.node.last().unwrap().output[0].clone();
        reader(graph, 0).input[0] = last;
    }),
    ("a node of itself", "part of a cycle", |graph| {
        let node = reader(graph, 0);
        node.input[0] = node.output[0].clone();
    }),
    ("two writers of a value", "is defined twice", |graph| {
        let name = reader(graph, 0).output[0].clone();
        reader(graph, 1).output[0] = name;
    }),
    ("an unknown operator", "operator `Frobnicate` is not supported", |graph| {
        reader(graph, 0).op_type = Some("Frobnicate".to_owned())
    }),
    ("an unknown domain", "operator `com.example.Conv` is not supported", |graph| {
        reader(graph, 0).domain = Some("com.example".to_owned())
    }),
    ("no operator", "operator `` is not supported", |graph| reader(graph, 0).op_type = None),
    ("an operand that nobody makes", "reads `nobody`", |graph| {
        reader(graph, 1).input[0] = "nobody".to_owned()
    }),
    ("no operands", "takes 2 to 3 inputs, has 0", |graph| reader(graph, 0).input.clear()),
    ("an output that nobody makes", "`output` reads `nobody`", |graph| {
        graph.output[0].name = Some("nobody".to_owned())
    }),
    ("NaN among weights", "element 0 is NaN", |graph| set(graph, f32::NAN)),
    ("infinity among weights", "element 0 is inf", |graph| set(graph, f32::INFINITY)),
    ("negative infinity among weights", "element 0 is -inf", |graph| set(graph, f32::NEG_INFINITY)),
    ("weights cut short", "it stores 2 bytes", |graph| {
        for tensor in &mut graph.initializer {
            raw(tensor).truncate(2);
        }
    }),
    ("weights of absurd size", "has more than", |graph| {
        for tensor in &mut graph.initializer {
            tensor.dims = vec![1 << 40, 1 << 40];
        }
    }),
    ("weights of a size that wraps to theirs", "has more than", |graph| {
        for tensor in &mut graph.initializer {
            tensor.dims.push(1 << 62);
            tensor.dims.push(4);
        }
    }),
    ("weights of negative size", "dimension -1 is negative", |graph| {
        for tensor in &mut graph.initializer {
            tensor.dims.iter_mut().take(1).for_each(|size| *size = -1);
        }
    }),
    ("weights of no size", "its dimensions need 0 elements", |graph| {
        for tensor in &mut graph.initializer {
            tensor.dims.iter_mut().take(1).for_each(|size| *size = 0);
        }
    }),
    ("weights of doubles", "elements of 8 bytes", |graph| {
        for tensor in &mut graph.initializer {
            tensor.data_type = Some(11);
        }
    }),
    ("weights of no type", "element type UNDEFINED", |graph| {
        for tensor in &mut graph.initializer {
            tensor.data_type = None;
        }
    }),
    ("weights of an unknown type", "element type code 1234", |graph| {
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
        .map(|(name, wanted, change)| {
            case((*name).to_owned(), changed(&bytes, change), Verdict::Refused).naming(&[wanted])
        })
        .collect();
    for opset in [-1, 0, 5, 1000, i64::MAX] {
        let mut model = ModelProto::decode(&bytes[..]).unwrap();
        model.opset_import[0].version = Some(opset);
        cases.push(
            case(format!("opset {opset}"), model.encode_to_vec(), Verdict::Refused).naming(&["operator set"]),
        );
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
                // No window and no number of groups is so large or below zero; the rest may mean something.
                let window =
                    matches!(attribute.name(), "kernel_shape" | "strides" | "dilations" | "pads" | "group");
                let absurd = window && !(0..=1 << 20).contains(&number);
                let verdict = if absurd { Verdict::Refused } else { Verdict::Any };
                let one = case(format!("{name} is {number}"), changed(&bytes, change), verdict);
                // A number that means something can make the fault appear at a later node.
                let word = format!("node `{}`", node.name());
                cases.push(if absurd { one.naming(&[&word]) } else { one });
            }
            if !attribute.ints.is_empty() {
                let cleared = changed(&bytes, |graph| graph.node[n].attribute[a].ints.clear());
                let one = case(format!("{name} is empty"), cleared, Verdict::Refused);
                cases.push(one.naming(&[&format!("attribute `{}` is []", attribute.name())]));
            }
        }
    }
    for part in 1..20 {
        let end = bytes.len() * part / 20;
        cases.push(
            case(format!("cut at {end}"), bytes[..end].to_vec(), Verdict::Refused).naming(&["truncated"]),
        );
    }
    let mut random = Random(7);
    for number in 0..60 {
        let mut broken = bytes.clone();
        for _ in 0..=random.index(6) {
            // Structure is rare among weights: half of the flips are near the ends, where the nodes are.
            let near = random.index(2) == 0;
            let at = random.index(if near { 2000.min(broken.len()) } else { broken.len() });
            let at = if near && random.index(2) == 0 { broken.len() - 1 - at } else { at };
            broken[at] ^= 1 << random.index(8);
        }
        // A flipped bit among weights can make a network that cannot be quantized.
        cases.push(Case {
            names: vec!["model.onnx".to_owned()],
            ..case(format!("bits {number}"), broken, Verdict::Any)
        });
    }
    cases
}
