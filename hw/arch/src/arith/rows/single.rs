//! When single precision gives the very same codes, with half the vectors and less than half the work of doubles.
//!
//! With a factor `f = m / 2^s` the exact value of a sum is `floor((sum + bias) f + 1/2)`. That is
//! `base + floor((sum + shift) f + rest)`: `base` is the whole number nearest to `bias f + 1/2`, `shift` as many
//! steps of `f` as fit into what is left, and `rest`, a multiple of `2^-s` below `f`, has 16 bits. A large bias thus
//! takes none of the 24 bits of single precision, which `sum + shift` may have. Where it has more, and is rounded,
//! its code must lie beyond the clamp: so each factor has to be large enough, or the sums small enough.
//!
//! Multiplied and added in one step and rounded down, a value keeps its floor where that has 24 bits: the floor is
//! itself a number that the value may be rounded down to.

use super::{Rescaled, Scales};
use crate::arith::Post;
use crate::arith::requantize::OUTPUT_MAX;

/// Whole numbers up to here are exact in single precision.
const EXACT: f64 = (1u32 << 24) as f64;
/// No shift is greater: with sums not above it, one that would be has a value that no sum changes.
const MOST_SHIFT: f64 = (1u32 << 23) as f64;
/// Clamps and zero points that codes may have here; a requantizer's own limits lie farther out.
const FARTHEST: u32 = i16::MAX as u32;
/// Values of all factors below this one keep to 32 bits.
const GREATEST: f32 = 0.25;

/// How one channel's sums become codes in single precision, apart from the factor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub shift: i32,
    pub rest: f32,
    pub base: i32,
}

impl Parts {
    /// Every step is exact: the greatest product has 48 bits.
    #[inline(always)]
    pub fn of(bias: i32, factor: f32) -> Parts {
        // With a factor of zero every sum becomes zero: so do base, shift and rest.
        let divisor = if factor == 0.0 { 1.0 } else { f64::from(factor) };
        let value = f64::from(bias) * f64::from(factor) + 0.5;
        let base = if factor == 0.0 { 0.0 } else { (value + 0.5).floor() };
        let left = if factor == 0.0 { 0.0 } else { value - base };
        // Steps of a negative factor lead down.
        let steps = (left / divisor.abs()).floor();
        let rest = left - steps * divisor.abs();
        let shift = if factor < 0.0 { -steps } else { steps };
        Parts { shift: shift.clamp(-MOST_SHIFT, MOST_SHIFT) as i32, rest: rest as f32, base: base as i32 }
    }
}

impl Scales {
    /// Whether single precision gives the codes of sums of magnitude `most` at most.
    pub(in super::super) fn is_single(
        &self,
        residual: Option<&Rescaled<'_>>,
        post: &Post,
        most: u32,
    ) -> bool {
        let limits = [post.zero_point, post.clamp_low, post.clamp_high];
        let widest = limits.iter().fold(0, |most, limit| limit.unsigned_abs().max(most));
        let other = residual.map_or(0.0, Rescaled::reach);
        if widest > FARTHEST || other > f64::from(OUTPUT_MAX / 2) || self.greatest >= GREATEST {
            return false;
        }
        // From here on a value lies beyond the clamp, whatever its base.
        let farthest = 2.0 * f64::from(widest) + other + 2.0 + f64::from(self.most_base);
        f64::from(most) < MOST_SHIFT
            || most <= i32::MAX as u32 / 2 && f64::from(self.least) * EXACT / 2.0 >= farthest
    }
}

impl Rescaled<'_> {
    /// No value has a greater magnitude.
    fn reach(&self) -> f64 {
        (255.0 + f64::from(self.zero_point).abs()) * f64::from(self.factor()) + 1.0
    }

    /// Whether single precision gives the same values.
    pub(super) fn is_single(&self) -> bool {
        self.zero_point.unsigned_abs() <= FARTHEST && self.factor() < f32::from(1u16 << 14)
    }

    pub(super) fn parts(&self) -> Parts {
        Parts::of(-self.zero_point, self.factor())
    }
}
