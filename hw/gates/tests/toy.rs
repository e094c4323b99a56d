//! Is the energy of a circuit what a person computes from the library's figures, edge by edge?
//!
//! The circuit makes a glitch where its inverter is slow: `n = !x`, `z = n & x`, `q` takes `z` at the clock. With 2 V an
//! edge of a net of C picofarads takes 2 C picojoules. The figures of each edge stand beside it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bitgauge_gates::GatesError;
use bitgauge_gates::circuit::Circuit;
use bitgauge_gates::liberty::Library;
use bitgauge_gates::netlist::Netlist;
use bitgauge_gates::simulate::Simulator;

const LIBRARY: &str = include_str!("toy.lib");

const NETLIST: &str = include_str!("toy.json");

/// The library with an inverter of so many nanoseconds.
fn library(delay: &str) -> Library {
    Library::from_text(&LIBRARY.replace("DELAY", delay)).unwrap()
}

fn circuit(library: &Library) -> Circuit {
    let netlist = Netlist::from_json(NETLIST, "toy", library).unwrap();
    assert!((netlist.area() - 14.0).abs() < 1e-9);
    assert_eq!(netlist.flip_flops(), 1);
    Circuit::new(library, &netlist, Some(netlist.port("clock").unwrap().bits[0])).unwrap()
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
}

#[test]
fn a_glitch_costs_what_its_edges_cost() {
    // x rises 0.25 ns behind the clock: 0.03 pF, 0.06 pJ. n falls: 0.05 inside, 0.01 pF, 0.02.
    let quick = 0.06 + 0.05 + 0.02;
    // In between z rises by B while A is one (0.3 inside, 0.01 pF, 0.02, 0.001 at D) and falls by A (0.2, 0.02, 0.002).
    let slow = quick + 0.3 + 0.02 + 0.001 + 0.2 + 0.02 + 0.002;
    for (delay, expected, edges, settled) in [("0.5", quick, 2, 750_000), ("3.0", slow, 4, 4_250_000)] {
        let library = library(delay);
        let circuit = circuit(&library);
        let mut simulator = Simulator::new(&circuit);
        simulator.cycle(&[true]);
        let energy = simulator.energy();
        // At the edge D and Q are zero, at the falling edge too; the clock's net has 0.03 pF, twice 0.06.
        near(energy.clock, 0.004 + 0.006 + 0.12);
        near(energy.internal + energy.switching, expected);
        assert_eq!((simulator.edges(), simulator.settled()), (edges, settled), "{delay}");
    }
}

/// The state of a flip-flop chooses among conditions, and its edges cost.
#[test]
fn a_flip_flop_takes_its_input_at_the_rising_edge() {
    let library = library("0.5");
    // The product of x with itself: nothing inverts.
    let text = NETLIST.replace(r#""A": [4], "B": [3]"#, r#""A": [3], "B": [3]"#);
    let netlist = Netlist::from_json(&text, "toy", &library).unwrap();
    let circuit = Circuit::new(&library, &netlist, Some(netlist.port("clock").unwrap().bits[0])).unwrap();
    let q = netlist.port("q").unwrap().bits[0];
    let mut simulator = Simulator::new(&circuit);
    simulator.cycle(&[true]);
    assert!(!simulator.value(q), "its edge was before");
    let before = simulator.energy();
    simulator.cycle(&[true]);
    let energy = simulator.energy().since(&before);
    assert!(simulator.value(q));
    // D is one: 0.014 and 0.016. Q rises: 0.07 inside, and nothing hangs on it.
    near(energy.clock, 0.014 + 0.016 + 0.12);
    near(energy.internal, 0.07);
    near(energy.switching, 0.0);
    // INV of one 5, AND2 11, DFF 13.
    near(simulator.leakage(), 29.0);
    simulator.cycle(&[false]);
    near(simulator.leakage(), 31.0);
}

#[test]
fn netlists_that_cannot_be_simulated_are_refused() {
    let library = library("0.5");
    let refused = |from: &str, to: &str, what: &str| {
        let text = NETLIST.replace(from, to);
        let netlist = Netlist::from_json(&text, "toy", &library);
        let circuit = netlist.and_then(|netlist| {
            let clock = netlist.port("clock")?.bits[0];
            Circuit::new(&library, &netlist, Some(clock))
        });
        let said = circuit.unwrap_err().to_string();
        assert!(said.contains(what), "{said}");
    };
    refused(r#""type": "INV""#, r#""type": "NAND9""#, "NAND9");
    refused(r#""Y": [4]"#, r#""Y": [7]"#, "0 drivers");
    refused(r#""Y": [4]"#, r#""Y": [5]"#, "drivers");
    refused(r#""A": [3], "Y": [4]"#, r#""A": [5], "Y": [4]"#, "ring");
    refused(r#""CK": [2]"#, r#""CK": [3]"#, "not at the clock");
    refused(r#""toy": {"#, r#""other": {"#, "no module `toy`");
    refused(r#""A": [3], "Y": [4]"#, r#""Y": [4]"#, "input `A`");
    assert!(matches!(Netlist::from_json("{", "toy", &library), Err(GatesError::Netlist { .. })));
}

#[test]
fn cells_that_cannot_be_used_say_why() {
    let with = |cell: &str| {
        let text = LIBRARY.replace("DELAY", "1").replace("cell (INV)", &format!("{cell} cell (INV)"));
        Library::from_text(&text).unwrap().cells["ODD"].clone().unwrap_err()
    };
    for (cell, what) in [
        ("cell (ODD) { latch (a, b) {} }", "latch"),
        (
            "cell (ODD) { pin (Y) { direction : output; function : \"0\"; three_state : \"E\"; } }",
            "three states",
        ),
        ("cell (ODD) { pin (Y) { direction : output; } }", "no function"),
        ("cell (ODD) { pin (Y) { direction : output; function : \"Z\"; } }", "`Z` is no pin"),
        ("cell (ODD) { pin (A, B, C, D, E, F, G) { direction : input; } }", "at most 6"),
        (
            "cell (ODD) { ff (Q, QN) { clocked_on : \"!CK\"; } pin (CK) { direction : input; } }",
            "rising edge",
        ),
        ("cell (ODD) { area : big; }", "no number"),
    ] {
        let said = with(cell);
        assert!(said.contains(what), "{cell}: {said}");
    }
}
