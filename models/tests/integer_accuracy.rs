//! Accuracy of quantized networks against float, on real images.

// Helpers outside of #[test] functions fail the test by panicking, and say what they measured or skip.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "integer_support/mod.rs"]
mod support;

use bitgauge_models::integer::{InputCode, QuantizeOptions, RangeRule, WeightClip};
use support::{DataSet, check, mnist, report, skipped};

/// Rules to compare: `BITGAUGE_COMPARE=1` prints the figures of all of them.
fn variants(base: &QuantizeOptions) -> Vec<QuantizeOptions> {
    if std::env::var_os("BITGAUGE_COMPARE").is_none() {
        return vec![base.clone()];
    }
    let rules =
        [RangeRule::MinMax, RangeRule::Percentile(0.9999), RangeRule::Percentile(0.99999), RangeRule::Mse];
    let with = |&range: &RangeRule| {
        [WeightClip::Max, WeightClip::Mse].map(|weight_clip| QuantizeOptions {
            range,
            weight_clip,
            ..base.clone()
        })
    };
    rules.iter().flat_map(with).collect()
}

fn mnist_options() -> QuantizeOptions {
    QuantizeOptions { input: InputCode::Pixels { mean: 33.3285, std: 78.5655 }, ..Default::default() }
}

fn mnist_model(name: &str) {
    let Some(data) = mnist(name) else {
        skipped(&format!("models/zoo/{name}.onnx or its images are not there"));
        return;
    };
    for options in variants(&mnist_options()) {
        let result = report(name, &data, &options);
        if options == mnist_options() {
            // Absolute: the figures of the README, over the images that ship or all that were fetched.
            let float = result.float.as_ref().map(|float| float.top1);
            let wanted = match (name, result.images) {
                ("vit_mnist", 10_000) => (9811, 9807),
                ("vit_mnist", _) => (492, 492),
                (_, 10_000) => (9951, 9949),
                _ => (498, 498),
            };
            assert_eq!((float, result.top1), (Some(wanted.0), wanted.1), "{name}, {} images", result.images);
        }
    }
}

#[test]
fn vit_mnist() {
    mnist_model("vit_mnist");
}

#[test]
fn cnn_mnist() {
    mnist_model("cnn_mnist");
}

#[test]
#[ignore = "long tier: ResNet-20, 200 images calibrate and 800 are judged: half a minute"]
fn resnet20_cifar10() {
    let Some(data) = DataSet::resnet20() else {
        skipped("ResNet-20 or its images are not beside this checkout");
        return;
    };
    // Mean and deviation differ between the colours, so the input's codes are calibrated as well.
    let base = QuantizeOptions { input: InputCode::Calibrated, ..Default::default() };
    for options in variants(&base) {
        let result = report("resnet20_cifar10", &data, &options);
        if options == base {
            check(&result, 0.5, 95.0);
        }
    }
}

#[test]
#[ignore = "long tier: EfficientNet-Lite0 over 256 images"]
fn efficientnet_lite0() {
    let Some(data) = DataSet::efficientnet() else {
        skipped("EfficientNet-Lite0 or its images are not beside this checkout");
        return;
    };
    let pixels =
        QuantizeOptions { input: InputCode::Pixels { mean: 127.0, std: 128.0 }, ..Default::default() };
    for options in variants(&pixels) {
        let result = report("efficientnet_lite0", &data, &options);
        if options == pixels {
            check(&result, 1.6, 96.0);
        }
    }
}
