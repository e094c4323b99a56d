//! Fuses the decomposed GELU, exact and by tanh.

use super::matcher::{Matcher, near};
use crate::float::graph::{FloatGraph, ValueId};
use crate::float::ops::binary::Binary;
use crate::float::ops::gelu::Gelu;
use crate::float::ops::unary::Unary;
use crate::float::ops::{Op, OpError};
use std::f32::consts::FRAC_1_SQRT_2;

const SQRT_2_OVER_PI: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;

/// `x * (Erf(x / sqrt 2) + 1) / 2` => `Gelu(x)`;
/// `x * (Tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)) + 1) / 2` => `Gelu(x)` by tanh.
/// The factors in any order and grouping, divisions also as products, the sum also as
/// `x * (1 + 0.044715 * x^2)`.
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    for i in 0..graph.nodes.len() {
        let [y] = graph.nodes[i].outputs[..] else {
            continue;
        };
        if let Some((x, tanh)) = find(&Matcher::new(graph), y) {
            graph.nodes[i].op = Op::Gelu(Gelu { tanh });
            graph.nodes[i].inputs = vec![x];
            count += 1;
        }
    }
    graph.remove_dead_nodes();
    Ok(count)
}

fn find(m: &Matcher<'_>, y: ValueId) -> Option<(ValueId, bool)> {
    if m.binary(y, Binary::Mul).is_none() && m.binary(y, Binary::Div).is_none() {
        return None;
    }
    let (_, factors) = m.product(y, &[]);
    factors.into_iter().find_map(|gate| {
        let (inner, _) = m.with_scalar(gate, Binary::Add).filter(|(_, one)| near(*one, 1.0))?;
        let (x, tanh) = erf(m, inner).map(|x| (x, false)).or_else(|| Some((tanh(m, inner)?, true)))?;
        let matches = m.is_product(y, 0.5, &[x, gate]) && m.graph.shape(x) == m.graph.shape(y);
        matches.then_some((x, tanh))
    })
}

/// x, if `v` is `Erf(x / sqrt 2)`.
fn erf(m: &Matcher<'_>, v: ValueId) -> Option<ValueId> {
    let u = m.unary(v, Unary::Erf)?;
    let node = m.maker(u)?;
    node.inputs.iter().copied().find(|&x| m.is_product(u, FRAC_1_SQRT_2, &[x]))
}

/// x, if `v` is `Tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))`.
fn tanh(m: &Matcher<'_>, v: ValueId) -> Option<ValueId> {
    let u = m.unary(v, Unary::Tanh)?;
    m.product(u, &[]).1.into_iter().find_map(|sum| {
        let [a, b] = m.binary(sum, Binary::Add)?;
        let plain = || {
            let is_x = |&(x, cube): &(ValueId, ValueId)| m.is_product(cube, CUBIC, &[x, x, x]);
            let (x, _) = [(a, b), (b, a)].into_iter().find(is_x)?;
            m.is_product(u, SQRT_2_OVER_PI, &[sum]).then_some(x)
        };
        let factored = || {
            let (square, _) = m.with_scalar(sum, Binary::Add).filter(|(_, one)| near(*one, 1.0))?;
            let x = *m.product(square, &[]).1.first()?;
            let matches = m.is_product(square, CUBIC, &[x, x]) && m.is_product(u, SQRT_2_OVER_PI, &[x, sum]);
            matches.then_some(x)
        };
        plain().or_else(factored)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::passes::testing::Sketch;
    use std::f32::consts::SQRT_2;

    #[test]
    fn by_tanh() {
        for form in 0..4 {
            let mut s = Sketch::new();
            let x = s.input(&[1, 3, 4]);
            let c = [0.5, 1.0, 3.0, CUBIC, SQRT_2_OVER_PI].map(|c| s.constant(&[], &[c]));
            let [half, one, three, cubic, root] = c;
            let mut bin = |op, a, b| s.node(Op::Binary(op), &[a, b]);
            let square = bin(Binary::Mul, x, x);
            let u = if form < 3 {
                let cube = if form == 0 { bin(Binary::Pow, x, three) } else { bin(Binary::Mul, square, x) };
                let term = bin(Binary::Mul, cubic, cube);
                let sum = if form == 1 { bin(Binary::Add, term, x) } else { bin(Binary::Add, x, term) };
                bin(Binary::Mul, root, sum)
            } else {
                let term = bin(Binary::Mul, cubic, square);
                let sum = bin(Binary::Add, one, term);
                let scaled = bin(Binary::Mul, x, root);
                bin(Binary::Mul, scaled, sum)
            };
            let t = s.node(Op::Unary(Unary::Tanh), &[u]);
            let gate = s.node(Op::Binary(Binary::Add), &[t, one]);
            let halved = s.node(Op::Binary(Binary::Mul), &[x, half]);
            let y = s.node(Op::Binary(Binary::Mul), &[halved, gate]);
            s.check(&[y], run, &["Gelu"]);
        }
    }

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
