//! Drawings as PNG, by plotters' bitmap backend.

use ab_glyph::{Font, ScaleFont, point};
use plotters::backend::{BitMapBackend, RGBPixel};
use plotters::style::Color;
use plotters_backend::{BackendColor, BackendStyle, DrawingBackend, FontTransform};

use super::palette::PAPER;
use super::{Drawing, Form, Label, Shape, Turn, UNITS, text};
use crate::ReportError;

/// Dots of an inch in print; a drawing's pixel is a 96th of an inch.
const DOTS_PER_INCH: f64 = 300.0;
const PIXELS_PER_INCH: f64 = 96.0;
const METRES_PER_INCH: f64 = 0.0254;

/// Dots of a picture at most: memory is three bytes each. A drawing of thousands of rows has fewer to the
/// inch, and says so.
const DOTS: f64 = 40e6;

type Bitmap<'a> = BitMapBackend<'a, RGBPixel>;

/// The picture, in the light inks.
pub fn render(drawing: &Drawing) -> Result<Vec<u8>, ReportError> {
    let area = drawing.width * drawing.height;
    let scale = (DOTS_PER_INCH / PIXELS_PER_INCH).min((DOTS / area.max(1.0)).sqrt());
    let size = [drawing.width, drawing.height].map(|pixels| (pixels * scale).round().max(1.0) as u32);
    let (red, green, blue) = PAPER.rgb();
    let mut dots = [red, green, blue].repeat(size[0] as usize * size[1] as usize);
    let backend = Bitmap::with_buffer_and_format(&mut dots, (size[0], size[1])).map_err(fault)?;
    let mut press = Press { backend, scale: scale / UNITS };
    for shape in &drawing.shapes {
        press.shape(shape)?;
    }
    for label in &drawing.labels {
        press.label(label)?;
    }
    drop(press);
    encode(&dots, size, scale * PIXELS_PER_INCH)
}

fn encode(dots: &[u8], [width, height]: [u32; 2], dots_per_inch: f64) -> Result<Vec<u8>, ReportError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Flat areas and repeated lines: what the filter would guess, the compression finds.
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::NoFilter);
    let dots_per_metre = (dots_per_inch / METRES_PER_INCH).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: dots_per_metre,
        yppu: dots_per_metre,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header().map_err(fault)?;
    writer.write_image_data(dots).map_err(fault)?;
    writer.finish().map_err(fault)?;
    Ok(file)
}

fn fault(error: impl std::fmt::Display) -> ReportError {
    ReportError::Drawing(error.to_string())
}

struct Press<'a> {
    backend: Bitmap<'a>,
    /// Dots of a unit.
    scale: f64,
}

/// A colour and a line's width, dots.
struct Stroke(BackendColor, u32);

impl BackendStyle for Stroke {
    fn color(&self) -> BackendColor {
        self.0
    }

    fn stroke_width(&self) -> u32 {
        self.1
    }
}

impl Press<'_> {
    fn dots(&self, units: i32) -> i32 {
        (f64::from(units) * self.scale).round() as i32
    }

    fn at(&self, (x, y): (i32, i32)) -> (i32, i32) {
        (self.dots(x), self.dots(y))
    }

    fn shape(&mut self, shape: &Shape) -> Result<(), ReportError> {
        let colour = shape.ink.to_backend_color();
        match &shape.form {
            Form::Areas(areas) => {
                for &[left, top, right, bottom] in areas {
                    let (from, to) = (self.at((left, top)), self.at((right, bottom)));
                    self.area(from, to, colour)?;
                }
            }
            Form::Lines { width, paths } => {
                let width = (f64::from(*width) * self.scale).round().max(1.0) as i32;
                for path in paths {
                    for pair in path.windows(2) {
                        self.line(self.at(pair[0]), self.at(pair[1]), colour, width)?;
                    }
                }
            }
            Form::Polygon(corners) => {
                let corners: Vec<_> = corners.iter().map(|&corner| self.at(corner)).collect();
                self.backend.fill_polygon(corners, &colour).map_err(fault)?;
            }
            Form::Circle { centre, radius, width } => {
                let radius = (f64::from(*radius) * self.scale).round() as u32;
                let width = width.map(|width| (f64::from(width) * self.scale).round().max(1.0) as u32);
                let style = Stroke(colour, width.unwrap_or(1));
                let centre = self.at(*centre);
                self.backend.draw_circle(centre, radius, &style, width.is_none()).map_err(fault)?;
            }
        }
        Ok(())
    }

    /// What is thinner than a dot is one dot thick; the backend takes the last dot in.
    fn area(&mut self, from: (i32, i32), to: (i32, i32), colour: BackendColor) -> Result<(), ReportError> {
        let last = |from: i32, to: i32| (to - 1).max(from);
        let to = (last(from.0, to.0), last(from.1, to.1));
        self.backend.draw_rect(from, to, &colour, true).map_err(fault)
    }

    /// A line along an axis has sharp edges.
    fn line(
        &mut self,
        from: (i32, i32),
        to: (i32, i32),
        colour: BackendColor,
        width: i32,
    ) -> Result<(), ReportError> {
        let half = width / 2;
        let (low, high) = ((from.0.min(to.0), from.1.min(to.1)), (from.0.max(to.0), from.1.max(to.1)));
        if from.0 == to.0 {
            self.area((low.0 - half, low.1), (low.0 - half + width, high.1), colour)
        } else if from.1 == to.1 {
            self.area((low.0, low.1 - half), (high.0, low.1 - half + width), colour)
        } else {
            self.backend.draw_line(from, to, &Stroke(colour, width.unsigned_abs())).map_err(fault)
        }
    }

    /// plotters' own letters lose the space before each; these are set where the font wants them.
    fn label(&mut self, label: &Label) -> Result<(), ReportError> {
        let font = text::font(label.bold)?;
        let em = label.size * self.scale;
        // The font's scale is its height, not its em.
        let height = f64::from(font.height_unscaled()) / f64::from(font.units_per_em().unwrap_or(1.0));
        let font = font.as_scaled((em * height) as f32);
        let colour = label.ink.to_backend_color();
        let (x, y) = self.at(label.at);
        let turn = match label.turn {
            Turn::None => FontTransform::None,
            Turn::Up => FontTransform::Rotate270,
            Turn::Down => FontTransform::Rotate90,
        };
        let mut pen = -(text::width(&label.text, em, label.bold)? * label.before) as f32;
        for character in label.text.chars() {
            let mut glyph = font.scaled_glyph(character);
            let advance = font.h_advance(glyph.id);
            glyph.position = point(pen, 0.0);
            pen += advance;
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let bounds = outline.px_bounds();
            let mut covered = Vec::new();
            outline.draw(|column, row, coverage| covered.push((column, row, coverage)));
            for (column, row, coverage) in covered.into_iter().filter(|&(_, _, coverage)| coverage > 0.0) {
                let (dx, dy) = (bounds.min.x as i32 + column as i32, bounds.min.y as i32 + row as i32);
                let (dx, dy) = turn.transform(dx, dy);
                let colour = colour.mix(f64::from(coverage.min(1.0)));
                self.backend.draw_pixel((x + dx, y + dy), colour).map_err(fault)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_long_picture_keeps_its_width_in_print_with_fewer_dots() {
        for (height, width, inch) in [(960.0, 3000, 300.0), (24_000.0, 1265, 126.5)] {
            let drawing = Drawing::new(height, |_| Ok(())).unwrap();
            let file = render(&drawing).unwrap();
            let reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
            let info = reader.info();
            assert_eq!(info.width, width);
            let metre = info.pixel_dims.unwrap().xppu;
            assert!((f64::from(metre) * METRES_PER_INCH - inch).abs() < 0.1, "{metre}");
            assert!(f64::from(info.width) * f64::from(info.height) < 1.001 * DOTS);
        }
    }
}
