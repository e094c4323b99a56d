//! Cosimulation: the exported Verilog, built with Verilator, runs the programs that the simulator ran.
//!
//! [`Build`] exports an accelerator and compiles it with its bench, [`Build::run`] runs a program on it and
//! [`compare()`] puts the outcome beside an [`Expected`] one. Where that comes from is the caller's matter:
//! this crate knows no simulator.

mod build;
mod compare;
mod error;
mod run;
mod trace;

pub use build::{Build, BuildOptions, Effort};
pub use compare::{Difference, Expected, compare};
pub use error::CosimError;
pub use run::{COUNTERS, Job, RtlRun, RunOptions, Slave, Start};
pub use trace::Span;
