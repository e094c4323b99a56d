//! What is built into the program, so that it works wherever it is installed.

/// The trained vision transformer.
pub const VIT_MNIST: &[u8] = include_bytes!("../models/zoo/vit_mnist.onnx");
/// The sample of MNIST.
pub const MNIST: &str = include_str!("../models/zoo/mnist.toml");
/// The reference design.
pub const REFERENCE_16X16: &str = include_str!("../designs/reference-16x16.toml");

/// A file that [`MNIST`] names.
pub fn mnist_file(name: &str) -> Option<&'static [u8]> {
    match name {
        "mnist_calibration_u8.npy" => Some(include_bytes!("../models/zoo/mnist_calibration_u8.npy")),
        "mnist_test_u8.npy" => Some(include_bytes!("../models/zoo/mnist_test_u8.npy")),
        "mnist_test_labels_i64.npy" => Some(include_bytes!("../models/zoo/mnist_test_labels_i64.npy")),
        _ => None,
    }
}
