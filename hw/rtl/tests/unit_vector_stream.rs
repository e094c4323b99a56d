//! The vector unit's streaming functions against a plain model: every byte, and the cycle of the end.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use bitgauge_arch::Accelerator;
use bitgauge_arch::arith::layernorm::layernorm_token;
use bitgauge_arch::arith::requantize::MAX_SHIFT;
use bitgauge_arch::arith::softmax::softmax_row;
use bitgauge_arch::arith::{ChannelParameter, Post, Requant, Residual, Signedness};
use bitgauge_arch::code::Container;
use bitgauge_arch::command::{
    Command as Script, Operation, RegisterFile, Vector as Command, VectorFunction as F,
};
use bitgauge_arch::footprint::{Access, Port, Space, footprint};
use bitgauge_arch::timing::vector_cycles;
use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::Shape;
use bitgauge_rtl::units::vector::Vector;
use bitgauge_rtl::verilog::{Design, Options, Reset, elaborate};
use rust_hdl::prelude::{Block, simulate};

const LINES: usize = 1024;

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, end: u32) -> u32 {
        ((self.next() >> 16) % u64::from(end)) as u32
    }
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 24) as u8).collect()
    }
}

fn accelerator(line: u32, lanes: u32) -> Accelerator {
    let mut a = Accelerator::from_toml(include_str!("../../../designs/reference-16x16.toml")).unwrap();
    (a.array.rows, a.array.cols, a.memory.bus_bits) = (line, line, 32);
    (a.vector.lanes, a.post.lanes) = (lanes, 1);
    assert_eq!(a.line_bytes(), line);
    a
}

/// All memories around the unit.
#[derive(Clone)]
struct Memories {
    activation: Vec<u8>,
    weight: Vec<u8>,
    entries: Vec<u8>,
    table: Vec<u8>,
}

impl Memories {
    fn noise(line: usize, random: &mut Random) -> Memories {
        let mut entries = Vec::new();
        for _ in 0..512 {
            let parameter = ChannelParameter {
                bias: random.next() as i32 >> (8 + random.below(20)),
                requant: Requant {
                    mantissa: 0x8000 | random.next() as u16,
                    shift: 16 + random.below(10) as u8,
                },
                negate: random.below(3) == 0,
                channel_shift: 0,
            };
            let mut bytes = parameter.to_bytes();
            if random.below(12) == 0 {
                // Shifts out of range act as the nearest.
                bytes[6] = bytes[6] & 0xc0 | if random.below(2) == 0 { 0 } else { 60 };
            }
            entries.extend(bytes);
        }
        Memories {
            activation: random.bytes(LINES * line),
            weight: random.bytes(LINES * line),
            entries,
            table: random.bytes(1024),
        }
    }
}

/// The command as its registers are documented.
fn naive(line: usize, v: &Command, before: &Memories) -> Memories {
    let mut after = before.clone();
    let function = v.function().unwrap();
    let sign = if v.source_signed == 1 { Signedness::Signed } else { Signedness::Unsigned };
    let post = Post { zero_point: v.zero_point, clamp_low: v.clamp_low, clamp_high: v.clamp_high };
    let requant = |mantissa: u32, shift: u32| Requant {
        mantissa: mantissa as u16,
        shift: (shift as u8).clamp(1, MAX_SHIFT),
    };
    let first = requant(v.source_mantissa, v.source_shift);
    let second = requant(v.second_mantissa, v.second_shift);
    let channels = v.channels as usize;
    let words = channels.div_ceil(line);
    let activation = &before.activation;
    for i in 0..v.out_rows * v.out_cols {
        let (y, x) = (i64::from(i / v.out_cols), i64::from(i % v.out_cols));
        let to = (v.output_line + i * v.output_pixel_stride) as usize * line;
        let from = (v.source_line + i * v.pixel_stride) as usize * line;
        if function == F::Copy {
            let length = (channels * (1 + v.source_wide as usize)).next_multiple_of(line);
            let target = if v.to_weight == 1 { &mut after.weight } else { &mut after.activation };
            target[to..to + length].copy_from_slice(&activation[from..from + length]);
            continue;
        }
        if function == F::Patch {
            for b in 0..v.kernel_rows * v.run_bytes {
                let (r, k) = (i64::from(b / v.run_bytes), i64::from(b % v.run_bytes));
                let iy = y * i64::from(v.stride_rows) + r * i64::from(v.dilation_rows) - i64::from(v.pad_top);
                let at = x * i64::from(v.run_step_bytes) - i64::from(v.pad_left) + k;
                let inside =
                    (0..i64::from(v.in_rows)).contains(&iy) && (0..i64::from(v.row_bytes)).contains(&at);
                after.activation[to + b as usize] = if inside {
                    let row = i64::from(v.source_line) + iy * i64::from(v.row_stride);
                    activation[(row * line as i64 + at) as usize]
                } else {
                    v.pad_code as u8
                };
            }
            continue;
        }
        if function == F::Softmax {
            let entries = &before.table[512 * v.table_select as usize..][..512];
            let table =
                std::array::from_fn(|index| u16::from_le_bytes([entries[2 * index], entries[2 * index + 1]]));
            let row = &activation[from..from + channels];
            let target = &mut after.activation[to..to + channels];
            softmax_row(row, v.source_signed == 1, &table, v.softmax_code(), target);
            continue;
        }
        if function == F::LayerNorm {
            let base = 8 * v.parameter_base as usize;
            let entries = before.entries[base..base + 8 * channels].as_chunks::<8>().0;
            let parameters: Vec<_> =
                entries.iter().map(|entry| ChannelParameter::from_bytes(*entry)).collect();
            let container = v.source();
            let codes: Vec<i32> =
                (0..channels).map(|at| container.read(&activation[from..], at, sign)).collect();
            layernorm_token(&codes, v.epsilon(), &parameters, |channel, value| {
                let target = &mut after.activation[to..];
                Container::of_flag(v.output_wide).write(target, channel, post.finish(value));
            });
            continue;
        }
        for channel in 0..channels {
            let source = || Container::of_flag(v.source_wide).read(&activation[from..], channel, sign);
            let mut taps = Vec::new();
            for tap in 0..v.kernel_rows * v.kernel_cols {
                let (r, s) = (i64::from(tap / v.kernel_cols), i64::from(tap % v.kernel_cols));
                let iy = y * i64::from(v.stride_rows) + r * i64::from(v.dilation_rows) - i64::from(v.pad_top);
                let ix =
                    x * i64::from(v.stride_cols) + s * i64::from(v.dilation_cols) - i64::from(v.pad_left);
                let inside = iy >= 0 && ix >= 0 && iy < i64::from(v.in_rows) && ix < i64::from(v.in_cols);
                let at =
                    i64::from(v.source_line) + iy * i64::from(v.row_stride) + ix * i64::from(v.pixel_stride);
                let code = if inside {
                    Container::Byte.read(activation, at as usize * line + channel, sign)
                } else {
                    Container::Byte.read(&[v.pad_code as u8], 0, sign)
                };
                let w = before.weight[(v.second_line as usize + tap as usize * words) * line + channel] as i8;
                taps.push((inside, code, i32::from(w)));
            }
            let value = match function {
                F::Add => {
                    let mut value =
                        Residual { zero_point: v.source_zero_point, requant: first }.rescale(source());
                    if v.second_enable == 1 {
                        let at = (v.second_line + i * v.second_pixel_stride) as usize * line;
                        let code = Container::of_flag(v.second_wide).read(&activation[at..], channel, sign);
                        value += Residual { zero_point: v.second_zero_point, requant: second }.rescale(code);
                    }
                    post.finish(value)
                }
                F::Table => {
                    let index = 512 * v.table_select as usize + 2 * (source() & 255) as usize;
                    i32::from(before.table[index])
                }
                F::MaxPool => {
                    let least = if v.source_signed == 1 { -128 } else { 0 };
                    taps.iter().filter(|tap| tap.0).map(|tap| tap.1).max().unwrap_or(least)
                }
                F::AveragePool => {
                    let sum: i64 = taps.iter().map(|tap| i64::from(tap.1 - v.source_zero_point)).sum();
                    post.finish(first.apply(sum))
                }
                _ => {
                    let sum: i32 = taps.iter().map(|tap| tap.1 * tap.2).sum();
                    let entry = 8 * (v.parameter_base as usize + channel);
                    let bytes = before.entries[entry..][..8].try_into().unwrap();
                    post.finish(ChannelParameter::from_bytes(bytes).requantize(sum))
                }
            };
            Container::of_flag(v.output_wide).write(&mut after.activation[to..], channel, value);
        }
    }
    after
}

/// The unit with its memories around it.
struct Machine {
    unit: Vector,
    bench: Bench,
    design: Design,
    line: usize,
    memories: Memories,
    /// Lines read, of activations and of weights.
    reads: Vec<(Space, usize)>,
    /// Lines written by the command.
    writes: Vec<(Space, usize)>,
    written: usize,
}

impl Machine {
    fn new(accelerator: &Accelerator, reset: Reset, random: &mut Random) -> Machine {
        let mut unit = Vector::new(&Shape::of(accelerator));
        unit.connect_all();
        let design = elaborate(&unit, &Options { reset, ..Options::default() }).unwrap();
        let line = accelerator.line_bytes() as usize;
        let bench = Bench::new(&design);
        let memories = Memories::noise(line, random);
        Machine { unit, bench, design, line, memories, reads: vec![], writes: vec![], written: 0 }
    }

    /// One cycle; what the memories do at its end. Returns ready, done and busy as seen in it.
    fn cycle(&mut self) -> [bool; 3] {
        // Settled by the bench, whose values before the edge count: settle here first.
        self.unit.clock.next.clk = false;
        assert!(simulate(&mut self.unit, 1000));
        let (unit, line) = (&mut self.unit, self.line);
        let flags = [unit.ready.val(), unit.done.val(), unit.busy.val()];
        let at = |sig: &bitgauge_rtl::signal::Sig| sig.val().value() as usize;
        let read = unit.re.val().then(|| at(&unit.raddr));
        let weight = unit.weight_re.val().then(|| at(&unit.weight_raddr));
        let parameter = unit.parameter_re.val().then(|| at(&unit.parameter_raddr));
        let table: Option<Vec<usize>> =
            unit.table_re.val().then(|| unit.table_raddr.iter().map(at).collect());
        let mut writes = Vec::new();
        for b in 0..line {
            if at(&unit.we) >> b & 1 == 1 {
                writes.push((false, at(&unit.waddr) * line + b, at(&unit.wdata[b]) as u8));
            }
            if at(&unit.weight_we) >> b & 1 == 1 {
                writes.push((true, at(&unit.weight_waddr) * line + b, at(&unit.weight_wdata[b]) as u8));
            }
        }
        assert!(self.bench.cycle(&mut self.unit, |unit| &mut unit.clock));
        let (unit, memories) = (&mut self.unit, &mut self.memories);
        if let Some(read) = read {
            self.reads.push((Space::Activation, read));
            for b in 0..line {
                unit.rdata[b].next = i64::from(memories.activation[read * line + b]).into();
            }
        }
        if let Some(read) = weight {
            self.reads.push((Space::Weight, read));
            for b in 0..line {
                unit.weight_rdata[b].next = i64::from(memories.weight[read * line + b]).into();
            }
        }
        let lanes = unit.parameter_rdata.len();
        if let Some(read) = parameter {
            for l in 0..lanes {
                let bytes = memories.entries[8 * (read * lanes + l)..][..8].try_into().unwrap();
                unit.parameter_rdata[l].next = i128::from(u64::from_le_bytes(bytes)).into();
            }
        }
        for (l, entry) in table.into_iter().flatten().enumerate() {
            let entry = u16::from_le_bytes([memories.table[2 * entry], memories.table[2 * entry + 1]]);
            unit.table_rdata[l].next = i64::from(entry).into();
        }
        for (to_weight, at, byte) in writes {
            self.writes.push((if to_weight { Space::Weight } else { Space::Activation }, at / line));
            if to_weight { memories.weight[at] = byte } else { memories.activation[at] = byte }
        }
        flags
    }

    /// Runs a command, with `gap` cycles after the end of the one before.
    fn run(&mut self, accelerator: &Accelerator, v: &Command, gap: u32) {
        for _ in 0..gap {
            assert_eq!(self.cycle(), [true, false, false]);
        }
        let expected = naive(self.line, v, &self.memories);
        let cycles = vector_cycles(accelerator, v);
        self.unit.start.next = true;
        assert_eq!(self.cycle(), [true, false, false]);
        self.unit.start.next = false;
        let (first_read, operation) = (self.reads.len(), Operation::Vector(v.clone()));
        for (register, value) in self.unit.registers.iter_mut().zip(v.to_registers().unwrap()) {
            register.next = i64::from(value).into();
        }
        for cycle in 1..cycles {
            assert_eq!(self.cycle(), [false, cycle == cycles - 1, true], "cycle {cycle} of {cycles}: {v:?}");
        }
        let differs = |name: &str, got: &[u8], wanted: &[u8]| {
            if let Some(at) = (0..got.len()).find(|&at| got[at] != wanted[at]) {
                let (line, byte) = (at / self.line, at % self.line);
                panic!("{name} line {line} byte {byte}: {} is not {}: {v:?}", got[at], wanted[at]);
            }
        };
        differs("activation", &self.memories.activation, &expected.activation);
        differs("weight", &self.memories.weight, &expected.weight);
        // Other lines may lie in banks that belong to another unit.
        let accesses = footprint(accelerator, &Script { wait: 0, signal: 0, operation });
        let inside = |port: Port, &(space, line): &(Space, usize)| {
            let holds = |access: &&Access| (access.start..access.end).contains(&(line as u64));
            accesses
                .iter()
                .filter(|access| (access.space, access.port) == (space, port))
                .any(|access| holds(&access))
        };
        assert!(self.reads[first_read..].iter().all(|read| inside(Port::Read, read)), "{v:?}");
        assert!(self.writes.iter().all(|write| inside(Port::Write, write)), "{v:?}");
        self.written += self.writes.len();
        self.writes.clear();
    }
}

/// A random command whose sources end before its output begins.
fn command(function: F, line: u32, lanes: u32, random: &mut Random) -> Command {
    let mut v = Command {
        function: function.code(),
        out_rows: 1 + random.below(3),
        out_cols: 1 + random.below(3),
        in_rows: 1 + random.below(6),
        in_cols: 2 + random.below(6),
        kernel_rows: 1 + random.below(3),
        kernel_cols: 1 + random.below(3),
        stride_rows: 1 + random.below(2),
        stride_cols: 1 + random.below(3),
        dilation_rows: 1 + random.below(2),
        dilation_cols: 1 + random.below(2),
        pad_top: random.below(3),
        pad_left: random.below(3),
        channels: 1 + random.below(3 * line),
        source_line: random.below(20),
        second_line: random.below(20),
        output_line: 400 + random.below(20),
        row_stride: 50 + random.below(5),
        pixel_stride: 6 + random.below(3),
        second_pixel_stride: 6 + random.below(3),
        output_pixel_stride: 6 + random.below(3),
        pad_code: random.below(256),
        source_signed: random.below(2),
        source_zero_point: random.below(256) as i32 - 128,
        second_zero_point: random.below(256) as i32 - 128,
        zero_point: random.below(64) as i32 - 32,
        source_mantissa: 0x8000 | random.below(1 << 15),
        second_mantissa: 0x8000 | random.below(1 << 15),
        source_shift: 12 + random.below(9),
        second_shift: 12 + random.below(9),
        parameter_base: lanes * random.below(4),
        table_select: random.below(2),
        clamp_low: -(random.below(300) as i32),
        clamp_high: random.below(300) as i32,
        ..Command::default()
    };
    match function {
        F::Add => {
            (v.source_wide, v.second_wide) = (random.below(2), random.below(2));
            (v.second_enable, v.output_wide) = (random.below(2), random.below(2));
        }
        F::Copy => (v.source_wide, v.to_weight) = (random.below(2), random.below(2)),
        F::Table => {}
        F::Softmax => v.output_bits = 2 + random.below(7),
        F::LayerNorm => {
            (v.source_wide, v.output_wide) = (random.below(2), random.below(2));
            v.epsilon_low = 1 + random.below(1 << 20);
        }
        F::Patch => {
            v.run_bytes = 1 + random.below(2 * line + 2);
            v.row_bytes = 1 + random.below(4 * line);
            v.run_step_bytes = random.below(line + 3);
            v.pad_left = random.below(line + 2);
            v.channels = v.kernel_rows * v.run_bytes;
            v.output_pixel_stride = v.channels.div_ceil(line) + random.below(2);
        }
        _ => v.output_wide = random.below(2),
    }
    if random.below(8) == 0 {
        (v.kernel_rows, v.kernel_cols) = (1, 1);
        v.channels = if function == F::Patch { v.run_bytes } else { v.channels };
    }
    if random.below(12) == 0 {
        v.out_rows = 0;
    }
    if random.below(10) == 0 {
        // Out of range, as the gates see it; wide clamps.
        (v.source_shift, v.clamp_low, v.clamp_high) = (63, -32768, 32767);
    }
    if random.below(20) == 0 {
        (v.clamp_low, v.clamp_high) = (5, -5);
    }
    v
}

const SHAPES: [(u32, u32, Reset); 4] = [
    (4, 1, Reset::Initial),
    (4, 4, Reset::Synchronous),
    (8, 8, Reset::Asynchronous),
    (16, 8, Reset::Synchronous),
];

fn play(functions: &[F], count: usize, seed: u64) {
    for (index, (line, lanes, reset)) in SHAPES.into_iter().enumerate() {
        let mut random = Random(seed + index as u64);
        let accelerator = accelerator(line, lanes);
        let mut machine = Machine::new(&accelerator, reset, &mut random);
        for turn in 0..count {
            let v = command(functions[turn % functions.len()], line, lanes, &mut random);
            let gap = if random.below(2) == 0 { 0 } else { random.below(5) };
            machine.run(&accelerator, &v, gap);
        }
        assert!(machine.reads.len() + machine.written > 8 * count, "{line}: {} reads", machine.reads.len());
        common::icarus(&machine.design, &machine.bench);
        if index >= 2 {
            common::verilator(&machine.design);
            common::yosys(&machine.design);
        }
    }
}

#[test]
fn copies_and_patches() {
    play(&[F::Copy, F::Patch, F::Patch], 30, 11);
}

#[test]
fn adds_and_tables() {
    play(&[F::Add, F::Add, F::Add, F::Table], 28, 22);
}

#[test]
fn pools() {
    play(&[F::MaxPool, F::AveragePool], 18, 33);
}

#[test]
fn depthwise() {
    play(&[F::Depthwise], 16, 44);
}

#[test]
fn one_function_after_another() {
    play(&[F::Depthwise, F::Copy, F::MaxPool, F::Add, F::Patch, F::Table, F::AveragePool], 14, 55);
}

#[test]
fn rows_between_streams() {
    play(&[F::Softmax, F::Add, F::LayerNorm, F::Table, F::LayerNorm, F::Depthwise], 10, 66);
}

#[test]
fn the_widest_lines_print() {
    for (line, lanes) in [(64, 64), (64, 1), (32, 16)] {
        let unit = Vector::new(&Shape::of(&accelerator(line, lanes)));
        let design = elaborate(&unit, &Options::default()).unwrap();
        common::verilator(&design);
        if lanes == 16 {
            common::yosys(&design);
        }
    }
}
