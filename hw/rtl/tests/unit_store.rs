//! The store unit against the contract: what it reads, asks for and writes in each cycle.
#![allow(clippy::unwrap_used)]

mod common;

use bitgauge_arch::Accelerator;
use bitgauge_arch::codec::Codec;
use bitgauge_arch::codec::{encode, length_entry};
use bitgauge_arch::command::{RegisterFile, Store as Command};
use bitgauge_arch::timing::{
    IN_FLIGHT, STORE_READ_LATENCY, STORE_SETUP, STORE_ZVC_CHOICE, STORE_ZVC_LATENCY, bursts,
    store_fifo_beats, store_shape,
};
use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::units::Shape;
use bitgauge_rtl::units::store::Store;
use bitgauge_rtl::verilog::{Options, elaborate};
use rust_hdl::prelude::{Block, simulate};
use std::collections::VecDeque;

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % end
    }
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

fn accelerator(line: u32, bus: u32, burst: u32, codecs: &[Codec]) -> Accelerator {
    let mut accelerator =
        Accelerator::from_toml(include_str!("../../../designs/reference-8x8.toml")).unwrap();
    accelerator.array.rows = line;
    accelerator.array.cols = line;
    accelerator.memory.bus_bits = 8 * bus;
    accelerator.memory.max_burst_beats = burst;
    accelerator.compression.codecs = codecs.to_vec();
    assert_eq!(accelerator.line_bytes(), line);
    accelerator
}

/// What the scratchpad holds: a function of the place.
fn byte(line: u64, index: u64) -> u8 {
    let mixed = (line & 0xff_ffff).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(index * 0x1234_5677);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    // Lines differ in how many of their bytes are 5.
    if mixed >> 20 & 3 < line >> 1 & 3 { 5 } else { (mixed >> 40) as u8 }
}

#[derive(Clone, Copy, Debug)]
struct Burst {
    /// Cycle in which its last beat is in the FIFO; once asked for, the cycle of that.
    cycle: u64,
    address: u64,
    beats: u64,
    last: bool,
}

#[derive(Debug)]
struct Line {
    /// Where it is read; a line of the length table is not.
    address: Option<u64>,
    /// Beats of all commands that are complete with this line.
    beats: u64,
    ready: Vec<Burst>,
    /// Cycles it keeps the codec, to the next line at least, until its bursts are in the FIFO.
    cycles: u64,
    hold: u64,
    inside: u64,
    last: bool,
}

impl Line {
    fn plain(address: Option<u64>, beats: u64, ready: Vec<Burst>) -> Line {
        Line { address, beats, ready, cycles: 1, hold: 1, inside: STORE_READ_LATENCY, last: false }
    }
}

/// Takes the bursts that `beats` beats of their block complete.
fn complete(waiting: &mut VecDeque<(u64, u64)>, given: &mut u64, beats: u64) -> Vec<Burst> {
    let mut ready = vec![];
    while let Some(&(address, length)) = waiting.front().filter(|next| *given + next.1 <= beats) {
        *given += length;
        waiting.pop_front();
        ready.push(Burst { cycle: 0, address, beats: length, last: false });
    }
    ready
}

#[derive(Default)]
struct Model {
    lines: VecDeque<Line>,
    /// Beats that will be written, in order.
    data: VecDeque<Vec<u8>>,
    planned: u64,
    left: u64,
    not_before: u64,
    free: u64,
    ready: VecDeque<Burst>,
    pending: Option<Burst>,
    ask_free: u64,
    /// Granted and not over: burst, beats moved.
    on_bus: VecDeque<(Burst, u64)>,
    /// Over, not acknowledged: cycle of the last beat.
    over: VecDeque<(u64, bool)>,
    /// Commands in flight: the earliest end where it is known.
    flying: VecDeque<Option<u64>>,
    last_end: u64,
}

impl Model {
    fn start(&mut self, accelerator: &Accelerator, command: &Command, now: u64) {
        let shape = store_shape(accelerator, command);
        if shape.lines() == 0 {
            self.flying.push_back(Some(now + STORE_READ_LATENCY));
            self.free = now + 1;
            return;
        }
        self.flying.push_back(None);
        self.not_before = self.not_before.max(now + 1 + STORE_SETUP);
        let (line, bus) = (u64::from(accelerator.line_bytes()), u64::from(accelerator.bus_bytes()));
        let format = command.format();
        let bits = if format.codec == Codec::None || format.value_bits > 8 { 8 } else { format.value_bits };
        let mut table = vec![];
        for block in 0..shape.blocks {
            let (mut containers, mut lines) = (vec![], vec![]);
            for pixel in 0..shape.pixels {
                let first = u64::from(command.line)
                    + block * u64::from(command.block_stride)
                    + pixel * u64::from(command.pixel_stride);
                for index in 0..shape.pixel_lines {
                    let bytes = line.min(shape.pixel_bytes - index * line);
                    containers.extend((0..bytes).map(|at| byte(first + index, at)));
                    lines
                        .push((Some((first + index) & 0xff_ffff), containers.len() as u64 * u64::from(bits)));
                }
            }
            let coded = encode(format, &containers, bus as usize);
            table.extend(length_entry(&coded, bus as usize).to_le_bytes());
            let mut bytes = coded.bytes;
            let address =
                u64::from(command.external_address) + block * u64::from(command.external_block_stride);
            let mut waiting: VecDeque<_> = bursts(accelerator, address, bytes.len() as u64).collect();
            bytes.resize(bytes.len().next_multiple_of(bus as usize), 0);
            let beats = bytes.len() as u64 / bus;
            let (mut given, last) = (0, lines.len() - 1);
            if format.codec == Codec::Zvc {
                for (index, &(address, _)) in lines.iter().enumerate() {
                    let hold = if index == last { STORE_ZVC_CHOICE } else { 1 };
                    self.lines.push_back(Line { hold, ..Line::plain(address, self.planned, vec![]) });
                }
                let cycles = shape.cycles_per_line;
                for (index, &(address, _)) in lines.iter().enumerate() {
                    let mut line = Line::plain(address, self.planned + beats, vec![]);
                    (line.cycles, line.hold) = (cycles, cycles);
                    if index == last {
                        line.ready = complete(&mut waiting, &mut given, beats);
                        line.inside = cycles - 1 + STORE_ZVC_LATENCY;
                        line.hold = line.inside + 1;
                    }
                    self.lines.push_back(line);
                }
            } else {
                for (index, (address, bits)) in lines.into_iter().enumerate() {
                    let done = if index == last { bits.div_ceil(8 * bus) } else { bits / (8 * bus) };
                    let ready = complete(&mut waiting, &mut given, done);
                    self.lines.push_back(Line::plain(address, self.planned + done, ready));
                }
            }
            self.planned += beats;
            self.data.extend(bytes.chunks(bus as usize).map(<[u8]>::to_vec));
        }
        if format.codec == Codec::Zvc {
            let mut waiting: VecDeque<_> =
                bursts(accelerator, u64::from(command.length_table), table.len() as u64).collect();
            table.resize(table.len().next_multiple_of(bus as usize), 0);
            let mut given = 0;
            for (index, beat) in table.chunks(bus as usize).enumerate() {
                self.planned += 1;
                let ready = complete(&mut waiting, &mut given, index as u64 + 1);
                self.lines.push_back(Line::plain(None, self.planned, ready));
                self.data.push_back(beat.to_vec());
            }
        }
        let line = self.lines.back_mut().unwrap();
        line.last = true;
        line.ready.last_mut().unwrap().last = true;
    }
}

/// How the memory behaves: chances in 8 of a grant, a beat, a response in a cycle; beats wait so long.
#[derive(Clone, Copy)]
struct Pace {
    start: u64,
    grant: u64,
    beat: u64,
    response: u64,
}

fn command(random: &mut Random, accelerator: &Accelerator) -> Command {
    let (line, bus) = (accelerator.line_bytes(), accelerator.bus_bytes());
    let there = |kind| accelerator.compression.codecs.contains(&kind);
    let codec = match (there(Codec::Pack), there(Codec::Zvc)) {
        (false, false) => Codec::None,
        (true, false) => random.pick(&[Codec::None, Codec::Pack, Codec::Pack]),
        _ => random.pick(&[Codec::None, Codec::Pack, Codec::Zvc, Codec::Zvc, Codec::Zvc]),
    };
    let widths: &[u32] =
        if codec == Codec::Zvc { &[2, 3, 4, 5, 6, 7, 8, 8] } else { &[2, 3, 4, 5, 6, 7, 8, 16] };
    let few = |random: &mut Random, most: u64| match random.below(12) {
        0 => 0,
        1..6 => 1,
        _ => 1 + random.below(most),
    } as u32;
    let mut channels = few(random, 3 * u64::from(line));
    if random.below(3) == 0 {
        channels = channels.next_multiple_of(line);
    }
    Command {
        // Close to the end of a page, now and then.
        external_address: (4096 * random.below(1 << 19) as u32)
            .wrapping_sub(bus * random.below(8) as u32 * (random.below(2) as u32)),
        line: random.pick(&[0, 77, 0xff_fffe, 0x12_3456]),
        blocks: few(random, 4),
        pixels: few(random, 6),
        channels,
        pixel_stride: random.pick(&[1, 3, 40, 0xffff]),
        external_block_stride: bus * random.pick(&[1, 16, 1 << 20]),
        block_stride: random.pick(&[0, 5, 0xff_fff0]),
        codec: codec.code(),
        value_bits: random.pick(widths),
        zero_code: random.pick(&[5, 5, 5, 0]),
        length_table: 4096 - bus,
        ..Command::default()
    }
}

fn clear(bench: &mut Bench, path: &str, depth: usize) {
    bench.setup(&format!("for (i = 0; i < {depth}; i = i + 1) dut.{path}.words[i] = 0;"));
    bench.setup(&format!("dut.{path}.rdata = 0;"));
}

/// Plays random commands; returns how many ended.
fn play(accelerator: &Accelerator, pace: Pace, cycles: u64, seed: u64, tools: bool) -> usize {
    let shape = Shape::of(accelerator);
    let (line, bus, fifo) = (shape.line, shape.bus, store_fifo_beats(accelerator));
    let mut unit = Store::new(&shape);
    unit.connect_all();
    let design = elaborate(&unit, &Options::default()).unwrap();
    let mut bench = Bench::new(&design);
    bench.setup("begin : clear integer i;");
    let ring = (2 * line).max(if shape.zvc { (bus + 9).next_power_of_two() } else { 0 });
    let (banks, slots) = (ring / bus, shape.store_fifo_beats.max(2 * ring / bus));
    for ram in 0..banks * bus / 4 {
        clear(&mut bench, &format!("u_path.u_ram_{ram}"), slots / banks);
    }
    let depth = if shape.zvc { shape.store_fifo_beats.max(8) } else { 8 };
    clear(&mut bench, "u_requests.u_places", depth);
    clear(&mut bench, "u_requests.u_sizes", depth);
    for ram in 0..if shape.zvc { bus / 4 } else { 0 } {
        clear(&mut bench, &format!("u_table_0.u_ram_{ram}"), 256 / bus);
    }
    clear(&mut bench, "u_ends.u_flags", 64);
    bench.setup("end");

    let mut random = Random(seed);
    let mut model = Model::default();
    let (mut registers, mut reading) = (vec![0; 12], None);
    let (mut ended, mut codec_until) = (0, 0);
    for now in 0..cycles {
        for (signal, value) in unit.registers.iter_mut().zip(&registers) {
            signal.next = i64::from(*value).into();
        }
        for (index, signal) in unit.rdata.iter_mut().enumerate() {
            let value = reading.map_or(random.0 as u8, |address| byte(address, index as u64));
            signal.next = i64::from(value).into();
        }
        let left_seen = model.left;
        // Start.
        let ready = model.lines.is_empty() && now >= model.free;
        let start = ready && model.flying.len() < IN_FLIGHT && random.below(8) < pace.start;
        unit.start.next = start;
        if start {
            let command = command(&mut random, accelerator);
            registers = command.to_registers().unwrap();
            model.start(accelerator, &command, now);
        }
        // Read.
        let room = |line: &Line| line.beats - left_seen <= fifo;
        let read = model.lines.front().filter(|line| now >= model.not_before && room(line)).is_some();
        reading = None;
        let mut busy = read || now < codec_until;
        if read {
            let line = model.lines.pop_front().unwrap();
            reading = line.address;
            codec_until = now + line.cycles;
            model.not_before = now + line.hold;
            let inside = now + line.inside;
            model.ready.extend(line.ready.iter().map(|burst| Burst { cycle: inside, ..*burst }));
            if line.last {
                model.free = now + 1;
            }
        }
        // Request; what shows is what was asked for before.
        let shown = model.pending;
        if shown.is_none()
            && now >= model.ask_free
            && model.ready.front().is_some_and(|next| next.cycle <= now)
        {
            model.pending = model.ready.pop_front().map(|burst| Burst { cycle: now, ..burst });
        }
        let mut waits = model.pending.is_some() || !model.on_bus.is_empty() || !model.over.is_empty();
        // The response is of a burst whose last beat has passed.
        let response = model.over.front().is_some_and(|over| over.0 < now) && random.below(8) < pace.response;
        unit.store_response.next = response;
        if response && let Some((_, true)) = model.over.pop_front() {
            *model.flying.iter_mut().find(|end| end.is_none()).unwrap() = Some(now + 1);
        }
        let grant = shown.is_some() && model.on_bus.len() < 4 && random.below(8) < pace.grant;
        unit.grant.next = grant;
        if grant {
            model.on_bus.push_back((model.pending.take().unwrap(), 0));
            model.ask_free = now + 1;
        }
        let taken = !model.on_bus.is_empty() && random.below(8) < pace.beat;
        unit.store_taken.next = taken;
        busy |= taken;
        let mut beat = None;
        if taken {
            beat = model.data.pop_front();
            model.left += 1;
            let (burst, moved) = model.on_bus.front_mut().unwrap();
            *moved += 1;
            if *moved == burst.beats {
                model.over.push_back((now, burst.last));
                model.on_bus.pop_front();
            }
        }
        waits |= !model.over.is_empty();
        let done = now >= model.last_end
            && model.flying.front().is_some_and(|end| end.is_some_and(|end| end <= now + 1));
        if done {
            model.flying.pop_front();
            model.last_end = now + 1;
            ended += 1;
        }

        unit.clock.next.clk = false;
        assert!(simulate(&mut unit, 1000));
        let at = format!("cycle {now}, line {line}, bus {bus}, seed {seed}");
        assert_eq!(unit.ready.val(), ready, "ready, {at}");
        assert_eq!(unit.re.val(), reading.is_some(), "re, {at}");
        if let Some(address) = reading {
            assert_eq!(unit.raddr.val().value(), i128::from(address), "raddr, {at}");
        }
        assert_eq!(unit.request.val(), shown.is_some(), "request, {at}");
        if let Some(burst) = shown {
            assert_eq!(unit.address.val().value(), i128::from(burst.address as u32), "address, {at}");
            assert_eq!(unit.beats.val().value(), i128::from(burst.beats), "beats, {at}");
        }
        if let Some(beat) = beat {
            let words: Vec<u8> =
                unit.store_beat.iter().flat_map(|word| (word.val().value() as u32).to_le_bytes()).collect();
            assert_eq!(words, beat, "beat, {at}");
        }
        assert_eq!(unit.done.val(), done, "done, {at}");
        assert_eq!(unit.busy.val(), busy, "busy, {at}");
        assert_eq!(unit.waits_memory.val(), waits, "waits, {at}");
        if tools {
            bench.capture(&unit);
        }
        unit.clock.next.clk = true;
        assert!(simulate(&mut unit, 1000));
    }
    if tools {
        common::icarus(&design, &bench);
        common::verilator(&design);
        common::yosys(&design);
    }
    ended
}

const FAST: Pace = Pace { start: 8, grant: 8, beat: 8, response: 8 };
const MIXED: Pace = Pace { start: 4, grant: 4, beat: 6, response: 3 };
const SLOW: Pace = Pace { start: 8, grant: 2, beat: 2, response: 1 };

#[test]
fn plain_containers() {
    for (line, bus, burst) in [(4, 4, 1), (8, 8, 16), (16, 4, 2), (16, 16, 4)] {
        let accelerator = accelerator(line, bus, burst, &[]);
        for (index, pace) in [FAST, MIXED, SLOW].into_iter().enumerate() {
            assert!(play(&accelerator, pace, 1500, 31 + index as u64, pace.start == 4) > 8);
        }
    }
}

#[test]
fn dense_codes() {
    for (line, bus, burst) in [(4, 4, 16), (8, 4, 1), (8, 8, 4), (16, 8, 16)] {
        let accelerator = accelerator(line, bus, burst, &[Codec::Pack]);
        for (index, pace) in [FAST, MIXED, SLOW].into_iter().enumerate() {
            assert!(play(&accelerator, pace, 1500, 41 + index as u64, pace.start == 4) > 8);
        }
    }
}

#[test]
fn zero_value_compression() {
    for (line, bus, burst) in [(4, 4, 16), (8, 4, 1), (8, 8, 4), (16, 8, 16)] {
        let accelerator = accelerator(line, bus, burst, &[Codec::Pack, Codec::Zvc]);
        for (index, pace) in [FAST, MIXED, SLOW].into_iter().enumerate() {
            assert!(play(&accelerator, pace, 1500, 51 + index as u64, pace.start == 4) > 6);
        }
    }
}
