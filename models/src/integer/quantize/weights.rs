//! Weights to codes: symmetric, one step per output channel.

use std::sync::Arc;

use rayon::prelude::*;

use super::clip::{Codes, encode, full_step, least_error};
use super::options::{QuantizeOptions, WeightClip};

/// Codes of a weight matrix.
pub struct QuantizedWeights {
    /// `[n][k]`.
    pub codes: Arc<[i8]>,
    /// Bits of a code.
    pub bits: u8,
    /// Step of each n.
    pub scales: Vec<f64>,
    /// Sum of the codes of each n.
    pub sums: Vec<i64>,
}

/// Quantizes rows of `k` weights to codes of `bits` bits; `least_scale(n)` keeps the channel's bias representable.
pub fn quantize_rows(
    weights: &[f32],
    k: usize,
    bits: u8,
    options: &QuantizeOptions,
    least_scale: impl Fn(usize) -> f64 + Sync,
) -> QuantizedWeights {
    let bits = bits.clamp(2, 8);
    let high = (1i32 << (bits - 1)) - 1;
    let low = if options.weight_narrow { -high } else { -high - 1 };
    let range = Codes { low, high };
    let rows = weights.par_chunks_exact(k.max(1));
    let mut codes: Arc<[i8]> = std::iter::repeat_n(0, rows.len() * k).collect();
    let rows = Arc::make_mut(&mut codes).par_chunks_exact_mut(k.max(1)).zip(rows).enumerate();
    let (scales, sums) = rows
        .map(|(n, (codes, row))| {
            let scale = match options.weight_clip {
                WeightClip::Max => full_step(row, range),
                WeightClip::Mse => least_error(row, range),
            };
            let scale = scale.max(least_scale(n));
            encode(row, scale, range, codes);
            (scale, sum(codes))
        })
        .unzip();
    QuantizedWeights { codes, bits, scales, sums }
}

impl QuantizedWeights {
    /// The rows in another order: `[channel][tap]` becomes `[tap][channel]`.
    pub fn taps_outermost(&mut self, taps: usize) {
        let k = self.codes.len() / self.scales.len().max(1);
        let channels = k / taps.max(1);
        if taps <= 1 || channels <= 1 {
            return;
        }
        let turn = |row: &mut [i8]| {
            let before = row.to_vec();
            for (tap, to) in row.chunks_exact_mut(channels).enumerate() {
                to.iter_mut().zip(before.iter().skip(tap).step_by(taps)).for_each(|(to, from)| *to = *from);
            }
        };
        Arc::make_mut(&mut self.codes).par_chunks_exact_mut(k).for_each(turn);
    }
}

/// Sum of a row of codes.
pub fn sum(codes: &[i8]) -> i64 {
    // A block of 2^16 codes cannot leave 32 bits.
    codes.chunks(1 << 16).map(|block| i64::from(block.iter().map(|&code| i32::from(code)).sum::<i32>())).sum()
}
