//! What every network of the spellings has to pass.

use bitgauge_models::float::{Tensor, passes, run};
use bitgauge_models::onnx::import;
use serde_json::Value;

use crate::folder::{Data, Folder, last_decibels};
use bitgauge_testing::Random;

/// Least signal to noise of the output, in decibels.
const LEAST: f64 = 25.0;

/// The passes leave the float network as it was; quantization keeps its output to 25 dB; simulator and
/// interpreter agree on one image. What `quantize` and `run` say of it.
pub fn sound(model: &[u8], image: [usize; 3]) -> [Value; 2] {
    same_after_passes(model);
    let folder = Folder::new(model, &Data { count: 8, image, labels: None });
    let quantized = folder.quantize(&[]);
    least_decibels(&quantized);
    [quantized, folder.run()]
}

/// Whether `quantize` says that the output keeps its signal.
pub fn least_decibels(quantized: &Value) {
    let decibels = last_decibels(quantized);
    assert!(decibels > LEAST, "{decibels} dB");
}

/// Whether the float interpreter gives the same before and after the passes.
fn same_after_passes(model: &[u8]) {
    let graph = import(model).unwrap_or_else(|error| panic!("{error}"));
    let mut random = Random(3);
    let mut noise = |shape: &[usize]| {
        let data = (0..shape.iter().product()).map(|_| random.normal()).collect();
        Tensor::new(shape.to_vec(), data).unwrap()
    };
    let inputs: Vec<Tensor> = graph.inputs.iter().map(|&v| noise(graph.shape(v))).collect();
    let before = run(&graph, &inputs).unwrap();
    let mut simple = graph.clone();
    passes::simplify(&mut simple).unwrap();
    for (a, b) in run(&simple, &inputs).unwrap().iter().zip(&before) {
        assert_eq!(a.shape(), b.shape());
        let error = a.relative_error(b);
        assert!(error <= 1e-4, "the passes change the network: {error}");
    }
}
