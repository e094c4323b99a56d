//! Elementwise functions of one operand, in one table.

use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs, map};
use crate::float::functions::{erf, exp};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// The function; one operand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unary {
    /// Absolute value.
    Abs,
    /// The smallest whole number not below.
    Ceil,
    /// Cosine.
    Cos,
    /// `x` if above 0, else `alpha * (e^x - 1)`.
    Elu {
        /// Limit on the left, negated.
        alpha: f32,
    },
    /// Error function.
    Erf,
    /// `e^x`.
    Exp,
    /// The largest whole number not above.
    Floor,
    /// `clamp(alpha * x + beta, 0, 1)`.
    HardSigmoid {
        /// Slope.
        alpha: f32,
        /// Value at 0.
        beta: f32,
    },
    /// `x * clamp(x / 6 + 1/2, 0, 1)`.
    HardSwish,
    /// `x` if not below 0, else `alpha * x`.
    LeakyRelu {
        /// Slope on the left.
        alpha: f32,
    },
    /// Natural logarithm.
    Log,
    /// `x * tanh(ln(1 + e^x))`.
    Mish,
    /// `-x`.
    Neg,
    /// `1 / x`.
    Reciprocal,
    /// `max(x, 0)`.
    Relu,
    /// The nearest whole number, halves to the even one.
    Round,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// -1, 0 or 1.
    Sign,
    /// `x / (1 + e^-x)`: no ONNX operator of this opset; a pass makes it of Mul and Sigmoid.
    Silu,
    /// Sine.
    Sin,
    /// `ln(1 + e^x)`.
    Softplus,
    /// Square root.
    Sqrt,
    /// Hyperbolic tangent.
    Tanh,
}

pub(super) const BUILDERS: &[OnnxOperator] = &[
    OnnxOperator::new("Abs", &[6, 13], build, ""),
    OnnxOperator::new("Ceil", &[6, 13], build, ""),
    OnnxOperator::new("Cos", &[7], build, ""),
    OnnxOperator::new("Elu", &[6], build, ""),
    OnnxOperator::new("Erf", &[9, 13], build, ""),
    OnnxOperator::new("Exp", &[6, 13], build, ""),
    OnnxOperator::new("Floor", &[6, 13], build, ""),
    OnnxOperator::new("HardSigmoid", &[6], build, ""),
    OnnxOperator::new("HardSwish", &[14], build, ""),
    OnnxOperator::new("LeakyRelu", &[6, 16], build, ""),
    OnnxOperator::new("Log", &[6, 13], build, ""),
    OnnxOperator::new("Mish", &[18], build, ""),
    OnnxOperator::new("Neg", &[6, 13], build, ""),
    OnnxOperator::new("Reciprocal", &[6, 13], build, ""),
    OnnxOperator::new("Relu", &[6, 13, 14], build, ""),
    OnnxOperator::new("Round", &[11], build, ""),
    OnnxOperator::new("Sigmoid", &[6, 13], build, ""),
    OnnxOperator::new("Sign", &[9, 13], build, ""),
    OnnxOperator::new("Sin", &[7], build, ""),
    OnnxOperator::new("Softplus", &[1], build, ""),
    OnnxOperator::new("Sqrt", &[6, 13], build, ""),
    OnnxOperator::new("Tanh", &[6, 13], build, ""),
];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    let function = match r.op_type() {
        "Abs" => Unary::Abs,
        "Ceil" => Unary::Ceil,
        "Cos" => Unary::Cos,
        "Elu" => Unary::Elu { alpha: r.number("alpha", 1.0)? },
        "Erf" => Unary::Erf,
        "Exp" => Unary::Exp,
        "HardSigmoid" => Unary::HardSigmoid { alpha: r.number("alpha", 0.2)?, beta: r.number("beta", 0.5)? },
        "Floor" => Unary::Floor,
        "HardSwish" => Unary::HardSwish,
        "LeakyRelu" => Unary::LeakyRelu { alpha: r.number("alpha", 0.01)? },
        "Log" => Unary::Log,
        "Mish" => Unary::Mish,
        "Neg" => Unary::Neg,
        "Reciprocal" => Unary::Reciprocal,
        "Relu" => Unary::Relu,
        "Round" => Unary::Round,
        "Sigmoid" => Unary::Sigmoid,
        "Sign" => Unary::Sign,
        "Sin" => Unary::Sin,
        "Softplus" => Unary::Softplus,
        "Sqrt" => Unary::Sqrt,
        "Tanh" => Unary::Tanh,
        _ => return Err(OpError::new("is not in the table")),
    };
    Ok(Built { op: Op::Unary(function), inputs: r.floats()? })
}

/// `ln(1 + e^x)` without overflow.
fn softplus(x: f32) -> f32 {
    x.max(0.0) + libm::log1pf(exp(-x.abs()))
}

impl Unary {
    /// The function itself.
    #[must_use]
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Unary::Abs => x.abs(),
            Unary::Ceil => x.ceil(),
            Unary::Cos => libm::cosf(x),
            Unary::Elu { alpha } => {
                if x > 0.0 {
                    x
                } else {
                    alpha * libm::expm1f(x)
                }
            }
            Unary::Erf => erf(x),
            Unary::Exp => exp(x),
            Unary::Floor => x.floor(),
            Unary::HardSigmoid { alpha, beta } => (alpha * x + beta).clamp(0.0, 1.0),
            Unary::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Unary::LeakyRelu { alpha } => {
                if x < 0.0 {
                    alpha * x
                } else {
                    x
                }
            }
            Unary::Log => libm::logf(x),
            Unary::Mish => x * libm::tanhf(softplus(x)),
            Unary::Neg => -x,
            Unary::Reciprocal => 1.0 / x,
            Unary::Relu => x.max(0.0),
            Unary::Round => x.round_ties_even(),
            Unary::Sigmoid => 1.0 / (1.0 + exp(-x)),
            Unary::Sign if x == 0.0 => 0.0,
            Unary::Sign => x.signum(),
            Unary::Sin => libm::sinf(x),
            Unary::Silu => x / (1.0 + exp(-x)),
            Unary::Softplus => softplus(x),
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
        self.eval_owned(inputs[0].clone())
    }

    #[allow(
        clippy::redundant_closure,
        reason = "a function by its name is called, and a call has narrow vectors"
    )]
    fn eval_owned(&self, x: Tensor) -> Result<Vec<Tensor>, OpError> {
        match *self {
            // The loop vectorizes where the function is known outside of it.
            Unary::Relu => map(x, |x| x.max(0.0)),
            Unary::LeakyRelu { alpha } => map(x, |x| if x < 0.0 { alpha * x } else { x }),
            Unary::HardSwish => map(x, |x| Unary::HardSwish.apply(x)),
            // A call would keep to the vectors of every host.
            Unary::Erf => map(
                x,
                #[inline(always)]
                |x| erf(x),
            ),
            Unary::Exp => map(
                x,
                #[inline(always)]
                |x| exp(x),
            ),
            Unary::Sigmoid => map(
                x,
                #[inline(always)]
                |x| 1.0 / (1.0 + exp(-x)),
            ),
            Unary::Silu => map(
                x,
                #[inline(always)]
                |x| x / (1.0 + exp(-x)),
            ),
            function => map(x, |x| function.apply(x)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Unary;

    #[test]
    fn by_hand() {
        let near = |f: Unary, x: f32, y: f32| assert!((f.apply(x) - y).abs() < 1e-6, "{f:?}({x})");
        for (function, x, y) in [
            (Unary::Relu, -2.0, 0.0),
            (Unary::HardSwish, 3.0, 3.0),
            (Unary::HardSwish, -4.0, 0.0),
            (Unary::HardSigmoid { alpha: 0.25, beta: 0.5 }, 1.0, 0.75),
            (Unary::LeakyRelu { alpha: 0.1 }, -2.0, -0.2),
            (Unary::Elu { alpha: 2.0 }, -1.0, -1.264_241_1),
            (Unary::Sigmoid, 0.0, 0.5),
            (Unary::Silu, 1.0, 0.731_058_6),
            (Unary::Softplus, 100.0, 100.0),
            (Unary::Softplus, 0.0, std::f32::consts::LN_2),
            (Unary::Mish, 1.0, 0.865_098_4),
            (Unary::Log, 1.0, 0.0),
            (Unary::Round, 2.5, 2.0),
            (Unary::Floor, -1.5, -2.0),
            (Unary::Ceil, -1.5, -1.0),
            (Unary::Sign, -0.0, 0.0),
            (Unary::Sin, 1.0, 0.841_471),
            (Unary::Cos, 1.0, 0.540_302_3),
            (Unary::Reciprocal, 4.0, 0.25),
            (Unary::Abs, -3.0, 3.0),
            (Unary::Sqrt, 9.0, 3.0),
            (Unary::Erf, 1.0, 0.842_700_8),
            (Unary::Tanh, 1.0, 0.761_594_2),
        ] {
            near(function, x, y);
        }
    }
}
