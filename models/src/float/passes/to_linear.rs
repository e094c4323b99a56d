//! Makes Linear of MatMul and Gemm with constant weights, and takes the bias in.

use std::sync::Arc;

use crate::float::graph::{FloatGraph, NodeId};
use crate::float::grid::Grid;
use crate::float::ops::binary::Binary;
use crate::float::ops::linear::Linear;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// `MatMul(x, W[K, N])`, `Gemm(x, W, C)` => `Linear(x, weight[N, K], bias[N])`;
/// `Add(Linear(x), constant[N])` => `Linear` with the bias;
/// `Mul(Linear(x), constant[N])` => `Linear` with scaled weights and bias (LayerScale)
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    for i in 0..graph.nodes.len() {
        count += usize::from(mat_mul(graph, i)? || gemm(graph, i)?);
    }
    let mut i = 0;
    while i < graph.nodes.len() {
        match bias(graph, i)? || scale(graph, i)? {
            true => count += 1,
            false => i += 1,
        }
    }
    graph.remove_dead_nodes();
    Ok(count)
}

fn mat_mul(graph: &mut FloatGraph, i: usize) -> Result<bool, OpError> {
    let node = &graph.nodes[i];
    let (Op::MatMul(_), &[x, w]) = (&node.op, &node.inputs[..]) else {
        return Ok(false);
    };
    let Some(weight) = graph.constant(w).filter(|t| t.shape().len() == 2) else {
        return Ok(false);
    };
    let weight = weight.transposed2()?;
    let name = format!("{}.transposed", graph.value(w).name);
    let grid = graph.grid(w).map(|grid| Arc::new(grid.transposed2()));
    let turned = graph.add_constant(&name, weight);
    graph.values[turned.0].grid = grid;
    graph.nodes[i].op = Op::Linear(Linear);
    graph.nodes[i].inputs = vec![x, turned];
    graph.drop_unread(w);
    Ok(true)
}

fn gemm(graph: &mut FloatGraph, i: usize) -> Result<bool, OpError> {
    let node = &graph.nodes[i];
    let (Op::Gemm(op), &[x, w, ref c @ ..]) = (&node.op, &node.inputs[..]) else {
        return Ok(false);
    };
    let (op, name) = (op.clone(), node.name.clone());
    let (Some(weight), false) = (graph.constant(w), op.trans_a) else {
        return Ok(false);
    };
    // Weights that lie as a linear layer reads them are not copied.
    let mut made = match (op.trans_b, op.alpha == 1.0) {
        (true, true) => None,
        (true, false) => Some(Tensor::clone(weight)),
        (false, _) => Some(weight.transposed2()?),
    };
    let n = weight.shape()[usize::from(!op.trans_b)];
    let mut bias = None;
    let mut grids = [None, None];
    if op.alpha == 1.0 {
        let turned = |grid: &Arc<Grid>| Arc::new(grid.transposed2());
        grids[0] = if op.trans_b { graph.grid(w).cloned() } else { graph.grid(w).map(turned) };
    }
    if let Some(&c) = c.first() {
        let Some(t) = graph.constant(c).filter(|t| t.len() == 1 || is_row(t.shape(), n)) else {
            return Ok(false);
        };
        if op.beta == 1.0 && t.len() == n {
            grids[1] = graph.grid(c).cloned();
        }
        let b: Vec<f32> = (0..n).map(|i| op.beta * t.data()[i % t.len()]).collect();
        bias = Some(Tensor::new(vec![n], b)?);
    }
    if let Some(weight) = made.as_mut().filter(|_| op.alpha != 1.0) {
        weight.data_mut().iter_mut().for_each(|x| *x *= op.alpha);
    }
    if !made.as_ref().is_none_or(Tensor::is_finite) || !bias.as_ref().is_none_or(Tensor::is_finite) {
        return Ok(false);
    }
    let weight = made.map_or(w, |weight| graph.add_constant(&format!("{name}.weight"), weight));
    let mut inputs = vec![x, weight];
    if let Some(b) = bias {
        inputs.push(graph.add_constant(&format!("{name}.bias"), b));
    }
    for (&constant, grid) in inputs[1..].iter().zip(grids) {
        graph.values[constant.0].grid = grid;
    }
    graph.nodes[i].op = Op::Linear(Linear);
    graph.nodes[i].inputs = inputs;
    graph.drop_unread(w);
    Ok(true)
}

/// Takes a following Add of a constant into the Linear at `i`.
fn bias(graph: &mut FloatGraph, i: usize) -> Result<bool, OpError> {
    let node = &graph.nodes[i];
    let (Op::Linear(_), &[_, w], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
        return Ok(false);
    };
    let Some(NodeId(a)) = graph.links().sole_consumer(y) else {
        return Ok(false);
    };
    let add = &graph.nodes[a];
    let (Op::Binary(Binary::Add), &[p, q]) = (&add.op, &add.inputs[..]) else {
        return Ok(false);
    };
    let other = if p == y { q } else { p };
    let n = graph.shape(w)[0];
    let fits = |t: &Tensor| is_row(t.shape(), n) && t.shape().len() <= graph.shape(y).len();
    let Some(t) = graph.constant(other).filter(|t| fits(t)) else {
        return Ok(false);
    };
    let bias = t.reshaped(&[n])?;
    let name = format!("{}.bias", graph.nodes[i].name);
    let grid = graph.grid(other).cloned();
    let b = graph.add_constant(&name, bias);
    graph.values[b.0].grid = grid;
    graph.nodes[i].inputs.push(b);
    graph.nodes[i].outputs = graph.nodes[a].outputs.clone();
    graph.nodes.bury(a);
    Ok(true)
}

/// Takes a following product with a constant per channel into the Linear at `i`.
fn scale(graph: &mut FloatGraph, i: usize) -> Result<bool, OpError> {
    let node = &graph.nodes[i];
    let (Op::Linear(_), &[x, w, ref bias @ ..], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..])
    else {
        return Ok(false);
    };
    let Some(NodeId(a)) = graph.links().sole_consumer(y) else {
        return Ok(false);
    };
    let mul = &graph.nodes[a];
    let (Op::Binary(Binary::Mul), &[p, q]) = (&mul.op, &mul.inputs[..]) else {
        return Ok(false);
    };
    let n = graph.shape(w)[0];
    // One factor for all channels costs nothing where it is; it may belong to another pattern.
    let fits = |t: &Tensor| n > 1 && is_row(t.shape(), n) && t.shape().len() <= graph.shape(y).len();
    let Some(factor) = graph.constant(if p == y { q } else { p }).filter(|t| fits(t)) else {
        return Ok(false);
    };
    let factor = factor.data().to_vec();
    let scaled = |t: &Tensor| {
        let mut t = Tensor::clone(t);
        let each = (t.len() / n).max(1);
        for (row, f) in t.data_mut().chunks_exact_mut(each).zip(&factor) {
            row.iter_mut().for_each(|x| *x *= f);
        }
        t
    };
    let Some(weight) = graph.constant(w).map(|t| scaled(t)) else { return Ok(false) };
    let bias = match bias.first().map(|&b| graph.constant(b).map(|t| scaled(t))) {
        Some(None) => return Ok(false),
        bias => bias.flatten(),
    };
    if !weight.is_finite() || !bias.as_ref().is_none_or(Tensor::is_finite) {
        return Ok(false);
    }
    let name = graph.nodes[i].name.clone();
    let mut inputs = vec![x, graph.add_constant(&format!("{name}.weight_scaled"), weight)];
    if let Some(bias) = bias {
        inputs.push(graph.add_constant(&format!("{name}.bias_scaled"), bias));
    }
    graph.nodes[i].inputs = inputs;
    graph.nodes[i].outputs = graph.nodes[a].outputs.clone();
    graph.nodes.bury(a);
    graph.drop_unread(w);
    Ok(true)
}

/// Whether `shape` is `[n]` up to leading ones.
pub(super) fn is_row(shape: &[usize], n: usize) -> bool {
    matches!(shape, [lead @ .., last] if *last == n && lead.iter().all(|&d| d == 1))
}

#[cfg(test)]
mod tests {
    use crate::float::ops::{Op, binary::Binary, gemm::Gemm, mat_mul::MatMul};
    use crate::float::passes::testing::Sketch;

    #[test]
    fn mat_mul_with_bias() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 2]);
        let w = s.constant(&[2, 3], &[1., 2., 3., 4., 5., 6.]);
        let p = s.node(Op::MatMul(MatMul), &[x, w]);
        let b = s.constant(&[3], &[0.5, -1., 2.]);
        let y = s.node(Op::Binary(Binary::Add), &[b, p]);
        s.check(&[y], super::run, &["Linear"]);
    }

    #[test]
    fn gemm_with_every_attribute() {
        for trans_b in [false, true] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 2]);
            let shape = if trans_b { [3, 2] } else { [2, 3] };
            let w = s.constant(&shape, &[1., 2., 3., 4., 5., 6.]);
            let c = s.constant(&[1], &[0.5]);
            let gemm = Gemm { alpha: 2.0, beta: 3.0, trans_a: false, trans_b };
            let y = s.node(Op::Gemm(gemm), &[x, w, c]);
            s.check(&[y], super::run, &["Linear"]);
        }
    }
}
