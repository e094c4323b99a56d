//! One row of a table: a price, what it may be at least and at most, and who says so.

use serde::{Deserialize, Serialize};

/// What stands behind a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The source prints it, perhaps in another unit.
    Published,
    /// Arithmetic with published figures gives it, as `source` says.
    Derived,
    /// `bitgauge calibrate-energy` found it on gates.
    Measured,
    /// Somebody supposed that it is like another figure. So is a row that does not say what it rests on.
    #[default]
    Assumed,
}

impl Basis {
    /// Name in tables and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Basis::Published => "published",
            Basis::Derived => "derived",
            Basis::Measured => "measured",
            Basis::Assumed => "assumed",
        }
    }
}

/// The price of an action.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Picojoules per event. For memories, see `sizes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picojoules: Option<f64>,
    /// The least that a source gives, picojoules per event; `picojoules` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The most that a source gives, picojoules per event; `picojoules` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Picojoules per byte by memory size: prices between two sizes are interpolated in the logarithms of both, by
    /// the size of one bank. A size outside takes the price of the nearest, and is named ([`super::Outside`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Vec<SizePoint>>,
    /// What stands behind the price.
    #[serde(default)]
    pub basis: Basis,
    /// Where the price comes from.
    pub source: String,
    /// Where the low prices come from; needed where one differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_source: Option<String>,
    /// Where the high prices come from; needed where one differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_source: Option<String>,
}

/// One point of a price that depends on the size of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizePoint {
    /// Size of the memory, KiB.
    pub kib: f64,
    /// Picojoules per byte.
    pub picojoules_per_byte: f64,
    /// The least that a source gives; `picojoules_per_byte` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The most that a source gives; `picojoules_per_byte` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

/// A price of one event, picojoules: `low <= picojoules <= high`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// The least.
    pub low: f64,
    /// The one that totals are made of.
    pub picojoules: f64,
    /// The most.
    pub high: f64,
}

impl Price {
    fn new(picojoules: f64, low: Option<f64>, high: Option<f64>) -> Price {
        Price { low: low.unwrap_or(picojoules), picojoules, high: high.unwrap_or(picojoules) }
    }

    /// The price of one of so many events, of the energy of all.
    #[must_use]
    pub fn over(self, events: f64) -> Price {
        let one = |all: f64| if events > 0.0 { all / events } else { 0.0 };
        Price { low: one(self.low), picojoules: one(self.picojoules), high: one(self.high) }
    }

    fn problem(&self) -> Option<&'static str> {
        let all = [self.low, self.picojoules, self.high];
        match () {
            () if all.iter().any(|price| !price.is_finite() || *price < 0.0) => {
                Some("has a price that is negative or not finite")
            }
            () if self.low > self.picojoules => Some("has a `low` above the price"),
            () if self.high < self.picojoules => Some("has a `high` below the price"),
            () => None,
        }
    }

    /// Each of the three prices by `change` of two points.
    fn between(first: Price, second: Price, change: impl Fn(f64, f64) -> f64) -> Price {
        Price {
            low: change(first.low, second.low),
            picojoules: change(first.picojoules, second.picojoules),
            high: change(first.high, second.high),
        }
    }
}

impl SizePoint {
    fn price(&self) -> Price {
        Price::new(self.picojoules_per_byte, self.low, self.high)
    }
}

impl Entry {
    /// What is wrong with the row, if anything.
    pub(super) fn problem(&self) -> Option<&'static str> {
        if self.source.trim().is_empty() {
            return Some("has no source");
        }
        let prices: Vec<Price> = match (&self.picojoules, &self.sizes) {
            (Some(picojoules), None) => vec![Price::new(*picojoules, self.low, self.high)],
            (None, Some(points)) => {
                if self.low.is_some() || self.high.is_some() {
                    return Some("has `low` or `high` beside `sizes`; each size has its own");
                }
                let increasing = points.windows(2).all(|pair| pair[0].kib < pair[1].kib);
                let positive =
                    |point: &SizePoint| point.kib.is_finite() && point.kib > 0.0 && point.price().low > 0.0;
                if points.is_empty() || !increasing || !points.iter().all(positive) {
                    return Some("needs sizes that increase and prices above zero");
                }
                points.iter().map(SizePoint::price).collect()
            }
            (Some(_), Some(_)) => return Some("has both `picojoules` and `sizes`"),
            (None, None) => return Some("has neither `picojoules` nor `sizes`"),
        };
        let named = |source: &Option<String>| source.as_ref().is_some_and(|text| !text.trim().is_empty());
        prices.iter().find_map(Price::problem).or_else(|| {
            if prices.iter().any(|price| price.low < price.picojoules) && !named(&self.low_source) {
                Some("has a low price without `low_source`")
            } else if prices.iter().any(|price| price.high > price.picojoules) && !named(&self.high_source) {
                Some("has a high price without `high_source`")
            } else {
                None
            }
        })
    }

    /// The price in a memory of this size; the size matters only where `sizes` are given.
    #[must_use]
    pub fn price(&self, kib: f64) -> Price {
        if let Some(picojoules) = self.picojoules {
            return Price::new(picojoules, self.low, self.high);
        }
        let points = self.sizes.as_deref().unwrap_or(&[]);
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return Price::default() };
        if kib <= first.kib {
            return first.price();
        }
        for pair in points.windows(2) {
            if kib <= pair[1].kib {
                let at = (kib / pair[0].kib).ln() / (pair[1].kib / pair[0].kib).ln();
                return Price::between(pair[0].price(), pair[1].price(), |from, to| {
                    from * (to / from).powf(at)
                });
            }
        }
        last.price()
    }

    /// The sizes between which the row has prices, KiB; none where the price does not depend on size.
    #[must_use]
    pub fn range(&self) -> Option<[f64; 2]> {
        let points = self.sizes.as_deref()?;
        Some([points.first()?.kib, points.last()?.kib])
    }
}
