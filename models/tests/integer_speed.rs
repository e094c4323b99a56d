//! Time of one image through the integer interpreter, on one thread.

#[path = "integer_support/mod.rs"]
mod support;

use bitgauge_models::integer::QuantizeOptions;

#[test]
#[ignore = "long tier: a timing, EfficientNet-Lite0 on one thread"]
fn one_inference_of_efficientnet_lite0() {
    match support::DataSet::efficientnet() {
        Some(data) => support::time(&data, &QuantizeOptions::default(), 300),
        None => support::skipped("EfficientNet-Lite0 or its images are not beside this checkout"),
    }
}
