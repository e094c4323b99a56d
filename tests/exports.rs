//! Does a quantized network that is written as ONNX compute in floats what its integers compute?
//!
//! Here the float interpreter runs what was written, for networks made of what the shipped ones lack; ONNX Runtime runs
//! real ones in `models/tests/qdq_export.rs`.

// Helpers outside of #[test] functions fail the test by panicking, and say what they measured.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use bitgauge_models::float::{heads, run};
use bitgauge_models::integer::evaluate::encode_inputs;
use bitgauge_models::integer::{Prepared, QuantizeOptions, calibrate, quantize_traced};
use bitgauge_models::onnx;
use bitgauge_tests::networks::{branches, decoder, noise};
use bitgauge_tests::orders;
use bitgauge_tests::programs::Random;

/// Transposed convolutions, and what simplification writes with others.
#[test]
fn an_export_computes_what_the_integers_do() {
    let cases = [("decoder", decoder(3), vec![1, 65, 48]), ("branches", branches(3), vec![1, 3, 15, 13])];
    let cases = cases.into_iter().chain(orders::all(3));
    for (name, float, shape) in cases {
        let mut random = Random(9);
        let images: Vec<_> = (0..4).map(|_| noise(&mut random, &shape, 0.0, 1.0)).collect();
        let calibration = calibrate(&float, images.len(), |index| vec![images[index].clone()]).unwrap();
        let quantized = quantize_traced(&float, &calibration, &QuantizeOptions::default()).unwrap();
        let exported = onnx::import(&onnx::export(&float, &quantized).unwrap()).unwrap();
        // Codes are compared before what is left to the host.
        let exported = heads::take_off(&exported).0;
        let prepared = Prepared::new(&quantized.graph).unwrap();
        let output = &quantized.graph.outputs[0];
        let code = quantized.graph.tensor(output.tensor).code;
        let (mut equal, mut all) = (0, 0);
        for image in &images {
            let inputs = encode_inputs(&quantized.graph, std::slice::from_ref(image)).unwrap();
            let ours = prepared.run_outputs(&inputs).unwrap().remove(0);
            let theirs = run(&exported, std::slice::from_ref(image)).unwrap().remove(0);
            let ours = output.order.take(&ours, code.container_bytes());
            assert_eq!(theirs.shape().iter().map(|&d| d as u64).collect::<Vec<_>>(), output.order.dims);
            for (at, &real) in theirs.data().iter().enumerate() {
                let apart = code.encode(f64::from(real)) - code.read(&ours, at);
                let steps = if code.container_bytes() == 1 { 2 } else { 600 };
                assert!(apart.abs() <= steps, "{name}: {apart} steps apart");
                equal += usize::from(apart == 0);
                all += 1;
            }
        }
        eprintln!("{name}: {equal} of {all} output codes are equal");
    }
}
