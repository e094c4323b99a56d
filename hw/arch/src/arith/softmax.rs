//! Integer softmax over one row of 8-bit codes.
//!
//! Source: the table form of I-BERT and FQ-ViT style integer softmax; sums and the division are exact
//! integers, so the only errors are the table's rounding and the output code's.
//!
//! The output has one scale or two ([`TwoScale`]).

use crate::arith::Signedness;
use crate::code::two_scale::TwoScale;

/// Fraction bits of the exponential table: `table[d] = round(exp(-d * scale) * 65535)`.
pub const TABLE_ONE: u32 = 65_535;

/// The exponential table of a row whose codes have the given scale.
#[must_use]
pub fn exponential_table(scale: f64) -> [u16; 256] {
    std::array::from_fn(|difference| {
        ((-(difference as f64) * scale).exp() * f64::from(TABLE_ONE)).round() as u16
    })
}

/// The normalizer of a row: `floor((levels << (n + 15 - bits)) / sum)` with `n` the bit length of `sum`
/// and `levels = 2^bits - 1`, together with the shift `n + 15 - bits` that belongs to it. The quotient
/// has at most 16 bits, so the divider runs 16 steps.
#[must_use]
pub fn normalizer(sum: u32, output_bits: u8) -> (u16, u32) {
    let length = 32 - sum.leading_zeros();
    let shift = length + 15 - u32::from(output_bits);
    let levels = (1u64 << output_bits) - 1;
    (((levels << shift) / u64::from(sum.max(1))) as u16, shift)
}

/// The codes that softmax emits: unsigned, with zero point 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputCode {
    /// Bits of a code.
    pub bits: u8,
    /// A coarse step is two to the power of so many fine ones; 0: one scale.
    pub tag_shift: u8,
}

impl OutputCode {
    /// Codes of one scale.
    #[must_use]
    pub const fn uniform(bits: u8) -> OutputCode {
        OutputCode { bits, tag_shift: 0 }
    }

    /// How codes of two scales are read.
    #[must_use]
    pub fn two_scale(self) -> Option<TwoScale> {
        let (bits, shift) = (u32::from(self.bits), u32::from(self.tag_shift));
        (shift > 0).then_some(TwoScale { bits, shift, sign: Signedness::Unsigned })
    }

    /// Fine steps from 0 to 1: the greatest value of a code.
    #[must_use]
    pub fn levels(self) -> u32 {
        self.two_scale().map_or((1 << self.bits) - 1, |scale| scale.range().1.cast_unsigned())
    }
}

/// Softmax of `row` (codes read with `signed`) into unsigned codes with zero point 0 and scale
/// `1 / levels`.
///
/// The row holds 1 to 32768 codes, so that the sum of 16-bit exponentials stays within 31 bits.
pub fn softmax_row(row: &[u8], signed: bool, table: &[u16; 256], code: OutputCode, output: &mut [u8]) {
    let flip = if signed { 0x80 } else { 0 };
    let Some(maximum) = row.iter().map(|code| code ^ flip).max() else { return };
    let exponential = |code: u8| u32::from(table[usize::from(maximum - (code ^ flip))]);
    let sum: u32 = row.iter().map(|&code| exponential(code)).sum();
    let scale = code.two_scale();
    // With two scales the levels are those of the payload, shifted: their quotient is the payload's.
    let (quotient, shift) = normalizer(sum, code.bits - u8::from(scale.is_some()));
    // A sum of 0, whose exponentials are 0 all, leaves no shift.
    let shift = shift.saturating_sub(u32::from(code.tag_shift)).max(1);
    let levels = code.levels();
    for (target, &code) in output.iter_mut().zip(row) {
        let product = u64::from(exponential(code)) * u64::from(quotient);
        let rounded = (product + (1u64 << (shift - 1))) >> shift;
        let value = rounded.min(u64::from(levels)) as u32;
        *target = match scale {
            Some(scale) => scale.encode(value.cast_signed()),
            None => value as u8,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_real_softmax_within_one_code() {
        let scale = 0.06;
        let table = exponential_table(scale);
        let mut state = 7u32;
        for length in [1usize, 2, 17, 50, 257, 1024] {
            let row: Vec<u8> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            let mut output = vec![0; length];
            softmax_row(&row, true, &table, OutputCode::uniform(8), &mut output);
            let real: Vec<f64> = row.iter().map(|&code| (f64::from(code as i8) * scale).exp()).collect();
            let sum: f64 = real.iter().sum();
            for (code, value) in output.iter().zip(&real) {
                assert!((f64::from(*code) - 255.0 * value / sum).abs() <= 0.51);
            }
            for (bits, tag_shift) in [(8, 7), (8, 3), (4, 4), (3, 8), (6, 1)] {
                let code = OutputCode { bits, tag_shift };
                let (scale, one) = (code.two_scale().unwrap(), f64::from(code.levels()));
                softmax_row(&row, true, &table, code, &mut output);
                let limit = f64::from(scale.payload_range().1);
                for (code, value) in output.iter().zip(&real) {
                    let exact = one * value / sum;
                    let step = if exact > limit { f64::from(1 << tag_shift) } else { 1.0 };
                    let error = (f64::from(scale.decode(*code)) - exact).abs();
                    // Entries of the table are off by half of a 65535th, and the quotient by a part of 2^15.
                    let table = 0.5 * one / 65_535.0;
                    let limit = 0.5 * step + 1e-4 * exact + table;
                    assert!(error <= limit, "{bits} {tag_shift} {exact} {error} {limit}");
                }
            }
        }
    }
}
