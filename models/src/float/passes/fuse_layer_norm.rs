//! Fuses the decomposed LayerNormalization, over any axes.

use super::chain::Chain;
use super::matcher::Matcher;
use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::ops::binary::Binary;
use crate::float::ops::layer_norm::LayerNorm;
use crate::float::ops::unary::Unary;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// `d = x - ReduceMean(x)`, `d / Sqrt(ReduceMean(d ^ 2) + eps) * scale + bias` => `LayerNorm`, between two `Transpose`
/// where the axes are not the last ones (LayerNorm of maps, as ConvNeXt writes it).
/// The square may be `d * d`, the division a product with the root's reciprocal; the variance may be one over the
/// number of elements less one; the bias, or scale and bias, may be missing. Keras writes
/// `x * g + (bias - ReduceMean(x) * g)` with g the scale over the root.
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    let mut count = 0;
    // The longest form first: each shorter form is a part of it.
    for form in [spread, with_bias, with_scale, bare] {
        let mut i = 0;
        while i < graph.nodes.len() {
            let found = match (&graph.nodes[i].op, &graph.nodes[i].outputs[..]) {
                (Op::Binary(_), &[y]) => form(&Matcher::new(graph), y).map(|found| (found, y)),
                _ => None,
            };
            let Some((found, y)) = found else {
                i += 1;
                continue;
            };
            let made = fused(graph, i, found, y)?;
            let length = made.len();
            graph.nodes.splice(i..=i, made);
            i += length;
            count += 1;
        }
        graph.remove_dead_nodes();
    }
    Ok(count)
}

/// The nodes that replace the last node of the form.
fn fused(
    graph: &mut FloatGraph,
    i: usize,
    (core, scale, bias): Found,
    y: ValueId,
) -> Result<Vec<Node>, OpError> {
    let Core { x, axes, epsilon, factor } = core;
    let shape = graph.shape(x).to_vec();
    let tail: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
    let name = graph.nodes[i].name.clone();
    let filled = |t: Tensor| {
        let number = t.as_scalar().filter(|_| tail.iter().any(|&size| size > 1));
        number.map_or_else(|| t.reshaped(&tail), |number| Tensor::full(tail.clone(), number))
    };
    let mut scale = filled(scale.unwrap_or_else(|| Tensor::scalar(1.0)))?;
    scale.data_mut().iter_mut().for_each(|s| *s *= factor);
    let mut chain = Chain::new(graph, &name);
    let mut inputs = vec![x, chain.constant("scale", scale)];
    if let Some(bias) = bias {
        let bias = filled(bias)?;
        inputs.push(chain.constant("bias", bias));
    }
    // The normalized axes last.
    let perm: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).chain(axes.clone()).collect();
    let mut inverse = vec![0; perm.len()];
    perm.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
    inputs[0] = chain.transpose("turned", x, &perm)?;
    let norm = LayerNorm { axis: shape.len() - axes.len(), epsilon };
    let normal = chain.step("", Op::LayerNorm(norm), &inputs)?;
    chain.transpose("back", normal, &inverse)?;
    Ok(chain.finish(y))
}

struct Core {
    x: ValueId,
    /// Normalized axes, sorted.
    axes: Vec<usize>,
    epsilon: f32,
    /// What the result is of one over the root of the variance itself.
    factor: f32,
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
        Some([d, s]) => (d, root(m, s)?),
        None => {
            let [a, b] = m.binary(y, Binary::Mul)?;
            [(a, b), (b, a)].into_iter().find_map(|(d, r)| Some((d, inverse_root(m, r)?)))?
        }
    };
    let core = normalized(m, variance)?;
    // Some exporters subtract the mean twice, in two nodes.
    let (x, axes) = centered(m, d)?;
    (x == core.x && axes == core.axes).then_some((core, None, None))
}

/// What `v` is the root of.
fn root(m: &Matcher<'_>, v: ValueId) -> Option<ValueId> {
    let power = || {
        let [base, half] = m.binary(v, Binary::Pow)?;
        (m.graph.scalar(half)? == 0.5).then_some(base)
    };
    m.unary(v, Unary::Sqrt).or_else(power)
}

/// What `v` is one over the root of.
fn inverse_root(m: &Matcher<'_>, v: ValueId) -> Option<ValueId> {
    if let Some(inverse) = m.unary(v, Unary::Reciprocal) {
        return root(m, inverse);
    }
    if let Some([one, inverse]) = m.binary(v, Binary::Div) {
        return root(m, inverse).filter(|_| m.graph.scalar(one) == Some(1.0));
    }
    let [base, half] = m.binary(v, Binary::Pow)?;
    (m.graph.scalar(half)? == -0.5).then_some(base)
}

/// The core without its scale, if `v` is the variance of x plus epsilon.
fn normalized(m: &Matcher<'_>, v: ValueId) -> Option<Core> {
    let (variance, epsilon) = m.with_scalar(v, Binary::Add)?;
    // As torch's var, n / (n - 1) of the mean: the root of it goes into the scale, its share of epsilon into that.
    let (share, factors) = m.product(variance, &[]);
    let &[spread] = &factors[..] else { return None };
    let (x, axes) = of_centered(m, spread).or_else(|| of_squares(m, spread))?;
    let sound = epsilon >= 0.0 && share.is_finite() && share > 0.0;
    sound.then(|| Core { x, axes, epsilon: epsilon / share, factor: 1.0 / share.sqrt() })
}

/// `(x, axes)` if `v` is the mean of the squares of x less its mean.
fn of_centered(m: &Matcher<'_>, v: ValueId) -> Option<(ValueId, Vec<usize>)> {
    let (square, axes) = mean(m, v)?;
    let (x, again) = centered(m, base_of_square(m, square)?)?;
    (again == axes).then_some((x, axes))
}

/// `(x, axes)` if `v` is the mean of the squares of x, less the square of its mean.
fn of_squares(m: &Matcher<'_>, v: ValueId) -> Option<(ValueId, Vec<usize>)> {
    let [squares, square] = m.binary(v, Binary::Sub)?;
    let (of, axes) = mean(m, squares)?;
    let x = base_of_square(m, of)?;
    let (again, same) = mean(m, base_of_square(m, square)?)?;
    (again == x && same == axes).then_some((x, axes))
}

/// What `v` is the square of.
fn base_of_square(m: &Matcher<'_>, v: ValueId) -> Option<ValueId> {
    match (m.binary(v, Binary::Pow), m.binary(v, Binary::Mul)) {
        (Some([base, two]), _) if m.graph.scalar(two) == Some(2.0) => Some(base),
        (_, Some([a, b])) if a == b => Some(a),
        _ => None,
    }
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
            let core = normalized(m, inverse_root(m, root)?)?;
            let (of, axes) = mean(m, mu)?;
            let same = core.x == x && of == x && axes == core.axes;
            (same && fits(m, &core, &scale) && fits(m, &core, &bias))
                .then(|| (core, Some(scale), Some(bias.clone())))
        })
    })
}

/// `(x, axes)` if `v` is x minus its mean over the axes.
fn centered(m: &Matcher<'_>, v: ValueId) -> Option<(ValueId, Vec<usize>)> {
    let [x, mu] = m.binary(v, Binary::Sub)?;
    let (of, axes) = mean(m, mu)?;
    (of == x).then_some((x, axes))
}

/// `(x, axes)` if `v` is the mean of x over the axes, which stay with size 1.
fn mean(m: &Matcher<'_>, v: ValueId) -> Option<(ValueId, Vec<usize>)> {
    let node = m.maker(v)?;
    let x = *node.inputs.first()?;
    match &node.op {
        Op::ReduceMean(op) if op.keep_dims && !op.axes.is_empty() => Some((x, op.axes.clone())),
        Op::GlobalAveragePool(_) => Some((x, vec![2, 3])),
        _ => None,
    }
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

/// Whether the constant is one number, or has one for each element of the normalized axes and no others.
fn fits(m: &Matcher<'_>, core: &Core, t: &Tensor) -> bool {
    let shape = m.graph.shape(core.x);
    let Some(lead) = shape.len().checked_sub(t.shape().len()) else { return false };
    let own = |axis: usize| axis.checked_sub(lead).map_or(1, |axis| t.shape()[axis]);
    let each = |axis: usize| own(axis) == if core.axes.contains(&axis) { shape[axis] } else { 1 };
    t.len() == 1 || (0..shape.len()).all(each)
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
    fn over_the_channels_of_a_map() {
        // Torch's var divides by one less; the factor is a product and a quotient in the file.
        for unbiased in [false, true] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 4, 2, 3]);
            let mean = || Op::ReduceMean(ReduceMean { axes: vec![1], keep_dims: true });
            let mu = s.node(mean(), &[x]);
            let d = s.node(Op::Binary(Binary::Sub), &[x, mu]);
            let q = s.node(Op::Binary(Binary::Mul), &[d, d]);
            let mut v = s.node(mean(), &[q]);
            if unbiased {
                let [n, less] = [4.0, 3.0].map(|n| s.constant(&[], &[n]));
                v = s.node(Op::Binary(Binary::Mul), &[v, n]);
                v = s.node(Op::Binary(Binary::Div), &[v, less]);
            }
            let eps = s.constant(&[], &[0.1]);
            let e = s.node(Op::Binary(Binary::Add), &[v, eps]);
            let r = s.node(Op::Unary(Unary::Sqrt), &[e]);
            let y = s.node(Op::Binary(Binary::Div), &[d, r]);
            let scale = s.constant(&[4, 1, 1], &[1., 2., -3., 4.]);
            let bias = s.constant(&[1, 4, 1, 1], &[0.5, 2., -3., 1.]);
            let y = s.node(Op::Binary(Binary::Mul), &[scale, y]);
            let y = s.node(Op::Binary(Binary::Add), &[y, bias]);
            s.check(&[y], super::run, &["Transpose", "LayerNorm", "Transpose"]);
        }
    }

    #[test]
    fn by_the_mean_of_squares() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 3, 4]);
        let mean = || Op::ReduceMean(ReduceMean { axes: vec![2], keep_dims: true });
        let mu = s.node(mean(), &[x]);
        let squares = s.node(Op::Binary(Binary::Mul), &[x, x]);
        let squares = s.node(mean(), &[squares]);
        let square = s.node(Op::Binary(Binary::Mul), &[mu, mu]);
        let v = s.node(Op::Binary(Binary::Sub), &[squares, square]);
        let [eps, half] = [1e-3, 0.5].map(|c| s.constant(&[], &[c]));
        let e = s.node(Op::Binary(Binary::Add), &[v, eps]);
        let r = s.node(Op::Binary(Binary::Pow), &[e, half]);
        let d = s.node(Op::Binary(Binary::Sub), &[x, mu]);
        let y = s.node(Op::Binary(Binary::Div), &[d, r]);
        s.check(&[y], super::run, &["LayerNorm"]);
    }

    #[test]
    fn a_scale_of_other_axes_stays_behind() {
        let mut s = Sketch::new();
        let x = s.input(&[1, 4, 2, 3]);
        let mean = || Op::ReduceMean(ReduceMean { axes: vec![2, 3], keep_dims: true });
        let mu = s.node(mean(), &[x]);
        let d = s.node(Op::Binary(Binary::Sub), &[x, mu]);
        let q = s.node(Op::Binary(Binary::Mul), &[d, d]);
        let v = s.node(mean(), &[q]);
        let eps = s.constant(&[], &[0.1]);
        let e = s.node(Op::Binary(Binary::Add), &[v, eps]);
        let r = s.node(Op::Unary(Unary::Sqrt), &[e]);
        let y = s.node(Op::Binary(Binary::Div), &[d, r]);
        let scale = s.constant(&[4, 1, 1], &[1., 2., -3., 4.]);
        let y = s.node(Op::Binary(Binary::Mul), &[scale, y]);
        s.check(&[y], super::run, &["LayerNorm", "Binary"]);
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
