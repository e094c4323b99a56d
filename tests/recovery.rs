//! What may happen to the exported accelerator before the run that is checked, and a small design for it.

use bitgauge_arch::validate::{Validated, validate};
use bitgauge_arch::{Accelerator, Program};

use crate::design;
use bitgauge_testing::{Random, programs};

/// 2 x 2, small memories, both codecs.
#[must_use]
pub fn small() -> Accelerator {
    let mut a = design("reference-8x8");
    a.name = "bus".to_owned();
    (a.array.rows, a.array.cols) = (2, 2);
    (a.scratchpad.activation_kib, a.scratchpad.weight_kib) = (16, 8);
    (a.scratchpad.banks, a.scratchpad.weight_banks) = (4, 2);
    (a.post.lanes, a.post.parameter_entries, a.vector.lanes) = (2, 64, 2);
    (a.memory.bus_bits, a.memory.latency_cycles, a.memory.max_burst_beats) = (32, 9, 16);
    (a.controller.queue_words, a.controller.prefetch_words) = (8, 16);
    a.check().unwrap_or_else(|problem| panic!("{}", problem.message));
    a
}

/// What happens before the run that is checked, and the numbers of its `at`: cycles, read beats or write
/// responses. The numbers are those of `testbench.v`.
pub const CASES: [(u32, &str, &[u32]); 15] = [
    (1, "random data from a read beat on", &[1, 3, 40, 90]),
    (2, "`end` is missing", &[1]),
    (3, "an abort", &[1, 2, 5, 20, 57, 111, 400, 900]),
    (4, "a timeout", &[1, 2, 30, 333, 800]),
    (5, "an abort, then a reset of the accelerator alone", &[3, 77, 500]),
    (6, "a reset in the middle of bursts, with the bus", &[4, 50, 150, 600]),
    (7, "SLVERR for a read", &[1, 2, 64, 111, 300]),
    (8, "DECERR for a read", &[1, 130]),
    (9, "SLVERR for a write", &[1, 2]),
    (10, "DECERR for a write", &[1, 2]),
    (11, "words behind `end`", &[1]),
    (12, "a program that is not on the bus' grid", &[1]),
    (13, "a program outside of memory", &[1]),
    (14, "no words", &[1]),
    (15, "a word that is no command", &[1]),
];

/// A program that begins shortly before a page, and another.
#[must_use]
pub fn program(accelerator: &Accelerator, seed: u64) -> Validated<Program> {
    let mut program = programs::program(&mut Random(seed), accelerator, 9).into_inner();
    program.command_address =
        program.command_address / 4096 * 4096 + 4096 - 12 * u64::from(accelerator.bus_bytes());
    validate(program).unwrap_or_else(|problems| panic!("{}", problems[0]))
}
