//! Takes pairs of QuantizeLinear and DequantizeLinear for what they say: the codes that a value is to have.
//!
//! What stays is the graph that was quantized, every value with its [`Grid`]. Rounding goes; where codes begin
//! at zero behind a sum, so do bounds, which exporters leave to the codes, so they are put back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::grid::Grid;
use crate::float::ops::binary::Binary;
use crate::float::ops::clip::Clip;
use crate::float::ops::quantize_linear::Scheme;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::{MAX_ELEMENTS, element_count};

/// `x -> QuantizeLinear -> DequantizeLinear -> y` => `x` with its codes, or `x -> Clip -> y` with its codes;
/// `codes -> DequantizeLinear -> w` => constant `w` with its codes
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let known = |op: &Op| matches!(op, Op::QuantizeLinear(_) | Op::DequantizeLinear(_));
    if !graph.nodes.iter().any(|node| known(&node.op)) {
        return Ok(0);
    }
    let count = constants(graph)? + pairs(graph);
    graph.remove_dead_nodes();
    Ok(count)
}

/// Folds what has constant operands.
fn constants(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    let links = graph.links();
    let mut nodes = std::mem::take(&mut graph.nodes);
    let mut folded = BTreeSet::new();
    let mut again: BTreeMap<ValueId, ValueId> = BTreeMap::new();
    for node in &nodes {
        let (&[x, ..], &[y]) = (&node.inputs[..], &node.outputs[..]) else { continue };
        let grid = match &node.op {
            Op::QuantizeLinear(_) => None,
            Op::DequantizeLinear(op) => {
                Some(Arc::new(Grid { scheme: op.scheme.clone(), range: None, codes: op.codes.clone() }))
            }
            _ => continue,
        };
        // A second pair is another rounding of the same value, which its reader does by itself.
        let own = match &node.op {
            Op::QuantizeLinear(op) => {
                let taken_back = !links.is_output(y)
                    && links.consumers(y).iter().all(|id| takes_back(&nodes[id.0], &op.scheme));
                (taken_back && graph.grid(x).is_some()).then_some(x)
            }
            _ => again.get(&x).copied(),
        };
        let Some(tensor) = graph.constant(own.unwrap_or(x)).cloned() else { continue };
        if let Some(own) = own {
            again.insert(y, own);
            folded.insert(y);
            continue;
        }
        if element_count(graph.shape(y)).is_ok_and(|n| n > MAX_ELEMENTS) {
            continue;
        }
        graph.infer(node)?;
        let result = node.op.operator().eval(&[tensor.as_ref()])?.into_iter().next();
        let Some(result) = result.filter(|t| t.data().iter().all(|x| x.is_finite())) else { continue };
        graph.values[y.0].constant = Some(Arc::new(result));
        graph.values[y.0].grid = grid;
        folded.insert(y);
        count += 1;
    }
    for value in nodes.iter_mut().flat_map(|node| node.inputs.iter_mut()).chain(&mut graph.outputs) {
        *value = again.get(value).copied().unwrap_or(*value);
    }
    nodes.retain(|node| !node.outputs.iter().any(|y| folded.contains(y)));
    graph.nodes = nodes;
    Ok(count)
}

/// Takes the pairs around computed values.
fn pairs(graph: &mut FloatGraph) -> usize {
    let links = graph.links();
    let mut count = 0;
    // What each value is read as from now on; a value comes before what is made of it.
    let mut alias: Vec<ValueId> = (0..graph.values.len()).map(ValueId).collect();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let (Op::QuantizeLinear(op), &[x], &[codes]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
            continue;
        };
        let x = alias[x.0];
        let readers = links.consumers(codes);
        if links.is_output(codes) || !readers.iter().all(|&id| takes_back(graph.node(id), &op.scheme)) {
            continue;
        }
        let grid = Grid { scheme: op.scheme.clone(), range: Some((op.low, op.high)), codes: None };
        let reals: Vec<ValueId> =
            readers.iter().filter_map(|&id| graph.node(id).outputs.first().copied()).collect();
        count += 1;
        let taken = match grid.reals() {
            None => {
                let name = &graph.value(x).name;
                let note =
                    format!("`{name}` has a scale per channel, which activations cannot have: calibrated");
                graph.notes.push(note);
                x
            }
            // A second pair is another rounding of the same value, which its reader does by itself.
            Some(_) if graph.grid(x).is_some() => x,
            Some((low, high)) => {
                let sums = links.producer(x).is_some_and(|id| is_sum(&graph.node(id).op));
                let bounded = sums && low == 0.0;
                if bounded {
                    graph.nodes[index].op = Op::Clip(Clip { min: low, max: high });
                    graph.nodes[index].inputs = vec![x];
                }
                let taken = if bounded { codes } else { x };
                graph.values[taken.0].grid = Some(Arc::new(grid));
                taken
            }
        };
        for real in reals {
            alias[real.0] = taken;
            // An output keeps its name, and a Clip takes one.
            if (links.is_output(real) && !graph.inputs.contains(&taken)) || taken == codes {
                swap_names(graph, real, taken);
            }
        }
    }
    let read = graph.nodes.iter_mut().flat_map(|node| node.inputs.iter_mut()).chain(&mut graph.outputs);
    read.for_each(|value| *value = alias[value.0]);
    count
}

/// Whether a node makes reals of the codes of `scheme`.
fn takes_back(node: &Node, scheme: &Scheme) -> bool {
    matches!(&node.op, Op::DequantizeLinear(op) if op.scheme == *scheme)
}

/// Whether an operator gives values below zero where nothing bounds them.
fn is_sum(op: &Op) -> bool {
    matches!(
        op,
        Op::Conv(_)
            | Op::ConvTranspose(_)
            | Op::Gemm(_)
            | Op::MatMul(_)
            | Op::BatchNorm(_)
            | Op::Binary(Binary::Add | Binary::Sub)
    )
}

fn swap_names(graph: &mut FloatGraph, a: ValueId, b: ValueId) {
    if a != b {
        let name = std::mem::take(&mut graph.values[a.0].name);
        let other = std::mem::replace(&mut graph.values[b.0].name, name);
        graph.values[a.0].name = other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::conv::Conv;
    use crate::float::ops::dequantize_linear::DequantizeLinear;
    use crate::float::ops::quantize_linear::QuantizeLinear;
    use crate::float::ops::unary::Unary;
    use crate::float::ops::window::Window;
    use crate::float::passes::testing::Sketch;

    fn scheme(scale: f32, zero_point: i32) -> Scheme {
        Scheme { scale: vec![scale], zero_point: vec![zero_point], axis: 0 }
    }

    fn pair(s: &mut Sketch, x: ValueId, scale: f32, zero_point: i32) -> ValueId {
        let scheme = scheme(scale, zero_point);
        let codes =
            s.node(Op::QuantizeLinear(QuantizeLinear { scheme: scheme.clone(), low: 0, high: 255 }), &[x]);
        s.node(Op::DequantizeLinear(DequantizeLinear { scheme, codes: None }), &[codes])
    }

    #[test]
    fn values_and_weights_have_their_codes() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 1, 2, 2]);
        let x = pair(&mut s, x, 1e-7, 128);
        let w = s.constant(&[1, 1, 1, 1], &[3.0]);
        let w = s.node(Op::DequantizeLinear(DequantizeLinear { scheme: scheme(0.5, 1), codes: None }), &[w]);
        let window = Window::POINT;
        let y = s.node(Op::Conv(Conv { window, groups: 1 }), &[x, w]);
        // Codes from zero on stand for a Relu that was left out.
        let y = pair(&mut s, y, 1.0, 0);
        let z = s.node(Op::Unary(Unary::Relu), &[y]);
        let mut graph = s.graph(&[z]);
        assert_eq!(run(&mut graph).unwrap(), 3);
        graph.compact();
        graph.validate().unwrap();
        let kinds: Vec<&str> = graph.nodes.iter().map(|n| n.op.kind()).collect();
        assert_eq!(kinds, ["Conv", "Clip", "Unary"]);
        let scale = |v: ValueId| graph.grid(v).unwrap().scheme.scale[0];
        let conv = &graph.nodes[0];
        assert_eq!((scale(conv.inputs[0]), scale(conv.inputs[1])), (1e-7, 0.5));
        assert_eq!(scale(graph.nodes[1].outputs[0]), 1.0);
        assert_eq!(graph.scalar(conv.inputs[1]), Some(1.0));
        assert_eq!(graph.nodes[1].op, Op::Clip(Clip { min: 0.0, max: 255.0 }));
    }

    #[test]
    fn codes_that_are_computed_with_stay() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 2]);
        let op = QuantizeLinear { scheme: scheme(0.5, 0), low: 0, high: 255 };
        let codes = s.node(Op::QuantizeLinear(op), &[x]);
        let y = s.node(Op::Unary(Unary::Relu), &[codes]);
        let mut graph = s.graph(&[y]);
        assert_eq!(run(&mut graph).unwrap(), 0);
        assert_eq!(graph.nodes.len(), 2);
    }
}
