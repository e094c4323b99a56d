//! Drawings as SVG: inks are classes.

use std::fmt::Write as _;

use super::palette::{PAPER, TEXT, css};
use super::text::TEXT_SIZE;
use super::{Area, Drawing, Form, Label, Shape, Turn, UNITS};

/// For a page that has the style.
pub fn inline(drawing: &Drawing, title: &str) -> String {
    wrap(drawing, "", title, "")
}

/// A file of its own, on white, for print.
pub fn standalone(drawing: &Drawing, title: &str) -> String {
    let style = format!(
        "<style>{}</style><rect class=\"f-{}\" width=\"100%\" height=\"100%\"/>",
        css(false),
        PAPER.name
    );
    wrap(drawing, " xmlns=\"http://www.w3.org/2000/svg\"", title, &style)
}

fn wrap(drawing: &Drawing, attributes: &str, title: &str, head: &str) -> String {
    let title = escape(title);
    let (width, height) = (drawing.width, drawing.height);
    let mut svg = format!(
        "<svg{attributes} class=\"plot\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-label=\"{title}\"><title>{title}</title>{head}\n"
    );
    for shape in &drawing.shapes {
        push_shape(&mut svg, shape);
    }
    for labels in drawing.labels.chunk_by(|one, next| group(one) == group(next)) {
        push_labels(&mut svg, labels);
    }
    svg.push_str("</svg>\n");
    svg
}

fn push_shape(svg: &mut String, shape: &Shape) {
    let name = shape.ink.name;
    let tag = if matches!(shape.form, Form::Circle { .. }) { "circle" } else { "path" };
    let _ = match &shape.form {
        Form::Areas(areas) => write!(svg, "<path class=\"f-{name}\" d=\"{}\"", area_path(areas)),
        Form::Polygon(corners) => write!(svg, "<path class=\"f-{name}\" d=\"{}z\"", line_path(corners)),
        Form::Lines { width, paths } => {
            let path: String = paths.iter().map(|path| line_path(path)).collect();
            write!(svg, "<path class=\"s-{name}\"{} d=\"{path}\"", stroke(*width))
        }
        Form::Circle { centre: (x, y), radius, width } => {
            let (kind, stroke) = width.map_or(("f", String::new()), |width| ("s", stroke(width)));
            let radius = Tenths(i64::from(*radius));
            write!(
                svg,
                "<circle class=\"{kind}-{name}\"{stroke} cx=\"{}\" cy=\"{}\" r=\"{radius}\"",
                n(*x),
                n(*y)
            )
        }
    };
    match &shape.hover {
        None => svg.push_str("/>\n"),
        Some(hover) => {
            let _ = writeln!(svg, "><title>{}</title></{tag}>", escape(hover));
        }
    }
}

/// One pixel is what a line has without saying so.
fn stroke(width: u32) -> String {
    if f64::from(width) == UNITS {
        return String::new();
    }
    format!(" stroke-width=\"{}\"", Tenths(i64::from(width)))
}

fn area_path(areas: &[Area]) -> String {
    let mut path = String::new();
    for &[left, top, right, bottom] in areas {
        let (width, height) = (n(right - left), n(bottom - top));
        let _ = write!(path, "M{} {}h{width}v{height}h-{width}z", n(left), n(top));
    }
    path
}

/// Bytes that areas take as a path.
pub fn path_length(areas: &[Area]) -> usize {
    area_path(areas).len()
}

fn line_path(points: &[(i32, i32)]) -> String {
    let mut path = String::new();
    let mut from: Option<(i32, i32)> = None;
    for &(x, y) in points {
        let _ = match from {
            None => write!(path, "M{} {}", n(x), n(y)),
            Some((_, before)) if before == y => write!(path, "H{}", n(x)),
            Some((before, _)) if before == x => write!(path, "V{}", n(y)),
            Some(_) => write!(path, "L{} {}", n(x), n(y)),
        };
        from = Some((x, y));
    }
    path
}

/// What labels of one group share.
fn group(label: &Label) -> (&str, f64, bool, f64) {
    (label.ink.name, label.size, label.bold, label.before)
}

fn push_labels(svg: &mut String, labels: &[Label]) {
    let Some(first) = labels.first() else { return };
    let mut shared = String::new();
    if first.ink != TEXT {
        let _ = write!(shared, " class=\"f-{}\"", first.ink.name);
    }
    if first.size != TEXT_SIZE * UNITS {
        let _ = write!(shared, " font-size=\"{}\"", Tenths(first.size.round() as i64));
    }
    if first.bold {
        shared.push_str(" font-weight=\"600\"");
    }
    if first.before == 0.5 {
        shared.push_str(" text-anchor=\"middle\"");
    } else if first.before == 1.0 {
        shared.push_str(" text-anchor=\"end\"");
    }
    let _ = write!(svg, "<g{shared}>");
    for label in labels {
        let (x, y, text) = (n(label.at.0), n(label.at.1), escape(&label.text));
        let turned = match label.turn {
            Turn::None => None,
            Turn::Up => Some(-90),
            Turn::Down => Some(90),
        };
        let _ = match turned {
            None => writeln!(svg, "<text x=\"{x}\" y=\"{y}\">{text}</text>"),
            Some(degrees) => {
                writeln!(svg, "<text transform=\"translate({x} {y}) rotate({degrees})\">{text}</text>")
            }
        };
    }
    svg.push_str("</g>\n");
}

/// Units as pixels.
fn n(units: i32) -> Tenths {
    Tenths(i64::from(units))
}

/// A number of tenths, written without what is not needed.
struct Tenths(i64);

impl std::fmt::Display for Tenths {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sign, size) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        match (size / 10, size % 10) {
            (whole, 0) => write!(formatter, "{sign}{whole}"),
            (0, tenths) => write!(formatter, "{sign}.{tenths}"),
            (whole, tenths) => write!(formatter, "{sign}{whole}.{tenths}"),
        }
    }
}

/// Text safe between tags and in attributes; characters that XML forbids become spaces.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        for (units, text) in [(0, "0"), (10, "1"), (13, "1.3"), (3, ".3"), (-3, "-.3"), (-120, "-12")] {
            assert_eq!(n(units).to_string(), text);
        }
        assert_eq!(area_path(&[[5, 10, 20, 30]]), "M.5 1h1.5v2h-1.5z");
        assert_eq!(line_path(&[(0, 0), (10, 0), (10, 20), (0, 0)]), "M0 0H1V2L0 0");
    }

    #[test]
    fn text_is_no_markup() {
        assert_eq!(escape("a<b&\"\u{1}"), "a&lt;b&amp;&quot; ");
    }
}
