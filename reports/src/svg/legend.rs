//! Legends, and how wide a text may be.

use super::{Anchor, Svg, style};

/// An upper estimate of a text's width at the given font size; no font is at hand to measure with.
pub fn text_width(text: &str, size: f64) -> f64 {
    text.chars()
        .map(|character| match character {
            'i' | 'j' | 'l' | 't' | 'f' | 'r' | '.' | ',' | ':' | '|' | '(' | ')' | ' ' | '\'' => 0.36,
            'm' | 'w' | 'M' | 'W' | '…' => 0.9,
            'A'..='Z' => 0.7,
            _ => 0.59,
        })
        .sum::<f64>()
        * size
}

/// Draws a legend from the top left, wrapping at the right edge, and gives the y below it.
pub fn legend(svg: &mut Svg, left: f64, top: f64, entries: &[(&str, String)]) -> f64 {
    let (mut x, mut y) = (left, top);
    for (colour, name) in entries {
        let width = 20.0 + text_width(name, 13.0) + 18.0;
        if x > left && x + width > svg.width - 10.0 {
            x = left;
            y += 20.0;
        }
        svg.rect(&style::fill(colour), [x, y, 13.0, 13.0], "");
        svg.text("", x + 19.0, y + 11.0, Anchor::Start, name);
        x += width;
    }
    if entries.is_empty() { y } else { y + 26.0 }
}
