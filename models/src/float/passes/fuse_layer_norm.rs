//! Fuses the decomposed LayerNormalization.

use super::matcher::Matcher;
use crate::float::graph::{FloatGraph, ValueId};
use crate::float::ops::binary::Binary;
use crate::float::ops::layer_norm::LayerNorm;
use crate::float::ops::unary::Unary;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// `d = x - ReduceMean(x)`, `d / Sqrt(ReduceMean(d ^ 2) + eps) * scale + bias` => `LayerNorm`.
/// The square may be `d * d`, the division a product with the root's reciprocal; the bias, or scale and bias,
/// may be missing. Keras writes `x * g + (bias - ReduceMean(x) * g)` with g the scale over the root.
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    // The longest form first: each shorter form is a part of it.
    for form in [spread, with_bias, with_scale, bare] {
        for i in 0..graph.nodes.len() {
            let [y] = graph.nodes[i].outputs[..] else {
                continue;
            };
            let Some((core, scale, bias)) = form(&Matcher::new(graph), y) else {
                continue;
            };
            let tail = graph.shape(core.x)[core.op.axis..].to_vec();
            let name = graph.nodes[i].name.clone();
            let scale = scale.map_or_else(|| Tensor::full(tail.clone(), 1.0), |t| t.reshaped(&tail));
            let mut inputs = vec![core.x, graph.add_constant(&format!("{name}.scale"), scale?)];
            if let Some(bias) = bias {
                inputs.push(graph.add_constant(&format!("{name}.bias"), bias.reshaped(&tail)?));
            }
            graph.nodes[i].op = Op::LayerNorm(core.op);
            graph.nodes[i].inputs = inputs;
            count += 1;
        }
        graph.remove_dead_nodes();
    }
    Ok(count)
}

struct Core {
    x: ValueId,
    op: LayerNorm,
}

type Found = (Core, Option<Tensor>, Option<Tensor>);

fn with_bias(m: &Matcher<'_>, y: ValueId) -> Option<Found> {
    let (rest, bias) = affine(m, y, Binary::Add)?;
    let (core, scale, _) = with_scale(m, rest)?;
    fits(m, &core, &bias).then_some((core, scale, Some(bias)))
}

fn with_scale(m: &Matcher<'_>, y: ValueId) -> Option<Found> {
    let (rest, scale) = affine(m, y, Binary::Mul)?;
    let (core, _, _) = bare(m, rest)?;
    fits(m, &core, &scale).then_some((core, Some(scale), None))
}

fn bare(m: &Matcher<'_>, y: ValueId) -> Option<Found> {
    let (d, variance) = match m.binary(y, Binary::Div) {
        Some([d, s]) => (d, m.unary(s, Unary::Sqrt)?),
        None => {
            let [a, b] = m.binary(y, Binary::Mul)?;
            [(a, b), (b, a)].into_iter().find_map(|(d, r)| Some((d, inverse_root(m, r)?)))?
        }
    };
    let (core, of) = normalized(m, variance)?;
    // Some exporters subtract the mean twice, in two nodes.
    (centered(m, d)? == (of, core.op.axis)).then_some((core, None, None))
}

/// What `v` is one over the root of.
fn inverse_root(m: &Matcher<'_>, v: ValueId) -> Option<ValueId> {
    if let Some(root) = m.unary(v, Unary::Reciprocal) {
        return m.unary(root, Unary::Sqrt);
    }
    if let Some([one, root]) = m.binary(v, Binary::Div) {
        return m.unary(root, Unary::Sqrt).filter(|_| m.graph.scalar(one) == Some(1.0));
    }
    let [base, half] = m.binary(v, Binary::Pow)?;
    (m.graph.scalar(half)? == -0.5).then_some(base)
}

/// The core without its scale, and x, if `v` is the variance of x plus epsilon.
fn normalized(m: &Matcher<'_>, v: ValueId) -> Option<(Core, ValueId)> {
    let (variance, epsilon) = m.with_scalar(v, Binary::Add)?;
    let (square, axis) = mean(m, variance)?;
    let base = match (m.binary(square, Binary::Pow), m.binary(square, Binary::Mul)) {
        (Some([base, two]), _) if m.graph.scalar(two) == Some(2.0) => base,
        (_, Some([a, b])) if a == b => a,
        _ => return None,
    };
    let (x, again) = centered(m, base)?;
    let same = again == axis && epsilon >= 0.0;
    same.then_some((Core { x, op: LayerNorm { axis, epsilon } }, x))
}

/// `x * g + (bias - mean * g)` with `g = scale / Sqrt(variance + epsilon)`: Keras' form.
fn spread(m: &Matcher<'_>, y: ValueId) -> Option<Found> {
    let [a, b] = m.binary(y, Binary::Add)?;
    [(a, b), (b, a)].into_iter().find_map(|(scaled, shift)| {
        let [bias, subtracted] = m.binary(shift, Binary::Sub)?;
        let bias = Tensor::clone(m.graph.constant(bias)?);
        let [p, q] = m.binary(scaled, Binary::Mul)?;
        let [r, s] = m.binary(subtracted, Binary::Mul)?;
        [(p, q), (q, p)].into_iter().find_map(|(x, g)| {
            let mu = [(r, s), (s, r)].into_iter().find_map(|(mu, other)| (other == g).then_some(mu))?;
            let (root, scale) = affine(m, g, Binary::Mul)?;
            let (core, of) = normalized(m, inverse_root(m, root)?)?;
            let fits = of == x && mean(m, mu)? == (x, core.op.axis);
            (fits && self::fits(m, &core, &scale) && self::fits(m, &core, &bias))
                .then(|| (core, Some(scale), Some(bias.clone())))
        })
    })
}

/// `(x, axis)` if `v` is x minus its mean over the axes from `axis` on.
fn centered(m: &Matcher<'_>, v: ValueId) -> Option<(ValueId, usize)> {
    let [x, mu] = m.binary(v, Binary::Sub)?;
    let (of, axis) = mean(m, mu)?;
    (of == x).then_some((x, axis))
}

/// `(x, axis)` if `v` is the mean of x over the axes from `axis` on, which stay with size 1.
fn mean(m: &Matcher<'_>, v: ValueId) -> Option<(ValueId, usize)> {
    let node = m.maker(v)?;
    let Op::ReduceMean(op) = &node.op else {
        return None;
    };
    let (x, axis) = (*node.inputs.first()?, *op.axes.first()?);
    let trailing = op.axes.iter().copied().eq(axis..m.graph.shape(x).len());
    (trailing && op.keep_dims).then_some((x, axis))
}

/// The other operand and the constant, if commutative `op` with a constant makes `y`.
fn affine(m: &Matcher<'_>, y: ValueId, op: Binary) -> Option<(ValueId, Tensor)> {
    let [a, b] = m.binary(y, op)?;
    match (m.graph.constant(a), m.graph.constant(b)) {
        (None, Some(c)) => Some((a, Tensor::clone(c))),
        (Some(c), None) => Some((b, Tensor::clone(c))),
        _ => None,
    }
}

/// Whether the constant has the normalized axes' shape, up to leading ones.
fn fits(m: &Matcher<'_>, core: &Core, t: &Tensor) -> bool {
    let shape = m.graph.shape(core.x);
    let tail = &shape[core.op.axis..];
    t.shape().len() <= shape.len()
        && t.shape().ends_with(tail)
        && t.shape()[..t.shape().len() - tail.len()].iter().all(|&d| d == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::reduce_mean::ReduceMean;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn spread_over_scale_and_shift() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 4]);
        let mean = || Op::ReduceMean(ReduceMean { axes: vec![2], keep_dims: true });
        let mu = s.node(mean(), &[x]);
        let d = s.node(Op::Binary(Binary::Sub), &[x, mu]);
        let q = s.node(Op::Binary(Binary::Mul), &[d, d]);
        let v = s.node(mean(), &[q]);
        let eps = s.constant(&[], &[1e-3]);
        let e = s.node(Op::Binary(Binary::Add), &[v, eps]);
        let r = s.node(Op::Unary(Unary::Sqrt), &[e]);
        let r = s.node(Op::Unary(Unary::Reciprocal), &[r]);
        let scale = s.constant(&[4], &[1., 2., -3., 4.]);
        let bias = s.constant(&[4], &[0.5, 2., -3., 1.]);
        let g = s.node(Op::Binary(Binary::Mul), &[r, scale]);
        let p = s.node(Op::Binary(Binary::Mul), &[x, g]);
        let t = s.node(Op::Binary(Binary::Mul), &[mu, g]);
        let t = s.node(Op::Binary(Binary::Sub), &[bias, t]);
        let y = s.node(Op::Binary(Binary::Add), &[p, t]);
        s.check(&[y], super::run, &["LayerNorm"]);
    }

    #[test]
    fn by_reciprocal_or_power() {
        for power in [false, true] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 3, 4]);
            let mean = || Op::ReduceMean(ReduceMean { axes: vec![2], keep_dims: true });
            let mu = s.node(mean(), &[x]);
            let d = s.node(Op::Binary(Binary::Sub), &[x, mu]);
            let q = s.node(Op::Binary(Binary::Mul), &[d, d]);
            let v = s.node(mean(), &[q]);
            let eps = s.constant(&[], &[1e-5]);
            let e = s.node(Op::Binary(Binary::Add), &[v, eps]);
            let r = if power {
                let half = s.constant(&[], &[-0.5]);
                s.node(Op::Binary(Binary::Pow), &[e, half])
            } else {
                let root = s.node(Op::Unary(Unary::Sqrt), &[e]);
                s.node(Op::Unary(Unary::Reciprocal), &[root])
            };
            let y = s.node(Op::Binary(Binary::Mul), &[r, d]);
            s.check(&[y], super::run, &["LayerNorm"]);
        }
    }

    #[test]
    fn every_form() {
        for (form, pow) in [(0, true), (1, false), (2, true)] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 3, 4]);
            let mean = || Op::ReduceMean(ReduceMean { axes: vec![2], keep_dims: true });
            let mu = s.node(mean(), &[x]);
            let d = s.node(Op::Binary(Binary::Sub), &[x, mu]);
            let two = s.constant(&[], &[2.0]);
            let q = match pow {
                true => s.node(Op::Binary(Binary::Pow), &[d, two]),
                false => s.node(Op::Binary(Binary::Mul), &[d, d]),
            };
            let v = s.node(mean(), &[q]);
            let eps = s.constant(&[], &[1e-5]);
            let e = s.node(Op::Binary(Binary::Add), &[v, eps]);
            let r = s.node(Op::Unary(Unary::Sqrt), &[e]);
            let mut y = s.node(Op::Binary(Binary::Div), &[d, r]);
            if form < 2 {
                let c = s.constant(&[4], &[1., 2., -3., 4.]);
                y = s.node(Op::Binary(Binary::Mul), &[y, c]);
            }
            if form < 1 {
                let c = s.constant(&[4], &[0.5, 2., -3., 1.]);
                y = s.node(Op::Binary(Binary::Add), &[c, y]);
            }
            s.check(&[y], super::run, &["LayerNorm"]);
        }
    }
}
