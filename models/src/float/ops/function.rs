//! A function of one operand in several steps: what a pass finds written out; no ONNX operator of its own.

use std::borrow::Cow;

use super::{OnnxOperator, Op, OpError, Operator, expect_inputs};
use crate::float::tensor::Tensor;

/// Steps, each of which reads what stands before it; the last one gives the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Elementwise operators: [`Op::is_elementwise`].
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What it computes.
    pub op: Op,
    /// What of.
    pub operands: Vec<Source>,
}

/// An operand of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source {
    /// The function's operand.
    Operand,
    /// The result of an earlier step.
    Step(usize),
    /// A number.
    Number(f32),
}

pub(super) const BUILDERS: &[OnnxOperator] = &[];

impl Op {
    /// Whether it is a function of one operand, element by element.
    #[must_use]
    pub fn is_function(&self) -> bool {
        matches!(self, Op::Unary(_) | Op::Gelu(_) | Op::Clip(_) | Op::Function(_))
    }

    /// Whether it computes each element from elements alone: a step that a function may have.
    #[must_use]
    pub fn is_elementwise(&self) -> bool {
        matches!(self, Op::Unary(_) | Op::Gelu(_) | Op::Clip(_) | Op::Binary(_))
    }
}

impl Operator for Function {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        for (at, step) in self.steps.iter().enumerate() {
            let known = step.operands.iter().all(|s| !matches!(s, Source::Step(before) if *before >= at));
            if !known || !step.op.is_elementwise() {
                return Err(OpError::new(format!("step {at} is no function of what stands before it")));
            }
        }
        if self.steps.is_empty() {
            return Err(OpError::new("has no step"));
        }
        Ok(vec![inputs[0].to_vec()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        let mut results: Vec<Tensor> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let operand = |source: &Source| match *source {
                Source::Operand => Cow::Borrowed(inputs[0]),
                Source::Step(before) => Cow::Borrowed(&results[before]),
                Source::Number(number) => Cow::Owned(Tensor::scalar(number)),
            };
            let operands: Vec<Cow<'_, Tensor>> = step.operands.iter().map(operand).collect();
            let operands: Vec<&Tensor> = operands.iter().map(AsRef::as_ref).collect();
            let result = step.op.operator().eval(&operands)?;
            results.extend(result);
        }
        results.pop().map(|last| vec![last]).ok_or_else(|| OpError::new("has no step"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::ops::binary::Binary;
    use crate::float::ops::unary::Unary;

    #[test]
    fn by_hand() {
        let step = |op, operands: &[Source]| Step { op, operands: operands.to_vec() };
        let swish = Function {
            steps: vec![
                step(Op::Binary(Binary::Mul), &[Source::Number(2.0), Source::Operand]),
                step(Op::Unary(Unary::Relu), &[Source::Step(0)]),
                step(Op::Binary(Binary::Sub), &[Source::Step(1), Source::Operand]),
            ],
        };
        let x = Tensor::new(vec![3], vec![-1.0, 0.0, 3.0]).unwrap();
        assert_eq!(swish.infer_shape(&[&[3]]).unwrap(), [vec![3]]);
        assert_eq!(swish.eval(&[&x]).unwrap()[0].data(), [1.0, 0.0, 3.0]);
        let ahead = Function { steps: vec![step(Op::Unary(Unary::Relu), &[Source::Step(0)])] };
        assert!(ahead.infer_shape(&[&[3]]).is_err());
    }
}
