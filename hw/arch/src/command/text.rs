//! The readable form of command words, one line each; parsing gives back the same words.
//!
//! ```text
//! load set 1 channels=64 pixel_stride=4 external_block_stride=3200
//! load exec wait=compute signal=compute external_address=4096 line=0
//! end
//! ```
//! Fields that are zero are left out.

use std::fmt::Write;

use thiserror::Error;

use super::encode::{Decoded, Word, groups};
use super::fields::{Field, RegisterFile};
use super::{Compute, Load, Store, Unit, Vector};

/// Why a line of text is not a command.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {message}")]
pub struct TextError {
    /// One-based line.
    pub line: usize,
    /// What is wrong, with the choices.
    pub message: String,
}

fn fields(unit: Unit) -> &'static [Field] {
    match unit {
        Unit::Load => Load::FIELDS,
        Unit::Compute => Compute::FIELDS,
        Unit::Vector => Vector::FIELDS,
        Unit::Store => Store::FIELDS,
    }
}

fn units_of(mask: u8) -> String {
    let names: Vec<_> =
        Unit::ALL.iter().filter(|unit| mask >> unit.index() & 1 == 1).map(|unit| unit.name()).collect();
    names.join(",")
}

/// Writes words as text. A word that is no command is written as `word 0x...`.
#[must_use]
pub fn to_text(words: &[Word]) -> String {
    let mut text = String::new();
    for word in words {
        // Writing into a string cannot fail.
        let _ = match word.decode() {
            None => write!(text, "word {:#034x}", word.0),
            Some(Decoded::End) => write!(text, "end"),
            Some(Decoded::Set { unit, group, registers }) => {
                let _ = write!(text, "{} set {group}", unit.name());
                write_fields(&mut text, unit, group, registers, word)
            }
            Some(Decoded::Exec { unit, wait, signal, registers }) => {
                let _ = write!(text, "{} exec", unit.name());
                if wait != 0 {
                    let _ = write!(text, " wait={}", units_of(wait));
                }
                if signal != 0 {
                    let _ = write!(text, " signal={}", units_of(signal));
                }
                write_fields(&mut text, unit, 0, registers, word)
            }
        };
        text.push('\n');
    }
    text
}

fn write_fields(
    text: &mut String,
    unit: Unit,
    group: usize,
    registers: [u32; 3],
    word: &Word,
) -> std::fmt::Result {
    let mut covered = [0u32; 3];
    for field in fields(unit).iter().filter(|field| field.register / 3 == group) {
        covered[field.register % 3] |= field.insert(-1);
        let value = field.extract(registers[field.register % 3]);
        if value != 0 {
            write!(text, " {}={value}", field.name)?;
        }
    }
    // Bits that no field names cannot be told by fields.
    if registers.iter().zip(covered).any(|(register, mask)| register & !mask != 0) {
        write!(text, " raw={:#034x}", word.0)?;
    }
    Ok(())
}

/// Parses the text form. Empty lines and text after `#` are ignored.
///
/// # Errors
/// The first line that is not a command.
pub fn from_text(text: &str) -> Result<Vec<Word>, TextError> {
    let mut words = Vec::new();
    for (index, full) in text.lines().enumerate() {
        let line = full.split('#').next().unwrap_or("").trim();
        if !line.is_empty() {
            words.push(parse_line(line).map_err(|message| TextError { line: index + 1, message })?);
        }
    }
    Ok(words)
}

fn parse_word(text: &str) -> Result<Word, String> {
    let digits = text.strip_prefix("0x").ok_or("a raw word starts with 0x")?;
    u128::from_str_radix(digits, 16).map(Word).map_err(|error| format!("raw word: {error}"))
}

fn parse_unit(name: &str) -> Result<Unit, String> {
    Unit::ALL
        .into_iter()
        .find(|unit| unit.name() == name)
        .ok_or_else(|| format!("unknown unit `{name}`; choices: load, compute, vector, store"))
}

fn parse_line(line: &str) -> Result<Word, String> {
    let mut parts = line.split_whitespace().peekable();
    let first = parts.next().unwrap_or("");
    match first {
        "end" => return Ok(Word::encode(Decoded::End)),
        "word" => return parse_word(parts.next().unwrap_or("")),
        _ => {}
    }
    let unit = parse_unit(first)?;
    let group = match parts.next() {
        Some("exec") => 0,
        Some("set") => {
            let group: usize = parts
                .next()
                .and_then(|text| text.parse().ok())
                .ok_or("`set` needs the number of a register group")?;
            if !(1..groups(unit)).contains(&group) {
                return Err(format!("{} has register groups 1 to {}", unit.name(), groups(unit) - 1));
            }
            group
        }
        _ => return Err("expected `set GROUP` or `exec` after the unit".to_owned()),
    };
    let (mut wait, mut signal, mut registers) = (0u8, 0u8, [0u32; 3]);
    for part in parts {
        let (name, value) =
            part.split_once('=').ok_or_else(|| format!("expected name=value, found `{part}`"))?;
        match name {
            "raw" => return parse_word(value),
            "wait" | "signal" if group == 0 => {
                let mask = if name == "wait" { &mut wait } else { &mut signal };
                for unit_name in value.split(',') {
                    *mask |= 1 << parse_unit(unit_name)?.index();
                }
            }
            _ => {
                let of_group = || fields(unit).iter().filter(|field| field.register / 3 == group);
                let field = of_group().find(|field| field.name == name).ok_or_else(|| {
                    let names: Vec<_> = of_group().map(|field| field.name).collect();
                    format!(
                        "no field `{name}` in group {group} of {}; choices: {}",
                        unit.name(),
                        names.join(", ")
                    )
                })?;
                let value: i64 = value.parse().map_err(|_| format!("{name}: `{value}` is not a number"))?;
                let (low, high) = field.range();
                if !(low..=high).contains(&value) {
                    return Err(format!("{name} = {value} does not fit; allowed: {low} to {high}"));
                }
                let register = &mut registers[field.register % 3];
                *register = *register & !field.insert(-1) | field.insert(value);
            }
        }
    }
    Ok(Word::encode(if group == 0 {
        Decoded::Exec { unit, wait, signal, registers }
    } else {
        Decoded::Set { unit, group, registers }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_words_survive_the_text() {
        let mut state = 1u128;
        let words: Vec<Word> = (0..4000)
            .map(|index| {
                state =
                    state.wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645).wrapping_add(0x5851_F42D);
                let raw = state >> 3 ^ state << 61;
                let unit = Unit::ALL[index % 4];
                let registers = [raw as u32, (raw >> 32) as u32, (raw >> 64) as u32];
                match index % 3 {
                    0 => Word(raw),
                    1 => Word::encode(Decoded::Exec { unit, wait: index as u8 & 15, signal: 5, registers }),
                    _ => {
                        Word::encode(Decoded::Set { unit, group: 1 + index % (groups(unit) - 1), registers })
                    }
                }
            })
            .collect();
        assert_eq!(from_text(&to_text(&words)).unwrap(), words);
    }

    #[test]
    fn errors_name_the_place_and_the_choices() {
        let error = from_text("end\nload exec colour=3").unwrap_err();
        assert_eq!(error.line, 2);
        assert!(error.message.contains("external_address"), "{error}");
        assert!(from_text("compute set 9").is_err());
        assert!(from_text("load exec line=99999999999").is_err());
    }
}
