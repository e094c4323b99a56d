//! Fuses the decomposed SiLU (Swish) and HardSwish.

use super::matcher::{Matcher, near};
use crate::float::graph::{FloatGraph, ValueId};
use crate::float::ops::binary::Binary;
use crate::float::ops::unary::Unary;
use crate::float::ops::{Op, OpError};

/// `x * Sigmoid(x)` => `Silu(x)`;
/// `x * HardSigmoid(x)` with slope 1/6, `x * Clip(x + 3, 0, 6) / 6` => `HardSwish(x)`;
/// `Clip(x + 3, 0, 6) / 6` => `HardSigmoid(x)`.
/// The factors in any order and grouping, divisions also as products.
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    // The longest form first: HardSigmoid is a part of HardSwish.
    for form in [swish, hard_sigmoid] {
        for i in 0..graph.nodes.len() {
            let [y] = graph.nodes[i].outputs[..] else {
                continue;
            };
            let Some((x, function)) = form(&Matcher::new(graph), y) else {
                continue;
            };
            graph.nodes[i].op = Op::Unary(function);
            graph.nodes[i].inputs = vec![x];
            count += 1;
        }
        graph.remove_dead_nodes();
    }
    Ok(count)
}

type Found = Option<(ValueId, Unary)>;

fn swish(m: &Matcher<'_>, y: ValueId) -> Found {
    if m.binary(y, Binary::Mul).is_none() && m.binary(y, Binary::Div).is_none() {
        return None;
    }
    m.product(y, &[]).1.into_iter().find_map(|gate| {
        let node = m.maker(gate)?;
        let operand = *node.inputs.first()?;
        let (x, scalar, function) = match &node.op {
            Op::Unary(Unary::Sigmoid) => (operand, 1.0, Unary::Silu),
            Op::Unary(f) if is_sixth(*f) => (operand, 1.0, Unary::HardSwish),
            _ => (ramp(m, gate)?, 1.0 / 6.0, Unary::HardSwish),
        };
        let matches = m.is_product(y, scalar, &[x, gate]) && m.graph.shape(x) == m.graph.shape(y);
        matches.then_some((x, function))
    })
}

fn hard_sigmoid(m: &Matcher<'_>, y: ValueId) -> Found {
    let node = m.maker(y)?;
    let gate = node.inputs.iter().copied().find(|&gate| m.is_product(y, 1.0 / 6.0, &[gate]))?;
    let x = ramp(m, gate)?;
    let same = m.graph.shape(x) == m.graph.shape(y);
    same.then_some((x, Unary::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 }))
}

fn is_sixth(f: Unary) -> bool {
    matches!(f, Unary::HardSigmoid { alpha, beta } if near(alpha, 1.0 / 6.0) && beta == 0.5)
}

/// x, if `v` is `Clip(x + 3, 0, 6)`.
fn ramp(m: &Matcher<'_>, v: ValueId) -> Option<ValueId> {
    let node = m.maker(v)?;
    match &node.op {
        // Codes that stand for the bounds end next to 6.
        Op::Clip(clip) if clip.min == 0.0 && near(clip.max, 6.0) => {}
        _ => return None,
    }
    let (x, three) = m.with_scalar(*node.inputs.first()?, Binary::Add)?;
    (three == 3.0).then_some(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::clip::Clip;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn by_a_gate() {
        let hard = Unary::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 };
        for (gate, swap) in [(Unary::Sigmoid, false), (Unary::Sigmoid, true), (hard, false)] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 3, 4]);
            let g = s.node(Op::Unary(gate), &[x]);
            let y = s.node(Op::Binary(Binary::Mul), &if swap { [g, x] } else { [x, g] });
            s.check(&[y], run, &["Unary"]);
        }
    }

    #[test]
    fn by_a_ramp() {
        for form in 0..3 {
            let mut s = Sketch::new();
            let x = s.input(&[1, 3, 4]);
            let [three, six] = [3.0, 6.0].map(|c| s.constant(&[], &[c]));
            let a = s.node(Op::Binary(Binary::Add), &[x, three]);
            let c = s.node(Op::Clip(Clip { min: 0.0, max: 6.0 }), &[a]);
            let y = match form {
                0 => s.node(Op::Binary(Binary::Div), &[c, six]),
                1 => {
                    let d = s.node(Op::Binary(Binary::Div), &[c, six]);
                    s.node(Op::Binary(Binary::Mul), &[x, d])
                }
                _ => {
                    let d = s.node(Op::Binary(Binary::Mul), &[x, c]);
                    s.node(Op::Binary(Binary::Div), &[d, six])
                }
            };
            s.check(&[y], run, &["Unary"]);
        }
    }
}
