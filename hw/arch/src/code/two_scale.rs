//! Codes of two scales: fine steps for small values, coarse ones for large values (V-2SF of TSPTQ-ViT, Tai et al.,
//! ICASSP 2023).
//!
//! Of the `bits` bits of a code, the highest is the tag, the rest the payload. The value is the payload, shifted to the
//! left where the tag is set.

use crate::arith::Signedness;

/// The greatest shift of the coarse steps.
pub const MOST_SHIFT: u32 = 8;
/// The narrowest code: a tag and two bits.
pub const LEAST_BITS: u32 = 3;

/// How codes of two scales are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TwoScale {
    /// Bits of a code, with the tag: 3 to 8.
    pub bits: u32,
    /// A coarse step is two to the power of so many fine ones: 1 to 8.
    pub shift: u32,
    /// Whether the payload is in two's complement.
    pub sign: Signedness,
}

impl TwoScale {
    /// Bits of the payload.
    #[must_use]
    pub const fn payload_bits(self) -> u32 {
        self.bits - 1
    }

    /// Least and greatest payload.
    #[must_use]
    pub const fn payload_range(self) -> (i32, i32) {
        match self.sign {
            Signedness::Signed => (-(1 << (self.bits - 2)), (1 << (self.bits - 2)) - 1),
            Signedness::Unsigned => (0, (1 << (self.bits - 1)) - 1),
        }
    }

    /// Least and greatest value, in fine steps.
    #[must_use]
    pub const fn range(self) -> (i32, i32) {
        let (least, greatest) = self.payload_range();
        (least << self.shift, greatest << self.shift)
    }

    /// Whether the tag is set, and the payload.
    #[must_use]
    #[inline]
    pub const fn split(self, code: u8) -> (bool, i32) {
        let tag = code >> (self.bits - 1) & 1 == 1;
        let payload = (code & ((1 << (self.bits - 1)) - 1)) as i32;
        match self.sign {
            // The sign is the payload's highest bit.
            Signedness::Signed => (tag, payload - ((payload >> (self.bits - 2)) << (self.bits - 1))),
            Signedness::Unsigned => (tag, payload),
        }
    }

    /// The value of a code, in fine steps; bits above the code do not matter.
    #[must_use]
    #[inline]
    pub const fn decode(self, code: u8) -> i32 {
        let (tag, payload) = self.split(code);
        if tag { payload << self.shift } else { payload }
    }

    /// The code of a value in fine steps: fine where the payload holds it, else the nearest coarse one, halves up.
    #[must_use]
    #[inline]
    pub const fn encode(self, value: i32) -> u8 {
        let (least, greatest) = self.payload_range();
        let mask = (1 << (self.bits - 1)) - 1;
        if least <= value && value <= greatest {
            return (value & mask) as u8;
        }
        let coarse = (value as i64 + (1 << (self.shift - 1))) >> self.shift;
        let payload = if coarse < least as i64 {
            least
        } else if coarse > greatest as i64 {
            greatest
        } else {
            coarse as i32
        };
        (payload & mask | 1 << (self.bits - 1)) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = TwoScale> {
        (LEAST_BITS..=8).flat_map(|bits| {
            (1..=MOST_SHIFT).flat_map(move |shift| {
                [Signedness::Signed, Signedness::Unsigned].map(|sign| TwoScale { bits, shift, sign })
            })
        })
    }

    #[test]
    fn fine_codes_are_exact_and_coarse_ones_within_half_a_step() {
        for scale in all() {
            let ((least, greatest), (low, high)) = (scale.payload_range(), scale.range());
            for value in low - 70..=high + 70 {
                let code = scale.encode(value);
                assert_eq!(u32::from(code) >> scale.bits, 0, "{scale:?} {value}");
                let error = (scale.decode(code) - value).abs();
                if (least..=greatest).contains(&value) {
                    assert_eq!((scale.split(code).0, error), (false, 0), "{scale:?} {value}");
                } else if (low..=high).contains(&value) {
                    assert!(error <= 1 << (scale.shift - 1), "{scale:?} {value} {error}");
                } else {
                    let end = if value < low { low } else { high };
                    assert_eq!(scale.decode(code), end, "{scale:?} {value}");
                }
            }
        }
    }

    #[test]
    fn every_code_is_the_payload_at_its_place() {
        for scale in all() {
            for code in 0..=u8::MAX {
                let digits = (0..scale.payload_bits()).map(|bit| {
                    let weight = 1 << bit;
                    let top = scale.sign == Signedness::Signed && bit + 1 == scale.payload_bits();
                    i32::from(code >> bit & 1) * if top { -weight } else { weight }
                });
                let place = if code >> (scale.bits - 1) & 1 == 1 { 1 << scale.shift } else { 1 };
                assert_eq!(scale.decode(code), digits.sum::<i32>() * place, "{scale:?} {code}");
            }
        }
    }
}
