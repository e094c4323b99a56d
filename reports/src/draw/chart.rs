//! What all charts share: the look of their axes, texts and legends.

use plotters::chart::{DualCoordChartContext, MeshStyle};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::Rectangle;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBAColor, TextStyle};

use super::palette::{FAINT, GRID, Ink, TEXT};
use super::recorder::Recorder;
use super::text::{self, TEXT_SIZE, TICK_SIZE};
use super::{Fault, UNITS, WIDTH, tick_label, units};
use crate::ReportError;

/// What plots draw on.
pub type Canvas<'a> = DrawingArea<Recorder<'a>, Shift>;

/// Anchors of texts.
pub const MIDDLE: Pos = Pos { h_pos: HPos::Center, v_pos: VPos::Center };
pub const START: Pos = Pos { h_pos: HPos::Left, v_pos: VPos::Center };
pub const END: Pos = Pos { h_pos: HPos::Right, v_pos: VPos::Center };

/// Text of a size in pixels, anchored at its start and half its height.
pub fn label(size: f64, ink: Ink) -> TextStyle<'static> {
    styled(size, ink, FontStyle::Normal)
}

/// The same, bold.
pub fn strong(size: f64, ink: Ink) -> TextStyle<'static> {
    styled(size, ink, FontStyle::Bold)
}

fn styled(size: f64, ink: Ink, style: FontStyle) -> TextStyle<'static> {
    FontDesc::new(FontFamily::SansSerif, size * UNITS, style).color(&ink).pos(START)
}

/// The look of an axis: faint, with short ticks outside.
pub fn look<'b, X: Ranged, Y: Ranged>(mesh: &mut MeshStyle<'_, 'b, X, Y, Recorder<'_>>) {
    mesh.bold_line_style(GRID.line(1.0))
        .light_line_style(RGBAColor(0, 0, 0, 0.0))
        .axis_style(FAINT.line(1.0))
        .label_style(label(TICK_SIZE, FAINT))
        .axis_desc_style(label(TEXT_SIZE, TEXT))
        .set_all_tick_mark_size(TICK);
}

/// Length of a tick, units; plotters puts its label twice as far.
const TICK: i32 = 35;

/// An axis on the right that counts the same in another unit.
pub fn right_axis<X, Y, SX, SY>(
    chart: &mut Dual<'_, '_, X, Y, SX, SY>,
    title: &str,
    ticks: usize,
) -> Result<(), ReportError>
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
    SX: Ranged<ValueType = f64> + ValueFormatter<f64>,
    SY: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    chart
        .configure_secondary_axes()
        .axis_style(FAINT.line(1.0))
        .label_style(label(TICK_SIZE, FAINT))
        .axis_desc_style(label(TEXT_SIZE, TEXT))
        .set_all_tick_mark_size(TICK)
        .y_labels(ticks)
        .y_label_formatter(&tick_label)
        .y_desc(title)
        .draw()?;
    Ok(())
}

/// A chart with a second unit on the right.
pub type Dual<'a, 'r, X, Y, SX, SY> =
    DualCoordChartContext<'a, Recorder<'r>, Cartesian2d<X, Y>, Cartesian2d<SX, SY>>;

/// The line around a plotting area.
pub fn border<X: Ranged, Y: Ranged>(
    area: &DrawingArea<Recorder<'_>, Cartesian2d<X, Y>>,
) -> Result<(), ReportError> {
    let shape = area.strip_coord_spec();
    let (width, height) = shape.dim_in_pixel();
    let corners = [(0, 0), (width as i32, height as i32)];
    Ok(shape.draw(&Rectangle::new(corners, FAINT.line(1.0)))?)
}

/// Names of inks in rows from the top left.
pub struct Legend {
    entries: Vec<(Ink, String, [f64; 2])>,
    /// Where the next thing may begin, pixels.
    pub below: f64,
}

const SWATCH: f64 = 13.0;

impl Legend {
    /// Lays out; a row ends at the right edge.
    pub fn new(entries: impl IntoIterator<Item = (Ink, String)>) -> Result<Legend, ReportError> {
        let (left, top) = (12.0, 6.0);
        let (mut x, mut y, mut placed) = (left, top, Vec::new());
        for (ink, name) in entries {
            let width = SWATCH + 6.0 + text::width(&name, TEXT_SIZE, false)?;
            if x > left && x + width > WIDTH - 10.0 {
                (x, y) = (left, y + 20.0);
            }
            placed.push((ink, name, [x, y]));
            x += width + 18.0;
        }
        let below = if placed.is_empty() { top } else { y + 26.0 };
        Ok(Legend { entries: placed, below })
    }

    /// Draws.
    pub fn draw(&self, canvas: &Canvas<'_>) -> Result<(), ReportError> {
        let style = label(TEXT_SIZE, TEXT);
        for (ink, name, [x, y]) in &self.entries {
            let corners = [(units(*x), units(*y)), (units(x + SWATCH), units(y + SWATCH))];
            canvas.draw(&Rectangle::new(corners, ink.filled()))?;
            canvas.draw_text(name, &style, (units(x + SWATCH + 6.0), units(y + SWATCH / 2.0)))?;
        }
        Ok(())
    }
}

impl From<DrawingAreaErrorKind<Fault>> for ReportError {
    fn from(error: DrawingAreaErrorKind<Fault>) -> ReportError {
        ReportError::Drawing(error.to_string())
    }
}
