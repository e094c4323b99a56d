//! Slice-13: cuts ranges out of axes, with constant bounds.

use super::axis::{axis_index, for_each_offset};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::{Tensor, strides};
use crate::onnx::reader::NodeReader;

/// What is taken of one axis: `start`, `start + step`, .. , `len` elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The axis.
    pub axis: usize,
    /// First index.
    pub start: usize,
    /// Number of elements, at least 1.
    pub len: usize,
    /// Step, not 0; negative walks backwards.
    pub step: isize,
}

/// One operand; axes without a range stay whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// At most one range per axis.
    pub ranges: Vec<Range>,
}

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("Slice", &[11, 13], build, "constant bounds; something must be left of every axis")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(3, 5)?;
    let shape = r.shape(0)?.to_vec();
    let list = |i: usize| Ok::<_, OpError>(r.const_ints(i)?.map(|t| t.data.clone()));
    let missing = || OpError::new("starts or ends are missing");
    let (starts, ends) = (list(1)?.ok_or_else(missing)?, list(2)?.ok_or_else(missing)?);
    let axes = list(3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list(4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(OpError::new("starts, ends, axes and steps differ in length"));
    }
    let mut ranges: Vec<Range> = Vec::new();
    for i in 0..starts.len() {
        let axis = axis_index(axes[i], shape.len())?;
        if ranges.iter().any(|r| r.axis == axis) {
            return Err(OpError::new(format!("axis {axis} is cut twice")));
        }
        let (n, step) = (shape[axis] as i64, steps[i]);
        let clamp =
            |x: i64, low: i64, high: i64| (if x < 0 { x.saturating_add(n) } else { x }).clamp(low, high);
        let (start, end) = match step {
            0 => return Err(OpError::new("step 0")),
            1.. => (clamp(starts[i], 0, n), clamp(ends[i], 0, n)),
            _ => (clamp(starts[i], 0, n - 1), clamp(ends[i], -1, n - 1)),
        };
        let distance = if step > 0 { end - start } else { start - end };
        if distance <= 0 {
            return Err(OpError::new(format!("nothing is left of axis {axis} ({shape:?})")));
        }
        let len = (distance as u64).div_ceil(step.unsigned_abs()) as usize;
        // A step beyond the axis takes one element; keep it small so that offsets cannot overflow.
        let step = if len == 1 { 1 } else { step as isize };
        ranges.push(Range { axis, start: start as usize, len, step });
    }
    Ok(Built { op: Op::Slice(Slice { ranges }), inputs: vec![r.float(0)?] })
}

impl Operator for Slice {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        let mut shape = inputs[0].to_vec();
        for (i, r) in self.ranges.iter().enumerate() {
            let reach = isize::try_from(r.len).ok().and_then(|len| {
                let last = len.checked_sub(1)?.checked_mul(r.step)?;
                r.start.checked_add_signed(last)
            });
            let n = inputs[0].get(r.axis).copied().unwrap_or(0);
            let again = self.ranges[..i].iter().any(|q| q.axis == r.axis);
            if again || r.start >= n || r.len == 0 || r.step == 0 || reach.is_none_or(|e| e >= n) {
                return Err(OpError::new(format!("{r:?} is not in {:?}", inputs[0])));
            }
            shape[r.axis] = r.len;
        }
        Ok(vec![shape])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        let shape = self.infer_shape(&[x.shape()])?.remove(0);
        let mut s: Vec<isize> = strides(x.shape()).iter().map(|&s| s as isize).collect();
        let mut start = 0;
        for r in &self.ranges {
            start += r.start as isize * s[r.axis];
            s[r.axis] *= r.step;
        }
        let mut data = Vec::with_capacity(shape.iter().product());
        for_each_offset(&shape, &s, start, |o| data.push(x.data()[o]));
        Ok(vec![Tensor::new(shape, data)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![2, 4], (0..8u8).map(f32::from).collect()).unwrap();
        let run = |axis, start, len, step| {
            let ranges = vec![Range { axis, start, len, step }];
            Slice { ranges }.eval(&[&x]).map(|mut y| y.remove(0).into_data())
        };
        assert_eq!(run(1, 1, 2, 2).unwrap(), [1., 3., 5., 7.]);
        assert_eq!(run(1, 3, 2, -3).unwrap(), [3., 0., 7., 4.]);
        assert_eq!(run(0, 1, 1, 1).unwrap(), [4., 5., 6., 7.]);
        assert!(run(1, 1, 3, 2).is_err());
    }
}
