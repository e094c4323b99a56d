//! From what a float value takes to the codes that stand for it.
//!
//! Contract: deterministic; zero always has a code of its own, because padding and ReLU need it.

use bitgauge_arch::arith::Signedness;
use bitgauge_arch::arith::host::widest;
use serde::{Deserialize, Serialize};

use super::graph::CodeType;

/// Bins of a histogram.
pub const BINS: usize = 2048;
/// Histograms that are counted side by side.
const TABLES: usize = 4;

/// How the range of an activation is chosen from calibration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeRule {
    /// All that was seen.
    MinMax,
    /// The middle part that holds this share of the values (such as 0.9999); equal tails are cut.
    Percentile(f64),
    /// The ends, shrunk in steps of 1 %, with the least squared error of the codes.
    Mse,
}

/// What calibration saw of one float value.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Least value.
    pub min: f32,
    /// Greatest value.
    pub max: f32,
    /// Counts over `min..=max` in equal bins; empty where only the ends were recorded.
    pub histogram: Vec<u64>,
}

impl Observation {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self { min: f32::INFINITY, max: f32::NEG_INFINITY, histogram: Vec::new() }
    }

    /// Widens the ends; values that are no numbers are passed over.
    pub fn widen(&mut self, data: &[f32]) {
        const LANES: usize = 32;
        let (mut least, mut most) = ([self.min; LANES], [self.max; LANES]);
        widest(
            #[inline(always)]
            || {
                for block in data.chunks(LANES) {
                    for ((least, most), &x) in least.iter_mut().zip(&mut most).zip(block) {
                        *least = if x < *least { x } else { *least };
                        *most = if x > *most { x } else { *most };
                    }
                }
            },
        );
        self.min = least.into_iter().fold(self.min, f32::min);
        self.max = most.into_iter().fold(self.max, f32::max);
    }

    /// Counts values; the ends must be final.
    pub fn count(&mut self, data: &[f32]) {
        self.histogram.resize(BINS, 0);
        let span = self.max - self.min;
        let factor = if span > 0.0 { BINS as f32 / span } else { 0.0 };
        let mut bins = [0i32; 256];
        // Several histograms: counts of one bin in a row would wait for each other.
        let mut counts = vec![[0u32; BINS]; TABLES];
        for block in data.chunks(bins.len()) {
            widest(
                #[inline(always)]
                || {
                    for (bin, &x) in bins.iter_mut().zip(block) {
                        // The cast saturates.
                        *bin = (((x - self.min) * factor) as i32).clamp(0, BINS as i32 - 1);
                    }
                },
            );
            for bins in bins[..block.len()].chunks(TABLES) {
                for (counts, &bin) in counts.iter_mut().zip(bins) {
                    counts[bin as usize % BINS] += 1;
                }
            }
        }
        for counts in &counts {
            self.histogram.iter_mut().zip(counts).for_each(|(to, &from)| *to += u64::from(from));
        }
    }

    /// Joins what two threads saw.
    #[must_use]
    pub fn merge(mut self, other: &Observation) -> Self {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        if self.histogram.len() < other.histogram.len() {
            self.histogram.resize(other.histogram.len(), 0);
        }
        for (to, from) in self.histogram.iter_mut().zip(&other.histogram) {
            *to += from;
        }
        self
    }

    /// The ends with zero included; `0..=0` where nothing was seen.
    fn ends(&self) -> (f64, f64) {
        if self.min > self.max {
            return (0.0, 0.0);
        }
        (f64::from(self.min).min(0.0), f64::from(self.max).max(0.0))
    }

    fn bin_width(&self) -> f64 {
        (f64::from(self.max) - f64::from(self.min)) / BINS as f64
    }

    /// The ends by a rule, for codes of `kind`.
    #[must_use]
    pub fn range(&self, rule: RangeRule, kind: CodeKind) -> (f64, f64) {
        match rule {
            _ if self.histogram.is_empty() => self.ends(),
            RangeRule::MinMax => self.ends(),
            RangeRule::Percentile(share) => self.percentile(share),
            RangeRule::Mse => self.least_error(kind),
        }
    }

    fn percentile(&self, share: f64) -> (f64, f64) {
        let total: u64 = self.histogram.iter().sum();
        let tail = ((1.0 - share.clamp(0.0, 1.0)) / 2.0 * total as f64) as u64;
        let cut = |counts: &mut dyn Iterator<Item = &u64>| {
            let mut seen = 0;
            counts
                .take_while(|&&n| {
                    seen += n;
                    seen <= tail
                })
                .count()
        };
        let low = cut(&mut self.histogram.iter());
        let high = cut(&mut self.histogram.iter().rev());
        let width = self.bin_width();
        let (min, max) = (f64::from(self.min), f64::from(self.max));
        ((min + low as f64 * width).min(0.0), (max - high as f64 * width).max(0.0))
    }

    fn least_error(&self, kind: CodeKind) -> (f64, f64) {
        let (low, high) = self.ends();
        let mut best = (f64::INFINITY, (low, high));
        let mut try_range = |range: (f64, f64)| {
            let error = self.squared_error(&kind.code(range));
            if error < best.0 {
                best = (error, range);
            }
            best.1
        };
        // Both ends together first, then each by itself: tails are seldom alike.
        for percent in (20..=100).rev() {
            let factor = f64::from(percent) / 100.0;
            try_range((low * factor, high * factor));
        }
        let (low, high) = try_range((low, high));
        for percent in (50..100).rev() {
            try_range((low * f64::from(percent) / 100.0, high));
        }
        let (low, _) = try_range((low, high));
        for percent in (50..100).rev() {
            try_range((low, high * f64::from(percent) / 100.0));
        }
        try_range((low, high))
    }

    fn squared_error(&self, code: &CodeType) -> f64 {
        let (width, min) = (self.bin_width(), f64::from(self.min));
        let bins = self.histogram.iter().enumerate().filter(|(_, n)| **n > 0);
        bins.map(|(bin, &n)| {
            let x = min + (bin as f64 + 0.5) * width;
            let error = code.decode(code.encode(x)) - x;
            n as f64 * error * error
        })
        .sum()
    }
}

impl Default for Observation {
    fn default() -> Self {
        Self::new()
    }
}

impl CodeType {
    /// Codes of two scales that cover a range which includes zero.
    #[must_use]
    pub fn of_two_scales(bits: u8, tag_shift: u8, (low, high): (f64, f64)) -> CodeType {
        let mut code = CodeType { bits, sign: Signedness::Unsigned, scale: 1.0, zero_point: 0, tag_shift };
        let greatest = f64::from(code.value_range().1);
        let step = (high - low) / greatest;
        if step.is_finite() && step > 1e-30 {
            code.scale = step;
        }
        // Zero is a code.
        let zero = (-low / code.scale).round().clamp(0.0, greatest);
        code.zero_point = code.value(code.encode(zero * code.scale));
        code
    }
}

/// The family that a tensor's codes are chosen from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// Signed codes, zero point anywhere.
    Affine {
        /// Bits of a code.
        bits: u8,
    },
    /// Signed codes, zero point 0.
    Symmetric {
        /// Bits of a code.
        bits: u8,
    },
}

impl CodeKind {
    /// The codes that cover a range which includes zero.
    #[must_use]
    pub fn code(self, (low, high): (f64, f64)) -> CodeType {
        // A value that is always zero still needs a step.
        let positive = |scale: f64| if scale.is_finite() && scale > 1e-30 { scale } else { 1.0 };
        match self {
            CodeKind::Affine { bits } => {
                let scale = positive((high - low) / f64::from((1u32 << bits) - 1));
                let least = -(1i32 << (bits - 1));
                let zero = f64::from(least) - low / scale;
                let zero_point = (zero.round() as i32).clamp(least, -least - 1);
                CodeType { bits, sign: Signedness::Signed, scale, zero_point, tag_shift: 0 }
            }
            CodeKind::Symmetric { bits } => {
                let levels = f64::from((1u32 << (bits - 1)) - 1);
                let scale = positive(high.max(-low) / levels);
                CodeType { bits, sign: Signedness::Signed, scale, zero_point: 0, tag_shift: 0 }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(data: &[f32]) -> Observation {
        let mut o = Observation::new();
        o.widen(data);
        o.count(data);
        o
    }

    #[test]
    fn rules_order_as_they_should() {
        let mut data: Vec<f32> = (0..100_000).map(|i| (i as f32 / 100_000.0 - 0.3) * 2.0).collect();
        data.push(40.0);
        let o = observed(&data);
        let kind = CodeKind::Affine { bits: 8 };
        assert_eq!(o.range(RangeRule::MinMax, kind).1, 40.0);
        let (low, high) = o.range(RangeRule::Percentile(0.9999), kind);
        assert!((-0.62..=-0.55).contains(&low) && (1.3..1.5).contains(&high), "{low} {high}");
        let (_, high) = o.range(RangeRule::Mse, kind);
        assert!(high < 40.0);
        let by_mse = o.squared_error(&kind.code(o.range(RangeRule::Mse, kind)));
        assert!(by_mse <= o.squared_error(&kind.code((-0.6, 40.0))));
    }

    /// One value a bin: a tail of so many values is so many bins.
    #[test]
    fn a_percentile_cuts_as_many_values_as_it_says() {
        let o = observed(&(0..BINS).map(|bin| bin as f32 - 1024.0).collect::<Vec<f32>>());
        let width = o.bin_width();
        for tail in [0, 1, 8, 512] {
            // Exact in binary, whatever the tail.
            let share = 1.0 - f64::from(2 * tail) / BINS as f64;
            let (low, high) = o.range(RangeRule::Percentile(share), CodeKind::Affine { bits: 8 });
            let cut = f64::from(tail) * width;
            assert!((low - (-1024.0 + cut)).abs() < 1e-9, "{tail}: {low}");
            assert!((high - (1023.0 - cut)).abs() < 1e-9, "{tail}: {high}");
        }
    }

    #[test]
    fn zero_has_a_code() {
        for data in [&[0.0f32][..], &[3.0, 9.0], &[-7.0, -1.0], &[]] {
            for kind in [CodeKind::Affine { bits: 8 }, CodeKind::Symmetric { bits: 16 }] {
                let code = kind.code(observed(data).range(RangeRule::Mse, kind));
                assert_eq!(code.decode(code.encode(0.0)), 0.0);
                for &x in data {
                    assert!((code.decode(code.encode(f64::from(x))) - f64::from(x)).abs() < 0.6 * code.scale);
                }
            }
        }
    }

    #[test]
    fn merging_is_counting_together() {
        let (a, b) = ([1.0f32, 2.0, 3.0], [-4.0f32, 0.5]);
        let mut ends = Observation::new();
        ends.widen(&a);
        ends.widen(&b);
        let (mut first, mut second, mut both) = (ends.clone(), ends.clone(), ends);
        first.count(&a);
        second.count(&b);
        both.count(&a);
        both.count(&b);
        assert_eq!(first.merge(&second), both);
    }
}
