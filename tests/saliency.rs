//! Does a trained vision transformer with a decoder (ViT-S, 224 x 224, saliency) keep its accuracy in integers
//! throughout, and does it come out of the simulator as it comes out of the interpreter?
//!
//! The figure: mean over images of the intersection over union of `output > 0.5` with the mask, of the integer
//! network and of the float network on the same images.

// Helpers outside of #[test] functions fail the test by panicking, and say what they measured.
#![allow(clippy::print_stderr, clippy::unwrap_used)]

use bitgauge_arch::codec::Codec;
use bitgauge_compiler::Options;
use bitgauge_models::float;
use bitgauge_models::integer::evaluate::outputs;
use bitgauge_models::integer::{Assignment, Prepared, QuantizeOptions, RangeRule, calibrate, quantize};
use bitgauge_testing::Random;
use bitgauge_tests::networks::{decoder, noise};
use bitgauge_tests::{DESIGNS, assert_equal, design, float_model, quantized, saliency};

/// Images for calibration, the first; the figure is of those behind them.
const CALIBRATION: usize = 20;
const IMAGES: usize = 100;

/// All but one value in a million counts: a transformer attends to what few tokens hold.
fn options() -> QuantizeOptions {
    QuantizeOptions { range: RangeRule::Percentile(0.999_999), ..QuantizeOptions::default() }
}

/// Intersection over union; 1 where neither has a pixel.
fn overlap(output: &[f32], mask: &[u8]) -> f64 {
    assert_eq!(output.len(), mask.len());
    let both = |any: bool| {
        let pairs = output.iter().zip(mask).map(|(&p, &m)| (p > 0.5, m > 0));
        pairs.filter(|&(p, m)| if any { p || m } else { p && m }).count()
    };
    if both(true) == 0 { 1.0 } else { both(false) as f64 / both(true) as f64 }
}

#[test]
#[ignore = "long tier: 160 inferences of 8 GMAC"]
fn the_maps_are_as_good_as_the_float_networks() {
    let Some((model, images, masks)) = saliency() else { return };
    let float = float_model(&model);
    let graph = quantized(&float, &images, CALIBRATION, options());
    let prepared = Prepared::new(&graph).unwrap();
    let pixels = masks.len() / IMAGES;
    let mut sums = [0.0; 2];
    for index in CALIBRATION..IMAGES {
        let image = [images.tensor(index)];
        let mask = &masks[index * pixels..][..pixels];
        sums[0] += overlap(float::run(&float, &image).unwrap()[0].data(), mask);
        sums[1] += overlap(&outputs(&prepared, &image).unwrap()[0], mask);
    }
    let [float, integer] = sums.map(|sum| sum / (IMAGES - CALIBRATION) as f64);
    eprintln!("ViT-S saliency, {} images: IoU {float:.4} float, {integer:.4} integer", IMAGES - CALIBRATION);
    assert!(integer > float - 0.012, "{integer} is more than 0.012 below {float}");
}

#[test]
#[ignore = "long tier: simulates 8 GMAC"]
fn every_tensor_equals_the_interpreters() {
    let Some((model, images, _)) = saliency() else { return };
    let graph = quantized(&float_model(&model), &images, CALIBRATION, options());
    let observed = Options { reuse_memory: false, codec: Codec::None, observe: true };
    let image = [images.tensor(CALIBRATION)];
    let (runs, bytes) = assert_equal("all tensors", &graph, &design("reference-16x16"), &observed, &image);
    eprintln!("ViT-S saliency on reference-16x16: {} cycles, {bytes} bytes equal", runs[0].cycles);
    let (runs, _) =
        assert_equal("memory reused", &graph, &design("reference-16x16"), &Options::default(), &image);
    eprintln!("ViT-S saliency on reference-16x16, memory reused: {} cycles", runs[0].cycles);
}

#[test]
fn a_small_decoder_is_bit_exact_on_every_design() {
    let float = decoder(3);
    let mut random = Random(4);
    let inputs = [(); 3].map(|()| noise(&mut random, &[1, 65, 48], 0.0, 1.0));
    let seen = calibrate(&float, inputs.len(), |index| vec![inputs[index].clone()]).unwrap();
    let graph = quantize(&float, &seen, &QuantizeOptions::default()).unwrap();
    let narrow = QuantizeOptions { bits: Assignment::uniform(8, 5), ..QuantizeOptions::default() };
    let narrow = quantize(&float, &seen, &narrow).unwrap();
    for name in DESIGNS {
        let kept = Options { reuse_memory: false, ..Options::default() };
        assert_equal(name, &graph, &design(name), &kept, &inputs);
        let packed = Options { codec: Codec::Pack, ..Options::default() };
        assert_equal(&format!("{name}, packed"), &narrow, &design(name), &packed, &inputs);
    }
}
