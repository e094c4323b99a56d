//! The units against the contract's arithmetic, in rust-hdl's simulator and in Icarus.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_arch::arith::Requant;
use bitgauge_arch::description::MacKind;
use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::Requantizer;
use bitgauge_rtl::units::array::{Array, ArrayShape};
use bitgauge_rtl::units::mac::{MacShape, flag, mode};
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

/// What a row and a column of the array get in a cycle.
#[derive(Clone, Default)]
struct Beat {
    a: Vec<i128>,
    mode: i128,
    w: Vec<i128>,
    /// Sign and place of the term.
    flags: i128,
}

/// Codes that an element takes at once.
fn together(mac: &MacShape, bits: [usize; 2]) -> usize {
    match mac.kind {
        MacKind::Fusible => 16 / bits.map(digit_count).iter().product::<usize>(),
        _ => mac.lanes,
    }
}

/// Digits of two bits that `fusible` makes of a code: a power of two.
fn digit_count(bits: usize) -> usize {
    bits.div_ceil(2).next_power_of_two()
}

/// Digit i of a code stands wherever digit j of the other does, once for each j.
fn digits(a: &[i64], w: &[i64], signed: bool, bits: [usize; 2]) -> Beat {
    let [of_a, of_w] = bits.map(digit_count);
    let (mut words, mut code) = ([0i128; 2], 0);
    let mut seen = std::collections::BTreeMap::new();
    for place in 0..16 {
        // i1, j1, i0, j0 from the highest bit on; those that are no digit's say which codes.
        let [j0, i0, j1, i1] = [0, 1, 2, 3].map(|bit| place >> bit & 1);
        let i = if of_a > 1 { i0 } else { 0 } + if of_a > 2 { 2 * i1 } else { 0 };
        let j = if of_w > 1 { j0 } else { 0 } + if of_w > 2 { 2 * j1 } else { 0 };
        let rest = [(of_a > 2, i1), (of_w > 2, j1), (of_a > 1, i0), (of_w > 1, j0)];
        let rest: Vec<usize> = rest.into_iter().filter(|(digit, _)| !digit).map(|(_, bit)| bit).collect();
        let number = *seen.entry(rest).or_insert_with(|| {
            code += 1;
            code - 1
        });
        words[0] |= i128::from(a[number] >> (2 * i) & 3) << (2 * place);
        words[1] |= i128::from(w[number] >> (2 * j) & 3) << (2 * place);
    }
    let join = [(of_a > 1, mode::I0), (of_a > 2, mode::I1), (of_w > 1, mode::J0), (of_w > 2, mode::J1)];
    let join: i128 = join.map(|(digit, bit)| i128::from(digit) << (mode::JOIN + bit)).iter().sum();
    Beat { a: vec![words[0]], mode: join | i128::from(signed) << mode::SIGNED, w: vec![words[1]], flags: 0 }
}

/// The beats in which an element multiplies some activations and some weights, lane by lane.
fn beats(mac: &MacShape, (a, w): (&[i64], &[i64]), signed: bool, bits: [usize; 2]) -> Vec<Beat> {
    if mac.kind == MacKind::Fixed {
        let whole = |codes: &[i64]| codes.iter().map(|&code| i128::from(code)).collect();
        let mode = i128::from(signed) << mode::SIGNED;
        return vec![Beat { a: whole(a), mode, w: whole(w), flags: 0 }];
    }
    if mac.kind == MacKind::Fusible {
        return vec![digits(a, w, signed, bits)];
    }
    let slices = bits[1].div_ceil(mac.slice);
    let field = |code: i64, low: usize, bits: usize| i128::from(code >> low) & ((1 << bits) - 1);
    let mut all = vec![];
    for slice in (0..slices).rev() {
        let top = slice + 1 == slices;
        let parts: Vec<i128> = w.iter().map(|&code| field(code, slice * mac.slice, mac.slice)).collect();
        let joined = parts.iter().enumerate().map(|(lane, bit)| bit << lane).sum();
        for plane in (0..bits[0]).rev() {
            let first = plane + 1 == bits[0];
            let negative = (first && signed) != (mac.slice == 1 && top);
            let place = (plane + slice * mac.slice) as i128;
            all.push(Beat {
                a: vec![a.iter().enumerate().map(|(lane, &code)| field(code, plane, 1) << lane).sum()],
                mode: i128::from(first) << mode::LOAD | i128::from(top) << mode::TOP,
                w: if mac.slice == 1 { vec![joined] } else { parts.clone() },
                flags: i128::from(negative) << flag::NEGATE | place << flag::SHIFT,
            });
        }
    }
    all
}

/// Plays folds through an array, with the feeders' skew, and drains it.
fn play_array(shape: ArrayShape, mac: MacShape, bits: [usize; 2], reset: Reset, seed: u64) {
    const FOLDS: usize = 3;
    let mut array = Array::new(shape, &mac);
    array.connect_all();
    let design = elaborate(&array, &Options { reset, ..Options::default() }).unwrap();
    let mut bench = Bench::new(&design);
    let mut random = Random(seed);
    let ArrayShape { rows, cols, lanes } = shape;
    // Long enough that a fold is drained before the next one ends.
    let least = rows * cols / lanes + rows + cols + 3;
    let mut operands = |bits: usize, signed: bool, lines: usize, count: usize| -> Vec<Vec<i64>> {
        let low = if signed { -(1i64 << (bits - 1)) } else { 0 };
        let one = |random: &mut Random| match random.below(4) {
            0 => [low, low + (1 << bits) - 1][random.below(2) as usize],
            _ => low + random.below(1 << bits) as i64,
        };
        (0..lines).map(|_| (0..count).map(|_| one(&mut random)).collect()).collect()
    };
    let taken = together(&mac, bits);
    let zeros = vec![0i64; taken];
    let group = beats(&mac, (&zeros, &zeros), false, bits).len();
    let groups = least.div_ceil(group);
    let steps = groups * group;
    // Folds alternate between unsigned and signed activations.
    let folds: Vec<_> = (0..FOLDS)
        .map(|fold| {
            let count = groups * taken;
            (operands(bits[0], fold % 2 == 1, rows, count), operands(bits[1], true, cols, count))
        })
        .collect();
    let dealt = |fold: usize, row: usize, col: usize| -> Vec<Beat> {
        let (a, w) = (&folds[fold].0[row], &folds[fold].1[col]);
        let parts = a.chunks(taken).zip(w.chunks(taken));
        parts.flat_map(|part| beats(&mac, part, fold % 2 == 1, bits)).collect()
    };
    let all = |lines: usize, of: &dyn Fn(usize, usize) -> Vec<Beat>| -> Vec<Vec<Vec<Beat>>> {
        (0..FOLDS).map(|fold| (0..lines).map(|line| of(fold, line)).collect()).collect()
    };
    let of_rows = all(rows, &|fold, row| dealt(fold, row, 0));
    let of_cols = all(cols, &|fold, col| dealt(fold, 0, col));
    let pick =
        |of: &[Vec<Vec<Beat>>], line: usize, (fold, step): (usize, usize)| of[fold][line][step].clone();
    let (mut drained, mut expected) = (vec![], vec![]);
    for cycle in 0..FOLDS * steps + steps + rows + cols + 1 {
        let at = |line: usize| {
            let place = cycle.checked_sub(line).map(|step| (step / steps, step % steps));
            place.filter(|place| place.0 < FOLDS)
        };
        for row in 0..rows {
            let beat = at(row).map_or(Beat::default(), |place| pick(&of_rows, row, place));
            for (lane, value) in beat.a.iter().enumerate() {
                array.a[row * beat.a.len() + lane].next = (*value).into();
            }
            array.mode[row].next = beat.mode.into();
            // Of what came a cycle before.
            array.flags[row].next = 0.into();
            if let Some((fold, step)) = at(row + 1) {
                let place =
                    i128::from(step == 0) << flag::FIRST | i128::from(step == steps - 1) << flag::LAST;
                array.flags[row].next =
                    (pick(&of_rows, row, (fold, step)).flags | 1 << flag::VALID | place).into();
            }
        }
        for col in 0..cols {
            let beat = at(col).map_or(Beat::default(), |place| pick(&of_cols, col, place));
            for (lane, value) in beat.w.iter().enumerate() {
                array.w[col * beat.w.len() + lane].next = (*value).into();
            }
        }
        // The fold's sums are read row by row, group by group, once the last element has its sum.
        let first_read = steps + rows + cols + 1;
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
    assert!(!drained.is_empty());
    common::icarus(&design, &bench);
    common::verilator(&design);
    common::yosys(&design);
    assert_eq!(design.modules.len(), 3);
}

#[test]
fn array_computes_dot_products() {
    for (rows, cols, lanes, operand, reset) in [
        (1, 1, 1, 8, Reset::Initial),
        (2, 4, 2, 8, Reset::Synchronous),
        (5, 3, 3, 4, Reset::Asynchronous),
        (8, 8, 4, 8, Reset::Synchronous),
    ] {
        let mac = MacShape::multiplier(operand, 24);
        play_array(ArrayShape { rows, cols, lanes }, mac, [operand; 2], reset, 77 + rows as u64);
    }
}

#[test]
fn lanes_share_an_accumulator() {
    for lanes in [2, 4, 8] {
        let mac = MacShape { lanes, ..MacShape::multiplier(8, 32) };
        let shape = ArrayShape { rows: 3, cols: 4, lanes: 2 };
        play_array(shape, mac, [8, 8], Reset::Synchronous, lanes as u64);
    }
}

#[test]
fn digits_join_to_products() {
    let shape = ArrayShape { rows: 2, cols: 3, lanes: 1 };
    let mac = MacShape { kind: MacKind::Fusible, ..MacShape::multiplier(8, 32) };
    for bits in [[8, 8], [4, 4], [2, 2], [8, 2], [2, 8], [4, 2], [5, 3]] {
        play_array(shape, mac, bits, Reset::Synchronous, (bits[0] * 10 + bits[1]) as u64);
    }
}

#[test]
fn planes_and_slices_make_products() {
    let shape = ArrayShape { rows: 3, cols: 2, lanes: 1 };
    for (lanes, slice, bits) in
        [(8, 1, [8, 8]), (64, 1, [3, 5]), (16, 8, [8, 6]), (8, 2, [2, 7]), (32, 4, [5, 3]), (16, 1, [2, 2])]
    {
        let mac = MacShape {
            kind: MacKind::Serial,
            operand: 8,
            container: 8,
            lanes,
            slice,
            tag_shift: 0,
            accumulator: 32,
        };
        play_array(shape, mac, bits, Reset::Synchronous, (lanes * slice) as u64);
    }
}

#[test]
fn text_does_not_depend_on_the_run() {
    let print = || {
        let shape = ArrayShape { rows: 3, cols: 4, lanes: 2 };
        elaborate(&Array::new(shape, &MacShape::multiplier(8, 32)), &Options::default()).unwrap()
    };
    let design = print();
    assert_eq!(design, print());
    assert_eq!(
        design.file_list(),
        "core_fixed8_v1.v\npe_fixed8_v1_acc32.v\narray_3x4_by2_fixed8_v1_acc32.v\n"
    );
    assert!(
        design.text().contains("  // weights for the neighbour below\n  output wire signed [7:0] w_out_0")
    );
}
