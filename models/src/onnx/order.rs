//! The order in which import visits the nodes of a file.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::error::ImportError;
use super::generated::GraphProto;
use super::import::node_name;

/// Indices of the nodes, producers first; among ready nodes the file's order. (The specification
/// wants the file sorted already, but some exporters do not sort.)
pub fn topological_order(graph: &GraphProto) -> Result<Vec<usize>, ImportError> {
    let mut producer: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, node) in graph.node.iter().enumerate() {
        for out in node.output.iter().filter(|o| !o.is_empty()) {
            if producer.insert(out, i).is_some() {
                return Err(ImportError::Duplicate { node: node_name(node, i), value: out.clone() });
            }
        }
    }
    let mut waits = vec![0usize; graph.node.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); graph.node.len()];
    for (i, node) in graph.node.iter().enumerate() {
        for p in node.input.iter().filter_map(|name| producer.get(name.as_str())) {
            waits[i] += 1;
            readers[*p].push(i);
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..waits.len()).filter(|&i| waits[i] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(Reverse(i)) = ready.pop() {
        order.push(i);
        for &r in &readers[i] {
            waits[r] -= 1;
            if waits[r] == 0 {
                ready.push(Reverse(r));
            }
        }
    }
    match waits.iter().position(|&w| w > 0) {
        None => Ok(order),
        Some(i) => Err(ImportError::Cycle {
            node: node_name(&graph.node[i], i),
            op: graph.node[i].op_type().to_owned(),
        }),
    }
}
