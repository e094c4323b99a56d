//! Runs a program: bit-exactly, and cycle-exactly as `docs/reference/cycles.md` has it.
//!
//! Time and data are apart. `engine` finds when everything happens without stepping through idle cycles;
//! `exec` does what commands do to memories, at their start. Programs come validated, so that they have no races, and
//! every address lies in its memory.

mod count;
mod engine;
mod error;
mod exec;
mod image;
mod machine;
mod plan;
#[cfg(test)]
mod random;
mod report;
pub mod result;
#[cfg(test)]
mod stepper;
#[cfg(test)]
mod tests;

use bitgauge_arch::Program;
use bitgauge_arch::program::TensorSymbol;
use bitgauge_arch::validate::Validated;

pub use error::SimError;
pub use machine::{Machine, Options};

use crate::result::RunResult;

/// What a run leaves behind.
#[derive(Clone, Debug)]
pub struct Output {
    /// Cycles, counters, actions and traces.
    pub result: RunResult,
    /// External memory after the run; empty where no data was computed.
    pub memory: Vec<u8>,
    tensors: Vec<TensorSymbol>,
    bus_bytes: u64,
}

impl Output {
    /// A tensor in storage order.
    ///
    /// # Errors
    /// A tensor that the program does not have or that lies outside memory.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, SimError> {
        machine::read_tensor(&self.tensors, self.bus_bytes, &self.memory, name)
    }
}

/// Runs a program once. `inputs` are containers in storage order (groups, rows, columns, channels), by name.
///
/// # Errors
/// An input that does not fit, coded data that contradict themselves, or a broken law of conservation.
pub fn run(
    program: &Validated<Program>,
    inputs: &[(&str, &[u8])],
    options: &Options,
) -> Result<Output, SimError> {
    let mut machine = Machine::new(program);
    let result = machine.run(inputs, options)?;
    Ok(Output {
        result,
        memory: machine.take_memory(),
        tensors: program.tensors.clone(),
        bus_bytes: u64::from(program.accelerator.bus_bytes()),
    })
}
