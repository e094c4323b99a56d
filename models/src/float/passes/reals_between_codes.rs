//! Puts what only moves or picks codes between pairs: the reals it moves are those of the codes.
//!
//! ONNX Runtime's tool writes so (QOperator): QuantizeLinear, Reshape of codes, QLinearMatMul.

use std::collections::BTreeMap;

use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::ops::dequantize_linear::DequantizeLinear;
use crate::float::ops::pool::PoolKind;
use crate::float::ops::quantize_linear::QuantizeLinear;
use crate::float::ops::{Op, OpError};

/// `codes -> Reshape -> codes` => `codes -> DequantizeLinear -> Reshape -> QuantizeLinear -> codes`, and so for what
/// else gives codes of its operands, all of one step
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    // The codes of each value that has some.
    let mut known: BTreeMap<ValueId, QuantizeLinear> = BTreeMap::new();
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for mut node in std::mem::take(&mut *graph.nodes) {
        if let (Op::QuantizeLinear(op), &[codes]) = (&node.op, &node.outputs[..]) {
            known.insert(codes, op.clone());
        }
        let Some(op) = moved(&node, &known) else {
            nodes.push(node);
            continue;
        };
        count += 1;
        for operand in &mut node.inputs {
            let name = format!("{}.reals", graph.value(*operand).name);
            let real = graph.add_value(&name, graph.shape(*operand).to_vec());
            let back = Op::DequantizeLinear(DequantizeLinear { scheme: op.scheme.clone(), codes: None });
            nodes.push(step(&node.name, "reals", back, *operand, real));
            *operand = real;
        }
        let outputs = std::mem::take(&mut node.outputs);
        let name = node.name.clone();
        let mut after = Vec::new();
        for codes in outputs {
            let real =
                graph.add_value(&format!("{}.reals", graph.value(codes).name), graph.shape(codes).to_vec());
            node.outputs.push(real);
            after.push(step(&name, "codes", Op::QuantizeLinear(op.clone()), real, codes));
            known.insert(codes, op.clone());
        }
        nodes.push(node);
        nodes.extend(after);
    }
    graph.nodes = nodes.into();
    Ok(count)
}

fn step(name: &str, what: &str, op: Op, from: ValueId, to: ValueId) -> Node {
    Node { name: format!("{name}.{what}"), op, inputs: vec![from], outputs: vec![to] }
}

/// The codes that a node moves, if it does nothing else.
fn moved(node: &Node, known: &BTreeMap<ValueId, QuantizeLinear>) -> Option<QuantizeLinear> {
    let first = known.get(node.inputs.first()?)?;
    let same = node.inputs.iter().all(|operand| known.get(operand) == Some(first));
    let moves = match &node.op {
        Op::Reshape(_)
        | Op::Transpose(_)
        | Op::Identity(_)
        | Op::Slice(_)
        | Op::Gather(_)
        | Op::Split(_)
        | Op::Concat(_) => true,
        // The greatest code is the greatest real where the step is above zero.
        Op::Pool(pool) => pool.kind == PoolKind::Max && first.scheme.scale.iter().all(|&scale| scale > 0.0),
        _ => false,
    };
    (moves && same && first.scheme.scale.len() == 1).then(|| first.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::quantize_linear::Scheme;
    use crate::float::ops::reshape::Reshape;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn a_reshape_of_codes() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 4]);
        let scheme = Scheme { scale: vec![0.5], zero_point: vec![3], axis: 0 };
        let codes =
            s.node(Op::QuantizeLinear(QuantizeLinear { scheme: scheme.clone(), low: 0, high: 255 }), &[x]);
        let moved = s.node(Op::Reshape(Reshape { shape: vec![2, 2] }), &[codes]);
        let y = s.node(Op::DequantizeLinear(DequantizeLinear { scheme, codes: None }), &[moved]);
        s.check(
            &[y],
            run,
            &["QuantizeLinear", "DequantizeLinear", "Reshape", "QuantizeLinear", "DequantizeLinear"],
        );
    }
}
