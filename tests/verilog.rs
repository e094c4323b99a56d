//! A program on the simulator and on the exported Verilog.

use std::path::PathBuf;
use std::process::Command;

use bitgauge_arch::command::{Decoded, Unit};
use bitgauge_arch::validate::Validated;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_cosim::{
    Build, BuildOptions, COUNTERS, Difference, Effort, Expected, Job, RtlRun, RunOptions, Span, compare,
};
use bitgauge_rtl::export::{Vectors, vectors};
use bitgauge_sim::Machine;
use bitgauge_sim::result::{RunResult, UnitCycles};

/// Whether a tool is there; says so where it is not, and fails where it has to be.
#[must_use]
pub fn tool(name: &str) -> bool {
    let asks = if name == "verilator" { "--version" } else { "-V" };
    let works = Command::new(name).arg(asks).output().is_ok_and(|output| output.status.success());
    if !works {
        assert!(std::env::var_os("BITGAUGE_REQUIRE_TOOLS").is_none(), "{name} does not start");
        crate::skipped(&format!(
            "checks with {name}: `apt-get install verilator yosys iverilog g++ make` brings it"
        ));
    }
    works
}

/// Whether Verilator is there.
#[must_use]
pub fn verilator() -> bool {
    tool("verilator")
}

/// Where benches are built; kept, so that an unchanged design is built once.
#[must_use]
pub fn folder() -> PathBuf {
    let target = std::env::current_exe().unwrap();
    // target/release/deps/test -> target
    target.ancestors().nth(3).unwrap().join("cosim")
}

/// Memory of a bench for small networks: tests that agree on it share what was built.
pub const SMALL_MEMORY: u64 = 1 << 20;

/// A bench for whole networks.
#[must_use]
pub fn build(accelerator: &Accelerator, memory_bytes: u64) -> Build {
    build_with(accelerator, memory_bytes, Effort::Full)
}

/// A bench for an accelerator.
#[must_use]
pub fn build_with(accelerator: &Accelerator, memory_bytes: u64, effort: Effort) -> Build {
    let options = BuildOptions { memory_bytes: memory_bytes as usize, effort, ..BuildOptions::default() };
    Build::new(accelerator, &folder(), options)
        .unwrap_or_else(|error| panic!("{}: {error}", accelerator.name))
}

fn counters(unit: &UnitCycles) -> [u64; COUNTERS] {
    let mut counters = [0; COUNTERS];
    counters[0] = unit.busy;
    counters[1..7].copy_from_slice(&unit.stalled);
    counters[7] = unit.idle;
    counters
}

/// Commands in program order.
fn spans(program: &Validated<Program>, result: &RunResult) -> Vec<Span> {
    let units = program.words.iter().filter_map(|word| match word.decode() {
        Some(Decoded::Exec { unit, .. }) => Some(unit),
        _ => None,
    });
    let mut spans: Vec<Span> =
        units.map(|unit: Unit| Span { unit, start: u64::MAX, end: u64::MAX }).collect();
    for span in &result.spans {
        spans[span.command as usize] = Span { unit: span.unit, start: span.start, end: span.end };
    }
    spans
}

/// A program and what the simulator made of it.
pub struct Simulated<'a> {
    program: &'a Validated<Program>,
    before: Vec<u8>,
    after: Vec<u8>,
    /// Cycles, counters and spans.
    pub result: RunResult,
}

impl<'a> Simulated<'a> {
    /// Simulates.
    pub fn new(program: &'a Validated<Program>, inputs: &[(&str, &[u8])]) -> Result<Simulated<'a>, String> {
        let mut machine = Machine::new(program);
        let mut before = program.initial_memory();
        for (name, codes) in inputs {
            program.tensor(name).unwrap().write(&mut before, codes);
        }
        let result = machine
            .run(inputs, &bitgauge_sim::Options { trace: false, ..bitgauge_sim::Options::default() })
            .map_err(|error| format!("simulator: {error}"))?;
        Ok(Simulated { program, before, after: machine.memory().to_vec(), result })
    }

    /// The run as the exported bench repeats it.
    #[must_use]
    pub fn vectors(&self) -> Vectors<'_> {
        let run = vectors::Run {
            start: vectors::Start::new(self.program),
            cycles: self.result.cycles,
            counters: self.result.units.iter().flat_map(counters).collect(),
        };
        Vectors { memory: &self.before, expected: &self.after, run }
    }

    /// Runs the program on a bench as well and gives every difference.
    pub fn run(&self, build: &Build, options: &RunOptions) -> Result<(RtlRun, Vec<Difference>), String> {
        let scratch = tempfile::tempdir().unwrap();
        let job = Job { memory: &self.before, start: vectors::Start::new(self.program) };
        let limit = u32::try_from(2 * self.result.cycles + 10_000).unwrap_or(u32::MAX);
        let options = RunOptions {
            cycle_limit: Some(if options.exact() { limit } else { limit.saturating_mul(20) }),
            ..options.clone()
        };
        let rtl = build.run(&job, scratch.path(), &options).map_err(|error| error.to_string())?;
        let expected = Expected {
            cycles: options.exact().then_some(self.result.cycles),
            counters: self.result.units.each_ref().map(counters),
            commands: if options.untraced { Vec::new() } else { spans(self.program, &self.result) },
            actions: &self.result.actions,
            memory: &self.after,
        };
        let differences = compare(&expected, &rtl);
        Ok((rtl, differences))
    }
}

/// Runs a program on both; gives both outcomes and every difference.
pub fn both(
    build: &Build,
    program: &Validated<Program>,
    inputs: &[(&str, &[u8])],
    options: &RunOptions,
) -> Result<(RunResult, RtlRun, Vec<Difference>), String> {
    let simulated = Simulated::new(program, inputs)?;
    let (rtl, differences) = simulated.run(build, options)?;
    Ok((simulated.result, rtl, differences))
}

/// Runs a program on both and fails at the first difference.
pub fn assert_same(
    case: &str,
    build: &Build,
    program: &Validated<Program>,
    inputs: &[(&str, &[u8])],
) -> (RunResult, RtlRun) {
    let (result, rtl, differences) = both(build, program, inputs, &RunOptions::default())
        .unwrap_or_else(|error| panic!("{case}: {error}"));
    let first: Vec<String> = differences.iter().take(6).map(ToString::to_string).collect();
    assert!(differences.is_empty(), "{case}: {} differences: {}", differences.len(), first.join("; "));
    (result, rtl)
}

/// Whether both agree on a program; the first differences where they do not.
pub fn outcome(build: &Build, program: &Validated<Program>, options: &RunOptions) -> Result<(), String> {
    let (_, _, differences) = both(build, program, &[], options)?;
    let first: Vec<String> = differences.iter().take(6).map(ToString::to_string).collect();
    if first.is_empty() { Ok(()) } else { Err(first.join("\n")) }
}

/// Shrinks a failing program to as few commands as dropping leaves; gives them and what differs.
#[must_use]
pub fn shrunk(build: &Build, program: &Validated<Program>, options: &RunOptions) -> String {
    let mut least = program.clone();
    let mut step = least.commands.len() / 2;
    while step > 0 {
        let mut at = 0;
        while at < least.commands.len() {
            let shorter = bitgauge_testing::programs::without(&least, at..at + step);
            match shorter.filter(|program| outcome(build, program, options).is_err()) {
                Some(shorter) => least = shorter,
                None => at += step,
            }
        }
        step /= 2;
    }
    let found = outcome(build, &least, options).err().unwrap_or_default();
    format!("{}\n{found}", bitgauge_arch::command::to_text(&least.words))
}
