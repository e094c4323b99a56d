//! The post-processor: accumulator + bias -> requantize -> + residual -> + zero point -> clamp -> table.

use serde::{Deserialize, Serialize};

use super::Requant;

/// Bytes of one entry of a parameter memory: bias 32, mantissa 16, shift 6, negate 1, reserved 9 bits.
pub const PARAMETER_BYTES: usize = 8;

/// What one output channel (or row) needs of a requantizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelParameter {
    /// Added to the accumulator; the input's zero point is folded in.
    pub bias: i32,
    /// The scale.
    pub requant: Requant,
    /// Negate before scaling: LayerNorm's gamma may be negative.
    pub negate: bool,
}

impl ChannelParameter {
    /// `requantize(±(accumulator + bias))`: 18 bits.
    #[must_use]
    #[inline]
    pub fn requantize(&self, accumulator: i32) -> i32 {
        let biased = i64::from(accumulator) + i64::from(self.bias);
        self.requant.apply(if self.negate { -biased } else { biased })
    }

    /// The entry as the parameter memory holds it.
    #[must_use]
    pub fn to_bytes(self) -> [u8; PARAMETER_BYTES] {
        let word = u64::from(self.bias as u32)
            | u64::from(self.requant.mantissa) << 32
            | u64::from(self.requant.shift & 0x3f) << 48
            | u64::from(self.negate) << 54;
        word.to_le_bytes()
    }

    /// Reads an entry. A shift outside 1..=47 acts as the nearest allowed one, as the gates do.
    #[must_use]
    pub fn from_bytes(bytes: [u8; PARAMETER_BYTES]) -> ChannelParameter {
        let word = u64::from_le_bytes(bytes);
        ChannelParameter {
            bias: word as u32 as i32,
            requant: Requant {
                mantissa: (word >> 32) as u16,
                shift: (((word >> 48) & 0x3f) as u8).clamp(1, super::requantize::MAX_SHIFT),
            },
            negate: word >> 54 & 1 == 1,
        }
    }
}

/// A second operand added after requantization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Residual {
    /// Zero point of the operand's codes.
    pub zero_point: i32,
    /// Operand scale over output scale.
    pub requant: Requant,
}

impl Residual {
    /// The operand in units of the output scale.
    #[must_use]
    #[inline]
    pub fn rescale(&self, code: i32) -> i32 {
        self.requant.apply(i64::from(code - self.zero_point))
    }
}

/// What all channels of a command share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Zero point of the output codes.
    pub zero_point: i32,
    /// Least code emitted, before the table.
    pub clamp_low: i32,
    /// Greatest code emitted, before the table.
    pub clamp_high: i32,
}

impl Post {
    /// Adds the zero point and clamps.
    #[must_use]
    #[inline]
    pub fn finish(&self, value: i32) -> i32 {
        // `max` then `min`, not `clamp`: gates do not mind an empty range, `clamp` panics on one.
        (value + self.zero_point).max(self.clamp_low).min(self.clamp_high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_sum_negated_is_the_greatest_value() {
        let requant = Requant { mantissa: 1 << 15, shift: 47 };
        let of = |negate| ChannelParameter { bias: i32::MIN, requant, negate }.requantize(i32::MIN);
        assert_eq!((of(false), of(true)), (-1, 1));
    }

    #[test]
    fn entries_survive_their_bytes() {
        for shift in 1..=47u8 {
            for (bias, negate) in [(i32::MIN, false), (-1, true), (i32::MAX, true)] {
                let entry = ChannelParameter {
                    bias,
                    requant: Requant { mantissa: 0x8000 | u16::from(shift), shift },
                    negate,
                };
                assert_eq!(ChannelParameter::from_bytes(entry.to_bytes()), entry);
            }
        }
    }
}
