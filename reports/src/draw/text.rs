//! The font: widths of labels for every drawing, outlines of letters for bitmaps.
//!
//! A reader's own font shows an SVG's labels. DejaVu Sans is among the widest of the usual ones, so what has
//! room for it has room for others.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef};

use crate::ReportError;

/// Usual text, ticks, and labels where there are many; pixels.
pub const TEXT_SIZE: f64 = 13.0;
pub const TICK_SIZE: f64 = 12.0;
pub const SMALL_SIZE: f64 = 11.0;

type Loaded = Option<FontRef<'static>>;

static REGULAR: LazyLock<Loaded> =
    LazyLock::new(|| FontRef::try_from_slice(include_bytes!("../../fonts/DejaVuSans.ttf")).ok());
static BOLD: LazyLock<Loaded> =
    LazyLock::new(|| FontRef::try_from_slice(include_bytes!("../../fonts/DejaVuSans-Bold.ttf")).ok());

/// The font.
///
/// # Errors
/// A font file that is none.
pub fn font(bold: bool) -> Result<&'static FontRef<'static>, ReportError> {
    let loaded: &Loaded = if bold { &BOLD } else { &REGULAR };
    loaded.as_ref().ok_or_else(|| ReportError::Drawing("the font of the plots cannot be read".to_owned()))
}

/// Width of a text, in the unit of `size`, which is that of the em.
///
/// # Errors
/// A font file that is none.
pub fn width(text: &str, size: f64, bold: bool) -> Result<f64, ReportError> {
    let font = font(bold)?;
    let em = font.units_per_em().unwrap_or(1.0);
    let advances: f32 = text.chars().map(|character| font.h_advance_unscaled(font.glyph_id(character))).sum();
    Ok(f64::from(advances / em) * size)
}

/// The widest of texts in the regular font, 0 where there are none.
///
/// # Errors
/// A font file that is none.
pub fn widest<'a>(texts: impl IntoIterator<Item = &'a str>, size: f64) -> Result<f64, ReportError> {
    texts.into_iter().try_fold(0.0, |most: f64, text| Ok(most.max(width(text, size, false)?)))
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
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_both_ends() {
        assert_eq!(shorten("abc", 5), "abc");
        assert_eq!(shorten("abcdefghij", 5), "ab…ij");
    }

    #[test]
    fn widths_are_those_of_the_font() {
        // Advances of DejaVu Sans: 0 is 1303 of 2048 units, i 569; bold 0 is 1425.
        assert_eq!(width("0i", 2048.0, false).unwrap(), 1872.0);
        assert_eq!(width("0", 2048.0, true).unwrap(), 1425.0);
        assert_eq!(widest(["i", "00", ""], 2048.0).unwrap(), 2606.0);
    }

    #[test]
    fn every_character_that_plots_use_has_a_glyph() {
        for bold in [false, true] {
            let font = font(bold).unwrap();
            let missing = |from: char, to: char| (from..=to).find(|&each| font.glyph_id(each).0 == 0);
            assert_eq!(missing(' ', '~'), None);
            for character in "µ×–−·…∞²éΩж".chars() {
                assert_ne!(font.glyph_id(character).0, 0, "{character}");
            }
        }
    }
}
