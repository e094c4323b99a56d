//! The float half: tensors, the float graph, its operators, passes and interpreter.
//!
//! Contract: a [`FloatGraph`] that [`FloatGraph::validate`] accepts has known shapes, is sorted
//! topologically, and holds f32 values only (integer operands became attributes at import).

pub mod functions;
pub mod gemm;
pub mod graph;
pub mod grid;
pub mod heads;
pub mod interpreter;
pub mod nodes;
pub mod ops;
pub mod passes;
pub mod tensor;
mod text;

pub use graph::{FixedDim, FloatGraph, GraphError, Node, NodeId, Value, ValueId};
pub use grid::Grid;
pub use interpreter::{RunError, run, run_all, run_observed};
pub use nodes::{Links, Nodes};
pub use ops::{Op, OpError, Operator};
pub use tensor::{Tensor, TensorError};
