//! Why a graph could not be compiled.

use bitgauge_arch::validate::Problem;
use bitgauge_models::integer::ValidateError;
use thiserror::Error;

/// Why a graph could not be compiled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompileError {
    /// The graph breaks its own contract.
    #[error("malformed graph: {0}")]
    Malformed(#[from] ValidateError),
    /// The program breaks the contract: a defect of the compiler.
    #[error("the compiler made an invalid program: {} problems, the first: {}", .0.len(), first(.0))]
    Invalid(Vec<Problem>),
    /// The accelerator description breaks a rule.
    #[error("accelerator: [{table}] {key}: {message}")]
    Accelerator {
        /// Table of the key.
        table: &'static str,
        /// The key.
        key: &'static str,
        /// What is wrong.
        message: String,
    },
    /// A layer needs more of something than the accelerator has.
    #[error("layer `{layer}` does not fit: {what} needs {needed}, there are {available} (hint: {hint})")]
    DoesNotFit {
        /// The layer.
        layer: String,
        /// What is short, with its unit.
        what: &'static str,
        /// How much the smallest tiling needs.
        needed: u64,
        /// How much there is.
        available: u64,
        /// What to change.
        hint: String,
    },
    /// A layer asks for something no unit does.
    #[error("layer `{layer}` cannot be mapped: {reason}")]
    Unsupported {
        /// The layer.
        layer: String,
        /// What is asked.
        reason: String,
    },
    /// A layer needs more of something than a command can say.
    #[error("layer `{layer}` cannot be mapped: {value} {what}; a command takes {low} to {high}")]
    Beyond {
        /// The layer.
        layer: String,
        /// What is counted.
        what: &'static str,
        /// How many there are.
        value: i64,
        /// The fewest.
        low: i64,
        /// The most.
        high: i64,
    },
}

fn first(problems: &[Problem]) -> String {
    problems.first().map_or_else(String::new, ToString::to_string)
}
