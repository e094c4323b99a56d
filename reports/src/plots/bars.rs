//! Horizontal bars, stacked or side by side: one row per layer, as long as there are layers.

use plotters::chart::ChartBuilder;
use plotters::element::Rectangle;
use plotters::style::Color;

use crate::ReportError;
use crate::draw::palette::{FAINT, Ink, TEXT};
use crate::draw::text::{self, SMALL_SIZE, TEXT_SIZE, TICK_SIZE, shorten};
use crate::draw::{Canvas, Drawing, Hover, Legend, Rows, WIDTH, label, look, tick_label, units};

/// Rows above which bars and texts become smaller.
const MANY: usize = 40;
/// Right of the axis; below it: ticks and title.
const RIGHT: f64 = 20.0;
const BELOW: f64 = 46.0;
/// A bar's part is shorter by this where another lies before it, and is so wide at least.
const SEAM: i32 = 6;
const SEAM_FROM: i32 = 30;
/// The thinnest bar of a group, units.
const THIN: i32 = 8;

/// Bars.
pub struct Bars<'a> {
    /// Title of the value axis, with unit.
    pub axis: &'a str,
    /// Ink and name of each series.
    pub series: Vec<(Ink, String)>,
    /// Label and values of each row.
    pub rows: Vec<(String, Vec<f64>)>,
    /// Series one above the other within a row, not end to end.
    pub grouped: bool,
    /// The number at a row's end.
    pub total: fn(f64) -> String,
    /// What stands at rows that have no bar, in the order of rows; may be shorter.
    pub notes: Vec<String>,
}

/// Lengths of a row, pixels.
struct Layout {
    bar: f64,
    /// From a row to the next.
    pitch: f64,
    label: f64,
    tick: f64,
}

impl Bars<'_> {
    /// Draws.
    pub fn draw(&self) -> Result<Drawing, ReportError> {
        if self.rows.is_empty() || self.series.is_empty() {
            return Drawing::empty("nothing to show: no layers, or nothing of this kind happened");
        }
        let layout = self.layout();
        let limit = if self.rows.len() > MANY { 30 } else { 28 };
        let labels: Vec<String> = self.rows.iter().map(|(label, _)| shorten(label, limit)).collect();
        let left = text::widest(labels.iter().map(String::as_str), layout.label)?.ceil() + 18.0;
        let legend = Legend::new(self.happened().filter(|_| self.series.len() > 1))?;
        let top = legend.below + 4.0;
        let end = self.end(WIDTH - left - RIGHT, &layout)?;
        let height = top + layout.pitch * self.rows.len() as f64 + BELOW;
        Drawing::new(height, |canvas| {
            legend.draw(canvas)?;
            let mut chart = ChartBuilder::on(canvas)
                .margin_top(units(top))
                .margin_right(units(RIGHT))
                .x_label_area_size(units(BELOW))
                .y_label_area_size(units(left))
                .build_cartesian_2d(0.0..end, Rows(labels))?;
            let mut mesh = chart.configure_mesh();
            look(&mut mesh);
            mesh.disable_y_mesh()
                .y_label_style(label(layout.label, TEXT))
                .x_labels(9)
                .x_label_formatter(&tick_label)
                .x_desc(self.axis)
                .draw()?;
            let place = |value: f64, row: usize| {
                let (x, y) = chart.plotting_area().map_coordinate(&(value, row as f64));
                (x, y + units((layout.pitch - layout.bar * self.lanes() as f64) / 2.0))
            };
            (0..self.rows.len()).try_for_each(|row| self.row(canvas, &layout, row, &place))
        })
    }

    /// Series that have a bar.
    fn happened(&self) -> impl Iterator<Item = (Ink, String)> {
        let has = |index: usize| {
            self.rows.iter().any(|(_, values)| values.get(index).is_some_and(|v| finite(*v) > 0.0))
        };
        self.series.iter().enumerate().filter(move |(index, _)| has(*index)).map(|(_, series)| series.clone())
    }

    fn lanes(&self) -> usize {
        if self.grouped { self.series.len() } else { 1 }
    }

    fn layout(&self) -> Layout {
        let many = self.rows.len() > MANY;
        let bar = match (many, self.grouped) {
            (false, false) => 16.0,
            (true, false) => 11.0,
            (false, true) => 8.0,
            (true, true) => 5.0,
        };
        let gap = if many { 3.0 } else { 7.0 };
        let (label, tick) = if many { (SMALL_SIZE, SMALL_SIZE) } else { (TEXT_SIZE, TICK_SIZE) };
        // Labels of rows must not touch, however few bars a row has.
        let pitch = (bar * self.lanes() as f64 + gap).max(label + 2.0);
        Layout { bar, pitch, label, tick }
    }

    /// End of the axis: the longest bar's number stands within it.
    fn end(&self, width: f64, layout: &Layout) -> Result<f64, ReportError> {
        let greatest = self.rows.iter().map(|(_, values)| self.length(values)).fold(0.0, f64::max);
        let numbers = self.rows.iter().map(|(_, values)| (self.total)(self.length(values)));
        let numbers: Vec<String> = numbers.collect();
        let room = text::widest(numbers.iter().map(String::as_str), layout.tick)? + 10.0;
        let end = greatest * width / (width - room).max(width / 2.0);
        Ok(if end > 0.0 && end.is_finite() { end } else { 1.0 })
    }

    /// Bars and number of a row; `place` gives the upper left of its first lane.
    fn row(
        &self,
        canvas: &Canvas<'_>,
        layout: &Layout,
        row: usize,
        place: &impl Fn(f64, usize) -> (i32, i32),
    ) -> Result<(), ReportError> {
        let (name, values) = &self.rows[row];
        let mut from = 0.0;
        for (lane, (value, (ink, series))) in values.iter().zip(&self.series).enumerate() {
            let value = finite(*value);
            let ((mut left, top), (mut right, _)) = (place(from, row), place(from + value, row));
            let mut top = top;
            if self.grouped {
                right = right.max(left + THIN);
                top += units(layout.bar * lane as f64);
            } else {
                if from > 0.0 && right - left > SEAM_FROM {
                    left += SEAM;
                }
                from += value;
            }
            if value > 0.0 && right > left {
                let corners = [(left, top), (right, top + units(layout.bar))];
                let text = format!("{name}: {series} {}", (self.total)(value));
                canvas.draw(&Hover { element: Rectangle::new(corners, ink.filled()), text })?;
            }
        }
        let length = self.length(values);
        let number = if length > 0.0 {
            (self.total)(length)
        } else {
            self.notes.get(row).cloned().unwrap_or_default()
        };
        let (x, top) = place(length, row);
        let middle = top + units(layout.bar * self.lanes() as f64 / 2.0);
        Ok(canvas.draw_text(&number, &label(layout.tick, FAINT), (x + units(6.0), middle))?)
    }

    fn length(&self, values: &[f64]) -> f64 {
        let values = values.iter().map(|value| finite(*value));
        if self.grouped { values.fold(0.0, f64::max) } else { values.sum() }
    }
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value.max(0.0) } else { 0.0 }
}
