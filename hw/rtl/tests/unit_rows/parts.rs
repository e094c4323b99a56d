//! The serial circuits, each by itself.

use crate::common;
use crate::random::Random;
use bitgauge_arch::arith::sqrt::{isqrt60, reciprocal16};
use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::vector::rows::divide::{self, Divide};
use bitgauge_rtl::units::vector::rows::normalize::Normalize;
use bitgauge_rtl::units::vector::rows::root::{self, Root};
use bitgauge_rtl::units::vector::rows::tree::{self, MaxTree, SumTree};
use bitgauge_rtl::units::vector::rows::variance::{self, Variance};
use bitgauge_rtl::verilog::{Design, Options, elaborate};
use rust_hdl::prelude::Block;

fn printed(unit: &mut dyn Block) -> (Design, Bench) {
    unit.connect_all();
    let design = elaborate(unit, &Options::default()).unwrap();
    let bench = Bench::new(&design);
    (design, bench)
}

fn tools(design: &Design, bench: &Bench) {
    common::icarus(design, bench);
    common::verilator(design);
    common::yosys(design);
}

#[test]
fn divide_is_exact() {
    let mut unit = Divide::default();
    let (design, mut bench) = printed(&mut unit);
    let mut random = Random(5);
    for case in 0..300u64 {
        let (remainder, divisor) = match case % 3 {
            // A reciprocal; the first one saturates.
            0 => (1u64 << 30, (1u64 << 30) + if case == 0 { 0 } else { random.below(1 << 30) & !1 }),
            1 => (((1 << 8) - (1 << random.below(7))) << 22, (1 << 30) + random.below(1 << 30)),
            _ => {
                let bits = random.below(31);
                let divisor = 1 + random.below(1 << 31 >> bits);
                (random.below(divisor.min((1 << 31) - 1)), divisor.min((1 << 31) - 1))
            }
        };
        let wanted = ((remainder << 16) / divisor).min(0xffff);
        if case % 3 == 0 {
            assert_eq!(wanted, u64::from(reciprocal16((divisor >> 1) as u32)));
        }
        for cycle in 0..divide::LATENCY {
            unit.go.next = cycle == 0;
            let given = if cycle == 0 { [remainder, divisor] } else { [3, 5] };
            unit.remainder.next = (given[0] as i64).into();
            unit.divisor.next = (given[1] as i64).into();
            assert!(bench.cycle(&mut unit, |unit| &mut unit.clock));
        }
        assert_eq!(unit.quotient.val().value(), i128::from(wanted), "{remainder} {divisor}");
    }
    tools(&design, &bench);
}

#[test]
fn root_is_exact() {
    let mut unit = Root::default();
    let (design, mut bench) = printed(&mut unit);
    let mut random = Random(6);
    for case in 0..200u64 {
        let edge = [0, 1, 3, 4, (1 << 60) - 1, 1 << 58, (1 << 58) - 1, ((1 << 30) - 1) * ((1 << 30) - 1)];
        let value = *edge.get(case as usize).unwrap_or(&((random.next() >> 4) >> (case % 60)));
        for cycle in 0..root::LATENCY {
            assert!(!unit.done.val());
            unit.go.next = cycle == 0;
            unit.value.next = if cycle == 0 { (value as i64).into() } else { 77.into() };
            assert!(bench.cycle(&mut unit, |unit| &mut unit.clock));
        }
        assert!(unit.done.val());
        assert_eq!(unit.root.val().value(), i128::from(isqrt60(value)), "{value}");
        unit.go.next = false;
        assert!(bench.cycle(&mut unit, |unit| &mut unit.clock));
    }
    tools(&design, &bench);
}

#[test]
fn variance_is_exact() {
    let mut unit = Variance::default();
    let (design, mut bench) = printed(&mut unit);
    let mut random = Random(8);
    for case in 0..300u64 {
        let channels = if case == 0 { 4096 } else { 1 + random.below(4096) };
        let (sum, squares) = match case % 3 {
            0 => (-32_768 * channels as i64, channels << 30),
            1 => (32_767 * channels as i64, channels * 32_767 * 32_767),
            _ => {
                let code = random.below(65_536) as i64 - 32_768;
                let squares = channels * code.unsigned_abs().pow(2);
                (code * channels as i64, squares + random.below(1 << 40).min((1 << 42) - squares))
            }
        };
        let epsilon = [0, (1 << 58) - 1, random.below(1 << 40)][(case / 3 % 3) as usize];
        let wanted = i128::from(channels) * i128::from(squares) - i128::from(sum * sum) + i128::from(epsilon);
        for cycle in 0..variance::LATENCY {
            assert!(!unit.done.val());
            unit.go.next = cycle == 0;
            unit.channels.next = (channels as i64).into();
            unit.sum.next = sum.into();
            unit.squares.next = if cycle == 0 { 99.into() } else { (squares as i64).into() };
            unit.epsilon.next = (epsilon as i64).into();
            assert!(bench.cycle(&mut unit, |unit| &mut unit.clock));
        }
        assert!(unit.done.val());
        assert_eq!(unit.variance.val().value(), wanted, "{channels} {sum} {squares} {epsilon}");
        unit.go.next = false;
        assert!(bench.cycle(&mut unit, |unit| &mut unit.clock));
    }
    tools(&design, &bench);
}

#[test]
fn normalize_finds_the_top() {
    for (width, step) in [(31usize, 1usize), (60, 2)] {
        let mut unit = Normalize::new(width, step);
        let (design, mut bench) = printed(&mut unit);
        let mut random = Random(9);
        for case in 0..200 {
            let top = case % width;
            let value = (1u64 << top) | (random.next() & ((1 << top) - 1));
            unit.value.next = (value as i64).into();
            assert!(bench.cycle(&mut unit, |unit| &mut unit.clock));
            let count = (width - 1 - top) / step;
            assert_eq!(unit.count.val().value(), count as i128);
            assert_eq!(unit.normal.val().value(), i128::from(value) << (count * step));
        }
        tools(&design, &bench);
    }
}

#[test]
fn trees_take_three_cycles() {
    for lanes in [1usize, 2, 4, 8, 16, 64] {
        let mut random = Random(lanes as u64);
        let (mut sums, mut maxima) = (SumTree::new(lanes, 17), MaxTree::new(lanes));
        let (sum_design, mut sum_bench) = printed(&mut sums);
        let (max_design, mut max_bench) = printed(&mut maxima);
        let mut wanted = vec![];
        for cycle in 0..40 {
            let values: Vec<i64> = (0..lanes).map(|_| random.below(1 << 17) as i64 - (1 << 16)).collect();
            let bytes: Vec<i64> = (0..lanes).map(|_| random.below(256) as i64).collect();
            for lane in 0..lanes {
                sums.x[lane].next = values[lane].into();
                maxima.x[lane].next = bytes[lane].into();
            }
            wanted.push((values.iter().sum::<i64>(), bytes.iter().copied().max().unwrap()));
            assert!(sum_bench.cycle(&mut sums, |unit| &mut unit.clock));
            assert!(max_bench.cycle(&mut maxima, |unit| &mut unit.clock));
            if let Some(past) = (cycle + 1usize).checked_sub(tree::LATENCY) {
                assert_eq!(sums.sum.val().value(), i128::from(wanted[past].0));
                assert_eq!(maxima.greatest.val().value(), i128::from(wanted[past].1));
            }
        }
        tools(&sum_design, &sum_bench);
        tools(&max_design, &max_bench);
    }
}
