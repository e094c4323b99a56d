//! A fault in every unit, every day: what compares Verilog and simulator still tells one from the other.
//!
//! They share a bench with the faults of the bus, which is built anyway, and take seconds.

use super::{Mutation, bus, not_caught, symptom, table};
use bitgauge_arch::Program;
use bitgauge_arch::validate::Validated;
use bitgauge_cosim::RunOptions;
use bitgauge_testing::{Random, programs};
use bitgauge_tests::recovery::small;
use bitgauge_tests::verilog::{Simulated, verilator};

/// Names of [`table::NARROW`], one or two for each unit.
const DAILY: [&str; 18] = [
    "token is not waited for",
    "barrier of the load is passed over",
    "read asks for a beat too few",
    "code of three bits is not extended",
    "load's next block starts at the next pixel",
    "store takes wide codes for narrow ones",
    "block without gain is coded",
    "padding begins a column late",
    "weight is taken as unsigned",
    "bias of a negative scale keeps its sign",
    "residual is subtracted",
    "requantizer cuts where it should round",
    "source's zero point is added",
    "softmax shifts one too little",
    "softmax saturates one too low",
    "division ends a bit early",
    "load's waiting for memory is not counted",
    "first cycle is not counted",
];

/// Random programs, of which one has to show each fault.
const PROGRAMS: u64 = 24;

/// The faults of every day.
pub fn mutations() -> Vec<Mutation> {
    let named = |name: &str| table::NARROW.iter().copied().find(|mutation| mutation.name == name);
    DAILY.into_iter().map(|name| named(name).unwrap_or_else(|| panic!("no mutation is `{name}`"))).collect()
}

#[test]
fn a_fault_in_every_unit_is_caught() {
    if !verilator() {
        return;
    }
    let accelerator = small();
    let programs: Vec<Validated<Program>> =
        (0..PROGRAMS).map(|seed| programs::program(&mut Random(seed), &accelerator, 40)).collect();
    let simulated: Vec<Simulated<'_>> =
        programs.iter().map(|program| Simulated::new(program, &[]).unwrap()).collect();
    for (index, program) in simulated.iter().enumerate() {
        let found = symptom(bus::bench(), program, 0, &RunOptions::default());
        assert_eq!(found, None, "program {index}, no mutation");
    }
    let wrong = not_caught(bus::bench(), &mutations(), bus::BUS.len(), &simulated);
    assert!(wrong.is_empty(), "{wrong:?}");
}
