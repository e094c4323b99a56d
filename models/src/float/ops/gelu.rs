//! Gelu-20: `x / 2 * (1 + erf(x / sqrt 2))`, or its tanh approximation.

use std::f32::consts::FRAC_1_SQRT_2;

use bitgauge_arch::arith::host::widest;

use super::{Built, OnnxOperator, Op, OpError, Operator, expect_inputs, map};
use crate::float::functions::{ERF_FIRST, erf, erf_inner};
use crate::float::tensor::Tensor;
use crate::onnx::reader::NodeReader;

/// Operands of the longest vectors.
const LANES: usize = 16;

/// One operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gelu {
    /// Whether the tanh approximation is meant.
    pub tanh: bool,
}

pub(super) const BUILDERS: &[OnnxOperator] = &[OnnxOperator::new("Gelu", &[20], build, "")];

fn build(r: &mut NodeReader<'_>) -> Result<Built, OpError> {
    r.expect_inputs(1, 1)?;
    let tanh = match r.text("approximate")? {
        None | Some("none") => false,
        Some("tanh") => true,
        Some(other) => {
            return Err(OpError::new(format!(
                "approximate `{other}` is not supported (supported: none, tanh)"
            )));
        }
    };
    Ok(Built { op: Op::Gelu(Gelu { tanh }), inputs: r.floats()? })
}

/// The function itself.
#[must_use]
pub fn gelu(x: f32, tanh: bool) -> f32 {
    if tanh {
        const SQRT_2_OVER_PI: f32 = 0.797_884_6;
        let u = SQRT_2_OVER_PI * (x + 0.044_715 * x * x * x);
        0.5 * x * (1.0 + libm::tanhf(u))
    } else {
        0.5 * x * (1.0 + erf(x * FRAC_1_SQRT_2))
    }
}

/// GELU by the error function: of most operands it needs no more than the part around 0, and the others are put
/// side by side for the rest.
#[inline(always)]
fn blocks(data: &mut [f32]) {
    const BLOCK: usize = 256;
    let (mut places, mut beyond) = ([0u8; BLOCK], [0f32; BLOCK]);
    for block in data.chunks_mut(BLOCK) {
        let mut count = 0;
        for (place, x) in (0..=u8::MAX).zip(block.iter()) {
            // Not: below. A number that is none is beyond.
            let below = (*x * FRAC_1_SQRT_2).abs() < ERF_FIRST;
            (places[count], beyond[count]) = (place, *x);
            count += usize::from(!below);
            if count == BLOCK {
                break;
            }
        }
        // Whole vectors: the rest is what was there before.
        let whole = count.next_multiple_of(LANES).min(BLOCK);
        for x in &mut beyond[..whole] {
            *x = 0.5 * *x * (1.0 + erf(*x * FRAC_1_SQRT_2));
        }
        for x in block.iter_mut() {
            *x = 0.5 * *x * (1.0 + erf_inner(*x * FRAC_1_SQRT_2));
        }
        for (&place, &y) in places[..count].iter().zip(&beyond) {
            block[usize::from(place)] = y;
        }
    }
}

impl Operator for Gelu {
    fn infer_shape(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>, OpError> {
        expect_inputs(inputs, 1, 1)?;
        Ok(vec![inputs[0].to_vec()])
    }

    fn eval(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, OpError> {
        self.eval_owned(inputs[0].clone())
    }

    fn eval_owned(&self, mut x: Tensor) -> Result<Vec<Tensor>, OpError> {
        if self.tanh {
            return map(x, |x| gelu(x, true));
        }
        let data = x.data_mut();
        widest(
            #[inline(always)]
            || blocks(data),
        );
        Ok(vec![x])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(gelu(0.0, false), 0.0);
        assert!((gelu(1.0, false) - 0.841_345).abs() < 1e-6);
        assert!((gelu(1.0, true) - 0.841_192).abs() < 1e-6);
        assert!((gelu(-3.0, false) + 0.004_05).abs() < 1e-5);
    }

    #[test]
    fn blocks_have_the_bits_of_one_by_one() {
        // All beyond, none, many and few, the last block not whole.
        for (count, step) in [(256, 0.0), (300, 1e-3), (700, 1e-2), (1000, 0.37), (1, 5.0)] {
            let data: Vec<f32> = (0..count).map(|i| 2.0 - (i * 7 % count) as f32 * step).collect();
            let wanted: Vec<f32> = data.iter().map(|&x| gelu(x, false)).collect();
            let x = Tensor::new(vec![count], data).unwrap();
            assert_eq!(Gelu { tanh: false }.eval(&[&x]).unwrap()[0].data(), wanted);
        }
    }
}
