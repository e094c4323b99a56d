//! Axes that plotters lacks: memory addresses, and rows with a label each.

use std::ops::Range;

use plotters::coord::combinators::{IntoLogRange, LogCoord};
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::number;

/// Byte addresses, with ticks at multiples of a power of two, hexadecimal.
#[derive(Clone, Debug)]
pub struct Addresses {
    low: u64,
    high: u64,
}

impl Addresses {
    /// From `low` to `high`; an empty range is widened.
    pub fn new(low: u64, high: u64) -> Addresses {
        Addresses { low, high: high.max(low.saturating_add(1)) }
    }
}

impl Ranged for Addresses {
    type FormatOption = NoDefaultFormatting;
    type ValueType = u64;

    fn map(&self, value: &u64, limit: (i32, i32)) -> i32 {
        let share = (*value as f64 - self.low as f64) / (self.high - self.low) as f64;
        limit.0 + (f64::from(limit.1 - limit.0) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<u64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        let wanted = hint.max_num_points().max(1) as u64;
        let step = ((self.high - self.low) / wanted).max(1).checked_next_power_of_two().unwrap_or(1 << 63);
        let first = self.low.div_ceil(step);
        (first..=self.high / step).map(|index| index * step).collect()
    }

    fn range(&self) -> Range<u64> {
        self.low..self.high
    }
}

impl ValueFormatter<u64> for Addresses {
    fn format_ext(&self, value: &u64) -> String {
        let digits = format!("{:x}", self.high).len();
        format!("0x{value:0digits$x}")
    }
}

/// Rows from top to bottom: row `i` reaches from `i` to `i + 1`, its tick is in its middle.
#[derive(Clone, Debug)]
pub struct Rows(pub Vec<String>);

impl Ranged for Rows {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = value / self.0.len().max(1) as f64;
        limit.1 + (f64::from(limit.0 - limit.1) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        (0..self.0.len()).map(|row| row as f64 + 0.5).collect()
    }

    fn range(&self) -> Range<f64> {
        0.0..self.0.len() as f64
    }
}

impl ValueFormatter<f64> for Rows {
    fn format_ext(&self, value: &f64) -> String {
        self.0.get(value.floor() as usize).cloned().unwrap_or_default()
    }
}

/// Whole decades that hold `low` and `high`.
pub fn decades(low: f64, high: f64) -> Range<f64> {
    let low = 10f64.powf(low.max(1e-12).log10().floor());
    let high = 10f64.powf(high.max(low * 2.0).log10().ceil());
    low..high
}

/// A logarithmic axis. plotters finds decades by logarithms, whose last digits would lose those at the ends.
pub fn log(range: &Range<f64>) -> LogCoord<f64> {
    (range.start * (1.0 - 1e-9)..range.end * (1.0 + 1e-9)).log_scale().into()
}

/// A tick's label: with an SI prefix without unit.
pub fn tick_label(value: &f64) -> String {
    let value = *value;
    if value.abs() < 1e-12 {
        return "0".to_owned();
    }
    if value.abs() < 1.0 { number::digits(value) } else { number::si(value, "").replace(' ', "") }
}

#[cfg(test)]
mod tests {
    use plotters::coord::ranged1d::BoldPoints;

    use super::*;

    #[test]
    fn addresses_tick_at_powers_of_two() {
        let axis = Addresses::new(0x80, 0x1_0000);
        assert_eq!(axis.key_points(BoldPoints(4)), [0x4000, 0x8000, 0xc000, 0x1_0000]);
        assert_eq!(axis.format_ext(&0x4000), "0x04000");
        assert_eq!(axis.map(&0x80, (1000, 0)), 1000);
        assert_eq!(axis.map(&0x1_0000, (1000, 0)), 0);
        assert_eq!(Addresses::new(7, 7).key_points(BoldPoints(3)), [7, 8]);
        assert!(!Addresses::new(0, u64::MAX).key_points(BoldPoints(8)).is_empty());
    }

    #[test]
    fn rows_go_down() {
        let axis = Rows(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(axis.map(&0.0, (1000, 0)), 0);
        assert_eq!(axis.map(&2.0, (1000, 0)), 1000);
        let labels: Vec<String> =
            axis.key_points(BoldPoints(1)).iter().map(|row| axis.format_ext(row)).collect();
        assert_eq!(labels, ["a", "b"]);
    }

    #[test]
    fn decades_keep_their_ends() {
        for (low, high, count) in [(0.001, 0.5, 4), (0.3, 40.0, 4), (1.0, 1.0, 2), (1e-6, 1e9, 8)] {
            let axis = log(&decades(low, high));
            assert_eq!(axis.key_points(BoldPoints(8)).len(), count, "{low} to {high}");
        }
    }

    #[test]
    fn tick_labels_are_short() {
        for (value, text) in [(0.0, "0"), (250_000.0, "250k"), (0.25, "0.25"), (1e-3, "0.001")] {
            assert_eq!(tick_label(&value), text);
        }
    }
}
