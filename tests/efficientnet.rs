//! Does a network of the real world (EfficientNet-Lite0, 224 x 224) come out of the simulator as it comes out
//! of the interpreter?

// Says what it measured.
#![allow(clippy::print_stderr)]

use bitgauge_arch::codec::Codec;
use bitgauge_compiler::Options;
use bitgauge_models::integer::QuantizeOptions;
use bitgauge_tests::{assert_equal, design, efficientnet, float_model, quantized};

#[test]
fn every_tensor_equals_the_interpreters() {
    let Some((model, images)) = efficientnet() else { return };
    let graph = quantized(&float_model(&model), &images, 4, QuantizeOptions::default());
    let observed = Options { reuse_memory: false, codec: Codec::None, observe: true };
    let several = [images.tensor(5), images.tensor(70)];
    for name in ["reference-8x8", "reference-16x16", "reference-32x32"] {
        let (runs, bytes) = assert_equal("all tensors", &graph, &design(name), &observed, &several);
        eprintln!("EfficientNet-Lite0 on {name}: {} cycles, {bytes} bytes equal", runs[0].cycles);
    }
    let image = [images.tensor(5)];
    let (runs, _) =
        assert_equal("memory reused", &graph, &design("reference-32x32"), &Options::default(), &image);
    eprintln!("EfficientNet-Lite0 on reference-32x32: {} cycles", runs[0].cycles);
}
