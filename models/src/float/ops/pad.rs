//! Pad-21 (and 11, 13, 18, 19) with constant pads. Mode `constant` is an operator; the other modes pick
//! elements with Gather, and negative pads cut with Slice.

use super::axis::{axis_index, for_each_offset};
use super::gather::Gather;
use super::identity::Identity;
use super::slice::{Range, Slice};
use super::window::LIMIT;
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::graph::ValueId;
use crate::float::tensor::{Tensor, strides};
use crate::onnx::reader::NodeReader;

/// One operand.
#[derive(Debug, Clone, PartialEq)]
pub struct Pad {
    /// Elements put before each axis.
    pub before: Vec<usize>,
    /// Elements put after each axis.
    pub after: Vec<usize>,
    /// What is put there.
    pub value: f32,
}

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("Pad", &[11, 13, 18, 19, 21], build, "constant pads and value")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 4)?;
    let mode = r.text("mode")?.unwrap_or("constant").to_owned();
    let pick: Option<fn(i64, i64) -> i64> = match mode.as_str() {
        "constant" => None,
        "edge" => Some(|i, n| i.clamp(0, n - 1)),
        "wrap" => Some(i64::rem_euclid),
        "reflect" => Some(|i, n| {
            let period = (2 * (n - 1)).max(1);
            let at = i.rem_euclid(period);
            at.min(period - at).min(n - 1)
        }),
        _ => {
            return Err(OpError::new(format!(
                "mode `{mode}` is not supported (supported: constant, edge, reflect, wrap)"
            )));
        }
    };
    let shape = r.shape(0)?.to_vec();
    let (mut before, mut after) = (vec![0i64; shape.len()], vec![0i64; shape.len()]);
    let pads = r.const_ints(1)?.map(|t| t.data.clone()).unwrap_or_default();
    let axes = match r.const_ints(3)? {
        Some(t) => t.data.clone(),
        None => (0..shape.len() as i64).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(OpError::new(format!("{} pads for {} axes", pads.len(), axes.len())));
    }
    for (i, &axis) in axes.iter().enumerate() {
        let axis = axis_index(axis, shape.len())?;
        (before[axis], after[axis]) = (pads[i], pads[i + axes.len()]);
    }
    if let Some(&p) = before.iter().chain(&after).find(|p| p.unsigned_abs() > LIMIT as u64) {
        return Err(OpError::new(format!("pad {p} is not supported (supported: -{LIMIT} to {LIMIT})")));
    }
    let x = r.float(0)?;
    let x = cut(r, x, &mut before, &mut after)?;
    let Some(pick) = pick else {
        let value = if r.has(2) { scalar(r)? } else { 0.0 };
        let sizes = |pads: Vec<i64>| pads.into_iter().map(|p| p as usize).collect();
        let op = Op::Pad(Pad { before: sizes(before), after: sizes(after), value });
        return Ok(Built { op, inputs: vec![x] });
    };
    let mut last = Built { op: Op::Identity(Identity), inputs: vec![x] };
    for axis in 0..shape.len() {
        if (before[axis], after[axis]) == (0, 0) {
            continue;
        }
        let x = r.emit(last.op, last.inputs)?;
        let n = r.shape_of(x)?[axis] as i64;
        let (start, length) = (before[axis], n + before[axis] + after[axis]);
        let op = Gather::picking(axis, length as usize, |i| pick(i as i64 - start, n) as usize)?;
        last = Built { op, inputs: vec![x] };
    }
    Ok(last)
}

/// The padding value: a scalar of the operand's type.
fn scalar(r: &NodeReader<'_>) -> Result<f32, OpError> {
    match r.const_ints(2) {
        Ok(Some(t)) if t.data.len() == 1 => Ok(t.data[0] as f32),
        // Infinity is what never wins in a max pool.
        _ => Ok(r.const_scalar(2)?.unwrap_or(0.0).clamp(f32::MIN, f32::MAX)),
    }
}

/// Cuts off what negative pads take away, and makes them 0.
fn cut(
    r: &mut NodeReader<'_>,
    x: ValueId,
    before: &mut [i64],
    after: &mut [i64],
) -> Result<ValueId, OpError> {
    let shape = r.shape_of(x)?.to_vec();
    let mut ranges = Vec::new();
    for (axis, &n) in shape.iter().enumerate() {
        let less = |p: i64| if p < 0 { p.unsigned_abs() as usize } else { 0 };
        let (start, end) = (less(before[axis]), less(after[axis]));
        if start + end > 0 {
            let len = n.checked_sub(start + end).filter(|&len| len > 0);
            let len =
                len.ok_or_else(|| OpError::new(format!("nothing is left of axis {axis} ({shape:?})")))?;
            ranges.push(Range { axis, start, len, step: 1 });
        }
        (before[axis], after[axis]) = (before[axis].max(0), after[axis].max(0));
    }
    if ranges.is_empty() {
        return Ok(x);
    }
    r.emit(Op::Slice(Slice { ranges }), vec![x])
}

impl Operator for Pad {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        if [self.before.len(), self.after.len()] != [inputs[0].len(); 2] {
            return Err(OpError::new(format!("pads do not fit {:?}", inputs[0])));
        }
        let pads = self.before.iter().zip(&self.after);
        let sum = |(&d, (&b, &a)): (&usize, (&usize, &usize))| d.checked_add(b)?.checked_add(a);
        let shape = inputs[0].iter().zip(pads).map(sum).collect::<Option<Vec<_>>>();
        Ok(vec![shape.ok_or_else(|| OpError::new("the padded size overflows"))?])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        let mut out = Tensor::full(self.infer_shape(&[x.shape()])?.remove(0), self.value)?;
        let s = strides(out.shape());
        let start: usize = self.before.iter().zip(&s).map(|(b, s)| b * s).sum();
        let s: Vec<isize> = s.iter().map(|&s| s as isize).collect();
        let mut src = x.data().iter();
        let dst = out.data_mut();
        for_each_offset(x.shape(), &s, start as isize, |o| {
            dst[o] = src.next().copied().unwrap_or(0.0);
        });
        Ok(vec![out])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![2, 1], vec![1., 2.]).unwrap();
        let p = Pad { before: vec![0, 1], after: vec![1, 0], value: 9.0 };
        assert_eq!(p.eval(&[&x]).unwrap()[0].data(), [9., 1., 9., 2., 9., 9.]);
    }
}
