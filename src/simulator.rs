//! The simulator as commands see it: inputs by name, errors with exit codes.

use anyhow::Result;
use bitgauge_arch::Program;
use bitgauge_models::integer::IntGraph;
use bitgauge_sim::result::RunResult;

/// A run's result and the memory after it.
pub struct Outcome {
    /// Cycles, counters, traces.
    pub result: RunResult,
    /// External memory.
    pub memory: Vec<u8>,
}
