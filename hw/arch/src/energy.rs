//! Energy: counts times a table in which every figure has a source.
//!
//! The tables that ship are TOML files beside this module; a user may point at one of his own.

mod elements;
mod measured;
mod memory;
mod price;

pub use elements::{ArrayEnergy, ElementUse};
pub use measured::{Activity, MeasuredUnit, Method, ModeRow, element_module};
pub use memory::{Memory, Outside};
pub use price::{Basis, Entry, Price, SizePoint};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Accelerator;
use crate::actions::Action;

/// Tables that ship: name and text.
pub const TABLES: &[(&str, &str)] = &[
    ("horowitz-45nm", include_str!("energy/horowitz-45nm.toml")),
    ("bitfusion-45nm", include_str!("energy/bitfusion-45nm.toml")),
];

/// Actions that designs with `serial` alone have.
const BIT_PRODUCTS: [Action; 2] = [Action::ArrayBitProduct, Action::ArrayPaddingBitProduct];

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
    /// Units measured on gates. Where there are any, processing elements are priced by them and not by entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unit: Vec<MeasuredUnit>,
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
    /// A measured unit contradicts itself.
    #[error("energy table `{table}`: unit `{module}` {problem}")]
    Unit {
        /// Table.
        table: String,
        /// Module of the unit.
        module: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The table has measured units, and not what a design needs.
    #[error(
        "energy table `{table}` has units measured on gates, and {missing}; measure it: `bitgauge calibrate-energy DESIGN --output TABLE`"
    )]
    Uncalibrated {
        /// Table.
        table: String,
        /// What is missing.
        missing: String,
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

    /// Parses and checks a table: every action priced, every price finite and not negative, none below its `low` or
    /// above its `high`, every source given.
    ///
    /// # Errors
    /// The first thing wrong.
    pub fn from_toml(text: &str) -> Result<EnergyTable, EnergyError> {
        let table: EnergyTable =
            toml::from_str(text).map_err(|error| EnergyError::Syntax(error.to_string()))?;
        for &action in Action::ALL {
            let problem = match table.entry.get(&action) {
                // Tables from before `serial`; a design that needs them is refused where it is priced.
                None if BIT_PRODUCTS.contains(&action) => None,
                None => Some("is missing"),
                Some(entry) => entry.problem(),
            };
            if let Some(problem) = problem {
                return Err(EnergyError::Entry { table: table.name, action: action.name(), problem });
            }
        }
        let mut modules = std::collections::BTreeSet::new();
        for unit in &table.unit {
            let twice = (!modules.insert(&unit.module)).then_some("is there twice");
            if let Some(problem) = unit.problem().or(twice) {
                let (table, module) = (table.name.clone(), unit.module.clone());
                return Err(EnergyError::Unit { table, module, problem });
            }
        }
        Ok(table)
    }

    /// The whole table as TOML.
    ///
    /// # Errors
    /// A table that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, EnergyError> {
        let entries = EnergyTable { unit: Vec::new(), ..self.clone() };
        let mut text = toml::to_string(&entries).map_err(|error| EnergyError::Syntax(error.to_string()))?;
        for unit in &self.unit {
            text.push('\n');
            text += &unit.to_toml();
        }
        Ok(text)
    }

    /// Picojoules of one event on this accelerator; zero for an action without an entry.
    #[must_use]
    pub fn price(&self, accelerator: &Accelerator, action: Action) -> Price {
        let Some(entry) = self.entry.get(&action) else { return Price::default() };
        entry.price(Memory::of(action).map_or(0.0, |memory| memory.bank_kib(accelerator)))
    }

    /// Memories whose size the table has no price for, each once.
    #[must_use]
    pub fn outside(&self, accelerator: &Accelerator) -> Vec<Outside> {
        let mut outside: Vec<Outside> = Vec::new();
        for (action, entry) in &self.entry {
            let (Some(memory), Some(range)) = (Memory::of(*action), entry.range()) else { continue };
            let kib = memory.bank_kib(accelerator);
            let found = Outside { memory, kib, range };
            if !(range[0]..=range[1]).contains(&kib) && !outside.contains(&found) {
                outside.push(found);
            }
        }
        outside
    }
}

#[cfg(test)]
mod published;
#[cfg(test)]
mod tests;
