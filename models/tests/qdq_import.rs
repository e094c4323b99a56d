//! Does a network that was exported come back as the same integers, and does one that others quantized say what
//! it says in ONNX Runtime?
//!
//! There and back, the second source is the integer graph that was exported. Every integer that decides a bit
//! must be equal: weights, biases, requantizers, tables, zero points and clamps. Steps are single-precision in
//! ONNX. Of a network quantized by ONNX Runtime's tool, the second source is ONNX Runtime, optimizations off.

// Helpers outside of #[test] functions fail the test by panicking, and say what is skipped.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod integer_support;
mod onnxruntime_support;

use std::path::Path;

use bitgauge_models::float::{FloatGraph, Tensor, passes};
use bitgauge_models::integer::{
    Assignment, IntGraph, Prepared, QuantizeOptions, calibrate, evaluate, quantize_traced,
};
use bitgauge_models::onnx;
use integer_support::{DataSet, mnist, resnet20_file};
use onnxruntime_support::{greatest, outputs, python_with, run, save, scratch, script, skipped};

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
fn four_bit_weights() {
    let options = QuantizeOptions { bits: Assignment::uniform(4, 8), ..QuantizeOptions::default() };
    comes_back("cnn_mnist_w4", &mnist("cnn_mnist").unwrap(), &options);
}

#[test]
fn shipped_transformer() {
    comes_back("vit_mnist", &mnist("vit_mnist").unwrap(), &QuantizeOptions::default());
}

#[test]
fn resnet20() {
    match DataSet::resnet20() {
        Some(data) => comes_back("resnet20", &data, &QuantizeOptions::default()),
        None => skipped("ResNet-20 there and back: model or images are not there"),
    }
}

#[test]
#[ignore = "long tier: calibrates a real CNN"]
fn efficientnet() {
    match DataSet::efficientnet() {
        Some(data) => comes_back("efficientnet_lite0", &data, &QuantizeOptions::default()),
        None => skipped("EfficientNet-Lite0 there and back: model or images are not there"),
    }
}

/// Images of `count` of which ours and ONNX Runtime's greatest output differ, and our notes.
fn misses(python: &str, data: &DataSet, form: &str, count: usize) -> (usize, Vec<String>) {
    let folder = scratch(&format!("resnet20_{form}"));
    let images: Vec<_> = (0..count).map(|index| data.image(index).remove(0)).collect();
    let [file, input] = ["static.onnx", "images.npy"].map(|name| folder.join(name));
    save(&input, &images);
    run(python, &[&script("qdq_static.py"), &resnet20_file(), &input, &file, Path::new(form)]);
    let bytes = std::fs::read(&file).unwrap();
    let graph = import(&bytes);
    let seen = calibrate(&graph, 20, |index| data.image(index)).unwrap();
    let quantized = quantize_traced(&graph, &seen, &QuantizeOptions::default()).unwrap();
    let prepared = Prepared::new(&quantized.graph).unwrap();
    let theirs = outputs(python, &format!("resnet20_{form}"), &bytes, &images, "off");
    let differ = |(image, theirs): (&Tensor, &Vec<f32>)| {
        let ours = evaluate::logits(&prepared, std::slice::from_ref(image)).unwrap();
        usize::from(greatest(&ours) != greatest(theirs))
    };
    let notes = graph.notes.iter().chain(&quantized.trace.notes).cloned().collect();
    (images.iter().zip(&theirs).map(differ).sum(), notes)
}

#[test]
fn made_by_onnxruntime() {
    let (Some(python), Some(data)) =
        (python_with("onnx, onnxruntime.quantization, numpy"), DataSet::resnet20())
    else {
        return skipped("ResNet-20 quantized by ONNX Runtime: ONNX Runtime, model or images are not there");
    };
    for form in ["channel", "tensor", "unsigned"] {
        let (misses, notes) = misses(&python, &data, form, 1000);
        eprintln!(
            "resnet20 by ONNX Runtime, weights {form}: {misses} of 1000 images have another greatest output"
        );
        notes.iter().for_each(|note| eprintln!("  note: {note}"));
        assert!(misses <= 20, "{form}: {misses} misses");
    }
}
