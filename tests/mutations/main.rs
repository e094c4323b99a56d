//! Does the comparison find a fault in the hardware? Every mutation changes one line of the exported
//! Verilog, and random programs have to show it.
//!
//! All mutations of a design are in one bench, which takes the number of the one to switch on from its
//! arguments; number 0 is the design as exported, and has to agree.
// Helpers outside of #[test] functions fail the test by panicking, and say what they measured or skip.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod bus;
mod daily;
mod places;
mod ports;
mod table;

use bitgauge_arch::description::MacKind;
use bitgauge_arch::validate::Validated;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_cosim::{Build, BuildOptions, Effort, RunOptions};
use bitgauge_rtl::export::{self, File, TESTBENCH};
use bitgauge_testing::{Random, programs};
use bitgauge_tests::design;
use bitgauge_tests::recovery;
use bitgauge_tests::verilog::{Simulated, folder, shrunk, verilator};

/// One fault.
#[derive(Clone, Copy)]
pub struct Mutation {
    name: &'static str,
    module: &'static str,
    line: &'static str,
    mutated: &'static str,
    /// Why it changes nothing; empty for a fault.
    why_equal: &'static str,
}

/// Random programs of a design.
const PROGRAMS: u64 = 60;

/// What the modules ask for the mutation's number.
const NUMBER: &str = "testbench.mutant";

/// A line's expression between what stays of the line: the condition of an `if` or what is assigned.
fn parts(line: &str) -> Option<(&str, &str, &str)> {
    for head in ["if (", "end else if ("] {
        if let Some(condition) = line.strip_prefix(head).and_then(|rest| rest.strip_suffix(") begin")) {
            return Some((head, condition, ") begin"));
        }
    }
    let at = line.find(" = ")? + 3;
    Some((&line[..at], line[at..].strip_suffix(';')?, ";"))
}

/// The line with both expressions, of which the number picks one.
fn either(number: usize, line: &str, mutated: &str) -> Option<String> {
    let (head, original, tail) = parts(line)?;
    let (other_head, fault, other_tail) = parts(mutated)?;
    ((head, tail) == (other_head, other_tail))
        .then(|| format!("{head}({NUMBER} == 32'd{number}) ? ({fault}) : ({original}){tail}"))
}

impl Mutation {
    /// Puts the fault into its file; says why where that cannot be.
    fn insert(&self, number: usize, files: &mut [File]) -> Result<(), String> {
        // The name, or the name without the hash behind it.
        let begins = |path: &str| {
            let name = path.strip_prefix("rtl/").unwrap_or_default();
            let plain = name.rsplit_once('_').map(|(plain, _)| format!("{plain}.v"));
            name.starts_with(self.module) || plain.is_some_and(|plain| plain.starts_with(self.module))
        };
        let mut found: Vec<&mut File> = files.iter_mut().filter(|file| begins(&file.path)).collect();
        let [file] = found.as_mut_slice() else {
            return Err(format!("{} files begin with `rtl/{}`, not one", found.len(), self.module));
        };
        let count = file.text.lines().filter(|line| line.trim() == self.line).count();
        if count != 1 {
            return Err(format!("{} has the line `{}` {count} times, not once", file.path, self.line));
        }
        let line = either(number, self.line, self.mutated).ok_or_else(|| {
            format!("`{}` and `{}` differ in more than an expression", self.line, self.mutated)
        })?;
        file.text = file.text.replace(&format!(" {}\n", self.line), &format!(" {line}\n"));
        Ok(())
    }
}

/// The exported files with all the mutations, numbered from 1.
fn mutated(accelerator: &Accelerator, mutations: &[Mutation]) -> Vec<File> {
    accelerator.check().unwrap();
    let mut files = export::export(accelerator, None).unwrap();
    let mut lost = Vec::new();
    for (index, mutation) in mutations.iter().enumerate() {
        if let Err(why) = mutation.insert(index + 1, &mut files) {
            lost.push(format!("{}: {why}", mutation.name));
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
    files
}

/// Builds a bench with all the mutations.
fn build(accelerator: &Accelerator, mutations: &[Mutation], effort: Effort) -> Build {
    let mut files = mutated(accelerator, mutations);
    let bench = files.iter_mut().find(|file| file.path == TESTBENCH).unwrap();
    let module = "module testbench;\n";
    assert_eq!(bench.text.matches(module).count(), 1);
    let register =
        "  reg [31:0] mutant;\n  initial if (!$value$plusargs(\"mutant=%d\", mutant)) mutant = 0;\n";
    bench.text = bench.text.replace(module, &format!("{module}{register}"));
    let end = bench.text.rfind("endmodule").unwrap();
    bench.text.insert_str(end, &places::recorder(accelerator));
    let options = BuildOptions { memory_bytes: 1 << 20, effort, ..BuildOptions::default() };
    Build::of_files(accelerator, &files, &folder(), options).unwrap_or_else(|error| panic!("{error}"))
}

/// What shows a mutation in a run; `None` where all is as it should be.
fn symptom(build: &Build, simulated: &Simulated<'_>, number: usize, options: &RunOptions) -> Option<String> {
    let mut options = options.clone();
    options.arguments.push(format!("mutant={number}"));
    match simulated.run(build, &options) {
        Ok((_, differences)) => differences.first().map(ToString::to_string),
        Err(error) => Some(error),
    }
}

/// Holds every fault to be found by one of `count` random programs, and nothing else.
fn all_are_caught(accelerator: &Accelerator, mutations: &[Mutation], count: u64) {
    if !verilator() {
        return;
    }
    let build = build(accelerator, mutations, Effort::Full);
    let programs: Vec<Validated<Program>> =
        (0..count).map(|seed| programs::program(&mut Random(seed), accelerator, 40)).collect();
    let simulated: Vec<Simulated<'_>> =
        programs.iter().map(|program| Simulated::new(program, &[]).unwrap()).collect();
    for (index, program) in simulated.iter().enumerate() {
        let found = symptom(&build, program, 0, &RunOptions::default());
        if found.is_some() {
            panic!(
                "program {index}, no mutation:\n{}",
                shrunk(&build, &programs[index], &RunOptions::default())
            );
        }
    }
    let wrong = not_caught(&build, mutations, 0, &simulated);
    let faults = mutations.iter().filter(|mutation| mutation.why_equal.is_empty()).count();
    eprintln!("{}: {faults} faults, {} wrong: {wrong:?}", accelerator.name, wrong.len());
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// The faults that no program shows, and the changes that are none and show; `before` mutations of the bench have
/// numbers below theirs.
fn not_caught(
    build: &Build,
    mutations: &[Mutation],
    before: usize,
    simulated: &[Simulated<'_>],
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, mutation) in mutations.iter().enumerate() {
        let mut runs = simulated.iter().enumerate();
        let options = RunOptions::default();
        let found =
            runs.find_map(|(at, program)| Some((at, symptom(build, program, before + index + 1, &options)?)));
        let said = match &found {
            Some((at, symptom)) => format!("caught by program {at}: {symptom}"),
            None => format!("survives {} programs", simulated.len()),
        };
        eprintln!("{}: {}: {said}", mutation.module, mutation.name);
        if found.is_some() != mutation.why_equal.is_empty() {
            wrong.push(format!("{}: {said}", mutation.name));
        }
    }
    wrong
}

/// 4 x 4, lines of the bus' width, small memories and queues.
fn small(name: &str) -> Accelerator {
    let mut a = design("reference-8x8");
    a.name = name.to_owned();
    (a.array.rows, a.array.cols) = (4, 4);
    (a.scratchpad.activation_kib, a.scratchpad.weight_kib) = (16, 8);
    (a.scratchpad.banks, a.scratchpad.weight_banks) = (4, 2);
    (a.post.lanes, a.post.parameter_entries, a.vector.lanes) = (2, 64, 2);
    a.compression.lanes = 2;
    (a.memory.latency_cycles, a.memory.max_burst_beats) = (7, 4);
    (a.controller.queue_words, a.controller.prefetch_words) = (8, 16);
    a
}

/// Wide outputs of four lanes take two steps on lines of four bytes.
fn wide() -> Accelerator {
    let mut a = small("mutants-wide");
    a.memory.bus_bits = 32;
    a.post.lanes = 4;
    a
}

/// Two groups of eight codes a line, slices of two bits.
fn serial() -> Accelerator {
    let mut a = small("mutants-serial");
    let array = &mut a.array;
    (array.mac, array.lanes, array.slice_bits, array.port_bits) = (MacKind::Serial, 8, 4, 16);
    // Rows that take longer to read than two groups of the narrowest codes to multiply.
    array.rows = 6;
    a
}

/// Second scales of up to three bits.
fn fusible() -> Accelerator {
    let mut a = small("mutants-fusible");
    (a.array.mac, a.array.port_bits, a.array.tag_shift) = (MacKind::Fusible, 16, 3);
    a
}

/// Elements that shift each product by its own code's tag, and channels with shifts.
fn tagged() -> Accelerator {
    let mut a = small("mutants-tagged");
    a.array.tag_shift = 8;
    a.vector.channel_shifts = true;
    a
}

#[test]
#[ignore = "long tier: builds a bench and runs about a hundred programs"]
fn faults_of_fusible_elements_are_caught() {
    all_are_caught(&fusible(), table::FUSIBLE, 5 * PROGRAMS);
}

#[test]
#[ignore = "long tier: builds a bench and runs about a hundred programs"]
fn faults_of_two_scales_are_caught() {
    all_are_caught(&tagged(), table::TAGS, 5 * PROGRAMS);
}

#[test]
#[ignore = "long tier: builds a bench and runs about a hundred programs"]
fn faults_of_serial_elements_are_caught() {
    // Narrow lines are drawn now and then only.
    all_are_caught(&serial(), table::SERIAL, 5 * PROGRAMS);
}

#[test]
#[ignore = "long tier: builds a bench and runs several hundred programs"]
fn faults_are_caught() {
    // Bounds of a row that cross are drawn now and then only.
    all_are_caught(&small("mutants-narrow"), table::NARROW, 4 * PROGRAMS);
}

#[test]
#[ignore = "long tier: builds a bench and runs about two hundred programs"]
fn faults_of_two_steps_are_caught() {
    all_are_caught(&wide(), table::WIDE, PROGRAMS);
}

#[test]
fn every_mutation_has_its_line() {
    for (accelerator, mutations) in [
        (small("mutants-narrow"), table::NARROW),
        (wide(), table::WIDE),
        (serial(), table::SERIAL),
        (fusible(), table::FUSIBLE),
        (tagged(), table::TAGS),
        (recovery::small(), &bus::all()[..]),
    ] {
        mutated(&accelerator, mutations);
    }
}

#[test]
fn faults_are_inserted_where_they_belong() {
    assert_eq!(
        either(3, "a = b + 1;", "a = b;").unwrap(),
        format!("a = ({NUMBER} == 32'd3) ? (b) : (b + 1);")
    );
    let condition = either(1, "if (a == b) begin", "if (1'd0) begin").unwrap();
    assert_eq!(condition, format!("if (({NUMBER} == 32'd1) ? (1'd0) : (a == b)) begin"));
    assert_eq!(either(1, "a = b;", "c = b;"), None);
    let mut files = [File { path: "rtl/x.v".to_owned(), text: "  a = b;\n  a = b;\n".to_owned() }];
    let twice = Mutation { name: "", module: "x", line: "a = b;", mutated: "a = c;", why_equal: "" };
    assert!(twice.insert(1, &mut files).unwrap_err().contains("2 times"));
}
