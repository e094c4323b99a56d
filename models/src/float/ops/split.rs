//! Split-18 (and 11, 13): cuts one operand into several along an axis.

use super::axis::{around, axis_index};
use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// One operand, one output per size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The axis.
    pub axis: usize,
    /// Size of each output along it; they sum to the operand's.
    pub sizes: Vec<usize>,
}

pub(super) const BUILDERS: &[OnnxOperator] =
    &[OnnxOperator::new("Split", &[11, 13, 18], build, "constant sizes, none 0")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 2)?;
    let axis = axis_index(r.int("axis", 0)?, r.shape(0)?.len())?;
    let n = r.shape(0)?[axis];
    let parts = r.int("num_outputs", r.output_count() as i64)?;
    let sizes = match r.ints_from("split", 1)? {
        Some(sizes) => sizes
            .iter()
            .map(|&s| usize::try_from(s).map_err(|_| OpError::new(format!("size {s} is negative"))))
            .collect::<Result<Vec<_>, _>>()?,
        None => {
            let parts = usize::try_from(parts).ok().filter(|&p| p > 0 && p <= n);
            let parts = parts.ok_or_else(|| OpError::new(format!("cannot split {n} evenly")))?;
            // The last part is smaller where the axis does not divide evenly.
            let size = n.div_ceil(parts);
            let last = n.checked_sub(size * (parts - 1)).filter(|&l| l > 0);
            let last = last.ok_or_else(|| OpError::new(format!("cannot split {n} into {parts}")))?;
            let mut sizes = vec![size; parts];
            sizes[parts - 1] = last;
            sizes
        }
    };
    Ok(Built { op: Op::Split(Split { axis, sizes }), inputs: vec![r.float(0)?] })
}

impl Operator for Split {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        let n = inputs[0].get(self.axis).copied();
        let sum = self.sizes.iter().try_fold(0usize, |a, &b| a.checked_add(b));
        if n.is_none() || sum != n {
            return Err(OpError::new(format!(
                "sizes {:?} do not sum to axis {} of {:?}",
                self.sizes, self.axis, inputs[0]
            )));
        }
        let mut shape = inputs[0].to_vec();
        let part = |&s: &usize| {
            shape[self.axis] = s;
            shape.clone()
        };
        Ok(self.sizes.iter().map(part).collect())
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let x = inputs[0];
        let (outer, n, inner) = around(x.shape(), self.axis);
        let mut start = 0;
        let mut out = Vec::new();
        for shape in self.infer_shape(&[x.shape()])? {
            let size = shape[self.axis];
            let rows = (0..outer).map(|o| &x.data()[(o * n + start) * inner..][..size * inner]);
            let data = rows.flatten().copied().collect();
            start += size;
            out.push(Tensor::new(shape, data)?);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let x = Tensor::new(vec![2, 3], vec![1., 2., 3., 4., 5., 6.]).unwrap();
        let y = Split { axis: 1, sizes: vec![1, 2] }.eval(&[&x]).unwrap();
        assert_eq!((y[0].data(), y[1].data()), (&[1., 4.][..], &[2., 3., 5., 6.][..]));
        assert!(Split { axis: 1, sizes: vec![1, 1] }.infer_shape(&[&[2, 3]]).is_err());
    }
}
