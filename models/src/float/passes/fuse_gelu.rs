//! Fuses the decomposed exact GELU.

use super::matcher::{Matcher, near};
use crate::float::graph::{FloatGraph, ValueId};
use crate::float::ops::binary::Binary;
use crate::float::ops::gelu::Gelu;
use crate::float::ops::unary::Unary;
use crate::float::ops::{Op, OpError};
use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

/// `x * (Erf(x / sqrt 2) + 1) * 0.5`, the three factors in any order and grouping, the division
/// also as a product => `Gelu(x)`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    for i in 0..graph.nodes.len() {
        let [y] = graph.nodes[i].outputs[..] else {
            continue;
        };
        if let Some(x) = find(&Matcher::new(graph), y) {
            graph.nodes[i].op = Op::Gelu(Gelu { tanh: false });
            graph.nodes[i].inputs = vec![x];
            count += 1;
        }
    }
    graph.remove_dead_nodes();
    Ok(count)
}

fn find(m: &Matcher<'_>, y: ValueId) -> Option<ValueId> {
    let [a, b] = m.binary(y, Binary::Mul)?;
    // Three factors are two products: open one of the two operands.
    [(a, b), (b, a)].into_iter().find_map(|(open, rest)| {
        let [p, q] = m.binary(open, Binary::Mul)?;
        [[p, q, rest], [p, rest, q], [q, p, rest], [q, rest, p], [rest, p, q], [rest, q, p]]
            .into_iter()
            .find_map(|[half, x, gate]| {
                let matches = near(m.graph.scalar(half)?, 0.5) && gate_of(m, gate)? == x;
                (matches && m.graph.shape(x) == m.graph.shape(y)).then_some(x)
            })
    })
}

/// x, if `v` is `Erf(x / sqrt 2) + 1`.
fn gate_of(m: &Matcher<'_>, v: ValueId) -> Option<ValueId> {
    let (erf, one) = m.with_scalar(v, Binary::Add)?;
    let u = m.unary(erf, Unary::Erf).filter(|_| near(one, 1.0))?;
    if let Some([x, c]) = m.binary(u, Binary::Div) {
        return near(m.graph.scalar(c)?, SQRT_2).then_some(x);
    }
    let (x, c) = m.with_scalar(u, Binary::Mul)?;
    near(c, FRAC_1_SQRT_2).then_some(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn every_grouping() {
        for (grouping, swap, product) in
            [(0, false, false), (0, true, true), (1, false, true), (2, true, false)]
        {
            let mut s = Sketch::new();
            let x = s.input(&[1, 3, 4]);
            let bin = |s: &mut Sketch, op, a, b| {
                let commutes = matches!(op, Binary::Add | Binary::Mul);
                let args = if swap && commutes { [b, a] } else { [a, b] };
                s.node(Op::Binary(op), &args)
            };
            let (op, c) = if product { (Binary::Mul, FRAC_1_SQRT_2) } else { (Binary::Div, SQRT_2) };
            let c = s.constant(&[], &[c]);
            let u = bin(&mut s, op, x, c);
            let e = s.node(Op::Unary(Unary::Erf), &[u]);
            let one = s.constant(&[1], &[1.0]);
            let g = bin(&mut s, Binary::Add, e, one);
            let half = s.constant(&[], &[0.5]);
            let [a, b, c] = [[x, g, half], [x, half, g], [half, g, x]][grouping];
            let t = bin(&mut s, Binary::Mul, a, b);
            let y = bin(&mut s, Binary::Mul, t, c);
            s.check(&[y], super::run, &["Gelu"]);
        }
    }
}
