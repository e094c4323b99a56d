//! Why a report was refused.

use bitgauge_arch::energy::EnergyError;
use thiserror::Error;

/// Why a report was refused.
#[derive(Debug, Error)]
pub enum ReportError {
    /// Program and run are not of each other.
    #[error("the program has {program} layers and the run has {run}: they do not belong together")]
    Layers {
        /// Layers of the program.
        program: usize,
        /// Layers of the run.
        run: usize,
    },
    /// Parts do not add up to their total.
    #[error(
        "{what}: the parts sum to {parts} and the total is {total}; something was counted twice or not at all"
    )]
    Conservation {
        /// What was added up.
        what: String,
        /// Sum of the parts.
        parts: f64,
        /// The total.
        total: f64,
    },
    /// The run counts events that the energy table does not price.
    #[error(
        "energy table `{table}` has no price for `{action}`, of which the run counts {count}; add an entry with a source"
    )]
    Unpriced {
        /// Table.
        table: String,
        /// Action.
        action: &'static str,
        /// Events.
        count: u64,
    },
    /// The table lacks what was measured of a design.
    #[error(transparent)]
    Energy(#[from] EnergyError),
    /// A run does not say what a table measured on gates prices.
    #[error(
        "energy table `{table}` prices processing elements by the bits of their operands, and the result does not say them; run again: `bitgauge run`"
    )]
    Elements {
        /// Table.
        table: String,
    },
    /// A file of Accelergy could not be used.
    #[error("not a usable energy reference table of Accelergy: {0}")]
    Accelergy(String),
    /// A plot could not be drawn.
    #[error("drawing a plot: {0}")]
    Drawing(String),
    /// A table could not be written.
    #[error("writing a table: {0}")]
    Csv(#[from] csv::Error),
    /// `result.json` could not be written.
    #[error("writing result.json: {0}")]
    Json(#[from] serde_json::Error),
    /// A `result.json` to compare is none.
    #[error("not the result of a run: {0}")]
    Result(serde_json::Error),
    /// A `result.json` to compare is of another version.
    #[error("the result has format version {found}; this version of Bitgauge reads {known}")]
    Version {
        /// Of the file.
        found: u32,
        /// Of this crate.
        known: u32,
    },
}
