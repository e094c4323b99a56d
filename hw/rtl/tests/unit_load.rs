//! The load unit against a plain model of the contract: what it asks for, writes, and when.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_arch::Accelerator;
use bitgauge_arch::codec::{Codec, decode, encode, length_entry};
use bitgauge_arch::command::{Load, RegisterFile, Target};
use bitgauge_arch::timing::{
    DmaShape, LOAD_SETUP, UNPACK_LATENCY, ZVC_LOAD_CYCLES, ZVC_TABLE_CYCLES, bursts, load_fifo_beats,
    load_shape,
};
use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::prelude::Sig;
use bitgauge_rtl::units::load::Load as Unit;
use bitgauge_rtl::units::load::beats::window_banks;
use bitgauge_rtl::units::load::setup::{members, operand_members};
use bitgauge_rtl::units::shape::Shape;
use bitgauge_rtl::verilog::{Options, Reset, elaborate};
use rust_hdl::prelude::{Block, simulate};
use std::collections::{BTreeMap, VecDeque};

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % end.max(1)
    }
    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

fn accelerator(line: u32, bus: u32, burst: u32) -> Accelerator {
    let text = include_str!("../../../designs/reference-8x8.toml");
    let mut accelerator = Accelerator::from_toml(text).unwrap();
    accelerator.array.rows = line;
    accelerator.array.cols = line;
    accelerator.memory.bus_bits = 8 * bus;
    accelerator.memory.max_burst_beats = burst;
    assert_eq!(accelerator.line_bytes(), line);
    accelerator
}

#[derive(Clone, Debug, PartialEq)]
struct Write {
    target: usize,
    line: i128,
    from: usize,
    bytes: Vec<u8>,
}

/// A line of a command, in the order of writing.
#[derive(Debug)]
struct Line {
    needed: u64,
    leaving: u64,
    from: u64,
    cycles: u64,
    last: bool,
    /// What is written, and how many cycles after the line is taken, less the latency.
    writes: Vec<(u64, Write)>,
}

#[derive(Clone, Copy, Debug)]
struct Burst {
    address: u64,
    beats: u64,
    table: bool,
    granted: u64,
}

const MEMORY: usize = 1 << 17;

/// The contract, one cycle at a time.
#[derive(Default)]
struct Model {
    ask: VecDeque<Burst>,
    asking: bool,
    free: u64,
    data_from: u64,
    table_left: u64,
    asked: u64,
    came: u64,
    left: u64,
    base: u64,
    lines: VecDeque<Line>,
    cooldown: u64,
    leaving: u64,
    writes: BTreeMap<u64, Write>,
    ends: VecDeque<u64>,
    pending: u64,
}

impl Model {
    /// Starts a command whose blocks are written to `memory`.
    fn start(
        &mut self,
        now: u64,
        accelerator: &Accelerator,
        load: &Load,
        memory: &mut [u8],
        random: &mut Random,
    ) {
        let shape = load_shape(accelerator, load);
        self.free = now + 1 + LOAD_SETUP;
        self.pending += 1;
        if shape.lines() == 0 {
            self.lines.push_back(Line {
                needed: self.base,
                leaving: 0,
                from: now + LOAD_SETUP + 2,
                cycles: 1,
                last: true,
                writes: vec![],
            });
            return;
        }
        let bus = u64::from(accelerator.bus_bytes());
        let zvc = load.codec == Codec::Zvc.code();
        let cut = |address: u64, bytes: u64, table: bool| {
            bursts(accelerator, address, bytes).map(move |(address, beats)| Burst {
                address,
                beats,
                table,
                granted: 0,
            })
        };
        if zvc {
            self.ask.extend(cut(u64::from(load.length_table), 2 * shape.blocks, true));
        }
        for block in 0..shape.blocks {
            let (bytes, escaped, containers) = content(load, &shape, bus as usize, random);
            let address = u64::from(load.external_address) + block * u64::from(load.external_block_stride);
            memory[address as usize..][..bytes.len()].copy_from_slice(&bytes);
            let beats = (bytes.len() as u64).div_ceil(bus);
            if zvc {
                let entry = beats as u16 | u16::from(escaped) << 15;
                let at = (u64::from(load.length_table) + 2 * block) as usize;
                memory[at..at + 2].copy_from_slice(&entry.to_le_bytes());
            }
            self.ask.extend(cut(address, bytes.len() as u64, false));
            let ends = ends(accelerator, load, &shape, escaped, &containers);
            self.block(accelerator, load, &shape, block, beats, &ends, &containers);
        }
    }

    // What a block's lines depend on.
    #[allow(clippy::too_many_arguments)]
    fn block(
        &mut self,
        accelerator: &Accelerator,
        load: &Load,
        shape: &DmaShape,
        block: u64,
        beats: u64,
        ends: &[u64],
        containers: &[u8],
    ) {
        let w = u64::from(accelerator.line_bytes());
        let beat_bits = 8 * u64::from(accelerator.bus_bytes());
        let zvc = load.codec == Codec::Zvc.code();
        let (mut before, mut left) = (0, 0);
        for (index, &end) in ends.iter().enumerate() {
            let (pixel, line) = (index as u64 / shape.pixel_lines, index as u64 % shape.pixel_lines);
            let first = pixel * shape.pixel_bytes + line * w;
            let bytes = &containers[first as usize..][..w.min(shape.pixel_bytes - line * w) as usize];
            let base = match load.target().unwrap() {
                Target::Activation | Target::Weight => {
                    u64::from(load.line)
                        + block * u64::from(load.block_stride)
                        + pixel * u64::from(load.pixel_stride)
                }
                Target::PostParameter | Target::VectorParameter => u64::from(load.line) * 8 / w,
                Target::PostTable => u64::from(load.line) * 256 / w,
                Target::VectorTable => u64::from(load.line) * 512 / w,
            };
            let write = |from: usize, to: usize| Write {
                target: load.target as usize,
                line: i128::from((base + line) % (1 << 24)),
                from,
                bytes: bytes[from..to].to_vec(),
            };
            let writes = if zvc {
                // Group by group: up to the group's end, or the line's.
                let mut at = 0;
                let mut steps = vec![];
                for step in 0.. {
                    let place = (first as usize + at) % 8;
                    let to = bytes.len().min(at + 8 - place);
                    if at == to {
                        break;
                    }
                    steps.push((ZVC_LOAD_CYCLES * step + 2, write(at, to)));
                    at = to;
                }
                steps
            } else {
                vec![(0, write(0, bytes.len()))]
            };
            let last = index + 1 == ends.len();
            let leave = if last { beats } else { end / beat_bits };
            let needed = if zvc {
                (before + shape.most_line_bits).div_ceil(beat_bits).min(beats)
            } else {
                end.div_ceil(beat_bits)
            };
            self.lines.push_back(Line {
                needed: self.base + needed,
                leaving: leave - left,
                from: 0,
                cycles: shape.cycles_per_line,
                last: last && block + 1 == shape.blocks,
                writes,
            });
            before = end;
            left = leave;
        }
        self.base += beats;
    }

    /// Whether a request is registered in this cycle.
    fn request(&mut self, now: u64, fifo: u64) -> Option<Burst> {
        let next = *self.ask.front()?;
        let commands = self.lines.iter().filter(|line| line.last).count();
        let may = if next.table {
            self.cooldown == 0 && commands == 1
        } else {
            self.table_left == 0 && now >= self.data_from && self.asked - self.left + next.beats <= fifo
        };
        if self.asking || now < self.free || !may {
            return None;
        }
        self.asking = true;
        Some(next)
    }

    /// The write side; whether it is busy.
    fn write(&mut self, now: u64) -> bool {
        let mut busy = self.cooldown > 0;
        self.cooldown = self.cooldown.saturating_sub(1);
        if !busy && self.lines.front().is_some_and(|line| line.needed <= self.came && line.from <= now) {
            let line = self.lines.pop_front().unwrap();
            busy = true;
            self.cooldown = line.cycles - 1;
            self.leaving = line.leaving;
            for (after, write) in line.writes {
                self.writes.insert(now + after + UNPACK_LATENCY - 1, write);
            }
            if line.last {
                self.pending -= 1;
                self.ends.push_back(now + line.cycles - 1 + UNPACK_LATENCY);
            }
        }
        if self.cooldown == 0 {
            self.left += std::mem::take(&mut self.leaving);
        }
        busy
    }
}

/// Bytes of a block in memory, whether it is escaped, and what it becomes on chip.
fn content(load: &Load, shape: &DmaShape, bus: usize, random: &mut Random) -> (Vec<u8>, bool, Vec<u8>) {
    let format = load.format();
    let bytes = shape.codes * format.container().bytes() as u64;
    let zeros = random.below(9);
    let mut containers: Vec<u8> = (0..bytes)
        .map(|_| if random.below(8) < zeros { load.zero_code as u8 } else { random.below(256) as u8 })
        .collect();
    if format.codec == Codec::None {
        return (containers.clone(), false, containers);
    }
    if format.value_bits < 8 {
        containers.iter_mut().for_each(|code| *code &= (1 << format.value_bits) - 1);
    }
    let coded = encode(format, &containers, bus);
    let count = containers.len() / format.container().bytes();
    let decoded = decode(format, &coded.bytes, count, coded.escaped);
    assert_eq!(length_entry(&coded, bus) >> 15 == 1, coded.escaped);
    if load.container == 0 {
        return (coded.bytes, coded.escaped, decoded);
    }
    // Two or four codes to a byte, each pixel from a byte on; the rest of its last byte is 0.
    let bits = 8 >> load.container;
    let mut lines = vec![];
    for pixel in decoded.chunks(load.channels as usize) {
        for codes in pixel.chunks(1 << load.container) {
            let place = |(at, code): (usize, &u8)| (code & ((1 << bits) - 1)) << (at * bits);
            lines.push(codes.iter().enumerate().map(place).sum());
        }
    }
    (coded.bytes, coded.escaped, lines)
}

/// Bits of a block up to the end of each line.
fn ends(
    accelerator: &Accelerator,
    load: &Load,
    shape: &DmaShape,
    escaped: bool,
    containers: &[u8],
) -> Vec<u64> {
    let format = load.format();
    let line = u64::from(accelerator.line_bytes());
    let width = match format.codec {
        Codec::None => 8,
        _ if format.value_bits == 16 => 8,
        _ => u64::from(format.value_bits),
    };
    let zero = format.zero_code & ((1u32 << format.value_bits.min(8)) - 1) as u8;
    let (mut bits, mut ends) = (0, vec![]);
    for pixel in 0..shape.pixels {
        // Codes; halves of those of 16 bits.
        let codes = shape.codes / shape.pixels * format.container().bytes() as u64;
        for byte in 0..codes {
            let index = pixel * codes + byte;
            if format.codec == Codec::Zvc && !escaped {
                let code = containers[index as usize] & ((1u32 << format.value_bits) - 1) as u8;
                bits += if index.is_multiple_of(8) { 8 } else { 0 } + if code == zero { 0 } else { width };
            } else {
                bits += width;
            }
            if (byte + 1) % (line << load.container) == 0 || byte + 1 == codes {
                ends.push(bits);
            }
        }
    }
    ends
}

/// A random command; its external places are apart for each of eight in flight.
fn random_load(
    random: &mut Random,
    accelerator: &Accelerator,
    (codecs, narrow): (&[Codec], bool),
    slot: u64,
) -> Load {
    let bus = accelerator.bus_bytes();
    let w = accelerator.line_bytes();
    let place = slot as u32 * (1 << 14);
    let mut load = Load {
        external_address: place + random.of(&[0, 8, 4096 / bus - 1, 200]) * bus,
        line: random.of(&[0, 5, 1000, (1 << 24) - 2]),
        target: random.below(2) as u32,
        value_bits: 8,
        signed: random.below(2) as u32,
        zero_code: random.below(256) as u32,
        length_table: place + 12288 + random.below(2) as u32 * 8 * bus,
        ..Load::default()
    };
    if random.below(5) == 0 {
        // Tables and parameters.
        load.target = 2 + random.below(4) as u32;
        load.blocks = random.of(&[0, 1, 1, 1]);
        let (whole, most) = [(8, 40), (8, 40), (256, 2), (512, 1)][load.target as usize - 2];
        load.pixels = 1 + random.below(most) as u32;
        load.channels = whole;
        load.line = if whole == 8 { random.below(9) as u32 * w.max(8) / 8 } else { random.below(2) as u32 };
        return load;
    }
    let codec = random.of(codecs);
    load.codec = codec.code();
    if codec != Codec::None {
        load.value_bits = random.of(&[2, 3, 4, 5, 6, 7, 8, 8, 16]);
    } else if random.below(3) == 0 {
        load.value_bits = 16;
    }
    if codec == Codec::Zvc {
        load.value_bits = load.value_bits.min(8);
    }
    if codec == Codec::Pack && narrow {
        load.container = match load.value_bits {
            2 => random.below(3) as u32,
            3 | 4 => random.below(2) as u32,
            _ => 0,
        };
    }
    load.blocks = random.of(&[0, 1, 1, 2, 3]);
    load.pixels = random.of(&[0, 1, 2, 3, 7, 16]);
    if codec == Codec::Zvc {
        load.pixels %= 4;
    }
    load.channels = random.of(&[1, 2, 3, 8, w, w + 1, 2 * w, 3 * w - 2, 40]);
    let lines = (load.channels * if load.value_bits > 8 { 2 } else { 1 }).div_ceil(w);
    load.pixel_stride = lines + random.of(&[0, 0, 1, 1000]);
    load.block_stride = random.of(&[load.pixels * load.pixel_stride, 70_000]);
    let raw = load_shape(accelerator, &load).raw_bytes as u32;
    load.external_block_stride = raw.next_multiple_of(bus) + random.below(3) as u32 * bus;
    load
}

fn value(signal: &Sig) -> i128 {
    signal.val().value()
}

/// Plays random commands. `patience`: of eight cycles with a request, so many grant it.
// One cycle from top to bottom, in the order of the contract: it is read as one page.
#[allow(clippy::too_many_lines)]
fn play(
    (line, bus, burst): (u32, u32, u32),
    codecs: &[Codec],
    (latency, patience, steady): (u64, u64, bool),
    (cycles, tools): (u64, bool),
    reset: Reset,
) {
    let accelerator = accelerator(line, bus, burst);
    let shape = Shape {
        pack: codecs.contains(&Codec::Pack),
        // Most, so that there are some without.
        narrow: codecs.contains(&Codec::Pack) && (line, bus) != (16, 16),
        zvc: codecs.contains(&Codec::Zvc),
        ..Shape::of(&accelerator)
    };
    let fifo = load_fifo_beats(&accelerator);
    let mut unit = Unit::new(&shape);
    unit.connect_all();
    let design = elaborate(&unit, &Options { reset, ..Options::default() }).unwrap();
    let mut bench = Bench::new(&design);
    let banks = window_banks(&shape);
    bench.setup("begin : clear integer i;");
    let depth = shape.load_fifo_beats * shape.bus / 4 / banks;
    let contexts = (0..members(&shape)).map(|member| (format!("u_walk.u_memory_{member}"), 8));
    let tables = if shape.zvc { 2 * shape.bus / 4 } else { 0 };
    let tables = (0..tables).map(|memory| (format!("u_table_0.u_memory_{memory}"), 256 / shape.bus));
    let operands =
        (0..operand_members(&shape)).map(|member| (format!("u_walk.u_operand_memory_{member}"), 8));
    let contexts = contexts.chain(tables).chain(operands);
    for (path, depth) in (0..banks).map(|bank| (format!("u_fifo.u_memory_{bank}"), depth)).chain(contexts) {
        bench.setup(&format!("for (i = 0; i < {depth}; i = i + 1) dut.{path}.words[i] = 0;"));
        bench.setup(&format!("dut.{path}.rdata = 0;"));
    }
    bench.setup("end");
    let mut random = Random(77 + u64::from(line * bus) + cycles);
    let mut model = Model::default();
    let mut memory = vec![0u8; MEMORY];
    let mut request: Option<Burst> = None;
    let mut bus_queue: VecDeque<Burst> = VecDeque::new();
    let mut registers = vec![0u32; 12];
    let (mut in_flight, mut started, mut written) = (0u64, 0u64, 0u64);
    let mut filled = 0;
    // Long enough for all that is in flight.
    let rest = if shape.zvc { 5000 } else { 600 };
    assert!(simulate(&mut unit, 1000));
    for now in 0..cycles {
        let case = format!("line {line} bus {bus} burst {burst} cycle {now}");
        // Inputs of this cycle. Registers arrive a cycle after the start.
        for (signal, register) in unit.registers.iter_mut().zip(&registers) {
            signal.next = i64::from(*register).into();
        }
        let free = model.ask.is_empty() && !model.asking && now >= model.free;
        assert_eq!(unit.ready.val(), free, "{case}: ready");
        let start = free && in_flight < 8 && random.below(8) < 6 && now + rest < cycles;
        unit.start.next = start;
        let granted = request.filter(|_| random.below(8) < patience);
        unit.grant.next = granted.is_some();
        let moves = (steady || random.below(4) > 0)
            && bus_queue.front().is_some_and(|burst| now >= burst.granted + latency);
        unit.load_beat.next = false;
        unit.table_beat.next = false;
        let mut moved = None;
        if moves {
            let burst = bus_queue.front_mut().unwrap();
            for (word, signal) in unit.beat.iter_mut().enumerate() {
                let at = burst.address as usize + 4 * word;
                signal.next = i64::from(u32::from_le_bytes(memory[at..at + 4].try_into().unwrap())).into();
            }
            unit.load_beat.next = !burst.table;
            unit.table_beat.next = burst.table;
            moved = Some(burst.table);
            burst.address += u64::from(bus);
            burst.beats -= 1;
            if burst.beats == 0 {
                bus_queue.pop_front();
            }
        }
        unit.clock.next.clk = false;
        assert!(simulate(&mut unit, 1000));

        // What is asked for.
        assert_eq!(unit.request.val(), request.is_some(), "{case}: request");
        if let Some(burst) = request {
            assert_eq!(value(&unit.address), i128::from(burst.address), "{case}");
            assert_eq!(value(&unit.beats), i128::from(burst.beats), "{case}");
            assert_eq!(unit.load_table.val(), burst.table, "{case}");
        }
        if start {
            let load = random_load(&mut random, &accelerator, (codecs, shape.narrow), started % 8);
            registers = load.to_registers().unwrap();
            model.start(now, &accelerator, &load, &mut memory, &mut random);
            started += 1;
            in_flight += 1;
        }
        let asked = if start { None } else { model.request(now, fifo) };
        let busy = model.write(now);
        assert_eq!(unit.busy.val(), busy, "{case}: busy");
        if !busy {
            assert_eq!(unit.waits_memory.val(), model.pending > 0, "{case}: waits for memory");
        }
        assert!(!unit.error.val(), "{case}: error");

        // What is written.
        let enables = [
            &unit.activation_we,
            &unit.weight_we,
            &unit.post_parameter_we,
            &unit.vector_parameter_we,
            &unit.post_table_we,
            &unit.vector_table_we,
        ]
        .map(value);
        let expected = model.writes.remove(&now);
        for (target, &enables) in enables.iter().enumerate() {
            let mask = |write: &Write| ((1i128 << write.bytes.len()) - 1) << write.from;
            let wanted = expected.as_ref().filter(|write| write.target == target).map_or(0, mask);
            assert_eq!(enables, wanted, "{case}: enables of target {target}, {expected:?}");
        }
        if let Some(write) = expected {
            assert_eq!(value(&unit.write_line), write.line, "{case}");
            let data: Vec<u8> = unit
                .write_data
                .iter()
                .skip(write.from)
                .take(write.bytes.len())
                .map(|b| value(b) as u8)
                .collect();
            assert_eq!(data, write.bytes, "{case}");
            written += 1;
        }
        let done = model.ends.front() == Some(&(now + 1));
        assert_eq!(unit.done.val(), done, "{case}: done");
        if done {
            model.ends.pop_front();
            in_flight -= 1;
        }

        // Steps of the model that are seen from the next cycle on.
        if let Some(burst) = granted {
            model.asking = false;
            model.free = now + 1;
            model.ask.pop_front();
            if burst.table {
                model.table_left += burst.beats;
            } else {
                model.asked += burst.beats;
            }
            bus_queue.push_back(Burst { granted: now, ..burst });
            request = None;
        }
        if asked.is_some() {
            request = asked;
        }
        match moved {
            Some(true) => {
                model.table_left -= 1;
                model.data_from = now + 1 + ZVC_TABLE_CYCLES;
            }
            Some(false) => model.came += 1,
            None => {}
        }
        filled = filled.max(model.came - model.left);
        if tools {
            bench.capture(&unit);
        }
        unit.clock.next.clk = true;
        assert!(simulate(&mut unit, 1000));
    }
    assert_eq!((in_flight, model.pending, model.lines.len()), (0, 0, 0), "something hangs");
    assert!(started > 10 && written > 100 && filled > 1, "{started} {written} {filled}");
    if tools {
        common::verilator(&design);
        common::yosys(&design);
        common::icarus(&design, &bench);
    }
}

#[test]
fn plain_bytes() {
    play((4, 4, 4), &[Codec::None], (1, 8, true), (4000, true), Reset::Synchronous);
    play((16, 4, 16), &[Codec::None], (3, 3, false), (6000, false), Reset::Initial);
    play((16, 16, 4), &[Codec::None], (9, 8, true), (6000, false), Reset::Initial);
}

#[test]
fn packed_codes() {
    let codecs = [Codec::None, Codec::Pack];
    play((8, 8, 1), &codecs, (1, 8, true), (4000, false), Reset::Initial);
    play((8, 4, 16), &codecs, (2, 4, false), (4000, true), Reset::Initial);
    play((16, 8, 4), &codecs, (1, 8, true), (4000, true), Reset::Asynchronous);
    play((16, 16, 16), &codecs, (12, 8, false), (5000, false), Reset::Initial);
}

#[test]
fn zero_value_compression() {
    let codecs = [Codec::None, Codec::Pack, Codec::Zvc, Codec::Zvc, Codec::Zvc];
    play((4, 4, 4), &codecs, (1, 8, true), (12000, true), Reset::Synchronous);
    play((8, 4, 16), &codecs, (2, 4, false), (8000, false), Reset::Initial);
    play((8, 8, 1), &codecs, (1, 8, true), (8000, false), Reset::Initial);
    play((16, 16, 4), &codecs, (5, 8, true), (8000, true), Reset::Initial);
}
