//! A folder's network as ONNX with pairs of QuantizeLinear and DequantizeLinear, in ONNX Runtime.

use std::path::Path;

use bitgauge_models::float::{Tensor, passes};
use bitgauge_models::integer::{QuantizeOptions, calibrate, quantize_traced};
use bitgauge_models::npy::{self, NpyData};
use bitgauge_models::onnx;
use bitgauge_tests::exported::{Distance, compare};

use crate::folder::Folder;

/// Images of a file of bytes, as the network reads them.
fn images(path: &Path) -> Vec<Tensor> {
    let array = npy::read(&std::fs::read(path).unwrap()).unwrap();
    let (NpyData::U8(pixels), &[n, h, w, c]) = (array.data, &array.shape[..]) else { panic!("no images") };
    let real = |image: usize, i: usize| {
        let (channel, pixel) = (i / (h * w), i % (h * w));
        (f32::from(pixels[(image * h * w + pixel) * c + channel]) - 128.0) / 64.0
    };
    (0..n)
        .map(|image| Tensor::new(vec![1, c, h, w], (0..c * h * w).map(|i| real(image, i)).collect()).unwrap())
        .collect()
}

/// How far output codes are from the integer network's, optimizations off and on; `None` without ONNX Runtime.
pub fn distances(folder: &Folder) -> Option<[Distance; 2]> {
    let mut graph = onnx::import(&folder.read("model.onnx")).unwrap();
    passes::simplify(&mut graph).unwrap();
    let calibration = images(&folder.path().join("cal.npy"));
    let seen = calibrate(&graph, calibration.len(), |i| vec![calibration[i].clone()]).unwrap();
    let quantized = quantize_traced(&graph, &seen, &QuantizeOptions::default()).unwrap();
    let file = onnx::export(&graph, &quantized).unwrap();
    let images: Vec<_> =
        images(&folder.path().join("img.npy")).into_iter().map(|image| vec![image]).collect();
    let found = compare(&file, &quantized.graph, &images).unwrap()?;
    Some(found.outputs)
}
