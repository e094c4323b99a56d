//! The backend that plotters draws on: it keeps shapes by ink, for whoever writes them.

use plotters::element::{Circle, Drawable, PointCollection, Rectangle};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform,
};
use thiserror::Error;

use super::palette::Ink;
use super::{Drawing, Form, Label, Shape, Turn, text, units};

/// Why something cannot be drawn.
#[derive(Debug, Error)]
pub enum Fault {
    /// A colour that is no ink's.
    #[error("colour {0:?} is none of the palette's")]
    Colour((u8, u8, u8)),
    /// A text without a font.
    #[error("{0}")]
    Font(String),
}

type Drawn = Result<(), DrawingErrorKind<Fault>>;

/// Records into a drawing.
pub struct Recorder<'a> {
    drawing: &'a mut Drawing,
    /// What the next shapes stand for.
    hover: Option<String>,
}

impl<'a> Recorder<'a> {
    pub fn new(drawing: &'a mut Drawing) -> Recorder<'a> {
        Recorder { drawing, hover: None }
    }

    /// Adds a form; one that follows others of its kind and ink goes with them.
    fn add(&mut self, colour: BackendColor, form: Form) -> Drawn {
        let Some(ink) = known(colour)? else { return Ok(()) };
        let hover = self.hover.clone();
        if let (None, Some(last)) = (&hover, self.drawing.shapes.last_mut())
            && last.ink == ink
            && last.hover.is_none()
        {
            match (&mut last.form, &form) {
                (Form::Areas(areas), Form::Areas(more)) => {
                    areas.extend(more);
                    return Ok(());
                }
                (Form::Lines { width, paths }, Form::Lines { width: same, paths: more }) if width == same => {
                    paths.extend(more.iter().cloned());
                    return Ok(());
                }
                _ => {}
            }
        }
        self.drawing.shapes.push(Shape { ink, form, hover });
        Ok(())
    }
}

/// The ink of a colour; none where it cannot be seen.
fn known(colour: BackendColor) -> Result<Option<Ink>, DrawingErrorKind<Fault>> {
    if colour.alpha == 0.0 {
        return Ok(None);
    }
    Ink::of(colour).map(Some).ok_or(DrawingErrorKind::DrawingError(Fault::Colour(colour.rgb)))
}

impl DrawingBackend for Recorder<'_> {
    type ErrorType = Fault;

    fn get_size(&self) -> (u32, u32) {
        let size = |pixels: f64| units(pixels).unsigned_abs();
        (size(self.drawing.width), size(self.drawing.height))
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        self.add(colour, Form::Areas(vec![[x, y, x + 1, y + 1]]))
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (x0, y0): BackendCoord,
        (x1, y1): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if fill {
            self.add(style.color(), Form::Areas(vec![[x0.min(x1), y0.min(y1), x0.max(x1), y0.max(y1)]]))
        } else {
            self.draw_path([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], style)
        }
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let paths = vec![path.into_iter().collect()];
        self.add(style.color(), Form::Lines { width: style.stroke_width(), paths })
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let width = (!fill).then(|| style.stroke_width());
        self.add(style.color(), Form::Circle { centre: (x, y), radius, width })
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        self.add(style.color(), Form::Polygon(corners.into_iter().collect()))
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, (x, y): BackendCoord) -> Drawn {
        let Some(ink) = known(style.color())? else { return Ok(()) };
        let anchor = style.anchor();
        // From the anchor down to the baseline: capitals are about three quarters of the em high.
        let down = style.size()
            * match anchor.v_pos {
                VPos::Top => 0.76,
                VPos::Center => 0.36,
                VPos::Bottom => -0.24,
            };
        let down = down.round() as i32;
        let (turn, at) = match style.transform() {
            FontTransform::Rotate90 => (Turn::Down, (x - down, y)),
            FontTransform::Rotate270 => (Turn::Up, (x + down, y)),
            FontTransform::None | FontTransform::Rotate180 => (Turn::None, (x, y + down)),
        };
        self.drawing.labels.push(Label {
            ink,
            text: text.to_owned(),
            at,
            // Share of the text's width that lies before its anchor.
            before: match anchor.h_pos {
                HPos::Left => 0.0,
                HPos::Center => 0.5,
                HPos::Right => 1.0,
            },
            size: style.size(),
            bold: matches!(style.style(), FontStyle::Bold),
            turn,
        });
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Fault>> {
        let bold = matches!(style.style(), FontStyle::Bold);
        let width = text::width(text, style.size(), bold)
            .map_err(|error| DrawingErrorKind::DrawingError(Fault::Font(error.to_string())))?;
        Ok((width.ceil() as u32, style.size().ceil() as u32))
    }
}

/// An element that says on hovering what it stands for.
pub struct Hover<E> {
    pub element: E,
    pub text: String,
}

// One by one: for every element at once, the compiler finds no end.
impl<'a> PointCollection<'a, BackendCoord> for &'a Hover<Rectangle<BackendCoord>> {
    type Point = &'a BackendCoord;
    type IntoIter = &'a [BackendCoord];

    fn point_iter(self) -> Self::IntoIter {
        self.element.point_iter()
    }
}

impl<'a> PointCollection<'a, BackendCoord> for &'a Hover<Circle<BackendCoord, i32>> {
    type Point = &'a BackendCoord;
    type IntoIter = std::iter::Once<&'a BackendCoord>;

    fn point_iter(self) -> Self::IntoIter {
        self.element.point_iter()
    }
}

impl<'b, E: Drawable<Recorder<'b>>> Drawable<Recorder<'b>> for Hover<E> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        points: I,
        backend: &mut Recorder<'b>,
        size: (u32, u32),
    ) -> Drawn {
        backend.hover = Some(self.text.clone());
        let drawn = self.element.draw(points, backend, size);
        backend.hover = None;
        drawn
    }
}
