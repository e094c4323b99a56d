//! Differential fuzz of the printer: random units, evaluated by a plain interpreter and by Icarus.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;
mod evaluate;
mod kernel;
mod random;
mod unit;

use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::prelude::*;
use bitgauge_rtl::verilog::{Design, Options, Reset, elaborate};
use evaluate::{Machine, cut};
use random::Random;
use unit::{DEPTH, MODES, Unit};

const ROWS: usize = 200;

/// A value of a type, often at an end of its range.
fn value(random: &mut Random, ty: Ty) -> i128 {
    let span = 1i128 << ty.width;
    let value = match random.below(6) {
        0 => 0,
        1 => span - 1,
        2 => span / 2,
        3 => span / 2 - 1,
        _ => (i128::from(random.next()) << 64) | i128::from(random.next()),
    };
    cut(value, ty)
}

/// The printed text of a random unit, with a bench from the interpreter, and how many values it compares.
fn make(seed: u64) -> (Design, Bench, usize) {
    let mut random = Random::new(seed);
    let reset = *random.pick(&[Reset::Initial, Reset::Synchronous, Reset::Asynchronous]);
    // A reset cycle would write to the memory: units with one start from initial values.
    let unit = Unit::random(&mut random, reset == Reset::Initial);
    let design = match elaborate(&unit, &Options { reset, ..Options::default() }) {
        Ok(design) => design,
        Err(error) => panic!("seed {seed}: {error}\n{:#?}", unit.kernel),
    };
    let mut bench = Bench::new(&design);
    if reset == Reset::Initial {
        (0..DEPTH).for_each(|address| bench.setup(&format!("dut.u_memory.words[{address}] = 0;")));
        bench.setup("dut.u_memory.rdata = 0;");
    }
    let mut machine = Machine::new(&unit);
    for _ in 0..ROWS {
        let mode = i128::from(random.below(MODES));
        let inputs: Vec<_> = unit.inputs.iter().map(|(_, port)| value(&mut random, port.ty())).collect();
        let outputs = machine.settle(mode, &inputs);
        bench.row([vec![mode], inputs, outputs].concat());
        machine.tick();
    }
    (design, bench, ROWS * unit.outputs.len())
}

/// Whether a local is a number: what compares with it is constant, of which Verilator rightly warns.
fn names_a_number(text: &str) -> bool {
    let value = |line: &str| Some(line.trim().strip_prefix("assign l")?.split_once(" = ")?.1.to_owned());
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.lines().filter_map(value).any(|value| {
        let number = value.trim_end_matches(';').split_once('\'');
        number.is_some_and(|(width, number)| digits(width) && digits(number.trim_start_matches(['s', 'd'])))
    })
}

/// Whether a block reads nothing but what it writes: Icarus 11 never runs it, as there is no signal to wait for.
fn waits_for_nothing(text: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let parts = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '\'' && c != '$');
        let names = parts.filter(|part| part.starts_with(|c: char| c.is_ascii_lowercase()));
        let keywords = ["begin", "end", "if", "else", "case", "endcase", "default"];
        names.filter(|name| !keywords.contains(name)).map(str::to_owned).collect()
    };
    text.split("always @* begin").skip(1).any(|rest| {
        let block = rest.split("\n  end\n").next().unwrap_or_default();
        let written: Vec<String> =
            block.lines().filter_map(|line| words(line.split_once(" = ")?.0).pop()).collect();
        !words(block).iter().any(|name| !written.contains(name))
    })
}

/// Runs a seed; returns the number of output values that were compared.
fn run(seed: u64, lint: bool) -> usize {
    let (design, bench, values) = make(seed);
    let ran = !waits_for_nothing(&design.text()) && common::icarus(&design, &bench);
    if lint && !names_a_number(&design.text()) {
        common::verilator(&design);
        common::yosys(&design);
    }
    if ran { values } else { 0 }
}

#[test]
fn printed_text_means_what_the_kernel_means() {
    let compared: usize = (1..=20).map(|seed| run(seed, seed <= 5)).sum();
    println!("{compared} values compared");
}

/// The seeds of a long run: `BITGAUGE_FUZZ_SEEDS=FROM..TO`.
fn seeds(default: std::ops::Range<u64>) -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("BITGAUGE_FUZZ_SEEDS") else { return default };
    let (from, to) = text.split_once("..").unwrap();
    from.parse().unwrap()..to.parse().unwrap()
}

#[test]
#[ignore = "long tier: thousands of seeds take minutes"]
fn many_seeds() {
    let seeds = seeds(1000..3000);
    let compared: usize = seeds.clone().map(|seed| run(seed, seed % 10 == 0)).sum();
    let (count, (.., each)) = ((seeds.end - seeds.start) as usize, make(seeds.start));
    // Where Icarus is, hardly a unit is left out.
    assert!(compared == 0 || compared >= count * each / 100 * 99, "{compared} values of {count} seeds");
    println!("{count} seeds, {compared} values compared, no difference");
}

/// Yosys reads the text as Icarus does: the netlist after synthesis plays the same bench.
#[test]
#[ignore = "long tier: synthesis of every seed takes minutes"]
fn netlists_agree() {
    let mut compared = 0;
    for seed in seeds(5000..5030) {
        let (design, bench, values) = make(seed);
        if !design.reset_port {
            // The bench fills the memory of these, which a netlist does not have.
            continue;
        }
        if let Some(netlist) = common::synthesized(&design) {
            compared += if common::icarus(&netlist, &bench) { values } else { 0 };
        }
    }
    println!("{compared} values of netlists compared, no difference");
}
