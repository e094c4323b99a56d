//! Slaves of every legal order, bus errors, bad programs, resets: the accelerator stands them, and a fault in
//! what makes it stand them shows.

use std::sync::OnceLock;

use super::table::fault;
use super::{Mutation, build, daily, symptom};
use bitgauge_cosim::{Build, Effort, RunOptions, Slave};
use bitgauge_tests::recovery::{CASES, program, small};
use bitgauge_tests::verilog::{Simulated, verilator};

/// On the small design of `recovery`.
#[rustfmt::skip]
pub const BUS: &[Mutation] = &[
    fault("write data waits for its address", "memory_port",
        "assign write_shown = awvalid & (!offered_q);",
        "assign write_shown = write_granted;"),
    fault("an address that waits is counted again", "memory_port",
        "assign offered_d = awvalid & (!write_granted);",
        "assign offered_d = 1'd0;"),
    fault("bursts are begun after the end", "memory_port",
        "assign ask = ((request_0 | request_1) | request_2) & (locked_q | ((outstanding_q < 3'd4) & (!halt)));",
        "assign ask = ((request_0 | request_1) | request_2) & (locked_q | (outstanding_q < 3'd4));"),
    fault("responses are not waited for", "memory_port",
        "assign quiet = ((!locked_q) & (outstanding_q == 3'd0)) & (owed_q == 7'd0);",
        "assign quiet = (!locked_q) & (outstanding_q == 3'd0);"),
    fault("SLVERR to a write is overlooked", "memory_port",
        "assign slave_error = (arrives & (rresp == 2'd2)) | (answered & (bresp == 2'd2));",
        "assign slave_error = arrives & (rresp == 2'd2);"),
    fault("DECERR to a read is overlooked", "memory_port",
        "assign decode_error = (arrives & (rresp == 2'd3)) | (answered & (bresp == 2'd3));",
        "assign decode_error = answered & (bresp == 2'd3);"),
    fault("the beats of a write are those of the one before", "memory_port",
        "lengths_0_d = size_2;",
        "lengths_0_d = lengths_0_q;"),
    fault("a bad word is dropped", "control_",
        "assign raised_0 = working & bad_command;",
        "assign raised_0 = 1'd0;"),
    fault("a missing `end` is waited for", "control_",
        "assign raised_1 = working & no_end;",
        "assign raised_1 = 1'd0;"),
    fault("the watchdog sleeps", "control_",
        "assign raised_5 = working & (patience_q == 32'd1);",
        "assign raised_5 = 1'd0;"),
    fault("an address off the grid is taken", "control_",
        "assign raised_7 = go_r_q & misaligned;",
        "assign raised_7 = 1'd0;"),
    fault("what a run leaves stays", "control_",
        "assign restart = restart_r_q;",
        "assign restart = 1'd0;"),
    fault("the end does not wait for the bus", "control_",
        "assign restart_r_d = (ending_q & quiet) & (!restart_r_q);",
        "assign restart_r_d = ending_q & (!restart_r_q);"),
];

/// All mutations of the small design: [`BUS`], then those of every day.
pub fn all() -> Vec<Mutation> {
    [BUS.to_vec(), daily::mutations()].concat()
}

/// The one bench with all of them.
pub fn bench() -> &'static Build {
    static BENCH: OnceLock<Build> = OnceLock::new();
    BENCH.get_or_init(|| build(&small(), &all(), Effort::Quick))
}

/// All slaves, and everything that may go wrong before a run, with one memory or another.
fn ways(cycles: u32) -> Vec<(String, RunOptions)> {
    let mut ways = Vec::new();
    for slave in Slave::OTHERS {
        for seed in 1..4 {
            let options =
                RunOptions { slave, stall_seed: Some(seed), untraced: true, ..RunOptions::default() };
            ways.push((format!("{slave:?}, seed {seed}"), options));
        }
    }
    for (case, what, places) in CASES {
        // Aborts all over the run.
        let all: Vec<u32> =
            if what == "an abort" { (1..cycles).step_by(cycles as usize / 24).collect() } else { vec![] };
        for &at in places.iter().filter(|&&at| at < cycles).chain(&all) {
            // The contract's memory, or another.
            let others = [Slave::Contract, Slave::Late, Slave::Together, Slave::Contract, Slave::Moody];
            let slave = others[at as usize % others.len()];
            let arguments = vec![format!("before={case}"), format!("at={at}")];
            let options = RunOptions { arguments, slave, untraced: true, ..RunOptions::default() };
            ways.push((format!("{what}, at {at}, {slave:?}"), options));
        }
    }
    ways
}

#[test]
fn whatever_was_before_a_run_is_sound() {
    if !verilator() {
        return;
    }
    let accelerator = small();
    let program = program(&accelerator, 3);
    let simulated = Simulated::new(&program, &[]).unwrap();
    let mut wrong = Vec::new();
    for (what, options) in &ways(simulated.result.cycles as u32 - 20) {
        wrong.extend(symptom(bench(), &simulated, 0, options).map(|said| format!("{what}: {said}")));
    }
    assert!(wrong.is_empty(), "{} cycles\n{}", simulated.result.cycles, wrong.join("\n"));
}

#[test]
#[ignore = "long tier: faults that hang a run take it to its limit of cycles"]
fn faults_of_the_bus_are_caught() {
    if !verilator() {
        return;
    }
    let accelerator = small();
    let program = program(&accelerator, 3);
    let simulated = Simulated::new(&program, &[]).unwrap();
    let ways = ways(simulated.result.cycles as u32 - 20);
    let mut wrong = Vec::new();
    for (index, mutation) in BUS.iter().enumerate() {
        let mut runs = ways.iter();
        let found =
            runs.find_map(|(what, options)| Some((what, symptom(bench(), &simulated, index + 1, options)?)));
        match found {
            Some((what, said)) => eprintln!("{}: caught by {what}: {said}", mutation.name),
            None => wrong.push(mutation.name.to_owned()),
        }
    }
    assert!(wrong.is_empty(), "survive: {wrong:?}");
}
