//! Why a file is refused: every error names its place and what is supported.

use thiserror::Error;

use super::import::{MAX_OPSET, MIN_OPSET};
use crate::float::graph::GraphError;
use crate::float::ops::OpError;
use crate::float::tensor::{MAX_ELEMENTS, TensorError};

/// Why a file is refused.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ImportError {
    /// The bytes are no protobuf message (truncated, or no ONNX file).
    #[error("not an ONNX file, or truncated: {0}")]
    Decode(#[from] prost::DecodeError),
    /// The file cannot be read.
    #[error("cannot read the file: {0}")]
    Read(String),
    /// There is no graph in the file.
    #[error("the file holds no graph")]
    NoGraph,
    /// The operator set is missing or out of range.
    #[error("operator set {found} is not supported (supported: {MIN_OPSET} to {MAX_OPSET})")]
    Opset {
        /// What the file asks for.
        found: String,
    },
    /// A feature of ONNX that has no place here.
    #[error("{0}")]
    Unsupported(String),
    /// An operator that is not in the table.
    #[error("node `{node}`: operator `{op}` is not supported (supported: {supported})")]
    UnknownOperator {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// All operators in the table.
        supported: String,
    },
    /// An attribute that the operator's builder does not know.
    #[error("node `{node}` ({op}): attribute `{attribute}` is not supported (supported: {supported})")]
    UnknownAttribute {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// The attribute.
        attribute: String,
        /// What the builder knows.
        supported: String,
    },
    /// An operator refuses its attributes or operands.
    #[error("node `{node}` ({op}): {source}")]
    Node {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// What is wrong.
        source: OpError,
    },
    /// A stored tensor is not usable.
    #[error("tensor `{name}`: {reason}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A graph input is not usable.
    #[error("input `{name}`: {reason}")]
    Input {
        /// The input.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A shape is too large.
    #[error("`{name}`: {source}")]
    Size {
        /// The value.
        name: String,
        /// What is wrong.
        source: TensorError,
    },
    /// All values together are too large.
    #[error("the tensors of the graph have more than {MAX_ELEMENTS} elements together")]
    TotalSize,
    /// Nodes feed each other in a circle.
    #[error("node `{node}` ({op}) is part of a cycle, or fed by one")]
    Cycle {
        /// A node on or behind the cycle.
        node: String,
        /// Its operator.
        op: String,
    },
    /// A name that nothing defines.
    #[error("`{node}` reads `{input}`, which no input, initializer or node defines")]
    Undefined {
        /// The reader.
        node: String,
        /// The name.
        input: String,
    },
    /// A name that is defined twice.
    #[error("`{value}` is defined twice, the second time by `{node}`")]
    Duplicate {
        /// The second definition.
        node: String,
        /// The name.
        value: String,
    },
    /// The result does not pass [`crate::float::FloatGraph::validate`].
    #[error(transparent)]
    Invalid(#[from] GraphError),
}
