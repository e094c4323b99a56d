//! One program on a built bench.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bitgauge_arch::actions::ActionCounts;
pub use bitgauge_rtl::export::vectors::Start;
use bitgauge_rtl::export::{ACCESSES, vectors};

use crate::build::Build;
use crate::error::CosimError;
use crate::trace::{self, Span};

/// Counters of a unit: busy, the six stall reasons, idle.
pub const COUNTERS: usize = 8;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// External memory before the run, program and inputs included.
    pub memory: &'a [u8],
    /// The program.
    pub start: Start,
}

/// In which order the bench's memory takes addresses and data; the numbers are those of its `memory.v`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slave {
    /// As the cycle contract says.
    #[default]
    Contract = 0,
    /// A write's address only together with its first data.
    Together = 1,
    /// A write's address only after all its data.
    DataFirst = 2,
    /// Nothing before it has waited.
    Late = 3,
    /// Everything at once.
    Early = 4,
    /// Everything now and then.
    Moody = 5,
    /// A write's data only after its address.
    AddressFirst = 6,
}

impl Slave {
    /// All but the contract's: bits stay, cycles do not.
    pub const OTHERS: [Slave; 6] =
        [Slave::Together, Slave::DataFirst, Slave::Late, Slave::Early, Slave::Moody, Slave::AddressFirst];
}

/// How to run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Random stalls on every channel of the bus: bits stay, cycles do not.
    pub stall_seed: Option<u32>,
    /// The memory behind the bus.
    pub slave: Slave,
    /// Give up after so many cycles.
    pub cycle_limit: Option<u32>,
    /// Write waveforms.
    pub waveforms: Option<PathBuf>,
    /// Write no trace; the run has no spans.
    pub untraced: bool,
    /// Further plus arguments, for benches that the caller has changed.
    pub arguments: Vec<String>,
}

impl RunOptions {
    /// Whether cycles are those of the contract.
    #[must_use]
    pub fn exact(&self) -> bool {
        self.stall_seed.is_none() && self.slave == Slave::Contract
    }
}

/// What the Verilog did.
#[derive(Clone, Debug)]
pub struct RtlRun {
    /// Cycles of the run.
    pub cycles: u64,
    /// Per unit: busy, stalled by reason, idle.
    pub counters: [[u64; COUNTERS]; 4],
    /// What was counted at the memories' ports, the bus and the array, by action; those of [`ACCESSES`].
    pub accesses: ActionCounts,
    /// Per unit, in the order of starts.
    pub spans: [Vec<Span>; 4],
    /// External memory after the run.
    pub memory: Vec<u8>,
    /// What the bench complains of: a run without end, a breach of the bus protocol, the error flag.
    pub complaints: Vec<String>,
    /// How long the run took, reading and writing of files included.
    pub elapsed: Duration,
}

impl Build {
    /// Runs a program. `scratch` is a folder for this run's files.
    ///
    /// # Errors
    /// Files that cannot be written, a bench that does not finish.
    pub fn run(&self, job: &Job<'_>, scratch: &Path, options: &RunOptions) -> Result<RtlRun, CosimError> {
        if job.memory.len() > self.memory_bytes {
            return Err(CosimError::Memory { needed: job.memory.len(), available: self.memory_bytes });
        }
        let run = vectors::Run { start: job.start, cycles: 0, counters: vec![0; 4 * COUNTERS] };
        let path = |name: &str| scratch.join(name);
        write(&path("memory.hex"), &vectors::memory(job.memory, self.bus_bytes))?;
        write(&path("run.hex"), &run.text())?;
        let mut command = Command::new(&self.binary);
        command.arg("+expected=none");
        let files =
            [("memory", "memory.hex"), ("run", "run.hex"), ("dump", "dump.hex"), ("trace", "trace.txt")];
        let count = if options.untraced { files.len() - 1 } else { files.len() };
        for (argument, name) in files.into_iter().take(count) {
            command.arg(format!("+{argument}={}", path(name).display()));
        }
        if let Some(seed) = options.stall_seed {
            command.arg(format!("+stall={seed}"));
        }
        if options.slave != Slave::Contract {
            command.arg(format!("+slave={}", options.slave as u32));
        }
        if let Some(limit) = options.cycle_limit {
            command.arg(format!("+limit={limit}"));
        }
        if let Some(waveforms) = &options.waveforms {
            command.arg(format!("+vcd={}", waveforms.display()));
        }
        command.args(options.arguments.iter().map(|argument| format!("+{argument}")));
        let started = Instant::now();
        let output = command
            .output()
            .map_err(|source| CosimError::Tool { program: self.binary.display().to_string(), source })?;
        let elapsed = started.elapsed();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let failed = || CosimError::Bench(said.lines().rev().take(12).collect::<Vec<_>>().join("; "));
        let trace = if options.untraced {
            String::new()
        } else {
            fs::read_to_string(path("trace.txt")).map_err(|_| failed())?
        };
        let Numbers { cycles, counters, accesses } = numbers(&said).ok_or_else(failed)?;
        let complaints =
            said.lines().filter_map(|line| line.strip_prefix("FAIL: ")).map(str::to_owned).collect();
        let dump = path("dump.hex");
        let text = fs::read_to_string(&dump).map_err(|_| failed())?;
        let memory = vectors::parse_memory(&text, self.bus_bytes, job.memory.len())
            .map_err(|error| CosimError::Bench(format!("{}: {error}", dump.display())))?;
        Ok(RtlRun {
            cycles,
            counters,
            accesses,
            spans: trace::spans(&trace).ok_or_else(failed)?,
            memory,
            complaints,
            elapsed,
        })
    }
}

fn write(path: &Path, text: &str) -> Result<(), CosimError> {
    fs::write(path, text).map_err(|source| CosimError::File { path: path.to_owned(), source })
}

/// What the bench printed.
struct Numbers {
    cycles: u64,
    counters: [[u64; COUNTERS]; 4],
    accesses: ActionCounts,
}

/// Cycles, counters and accesses from what the bench printed; none where one of them is missing.
fn numbers(said: &str) -> Option<Numbers> {
    let mut cycles = None;
    let mut counters = [[0; COUNTERS]; 4];
    let mut counted = [None; ACCESSES.len()];
    for line in said.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("cycles"), Some(value), None) => cycles = value.parse().ok(),
            (Some("counter"), Some(index), Some(value)) => {
                let index: usize = index.parse().ok()?;
                *counters.get_mut(index / COUNTERS)?.get_mut(index % COUNTERS)? = value.parse().ok()?;
            }
            (Some("access"), Some(index), Some(value)) => {
                *counted.get_mut(index.parse::<usize>().ok()?)? = Some(value.parse().ok()?);
            }
            _ => {}
        }
    }
    let mut accesses = ActionCounts::default();
    for (action, count) in ACCESSES.into_iter().zip(counted) {
        accesses.add(action, count?);
    }
    Some(Numbers { cycles: cycles?, counters, accesses })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bench_that_leaves_a_number_out_is_not_believed() {
        let mut lines = vec!["cycles 7".to_owned(), "counter 9 5".to_owned()];
        lines.extend((0..ACCESSES.len()).map(|index| format!("access {index} {}", 100 + index)));
        let read = numbers(&lines.join("\n")).unwrap();
        assert_eq!((read.cycles, read.counters[1][1]), (7, 5));
        for (index, action) in ACCESSES.into_iter().enumerate() {
            assert_eq!(read.accesses.get(action), 100 + index as u64);
        }
        for missing in (0..lines.len()).filter(|index| *index != 1) {
            let mut fewer = lines.clone();
            fewer.remove(missing);
            assert!(numbers(&fewer.join("\n")).is_none(), "without `{}`", lines[missing]);
        }
        lines.push(format!("access {} 1", ACCESSES.len()));
        assert!(numbers(&lines.join("\n")).is_none());
    }
}
