//! What can go wrong in the run of a valid program.

use bitgauge_arch::command::Unit;
use thiserror::Error;

/// Why a program could not be run, or a run not be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SimError {
    /// Data lead a command astray: a coded block contradicts its length.
    #[error("command {command} ({unit}): {reason}", unit = unit.name())]
    Command {
        /// Position among the program's `exec`s.
        command: usize,
        /// Its unit.
        unit: Unit,
        /// What is wrong.
        reason: String,
    },
    /// An input does not fit the program.
    #[error("input {name:?}: {reason}")]
    Input {
        /// Name of the tensor.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A preload lies outside its memory.
    #[error("preload of {space}: bytes {start} to {end} do not lie inside")]
    Preload {
        /// The memory.
        space: &'static str,
        /// First byte.
        start: u64,
        /// One past the last byte.
        end: u64,
    },
    /// A length that depends on data was asked for without computing data.
    #[error("command {command}: zvc lengths depend on data; run with data")]
    NeedsData {
        /// Position among the program's `exec`s.
        command: usize,
    },
    /// A token counter would exceed its greatest value.
    #[error("cycle {cycle}: too many tokens from {from} to {to}", from = from.name(), to = to.name())]
    TokenOverflow {
        /// When.
        cycle: u64,
        /// Who gave the token.
        from: Unit,
        /// Who did not take it.
        to: Unit,
    },
    /// Nothing can happen any more and the program has not ended.
    #[error("deadlock after cycle {cycle}: {state}")]
    Deadlock {
        /// The last cycle in which something happened.
        cycle: u64,
        /// What each unit waits for.
        state: String,
    },
    /// The run took longer than allowed.
    #[error("no end within {limit} cycles")]
    CycleLimit {
        /// The limit.
        limit: u64,
    },
    /// The run broke a law that every run obeys: an error of the simulator.
    #[error("conservation of {law}: {left} is not {right}")]
    Conservation {
        /// Name of the law.
        law: &'static str,
        /// Left side.
        left: u64,
        /// Right side.
        right: u64,
    },
}
