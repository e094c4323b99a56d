//! Does a network of the real world (EfficientNet-Lite0, 224 x 224) come out of the simulator as it comes out
//! of the interpreter?

// Says what is skipped.
#![allow(clippy::print_stderr)]

use bitgauge_compiler::{CodecChoice, Options};
use bitgauge_models::integer::QuantizeOptions;
use bitgauge_tests::{Images, assert_equal, design, float_model, quantized, repository};

#[test]
fn every_tensor_equals_the_interpreters() {
    let models = ["models/zoo/data/efficientnet_lite0.onnx", "../shared/data/models/efficientnet_lite0.onnx"];
    let arrays = ["models/zoo/data/imagenet_test_u8.npy", "../shared/data/images/nips2017_224_n256_u8.npy"];
    let find = |paths: &[&str]| paths.iter().map(|path| repository(path)).find(|path| path.exists());
    let (Some(model), Some(array)) = (find(&models), find(&arrays)) else {
        eprintln!(
            "SKIPPED: EfficientNet-Lite0 on the simulator: `cargo xtask fetch` brings the model to {}; the \
             images are yours to supply as {}",
            models[0], arrays[0]
        );
        return;
    };
    let images = Images::load(&array, 127.0, 128.0);
    let graph = quantized(&float_model(&model), &images, 4, QuantizeOptions::default());
    let observed = Options { reuse_memory: false, codec: CodecChoice::None, observe: true };
    let image = [images.tensor(5)];
    let (runs, bytes) = assert_equal("all tensors", &graph, &design("reference-16x16"), &observed, &image);
    eprintln!("EfficientNet-Lite0 on reference-16x16: {} cycles, {bytes} bytes equal", runs[0].cycles);
    let (runs, _) =
        assert_equal("memory reused", &graph, &design("reference-32x32"), &Options::default(), &image);
    eprintln!("EfficientNet-Lite0 on reference-32x32: {} cycles", runs[0].cycles);
}
