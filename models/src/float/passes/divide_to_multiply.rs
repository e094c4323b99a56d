//! Writes quotients with a constant as products, so that the passes and quantization meet one form.

use crate::float::graph::{FloatGraph, Node};
use crate::float::ops::binary::Binary;
use crate::float::ops::unary::Unary;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::chain::Chain;
use super::replace_each;

/// `x / c` => `x * (1 / c)`; `c / x` => `Reciprocal(x) * c`; c constant, of any shape and sign, without a zero
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, product)
}

fn product(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = graph.nodes[i].clone();
    let (Op::Binary(Binary::Div), &[a, b], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
        return Ok(Vec::new());
    };
    match (graph.constant(a).cloned(), graph.constant(b).cloned()) {
        (None, Some(divisor)) => {
            let inverse: Vec<f32> = divisor.data().iter().map(|x| 1.0 / x).collect();
            if !inverse.iter().all(|x| x.is_finite()) {
                return Ok(Vec::new());
            }
            let mut chain = Chain::new(graph, &node.name);
            let inverse = chain.constant("reciprocal", Tensor::new(divisor.shape().to_vec(), inverse)?);
            chain.step("", Op::Binary(Binary::Mul), &[a, inverse])?;
            Ok(chain.finish(y))
        }
        (Some(dividend), None) => {
            let mut chain = Chain::new(graph, &node.name);
            let one = dividend.as_scalar() == Some(1.0) && chain.graph.shape(b) == chain.graph.shape(y);
            let inverse = chain.step("reciprocal", Op::Unary(Unary::Reciprocal), &[b])?;
            if !one {
                chain.step("", Op::Binary(Binary::Mul), &[inverse, a])?;
            }
            Ok(chain.finish(y))
        }
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn constants_on_either_side() {
        for (shape, values) in [(&[][..], &[-4.0][..]), (&[2, 1, 1], &[0.25, -3.0]), (&[3], &[1.0, 2.0, 7.0])]
        {
            let mut s = Sketch::new();
            let x = s.input(&[1, 2, 3, 3]);
            let c = s.constant(shape, values);
            let y = s.node(Op::Binary(Binary::Div), &[x, c]);
            s.check(&[y], run, &["Binary"]);
        }
        for (dividend, kinds) in [(1.0, &["Unary"][..]), (-2.0, &["Unary", "Binary"])] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 4]);
            let c = s.constant(&[1], &[dividend]);
            let y = s.node(Op::Binary(Binary::Div), &[c, x]);
            s.check(&[y], run, kinds);
        }
    }

    #[test]
    fn a_zero_stays() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 2]);
        let c = s.constant(&[2], &[1.0, 0.0]);
        let y = s.node(Op::Binary(Binary::Div), &[x, c]);
        assert_eq!(run(&mut s.graph(&[y])).unwrap(), 0);
    }
}
