//! What happens to QuantizeLinear and DequantizeLinear that make no sense? An error, or codes of our own with a
//! note; never a panic.

// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod integer_support;

use bitgauge_models::float::passes;
use bitgauge_models::integer::{Prepared, QuantizeOptions, Quantized, evaluate, quantize_traced};
use bitgauge_models::onnx;
use bitgauge_models::onnx::generated::{GraphProto, ModelProto, NodeProto, TensorProto};
use integer_support::{DataSet, mnist};
use prost::Message as _;

fn exported(data: &DataSet) -> Vec<u8> {
    let quantized = quantize_traced(&data.graph, &data.calibrated(), &QuantizeOptions::default()).unwrap();
    onnx::export(&data.graph, &quantized).unwrap()
}

/// Imports, quantizes without calibration and runs; the error as text, or the network and all notes.
fn read(data: &DataSet, bytes: &[u8]) -> Result<(Quantized, Vec<String>), String> {
    let mut graph = onnx::import(bytes).map_err(|e| e.to_string())?;
    passes::simplify(&mut graph).map_err(|e| e.to_string())?;
    let quantized = quantize_traced(&graph, &Default::default(), &QuantizeOptions::default())
        .map_err(|e| e.to_string())?;
    let prepared = Prepared::new(&quantized.graph).map_err(|e| e.to_string())?;
    if let Ok(inputs) = evaluate::encode_inputs(&quantized.graph, &data.image(0)) {
        prepared.run_outputs(&inputs).map_err(|e| e.to_string())?;
    }
    let notes = graph.notes.iter().chain(&quantized.trace.notes).cloned().collect();
    Ok((quantized, notes))
}

fn changed(bytes: &[u8], change: impl FnOnce(&mut GraphProto)) -> Vec<u8> {
    let mut model = ModelProto::decode(bytes).unwrap();
    change(model.graph.as_mut().unwrap());
    model.encode_to_vec()
}

/// The node of an operator by its number.
fn node<'g>(graph: &'g mut GraphProto, op: &str, number: usize) -> &'g mut NodeProto {
    graph.node.iter_mut().filter(|node| node.op_type() == op).nth(number).unwrap()
}

/// The initializer that is operand `index` of a node.
fn operand<'g>(graph: &'g mut GraphProto, op: &str, number: usize, index: usize) -> &'g mut TensorProto {
    let name = node(graph, op, number).input[index].clone();
    graph.initializer.iter_mut().find(|tensor| tensor.name() == name).unwrap()
}

fn floats(tensor: &mut TensorProto, values: &[f32]) {
    tensor.raw_data = Some(values.iter().flat_map(|v| v.to_le_bytes()).collect());
    tensor.dims = if values.len() == 1 { vec![] } else { vec![values.len() as i64] };
}

type Change = fn(&mut GraphProto);

/// What cannot be meant, and a word of the error.
const REFUSED: &[(&str, Change, &str)] = &[
    ("a scale of zero", |g| floats(operand(g, "QuantizeLinear", 1, 1), &[0.0]), "scale"),
    ("a scale that is no number", |g| floats(operand(g, "QuantizeLinear", 1, 1), &[f32::NAN]), "finite"),
    ("two scales for many channels", |g| floats(operand(g, "QuantizeLinear", 1, 1), &[0.5, 0.25]), "scales"),
    ("no scale", |g| node(g, "QuantizeLinear", 1).input.truncate(1), "input"),
    ("a zero point of floats", |g| operand(g, "QuantizeLinear", 1, 2).data_type = Some(1), "zero"),
    (
        "codes of 64 bits",
        |g| {
            let zero = operand(g, "QuantizeLinear", 1, 2);
            (zero.data_type, zero.raw_data) = (Some(7), Some(vec![0; 8]));
        },
        "INT64",
    ),
    (
        "an axis beyond the rank",
        |g| {
            let weight =
                g.node.iter().position(|n| n.op_type() == "DequantizeLinear" && !n.attribute.is_empty());
            g.node[weight.unwrap()].attribute[0].i = Some(9);
        },
        "range",
    ),
    (
        "codes that nobody takes back",
        |g| {
            let codes = node(g, "QuantizeLinear", 1).output[0].clone();
            g.node.iter_mut().filter(|n| n.op_type() == "Conv").for_each(|n| n.input[0] = codes.clone());
        },
        "",
    ),
    (
        "blocks of scales",
        |g| {
            let weight =
                g.node.iter().position(|n| n.op_type() == "DequantizeLinear" && !n.attribute.is_empty());
            let node = &mut g.node[weight.unwrap()];
            let mut block = node.attribute[0].clone();
            (block.name, block.i) = (Some("block_size".to_owned()), Some(2));
            node.attribute.push(block);
        },
        "block",
    ),
];

/// What the accelerator cannot hold, and a word of the note.
const NOTED: &[(&str, Change, &str)] = &[
    (
        "weights around another zero",
        |g| {
            let weight =
                g.node.iter().position(|n| n.op_type() == "DequantizeLinear" && !n.attribute.is_empty());
            let node = &mut g.node[weight.unwrap()];
            let (stored, scale) = (node.input[0].clone(), node.input[1].clone());
            let count = g.initializer.iter().find(|t| t.name() == scale).unwrap().dims[0];
            node.input.push("zeros".to_owned());
            let element = g.initializer.iter_mut().find(|t| t.name() == stored).unwrap();
            element.data_type = Some(2);
            let zeros = TensorProto {
                name: Some("zeros".to_owned()),
                dims: vec![count],
                data_type: Some(2),
                raw_data: Some(vec![3; count as usize]),
                ..TensorProto::default()
            };
            g.initializer.push(zeros);
        },
        "quantized anew",
    ),
    ("a negative scale", |g| floats(operand(g, "QuantizeLinear", 1, 1), &[-0.5]), "cannot have"),
];

#[test]
fn nonsense_is_an_error() {
    let data = mnist("cnn_mnist").unwrap();
    let bytes = exported(&data);
    read(&data, &bytes).unwrap();
    for (name, change, word) in REFUSED {
        match read(&data, &changed(&bytes, change)) {
            Err(error) => assert!(error.contains(word), "{name}: {error}"),
            Ok((_, notes)) => panic!("{name} was taken: {notes:?}"),
        }
    }
}

#[test]
fn what_no_tensor_can_hold_is_noted() {
    let data = mnist("cnn_mnist").unwrap();
    let bytes = exported(&data);
    for (name, change, word) in NOTED {
        let (_, notes) = read(&data, &changed(&bytes, change)).unwrap();
        assert!(notes.iter().any(|note| note.contains(word)), "{name}: {notes:?}");
    }
}

#[test]
fn damage_never_panics() {
    let data = mnist("cnn_mnist").unwrap();
    let bytes = exported(&data);
    for end in (0..bytes.len()).step_by(bytes.len() / 150) {
        let _ = read(&data, &bytes[..end]);
    }
    let mut state = 1u64;
    for _ in 0..150 {
        let mut damaged = bytes.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 33) as usize % damaged.len();
            damaged[at] ^= 1 << (state >> 20 & 7);
        }
        let _ = read(&data, &damaged);
    }
}
