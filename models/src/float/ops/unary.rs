//! Elementwise functions of one operand: Erf, Exp, HardSwish, Neg, Relu, Sigmoid, Sqrt, Tanh.

use super::{Builder, Built, Op, OpError, Operator, expect_inputs, map};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// The function; one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// Error function (Erf-13).
    Erf,
    /// `e^x` (Exp-13).
    Exp,
    /// `x * clamp(x / 6 + 1/2, 0, 1)` (HardSwish-14).
    HardSwish,
    /// `-x` (Neg-13).
    Neg,
    /// `max(x, 0)` (Relu-14).
    Relu,
    /// `1 / (1 + e^-x)` (Sigmoid-13).
    Sigmoid,
    /// Square root (Sqrt-13).
    Sqrt,
    /// Hyperbolic tangent (Tanh-13).
    Tanh,
}

const TABLE: &[(&str, Unary)] = &[
    ("Erf", Unary::Erf),
    ("Exp", Unary::Exp),
    ("HardSwish", Unary::HardSwish),
    ("Neg", Unary::Neg),
    ("Relu", Unary::Relu),
    ("Sigmoid", Unary::Sigmoid),
    ("Sqrt", Unary::Sqrt),
    ("Tanh", Unary::Tanh),
];

pub(super) const BUILDERS: &[(&str, Builder)] = &[
    ("Erf", build),
    ("Exp", build),
    ("HardSwish", build),
    ("Neg", build),
    ("Relu", build),
    ("Sigmoid", build),
    ("Sqrt", build),
    ("Tanh", build),
];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    let function = TABLE.iter().find(|(name, _)| *name == r.op_type());
    let (_, op) = function.ok_or_else(|| OpError::new("is not in the table"))?;
    Ok(Built { op: Op::Unary(*op), inputs: r.floats()? })
}

impl Unary {
    /// The function itself.
    #[must_use]
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Unary::Erf => libm::erff(x),
            Unary::Exp => libm::expf(x),
            Unary::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Unary::Neg => -x,
            Unary::Relu => x.max(0.0),
            Unary::Sigmoid => 1.0 / (1.0 + libm::expf(-x)),
            Unary::Sqrt => x.sqrt(),
            Unary::Tanh => libm::tanhf(x),
        }
    }
}

impl Operator for Unary {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        Ok(vec![inputs[0].to_vec()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        match self {
            // The loop vectorizes where the function is known outside of it.
            Unary::Relu => map(inputs[0], |x| x.max(0.0)),
            _ => map(inputs[0], |x| self.apply(x)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Unary;

    #[test]
    fn by_hand() {
        assert_eq!(Unary::Relu.apply(-2.0), 0.0);
        assert_eq!(Unary::HardSwish.apply(3.0), 3.0);
        assert_eq!(Unary::HardSwish.apply(-4.0), 0.0);
        assert_eq!(Unary::Sigmoid.apply(0.0), 0.5);
        assert_eq!(Unary::Sqrt.apply(9.0), 3.0);
        assert!((Unary::Erf.apply(1.0) - 0.842_700_8).abs() < 1e-6);
        assert!((Unary::Tanh.apply(1.0) - 0.761_594_2).abs() < 1e-6);
    }
}
