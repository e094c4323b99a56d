//! Drawings: made by plotters, written as SVG or PNG.
//!
//! plotters counts in whole numbers, so a unit is a tenth of a pixel. Its elements land in a [`Recorder`],
//! which keeps shapes by ink and not by colour: a page gives inks a light and a dark meaning. Texts lie above
//! all shapes.

mod axis;
mod chart;
mod merge;
pub mod palette;
mod png;
mod recorder;
mod svg;
pub mod text;

pub use axis::{Addresses, Rows, decades, log, tick_label};
pub use chart::{Canvas, END, Legend, MIDDLE, border, label, look, right_axis, strong};
pub use merge::{Area, merge};
pub use recorder::{Fault, Hover, Recorder};
pub use svg::path_length;

use plotters::drawing::IntoDrawingArea;

use crate::{PlotFormat, ReportError};
use palette::Ink;

/// Units of a pixel.
const UNITS: f64 = 10.0;

/// Width of all drawings, pixels: what fits a column of the page without scaling, and 10 inches in print.
pub const WIDTH: f64 = 960.0;

/// Pixels in units.
pub fn units(pixels: f64) -> i32 {
    (pixels * UNITS).round() as i32
}

/// Units in pixels.
pub fn pixels(units: i32) -> f64 {
    f64::from(units) / UNITS
}

/// A drawing; lengths are pixels, coordinates units.
#[derive(Clone, Debug)]
pub struct Drawing {
    width: f64,
    height: f64,
    shapes: Vec<Shape>,
    labels: Vec<Label>,
}

/// What has one ink, and what it stands for.
#[derive(Clone, Debug)]
struct Shape {
    ink: Ink,
    form: Form,
    hover: Option<String>,
}

#[derive(Clone, Debug)]
enum Form {
    Areas(Vec<Area>),
    Lines {
        width: u32,
        paths: Vec<Vec<(i32, i32)>>,
    },
    Polygon(Vec<(i32, i32)>),
    /// A disc, or the line around it.
    Circle {
        centre: (i32, i32),
        radius: u32,
        width: Option<u32>,
    },
}

#[derive(Clone, Debug)]
struct Label {
    ink: Ink,
    text: String,
    /// Where the baseline passes the anchor.
    at: (i32, i32),
    /// Share of the text before its anchor.
    before: f64,
    /// Units of the em.
    size: f64,
    bold: bool,
    turn: Turn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    None,
    Up,
    Down,
}

impl Drawing {
    /// Draws on an area of [`WIDTH`] and a height in pixels.
    pub fn new(
        height: f64,
        draw: impl FnOnce(&Canvas<'_>) -> Result<(), ReportError>,
    ) -> Result<Drawing, ReportError> {
        let mut drawing = Drawing { width: WIDTH, height, shapes: Vec::new(), labels: Vec::new() };
        let canvas = Recorder::new(&mut drawing).into_drawing_area();
        draw(&canvas)?;
        drop(canvas);
        for shape in &mut drawing.shapes {
            if let Form::Areas(areas) = &mut shape.form {
                *areas = merge(std::mem::take(areas));
            }
        }
        Ok(drawing)
    }

    /// One that says why it is empty.
    pub fn empty(reason: &str) -> Result<Drawing, ReportError> {
        Drawing::new(60.0, |canvas| {
            let style = label(text::TICK_SIZE, palette::FAINT).pos(MIDDLE);
            Ok(canvas.draw_text(reason, &style, (units(WIDTH / 2.0), units(30.0)))?)
        })
    }

    /// For a page that has [`palette::css`].
    pub fn inline(&self, title: &str) -> String {
        svg::inline(self, title)
    }

    /// A file of its own, on white.
    pub fn file(&self, title: &str, format: PlotFormat) -> Result<Vec<u8>, ReportError> {
        match format {
            PlotFormat::Svg => Ok(svg::standalone(self, title).into_bytes()),
            PlotFormat::Png => png::render(self),
        }
    }
}
