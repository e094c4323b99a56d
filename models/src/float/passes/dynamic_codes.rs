//! Takes codes whose step is found while the network runs for the reals they stand for.
//!
//! The accelerator's steps are fixed; calibration finds them, as for what has no codes. ONNX Runtime's
//! `quantize_dynamic` writes so.

use crate::float::graph::{FloatGraph, Node, NodeId, ValueId};
use crate::float::nodes::Links;
use crate::float::ops::binary::Binary;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// `DynamicQuantizeLinear(x) -> codes, scale, zero`, `f(codes - zero) * (scale * c)` with a product f =>
/// `f(x) * (1 * c)`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    for i in 0..graph.nodes.len() {
        let node = &graph.nodes[i];
        let (Op::DynamicQuantizeLinear(_), &[x], &[codes, scale, zero]) =
            (&node.op, &node.inputs[..], &node.outputs[..])
        else {
            continue;
        };
        let links = graph.links();
        let Some(differences) = differences(graph, &links, [codes, scale, zero]) else { continue };
        let one = graph.add_constant(&format!("{}.one", graph.nodes[i].name), Tensor::scalar(1.0));
        for difference in differences {
            graph.replace_uses(difference, x);
        }
        graph.replace_uses(scale, one);
        count += 1;
    }
    if count > 0 {
        let note = format!(
            "{count} values have codes whose step is found while the network runs (DynamicQuantizeLinear), which \
             the accelerator does not: calibrated"
        );
        graph.notes.push(note);
    }
    graph.remove_dead_nodes();
    Ok(count)
}

/// The values `codes - zero`, if nothing else reads codes and zero, and each is multiplied and then scaled.
fn differences(
    graph: &FloatGraph,
    links: &Links,
    [codes, scale, zero]: [ValueId; 3],
) -> Option<Vec<ValueId>> {
    let readers = |v: ValueId| links.consumers(v).iter().map(|&id| graph.node(id));
    let subtracts = |node: &Node| node.op == Op::Binary(Binary::Sub) && node.inputs == [codes, zero];
    let hidden = ![codes, scale, zero].iter().any(|&v| links.is_output(v));
    if !hidden || !readers(codes).chain(readers(zero)).all(subtracts) {
        return None;
    }
    let differences: Vec<ValueId> = readers(codes).filter_map(|node| node.outputs.first().copied()).collect();
    let all = differences.iter().all(|&v| {
        let mut products = readers(v);
        !links.is_output(v) && products.all(|node| is_scaled(graph, links, node, scale))
    });
    let multiplies = readers(scale).all(|node| node.op == Op::Binary(Binary::Mul));
    (all && multiplies).then_some(differences)
}

/// Whether a product's result is multiplied by what comes of `scale` before anything else reads it.
fn is_scaled(graph: &FloatGraph, links: &Links, product: &Node, scale: ValueId) -> bool {
    if !matches!(product.op, Op::Conv(_) | Op::MatMul(_)) {
        return false;
    }
    let Some(&(mut at)) = product.outputs.first() else { return false };
    while let Some(NodeId(next)) = links.sole_consumer(at) {
        let node = &graph.nodes[next];
        match &node.op {
            Op::Identity(_) | Op::Reshape(_) => at = node.outputs.first().copied().unwrap_or(at),
            Op::Binary(Binary::Mul) => {
                let factor = |&v: &ValueId| v == scale || is_factor(graph, links, v, scale);
                return node.inputs.iter().filter(|&&v| v != at).any(factor);
            }
            _ => return false,
        }
    }
    false
}

/// Whether `v` is `scale` times a constant.
fn is_factor(graph: &FloatGraph, links: &Links, v: ValueId, scale: ValueId) -> bool {
    let Some(node) = links.producer(v).map(|id| graph.node(id)) else { return false };
    let known = |&v: &ValueId| v == scale || graph.constant(v).is_some();
    node.op == Op::Binary(Binary::Mul) && node.inputs.contains(&scale) && node.inputs.iter().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::dynamic_quantize_linear::DynamicQuantizeLinear;
    use crate::float::ops::mat_mul::MatMul;
    use crate::float::passes::testing::Sketch;
    use crate::float::{Node, run as evaluate};

    fn network(scaled: bool) -> FloatGraph {
        let mut s = Sketch::new();
        let x = s.input(&[1, 2]);
        let mut graph = s.graph(&[]);
        let [codes, difference, product, factor, y] =
            [&[1, 2][..], &[1, 2], &[1, 2], &[], &[1, 2]].map(|shape| graph.add_value("v", shape.to_vec()));
        let [scale, zero] = [(); 2].map(|()| graph.add_value("v", vec![]));
        let w = graph.add_constant("w", Tensor::new(vec![2, 2], vec![1., 2., 3., -4.]).unwrap());
        let step = graph.add_constant("step", Tensor::scalar(0.5));
        let mut node = |op, inputs: &[ValueId], outputs: &[ValueId]| {
            let name = format!("n{}", graph.nodes.len());
            graph.nodes.push(Node { name, op, inputs: inputs.to_vec(), outputs: outputs.to_vec() });
        };
        node(Op::DynamicQuantizeLinear(DynamicQuantizeLinear), &[x], &[codes, scale, zero]);
        node(Op::Binary(Binary::Sub), &[codes, zero], &[difference]);
        node(Op::MatMul(MatMul), &[difference, w], &[product]);
        let used = if scaled { scale } else { step };
        node(Op::Binary(Binary::Mul), &[used, step], &[factor]);
        node(Op::Binary(Binary::Mul), &[product, factor], &[y]);
        graph.outputs = vec![y];
        graph.validate().unwrap();
        graph
    }

    #[test]
    fn reals_instead() {
        let mut graph = network(true);
        let x = Tensor::new(vec![1, 2], vec![0.3, -1.0]).unwrap();
        let before = evaluate(&graph, std::slice::from_ref(&x)).unwrap();
        assert_eq!(run(&mut graph).unwrap(), 1);
        graph.compact();
        graph.validate().unwrap();
        let kinds: Vec<&str> = graph.nodes.iter().map(|n| n.op.kind()).collect();
        assert_eq!(kinds, ["MatMul", "Binary", "Binary"]);
        // What was rounded is not any more.
        let after = evaluate(&graph, std::slice::from_ref(&x)).unwrap();
        let exact = Tensor::new(vec![1, 2], vec![-1.35, 2.3]).unwrap();
        assert!(after[0].relative_error(&exact) < 1e-6);
        assert!(after[0].relative_error(&before[0]) < 0.01);
    }

    #[test]
    fn a_scale_that_does_not_come_back() {
        let mut graph = network(false);
        assert_eq!(run(&mut graph).unwrap(), 0);
    }
}
