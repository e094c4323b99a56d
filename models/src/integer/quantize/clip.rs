//! The step of a row of weights: the largest weight's, or one that clips the largest for a smaller squared error.
//!
//! Contract: of the steps `p / 100` of the largest weight's, p from 50 to 100, the search takes the one with the
//! least squared error, and of equal ones the greatest. A share whose clipped weights alone have a greater error than
//! another share in all is not measured, nor is a smaller one. The rest is measured in single precision, with bounds
//! for what that may have missed, and those that may be the least again in double precision, where they are several.

use bitgauge_arch::arith::host::widest;

/// The shares of the largest weight's step, in percent, that the search tries.
const FEWEST: usize = 50;
const MOST: usize = 100;
const SHARES: usize = MOST - FEWEST + 1;
/// Sums that a loop keeps side by side, so that it runs in vectors.
const LANES: usize = 32;
/// Weights that a sum in single precision takes in: 16 to a lane. After each a share may be known not to be the least.
const CHUNK: usize = 16 * LANES;
/// Relative rounding of such a sum: a square, 16 additions to a lane, [`LANES`] to one, each 2^-24 at most.
const SUM_ROUNDING: f64 = 1e-5;
/// A weight in steps, `x`, is off by `1.5 * 2^-23 |x|` at most: two roundings, and that of the difference.
const STEP_ROUNDING: f64 = 1.0 / (1 << 22) as f64;
/// Adding and taking away this rounds to the nearest whole number, ties to even, below 2^22 and 2^51.
const ROUND_SINGLE: f32 = (3 << 22) as f32;
const ROUND_DOUBLE: f64 = (3u64 << 51) as f64;

/// Weights from this share of the largest on bound what clipping costs.
const LARGE: f32 = 0.75;
/// Relative rounding of the root of a sum of squares in double precision, and that of a weight, with room to spare.
const DOUBLE_ROUNDING: f64 = 1e-9;

/// Least and greatest code.
#[derive(Clone, Copy, Debug)]
pub struct Codes {
    pub low: i32,
    pub high: i32,
}

/// The step at which the largest weight has the greatest code.
pub fn full_step(row: &[f32], codes: Codes) -> f64 {
    let greatest = widest(
        #[inline(always)]
        || {
            let greater = |most: f32, w: f32| if w.abs() > most { w.abs() } else { most };
            fold(row, 0.0, greater).into_iter().fold(0.0, f32::max)
        },
    );
    (f64::from(greatest) / f64::from(codes.high)).max(f64::MIN_POSITIVE)
}

/// Writes the codes of a row at a step.
pub fn encode(row: &[f32], step: f64, codes: Codes, into: &mut [i8]) {
    let inverse = 1.0 / step;
    widest(
        #[inline(always)]
        || {
            let (low, high) = (f64::from(codes.low), f64::from(codes.high));
            for (code, &w) in into.iter_mut().zip(row) {
                *code = nearest(f64::from(w) * inverse, low, high) as i32 as i8;
            }
        },
    );
}

/// The step of least squared error.
pub fn least_error(row: &[f32], codes: Codes) -> f64 {
    let full = full_step(row, codes);
    let step = |share: usize| full * share as f64 / MOST as f64;
    let norm = sum_of_squares(row).sqrt();
    let large = large(row, full * f64::from(codes.high));
    let mut reachable = f64::INFINITY;
    let mut least = [f64::INFINITY; SHARES];
    for share in (FEWEST..=MOST).rev() {
        // The smaller the step, the more is clipped: what follows is no better.
        if clipped(&large, step(share), codes) - norm * DOUBLE_ROUNDING > reachable {
            break;
        }
        let [low, high] = bounds(row, step(share), norm, reachable, codes);
        (least[share - FEWEST], reachable) = (low, reachable.min(high));
    }
    let may_be_least = || (FEWEST..=MOST).rev().filter(|share| least[share - FEWEST] <= reachable);
    let (first, second) = (may_be_least().next(), may_be_least().nth(1));
    if let (Some(share), None) = (first, second) {
        return step(share);
    }
    let mut best = (f64::INFINITY, full);
    for share in may_be_least() {
        let step = step(share);
        let error = squared_error(row, step, codes);
        if error < best.0 {
            best = (error, step);
        }
    }
    best.1
}

/// The weights of a row from [`LARGE`] of the greatest absolute value on.
fn large(row: &[f32], greatest: f64) -> Vec<f32> {
    let least = greatest as f32 * LARGE;
    let mut found = Vec::new();
    for block in row.chunks(LANES) {
        let any = widest(
            #[inline(always)]
            || block.iter().fold(false, |any, w| any | (w.abs() >= least)),
        );
        if any {
            found.extend(block.iter().filter(|w| w.abs() >= least));
        }
    }
    found
}

/// A lower bound of the root of the squared error at a step: what the ends of the codes cut off these weights.
fn clipped(large: &[f32], step: f64, codes: Codes) -> f64 {
    let (low, high) = (f64::from(codes.low) * step, f64::from(codes.high) * step);
    let squares = large.iter().map(|&w| {
        let w = f64::from(w);
        let beyond = (w - high).max(low - w).max(0.0);
        beyond * beyond
    });
    squares.sum::<f64>().sqrt() * (1.0 - DOUBLE_ROUNDING)
}

/// Between what the root of the squared error at a step lies; beyond `reachable`, a lower bound is enough.
///
/// The distance to the nearest code grows no faster than its argument, so that the roots of the sums in single and
/// in double precision differ by the root of the squared roundings at most. A sum that is no number bounds nothing.
fn bounds(row: &[f32], step: f64, norm: f64, reachable: f64, codes: Codes) -> [f64; 2] {
    let inverse = (1.0 / step) as f32;
    let (low, high) = (codes.low as f32, codes.high as f32);
    let mut squares = 0.0;
    for chunk in row.chunks(CHUNK) {
        squares += f64::from(widest(
            #[inline(always)]
            || chunk_error(chunk, inverse, low, high),
        ));
        let root = step * squares.sqrt();
        if !root.is_finite() {
            return [0.0, f64::INFINITY];
        }
        let least = root * (1.0 - SUM_ROUNDING) - norm * STEP_ROUNDING;
        if least > reachable {
            return [least, f64::INFINITY];
        }
    }
    let root = step * squares.sqrt();
    let slack = root * SUM_ROUNDING + norm * STEP_ROUNDING;
    [root - slack, root + slack]
}

#[inline(always)]
fn chunk_error(chunk: &[f32], inverse: f32, low: f32, high: f32) -> f32 {
    let add = |sum: f32, w: f32| {
        let x = w * inverse;
        let code = (x + ROUND_SINGLE) - ROUND_SINGLE;
        let code = if code < low { low } else { code };
        let d = x - if code > high { high } else { code };
        sum + d * d
    };
    fold(chunk, 0.0, add).iter().sum()
}

fn sum_of_squares(row: &[f32]) -> f64 {
    widest(
        #[inline(always)]
        || {
            let add = |sum: f64, w: f32| sum + f64::from(w) * f64::from(w);
            fold(row, 0.0, add).iter().sum()
        },
    )
}

/// Squared error of a row at a step.
fn squared_error(row: &[f32], step: f64, codes: Codes) -> f64 {
    widest(
        #[inline(always)]
        || {
            let (low, high, inverse) = (f64::from(codes.low), f64::from(codes.high), 1.0 / step);
            let add = |sum: f64, w: f32| {
                let d = nearest(f64::from(w) * inverse, low, high) * step - f64::from(w);
                sum + d * d
            };
            fold(row, 0.0, add).iter().sum()
        },
    )
}

/// The nearest code to a weight in steps, of two as near the even one.
#[inline(always)]
fn nearest(x: f64, low: f64, high: f64) -> f64 {
    let code = (x + ROUND_DOUBLE) - ROUND_DOUBLE;
    let code = if code < low { low } else { code };
    if code > high { high } else { code }
}

/// Folds the elements of each lane.
#[inline(always)]
fn fold<T: Copy>(row: &[f32], start: T, step: impl Fn(T, f32) -> T) -> [T; LANES] {
    let mut lanes = [start; LANES];
    let (blocks, rest) = row.as_chunks::<LANES>();
    for block in blocks {
        for (lane, &w) in lanes.iter_mut().zip(block) {
            *lane = step(*lane, w);
        }
    }
    for (lane, &w) in lanes.iter_mut().zip(rest) {
        *lane = step(*lane, w);
    }
    lanes
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::float::{FloatGraph, Op};

    /// The search as it is written down: every share, one after the other, in double precision.
    fn oracle(row: &[f32], Codes { low, high }: Codes) -> f64 {
        let greatest = row.iter().fold(0f32, |m, w| m.max(w.abs()));
        let full = (f64::from(greatest) / f64::from(high)).max(f64::MIN_POSITIVE);
        let mut best = (f64::INFINITY, full);
        for percent in (50..=100).rev() {
            let step = full * f64::from(percent) / 100.0;
            let error = oracle_error(row, step, Codes { low, high });
            if error < best.0 {
                best = (error, step);
            }
        }
        best.1
    }

    fn oracle_error(row: &[f32], step: f64, Codes { low, high }: Codes) -> f64 {
        row.iter().fold(0.0, |sum, &w| {
            let code = ((f64::from(w) / step).round_ties_even() as i32).clamp(low, high);
            sum + (f64::from(code) * step - f64::from(w)).powi(2)
        })
    }

    /// Sums in another order may differ in the last bits of a double, and nothing else may.
    fn assert_no_greater(row: &[f32], codes: Codes, what: &str) {
        let [found, wanted] = [least_error(row, codes), oracle(row, codes)];
        let [error, least] = [found, wanted].map(|step| oracle_error(row, step, codes));
        assert!(error <= least * (1.0 + 1e-12), "{what}: {error:e} at {found:e}, {least:e} at {wanted:e}");
    }

    /// From -1 to 1, the same every time.
    fn uniform(state: &mut u64) -> f32 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }

    #[test]
    fn no_step_of_the_search_has_a_smaller_error() {
        type Draw = fn(&mut u64) -> f32;
        let shapes: [(&str, Draw); 8] = [
            ("uniform", uniform),
            ("bell", |s| (0..12).map(|_| uniform(s)).sum()),
            ("long tails", |s| uniform(s).powi(7) / uniform(s).abs().max(1e-3)),
            ("one far out", |s| if uniform(s) > 0.99 { 40.0 } else { uniform(s) }),
            ("on a grid", |s| (uniform(s) * 127.0).round() * 0.125),
            ("one sign", |s| uniform(s).abs() - 1.0),
            ("subnormal", |s| uniform(s) * 1e-41),
            ("huge", |s| uniform(s) * f32::MAX),
        ];
        let mut state = 1;
        for (name, shape) in shapes {
            for length in [1, 2, 5, 31, 32, 33, 576, 2047, 2048, 2049, 9000] {
                let row: Vec<f32> = (0..length).map(|_| shape(&mut state)).collect();
                for bits in 2..=8 {
                    let high = (1 << (bits - 1)) - 1;
                    for low in [-high, -high - 1] {
                        let what = format!("{name}, {length} weights, codes {low} to {high}");
                        assert_no_greater(&row, Codes { low, high }, &what);
                    }
                }
            }
        }
        assert_eq!(least_error(&[0.0; 40], Codes { low: -127, high: 127 }), f64::MIN_POSITIVE);
    }

    /// No channel of the first of these models that is there has a greater error; says so where none is.
    fn no_channel_is_worse(paths: &[&str]) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let Some(path) = paths.iter().map(|path| root.join(path)).find(|path| path.exists()) else {
            use std::io::Write as _;
            let what = "SKIPPED: the weights of a real network: `cargo xtask fetch` brings it to";
            writeln!(std::io::stderr(), "{what} {}", paths[0]).unwrap();
            return;
        };
        let mut graph = crate::onnx::import(&std::fs::read(&path).unwrap()).unwrap();
        crate::float::passes::simplify(&mut graph).unwrap();
        let rows = rows(&graph);
        assert!(rows.len() > 100, "{} rows", rows.len());
        use rayon::prelude::*;
        rows.par_iter().enumerate().for_each(|(n, row)| {
            assert_no_greater(row, Codes { low: -127, high: 127 }, &format!("{}, {n}", path.display()));
        });
    }

    #[test]
    fn no_channel_of_the_shipped_network_has_a_greater_error() {
        no_channel_is_worse(&["models/zoo/cnn_mnist.onnx"]);
    }

    #[test]
    #[ignore = "long tier: every channel of networks that `cargo xtask fetch` brings"]
    fn no_channel_of_real_networks_has_a_greater_error() {
        let efficientnet =
            ["models/zoo/data/efficientnet_lite0.onnx", "../shared/data/models/efficientnet_lite0.onnx"];
        no_channel_is_worse(&efficientnet);
        no_channel_is_worse(&["models/zoo/data/vit_s_focus.onnx"]);
    }

    /// The weights of every output of every layer.
    fn rows(graph: &FloatGraph) -> Vec<&[f32]> {
        let layers = graph.nodes.iter().filter(|node| matches!(node.op, Op::Conv(_) | Op::Linear(_)));
        let weights = layers.filter_map(|node| graph.constant(node.inputs[1]));
        weights.flat_map(|w| w.data().chunks_exact(w.len() / w.shape()[0])).collect()
    }
}
