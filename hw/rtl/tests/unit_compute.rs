//! The whole compute unit: from registers and operands to bytes written, and the cycle of every end.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_arch::Accelerator;
use bitgauge_arch::arith::{ChannelParameter, Post, Requant, Residual};
use bitgauge_arch::code::OperandContainer;
use bitgauge_arch::command::{Compute as Command, RegisterFile};
use bitgauge_arch::description::MacKind;
use bitgauge_arch::timing::{COMPUTE_SETUP, FEED_LATENCY, compute};
use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::Shape;
use bitgauge_rtl::units::compute::Compute;
use bitgauge_rtl::verilog::{Options, Reset, elaborate};
use rust_hdl::prelude::{Block, simulate};
use std::collections::BTreeMap;

const ACTIVATION: u64 = 0;
const WEIGHT: u64 = 1;
const RESIDUAL: u64 = 2;
const PARAMETER: u64 = 3;
const TABLE: u64 = 4;

/// What the memories hold.
fn content(space: u64, address: u64, byte: u64) -> u8 {
    let mut x = (space << 50) ^ (address << 8) ^ byte;
    for _ in 0..2 {
        x = (x ^ (x >> 23)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    (x >> 40) as u8
}

fn entry(address: u64) -> [u8; 8] {
    std::array::from_fn(|byte| match byte {
        5 => content(PARAMETER, address, 5) | 128,
        6 => 8 + content(PARAMETER, address, 6) % 24,
        7 => 0,
        _ => content(PARAMETER, address, byte as u64),
    })
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) % u64::from(end.max(1))) as u32
    }
}

fn accelerator(rows: u32, cols: u32, lanes: u32, bus: u32) -> Accelerator {
    let mut a = Accelerator::from_toml(include_str!("../../../designs/reference-16x16.toml")).unwrap();
    (a.array.rows, a.array.cols, a.post.lanes, a.vector.lanes) = (rows, cols, lanes, 1);
    a.memory.bus_bits = 8 * bus;
    a.check().unwrap();
    a
}

fn command(random: &mut Random, accelerator: &Accelerator, number: u32) -> Command {
    let short = random.below(2);
    Command {
        activation_line: random.below(1 << 20),
        weight_line: random.below(1 << 20),
        output_line: number << 12,
        output_pixel_stride: 40,
        out_rows: random.below(4),
        out_cols: 1 + random.below(accelerator.array.rows + 1),
        in_rows: 1 + random.below(5),
        in_cols: 1 + random.below(5),
        kernel_rows: 1 + random.below(2) * (1 - short),
        kernel_cols: 1 + random.below(3) * (1 - short),
        stride_rows: 1,
        stride_cols: 1 + random.below(2),
        pad_top: random.below(2),
        pad_left: random.below(2),
        dilation_rows: 1,
        dilation_cols: 1 + random.below(2),
        channels: 1 + random.below(accelerator.line_bytes() * (2 - short)),
        segments: 1 + random.below(2) * (1 - short),
        segment_stride: 2,
        pad_code: random.below(256),
        row_stride: 40,
        activation_signed: random.below(2),
        grouped: random.below(2),
        parameter_per_row: random.below(2),
        pixel_stride: 5,
        outputs: 1 + random.below(2 * accelerator.array.cols + 1),
        weight_stride: 30,
        parameter_base: random.below(100),
        output_wide: random.below(2),
        table_enable: 0,
        residual_enable: random.below(2),
        residual_wide: random.below(2),
        zero_point: random.below(20) as i32 - 10,
        residual_shift: 16,
        clamp_low: -(random.below(300) as i32),
        clamp_high: random.below(300) as i32,
        residual_line: random.below(1 << 20),
        residual_mantissa: 40_000,
        residual_zero_point: 3,
        residual_pixel_stride: 20,
        activation_bits: [0, 2, 3, 4, 5, 6, 7, 8][random.below(8) as usize],
        weight_bits: [0, 2, 3, 4, 5, 6, 7, 8][random.below(8) as usize],
        ..Command::default()
    }
}

/// The low bits of a byte as a number.
fn read(byte: u8, bits: u32, signed: bool) -> i32 {
    let value = i32::from(byte) & ((1 << bits) - 1);
    if signed && value >> (bits - 1) == 1 { value - (1 << bits) } else { value }
}

/// The code of pixel `i` and output `n`, as the registers define it.
fn code(a: &Accelerator, c: &Command, i: u32, n: u32) -> i32 {
    let (line, cols) = (a.line_bytes(), a.array.cols);
    // Narrow codes lie two or four to a byte; those of the last byte all count.
    let (bits, per_byte) = (8 >> c.container, 1 << c.container);
    let segment = c.channels.div_ceil(per_byte);
    let words = segment.div_ceil(line);
    let group = if c.grouped == 1 { n / cols * cols / (line * per_byte) } else { 0 };
    let mut sum = 0i32;
    let reads = a.array.reads(c.operands());
    for position in 0..c.kernel_rows * c.kernel_cols * c.segments {
        let (g, tap) = (position % c.segments, position / c.segments);
        let (r, s) = (tap / c.kernel_cols, tap % c.kernel_cols);
        let iy = (i / c.out_cols * c.stride_rows + r * c.dilation_rows) as i32 - c.pad_top as i32;
        let ix = (i % c.out_cols * c.stride_cols + s * c.dilation_cols) as i32 - c.pad_left as i32;
        let inside = iy >= 0 && ix >= 0 && iy < c.in_rows as i32 && ix < c.in_cols as i32;
        for k in 0..segment * per_byte {
            let (word, byte) = (k / per_byte / line, u64::from(k / per_byte % line));
            let place = k % per_byte * bits;
            let at = |base: u32| u64::from(base + g * c.segment_stride + group + word);
            let raw = if inside {
                let base = c.activation_line + iy as u32 * c.row_stride + ix as u32 * c.pixel_stride;
                content(ACTIVATION, at(base), byte)
            } else {
                c.pad_code as u8
            };
            let weight = c.weight_line + n * c.weight_stride + position * words + word;
            let weight = content(WEIGHT, u64::from(weight), byte);
            // Wider reads than containers see the sign.
            let signed = c.activation_signed == 1;
            let activation = if c.tag_shift > 0 {
                // The tag above the payload says its place.
                let tag = c.operands().activation_bits - 1;
                let shift = c.tag_shift * u32::from(raw >> place >> tag & 1);
                read(raw >> place, tag, signed) << shift
            } else {
                read(raw >> place, reads.activation_bits.min(bits), signed)
            };
            sum = sum.wrapping_add(activation * read(weight >> place, reads.weight_bits.min(bits), true));
        }
    }
    let parameter = c.parameter_base + if c.parameter_per_row == 1 { i } else { n };
    let mut value = ChannelParameter::from_bytes(entry(u64::from(parameter))).requantize(sum);
    if c.residual_enable == 1 {
        let first = (c.residual_line + i * c.residual_pixel_stride) * line;
        let byte = |index: u32| {
            content(RESIDUAL, u64::from((first + index) / line), u64::from((first + index) % line))
        };
        let residual = match c.residual_wide {
            1 => i32::from(i16::from_le_bytes([byte(2 * n), byte(2 * n + 1)])),
            _ => i32::from(byte(n) as i8),
        };
        let requant = Requant { mantissa: c.residual_mantissa as u16, shift: c.residual_shift as u8 };
        value += Residual { zero_point: c.residual_zero_point, requant }.rescale(residual);
    }
    let post = Post { zero_point: c.zero_point, clamp_low: c.clamp_low, clamp_high: c.clamp_high };
    let value = post.finish(value);
    if c.table_enable == 1 {
        return i32::from(content(TABLE, u64::from(c.table_select), (value & 255) as u64));
    }
    value
}

/// When commands may start and end: the contract's formulas, one command after the other.
#[derive(Default)]
struct Clock {
    shadow_free: u64,
    drain_free: u64,
    last_end: u64,
}

impl Clock {
    /// First cycle in which the stage is free again, and the command's end.
    fn place(&mut self, a: &Accelerator, c: &Command, start: u64) -> (u64, u64) {
        let timing = compute(a, c);
        let setup_end = start + COMPUTE_SETUP;
        let (mut free, mut end) = (setup_end, setup_end);
        if timing.folds() > 0 {
            let fold_end = self.shadow_free.max(self.drain_free.saturating_sub(timing.drain_offset));
            let feed_start = setup_end.max(fold_end.saturating_sub(FEED_LATENCY + timing.beats));
            free = feed_start + timing.feed_cycles();
            end = feed_start + timing.end();
            let last = feed_start + timing.last_fold_end();
            self.shadow_free = last + timing.drain_interval;
            self.drain_free = last + timing.drain_offset + timing.drain_cycles;
        }
        self.last_end = end.max(self.last_end + 1);
        (free, self.last_end)
    }
}

/// Fills the drain's memories with the zeros of the model, which shows don't-cares of theirs on ports. The
/// feeders show none.
fn fill_memories(bench: &mut Bench, shape: &Shape) {
    let entries = shape.rows.max(shape.cols / shape.post_lanes).next_power_of_two();
    let kept = ["folds", "lines", "turns", "residual", "post"].map(|name| (format!("contexts.u_{name}"), 8));
    let lanes = (0..shape.post_lanes).map(|lane| (format!("lane_{lane}.u_entries"), 2 * entries));
    for (path, depth) in kept.into_iter().chain(lanes).chain([("delay".to_owned(), 8)]) {
        for word in 0..depth {
            bench.setup(&format!("dut.u_drain.u_{path}.words[{word}] = 0;"));
        }
        bench.setup(&format!("dut.u_drain.u_{path}.rdata = 0;"));
    }
}

/// The memories' answers to the reads of this cycle; `None` keeps what was read last.
fn answers(unit: &Compute, line: usize) -> [Option<Vec<i64>>; 5] {
    let bytes = |enabled: bool, space: u64, address: i128| {
        let bytes = (0..line as u64).map(move |byte| i64::from(content(space, address as u64, byte)));
        enabled.then(|| bytes.collect::<Vec<_>>())
    };
    let parameter = i64::from_le_bytes(entry(unit.parameter_raddr.val().value() as u64));
    let table = |address: i128| i64::from(content(TABLE, address as u64 >> 8, address as u64 & 255));
    [
        bytes(unit.activation_re.val(), ACTIVATION, unit.activation_raddr.val().value()),
        bytes(unit.weight_re.val(), WEIGHT, unit.weight_raddr.val().value()),
        bytes(unit.residual_re.val(), RESIDUAL, unit.residual_raddr.val().value()),
        unit.parameter_re.val().then(|| vec![parameter]),
        unit.table_re.val().then(|| unit.table_raddr.iter().map(|port| table(port.val().value())).collect()),
    ]
}

fn play(a: &Accelerator, count: u32, tools: bool, seed: u64) {
    let shape = Shape::of(a);
    let mut unit = Compute::new(&shape);
    unit.connect_all();
    let print = |reset| elaborate(&unit, &Options { reset, ..Options::default() }).unwrap();
    let (design, resettable) = (print(Reset::Initial), print(Reset::Synchronous));
    let mut bench = Bench::new(&design);
    fill_memories(&mut bench, &shape);
    let mut random = Random(seed);
    let (mut clock, mut free, mut next, mut ends) = (Clock::default(), 0, 0, vec![]);
    let mut flying: Vec<(u64, u64)> = vec![];
    let (mut expected, mut written, mut done) = (BTreeMap::new(), BTreeMap::new(), vec![]);
    let mut registers = None;
    let mut read: [Option<Vec<i64>>; 5] = [const { None }; 5];
    let mut now = 0;
    while next < count || now < clock.last_end + 4 {
        flying.retain(|command| command.1 > now);
        let start = next < count && now >= free && flying.len() < 8 && random.below(4) > 0;
        unit.start.next = start;
        if let Some(values) = registers.take() {
            let values: Vec<u32> = values;
            for (port, value) in unit.registers.iter_mut().zip(values) {
                port.next = i64::from(value).into();
            }
        }
        let [activation, weight, residual, parameter, table] = read;
        for (ports, values) in [
            (&mut unit.activation_rdata, activation),
            (&mut unit.weight_rdata, weight),
            (&mut unit.residual_rdata, residual),
            (&mut unit.table_rdata, table),
        ] {
            for (port, value) in ports.iter_mut().zip(values.into_iter().flatten()) {
                port.next = value.into();
            }
        }
        if let Some(values) = parameter {
            let values: Vec<i64> = values;
            unit.parameter_rdata.next = values[0].into();
        }
        if start {
            let mut c = command(&mut random, a, next + 1);
            if a.array.mac == MacKind::Fixed && a.array.operand_bits < 8 {
                c.container = OperandContainer::of_bits(a.array.operand_bits).code();
                (c.activation_bits, c.weight_bits) = (2, a.array.operand_bits);
            }
            if a.array.mac != MacKind::Fixed {
                c.container = random.below(3);
                let most = 8 >> c.container;
                (c.activation_bits, c.weight_bits) = (2 + random.below(most - 1), 2 + random.below(most - 1));
            }
            let most = (8u32 >> c.container).min(a.array.widest());
            if a.array.tag_shift > 0 && most > 2 && random.below(3) > 0 {
                c.tag_shift = 1 + random.below(a.array.tag_shift);
                c.activation_bits = 3 + random.below(most - 2);
            }
            if c.output_wide == 0 && random.below(3) == 0 {
                (c.table_enable, c.table_select) = (1, random.below(2));
            }
            let line = a.line_bytes();
            for (i, n) in (0..c.out_rows * c.out_cols).flat_map(|i| (0..c.outputs).map(move |n| (i, n))) {
                let bytes = (code(a, &c, i, n) as u16).to_le_bytes();
                let width = 1 + c.output_wide;
                for (index, byte) in bytes.iter().enumerate().take(width as usize) {
                    let at = (c.output_line + i * c.output_pixel_stride) * line + n * width + index as u32;
                    expected.insert(at, *byte);
                }
            }
            let end;
            (free, end) = clock.place(a, &c, now);
            ends.push(end - 1);
            flying.push((now, end));
            registers = Some(c.to_registers().unwrap());
            next += 1;
        }
        unit.clock.next.clk = false;
        assert!(simulate(&mut unit, 1000));
        assert_eq!(unit.ready.val(), now >= free || start, "ready in {now}");
        if now >= free {
            assert_eq!(unit.busy.val(), !flying.is_empty(), "draining in {now}");
        }
        if unit.done.val() {
            done.push(now);
        }
        for index in 0..shape.line {
            if unit.we.val().get_bit(index) {
                let at = unit.waddr.val().value() as u32 * a.line_bytes() + index as u32;
                let before = written.insert(at, unit.wdata[index].val().value() as u8);
                assert_eq!(before, None, "a byte is written twice");
            }
        }
        read = answers(&unit, shape.line);
        if tools {
            bench.capture(&unit);
        }
        unit.clock.next.clk = true;
        assert!(simulate(&mut unit, 1000));
        now += 1;
    }
    assert_eq!(done, ends);
    assert!(written == expected, "{} bytes, {} expected", written.len(), expected.len());
    assert!(written.len() > 100);
    if tools {
        common::icarus(&design, &bench);
        for design in [&design, &resettable] {
            common::verilator(design);
            common::yosys(design);
        }
    }
}

#[test]
fn commands_write_what_registers_say_and_end_in_their_cycle() {
    play(&accelerator(2, 2, 1, 4), 60, false, 1);
    play(&accelerator(4, 4, 4, 4), 40, false, 2);
    play(&accelerator(3, 8, 4, 16), 12, false, 3);
}

#[test]
fn printed_units_agree_with_icarus() {
    play(&accelerator(2, 4, 4, 4), 15, true, 4);
    play(&accelerator(4, 6, 2, 8), 8, true, 5);
}

#[test]
fn every_kind_writes_what_registers_say() {
    use MacKind::{Fixed, Fusible, Serial};
    for (mac, lanes, slice, port, [rows, cols, post], count) in [
        (Fixed, 4, 1, 0, [4, 4, 4], 18),
        (Fixed, 2, 1, 8, [3, 4, 2], 18),
        (Serial, 8, 1, 8, [2, 4, 4], 18),
        (Serial, 16, 8, 0, [4, 3, 1], 18),
        (Serial, 8, 2, 16, [3, 2, 2], 18),
        (Serial, 32, 4, 0, [4, 4, 2], 18),
        (Serial, 64, 1, 0, [2, 2, 1], 18),
        (Fusible, 1, 1, 0, [3, 4, 2], 12),
    ] {
        let mut a = accelerator(rows, cols, post, 4);
        (a.array.mac, a.array.lanes, a.array.slice_bits, a.array.port_bits) = (mac, lanes, slice, port);
        // Every other one takes codes of two scales.
        a.array.tag_shift = if rows % 2 == 1 { 6 } else { 0 };
        a.check().unwrap();
        let seed = u64::from(lanes * 100 + slice);
        play(&a, count, false, seed);
        play(&a, count, true, seed + 1);
    }
    for (operand, lanes, [rows, cols, post]) in
        [(4, 1, [4, 4, 2]), (3, 4, [4, 2, 2]), (2, 8, [3, 4, 1]), (7, 1, [2, 4, 4])]
    {
        let mut a = accelerator(rows, cols, post, 8);
        (a.array.operand_bits, a.array.lanes, a.array.port_bits) = (operand, lanes, 0);
        a.check().unwrap();
        play(&a, 18, operand == 3, u64::from(operand));
    }
}
