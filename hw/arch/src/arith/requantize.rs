//! Requantize: multiply by a 16-bit mantissa, shift right with rounding, saturate to 18 bits.

use serde::{Deserialize, Serialize};

/// Largest right shift a requantizer can do.
pub const MAX_SHIFT: u8 = 47;
/// Smallest and largest value a requantizer emits: 18 bits, signed.
pub const OUTPUT_MIN: i32 = -(1 << 17);
/// See [`OUTPUT_MIN`].
pub const OUTPUT_MAX: i32 = (1 << 17) - 1;

/// A positive real factor as `mantissa / 2^shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Requant {
    /// In `2^15 .. 2^16`.
    pub mantissa: u16,
    /// In `1 ..= 47`.
    pub shift: u8,
}

impl Requant {
    /// The factor 1.
    pub const ONE: Requant = Requant { mantissa: 1 << 15, shift: 15 };

    /// The factor over two to the power of `by`; where the gates have no such shift, the nearest that they have.
    #[must_use]
    pub fn shifted(self, by: i8) -> Requant {
        Requant { shift: self.shift.saturating_add_signed(by).clamp(1, MAX_SHIFT), ..self }
    }

    /// The nearest representable factor, or `None` where `factor` is not finite, is negative or is too
    /// large (2^15 and above). Factors below 2^-32, zero included, become the smallest factor: they
    /// send every sum of accumulator and bias to a value within two of zero.
    #[must_use]
    pub fn from_real(factor: f64) -> Option<Requant> {
        if !factor.is_finite() || factor < 0.0 {
            return None;
        }
        let smallest = Requant { mantissa: 1 << 15, shift: MAX_SHIFT };
        if factor <= smallest.to_real() {
            return Some(smallest);
        }
        // factor = m * 2^e with m in [1, 2): mantissa = round(m * 2^15), shift = 15 - e.
        let exponent = factor.log2().floor() as i32;
        let mut shift = 15 - exponent;
        let mut mantissa = (factor * 2f64.powi(shift)).round() as u32;
        if mantissa < 1 << 15 {
            shift += 1;
            mantissa = (factor * 2f64.powi(shift)).round() as u32;
        }
        if mantissa >= 1 << 16 {
            shift -= 1;
            mantissa = (factor * 2f64.powi(shift)).round() as u32;
        }
        if shift < 1 {
            return None;
        }
        if shift > i32::from(MAX_SHIFT) {
            return Some(smallest);
        }
        Some(Requant { mantissa: u16::try_from(mantissa).ok()?, shift: shift as u8 })
    }

    /// The real factor this stands for.
    #[must_use]
    pub fn to_real(self) -> f64 {
        f64::from(self.mantissa) / 2f64.powi(i32::from(self.shift))
    }

    /// Whether mantissa and shift lie in their ranges.
    #[must_use]
    pub fn is_valid(self) -> bool {
        self.mantissa >= 1 << 15 && (1..=MAX_SHIFT).contains(&self.shift)
    }

    /// `floor((value * mantissa + 2^(shift-1)) >> shift)`, saturated to 18 bits: half goes towards plus
    /// infinity. `value` is a sum of two 32-bit numbers or its negative, at most 2^32: 34 bits, so
    /// the product has at most 50.
    #[must_use]
    #[inline]
    pub fn apply(self, value: i64) -> i32 {
        let rounded = (value * i64::from(self.mantissa) + (1i64 << (self.shift - 1))) >> self.shift;
        rounded.clamp(i64::from(OUTPUT_MIN), i64::from(OUTPUT_MAX)) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_factors_survive_within_half_a_mantissa_step() {
        for step in -31..14 {
            for sub in 0..37 {
                let factor = 2f64.powi(step) * (1.0 + f64::from(sub) / 37.0);
                let requant = Requant::from_real(factor).unwrap();
                assert!(requant.is_valid());
                let error = (requant.to_real() / factor - 1.0).abs();
                assert!(error <= 2f64.powi(-16), "{factor}: {error}");
            }
        }
        assert_eq!(Requant::from_real(f64::NAN), None);
        assert_eq!(Requant::from_real(-1.0), None);
        assert_eq!(Requant::from_real(1e9), None);
        assert_eq!(Requant::from_real(0.0).unwrap().shift, MAX_SHIFT);
    }

    #[test]
    fn half_goes_up_and_ends_saturate() {
        let half = Requant { mantissa: 1 << 15, shift: 16 };
        assert_eq!([3, 1, -1, -3].map(|value| half.apply(value)), [2, 1, 0, -1]);
        let one = Requant { mantissa: 1 << 15, shift: 15 };
        assert_eq!(one.apply(1 << 32), OUTPUT_MAX);
        assert_eq!(one.apply(-(1 << 32)), OUTPUT_MIN);
    }
}
