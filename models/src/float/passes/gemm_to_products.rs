//! Writes what a linear layer cannot say of Gemm with the operators that can: a transposed first operand, a third
//! one that is no constant row, two computed matrices; and a constant matrix on the left of a product.

use crate::float::graph::{FloatGraph, Node};
use crate::float::ops::binary::Binary;
use crate::float::ops::gemm::Gemm;
use crate::float::ops::linear::Linear;
use crate::float::ops::mat_mul::MatMul;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::chain::Chain;
use super::replace_each;
use super::to_linear::is_row;

/// `Gemm(A, B, C)` => `Transpose(A)`, `Gemm` of a constant B or `MatMul`, `Add(C)`;
/// `MatMul(W[M, K], x[.., K, N])` with constant W => `Transpose`, `Linear`, `Transpose`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, |graph, i| match graph.nodes[i].op {
        Op::Gemm(_) => products(graph, i),
        Op::MatMul(_) => from_the_left(graph, i),
        _ => Ok(Vec::new()),
    })
}

fn products(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = graph.nodes[i].clone();
    let (Op::Gemm(op), &[mut a, mut b, ref c @ ..], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..])
    else {
        return Ok(Vec::new());
    };
    let width = graph.shape(y)[1];
    let added = c.first().copied().filter(|_| op.beta != 0.0);
    let row = |c| graph.constant(c).is_some_and(|t| t.len() == 1 || is_row(t.shape(), width));
    let (constant, row) = (graph.constant(b).is_some(), added.is_none_or(row));
    if constant && row && !op.trans_a {
        return Ok(Vec::new());
    }
    let mut chain = Chain::new(graph, &node.name);
    if op.trans_a {
        a = chain.transpose("turned", a, &[1, 0])?;
    }
    if constant && row {
        let inputs: Vec<_> = [a, b].into_iter().chain(c.first().copied()).collect();
        chain.step("", Op::Gemm(Gemm { trans_a: false, ..op.clone() }), &inputs)?;
        return Ok(chain.finish(y));
    }
    let product = if constant {
        chain.step("product", Op::Gemm(Gemm { trans_a: false, beta: 1.0, ..op.clone() }), &[a, b])?
    } else {
        if op.trans_b {
            b = chain.transpose("weight", b, &[1, 0])?;
        }
        let product = chain.step("product", Op::MatMul(MatMul), &[a, b])?;
        chain.times("alpha", product, op.alpha)?
    };
    if let Some(added) = added {
        let scaled = match chain.graph.constant(added).cloned() {
            Some(t) if op.beta != 1.0 => {
                let data = t.data().iter().map(|x| op.beta * x).collect();
                chain.constant("bias", Tensor::new(t.shape().to_vec(), data)?)
            }
            Some(_) => added,
            None => chain.times("beta", added, op.beta)?,
        };
        chain.step("", Op::Binary(Binary::Add), &[product, scaled])?;
    }
    Ok(chain.finish(y))
}

fn from_the_left(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = graph.nodes[i].clone();
    let (&[w, x], &[y]) = (&node.inputs[..], &node.outputs[..]) else { return Ok(Vec::new()) };
    let Some(weight) = graph.constant(w).cloned() else { return Ok(Vec::new()) };
    let rank = graph.shape(x).len();
    let [lead @ .., m, k] = weight.shape() else { return Ok(Vec::new()) };
    if graph.constant(x).is_some() || rank < 2 || weight.shape().len() > rank || lead.iter().any(|&d| d != 1)
    {
        return Ok(Vec::new());
    }
    let mut perm: Vec<usize> = (0..rank).collect();
    perm.swap(rank - 2, rank - 1);
    let weight = weight.reshaped(&[*m, *k])?;
    let mut chain = Chain::new(graph, &node.name);
    let weight = chain.constant("weight", weight);
    let turned = chain.transpose("turned", x, &perm)?;
    let product = chain.step("", Op::Linear(Linear), &[turned, weight])?;
    chain.transpose("back", product, &perm)?;
    Ok(chain.finish(y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::passes::testing::Sketch;

    const NUMBERS: [f32; 12] = [1., -2., 3., 4., 0.5, -6., 7., 1., 2., -1., 0.25, 3.];

    #[test]
    fn transposed_and_with_a_matrix() {
        for (trans_a, bias, kinds) in [
            (true, &[4][..], &["Transpose", "Gemm"][..]),
            (false, &[3, 4], &["Gemm", "Binary"]),
            (true, &[3, 1], &["Transpose", "Gemm", "Binary"]),
        ] {
            let mut s = Sketch::new();
            let x = s.input(if trans_a { &[2, 3] } else { &[3, 2] });
            let w = s.constant(&[4, 2], &NUMBERS[..8]);
            let c = s.constant(bias, &NUMBERS[..bias.iter().product()]);
            let gemm = Gemm { alpha: 2.0, beta: -3.0, trans_a, trans_b: true };
            let y = s.node(Op::Gemm(gemm), &[x, w, c]);
            s.check(&[y], run, kinds);
        }
    }

    #[test]
    fn of_computed_matrices() {
        let mut s = Sketch::new();
        let [a, b, c] = [[3, 2], [4, 2], [3, 4]].map(|shape| s.input(&shape));
        let gemm = Gemm { alpha: 2.0, beta: 0.5, trans_a: false, trans_b: true };
        let y = s.node(Op::Gemm(gemm), &[a, b, c]);
        s.check(&[y], run, &["Transpose", "MatMul", "Binary", "Binary", "Binary"]);
    }

    #[test]
    fn a_constant_on_the_left() {
        let mut s = Sketch::new();
        let w = s.constant(&[1, 4, 3], &NUMBERS);
        let x = s.input(&[2, 3, 5]);
        let y = s.node(Op::MatMul(MatMul), &[w, x]);
        s.check(&[y], run, &["Transpose", "Linear", "Transpose"]);
    }

    #[test]
    fn what_a_layer_can_say_stays() {
        let mut s = Sketch::new();
        let x = s.input(&[3, 2]);
        let w = s.constant(&[4, 2], &NUMBERS[..8]);
        let gemm = Gemm { alpha: 2.0, beta: 0.5, trans_a: false, trans_b: true };
        let y = s.node(Op::Gemm(gemm), &[x, w]);
        assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
    }
}
