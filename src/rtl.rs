//! What the Verilog is given and what it must show: jobs from programs, expectations from the simulator.

use anyhow::Result;
use bitgauge_arch::Program;
use bitgauge_arch::command::{Decoded, Unit};
use bitgauge_arch::validate::Validated;
use bitgauge_cosim::{COUNTERS, CosimError, Expected, Job, Span, Start};
use bitgauge_sim::Machine;
use bitgauge_sim::result::{RunResult, UnitCycles};

use crate::failure::Failure;

/// One run of the simulator, as the Verilog has to repeat it.
pub struct Reference {
    /// External memory before the run.
    pub memory: Vec<u8>,
    /// External memory after it.
    pub after: Vec<u8>,
    /// What the simulator says.
    pub result: RunResult,
    units: Vec<Unit>,
    start: Start,
}

impl Reference {
    /// Runs the simulator.
    pub fn new(
        program: &Validated<Program>,
        machine: &mut Machine,
        inputs: &[(&str, &[u8])],
    ) -> Result<Reference> {
        let mut memory = program.initial_memory();
        for (name, codes) in inputs {
            if let Some(tensor) = program.tensor(name) {
                tensor.write(&mut memory, codes);
            }
        }
        let options = bitgauge_sim::Options { trace: false, ..bitgauge_sim::Options::default() };
        let result = machine.run(inputs, &options).map_err(Failure::from)?;
        let units = program.words.iter().filter_map(|word| match word.decode() {
            Some(Decoded::Exec { unit, .. }) => Some(unit),
            _ => None,
        });
        Ok(Reference {
            memory,
            after: machine.memory().to_vec(),
            result,
            units: units.collect(),
            start: Start::new(program),
        })
    }

    /// What to run.
    pub fn job(&self) -> Job<'_> {
        Job { memory: &self.memory, start: self.start }
    }

    /// What it must show.
    pub fn expected(&self) -> Expected<'_> {
        let missing = |&unit: &Unit| Span { unit, start: u64::MAX, end: u64::MAX };
        let mut commands: Vec<Span> = self.units.iter().map(missing).collect();
        for span in &self.result.spans {
            if let Some(command) = commands.get_mut(span.command as usize) {
                *command = Span { unit: span.unit, start: span.start, end: span.end };
            }
        }
        Expected {
            cycles: Some(self.result.cycles),
            counters: self.result.units.each_ref().map(counters),
            commands,
            actions: &self.result.actions,
            memory: &self.after,
        }
    }

    /// Program, cycles and counters for the exported bench.
    pub fn run(&self) -> bitgauge_rtl::export::vectors::Run {
        bitgauge_rtl::export::vectors::Run {
            start: self.start,
            cycles: self.result.cycles,
            counters: self.result.units.iter().flat_map(counters).collect(),
        }
    }
}

/// In the order of the register map.
fn counters(unit: &UnitCycles) -> [u64; COUNTERS] {
    let mut counters = [0; COUNTERS];
    counters[0] = unit.busy;
    counters[1..COUNTERS - 1].copy_from_slice(&unit.stalled);
    counters[COUNTERS - 1] = unit.idle;
    counters
}

/// A tool that is missing is the user's to mend, a refused design is a fault of ours.
pub fn failure(error: CosimError) -> Failure {
    let message = format!("cannot run the Verilog: {error}");
    match error {
        CosimError::Refused { .. } | CosimError::Export(_) => Failure::new(message)
            .hint("this is a fault of Bitgauge; please report it with the accelerator description"),
        CosimError::Bench(_) => Failure::finding(message),
        _ => Failure::new(message),
    }
}
