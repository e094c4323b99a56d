//! Simplification passes.

use super::graph::{FloatGraph, GraphError};

/// Placeholder until the list below is filled.
pub fn simplify(graph: &mut FloatGraph) -> Result<(), GraphError> {
    graph.validate()
}
