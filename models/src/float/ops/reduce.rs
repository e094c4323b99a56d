//! ReduceSum-13, ReduceProd-18, ReduceMax-20, ReduceMin-20, ReduceL1-18, ReduceL2-18, ReduceSumSquare-18 and
//! GlobalMaxPool-1: one number over axes.

use super::axis::{axis_indices, for_each_offset};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::{Tensor, strides};
use crate::onnx::reader::NodeReader;

/// What becomes of the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReduceKind {
    /// Their sum.
    Sum,
    /// Their product.
    Prod,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// The sum of their absolute values.
    L1,
    /// The root of the sum of their squares.
    L2,
    /// The sum of their squares.
    SumSquare,
}

/// One operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reduce {
    /// What becomes of the elements.
    pub kind: ReduceKind,
    /// Reduced axes, sorted.
    pub axes: Vec<usize>,
    /// Whether they stay with size 1.
    pub keep_dims: bool,
}

const LIMITS: &str = "constant axes";

pub(super) const BUILDERS: &[OnnxOperator] = &[
    OnnxOperator::new("GlobalMaxPool", &[1], global, ""),
    OnnxOperator::new("ReduceL1", &[11, 13, 18], build, LIMITS),
    OnnxOperator::new("ReduceL2", &[11, 13, 18], build, LIMITS),
    OnnxOperator::new("ReduceMax", &[11, 12, 13, 18, 20], build, LIMITS),
    OnnxOperator::new("ReduceMin", &[11, 12, 13, 18, 20], build, LIMITS),
    OnnxOperator::new("ReduceProd", &[11, 13, 18], build, LIMITS),
    OnnxOperator::new("ReduceSum", &[11, 13], build, LIMITS),
    OnnxOperator::new("ReduceSumSquare", &[11, 13, 18], build, LIMITS),
];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 2)?;
    let kind = match r.op_type() {
        "ReduceL1" => ReduceKind::L1,
        "ReduceL2" => ReduceKind::L2,
        "ReduceMax" => ReduceKind::Max,
        "ReduceMin" => ReduceKind::Min,
        "ReduceProd" => ReduceKind::Prod,
        "ReduceSum" => ReduceKind::Sum,
        "ReduceSumSquare" => ReduceKind::SumSquare,
        _ => return Err(OpError::new("is not in the table")),
    };
    let (axes, keep_dims) = read_axes(r)?;
    Ok(Built { op: Op::Reduce(Reduce { kind, axes, keep_dims }), inputs: vec![r.float(0)?] })
}

fn global(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    let axes: Vec<usize> = (2..r.shape(0)?.len()).collect();
    if axes.is_empty() {
        return Err(OpError::new(format!("needs x [N, C, ..], has {:?}", r.shape(0)?)));
    }
    let op = Op::Reduce(Reduce { kind: ReduceKind::Max, axes, keep_dims: true });
    Ok(Built { op, inputs: r.floats()? })
}

/// The axes that a reduction names, sorted, and whether they stay.
pub(super) fn read_axes(r: &mut NodeReader<'_>) -> Result<(Vec<usize>, bool), OpError> {
    let keep_dims = r.flag("keepdims", true)?;
    let none_is_none = r.flag("noop_with_empty_axes", false)?;
    let rank = r.shape(0)?.len();
    let axes = match r.ints_from("axes", 1)? {
        Some(axes) if !axes.is_empty() => axis_indices(&axes, rank)?,
        _ if none_is_none => Vec::new(),
        _ => (0..rank).collect(),
    };
    Ok((axes, keep_dims))
}

/// The shape that is left of an operand.
pub(super) fn reduced_shape(from: &[usize], axes: &[usize], keep_dims: bool) -> Result<Vec<usize>, OpError> {
    if axes.iter().any(|&a| a >= from.len()) {
        return Err(OpError::new(format!("axes {axes:?} are not in {from:?}")));
    }
    let dim = |(i, &d): (usize, &usize)| match (axes.contains(&i), keep_dims) {
        (false, _) => Some(d),
        (true, true) => Some(1),
        (true, false) => None,
    };
    Ok(from.iter().enumerate().filter_map(dim).collect())
}

/// Folds every element into the f64 of its place in the result.
pub(super) fn accumulate(x: &Tensor, axes: &[usize], start: f64, fold: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    // The kept shape with size-1 axes gives each element's place.
    let dims = x.shape().iter().enumerate();
    let kept: Vec<usize> = dims.map(|(i, &d)| if axes.contains(&i) { 1 } else { d }).collect();
    let own = strides(&kept);
    let s: Vec<isize> = own.iter().zip(&kept).map(|(&s, &d)| if d == 1 { 0 } else { s as isize }).collect();
    let mut sums = vec![start; kept.iter().product()];
    let mut data = x.data().iter();
    for_each_offset(x.shape(), &s, 0, |o| {
        if let Some(&v) = data.next() {
            sums[o] = fold(sums[o], f64::from(v));
        }
    });
    sums
}

impl Operator for Reduce {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        Ok(vec![reduced_shape(inputs[0], &self.axes, self.keep_dims)?])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let shape = self.infer_shape(&[inputs[0].shape()])?.remove(0);
        let all = |start, fold: fn(f64, f64) -> f64| accumulate(inputs[0], &self.axes, start, fold);
        let results = match self.kind {
            ReduceKind::Sum => all(0.0, |a, b| a + b),
            ReduceKind::Prod => all(1.0, |a, b| a * b),
            ReduceKind::Max => all(f64::NEG_INFINITY, f64::max),
            ReduceKind::Min => all(f64::INFINITY, f64::min),
            ReduceKind::L1 => all(0.0, |a, b| a + b.abs()),
            ReduceKind::SumSquare => all(0.0, |a, b| a + b * b),
            ReduceKind::L2 => all(0.0, |a, b| a + b * b).into_iter().map(f64::sqrt).collect(),
        };
        Ok(vec![Tensor::new(shape, results.into_iter().map(|x| x as f32).collect())?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![2, 2], vec![1., -3., 5., 9.]).unwrap();
        let run = |kind, axes: &[usize], keep_dims| {
            Reduce { kind, axes: axes.to_vec(), keep_dims }.eval(&[&x]).unwrap().remove(0)
        };
        assert_eq!(run(ReduceKind::Sum, &[0], false).data(), [6., 6.]);
        assert_eq!(run(ReduceKind::Max, &[1], true).shape(), [2, 1]);
        assert_eq!(run(ReduceKind::Min, &[1], true).data(), [-3., 5.]);
        assert_eq!(run(ReduceKind::Prod, &[0, 1], false).data(), [-135.]);
        assert_eq!(run(ReduceKind::L1, &[1], false).data(), [4., 14.]);
        assert_eq!(run(ReduceKind::SumSquare, &[], false).data(), [1., 9., 25., 81.]);
    }
}
