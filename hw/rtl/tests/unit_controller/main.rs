//! The controller against the contract, cycle by cycle: random programs, random units, random memory.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod model;
mod program;

use bitgauge_arch::Accelerator;
use bitgauge_arch::command::Word;
use bitgauge_rtl::bench::Bench;
use bitgauge_rtl::signal::Sig;
use bitgauge_rtl::units::controller::Controller;
use bitgauge_rtl::units::shape::Shape;
use bitgauge_rtl::verilog::{Design, Options, Reset, elaborate};
use model::{Inputs, Model, Outputs, Sizes};
use program::{Random, Style, steps, words};
use rust_hdl::prelude::{Bit, Block, Out, Signal, simulate};
use std::collections::VecDeque;

fn shape(sizes: &Sizes) -> Shape {
    let text = include_str!("../../../../designs/reference-8x8.toml");
    Shape {
        bus: sizes.bus as usize,
        queue_words: sizes.queue,
        prefetch_words: sizes.prefetch as usize,
        burst_beats: sizes.burst as usize,
        ..Shape::of(&Accelerator::from_toml(text).unwrap())
    }
}

/// A unit without content: when its first stage is free, and the ends to come.
#[derive(Clone, Debug, Default)]
struct Dummy {
    free: u64,
    fed: Option<u64>,
    ends: VecDeque<u64>,
    last_end: u64,
}

impl Dummy {
    fn start(&mut self, unit: usize, now: u64, random: &mut Random, slow: u64) {
        let stage = [1, 2, 2, 1][unit] + random.below(6);
        let whole = stage.max(2) + random.below(slow);
        let end = (now + whole).max(self.last_end + 1);
        self.free = if unit == 2 { end } else { now + stage };
        self.fed = (unit == 1).then_some(self.free - 1);
        self.last_end = end;
        self.ends.push_back(end);
    }
}

/// The memory of one program: grants when it likes, beats in order.
struct Memory<'a> {
    words: &'a [Word],
    address: u64,
    bus: u64,
    latency: u64,
    /// First cycle and beats left of each burst.
    bursts: VecDeque<(u64, u64)>,
    beats: u64,
}

impl Memory<'_> {
    fn part(&self, beat: u64, part: u64) -> u32 {
        let byte = beat * self.bus + part * 4;
        self.words.get((byte / 16) as usize).map_or(0, |word| (word.0 >> (byte % 16 * 8)) as u32)
    }
}

fn flags(ports: &[Signal<Out, Bit>]) -> [bool; 4] {
    [0, 1, 2, 3].map(|unit| ports[unit].val())
}

fn outputs(unit: &Controller) -> Outputs {
    let number = |port: &Sig| port.val().value() as u64;
    Outputs {
        start: flags(&unit.start),
        token: flags(&unit.token),
        bank: flags(&unit.bank),
        running: flags(&unit.running),
        ended: flags(&unit.ended),
        finished: unit.finished.val(),
        error: unit.error.val(),
        exhausted: unit.exhausted.val(),
        request: unit.request.val().then(|| (number(&unit.address), number(&unit.beats))),
    }
}

fn registers(unit: &Controller, index: usize) -> Vec<u32> {
    let ports =
        [&unit.load_registers, &unit.compute_registers, &unit.vector_registers, &unit.store_registers];
    ports[index].iter().map(|port| port.val().value() as u32).collect()
}

/// Runs one program from `go` to `end`; returns what the model has seen.
fn play(
    unit: &mut Controller,
    bench: &mut Bench,
    sizes: Sizes,
    random: &mut Random,
    style: &Style,
) -> [u64; 5] {
    let words = words(random, style);
    // On a page, or anywhere; often shortly before the next page.
    let within = match random.below(3) {
        0 => 0,
        1 => random.below(4096 / sizes.bus),
        _ => 4096 / sizes.bus - 1 - random.below(24),
    };
    let address = (random.below(1 << 19) << 12) + within * sizes.bus;
    let mut model = Model::new(sizes, address, steps(&words));
    let (slow, latency) = (style.slow, 1 + random.below(8));
    // A memory that keeps up, or one that makes everybody wait.
    let lazy = random.one_in(2);
    let mut memory =
        Memory { words: &words, address, bus: sizes.bus, latency, bursts: VecDeque::new(), beats: 0 };
    let mut units: [Dummy; 4] = Default::default();
    let error_before = unit.error.val();
    for now in 0..20_000u64 {
        let ready = [0, 1, 2, 3].map(|index: usize| now >= units[index].free);
        let done = [0, 1, 2, 3].map(|index: usize| units[index].ends.front() == Some(&(now + 1)));
        let fed = units[1].fed == Some(now);
        let beat = memory.bursts.front().is_some_and(|burst| now >= burst.0) && !(lazy && random.one_in(3));
        unit.go.next = now == 0;
        let noise = random.next() as u32;
        let (at, count) = if now == 0 { (address as u32, words.len() as u32) } else { (noise, noise) };
        unit.command_address.next = i64::from(at).into();
        unit.command_words.next = i64::from(count).into();
        for index in 0..4 {
            unit.ready[index].next = ready[index];
            unit.done[index].next = done[index];
        }
        unit.fed.next = fed;
        unit.fetch_beat.next = beat;
        for (part, port) in unit.beat.iter_mut().enumerate() {
            let data = if beat { memory.part(memory.beats, part as u64) } else { noise };
            port.next = i64::from(data).into();
        }
        // The grant answers the request.
        unit.grant.next = false;
        unit.clock.next.clk = false;
        assert!(simulate(unit, 1000));
        let grant = unit.request.val() && !(lazy && random.one_in(2));
        unit.grant.next = grant;
        if grant {
            memory.bursts.push_back((now + memory.latency, unit.beats.val().value() as u64));
        }
        for index in 0..4 {
            if let Some(expected) = &model.registers[index] {
                assert_eq!(&registers(unit, index), expected, "cycle {now}, unit {index}");
            }
        }
        let mut expected = model.cycle(&Inputs { ready, done, fed, grant, beat });
        // The error of the program before stands until `go` has been seen.
        expected.error |= now == 0 && error_before;
        assert!(simulate(unit, 1000));
        let got = outputs(unit);
        assert_eq!(got, expected, "cycle {now} of {sizes:?}");
        assert_eq!(flags(&unit.started), expected.start);
        assert!(bench.cycle(unit, |unit| &mut unit.clock));
        if beat {
            memory.beats += 1;
            let burst = memory.bursts.front_mut().unwrap();
            burst.1 -= 1;
            if burst.1 == 0 {
                memory.bursts.pop_front();
            }
        }
        for index in 0..4 {
            if done[index] {
                units[index].ends.pop_front();
            }
            if expected.start[index] {
                units[index].start(index, now, random, slow);
            }
        }
        if expected.finished {
            assert!(memory.bursts.is_empty() && memory.address == address);
            return model.seen;
        }
    }
    unreachable!("the program does not end");
}

fn prepared(sizes: &Sizes, reset: Reset) -> (Controller, Design, Bench) {
    let mut unit = Controller::new(&shape(sizes));
    unit.connect_all();
    let design = elaborate(&unit, &Options { reset, ..Options::default() }).unwrap();
    let bench = Bench::new(&design);
    (unit, design, bench)
}

#[test]
fn controller_agrees_with_the_contract() {
    let mut all = [0; 5];
    for (seed, (bus, queue, prefetch, burst)) in
        [(4, 4, 4, 16), (8, 8, 16, 8), (16, 4, 16, 16), (16, 8, 4, 4), (4, 8, 4, 1)].into_iter().enumerate()
    {
        let sizes = Sizes { bus, queue, prefetch, burst };
        let reset = [Reset::Initial, Reset::Asynchronous, Reset::Synchronous][seed % 3];
        let (mut unit, design, mut bench) = prepared(&sizes, reset);
        let mut random = Random(0x1234_5678_9abc + seed as u64);
        for round in 0..5 {
            let style = Style {
                commands: [8, 15, 0, 40, 30][round],
                change: [2, 20, 1, 400, 100][round],
                crowd: [2, 2, 1, 40, 1][round],
                tokens: [2, 4, 1, 200, 20][round],
                slow: [4, 40, 1, 150, 20][round],
                bad: (round == 1).then_some(10),
            };
            let seen = play(&mut unit, &mut bench, sizes, &mut random, &style);
            for (sum, seen) in all.iter_mut().zip(seen) {
                *sum += seen;
            }
        }
        common::icarus(&design, &bench);
        common::verilator(&design);
        common::yosys(&design);
    }
    assert!(all.iter().all(|count| *count > 3), "{all:?}");
}
