//! Does ONNX Runtime compute what the integer interpreter computes from a network that was exported?
//!
//! The second source is ONNX Runtime, its graph optimizations off and on. Of the exact export every code of the
//! outputs is equal. Of pairs of QuantizeLinear and DequantizeLinear, which it computes in float with optimizations off
//! and mostly in integers with them on, at most 1 in 256 images, and 3 in 1000, may have another greatest output.
//!
//! Needs a Python (environment variable BITGAUGE_PYTHON, or python3) with onnxruntime and numpy, and for the
//! larger networks the data of docs/status/accuracy.md; what is missing is skipped with one line.

// Helpers outside of #[test] functions fail the test by panicking, and say what is skipped.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod integer_support;
mod onnxruntime_support;

use bitgauge_models::integer::{Assignment, Prepared, QuantizeOptions, evaluate, quantize_traced};
use bitgauge_models::onnx;
use integer_support::{DataSet, mnist};
use onnxruntime_support::{greatest, outputs, python, skipped};

/// Images of which every code is compared.
const EXACT: usize = 64;

/// Compares `most` images at most, of which `allowed` may differ.
fn agrees(name: &str, data: Option<DataSet>, options: &QuantizeOptions, most: usize, allowed: usize) {
    let Some(python) = python() else {
        return skipped(
            "ONNX Runtime on exported networks; `pip install onnxruntime numpy`, set BITGAUGE_PYTHON",
        );
    };
    let Some(data) = data else {
        return skipped(&format!("the export of {name} against ONNX Runtime: model or images are not there"));
    };
    let quantized = quantize_traced(&data.graph, &data.calibrated(), options).unwrap();
    let bytes = onnx::export(&data.graph, &quantized).unwrap();
    assert_eq!(bytes, onnx::export(&data.graph, &quantized).unwrap(), "two exports differ");
    let count = data.count().min(most);
    let images: Vec<_> = (0..count).map(|index| data.image(index).remove(0)).collect();
    let prepared = Prepared::new(&quantized.graph).unwrap();
    let ours: Vec<Vec<u8>> = images
        .iter()
        .map(|image| {
            let inputs = evaluate::encode_inputs(&quantized.graph, std::slice::from_ref(image)).unwrap();
            prepared.run_outputs(&inputs).unwrap().remove(0)
        })
        .collect();
    let output = &quantized.graph.outputs[0];
    let tensor = quantized.graph.tensor(output.tensor);
    // Written as the integers' own arithmetic, every code is equal.
    let exact = onnx::export_exact(&data.graph, &quantized.graph).unwrap();
    let few = &images[..count.min(EXACT)];
    for level in ["off", "on"] {
        let theirs = outputs(&python, &format!("{name}_exact"), &exact, few, level);
        assert_eq!(theirs.len(), few.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let codes = output.order.take(ours, tensor.code.container().bytes());
            let differ = |&(index, &real): &(usize, &f32)| {
                tensor.code.encode(f64::from(real)) != tensor.code.read(&codes, index)
            };
            assert_eq!(theirs.iter().enumerate().find(differ), None, "{name}, optimizations {level}");
        }
    }
    for level in ["off", "on"] {
        let theirs = outputs(&python, name, &bytes, &images, level);
        let (mut misses, mut equal, mut worst, mut all) = (0, 0, 0i32, 0);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let ours_in_order = output.order.take(ours, tensor.code.container().bytes());
            misses += usize::from(greatest(&output.reals(&quantized.graph, ours)) != greatest(theirs));
            for (index, &real) in theirs.iter().enumerate() {
                let apart = tensor.code.encode(f64::from(real)) - tensor.code.read(&ours_in_order, index);
                equal += usize::from(apart == 0);
                worst = worst.max(apart.abs());
                all += 1;
            }
        }
        let steps = i64::from(tensor.code.range().1) - i64::from(tensor.code.range().0);
        eprintln!(
            "{name}, optimizations {level}: {misses} of {count} images have another greatest output; {equal} of \
             {all} output codes are equal, the farthest is {worst} of {steps} steps away",
        );
        assert!(misses <= allowed, "optimizations {level}: {misses} misses");
    }
}

fn narrow() -> QuantizeOptions {
    QuantizeOptions { bits: Assignment::uniform(4, 8), ..QuantizeOptions::default() }
}

#[test]
fn shipped_cnn() {
    agrees("cnn_mnist", mnist("cnn_mnist"), &QuantizeOptions::default(), 1000, 3);
}

#[test]
fn shipped_transformer() {
    agrees("vit_mnist", mnist("vit_mnist"), &QuantizeOptions::default(), 1000, 3);
}

#[test]
fn resnet20() {
    agrees("resnet20", DataSet::resnet20(), &QuantizeOptions::default(), 1000, 3);
}

#[test]
fn four_bit_weights() {
    agrees("cnn_mnist_w4", mnist("cnn_mnist"), &narrow(), 1000, 3);
}

#[test]
fn narrow_activations() {
    for activation_bits in [4, 5] {
        let options =
            QuantizeOptions { bits: Assignment::uniform(8, activation_bits), ..QuantizeOptions::default() };
        let name = format!("cnn_mnist_a{activation_bits}");
        agrees(&name, mnist("cnn_mnist"), &options, 1000, 3);
    }
}

#[test]
#[ignore = "long tier: 256 images of a real CNN in ONNX Runtime without optimizations"]
fn efficientnet() {
    agrees("efficientnet_lite0", DataSet::efficientnet(), &QuantizeOptions::default(), 256, 1);
}
