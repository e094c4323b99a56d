//! Masks before a softmax in one form: a constant that is added.
//!
//! Before a softmax every number whose exponential vanishes means the same.

use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::nodes::Links;
use crate::float::ops::axis::{broadcast_shapes, broadcast_strides, for_each_offset};
use crate::float::ops::binary::Binary;
use crate::float::ops::select::Select;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::{Tensor, element_count};

/// What is chosen or added below this masks: its exponential is below 2^-72.
const MASKS: f32 = -50.0;

/// The least number in a mask: sums of several stay far from infinity.
const LEAST: f32 = -1e9;

/// On the way to a softmax: `Where(m, x, -c)` => `x + where(m, 0, -c)`; `x * m + (m - 1) * c` with `m` 0 or 1 =>
/// `x + (m - 1) * c`; `x - c` => `x + (-c)`; numbers below -1e9 => -1e9
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let links = graph.links();
    let softmax = graph.nodes.iter().filter(|node| matches!(node.op, Op::Softmax(_)));
    let mut open: Vec<ValueId> = softmax.flat_map(|node| node.inputs.clone()).collect();
    let mut count = 0;
    while let Some(value) = open.pop() {
        let Some(maker) = links.producer(value).filter(|_| links.sole_consumer(value).is_some()) else {
            continue;
        };
        if let Some(node) = rewritten(graph, &links, &graph.nodes[maker.0].clone())? {
            graph.nodes[maker.0] = node;
            count += 1;
        }
        let node = &graph.nodes[maker.0];
        match node.op {
            Op::Reshape(_) | Op::Transpose(_) | Op::Identity(_) | Op::Binary(Binary::Add) => {
                open.extend(&node.inputs);
            }
            Op::Binary(Binary::Mul | Binary::Div)
                if node.inputs.iter().any(|&v| graph.scalar(v).is_some()) =>
            {
                open.extend(&node.inputs);
            }
            _ => {}
        }
    }
    Ok(count)
}

/// What takes the place of a node that masks.
fn rewritten(graph: &mut FloatGraph, links: &Links, node: &Node) -> Result<Option<Node>, OpError> {
    let &[y] = &node.outputs[..] else { return Ok(None) };
    let (x, mask) = match (&node.op, &node.inputs[..]) {
        (Op::Select(select), &[a, b]) => match chosen(graph, select, a, b)? {
            Some(chosen) => chosen,
            None => return Ok(None),
        },
        (Op::Binary(op @ (Binary::Add | Binary::Sub)), &[a, b]) => {
            let sign = if *op == Binary::Sub { -1.0 } else { 1.0 };
            let (x, constant) = match (graph.constant(a), graph.constant(b)) {
                (None, Some(constant)) => (a, constant),
                (Some(constant), None) if *op == Binary::Add => (b, constant),
                _ => return Ok(None),
            };
            let data = constant.data().iter().map(|c| (c * sign).max(LEAST)).collect();
            let mask = Tensor::new(constant.shape().to_vec(), data)?;
            let kept = unmultiplied(graph, links, x, &mask)?;
            if *op == Binary::Add && kept.is_none() && mask.data() == constant.data() {
                return Ok(None);
            }
            (kept.unwrap_or(x), mask)
        }
        _ => return Ok(None),
    };
    if broadcast_shapes(graph.shape(x), mask.shape())? != graph.shape(y) {
        return Ok(None);
    }
    let mask = graph.add_constant(&format!("{}.mask", node.name), mask);
    Ok(Some(Node { op: Op::Binary(Binary::Add), inputs: vec![x, mask], ..node.clone() }))
}

/// The computed operand of a choice, and what to add to it instead, where the other operand masks.
fn chosen(
    graph: &FloatGraph,
    select: &Select,
    a: ValueId,
    b: ValueId,
) -> Result<Option<(ValueId, Tensor)>, OpError> {
    let (x, constant, masked) = match (graph.constant(a), graph.constant(b)) {
        (None, Some(constant)) => (a, constant, false),
        (Some(constant), None) => (b, constant, true),
        _ => return Ok(None),
    };
    let shape = broadcast_shapes(&select.shape, constant.shape())?;
    let mut mask = Vec::with_capacity(element_count(&shape)?);
    for_each_offset(&shape, &strides(&select.shape, &shape), 0, |at| {
        mask.push(select.condition[at] == masked)
    });
    let (mut data, mut index, mut masks) = (Vec::with_capacity(mask.len()), 0, true);
    for_each_offset(&shape, &strides(constant.shape(), &shape), 0, |at| {
        let c = constant.data()[at];
        data.push(if mask[index] { c.max(LEAST) } else { 0.0 });
        masks &= !mask[index] || c <= MASKS;
        index += 1;
    });
    Ok(if masks { Some((x, Tensor::new(shape, data)?)) } else { None })
}

/// `x` of `x * m`, where `m` is 1 and, only where `mask` masks, 0.
fn unmultiplied(
    graph: &FloatGraph,
    links: &Links,
    product: ValueId,
    mask: &Tensor,
) -> Result<Option<ValueId>, OpError> {
    let Some(node) = links.producer(product).map(|id| &graph.nodes[id.0]) else { return Ok(None) };
    let (Op::Binary(Binary::Mul), &[a, b]) = (&node.op, &node.inputs[..]) else { return Ok(None) };
    let (x, factors) = match (graph.constant(a), graph.constant(b)) {
        (None, Some(factors)) => (a, factors),
        (Some(factors), None) => (b, factors),
        _ => return Ok(None),
    };
    if !factors.data().iter().all(|&m| m == 0.0 || m == 1.0) || graph.shape(x) != graph.shape(product) {
        return Ok(None);
    }
    let shape = broadcast_shapes(factors.shape(), mask.shape())?;
    let mut ones = Vec::with_capacity(element_count(&shape)?);
    for_each_offset(&shape, &strides(factors.shape(), &shape), 0, |at| ones.push(factors.data()[at] == 1.0));
    let (mut index, mut fits) = (0, true);
    for_each_offset(&shape, &strides(mask.shape(), &shape), 0, |at| {
        fits &= ones[index] || mask.data()[at] <= MASKS;
        index += 1;
    });
    Ok(fits.then_some(x))
}

fn strides(own: &[usize], shape: &[usize]) -> Vec<isize> {
    broadcast_strides(own, shape).into_iter().map(|s| s as isize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::softmax::Softmax;
    use crate::float::passes::testing::Sketch;

    const MASK: [f32; 9] = [0., -1e9, -1e9, 0., 0., -1e9, 0., 0., 0.];

    fn softmax(s: &mut Sketch, x: ValueId) -> ValueId {
        s.node(Op::Softmax(Softmax { axis: 2 }), &[x])
    }

    #[test]
    fn chosen_numbers() {
        for masked in [false, true] {
            let mut s = Sketch::new();
            let x = s.input(&[2, 3, 3]);
            let c = s.constant(&[], &[f32::MIN]);
            let condition = MASK.iter().map(|&m| (m == 0.0) != masked).collect();
            let select = Op::Select(Select { condition, shape: vec![3, 3] });
            let y = s.node(select, &if masked { [c, x] } else { [x, c] });
            let y = softmax(&mut s, y);
            s.check(&[y], run, &["Binary", "Softmax"]);
        }
    }

    #[test]
    fn products_with_zero_and_one() {
        let mut s = Sketch::new();
        let x = s.input(&[2, 3, 3]);
        let m = s.constant(&[3, 3], &MASK.map(|m| if m == 0.0 { 1.0 } else { 0.0 }));
        let c = s.constant(&[3, 3], &MASK.map(|m| -m));
        let y = s.node(Op::Binary(Binary::Mul), &[x, m]);
        let y = s.node(Op::Binary(Binary::Sub), &[y, c]);
        let y = softmax(&mut s, y);
        let mut graph = s.graph(&[y]);
        assert_eq!(run(&mut graph).unwrap(), 1);
        graph.remove_dead_nodes();
        let kinds: Vec<_> = graph.nodes.iter().map(|node| node.op.kind()).collect();
        assert_eq!(kinds, ["Binary", "Softmax"]);
        assert_eq!(graph.nodes[0].op, Op::Binary(Binary::Add));
    }

    #[test]
    fn other_choices_stay() {
        for c in [-3.0, 7.0] {
            let mut s = Sketch::new();
            let x = s.input(&[2, 3, 3]);
            let c = s.constant(&[], &[c]);
            let y =
                s.node(Op::Select(Select { condition: vec![true, true, false], shape: vec![3] }), &[x, c]);
            let y = softmax(&mut s, y);
            assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
        }
    }
}
