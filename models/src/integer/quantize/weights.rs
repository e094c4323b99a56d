//! Weights to codes: symmetric, one step per output channel.

use rayon::prelude::*;

use super::options::{QuantizeOptions, WeightClip};

/// Codes of a weight matrix.
pub struct QuantizedWeights {
    /// `[n][k]`.
    pub codes: Vec<i8>,
    /// Step of each n.
    pub scales: Vec<f64>,
    /// Sum of the codes of each n.
    pub sums: Vec<i64>,
}

/// Quantizes rows of `k` weights; `least_scale(n)` keeps the channel's bias representable.
pub fn quantize_rows(
    weights: &[f32],
    k: usize,
    options: &QuantizeOptions,
    least_scale: impl Fn(usize) -> f64 + Sync,
) -> QuantizedWeights {
    let bits = options.weight_bits.clamp(2, 8);
    let high = (1i32 << (bits - 1)) - 1;
    let low = if options.weight_narrow { -high } else { -high - 1 };
    let rows: Vec<(f64, Vec<i8>)> = weights
        .par_chunks_exact(k.max(1))
        .enumerate()
        .map(|(n, row)| {
            let greatest = row.iter().fold(0f32, |m, w| m.max(w.abs()));
            let full = (f64::from(greatest) / f64::from(high)).max(f64::MIN_POSITIVE);
            let scale = match options.weight_clip {
                WeightClip::Max => full,
                WeightClip::Mse => least_error(row, full, low, high),
            };
            let scale = scale.max(least_scale(n));
            (scale, row.iter().map(|&w| encode(w, 1.0 / scale, low, high) as i8).collect())
        })
        .collect();
    let sums = rows.iter().map(|(_, row)| row.iter().map(|&w| i64::from(w)).sum()).collect();
    let scales = rows.iter().map(|(scale, _)| *scale).collect();
    QuantizedWeights { codes: rows.into_iter().flat_map(|(_, row)| row).collect(), scales, sums }
}

/// Nearest code; `round_ties_even` compiles to one instruction where `round` is a call.
fn encode(weight: f32, inverse: f64, low: i32, high: i32) -> i32 {
    ((f64::from(weight) * inverse).round_ties_even() as i32).clamp(low, high)
}

fn least_error(row: &[f32], full: f64, low: i32, high: i32) -> f64 {
    let mut best = (f64::INFINITY, full);
    for percent in (50..=100).rev() {
        let scale = full * f64::from(percent) / 100.0;
        let inverse = 1.0 / scale;
        let error = row.iter().fold(0.0, |sum, &w| {
            let d = f64::from(encode(w, inverse, low, high)) * scale - f64::from(w);
            sum + d * d
        });
        if error < best.0 {
            best = (error, scale);
        }
    }
    best.1
}
