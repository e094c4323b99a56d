//! Infinite constants: bounds and masks may have them, weights may not.
//!
//! Behind import every constant is finite: where infinity is added, compared or chosen, the greatest finite number
//! does the same.

use std::sync::Arc;

use super::error::ImportError;
use crate::float::{FloatGraph, Links, Op, Tensor, ValueId, ops::binary::Binary};

/// Puts the greatest finite numbers in the place of infinities; an error names a constant that must not have any.
pub fn bound(graph: &mut FloatGraph) -> Result<(), ImportError> {
    // Most constants are finite, which is seen faster than where one is not.
    let infinite = |tensor: &Arc<Tensor>| {
        if tensor.is_finite() { None } else { tensor.data().iter().position(|x| x.is_infinite()) }
    };
    let found: Vec<(ValueId, usize)> = (0..graph.values.len())
        .filter_map(|id| Some((ValueId(id), graph.values[id].constant.as_ref().and_then(infinite)?)))
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    let links = graph.links();
    for (id, element) in found {
        let value = &mut graph.values[id.0];
        let Some(tensor) = value.constant.take() else { continue };
        let (name, x) = (value.name.clone(), tensor.data()[element]);
        let data = tensor.data().iter().map(|x| x.clamp(f32::MIN, f32::MAX)).collect();
        let bounded = Tensor::new(tensor.shape().to_vec(), data);
        let refused = |reason: String| ImportError::Tensor { name: name.clone(), reason };
        value.constant = Some(Arc::new(bounded.map_err(|error| refused(error.to_string()))?));
        if !only_bounds(graph, &links, id) {
            return Err(refused(format!("element {element} is {x}, not a finite number")));
        }
    }
    Ok(())
}

/// Whether a value is only added, compared or chosen, if need be after moves.
fn only_bounds(graph: &FloatGraph, links: &Links, id: ValueId) -> bool {
    !links.is_output(id)
        && links.consumers(id).iter().all(|&node| {
            let node = graph.node(node);
            match node.op {
                Op::Binary(Binary::Add | Binary::Sub | Binary::Max | Binary::Min) | Op::Select(_) => true,
                Op::Reshape(_)
                | Op::Transpose(_)
                | Op::Identity(_)
                | Op::Slice(_)
                | Op::Gather(_)
                | Op::Concat(_) => node.outputs.iter().all(|&output| only_bounds(graph, links, output)),
                _ => false,
            }
        })
}
