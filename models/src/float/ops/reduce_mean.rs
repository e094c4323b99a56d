//! ReduceMean-18 (and 11, 13): mean over axes.

use super::axis::{axis_indices, for_each_offset};
use super::{Builder, Built, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::{Tensor, strides};
use crate::onnx::reader::NodeReader;

/// One operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReduceMean {
    /// Reduced axes, sorted.
    pub axes: Vec<usize>,
    /// Whether they stay with size 1.
    pub keep_dims: bool,
}

pub(super) const BUILDERS: &[(&str, Builder)] = &[("ReduceMean", build)];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 2)?;
    let keep_dims = r.flag("keepdims", true)?;
    let none_is_none = r.flag("noop_with_empty_axes", false)?;
    let rank = r.shape(0)?.len();
    let axes = match r.ints_from("axes", 1)? {
        Some(axes) if !axes.is_empty() => axis_indices(&axes, rank)?,
        _ if none_is_none => Vec::new(),
        _ => (0..rank).collect(),
    };
    Ok(Built { op: Op::ReduceMean(ReduceMean { axes, keep_dims }), inputs: vec![r.float(0)?] })
}

impl Operator for ReduceMean {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        if self.axes.iter().any(|&a| a >= inputs[0].len()) {
            return Err(OpError::new(format!("axes {:?} are not in {:?}", self.axes, inputs[0])));
        }
        let dims = inputs[0].iter().enumerate();
        let dim = |(i, &d): (usize, &usize)| match (self.axes.contains(&i), self.keep_dims) {
            (false, _) => Some(d),
            (true, true) => Some(1),
            (true, false) => None,
        };
        Ok(vec![dims.filter_map(dim).collect()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        let shape = self.infer_shape(&[x.shape()])?.remove(0);
        // The kept shape with size-1 axes gives each element's place in the output.
        let kept: Vec<usize> =
            (0..x.shape().len()).map(|i| if self.axes.contains(&i) { 1 } else { x.shape()[i] }).collect();
        let s: Vec<isize> =
            strides(&kept).iter().zip(&kept).map(|(&s, &d)| if d == 1 { 0 } else { s as isize }).collect();
        let mut sums = vec![0.0f64; kept.iter().product()];
        let mut data = x.data().iter();
        for_each_offset(x.shape(), &s, 0, |o| {
            sums[o] += data.next().map_or(0.0, |&v| f64::from(v));
        });
        let n = (x.len() / sums.len().max(1)) as f64;
        let data = sums.iter().map(|s| (s / n) as f32).collect();
        Ok(vec![Tensor::new(shape, data)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![2, 2], vec![1., 3., 5., 9.]).unwrap();
        let run = |axes: &[usize], keep_dims| {
            ReduceMean { axes: axes.to_vec(), keep_dims }.eval(&[&x]).unwrap().remove(0)
        };
        assert_eq!(run(&[0], false).data(), [3., 6.]);
        assert_eq!(run(&[1], true).data(), [2., 7.]);
        assert_eq!(run(&[1], true).shape(), [2, 1]);
        assert_eq!(run(&[0, 1], false).data(), [4.5]);
    }
}
