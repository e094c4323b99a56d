//! A small drawing of rectangles, lines, paths and texts as SVG.
//!
//! Colours are classes, not attributes: the page gives them a light and a dark meaning, a file on its own
//! carries the light one. A plotting crate would fix colours and text sizes at drawing time.

mod axis;
mod legend;
pub mod style;

pub use axis::{Axis, Frame};
pub use legend::{legend, text_width};

use std::fmt::Write as _;

/// Where a text is anchored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Left end.
    Start,
    /// Middle.
    Middle,
    /// Right end.
    End,
}

/// A drawing.
#[derive(Clone, Debug)]
pub struct Svg {
    /// Width in user units; a page scales it.
    pub width: f64,
    /// Height in user units.
    pub height: f64,
    body: String,
}

/// Width of all plots: what fits a column of the page without scaling.
pub const WIDTH: f64 = 960.0;

impl Svg {
    pub fn new(height: f64) -> Svg {
        Svg { width: WIDTH, height, body: String::new() }
    }

    /// A drawing that says why it is empty.
    pub fn empty(reason: &str) -> Svg {
        let mut svg = Svg::new(60.0);
        svg.text("note", WIDTH / 2.0, 34.0, Anchor::Middle, reason);
        svg
    }

    /// A rectangle; what it stands for shows on hovering.
    pub fn rect(&mut self, class: &str, [x, y, w, h]: [f64; 4], hover: &str) {
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
            n(x),
            n(y),
            n(w.max(0.0)),
            n(h.max(0.0))
        );
        self.close(hover, "rect");
    }

    /// A disc.
    pub fn disc(&mut self, class: &str, x: f64, y: f64, radius: f64, hover: &str) {
        let _ = write!(
            self.body,
            "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\"",
            n(x),
            n(y),
            n(radius)
        );
        self.close(hover, "circle");
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, [x1, y1, x2, y2]: [f64; 4]) {
        let _ = writeln!(
            self.body,
            "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
            n(x1),
            n(y1),
            n(x2),
            n(y2)
        );
    }

    /// A path in SVG's own notation.
    pub fn path(&mut self, class: &str, data: &str) {
        if !data.is_empty() {
            let _ = writeln!(self.body, "<path class=\"{class}\" d=\"{data}\"/>");
        }
    }

    /// A text; its baseline is at `y`.
    pub fn text(&mut self, class: &str, x: f64, y: f64, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let _ =
            writeln!(self.body, "<text{class} x=\"{}\" y=\"{}\"{anchor}>{}</text>", n(x), n(y), escape(text));
    }

    /// A text that reads upwards, centred on a point.
    pub fn text_upwards(&mut self, x: f64, y: f64, text: &str) {
        let _ = writeln!(
            self.body,
            "<text class=\"axis\" transform=\"translate({} {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            n(x),
            n(y),
            escape(text)
        );
    }

    /// For a page that has [`style::css`].
    pub fn inline(&self, title: &str) -> String {
        self.wrap("", title, "")
    }

    /// A file of its own, on white, for print.
    pub fn standalone(&self, title: &str) -> Vec<u8> {
        let style = format!(
            "<style>{}</style><rect width=\"{}\" height=\"{}\" fill=\"#ffffff\"/>",
            style::css(&style::LIGHT),
            n(self.width),
            n(self.height)
        );
        self.wrap(" xmlns=\"http://www.w3.org/2000/svg\"", title, &style).into_bytes()
    }

    fn wrap(&self, attributes: &str, title: &str, head: &str) -> String {
        let title = escape(title);
        format!(
            "<svg{attributes} class=\"plot\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{title}\">\
             <title>{title}</title>{head}\n{}</svg>\n",
            n(self.width),
            n(self.height),
            self.body
        )
    }

    fn close(&mut self, hover: &str, tag: &str) {
        if hover.is_empty() {
            self.body.push_str("/>\n");
        } else {
            let _ = writeln!(self.body, "><title>{}</title></{tag}>", escape(hover));
        }
    }
}

/// A coordinate with one decimal at most: a tenth of a pixel is finer than anyone sees.
pub fn n(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let tenths = (value * 10.0).round() as i64;
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        tenth => format!("{}{}.{}", if tenths < 0 { "-" } else { "" }, (tenths / 10).abs(), tenth.abs()),
    }
}

/// Text safe between tags and in attributes; characters that XML forbids become spaces.
pub fn escape(text: &str) -> String {
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

/// A label of at most `limit` characters: the middle goes, as both ends of a layer's name tell it apart.
pub fn shorten(label: &str, limit: usize) -> String {
    let characters: Vec<char> = label.chars().collect();
    if characters.len() <= limit {
        return label.to_owned();
    }
    let head = limit.saturating_sub(1) / 2;
    let tail = limit.saturating_sub(1) - head;
    let mut short: String = characters[..head].iter().collect();
    short.push('…');
    short.extend(&characters[characters.len() - tail..]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        assert_eq!(n(1.0), "1");
        assert_eq!(n(1.26), "1.3");
        assert_eq!(n(-0.26), "-0.3");
        assert_eq!(n(-12.04), "-12");
        assert_eq!(n(f64::NAN), "0");
    }

    #[test]
    fn labels_keep_both_ends() {
        assert_eq!(shorten("abc", 5), "abc");
        assert_eq!(shorten("abcdefghij", 5), "ab…ij");
        assert_eq!(escape("a<b&\"\u{1}"), "a&lt;b&amp;&quot; ");
    }
}
