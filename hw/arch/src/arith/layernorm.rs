//! Integer LayerNorm over one token.
//!
//! With q the codes, N their number, S their sum and Q the sum of their squares, the numerators
//! `N q - S` and the variance `D = max(N Q - S^2 + eps, 1)` are exact. The quotient
//! `(N q - S) / sqrt(D)` is formed with [`FRACTION_BITS`] fraction bits and goes through the channel's
//! requantizer, which applies gamma, beta and the output scale.

use super::post::ChannelParameter;
use super::sqrt::{isqrt60, reciprocal16};

/// Fraction bits of the normalized value.
pub const FRACTION_BITS: u32 = 14;
/// Most channels of a token.
pub const MAX_CHANNELS: usize = 4096;

/// The part of a LayerNorm that a token shares: the sum and what the square root unit delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenStatistics {
    /// Sum of the codes.
    pub sum: i64,
    /// 16-bit reciprocal of the normalized root.
    pub reciprocal: u16,
    /// Right shift of numerator times reciprocal.
    pub shift: u32,
}

impl TokenStatistics {
    /// From the exact sums of `channels` codes; `epsilon` is `eps * N^2 / scale^2`, rounded.
    #[must_use]
    pub fn new(channels: usize, sum: i64, squares: u64, epsilon: u64) -> TokenStatistics {
        let mean_part = i128::from(channels as u64) * i128::from(squares) - i128::from(sum) * i128::from(sum);
        let variance = (mean_part + i128::from(epsilon)).clamp(1, (1 << 60) - 1) as u64;
        // An even left shift brings the variance to 2^58 .. 2^60, hence the root to 2^29 .. 2^30.
        let half_shift = (variance.leading_zeros() - 4) / 2;
        let root = isqrt60(variance << (2 * half_shift));
        TokenStatistics { sum, reciprocal: reciprocal16(root), shift: 45 - FRACTION_BITS - half_shift }
    }

    /// The normalized value of one code, with [`FRACTION_BITS`] fraction bits.
    #[must_use]
    #[inline]
    pub fn normalize(&self, channels: usize, code: i32) -> i32 {
        let numerator = channels as i64 * i64::from(code) - self.sum;
        let product = numerator * i64::from(self.reciprocal);
        ((product + (1i64 << (self.shift - 1))) >> self.shift) as i32
    }
}

/// LayerNorm of one token; `codes` are the input codes, `parameters` one entry per channel.
///
/// The zero point of the input cancels in `N q - S`.
pub fn layernorm_token(
    codes: &[i32],
    epsilon: u64,
    parameters: &[ChannelParameter],
    mut emit: impl FnMut(usize, i32),
) {
    let sum = codes.iter().map(|&code| i64::from(code)).sum();
    let squares = codes.iter().map(|&code| (i64::from(code) * i64::from(code)) as u64).sum();
    let token = TokenStatistics::new(codes.len(), sum, squares, epsilon);
    for (channel, (&code, parameter)) in codes.iter().zip(parameters).enumerate() {
        emit(channel, parameter.requantize(token.normalize(codes.len(), code)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_real_layernorm() {
        let mut state = 3u32;
        for (channels, span) in [(64usize, 250i32), (384, 60_000), (768, 3), (1024, 65_000)] {
            let codes: Vec<i32> = (0..channels)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    ((state >> 8) % span as u32) as i32 - span / 2
                })
                .collect();
            let mean = codes.iter().map(|&c| f64::from(c)).sum::<f64>() / channels as f64;
            let variance =
                codes.iter().map(|&c| (f64::from(c) - mean).powi(2)).sum::<f64>() / channels as f64;
            let sum = codes.iter().map(|&c| i64::from(c)).sum();
            let squares = codes.iter().map(|&c| (i64::from(c) * i64::from(c)) as u64).sum();
            let token = TokenStatistics::new(channels, sum, squares, 0);
            for &code in &codes {
                let real = (f64::from(code) - mean) / variance.sqrt();
                let integer = f64::from(token.normalize(channels, code)) / f64::from(1 << FRACTION_BITS);
                assert!((real - integer).abs() < 2e-4, "{real} {integer}");
            }
        }
    }

    #[test]
    fn a_constant_token_is_all_zero() {
        let token = TokenStatistics::new(64, 64 * 5, 64 * 25, 0);
        assert_eq!(token.normalize(64, 5), 0);
    }
}
