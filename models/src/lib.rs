//! Models: ONNX import, the float graph with its interpreter and simplification passes, `.npy` files.
//!
//! The road of a model: [`onnx::import()`] makes a [`float::FloatGraph`] with every shape known,
//! [`float::passes::simplify`] brings it to the few operators that quantization understands, and
//! [`float::run`] computes it in f32 as the reference for everything after it.

pub mod float;
pub mod integer;
pub mod npy;
pub mod onnx;
