//! The units against the contract's arithmetic, in rust-hdl's simulator and in Icarus.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_arch::arith::Requant;
use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::Requantizer;
use bitgauge_rtl::units::array::{Array, ArrayShape};
use bitgauge_rtl::units::pe::PeWidths;
use bitgauge_rtl::units::requantize::LATENCY;
use bitgauge_rtl::verilog::{Options, Reset, elaborate};
use rust_hdl::prelude::Block;

const RESETS: [Reset; 3] = [Reset::Initial, Reset::Synchronous, Reset::Asynchronous];

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 16) % end
    }
}

#[test]
fn requantizer_agrees_with_the_contract() {
    for reset in RESETS {
        let mut unit = Requantizer::default();
        unit.connect_all();
        let design = elaborate(&unit, &Options { reset, ..Options::default() }).unwrap();
        let mut bench = Bench::new(&design);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut expected = vec![];
        for cycle in 0..3000 {
            let x = match random.below(8) {
                0 => -(1i64 << 33),
                1 => (1 << 33) - 1,
                2 => 0,
                _ => ((random.next() as i64) << 30 >> 30) >> random.below(34),
            };
            let mantissa = 1 << 15 | random.next() as u16;
            let shift = 1 + random.below(47) as u8;
            expected.push(Requant { mantissa, shift }.apply(x));
            unit.x.next = x.into();
            unit.mantissa.next = i64::from(mantissa).into();
            unit.shift.next = i64::from(shift).into();
            unit.valid.next = true;
            assert!(bench.cycle(&mut unit, |unit| &mut unit.clock));
            if cycle + 1 >= LATENCY {
                assert_eq!(
                    unit.y.val().value(),
                    i128::from(expected[cycle + 1 - LATENCY]),
                    "{x} {mantissa} {shift}"
                );
            }
        }
        common::icarus(&design, &bench);
        common::verilator(&design);
        common::yosys(&design);
    }
}

/// Plays `folds` folds of `depth` steps through an array, with the feeders' skew, and drains it.
fn play_array(shape: ArrayShape, operand: usize, reset: Reset, seed: u64) {
    const FOLDS: usize = 3;
    let widths = PeWidths { operand, accumulator: 24 };
    let mut array = Array::new(shape, widths);
    array.connect_all();
    let design = elaborate(&array, &Options { reset, ..Options::default() }).unwrap();
    let mut bench = Bench::new(&design);
    let mut random = Random(seed);
    let ArrayShape { rows, cols, lanes } = shape;
    // Long enough that a fold is drained before the next one ends.
    let steps = rows * cols / lanes + rows + cols + 3;
    let (low, high) = (-(1i64 << (operand - 1)), (1i64 << (operand - 1)) - 1);
    let mut operands = |signed: bool, lines: usize| -> Vec<Vec<i64>> {
        let one = |random: &mut Random| match random.below(4) {
            0 => [low, high][random.below(2) as usize] - if signed { 0 } else { low },
            _ => random.below(1 << operand) as i64 + if signed { low } else { 0 },
        };
        (0..lines).map(|_| (0..steps).map(|_| one(&mut random)).collect()).collect()
    };
    // Folds alternate between unsigned and signed activations.
    let folds: Vec<_> =
        (0..FOLDS).map(|fold| (operands(fold % 2 == 1, rows), operands(true, cols))).collect();
    let (mut drained, mut expected) = (vec![], vec![]);
    for cycle in 0..FOLDS * steps + steps + rows + cols {
        let at = |line: usize| cycle.checked_sub(line).map(|step| (step / steps, step % steps));
        for row in 0..rows {
            let place = at(row).filter(|place| place.0 < FOLDS);
            array.valid[row].next = place.is_some();
            let (fold, step) = place.unwrap_or((0, 1));
            array.a[row].next = folds[fold].0[row][step].into();
            array.a_signed[row].next = fold % 2 == 1;
            array.first[row].next = step == 0;
            array.last[row].next = step == steps - 1;
        }
        for col in 0..cols {
            let (fold, step) = at(col).filter(|place| place.0 < FOLDS).unwrap_or((0, 0));
            array.w[col].next = folds[fold].1[col][step].into();
        }
        // The fold's sums are read row by row, group by group, once the last element has its sum.
        let first_read = steps + rows + cols;
        let read = cycle.checked_sub(first_read).map(|read| (read / steps, read % steps));
        let read = read.filter(|read| read.0 < FOLDS && read.1 < rows * cols / lanes);
        if let Some((fold, turn)) = read {
            let (row, group) = (turn % rows, turn / rows);
            array.drain_row.next = (row as i64).into();
            array.drain_group.next = (group as i64).into();
            let dot = |col: usize| -> i64 {
                folds[fold].0[row].iter().zip(&folds[fold].1[col]).map(|(a, w)| a * w).sum()
            };
            expected.push((0..lanes).map(|lane| i128::from(dot(group * lanes + lane))).collect::<Vec<_>>());
        }
        assert!(bench.cycle(&mut array, |array| &mut array.clock));
        if read.is_some() {
            drained.push(array.sum.iter().map(|sum| sum.val().value()).collect::<Vec<_>>());
        }
    }
    assert_eq!(drained, expected);
    common::icarus(&design, &bench);
    common::verilator(&design);
    common::yosys(&design);
    assert_eq!(design.modules.len(), 2);
}

#[test]
fn array_computes_dot_products() {
    for (rows, cols, lanes, operand, reset) in [
        (1, 1, 1, 8, Reset::Initial),
        (2, 4, 2, 8, Reset::Synchronous),
        (5, 3, 3, 4, Reset::Asynchronous),
        (8, 8, 4, 8, Reset::Synchronous),
    ] {
        play_array(ArrayShape { rows, cols, lanes }, operand, reset, 77 + rows as u64);
    }
}

#[test]
fn text_does_not_depend_on_the_run() {
    let print = || {
        let shape = ArrayShape { rows: 3, cols: 4, lanes: 2 };
        elaborate(&Array::new(shape, PeWidths { operand: 8, accumulator: 32 }), &Options::default()).unwrap()
    };
    let design = print();
    assert_eq!(design, print());
    assert_eq!(design.file_list(), "pe_a9_w8_acc32.v\narray_3x4_by2_p8_acc32.v\n");
    assert!(design.text().contains("  // weight for the neighbour below\n  output wire signed [7:0] w_out"));
}
