//! The drain against the contract: every read, every write and every end, in its cycle.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_arch::Accelerator;
use bitgauge_arch::arith::{ChannelParameter, Post, Requant, Residual};
use bitgauge_arch::command::{Compute, RegisterFile};
use bitgauge_arch::timing::{self, COMPUTE_SETUP, FEED_LATENCY, POST_LATENCY};
use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::Shape;
use bitgauge_rtl::units::compute::drain::Drain;
use bitgauge_rtl::verilog::{Options, Reset, elaborate};
use rust_hdl::prelude::{Block, simulate};
use std::collections::BTreeMap;

/// A number that looks random but only depends on its arguments: the memories' contents.
fn hash(kind: u64, a: u64, b: u64) -> u64 {
    let mut x = kind.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ a.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (b << 32);
    for _ in 0..3 {
        x = (x ^ (x >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
    }
    x ^ (x >> 31)
}

struct Random(u64, u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.1 += 1;
        hash(77, self.0, self.1)
    }
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
    fn of(&mut self, choices: &[u64]) -> u32 {
        choices[self.below(choices.len() as u64) as usize] as u32
    }
}

fn accelerator(rows: u32, cols: u32, lanes: u32) -> Accelerator {
    let mut accelerator =
        Accelerator::from_toml(include_str!("../../../designs/reference-16x16.toml")).unwrap();
    (accelerator.array.rows, accelerator.array.cols) = (rows, cols);
    (accelerator.post.lanes, accelerator.vector.lanes) = (lanes, 1);
    accelerator.memory.bus_bits = 32;
    accelerator.vector.channel_shifts = rows == 3 || rows == 4;
    accelerator.check().unwrap();
    accelerator
}

fn command(random: &mut Random, accelerator: &Accelerator) -> Compute {
    let near = |random: &mut Random, span: u64| random.below(2 * span) as i32 - span as i32;
    let span = [4, 300, 1 << 15][random.below(3) as usize];
    let rows = u64::from(accelerator.array.rows);
    let cols = u64::from(accelerator.array.cols);
    let table_enable = random.of(&[0, 0, 1]);
    Compute {
        out_rows: random.of(&[1, 1, 2, 3, 0]),
        out_cols: random.of(&[1, 2, 3, rows, rows + 1]),
        outputs: random.of(&[1, 2, cols - 1, cols, cols + 1, 2 * cols]),
        kernel_rows: 1,
        kernel_cols: 1,
        segments: random.of(&[1, 1, 2]),
        channels: 1 + random.below(2 * u64::from(accelerator.line_bytes())) as u32,
        output_line: random.next() as u32 & 0xff_ffff,
        output_pixel_stride: random.of(&[1, 3, 65535]),
        parameter_base: random.next() as u32 & 0xffff,
        parameter_per_row: random.of(&[0, 0, 1]),
        output_wide: if table_enable == 1 { 0 } else { random.of(&[0, 1]) },
        table_enable,
        table_select: random.of(&[0, 1]),
        residual_enable: random.of(&[0, 1]),
        residual_wide: random.of(&[0, 1]),
        zero_point: near(random, span),
        clamp_low: near(random, span),
        clamp_high: near(random, span),
        residual_line: random.next() as u32 & 0xff_ffff,
        residual_shift: random.of(&[0, 1, 8, 15, 17, 63]),
        residual_mantissa: 1 << 15 | random.below(1 << 15) as u32,
        residual_zero_point: near(random, span),
        residual_pixel_stride: random.of(&[0, 2, 65535]),
        ..Compute::default()
    }
}

fn sum(fold: u64, row: u64, column: u64) -> i32 {
    let value = hash(1, fold, row << 8 | column) as i32;
    match value & 7 {
        0 => i32::MIN,
        1 => i32::MAX,
        2 | 3 => value >> 20,
        _ => value >> 8,
    }
}

/// Shifts and mantissas of every kind, also those that no compiler makes.
fn entry(address: u64) -> u64 {
    let word = hash(2, address, 0);
    let shift = [0, 1, 12, 16, 20, 24, 31, 47, 63][(word >> 55) as usize % 9];
    let bias = match word & 3 {
        0 => word & 0xffff_ffff,
        1 => 0x8000_0000,
        _ => u64::from(((word as i32) >> 16) as u32),
    };
    bias | (word & 0xffff_0000_0000) | shift << 48 | (word & (0x3ff << 54))
}

fn line_byte(address: u64, byte: u64) -> u8 {
    hash(3, address & 0xff_ffff, byte) as u8
}

fn table(address: u64) -> u8 {
    hash(4, address, 0) as u8
}

/// The output code of a pixel and column.
fn code(c: &Compute, a: &Accelerator, pixel: u64, column: u64, sum: i32) -> i32 {
    let line = u64::from(a.line_bytes());
    let parameter =
        entry((u64::from(c.parameter_base) + if c.parameter_per_row == 1 { pixel } else { column }) & 0xffff);
    let mut value = ChannelParameter::from_bytes(parameter.to_le_bytes()).requantize(sum);
    if c.residual_enable == 1 {
        let at = u64::from(c.residual_line) + pixel * u64::from(c.residual_pixel_stride);
        let byte = |byte: u64| line_byte(at + byte / line, byte % line);
        let code = if c.residual_wide == 1 {
            i32::from(i16::from_le_bytes([byte(2 * column), byte(2 * column + 1)]))
        } else {
            i32::from(byte(column) as i8)
        };
        let requant =
            Requant { mantissa: c.residual_mantissa as u16, shift: c.residual_shift.clamp(1, 47) as u8 };
        let shift = if a.vector.channel_shifts { (parameter >> 56 & 15) as i32 } else { 0 };
        // Four bits with a sign.
        let shift = if shift < 8 { shift } else { shift - 16 };
        let requant = Requant { shift: (i32::from(requant.shift) + shift).clamp(1, 47) as u8, ..requant };
        value += Residual { zero_point: c.residual_zero_point, requant }.rescale(code);
    }
    let post = Post { zero_point: c.zero_point, clamp_low: c.clamp_low, clamp_high: c.clamp_high };
    value = post.finish(value);
    if c.table_enable == 1 {
        value = i32::from(table(256 * u64::from(c.table_select) + (value & 255) as u64));
    }
    value
}

/// What has to happen in a cycle.
#[derive(Clone, Default)]
struct Cycle {
    push: Option<bool>,
    registers: Option<Vec<u32>>,
    fold_end: Option<(u64, u64, bool)>,
    /// Fold number, row, group.
    read: Option<(u64, u64, u64)>,
    residual: Option<u64>,
    parameter: Option<u64>,
    table: bool,
    /// Address, enables, bytes.
    write: Option<(u64, u64, Vec<u8>)>,
    done: bool,
}

/// The contract, command by command.
fn expect(accelerator: &Accelerator, commands: &[(u64, Compute)]) -> BTreeMap<u64, Cycle> {
    let mut cycles: BTreeMap<u64, Cycle> = BTreeMap::new();
    let (line, lanes) = (u64::from(accelerator.line_bytes()), u64::from(accelerator.post.lanes));
    let (rows, cols) = (u64::from(accelerator.array.rows), u64::from(accelerator.array.cols));
    let (mut shadow_free, mut drain_free, mut first_free, mut last_end, mut number) = (0, 0, 5, 0, 0);
    for (gap, c) in commands {
        let t = timing::compute(accelerator, c);
        let start: u64 = first_free + gap;
        cycles.entry(start + 1).or_default().push = Some(t.folds() == 0);
        cycles.entry(start + 1).or_default().registers = Some(c.to_registers().unwrap());
        let mut end = start + COMPUTE_SETUP;
        first_free = end;
        if t.folds() > 0 {
            let fold_free: u64 = u64::max(shadow_free, u64::saturating_sub(drain_free, t.drain_offset));
            let feed = (start + COMPUTE_SETUP).max(fold_free.saturating_sub(FEED_LATENCY + t.beats));
            first_free = feed + t.feed_cycles();
            end = feed + t.end();
            shadow_free = feed + t.last_fold_end() + t.drain_interval;
            drain_free = feed + t.last_fold_end() + t.drain_offset + t.drain_cycles;
            let pixels = u64::from(c.out_rows * c.out_cols);
            let outputs = u64::from(c.outputs);
            let steps = t.drain_cycles / (rows * (cols / lanes));
            for fold in 0..t.folds() {
                let (pixel, column) = (fold % t.row_folds * rows, fold / t.row_folds * cols);
                let fold_end = feed + FEED_LATENCY + t.beats + fold * t.interval;
                cycles.entry(fold_end).or_default().fold_end = Some((pixel, column, fold + 1 == t.folds()));
                let (first, count) = if c.parameter_per_row == 1 {
                    (pixel, rows.min(pixels - pixel))
                } else {
                    (column, cols.min(outputs - column))
                };
                for i in 0..count {
                    let cycle = cycles.entry(fold_end + i).or_default();
                    cycle.parameter = Some((u64::from(c.parameter_base) + first + i) & 0xffff);
                }
                for turn in 0..t.drain_cycles {
                    let (step, row, group) = (turn % steps, turn / steps % rows, turn / steps / rows);
                    let d = fold_end + t.drain_offset + turn;
                    cycles.entry(d).or_default().read = Some((number + fold, row, group));
                    let lanes_here =
                        if steps == 2 { step * lanes / 2..(step + 1) * lanes / 2 } else { 0..lanes };
                    let columns: Vec<u64> = lanes_here
                        .map(|lane| column + group * lanes + lane)
                        .filter(|column| *column < outputs && pixel + row < pixels)
                        .collect();
                    let Some(least) = columns.first() else { continue };
                    let at = |base: u32, stride: u32, wide: u32| {
                        let line_in = least * u64::from(1 + wide) / line;
                        (u64::from(base) + (pixel + row) * u64::from(stride) + line_in) & 0xff_ffff
                    };
                    if c.residual_enable == 1 {
                        cycles.entry(d).or_default().residual =
                            Some(at(c.residual_line, c.residual_pixel_stride, c.residual_wide));
                    }
                    cycles.entry(d + 7).or_default().table = c.table_enable == 1;
                    let (mut enables, mut bytes) = (0u64, vec![0; line as usize]);
                    for n in &columns {
                        let value =
                            code(c, accelerator, pixel + row, *n, sum(number + fold, row, n - column));
                        for part in 0..u64::from(1 + c.output_wide) {
                            let byte = (n * u64::from(1 + c.output_wide) + part) % line;
                            enables |= 1 << byte;
                            bytes[byte as usize] = (value >> (8 * part)) as u8;
                        }
                    }
                    cycles.entry(d + POST_LATENCY).or_default().write =
                        Some((at(c.output_line, c.output_pixel_stride, c.output_wide), enables, bytes));
                }
            }
        }
        number += t.folds();
        last_end = end.max(last_end + 1);
        cycles.entry(last_end - 1).or_default().done = true;
    }
    cycles
}

/// Plays commands; every output is checked in every cycle.
fn play(
    accelerator: &Accelerator,
    commands: &[(u64, Compute)],
    unit: &mut Drain,
    bench: &mut Bench,
    noise: &mut Random,
) {
    let cycles = expect(accelerator, commands);
    let last = *cycles.keys().last().unwrap();
    let (lanes, line) = (u64::from(accelerator.post.lanes), u64::from(accelerator.line_bytes()));
    let idle = Cycle::default();
    let (mut residual, mut parameter, mut tables, mut read) = (None, None, None::<Vec<u64>>, None);
    let mut in_flight = 0;
    for now in 0..last + 3 {
        let cycle = cycles.get(&now).unwrap_or(&idle);
        unit.push.next = cycle.push.is_some();
        unit.push_empty.next = cycle.push.unwrap_or(noise.below(2) == 1);
        if let Some(registers) = &cycle.registers {
            for (signal, value) in unit.registers.iter_mut().zip(registers) {
                signal.next = i64::from(*value).into();
            }
        }
        let (pixel, column, fold_last) =
            cycle.fold_end.unwrap_or((noise.below(9), noise.below(9), noise.below(2) == 1));
        unit.fold_end.next = cycle.fold_end.is_some();
        unit.fold_pixel.next = (pixel as i64).into();
        unit.fold_column.next = (column as i64).into();
        unit.fold_last.next = fold_last;
        for lane in 0..lanes {
            let value = match read {
                Some((fold, row, group)) => sum(fold, row, group * lanes + lane),
                None => noise.next() as i32,
            };
            unit.sum[lane as usize].next = value.into();
            let byte = tables.as_ref().map_or(noise.next() as u8, |at| table(at[lane as usize]));
            unit.table_rdata[lane as usize].next = i64::from(byte).into();
        }
        for byte in 0..line {
            let value = residual.map_or(noise.next() as u8, |at| line_byte(at, byte));
            unit.residual_rdata[byte as usize].next = i64::from(value).into();
        }
        let value = parameter.map_or_else(|| noise.next(), entry);
        unit.parameter_rdata.next = i128::from(value).into();

        unit.clock.next.clk = false;
        assert!(simulate(unit, 1000));
        let number = |value: bitgauge_rtl::value::Word| value.value() as u64;
        if let Some((_, row, group)) = cycle.read {
            assert_eq!((number(unit.drain_row.val()), number(unit.drain_group.val())), (row, group), "{now}");
        }
        read = cycle.read;
        residual = unit.residual_re.val().then(|| number(unit.residual_raddr.val()));
        assert_eq!(residual, cycle.residual, "residual in cycle {now}");
        parameter = unit.parameter_re.val().then(|| number(unit.parameter_raddr.val()));
        assert_eq!(parameter, cycle.parameter, "parameter in cycle {now}");
        tables = unit.table_re.val().then(|| unit.table_raddr.iter().map(|at| number(at.val())).collect());
        assert_eq!(tables.is_some(), cycle.table, "table in cycle {now}");
        let enables = number(unit.we.val());
        let written = (enables != 0).then(|| {
            let byte = |(index, data): (usize, &bitgauge_rtl::signal::Sig)| {
                if enables >> index & 1 == 1 { number(data.val()) as u8 } else { 0 }
            };
            (number(unit.waddr.val()), enables, unit.wdata.iter().enumerate().map(byte).collect())
        });
        assert_eq!(written, cycle.write, "write in cycle {now} of {commands:?}");
        assert_eq!(unit.done.val(), cycle.done, "done in cycle {now}");
        assert_eq!(unit.draining.val(), in_flight > 0, "draining in cycle {now}");
        in_flight += i32::from(cycle.push.is_some()) - i32::from(cycle.done);
        assert!(bench.cycle(unit, |unit| &mut unit.clock));
    }
    assert_eq!(in_flight, 0);
}

/// Commands back to back, several times; then the Verilog with the same vectors.
fn drain_follows_the_contract(rows: u32, cols: u32, lanes: u32, runs: usize) {
    let accelerator = accelerator(rows, cols, lanes);
    let mut unit = Drain::new(&Shape::of(&accelerator));
    unit.connect_all();
    let print = |reset| elaborate(&unit, &Options { reset, ..Options::default() }).unwrap();
    let (design, resettable) = (print(Reset::Initial), print(Reset::Synchronous));
    let mut bench = Bench::new(&design);
    // Memories start with zeros in the model.
    let mut zero = |path: &str, depth: usize| {
        for word in 0..depth {
            bench.setup(&format!("dut.{path}.words[{word}] = 0;"));
        }
        bench.setup(&format!("dut.{path}.rdata = 0;"));
    };
    for memory in ["folds", "lines", "turns", "residual", "post"] {
        zero(&format!("u_contexts.u_{memory}"), 8);
    }
    zero("u_delay", 8);
    let entries = 2 * rows.max(cols / lanes).next_power_of_two();
    for lane in 0..lanes {
        zero(&format!("u_lane_{lane}.u_entries"), entries as usize);
    }
    let mut random = Random(u64::from(rows * 64 + cols * 8 + lanes), 0);
    let (mut wide, mut rows_alone, mut empty) = (0, 0, 0);
    for _ in 0..runs {
        let commands: Vec<_> = (0..1 + random.below(5))
            .map(|_| (random.of(&[0, 0, 0, 1, 7]).into(), command(&mut random, &accelerator)))
            .collect();
        for (_, c) in &commands {
            wide += c.output_wide;
            rows_alone += c.parameter_per_row;
            empty += u32::from(c.out_rows == 0);
        }
        play(&accelerator, &commands, &mut unit, &mut bench, &mut random);
    }
    assert!(runs < 8 || wide > 1 && rows_alone > 1 && empty > 1);
    common::icarus(&design, &bench);
    for design in [&design, &resettable] {
        common::verilator(design);
        common::yosys(design);
    }
}

#[test]
fn drain_2x2_of_one_lane() {
    drain_follows_the_contract(2, 2, 1, 12);
}

#[test]
fn drain_2x2_of_two_lanes() {
    drain_follows_the_contract(2, 2, 2, 12);
}

#[test]
fn drain_4x6_of_two_lanes() {
    drain_follows_the_contract(4, 6, 2, 8);
}

#[test]
fn drain_3x4_of_four_lanes() {
    drain_follows_the_contract(3, 4, 4, 16);
}

#[test]
fn drain_8x8_of_eight_lanes() {
    drain_follows_the_contract(8, 8, 8, 6);
}

#[test]
fn drain_2x16_of_one_lane() {
    drain_follows_the_contract(2, 16, 1, 3);
}

#[test]
fn the_offset_does_not_depend_on_the_command() {
    for rows in [2, 3, 8, 31, 64] {
        for cols in [2, 6, 8, 48, 64] {
            for lanes in [1, 2, 4, 8, 16, 32, 64] {
                if cols % lanes == 0 {
                    let accelerator = accelerator(rows, cols, lanes);
                    let offset = |output_wide| {
                        timing::compute(&accelerator, &Compute { output_wide, ..Compute::default() })
                            .drain_offset
                    };
                    assert_eq!(offset(0), offset(1));
                    assert!(offset(0) >= 1);
                }
            }
        }
    }
}
