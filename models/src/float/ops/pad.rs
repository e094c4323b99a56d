//! Pad-19 (and 11, 13, 18), mode `constant`, with constant pads that are not negative.

use super::axis::{axis_index, for_each_offset};
use super::window::LIMIT;
use super::{Builder, Built, Op, OpError, Operator, expect_inputs};
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

pub(super) const BUILDERS: &[(&str, Builder)] = &[("Pad", build)];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(2, 4)?;
    let mode = r.text("mode")?.unwrap_or("constant");
    if mode != "constant" {
        return Err(OpError::new(format!("mode `{mode}` is not supported (supported: constant)")));
    }
    let rank = r.shape(0)?.len();
    let pads = r.const_ints(1)?.map(|t| t.data.clone()).unwrap_or_default();
    let axes = match r.const_ints(3)? {
        Some(t) => t.data.clone(),
        None => (0..rank as i64).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(OpError::new(format!("{} pads for {} axes", pads.len(), axes.len())));
    }
    let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
    for (i, &axis) in axes.iter().enumerate() {
        let axis = axis_index(axis, rank)?;
        let size = |p: i64| {
            let ok = usize::try_from(p).ok().filter(|&p| p <= LIMIT);
            ok.ok_or_else(|| OpError::new(format!("pad {p} is not supported (supported: 0 to {LIMIT})")))
        };
        before[axis] = size(pads[i])?;
        after[axis] = size(pads[i + axes.len()])?;
    }
    let value = r.const_scalar(2)?.unwrap_or(0.0);
    Ok(Built { op: Op::Pad(Pad { before, after, value }), inputs: vec![r.float(0)?] })
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
