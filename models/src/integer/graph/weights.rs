//! Weights as codes, with the width that a layer gives them.

use std::ops::Deref;
use std::sync::Arc;

/// Codes of a layer's weights: signed, zero point 0, one byte each; the steps are in the layer's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// The codes, in the operator's order.
    pub codes: Arc<[i8]>,
    /// Bits of a code, 2 to 8: what a code takes in external memory.
    pub bits: u8,
}

impl Weights {
    /// Codes of so many bits.
    #[must_use]
    pub fn new(codes: impl Into<Arc<[i8]>>, bits: u8) -> Weights {
        Weights { codes: codes.into(), bits }
    }

    /// Whether every code has these bits.
    #[must_use]
    pub fn fit(&self) -> bool {
        let beyond = 8 - self.bits.clamp(1, 8);
        // Without a branch, for the host's vector unit: there may be a hundred million of them.
        self.codes.iter().fold(0u8, |wrong, &code| wrong | ((code << beyond >> beyond) ^ code) as u8) == 0
    }
}

impl Deref for Weights {
    type Target = [i8];

    fn deref(&self) -> &[i8] {
        &self.codes
    }
}

impl<T: Into<Arc<[i8]>>> From<T> for Weights {
    /// Codes of 8 bits.
    fn from(codes: T) -> Weights {
        Weights::new(codes, 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_fit_their_bits_or_are_found_out() {
        for bits in 2..=8u8 {
            let high = ((1i32 << (bits - 1)) - 1) as i8;
            let low = -high - 1;
            assert!(Weights::new([low, 0, high, -1], bits).fit());
            if bits < 8 {
                assert!(!Weights::new([0, high + 1], bits).fit() && !Weights::new([low - 1, 0], bits).fit());
            }
        }
    }
}
