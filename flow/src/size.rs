//! What a network of integers weighs.

use bitgauge_models::integer::{IntGraph, IntOp};

/// Bytes of the quantized weights, each layer's at its own width.
#[must_use]
pub fn weight_bytes(graph: &IntGraph) -> u64 {
    let bytes = |op: &IntOp| match op {
        IntOp::Conv { weight, .. } | IntOp::Depthwise { weight, .. } | IntOp::Phased { weight, .. } => {
            (weight.len() as u64 * u64::from(weight.bits)).div_ceil(8)
        }
        _ => 0,
    };
    graph.nodes.iter().map(|node| bytes(&node.op)).sum()
}

/// Trained values: weights, one bias per output, scale and shift of LayerNorm, and constants.
#[must_use]
pub fn parameters(graph: &IntGraph) -> u64 {
    let of_node = |op: &IntOp| match op {
        IntOp::Conv { weight, parameters, .. }
        | IntOp::Depthwise { weight, parameters, .. }
        | IntOp::Phased { weight, parameters, .. } => weight.len() + parameters.len(),
        IntOp::LayerNorm { parameters, .. } => 2 * parameters.len(),
        _ => 0,
    };
    let constants = graph.tensors.iter().filter(|tensor| tensor.constant.is_some());
    let constants: usize = constants.map(|tensor| tensor.shape.elements()).sum();
    (graph.nodes.iter().map(|node| of_node(&node.op)).sum::<usize>() + constants) as u64
}
