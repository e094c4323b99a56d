//! The engine with models of the memories and of the requantizers beside it.

use crate::common;
use crate::random::Random;
use bitgauge_arch::Accelerator;
use bitgauge_arch::arith::layernorm::layernorm_token;
use bitgauge_arch::arith::rows::widen;
use bitgauge_arch::arith::softmax::softmax_row;
use bitgauge_arch::arith::{ChannelParameter, Post, Requant};
use bitgauge_arch::command::{RegisterFile, Vector, VectorFunction};
use bitgauge_arch::timing::{VECTOR_LATENCY, VECTOR_SETUP, vector_cycles};
use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::Shape;
use bitgauge_rtl::units::vector::rows::Rows;
use bitgauge_rtl::verilog::{Design, Options, Reset, elaborate};
use rust_hdl::prelude::{Block, simulate};

/// Lines of the memory.
const LINES: usize = 16_384;

/// Cycle from `start`, line, enables, bytes where enabled.
type Write = (u64, usize, u64, Vec<u8>);

pub struct Player {
    accelerator: Accelerator,
    rows: Rows,
    design: Design,
    bench: Bench,
    memory: Vec<u8>,
    parameters: Vec<u64>,
    table: [u16; 512],
    lanes: usize,
    line: usize,
    /// Results under way in the requantizers.
    scaling: [Vec<i64>; 3],
    read: Option<usize>,
    read_parameter: Option<usize>,
    read_table: Option<Vec<usize>>,
}

impl Player {
    pub fn new(lanes: usize, line: usize) -> Player {
        Player::with(lanes, line, |_| {})
    }

    /// Of a unit with more than the plain one has: codes of two scales, channels with shifts.
    pub fn with(lanes: usize, line: usize, more: impl FnOnce(&mut Accelerator)) -> Player {
        let mut accelerator =
            Accelerator::from_toml(include_str!("../../../../designs/reference-16x16.toml")).unwrap();
        accelerator.array.rows = line as u32;
        accelerator.array.cols = line as u32;
        accelerator.memory.bus_bits = 32;
        accelerator.vector.lanes = lanes as u32;
        more(&mut accelerator);
        let mut rows = Rows::new(&Shape::of(&accelerator));
        rows.connect_all();
        let options = Options { reset: Reset::Synchronous, ..Options::default() };
        let design = elaborate(&rows, &options).unwrap();
        let bench = Bench::new(&design);
        Player {
            accelerator,
            rows,
            design,
            bench,
            memory: vec![0; LINES * line],
            parameters: vec![0; 8192],
            table: [0; 512],
            lanes,
            line,
            scaling: std::array::from_fn(|_| vec![0; lanes]),
            read: None,
            read_parameter: None,
            read_table: None,
        }
    }

    /// Random codes, parameters and tables.
    pub fn fill(&mut self, random: &mut Random) {
        let span = 1 + random.below(255);
        self.memory.fill_with(|| random.below(span) as u8);
        for entry in &mut self.parameters {
            let mantissa = 0x8000 | random.below(0x8000);
            // Shifts out of range too; mostly such that codes neither vanish nor saturate.
            let shift = if random.below(6) == 0 { random.below(64) } else { 20 + random.below(6) };
            let bias = match random.below(6) {
                0 => 0x8000_0000,
                1 => 0x7fff_ffff,
                _ => (random.below(1 << 15) as i32 - (1 << 14)) as u32,
            };
            *entry = u64::from(bias) | mantissa << 32 | shift << 48 | random.below(1 << 10) << 54;
        }
        for entry in &mut self.table {
            *entry = (random.next() >> (16 + random.below(16))) as u16;
        }
    }

    /// 16-bit codes from a function of their index, from line 0 on.
    pub fn codes(&mut self, code: impl Fn(usize) -> u16) {
        for (index, bytes) in self.memory.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            *bytes = code(index).to_le_bytes();
        }
    }

    /// Both tables.
    pub fn tables(&mut self, entry: impl Fn(usize) -> u16) {
        for (index, value) in self.table.iter_mut().enumerate() {
            *value = entry(index % 256);
        }
    }

    fn expected(&self, v: &Vector) -> Vec<Write> {
        let softmax = v.function == VectorFunction::Softmax.code();
        let (channels, pixels) = (v.channels as usize, u64::from(v.out_rows * v.out_cols));
        let (container, output) = (1 + v.source_wide as usize, 1 + v.output_wide as usize);
        let body = vector_cycles(&self.accelerator, v) - VECTOR_SETUP - VECTOR_LATENCY;
        let mut writes = vec![];
        for pixel in 0..pixels {
            let from = (v.source_line as usize + pixel as usize * v.pixel_stride as usize) * self.line;
            let bytes = &self.memory[from..from + channels * container];
            let mut codes = vec![0u8; channels * output];
            if softmax {
                let table = self.table[256 * v.table_select as usize..][..256].try_into().unwrap();
                softmax_row(bytes, v.source_signed == 1, table, v.softmax_code(), &mut codes);
            } else {
                let mut values = vec![0; channels];
                widen(bytes, v.source(), v.source_signed == 1, &mut values);
                let entries = &self.parameters[v.parameter_base as usize..][..channels];
                let parameters: Vec<_> =
                    entries.iter().map(|entry| ChannelParameter::from_bytes(entry.to_le_bytes())).collect();
                if self.accelerator.vector.channel_shifts && v.source_wide == 0 {
                    let shifts = entries.iter().map(|entry| (entry >> 56) & 15);
                    // Eight and more are below zero, which is no shift.
                    let factors = shifts.map(|shift| if shift < 8 { 1 << shift } else { 1 });
                    values.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
                }
                let post =
                    Post { zero_point: v.zero_point, clamp_low: v.clamp_low, clamp_high: v.clamp_high };
                layernorm_token(&values, v.epsilon(), &parameters, |channel, value| {
                    v.output().write(&mut codes, channel, post.finish(value));
                });
            }
            // The codes of a step: a group, or half of one where two bytes a code exceed a line.
            let halves = !softmax && 2 * self.lanes > self.line && container.max(output) == 2;
            let step = if halves { self.lanes / 2 } else { self.lanes };
            let steps = channels.div_ceil(self.lanes) * (1 + usize::from(halves));
            let to = (v.output_line as usize + pixel as usize * v.output_pixel_stride as usize) * self.line;
            let row_end = VECTOR_SETUP - 1 + body / pixels * (pixel + 1);
            for index in 0..steps {
                let first = index * step * output;
                let last = ((index + 1) * step * output).min(codes.len());
                if first >= last {
                    continue;
                }
                let mut line = vec![0; self.line];
                let mut enables = 0u64;
                for byte in first..last {
                    line[(to + byte) % self.line] = codes[byte];
                    enables |= 1 << ((to + byte) % self.line);
                }
                let cycle = row_end - (steps - index) as u64 + if softmax { 13 } else { 15 };
                writes.push((cycle, (to + first) / self.line, enables, line));
            }
        }
        writes
    }

    /// Plays a command and the cycles until the next one could start.
    pub fn run(&mut self, v: &Vector) {
        let expected = self.expected(v);
        let cycles = vector_cycles(&self.accelerator, v);
        let (writes, finished) = self.play(v, cycles);
        for (got, wanted) in writes.iter().zip(&expected) {
            assert_eq!(got, wanted, "{v:?}");
        }
        assert_eq!(writes.len(), expected.len(), "{v:?}");
        assert!(writes.last().is_none_or(|write| write.0 < cycles), "{v:?}");
        assert_eq!(finished, [cycles - VECTOR_LATENCY - 1], "{v:?}");
        assert!(self.rows.active.val());
        for (_, line, enables, bytes) in writes {
            for (byte, value) in bytes.into_iter().enumerate() {
                if enables >> byte & 1 == 1 {
                    self.memory[line * self.line + byte] = value;
                }
            }
        }
    }

    /// A command that is not for this engine.
    pub fn ignores(&mut self, v: &Vector) {
        let (writes, finished) = self.play(v, 60);
        assert!(writes.is_empty() && finished.is_empty() && !self.rows.active.val());
    }

    fn play(&mut self, v: &Vector, cycles: u64) -> (Vec<Write>, Vec<u64>) {
        let registers = v.to_registers().unwrap();
        let (mut writes, mut finished) = (vec![], vec![]);
        for cycle in 1..cycles {
            for (port, value) in self.rows.registers.iter_mut().zip(&registers) {
                port.next = i64::from(*value).into();
            }
            self.rows.prepare.next = cycle == 1;
            self.rows.begin.next = cycle == VECTOR_SETUP - 1;
            self.cycle();
            if self.rows.finished.val() {
                finished.push(cycle);
            }
            let enables = self.rows.we.val().value() as u64;
            if enables != 0 {
                let byte = |byte: usize| match enables >> byte & 1 {
                    1 => self.rows.wdata[byte].val().value() as u8,
                    _ => 0,
                };
                let bytes = (0..self.line).map(byte).collect();
                writes.push((cycle, self.rows.waddr.val().value() as usize, enables, bytes));
            }
            self.rows.clock.next.clk = true;
            assert!(simulate(&mut self.rows, 1000));
        }
        (writes, finished)
    }

    /// Answers the last cycle's reads, settles, and looks at the ports.
    fn cycle(&mut self) {
        if let Some(line) = self.read.take() {
            for (port, byte) in self.rows.rdata.iter_mut().zip(&self.memory[line * self.line..]) {
                port.next = i64::from(*byte).into();
            }
        }
        if let Some(group) = self.read_parameter.take() {
            let entries = &self.parameters[group * self.lanes..];
            for (port, entry) in self.rows.parameter_rdata.iter_mut().zip(entries) {
                port.next = i128::from(*entry).into();
            }
        }
        if let Some(entries) = self.read_table.take() {
            for (port, entry) in self.rows.table_rdata.iter_mut().zip(entries) {
                port.next = i64::from(self.table[entry]).into();
            }
        }
        for (port, value) in self.rows.scaled.iter_mut().zip(&self.scaling[2]) {
            port.next = (*value).into();
        }
        self.rows.clock.next.clk = false;
        assert!(simulate(&mut self.rows, 1000));
        if self.bench.len() < 6000 {
            self.bench.capture(&self.rows);
        }
        let rows = &self.rows;
        self.read = rows.re.val().then(|| rows.raddr.val().value() as usize);
        self.read_parameter = rows.parameter_re.val().then(|| rows.parameter_raddr.val().value() as usize);
        let addresses = || rows.table_raddr.iter().map(|address| address.val().value() as usize).collect();
        self.read_table = rows.table_re.val().then(addresses);
        self.scaling.rotate_right(1);
        for lane in 0..self.lanes {
            let mantissa = rows.scale_mantissa[lane].val().value() as u16;
            let shift = (rows.scale_shift[lane].val().value() as u8).max(1);
            let value = rows.scale_value[lane].val().value() as i64;
            self.scaling[0][lane] = i64::from(Requant { mantissa, shift }.apply(value));
        }
    }

    /// The printed design in all tools.
    pub fn print(&self) {
        common::icarus(&self.design, &self.bench);
        self.lint();
    }

    /// The printed design's text.
    pub fn lint(&self) {
        common::verilator(&self.design);
        common::yosys(&self.design);
    }
}
