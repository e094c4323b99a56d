//! A cell library in Liberty, as far as energy needs it: functions, capacitances, delays, internal power, leakage.
//!
//! No crate reads it: `liberty-db` brings a data base of all of Liberty, and `liberty-parse` has had no release since
//! its first. What is needed here are some groups of a tree.

mod cell;
mod function;
mod table;
mod text;

use std::collections::BTreeMap;

use thiserror::Error;

pub use cell::{Arc, Cell, Input, Output, Power, Sequential};
pub use function::{MOST_VARIABLES, Truth, truth};
pub use table::Table;
pub use text::{Attribute, Group, read};

/// Why a library was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LibertyError {
    /// Not the text of a library.
    #[error("line {line}: {what}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// Something that every library must say is missing or no number.
    #[error("the library {problem}")]
    Library {
        /// What is wrong.
        problem: String,
    },
}

/// A library of cells.
#[derive(Clone, Debug)]
pub struct Library {
    /// Its name.
    pub name: String,
    /// Process, voltage, temperature.
    pub corner: String,
    /// Supply, volts.
    pub volts: f64,
    /// Picoseconds in a unit of time.
    pub picoseconds: f64,
    /// Picofarads in a unit of capacitance.
    pub picofarads: f64,
    /// Picojoules in a unit of energy: that of capacitance times the square of that of voltage.
    pub picojoules: f64,
    /// Nanowatts in a unit of leakage.
    pub nanowatts: f64,
    /// Cells by name; of those that cannot be used, why.
    pub cells: BTreeMap<String, Result<Cell, String>>,
}

impl Library {
    /// Reads a library. Cells that cannot be used (tristate, latches, more than [`MOST_VARIABLES`] inputs) are no
    /// error as long as nobody uses them.
    ///
    /// # Errors
    /// Text that is no Liberty; units or supply missing; no cell at all.
    pub fn from_text(text: &str) -> Result<Library, LibertyError> {
        let group = read(text)?;
        let refuse = |problem: String| LibertyError::Library { problem };
        let number = |name: &str| -> Result<f64, LibertyError> {
            let value = group.value(name).ok_or_else(|| refuse(format!("has no `{name}`")))?;
            value.parse::<f64>().map_err(|_| refuse(format!("has `{value}` as `{name}`, which is no number")))
        };
        let unit = |name: &str, otherwise: &str| -> Result<f64, LibertyError> {
            let text = group.value(name).unwrap_or(otherwise);
            scaled(text).ok_or_else(|| refuse(format!("has `{text}` as `{name}`, which is no unit")))
        };
        let load = group
            .values("capacitive_load_unit")
            .ok_or_else(|| refuse("has no `capacitive_load_unit`".into()))?;
        let farads = scaled(&load.concat())
            .ok_or_else(|| refuse(format!("has `{}` as `capacitive_load_unit`", load.join(" "))))?;
        let volts = number("nom_voltage")?;
        if !(volts.is_finite() && volts > 0.0) {
            return Err(refuse(format!("has a supply of {volts} V")));
        }
        let volt = unit("voltage_unit", "1V")?;
        let (time, leakage) = (unit("time_unit", "1ns")?, unit("leakage_power_unit", "1nW")?);
        let degrees = group.value("nom_temperature").unwrap_or("?");
        let conditions = group.value("default_operating_conditions");
        let conditions = conditions.or_else(|| group.of("operating_conditions").next().map(Group::argument));
        let templates: BTreeMap<&str, &Group> = group
            .groups
            .iter()
            .filter(|one| one.name.ends_with("_template"))
            .map(|one| (one.argument(), one))
            .collect();
        let cells: BTreeMap<String, Result<Cell, String>> =
            group.of("cell").map(|one| (one.argument().to_owned(), Cell::read(one, &templates))).collect();
        if cells.is_empty() {
            return Err(refuse("has no cells".into()));
        }
        Ok(Library {
            name: group.argument().to_owned(),
            corner: format!("{}, {volts} V, {degrees} C", conditions.unwrap_or("nominal")),
            volts,
            picoseconds: time * 1e12,
            picofarads: farads * 1e12,
            picojoules: farads * volt * volt * 1e12,
            nanowatts: leakage * 1e9,
            cells,
        })
    }

    /// Flip-flops that can be used.
    #[must_use]
    pub fn has_flip_flops(&self) -> bool {
        self.cells.values().flatten().any(|cell| cell.sequential.is_some())
    }
}

/// `1ns`, `1pf`, `10uW`: the number times what the letter before the unit says; the unit itself does not matter.
fn scaled(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E'))?;
    let number: f64 = text[..end].trim().parse().ok()?;
    let mut letters = text[end..].trim().chars();
    let first = letters.next()?;
    let factor = match (first, letters.next()) {
        (_, None) => 1.0,
        ('m', _) => 1e-3,
        ('u', _) => 1e-6,
        ('n', _) => 1e-9,
        ('p', _) => 1e-12,
        ('f', _) => 1e-15,
        _ => return None,
    };
    let unit = number * factor;
    (unit.is_finite() && unit > 0.0).then_some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read() {
        for (text, unit) in [
            ("1ns", 1e-9),
            ("1.0 pf", 1e-12),
            ("1,ff", -1.0),
            ("1nW", 1e-9),
            ("1V", 1.0),
            ("10ps", 1e-11),
            ("ns", -1.0),
        ] {
            match scaled(text) {
                Some(found) => assert!((found - unit).abs() < 1e-20, "{text}: {found}"),
                None => assert!(unit < 0.0, "{text}"),
            }
        }
    }

    #[test]
    fn libraries_without_units_or_cells_are_refused() {
        for (body, what) in [
            ("", "capacitive_load_unit"),
            ("capacitive_load_unit (1, pf);", "nom_voltage"),
            ("capacitive_load_unit (1, pf); nom_voltage : x;", "no number"),
            ("capacitive_load_unit (1, pf); nom_voltage : 1.8; time_unit : 1;", "no unit"),
            ("capacitive_load_unit (1, pf); nom_voltage : 1.8;", "no cells"),
        ] {
            let said = Library::from_text(&format!("library (t) {{ {body} }}")).unwrap_err().to_string();
            assert!(said.contains(what), "{body}: {said}");
        }
    }
}
