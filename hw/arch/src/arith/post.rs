//! The post-processor: accumulator + bias -> requantize -> + residual -> + zero point -> clamp -> table.

use serde::{Deserialize, Serialize};

use super::Requant;

/// Bytes of one entry of a parameter memory: bias 32, mantissa 16, shift 6, negate 1, reserved 1, channel shift 4,
/// reserved 4 bits.
pub const PARAMETER_BYTES: usize = 8;

/// The greatest channel shift: a byte code shifted by it, with a sign or without, is a signed code of 16 bits.
pub const MAX_CHANNEL_SHIFT: i8 = 7;

/// What one output channel (or row) needs of a requantizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelParameter {
    /// Added to the accumulator; the input's zero point is folded in.
    pub bias: i32,
    /// The scale.
    pub requant: Requant,
    /// Negate before scaling: LayerNorm's gamma may be negative.
    pub negate: bool,
    /// Where the accelerator has channel shifts, -8 to 7. LayerNorm: byte codes of the channel count `2^shift` times,
    /// and a shift below 0 is none. Post-processor: added to the right shift of the residual.
    pub channel_shift: i8,
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
            | u64::from(self.negate) << 54
            | (u64::from(self.channel_shift as u8) & 0xf) << 56;
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
            // Four bits with a sign.
            channel_shift: ((word >> 56) << 4) as u8 as i8 >> 4,
        }
    }

    /// A byte code as LayerNorm reads it: in steps of the channel with the finest.
    #[must_use]
    #[inline]
    pub fn aligned(&self, code: i32) -> i32 {
        code << self.channel_shift.max(0)
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

    /// The same for a channel that has this entry.
    #[must_use]
    #[inline]
    pub fn of_channel(&self, parameter: &ChannelParameter) -> Residual {
        Residual { requant: self.requant.shifted(parameter.channel_shift), ..*self }
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
        let of = |negate| {
            ChannelParameter { bias: i32::MIN, requant, negate, channel_shift: 0 }.requantize(i32::MIN)
        };
        assert_eq!((of(false), of(true)), (-1, 1));
    }

    #[test]
    fn channel_shifts_have_a_sign_and_reserved_bits_around_them() {
        let word = |four: u64| (1u64 << 48 | four << 56).to_le_bytes();
        let read = |four| ChannelParameter::from_bytes(word(four)).channel_shift;
        assert_eq!([0, 1, 7, 8, 15].map(read), [0, 1, 7, -8, -1]);
        assert_eq!((ChannelParameter::from_bytes(word(8)).aligned(5), 5 << 7), (5, 640));
        assert_eq!(ChannelParameter::from_bytes(word(7)).aligned(-128), -128 * 128);
        let noise = 1u64 << 55 | 0b1111 << 60;
        let entry = ChannelParameter::from_bytes((u64::from_le_bytes(word(3)) | noise).to_le_bytes());
        assert_eq!((entry.channel_shift, entry.requant.shift, entry.negate), (3, 1, false));
    }

    #[test]
    fn a_residual_shifted_out_of_range_keeps_the_nearest_shift() {
        let residual = |shift| Residual { zero_point: 0, requant: Requant { mantissa: 1 << 15, shift } };
        let entry =
            |channel_shift| ChannelParameter { bias: 0, requant: Requant::ONE, negate: false, channel_shift };
        for (shift, by, found) in [(15, 3, 18), (15, -3, 12), (2, -8, 1), (45, 7, 47)] {
            assert_eq!(residual(shift).of_channel(&entry(by)).requant.shift, found);
        }
    }

    #[test]
    fn entries_survive_their_bytes() {
        for shift in 1..=47u8 {
            for (bias, negate) in [(i32::MIN, false), (-1, true), (i32::MAX, true)] {
                let entry = ChannelParameter {
                    bias,
                    requant: Requant { mantissa: 0x8000 | u16::from(shift), shift },
                    negate,
                    channel_shift: (shift % 16) as i8 - 8,
                };
                assert_eq!(ChannelParameter::from_bytes(entry.to_bytes()), entry);
            }
        }
    }
}
