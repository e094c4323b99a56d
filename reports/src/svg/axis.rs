//! Scales, ticks and the frame of a plot.

use super::{Anchor, Svg};
use crate::number;

/// A scale.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
}

impl Axis {
    /// From `low` to `high`; an empty range is widened.
    pub fn linear(low: f64, high: f64) -> Axis {
        let high = if high > low { high } else { low + 1.0 };
        Axis { low, high, logarithmic: false }
    }

    /// Logarithmic, over whole decades.
    pub fn decades(low: f64, high: f64) -> Axis {
        let low = 10f64.powf(low.max(1e-12).log10().floor());
        let high = 10f64.powf(high.max(low * 2.0).log10().ceil());
        Axis { low, high, logarithmic: true }
    }

    /// Upper end.
    pub fn high(self) -> f64 {
        self.high
    }

    /// Lower end.
    pub fn low(self) -> f64 {
        self.low
    }

    /// Position of a value, 0 to 1 within the range.
    pub fn at(self, value: f64) -> f64 {
        if self.logarithmic {
            (value.max(self.low * 1e-3) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    /// Round values, about `wanted` of them.
    pub fn ticks(self, wanted: usize) -> Vec<f64> {
        let mut ticks = Vec::new();
        if self.logarithmic {
            let mut tick = self.low;
            while tick <= self.high * 1.0001 {
                ticks.push(tick);
                tick *= 10.0;
            }
            return ticks;
        }
        let raw = (self.high - self.low) / wanted.max(1) as f64;
        let decade = 10f64.powf(raw.log10().floor());
        let step =
            [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * decade).find(|step| *step >= raw * 0.999);
        let step = step.unwrap_or(decade * 10.0);
        let mut index = (self.low / step).ceil();
        while index * step <= self.high + step * 1e-9 {
            ticks.push(index * step);
            index += 1.0;
        }
        ticks
    }
}

/// The area in which a plot draws.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
    pub x: Axis,
    pub y: Axis,
}

impl Frame {
    /// Horizontal position of a value.
    pub fn px(&self, value: f64) -> f64 {
        self.left + self.width * self.x.at(value)
    }

    /// Vertical position of a value.
    pub fn py(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - self.y.at(value))
    }

    /// The lower edge.
    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// The right edge.
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    /// The border.
    pub fn border(&self, svg: &mut Svg) {
        svg.rect("frame", [self.left, self.top, self.width, self.height], "");
    }

    /// Grid, ticks and title of the horizontal axis.
    pub fn x_axis(&self, svg: &mut Svg, title: &str) {
        self.x_ticks(svg, 8);
        svg.text("axis", self.left + self.width / 2.0, self.bottom() + 38.0, Anchor::Middle, title);
    }

    /// Grid and ticks of the horizontal axis.
    pub fn x_ticks(&self, svg: &mut Svg, wanted: usize) {
        for tick in self.x.ticks(wanted) {
            let x = self.px(tick);
            svg.line("grid", [x, self.top, x, self.bottom()]);
            svg.text("tick", x, self.bottom() + 17.0, Anchor::Middle, &label(tick));
        }
    }

    /// Grid, ticks and title of the vertical axis.
    pub fn y_axis(&self, svg: &mut Svg, title: &str, wanted: usize) {
        for tick in self.y.ticks(wanted) {
            let y = self.py(tick);
            svg.line("grid", [self.left, y, self.right(), y]);
            svg.text("tick", self.left - 7.0, y + 4.0, Anchor::End, &label(tick));
        }
        svg.text_upwards(18.0, self.top + self.height / 2.0, title);
    }

    /// Ticks of the vertical axis in another unit, on the right.
    pub fn y_axis_scaled(&self, svg: &mut Svg, title: &str, factor: f64) {
        let scaled =
            Axis { low: self.y.low * factor, high: self.y.high * factor, logarithmic: self.y.logarithmic };
        let ticks = if self.y.logarithmic {
            Axis::decades(scaled.low, scaled.high)
                .ticks(6)
                .into_iter()
                .filter(|tick| (0.0..=1.0).contains(&scaled.at(*tick)))
                .collect()
        } else {
            scaled.ticks(5)
        };
        for tick in ticks {
            let y = self.top + self.height * (1.0 - scaled.at(tick));
            svg.line("frame", [self.right(), y, self.right() + 4.0, y]);
            svg.text("tick", self.right() + 7.0, y + 4.0, Anchor::Start, &label(tick));
        }
        svg.text_upwards(svg.width - 6.0, self.top + self.height / 2.0, title);
    }
}

/// A tick's label: with an SI prefix without unit.
pub fn label(value: f64) -> String {
    if value.abs() < 1e-300 {
        return "0".to_owned();
    }
    if value.abs() < 1.0 { number::digits(value) } else { number::si(value, "").replace(' ', "") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(Axis::linear(0.0, 10.0).ticks(5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(Axis::decades(0.3, 40.0).ticks(5).len(), 4);
        assert_eq!(Axis::linear(5.0, 5.0).ticks(3).len(), 3);
        assert_eq!(label(250_000.0), "250k");
    }
}
