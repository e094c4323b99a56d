//! Horizontal bars, stacked or side by side: one row per layer, as long as there are layers.

use crate::svg::{Anchor, Axis, Frame, Svg, legend, shorten, style, text_width};

/// Rows above which bars and texts become smaller.
const MANY: usize = 40;

/// Bars.
pub struct Bars<'a> {
    /// Title of the value axis, with unit.
    pub axis: &'a str,
    /// Colour and name of each series.
    pub series: Vec<(&'static str, String)>,
    /// Label and values of each row.
    pub rows: Vec<(String, Vec<f64>)>,
    /// Series one above the other within a row, not end to end.
    pub grouped: bool,
    /// The number at a row's end.
    pub total: fn(f64) -> String,
    /// What stands at rows that have no bar, in the order of rows; may be shorter.
    pub notes: Vec<String>,
    /// End of the axis, where it is not the greatest row's.
    pub maximum: Option<f64>,
}

impl Bars<'_> {
    /// Draws.
    pub fn draw(&self) -> Svg {
        if self.rows.is_empty() || self.series.is_empty() {
            return Svg::empty("nothing to show: no layers, or nothing of this kind happened");
        }
        let many = self.rows.len() > MANY;
        let lanes = if self.grouped { self.series.len() } else { 1 };
        let bar = match (many, self.grouped) {
            (false, false) => 16.0,
            (true, false) => 11.0,
            (false, true) => 8.0,
            (true, true) => 5.0,
        };
        let gap = if many { 3.0 } else { 7.0 };
        let row_height = bar * lanes as f64 + gap;
        let (limit, size) = if many { (30, 11.0) } else { (28, 13.0) };
        let labels: Vec<String> = self.rows.iter().map(|(label, _)| shorten(label, limit)).collect();
        let widest = labels.iter().map(|label| text_width(label, size)).fold(0.0, f64::max);

        let mut svg = Svg::new(0.0);
        let below = if self.series.len() > 1 { legend(&mut svg, 12.0, 6.0, &self.series_ref()) } else { 6.0 };
        let left = widest.ceil() + 18.0;
        let greatest = self.rows.iter().map(|(_, values)| self.length(values)).fold(0.0, f64::max);
        let width = svg.width - left - 20.0;
        // The longest bar's number stands within the axis.
        let room = self
            .rows
            .iter()
            .map(|(_, values)| text_width(&(self.total)(self.length(values)), 12.0))
            .fold(0.0, f64::max)
            + 10.0;
        let fitting = greatest * width / (width - room).max(width / 2.0);
        let frame = Frame {
            left,
            top: below + 4.0,
            width,
            height: row_height * self.rows.len() as f64 + gap,
            x: self.maximum.map_or_else(
                || Axis::linear(0.0, if fitting > 0.0 { fitting } else { 1.0 }),
                |maximum| Axis::linear(0.0, maximum),
            ),
            y: Axis::linear(0.0, 1.0),
        };
        svg.height = frame.bottom() + 50.0;
        frame.x_axis(&mut svg, self.axis);
        let class = if many { "small" } else { "" };
        for (index, ((label, values), short)) in self.rows.iter().zip(&labels).enumerate() {
            let y = frame.top + gap + row_height * index as f64;
            let middle = y + bar * lanes as f64 / 2.0 + size * 0.35;
            svg.text(class, frame.left - 8.0, middle, Anchor::End, short);
            let mut from = 0.0;
            for (lane, (value, (colour, name))) in values.iter().zip(&self.series).enumerate() {
                let value = finite(*value);
                if value <= 0.0 {
                    continue;
                }
                let hover = format!("{label}: {name} {}", (self.total)(value));
                let x = frame.px(from);
                let width = (frame.px(from + value) - x).max(if self.grouped { 0.8 } else { 0.0 });
                let (y, edge) = if self.grouped { (y + bar * lane as f64, "") } else { (y, " edge") };
                if width >= 0.05 {
                    let edge = if width > 3.0 { edge } else { "" };
                    svg.rect(&format!("{}{edge}", style::fill(colour)), [x, y, width, bar], &hover);
                }
                if !self.grouped {
                    from += value;
                }
            }
            let length = self.length(values);
            let text = if length > 0.0 {
                Some((self.total)(length))
            } else {
                self.notes.get(index).filter(|note| !note.is_empty()).cloned()
            };
            if let Some(text) = text {
                svg.text(
                    if many { "tick small" } else { "tick" },
                    frame.px(length) + 6.0,
                    middle,
                    Anchor::Start,
                    &text,
                );
            }
        }
        // Open to the right, where the numbers stand.
        svg.line("frame", [frame.left, frame.top, frame.left, frame.bottom()]);
        svg.line("frame", [frame.left, frame.bottom(), frame.right(), frame.bottom()]);
        svg
    }

    fn length(&self, values: &[f64]) -> f64 {
        let values = values.iter().map(|value| finite(*value));
        if self.grouped { values.fold(0.0, f64::max) } else { values.sum() }
    }

    fn series_ref(&self) -> Vec<(&str, String)> {
        self.series.iter().map(|(colour, name)| (*colour, name.clone())).collect()
    }
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value.max(0.0) } else { 0.0 }
}
