//! What the tests of this crate run: the transformer that ships, its images, the reference design.

use bitgauge_arch::Accelerator;
use bitgauge_models::float::{FloatGraph, passes};
use bitgauge_models::npy::{self, NpyData};
use bitgauge_models::onnx;

use crate::images::Images;

pub fn network() -> FloatGraph {
    let mut graph = onnx::import(include_bytes!("../../models/zoo/vit_mnist.onnx")).unwrap();
    passes::simplify(&mut graph).unwrap();
    graph
}

/// The images that test; the numbers are those of `models/zoo/mnist.toml`.
pub fn images() -> Images {
    let array = npy::read(include_bytes!("../../models/zoo/mnist_test_u8.npy")).unwrap();
    let (&[count, rows, cols, channels], NpyData::U8(pixels)) = (&array.shape[..], array.data) else {
        unreachable!("the images that ship are bytes")
    };
    Images::new(pixels, [count, rows, cols, channels], vec![33.3285], vec![78.5655]).unwrap()
}

pub fn labels() -> Vec<i64> {
    match npy::read(include_bytes!("../../models/zoo/mnist_test_labels_i64.npy")).unwrap().data {
        NpyData::I64(labels) => labels,
        _ => unreachable!("the labels that ship are integers"),
    }
}

pub fn accelerator() -> Accelerator {
    Accelerator::from_toml(include_str!("../../designs/reference-16x16.toml")).unwrap()
}
