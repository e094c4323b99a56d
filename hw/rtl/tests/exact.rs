//! Exact arithmetic: every product of 8-bit operands, every shift with all edges, in rust-hdl's simulator and
//! in Verilator.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used)]

mod common;
mod edges;

use bitgauge_arch::arith::{ChannelParameter, Requant};
use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::Requantizer;
use bitgauge_rtl::units::compute::post::Lane;
use bitgauge_rtl::units::mac::{MacShape, flag, mode};
use bitgauge_rtl::units::pe::Pe;
use bitgauge_rtl::units::requantize::LATENCY;
use bitgauge_rtl::verilog::{Design, Options, Reset, elaborate};
use edges::{MANTISSAS, SHIFTS, values};
use rust_hdl::prelude::{Block, simulate};
use std::fmt::Write as _;

/// Activations that a signed and an unsigned tensor can have.
const ACTIVATIONS: [std::ops::Range<i64>; 2] = [0..256, -128..128];

fn pe() -> Pe {
    let mut unit = Pe::new(&MacShape::multiplier(8, 32));
    unit.connect_all();
    unit
}

fn requantizer() -> Requantizer {
    let mut unit = Requantizer::default();
    unit.connect_all();
    unit
}

/// One clock cycle without a record.
macro_rules! tick {
    ($unit:ident) => {
        $unit.clock.next.clk = false;
        assert!(simulate(&mut $unit, 100));
        $unit.clock.next.clk = true;
        assert!(simulate(&mut $unit, 100));
    };
}

#[test]
fn element_has_every_product() {
    let mut unit = pe();
    unit.flags.next = (1 << flag::VALID | 1 << flag::FIRST | 1 << flag::LAST).into();
    let operands = ACTIVATIONS.into_iter().flat_map(|range| {
        let signed = range.start < 0;
        range.flat_map(move |a| (-128..128).map(move |w| (a, w, signed)))
    });
    let (mut before, mut checked) = ([None; 2], 0);
    for (a, w, signed) in operands {
        unit.a[0].next = a.into();
        unit.w[0].next = w.into();
        unit.mode.next = (i64::from(signed) << mode::SIGNED).into();
        tick!(unit);
        // The operands of two cycles before have gone through all three registers.
        if let Some((a, w)) = before[1] {
            assert_eq!(unit.sum.val().value(), i128::from(a * w), "{a} times {w}");
            checked += 1;
        }
        before = [Some((a, w)), before[0]];
    }
    tick!(unit);
    tick!(unit);
    assert_eq!((unit.sum.val().value(), checked), (127 * 127, 2 * 65536 - 2));
}

#[test]
fn requantizer_has_every_shift_and_edge() {
    let mut unit = requantizer();
    unit.valid.next = true;
    let mut expected = vec![];
    for shift in SHIFTS {
        for mantissa in MANTISSAS {
            for x in (-128..128).chain(values(shift, mantissa)) {
                unit.x.next = x.into();
                unit.mantissa.next = i64::from(mantissa).into();
                unit.shift.next = i64::from(shift).into();
                expected.push((x, mantissa, shift));
                tick!(unit);
                if let Some(&(x, mantissa, shift)) =
                    expected.len().checked_sub(LATENCY).map(|at| &expected[at])
                {
                    let y = Requant { mantissa, shift }.apply(x);
                    assert_eq!(unit.y.val().value(), i128::from(y), "{x} {mantissa} {shift}");
                }
            }
        }
    }
    assert!(expected.len() > 90_000, "{}", expected.len());
}

#[test]
fn the_least_sum_negated_passes_a_lane() {
    let mut unit = Lane::new(2, 32, false);
    unit.connect_all();
    let design = elaborate(&unit, &Options { reset: Reset::Synchronous, ..Options::default() }).unwrap();
    let mut bench = Bench::new(&design);
    for word in 0..2 {
        bench.setup(&format!("dut.u_entries.words[{word}] = 0;"));
    }
    bench.setup("dut.u_entries.rdata = 0;");
    unit.high.next = 32767.into();
    unit.high_bound.next = 32767.into();
    unit.low.next = (-32768).into();
    unit.low_bound.next = (-32768).into();
    unit.sum.next = i32::MIN.into();
    for shift in 30..=47 {
        for negate in [true, false] {
            let requant = Requant { mantissa: 1 << 15, shift };
            let parameter = ChannelParameter { bias: i32::MIN, requant, negate, channel_shift: 0 };
            // An entry as `Fill` prepares it: the bias with its sign, 33 bits.
            let bias = if negate { 1i128 << 31 } else { (1 << 33) - (1 << 31) };
            let entry = bias | i128::from(negate) << 33 | 1 << 49 | i128::from(shift) << 50;
            unit.entry.next = entry.into();
            unit.recent.next = entry.into();
            unit.we.next = true;
            for _ in 0..9 {
                assert!(bench.cycle(&mut unit, |unit| &mut unit.clock));
            }
            let wanted = parameter.requantize(i32::MIN).clamp(-32768, 32767);
            assert_eq!(wanted > 0, negate);
            assert_eq!(unit.code.val().value(), i128::from(wanted), "{parameter:?}");
        }
    }
    common::icarus(&design, &bench);
}

/// A bench that compares with `*` and with the definition of rounding, and with vectors from the contract.
const BENCH: &str = include_str!("edges/bench.v");

#[test]
fn verilator_agrees_with_every_product_shift_and_edge() {
    let options = Options { reset: Reset::Synchronous, ..Options::default() };
    let designs = [elaborate(&pe(), &options).unwrap(), elaborate(&requantizer(), &options).unwrap()];
    let (mut rows, mut count) = (String::new(), 0);
    for shift in SHIFTS {
        for mantissa in MANTISSAS {
            for x in values(shift, mantissa) {
                let y = Requant { mantissa, shift }.apply(x);
                let bits = |value: i64, width: u32| (value & ((1 << width) - 1)) as u128;
                let row = bits(x, 34) << 40
                    | u128::from(mantissa) << 24
                    | u128::from(shift) << 18
                    | bits(i64::from(y), 18);
                let _ = writeln!(rows, "{row:x}");
                count += 1;
            }
        }
    }
    let modules = designs.iter().flat_map(|design| design.modules.clone()).collect();
    let all = Design { modules, ..designs[0].clone() };
    let folder = common::folder(&all);
    let mantissa = |(index, mantissa): (usize, &u16)| format!("    mantissas[{index}] = {mantissa};\n");
    let mantissas: String = MANTISSAS.iter().enumerate().map(mantissa).collect();
    let bench = BENCH
        .replace("{rows}", &count.to_string())
        .replace("{mantissas}", &MANTISSAS.len().to_string())
        .replace("    // {set}\n", &mantissas);
    std::fs::write(folder.path().join("bench.v"), bench).unwrap();
    std::fs::write(folder.path().join("vectors.txt"), rows).unwrap();
    let mut arguments = vec!["--binary", "-Wno-fatal", "-Wno-lint", "-Wno-style", "--top-module", "bench"];
    let files = common::files(&all);
    arguments.push("bench.v");
    arguments.extend(files.iter().map(String::as_str));
    let Some((success, said)) = common::tool(folder.path(), "verilator", &arguments) else { return };
    assert!(success, "{said}");
    let program = folder.path().join("obj_dir/Vbench");
    let (_, said) = common::tool(folder.path(), program.to_str().unwrap(), &[]).unwrap();
    let grid = SHIFTS.count() * MANTISSAS.len() * 1024;
    let wanted = format!("PASS {} products, {grid} roundings, {count} vectors", 2 * 65536);
    assert!(said.contains(&wanted), "{wanted}\n{said}");
}
