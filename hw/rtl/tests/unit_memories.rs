//! Scratchpad, parameter memories and tables against plain arrays.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::parameters::Parameters;
use bitgauge_rtl::units::scratchpad::Scratchpad;
use bitgauge_rtl::units::tables::Tables;
use bitgauge_rtl::verilog::{Design, Options, elaborate};
use rust_hdl::prelude::{Block, Clock, In, Signal, simulate};

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 8
    }
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
    /// Byte enables: none, all, or any.
    fn enables(&mut self, line: usize) -> u64 {
        let all = u64::MAX >> (64 - line);
        match self.below(4) {
            0 => 0,
            1 => all,
            _ => (self.next() ^ self.next() << 20) & all,
        }
    }
}

/// Settles a unit before the edge, so that its outputs can be looked at.
fn settle<B: Block>(unit: &mut B, clock: fn(&mut B) -> &mut Signal<In, Clock>, level: bool) {
    clock(unit).next.clk = level;
    assert!(simulate(unit, 200));
}

fn write(memory: &mut [u8], line: usize, at: usize, enables: u64, bytes: &[u8]) {
    for (k, byte) in bytes.iter().enumerate().filter(|(k, _)| enables >> k & 1 == 1) {
        memory[at * line + k] = *byte;
    }
}

/// All memories of a design start as zero in the bench, as in the model.
fn clear(bench: &mut Bench, path: &str, count: usize, depth: usize) {
    bench.setup("begin : clear integer i;");
    for piece in 0..count {
        bench.setup(&format!("for (i = 0; i < {depth}; i = i + 1) dut.{path}_{piece}.words[i] = 0;"));
        bench.setup(&format!("dut.{path}_{piece}.rdata = 0;"));
    }
    bench.setup("end");
}

fn check(design: &Design, bench: &Bench) {
    common::icarus(design, bench);
    common::verilator(design);
    common::yosys(design);
}

fn play_scratchpad(banks: usize, bank_lines: usize, line: usize, readers: usize, writers: usize) {
    let mut unit = Scratchpad::new("test", banks, bank_lines, line, readers, writers);
    unit.connect_all();
    let design = elaborate(&unit, &Options::default()).unwrap();
    let mut bench = Bench::new(&design);
    clear(&mut bench, "u_bank", banks * line.div_ceil(8), bank_lines);
    let mut random = Random(banks as u64 * 1000 + line as u64);
    let mut memory = vec![0; banks * bank_lines * line];
    let mut expected: Vec<Option<Vec<u8>>> = vec![None; readers];
    for _ in 0..600 {
        // Each port takes a bank of its own; a few lines only, so that reads meet writes.
        let lines = bank_lines.min(3);
        let shift = random.below(banks);
        let mut ports: Vec<_> = (0..banks).map(|bank| (bank + shift) % banks).collect();
        let other = random.below(banks);
        ports.swap(0, other);
        let mut wanted = vec![None; readers];
        for (r, wanted) in wanted.iter_mut().enumerate() {
            let at = ports[r] * bank_lines + random.below(lines);
            let re = random.below(4) != 0;
            unit.re[r].next = re;
            unit.raddr[r].next = at.into();
            *wanted = re.then(|| memory[at * line..][..line].to_vec());
        }
        for w in 0..writers {
            let at = ports[if writers > 1 { writers - 1 - w } else { 0 }] * bank_lines + random.below(lines);
            let enables = random.enables(line);
            let bytes: Vec<_> = (0..line).map(|_| random.next() as u8).collect();
            unit.we[w].next = i128::from(enables).into();
            unit.waddr[w].next = at.into();
            for (k, byte) in bytes.iter().enumerate() {
                unit.wdata[w * line + k].next = i64::from(*byte).into();
            }
            write(&mut memory, line, at, enables, &bytes);
        }
        settle(&mut unit, |unit| &mut unit.clock, false);
        for (r, line_seen) in expected.iter().enumerate() {
            if let Some(bytes) = line_seen {
                let seen = &unit.rdata[r * line..][..line];
                assert!(seen.iter().zip(bytes).all(|(a, b)| a.val().value() == i128::from(*b)), "reader {r}");
            }
        }
        bench.capture(&unit);
        settle(&mut unit, |unit| &mut unit.clock, true);
        expected = wanted;
    }
    check(&design, &bench);
}

#[test]
fn scratchpad_keeps_lines() {
    play_scratchpad(8, 4, 16, 4, 3);
    play_scratchpad(4, 16, 8, 4, 3);
    play_scratchpad(4, 4, 4, 4, 3);
    play_scratchpad(2, 4, 8, 2, 2);
}

fn play_parameters(entries: usize, line: usize, lanes: usize) {
    let mut unit = Parameters::new(entries, line, lanes);
    unit.connect_all();
    let design = elaborate(&unit, &Options::default()).unwrap();
    let mut bench = Bench::new(&design);
    let words = (line.div_ceil(8)).max(lanes * if line < 8 { 2 } else { 1 });
    clear(&mut bench, "u_memory", words, (entries * 8 / (words * line.min(8))).max(2));
    let mut random = Random(entries as u64 * 64 + line as u64 + lanes as u64);
    let mut memory = vec![0; entries * 8];
    let mut expected: Option<Vec<u8>> = None;
    for _ in 0..500 {
        let near = |random: &mut Random, end: usize| match random.below(4) {
            0 => random.below(end),
            1 => end - 1,
            _ => random.below(end.min(4)),
        };
        let group = near(&mut random, entries / lanes);
        let re = random.below(4) != 0;
        unit.re.next = re;
        unit.raddr.next = group.into();
        let wanted = re.then(|| memory[group * lanes * 8..][..lanes * 8].to_vec());
        let (at, enables) = (near(&mut random, entries * 8 / line), random.enables(line));
        let bytes: Vec<_> = (0..line).map(|_| random.next() as u8).collect();
        unit.we.next = i128::from(enables).into();
        unit.waddr.next = at.into();
        for (k, byte) in bytes.iter().enumerate() {
            unit.wdata[k].next = i64::from(*byte).into();
        }
        write(&mut memory, line, at, enables, &bytes);
        settle(&mut unit, |unit| &mut unit.clock, false);
        if let Some(bytes) = &expected {
            for (lane, bytes) in bytes.chunks(8).enumerate() {
                let word = u64::from_le_bytes(bytes.try_into().unwrap());
                assert_eq!(unit.rdata[lane].val().value(), i128::from(word), "lane {lane}");
            }
        }
        bench.capture(&unit);
        settle(&mut unit, |unit| &mut unit.clock, true);
        expected = wanted;
    }
    check(&design, &bench);
}

#[test]
fn parameters_are_read_in_groups() {
    for (entries, line, lanes) in
        [(64, 16, 1), (64, 4, 1), (64, 4, 4), (128, 16, 2), (64, 8, 4), (64, 16, 16), (64, 64, 64)]
    {
        play_parameters(entries, line, lanes);
    }
}

fn play_tables(entry: usize, line: usize, lanes: usize) {
    let mut unit = Tables::new(entry, line, lanes);
    unit.connect_all();
    let design = elaborate(&unit, &Options::default()).unwrap();
    let mut bench = Bench::new(&design);
    clear(&mut bench, "u_memory", lanes * line.div_ceil(8), 512 * entry / line);
    let mut random = Random(entry as u64 * 640 + line as u64 + lanes as u64);
    let mut memory = vec![0; 512 * entry];
    let mut expected: Option<Vec<i128>> = None;
    for cycle in 0..500 {
        let re = random.below(4) != 0;
        unit.re.next = re;
        let mut wanted = vec![];
        for lane in 0..lanes {
            let code = random.below(512);
            unit.raddr[lane].next = code.into();
            let bytes = &memory[code * entry..][..entry];
            wanted.push(bytes.iter().rev().fold(0, |value, byte| value << 8 | i128::from(*byte)));
        }
        // First all lines in order, as a load writes them.
        let lines = memory.len() / line;
        let at = if cycle < lines { cycle } else { random.below(lines) };
        let enables = if cycle < lines { u64::MAX >> (64 - line) } else { random.enables(line) };
        let bytes: Vec<_> = (0..line).map(|_| random.next() as u8).collect();
        unit.we.next = i128::from(enables).into();
        unit.waddr.next = at.into();
        for (k, byte) in bytes.iter().enumerate() {
            unit.wdata[k].next = i64::from(*byte).into();
        }
        write(&mut memory, line, at, enables, &bytes);
        settle(&mut unit, |unit| &mut unit.clock, false);
        if let Some(entries) = &expected {
            let seen: Vec<_> = unit.rdata.iter().map(|entry| entry.val().value()).collect();
            assert_eq!(&seen, entries);
        }
        bench.capture(&unit);
        settle(&mut unit, |unit| &mut unit.clock, true);
        expected = re.then_some(wanted);
    }
    check(&design, &bench);
}

#[test]
fn tables_are_read_by_every_lane() {
    for (entry, line, lanes) in [(1, 16, 2), (2, 16, 3), (1, 4, 2), (2, 4, 1), (2, 8, 4)] {
        play_tables(entry, line, lanes);
    }
}
