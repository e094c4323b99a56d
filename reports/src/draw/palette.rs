//! Inks: Okabe and Ito's palette, which people with the common forms of colour blindness can tell apart.
//!
//! A drawing knows inks, not colours. plotters is given an ink's light colour, which no other ink has, so
//! that what it draws can be read back as inks: as classes in SVG, as that very colour in PNG.

use plotters::style::{Color, RGBAColor, ShapeStyle};
use plotters_backend::BackendColor;

use super::units;

type Rgb = (u8, u8, u8);

/// A colour by its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink {
    /// Classes: fill `f-NAME`, stroke `s-NAME`.
    pub name: &'static str,
    light: Rgb,
    dark: Rgb,
}

const fn ink(name: &'static str, light: Rgb, dark: Rgb) -> Ink {
    Ink { name, light, dark }
}

const fn same(name: &'static str, colour: Rgb) -> Ink {
    ink(name, colour, colour)
}

pub const TEXT: Ink = ink("ink", (0x1c, 0x1f, 0x24), (0xe8, 0xea, 0xed));
pub const FAINT: Ink = ink("faint", (0x5b, 0x64, 0x70), (0xa5, 0xad, 0xb8));
pub const GRID: Ink = ink("grid", (0xdf, 0xe3, 0xe8), (0x3a, 0x41, 0x4b));
pub const PAPER: Ink = ink("paper", (0xff, 0xff, 0xff), (0x1b, 0x1f, 0x25));
pub const IDLE: Ink = ink("idle", (0xd5, 0xd9, 0xdf), (0x45, 0x4c, 0x57));
/// Lifted on dark paper, where the palette's own has too little contrast.
pub const BLUE: Ink = ink("blue", (0x00, 0x72, 0xb2), (0x2e, 0x9b, 0xdc));
pub const ORANGE: Ink = same("orange", (0xe6, 0x9f, 0x00));
pub const GREEN: Ink = same("green", (0x00, 0x9e, 0x73));
pub const PURPLE: Ink = same("purple", (0xcc, 0x79, 0xa7));
pub const SKY: Ink = same("sky", (0x56, 0xb4, 0xe9));
pub const VERMILLION: Ink = same("vermillion", (0xd5, 0x5e, 0x00));
pub const YELLOW: Ink = same("yellow", (0xf0, 0xe4, 0x42));
pub const GREY: Ink = same("grey", (0x8c, 0x93, 0x9c));

/// All inks.
pub const INKS: [Ink; 13] =
    [TEXT, FAINT, GRID, PAPER, IDLE, BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, YELLOW, GREY];

impl Ink {
    /// The ink that plotters was given as a colour.
    pub fn of(colour: BackendColor) -> Option<Ink> {
        INKS.into_iter().find(|ink| ink.light == colour.rgb)
    }

    /// Of a line, `pixels` wide.
    pub fn line(self, pixels: f64) -> ShapeStyle {
        self.stroke_width(units(pixels).unsigned_abs())
    }
}

impl Color for Ink {
    fn to_backend_color(&self) -> BackendColor {
        BackendColor { alpha: 1.0, rgb: self.light }
    }
}

impl From<Ink> for RGBAColor {
    fn from(ink: Ink) -> RGBAColor {
        ink.to_rgba()
    }
}

/// The rules of the plots, dark on light or light on dark.
pub fn css(dark: bool) -> String {
    let colour = |ink: Ink| {
        let (red, green, blue) = if dark { ink.dark } else { ink.light };
        format!("#{red:02x}{green:02x}{blue:02x}")
    };
    let mut css = if dark {
        String::new()
    } else {
        "svg.plot{font:13px system-ui,-apple-system,'Segoe UI','Helvetica Neue',Arial,sans-serif}".to_owned()
    };
    css.push_str(&format!("svg.plot{{fill:{}}}", colour(TEXT)));
    for ink in INKS {
        let (name, colour) = (ink.name, colour(ink));
        css.push_str(&format!("svg.plot .f-{name}{{fill:{colour}}}svg.plot .s-{name}{{stroke:{colour}"));
        css.push_str(if dark { "}" } else { ";fill:none}" });
    }
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ink_is_found_by_its_colour() {
        for ink in INKS {
            assert_eq!(Ink::of(ink.to_backend_color()), Some(ink));
        }
        assert_eq!(Ink::of(BackendColor { alpha: 1.0, rgb: (1, 2, 3) }), None);
    }
}
