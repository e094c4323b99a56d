//! Fuses the decomposed Sigmoid.

use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::ops::binary::Binary;
use crate::float::ops::unary::Unary;
use crate::float::ops::{Op, OpError};

use super::chain::Chain;
use super::matcher::Matcher;
use super::replace_each;

/// `Reciprocal(1 + Exp(-x))` => `Sigmoid(x)`; `a / (1 + Exp(-x))` => `a * Sigmoid(x)`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let count = replace_each(graph, sigmoid)?;
    graph.remove_dead_nodes();
    Ok(count)
}

fn sigmoid(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = graph.nodes[i].clone();
    let (divisor, dividend) = match (&node.op, &node.inputs[..]) {
        (Op::Unary(Unary::Reciprocal), &[d]) => (d, None),
        (Op::Binary(Binary::Div), &[a, d]) => (d, Some(a)),
        _ => return Ok(Vec::new()),
    };
    let (Some(x), &[y]) = (exponent(&Matcher::new(graph), divisor), &node.outputs[..]) else {
        return Ok(Vec::new());
    };
    let mut chain = Chain::new(graph, &node.name);
    let gate = chain.step(if dividend.is_some() { "gate" } else { "" }, Op::Unary(Unary::Sigmoid), &[x])?;
    if let Some(a) = dividend {
        chain.step("", Op::Binary(Binary::Mul), &[a, gate])?;
    }
    Ok(chain.finish(y))
}

/// x, if `v` is `1 + Exp(-x)`.
fn exponent(m: &Matcher<'_>, v: ValueId) -> Option<ValueId> {
    let (e, _) = m.with_scalar(v, Binary::Add).filter(|(_, one)| *one == 1.0)?;
    let negative = m.unary(e, Unary::Exp)?;
    let scaled =
        || m.with_scalar(negative, Binary::Mul).filter(|(_, factor)| *factor == -1.0).map(|(x, _)| x);
    m.unary(negative, Unary::Neg).or_else(scaled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn quotients() {
        for (product, kinds) in [(false, &["Unary"][..]), (true, &["Unary", "Binary"])] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 3, 4]);
            let [one, less] = [1.0, -1.0].map(|c| s.constant(&[], &[c]));
            let n = match product {
                true => s.node(Op::Binary(Binary::Mul), &[x, less]),
                false => s.node(Op::Unary(Unary::Neg), &[x]),
            };
            let e = s.node(Op::Unary(Unary::Exp), &[n]);
            let d = s.node(Op::Binary(Binary::Add), &[one, e]);
            let y = match product {
                true => s.node(Op::Binary(Binary::Div), &[x, d]),
                false => s.node(Op::Unary(Unary::Reciprocal), &[d]),
            };
            s.check(&[y], run, kinds);
        }
    }
}
