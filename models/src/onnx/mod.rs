//! ONNX import (opset 11 to 21): bytes -> [`crate::float::FloatGraph`].
//!
//! [`generated`] holds the protobuf messages, [`mod@import`] the walk over the graph, [`reader`] what
//! an operator's builder sees of a node, [`constants`] the tensors stored in the file, and
//! `shape_arithmetic` folds the integer tensors that exporters use to compute shapes.

pub mod constants;
pub mod import;
pub mod reader;
mod shape_arithmetic;

/// Protobuf messages of ONNX, generated.
#[allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]
#[rustfmt::skip]
pub mod generated;

pub use import::{ImportError, MAX_OPSET, MIN_OPSET, import};
