//! What became of the float graph: for those who write it out again with the codes of the integer graph.
//!
//! Everything is keyed by values of the float graph that was quantized, nodes by their first output.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::float::ValueId;
use crate::integer::graph::{CodeType, IntGraph, IntOp};

/// An integer graph and what became of the float graph it was made of.
#[derive(Clone, Debug)]
pub struct Quantized {
    /// The network.
    pub graph: IntGraph,
    /// How it follows from the float graph.
    pub trace: Trace,
}

/// Where codes stand in the float graph. Between them values are real, and rounded once at the next codes.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The codes of a value that is stored, or that goes through a table.
    pub codes: BTreeMap<ValueId, CodeType>,
    /// What of the weights and of LayerNorm's parameters became of a node.
    pub layers: BTreeMap<ValueId, Layer>,
    /// What the weights of a transposed convolution stand for, in the order of the float ones: each phase of its
    /// stride has steps of its own.
    pub kernels: BTreeMap<ValueId, Vec<f32>>,
    /// The step to which an addition rounds each of its operands before it adds.
    pub sums: BTreeMap<ValueId, f64>,
    /// Codes of an operand that only one node reads in them: constants, and what is joined with others.
    pub operands: BTreeMap<(ValueId, ValueId), CodeType>,
    /// Shifts of the channels of a value that is stored, where they have steps of their own.
    pub channel_shifts: BTreeMap<ValueId, Arc<[u8]>>,
    /// What the model says of its codes and the network does not keep, a sentence each.
    pub notes: Vec<String>,
}

/// A node with weights, or a LayerNorm.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// Index of the integer node.
    pub node: usize,
    /// Codes that it reads.
    pub from: CodeType,
    /// What they are multiplied by on the way, in views that move no data.
    pub factor: f64,
    /// Codes that it requantizes to: those before a table.
    pub to: CodeType,
}

impl Quantized {
    /// The integer operator of a layer.
    #[must_use]
    pub fn operator(&self, layer: &Layer) -> Option<&IntOp> {
        self.graph.nodes.get(layer.node).map(|node| &node.op)
    }
}
