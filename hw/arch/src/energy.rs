//! Energy: counts times a table in which every figure has a source.
//!
//! The tables that ship are TOML files beside this module; a user may point at one of his own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Accelerator;
use crate::actions::{Action, ActionCounts};

/// Tables that ship: name and text.
pub const TABLES: &[(&str, &str)] = &[
    ("horowitz-45nm", include_str!("energy/horowitz-45nm.toml")),
    ("bitfusion-45nm", include_str!("energy/bitfusion-45nm.toml")),
];

/// Picojoules per action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnergyTable {
    /// Name.
    pub name: String,
    /// Technology, supply, anything that limits what the figures mean.
    pub note: String,
    /// One entry for each action.
    pub entry: BTreeMap<Action, Entry>,
}

/// The price of an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Picojoules per event. For memories, see `sizes`.
    #[serde(default)]
    pub picojoules: Option<f64>,
    /// Picojoules per byte by memory size: the price is interpolated in the logarithms of both, by the size
    /// of one bank, and held constant outside the range.
    #[serde(default)]
    pub sizes: Option<Vec<SizePoint>>,
    /// Where the figure comes from.
    pub source: String,
}

/// One point of a price that depends on the size of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizePoint {
    /// Size of the memory, KiB.
    pub kib: f64,
    /// Picojoules per byte.
    pub picojoules_per_byte: f64,
}

/// Why a table was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EnergyError {
    /// Not TOML of the right shape.
    #[error("energy table: {0}")]
    Syntax(String),
    /// An action has no usable entry.
    #[error("energy table `{table}`: action `{action}` {problem}")]
    Entry {
        /// Table.
        table: String,
        /// Action.
        action: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// A name that no table has.
    #[error("unknown energy table `{name}`; choices: {choices}, or the path of a TOML file")]
    Unknown {
        /// The name.
        name: String,
        /// Tables that ship.
        choices: String,
    },
}

impl EnergyTable {
    /// A table that ships.
    ///
    /// # Errors
    /// An unknown name, with the choices.
    pub fn shipped(name: &str) -> Result<EnergyTable, EnergyError> {
        match TABLES.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => EnergyTable::from_toml(text),
            None => Err(EnergyError::Unknown {
                name: name.to_owned(),
                choices: TABLES.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// Parses and checks a table: every action priced, every price finite and not negative, every source given.
    ///
    /// # Errors
    /// The first thing wrong.
    pub fn from_toml(text: &str) -> Result<EnergyTable, EnergyError> {
        let table: EnergyTable =
            toml::from_str(text).map_err(|error| EnergyError::Syntax(error.to_string()))?;
        for &action in Action::ALL {
            let problem = match table.entry.get(&action) {
                None => Some("is missing"),
                Some(entry) if entry.source.trim().is_empty() => Some("has no source"),
                Some(entry) => entry.problem(),
            };
            if let Some(problem) = problem {
                return Err(EnergyError::Entry { table: table.name, action: action.name(), problem });
            }
        }
        Ok(table)
    }

    /// Picojoules of one event on this accelerator.
    #[must_use]
    pub fn price(&self, accelerator: &Accelerator, action: Action) -> f64 {
        let Some(entry) = self.entry.get(&action) else { return 0.0 };
        let scratchpad = &accelerator.scratchpad;
        let kib = match action {
            Action::ActivationReadByte | Action::ActivationWriteByte => {
                f64::from(scratchpad.activation_kib) / f64::from(scratchpad.banks)
            }
            Action::WeightReadByte | Action::WeightWriteByte => {
                f64::from(scratchpad.weight_kib) / f64::from(scratchpad.weight_banks)
            }
            _ => f64::from(accelerator.post.parameter_entries) * 8.0 / 1024.0,
        };
        entry.price(kib)
    }

    /// Picojoules of all counts, by action; the total is their sum.
    #[must_use]
    pub fn total(&self, accelerator: &Accelerator, counts: &ActionCounts) -> BTreeMap<Action, f64> {
        counts
            .iter()
            .map(|(action, count)| (action, self.price(accelerator, action) * count as f64))
            .collect()
    }
}

impl Entry {
    fn problem(&self) -> Option<&'static str> {
        match (&self.picojoules, &self.sizes) {
            (Some(price), None) if price.is_finite() && *price >= 0.0 => None,
            (None, Some(points)) => {
                let increasing = points.windows(2).all(|pair| pair[0].kib < pair[1].kib);
                let positive = points.iter().all(|point| {
                    point.kib.is_finite()
                        && point.kib > 0.0
                        && point.picojoules_per_byte.is_finite()
                        && point.picojoules_per_byte > 0.0
                });
                if points.is_empty() || !increasing || !positive {
                    Some("needs sizes that increase and prices above zero")
                } else {
                    None
                }
            }
            (Some(_), Some(_)) => Some("has both `picojoules` and `sizes`"),
            (None, None) => Some("has neither `picojoules` nor `sizes`"),
            (Some(_), None) => Some("has a price that is negative or not finite"),
        }
    }

    fn price(&self, kib: f64) -> f64 {
        if let Some(price) = self.picojoules {
            return price;
        }
        let points = self.sizes.as_deref().unwrap_or(&[]);
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return 0.0 };
        if kib <= first.kib {
            return first.picojoules_per_byte;
        }
        for pair in points.windows(2) {
            if kib <= pair[1].kib {
                let at = (kib / pair[0].kib).ln() / (pair[1].kib / pair[0].kib).ln();
                return pair[0].picojoules_per_byte
                    * (pair[1].picojoules_per_byte / pair[0].picojoules_per_byte).powf(at);
            }
        }
        last.picojoules_per_byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_tables_price_every_action() {
        let accelerator = crate::description::tests_support::reference();
        for (name, _) in TABLES {
            let table = EnergyTable::shipped(name).unwrap();
            for &action in Action::ALL {
                assert!(table.price(&accelerator, action) >= 0.0);
            }
        }
        assert!(EnergyTable::shipped("nonesuch").unwrap_err().to_string().contains("horowitz-45nm"));
    }

    #[test]
    fn size_points_are_met_exactly() {
        let table = EnergyTable::shipped("horowitz-45nm").unwrap();
        let entry = &table.entry[&Action::ActivationReadByte];
        for point in entry.sizes.as_ref().unwrap() {
            assert!((entry.price(point.kib) - point.picojoules_per_byte).abs() < 1e-12);
        }
    }
}
