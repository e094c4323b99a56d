//! The float interpreter: runs a graph node by node in f32.
//!
//! Contract: deterministic on one machine, never panics on a graph that `validate` accepts, and
//! frees every tensor after its last use.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thiserror::Error;

use super::graph::{FloatGraph, Node, NodeId, ValueId};
use super::ops::unary::Unary;
use super::ops::{Op, OpError};
use super::tensor::Tensor;

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum RunError {
    /// The number of input tensors is wrong.
    #[error("the graph has {expected} inputs, {given} tensors are given")]
    InputCount {
        /// Inputs of the graph.
        expected: usize,
        /// Tensors given.
        given: usize,
    },
    /// An input tensor has another shape than the graph's input.
    #[error("input `{name}` has shape {expected:?}, the tensor given has {given:?}")]
    InputShape {
        /// The graph input.
        name: String,
        /// Its shape.
        expected: Vec<usize>,
        /// Shape of the tensor given.
        given: Vec<usize>,
    },
    /// A value that a node or an output needs is not there (the graph is not valid).
    #[error("value `{0}` is needed before it is computed; validate() says more")]
    Missing(String),
    /// An operator failed.
    #[error("node `{node}` ({op}): {source}")]
    Node {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// What is wrong.
        source: OpError,
    },
}

/// Runs `graph` on `inputs` (one per graph input, in order, of the graph's shapes) and returns its
/// outputs in order.
pub fn run(graph: &FloatGraph, inputs: &[Tensor]) -> Result<Vec<Tensor>, RunError> {
    // Nobody looks at what lies between a convolution and its bounds.
    run_with(graph, inputs, bounded_convolutions(graph), |_, _| {})
}

/// As [`run`], returning every computed value (inputs and node outputs; no constants) by id.
pub fn run_all(graph: &FloatGraph, inputs: &[Tensor]) -> Result<Vec<(ValueId, Tensor)>, RunError> {
    let mut all = Vec::new();
    run_observed(graph, inputs, |id, tensor| all.push((id, tensor.clone())))?;
    Ok(all)
}

/// As [`run`], showing `observe` every graph input and then every node output once, in execution
/// order, before it is freed.
pub fn run_observed(
    graph: &FloatGraph,
    inputs: &[Tensor],
    observe: impl FnMut(ValueId, &Tensor),
) -> Result<Vec<Tensor>, RunError> {
    run_with(graph, inputs, BTreeMap::new(), observe)
}

/// Convolutions whose only reader bounds what they give: the bounds, and the node that reads.
fn bounded_convolutions(graph: &FloatGraph) -> BTreeMap<usize, ([f32; 2], NodeId)> {
    let links = graph.links();
    let bounded = |(i, node): (usize, &Node)| {
        let (Op::Conv(_), &[y]) = (&node.op, &node.outputs[..]) else { return None };
        let reader = links.sole_consumer(y)?;
        let bounds = match &graph.node(reader).op {
            Op::Clip(clip) => [clip.min, clip.max],
            Op::Unary(Unary::Relu) => [0.0, f32::INFINITY],
            _ => return None,
        };
        Some((i, (bounds, reader)))
    };
    graph.nodes.iter().enumerate().filter_map(bounded).collect()
}

/// As [`run_observed`], with some convolutions and the nodes that bound them run as one: what lies between them is
/// not shown.
fn run_with(
    graph: &FloatGraph,
    inputs: &[Tensor],
    bounded: BTreeMap<usize, ([f32; 2], NodeId)>,
    mut observe: impl FnMut(ValueId, &Tensor),
) -> Result<Vec<Tensor>, RunError> {
    let done: BTreeSet<usize> = bounded.values().map(|(_, reader)| reader.0).collect();
    if inputs.len() != graph.inputs.len() {
        return Err(RunError::InputCount { expected: graph.inputs.len(), given: inputs.len() });
    }
    let name = |v: ValueId| match graph.values.get(v.0) {
        Some(value) => value.name.clone(),
        None => format!("#{}", v.0),
    };
    let mut slots: Vec<Option<Arc<Tensor>>> = graph.values.iter().map(|v| v.constant.clone()).collect();
    let mut store = |slots: &mut Vec<Option<Arc<Tensor>>>, v: ValueId, t: Tensor| {
        observe(v, &t);
        match slots.get_mut(v.0) {
            Some(slot) => *slot = Some(Arc::new(t)),
            None => return Err(RunError::Missing(name(v))),
        }
        Ok(())
    };
    for (&v, t) in graph.inputs.iter().zip(inputs) {
        let expected = graph.values.get(v.0).map(|x| x.shape.clone());
        let expected = expected.ok_or_else(|| RunError::Missing(name(v)))?;
        if expected != t.shape() {
            return Err(RunError::InputShape { name: name(v), expected, given: t.shape().to_vec() });
        }
        store(&mut slots, v, t.clone())?;
    }
    let last_use = last_uses(graph);
    for (i, node) in graph.nodes.iter().enumerate().filter(|(i, _)| !done.contains(i)) {
        let fail = |source| {
            let (node, op) = graph.origin(node);
            RunError::Node { node, op, source }
        };
        if let Some(x) = last_operand(&mut slots, &last_use, &node.inputs, i) {
            node.op.operator().infer_shape(&[x.shape()]).map_err(fail)?;
            for (&v, t) in node.outputs.iter().zip(node.op.operator().eval_owned(x).map_err(fail)?) {
                store(&mut slots, v, t)?;
            }
            free(&mut slots, &last_use, &node.outputs, i);
            continue;
        }
        let operands: Vec<Arc<Tensor>> = node
            .inputs
            .iter()
            .map(|&v| slots.get(v.0).cloned().flatten().ok_or_else(|| RunError::Missing(name(v))))
            .collect::<Result<_, _>>()?;
        let operands: Vec<&Tensor> = operands.iter().map(Arc::as_ref).collect();
        let shapes: Vec<&[usize]> = operands.iter().map(|t| t.shape()).collect();
        // Kernels index freely behind the shape rule, so it runs even on a validated graph.
        node.op.operator().infer_shape(&shapes).map_err(fail)?;
        let (results, outputs) = match (&node.op, bounded.get(&i)) {
            (Op::Conv(conv), Some(&(bounds, reader))) => {
                (conv.eval_within(&operands, Some(bounds)), &graph.node(reader).outputs)
            }
            _ => (node.op.operator().eval(&operands), &node.outputs),
        };
        for (&v, t) in outputs.iter().zip(results.map_err(fail)?) {
            store(&mut slots, v, t)?;
        }
        free(&mut slots, &last_use, &node.inputs, i);
        free(&mut slots, &last_use, outputs, i);
    }
    let output = |&v: &ValueId| {
        let t = slots.get(v.0).cloned().flatten();
        t.map(Arc::unwrap_or_clone).ok_or_else(|| RunError::Missing(name(v)))
    };
    graph.outputs.iter().map(output).collect()
}

/// The only operand of node `i`, out of its slot, where nothing reads it after that and it is no constant.
fn last_operand(
    slots: &mut [Option<Arc<Tensor>>],
    last_use: &[Option<usize>],
    inputs: &[ValueId],
    i: usize,
) -> Option<Tensor> {
    let &[v] = inputs else { return None };
    if last_use.get(v.0).copied().flatten() != Some(i) {
        return None;
    }
    let slot = slots.get_mut(v.0)?;
    match slot.take().map(Arc::try_unwrap)? {
        Ok(x) => Some(x),
        Err(shared) => {
            *slot = Some(shared);
            None
        }
    }
}

/// Frees the values that nothing reads after node `i`.
fn free(slots: &mut [Option<Arc<Tensor>>], last_use: &[Option<usize>], values: &[ValueId], i: usize) {
    for v in values {
        if last_use.get(v.0).copied().flatten().is_none_or(|last| last <= i)
            && let Some(slot) = slots.get_mut(v.0)
        {
            *slot = None;
        }
    }
}

/// Index of the last node that reads each value; `usize::MAX` for graph outputs, `None` if unread.
fn last_uses(graph: &FloatGraph) -> Vec<Option<usize>> {
    let mut last = vec![None; graph.values.len()];
    for (i, node) in graph.nodes.iter().enumerate() {
        for v in &node.inputs {
            if let Some(slot) = last.get_mut(v.0) {
                *slot = Some(i);
            }
        }
    }
    for v in &graph.outputs {
        if let Some(slot) = last.get_mut(v.0) {
            *slot = Some(usize::MAX);
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::binary::Binary;

    /// A storage is taken over only where nobody reads it again: not a constant's, an output's, or that of a value
    /// with a later reader.
    #[test]
    fn what_is_read_again_is_not_written_over() {
        let mut graph = FloatGraph::default();
        let value = |graph: &mut FloatGraph, name: &str| graph.add_value(name, vec![2]);
        let x = value(&mut graph, "x");
        let c = graph.add_constant("c", Tensor::new(vec![2], vec![3.0, -4.0]).unwrap());
        let [a, b, d, e] = ["a", "b", "d", "e"].map(|name| value(&mut graph, name));
        let steps = [
            (Op::Unary(Unary::Neg), vec![x], a),
            (Op::Unary(Unary::Abs), vec![a], b),
            (Op::Unary(Unary::Neg), vec![c], d),
            (Op::Binary(Binary::Add), vec![a, b], e),
        ];
        for (op, inputs, y) in steps {
            graph.nodes.push(Node { name: String::new(), op, inputs, outputs: vec![y] });
        }
        (graph.inputs, graph.outputs) = (vec![x], vec![e, d, a]);
        graph.validate().unwrap();
        for _ in 0..2 {
            let image = Tensor::new(vec![2], vec![1.0, -2.0]).unwrap();
            let found = run(&graph, &[image]).unwrap();
            let found: Vec<&[f32]> = found.iter().map(Tensor::data).collect();
            assert_eq!(found, [&[0.0, 4.0][..], &[-3.0, 4.0], &[-1.0, 2.0]]);
        }
    }
}
