//! Does a network that was exported come back as the same integers?
//!
//! The second source is the integer graph that was exported. Every integer that decides a bit must be equal:
//! weights, biases, requantizers, tables, zero points and clamps. Steps are single-precision in ONNX.

// Helpers outside of #[test] functions fail the test by panicking, and say what is skipped.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod integer_support;
mod onnxruntime_support;

use bitgauge_models::float::{FloatGraph, passes};
use bitgauge_models::integer::{IntGraph, QuantizeOptions, quantize_traced};
use bitgauge_models::onnx;
use integer_support::{DataSet, mnist};

/// Every integer of the graph as text, without names and steps.
fn integers(graph: &IntGraph) -> Vec<String> {
    let tensor = |id: usize| {
        let tensor = &graph.tensors[id];
        let (code, constant) = (tensor.code, &tensor.constant);
        format!("{:?} {:?} {} {:?} {:?}", tensor.shape, code.bits, code.zero_point, code.sign, constant)
    };
    let node = |node: &bitgauge_models::integer::IntNode| {
        let inputs: Vec<String> = node.inputs.iter().map(|id| tensor(id.0)).collect();
        format!("{:?} {inputs:?} -> {}", node.op, tensor(node.output.0))
    };
    graph.nodes.iter().map(node).collect()
}

fn import(bytes: &[u8]) -> FloatGraph {
    let mut graph = onnx::import(bytes).unwrap();
    passes::simplify(&mut graph).unwrap();
    graph
}

fn comes_back(name: &str, data: &DataSet, options: &QuantizeOptions) {
    let first = quantize_traced(&data.graph, &data.calibrated(), options).unwrap();
    let bytes = onnx::export(&data.graph, &first).unwrap();
    let again = import(&bytes);
    assert!(again.notes.is_empty(), "{:?}", again.notes);
    // Nothing is calibrated: every code is the file's.
    let second = quantize_traced(&again, &Default::default(), options).unwrap();
    let (a, b) = (integers(&first.graph), integers(&second.graph));
    assert_eq!(
        a.len(),
        b.len(),
        "{name}: numbers of nodes\n{}\n{}",
        first.graph.to_text(),
        second.graph.to_text()
    );
    let differ: Vec<usize> = (0..a.len()).filter(|&i| a[i] != b[i]).collect();
    for &i in &differ {
        let at = a[i].bytes().zip(b[i].bytes()).position(|(x, y)| x != y).unwrap_or(0).saturating_sub(60);
        let part = |text: &str| text.chars().skip(at).take(160).collect::<String>();
        eprintln!("{name} node {i} {}:\n  {}\n  {}", first.graph.nodes[i].name, part(&a[i]), part(&b[i]));
    }
    assert!(differ.is_empty(), "{name}: {} of {} nodes differ", differ.len(), a.len());
    assert!(second.trace.notes.is_empty(), "{name}: {:?}", second.trace.notes);
    for (a, b) in first.graph.tensors.iter().zip(&second.graph.tensors) {
        assert!(
            (a.code.scale / b.code.scale - 1.0).abs() < 1e-6,
            "{name}: `{}` {} {}",
            a.name,
            a.code.scale,
            b.code.scale
        );
    }
}

#[test]
fn shipped_cnn() {
    comes_back("cnn_mnist", &mnist("cnn_mnist").unwrap(), &QuantizeOptions::default());
}

#[test]
fn shipped_transformer() {
    comes_back("vit_mnist", &mnist("vit_mnist").unwrap(), &QuantizeOptions::default());
}

#[test]
fn resnet20() {
    match DataSet::resnet20() {
        Some(data) => comes_back("resnet20", &data, &QuantizeOptions::default()),
        None => onnxruntime_support::skipped("ResNet-20 there and back: model or images are not there"),
    }
}

#[test]
#[ignore = "long tier: calibrates a real CNN"]
fn efficientnet() {
    match DataSet::efficientnet() {
        Some(data) => comes_back("efficientnet_lite0", &data, &QuantizeOptions::default()),
        None => {
            onnxruntime_support::skipped("EfficientNet-Lite0 there and back: model or images are not there")
        }
    }
}
