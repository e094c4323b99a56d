//! ONNX import (opset 11 to 21): bytes -> [`crate::float::FloatGraph`].
//!
//! [`generated`] holds the protobuf messages, [`mod@import`] the walk over the graph, [`reader`] what
//! an operator's builder sees of a node, [`constants`] the tensors stored in the file, [`external`] those
//! stored beside it, [`outline`] the file without its large tensors, and [`shape_arithmetic`] folds the integer tensors that exporters use to compute
//! shapes. [`operators_page`] writes the table of operators as a page of documentation.

mod attributes;
pub mod constants;
pub mod error;
mod export;
pub mod external;
pub mod import;
mod importer;
mod infinities;
mod operators_page;
mod order;
pub mod outline;
pub mod reader;
pub mod shape_arithmetic;

/// Protobuf messages of ONNX, generated.
#[allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]
#[rustfmt::skip]
pub mod generated;

pub use error::ImportError;
pub use export::{EXPORT_OPSET, ExportError, ReadError, export, export_exact, integer_network};
pub use import::{ImportOptions, MAX_OPSET, MIN_OPSET, import, import_from, import_with};
pub use operators_page::{operator_names, operators_page};
