//! What can go wrong.

use std::path::PathBuf;

use thiserror::Error;

use crate::liberty::LibertyError;

/// Why no energy was found.
#[derive(Debug, Error)]
pub enum GatesError {
    /// The library was refused.
    #[error(transparent)]
    Liberty(#[from] LibertyError),
    /// The library has no flip-flops that can be used.
    #[error(
        "the library `{library}` has no flip-flop that can be used: one that takes its state at the rising edge of a pin"
    )]
    NoFlipFlop {
        /// Library.
        library: String,
    },
    /// A unit cannot be printed.
    #[error("cannot export a unit: {0}")]
    Export(#[from] bitgauge_rtl::verilog::Error),
    /// Yosys does not start.
    #[error("cannot start {}: {error}", .path.display())]
    Start {
        /// Program.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file of the synthesis cannot be read or written.
    #[error("cannot use {}: {error}", .path.display())]
    File {
        /// File.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Yosys gave up.
    #[error("Yosys cannot map `{unit}` onto the library:\n{log}")]
    Yosys {
        /// Module.
        unit: String,
        /// The last lines that it said.
        log: String,
    },
    /// Not a netlist that can be simulated.
    #[error("the mapped netlist: {problem}")]
    Netlist {
        /// What is wrong.
        problem: String,
    },
    /// The netlist has a cell that the library lacks, or that cannot be used.
    #[error(
        "the mapped netlist has the cell `{cell}`, which the library `{library}` does not give in a form that can be used: {why}"
    )]
    Cell {
        /// Cell.
        cell: String,
        /// Library.
        library: String,
        /// Why.
        why: String,
    },
    /// The gates are no function of their inputs.
    #[error("the mapped netlist of `{unit}`: {what} is {found} and should be {expected}")]
    Differs {
        /// Module.
        unit: String,
        /// Which value, and when.
        what: String,
        /// What the gates give.
        found: i64,
        /// What plain arithmetic gives.
        expected: i64,
    },
}
