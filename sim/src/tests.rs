//! Time: the event-driven engine against the stepper, against closed forms, and against hand-made numbers.

use bitgauge_arch::Program;
use bitgauge_arch::codec::Codec;
use bitgauge_arch::command::{Command, Compute, Load, Operation, Store, Vector};
use bitgauge_arch::timing;
use bitgauge_arch::validate::Validated;
use bitgauge_testing::{Random, programs};

use crate::engine::{self, Timed};
use crate::exec::{Executor, State};
use crate::image::Image;
use crate::plan::Plan;
use crate::random::{alone, compute, program, reference};
use crate::stepper::{self, Stepped};
use crate::{Machine, Options, SimError};

fn summary(timed: Timed) -> Stepped {
    Stepped {
        cycles: timed.cycles,
        units: timed.units,
        spans: timed.spans.iter().map(|span| (span.command, span.start, span.end, span.waited)).collect(),
        bursts: timed
            .traffic
            .bursts
            .iter()
            .map(|burst| (burst.cycle, burst.address, u64::from(burst.beats), burst.write))
            .collect(),
    }
}

fn random_program(random: &mut Random) -> Validated<Program> {
    let accelerator = programs::accelerator(random, 16);
    let length = 1 + random.below(25) as usize;
    programs::program(random, &accelerator, length)
}

fn unordered(random: &mut Random) -> Program {
    let mut accelerator = programs::accelerator(random, 16);
    if random.below(4) > 0 {
        // Without it a store's FIFO is so small that it fills up.
        accelerator.compression.codecs.retain(|codec| *codec != Codec::Zvc);
    }
    let length = 1 + random.below(40) as usize;
    programs::unordered(random, &accelerator, length)
}

fn compare(program: &Program) -> Stepped {
    let plan = Plan::new(program);
    let fresh = || {
        let mut state = State::new(&plan, 0);
        state.reset(&Image::new(program));
        state
    };
    let (mut first, mut second) = (fresh(), fresh());
    let timed = match engine::run(&plan, &mut Executor { plan: &plan, state: &mut first }, true, u64::MAX) {
        Ok(timed) => summary(timed),
        Err(error) => panic!("{error}"),
    };
    let stepped = stepper::run(&plan, &mut Executor { plan: &plan, state: &mut second }, timed.cycles + 1000);
    let stepped = stepped.expect("the stepper takes longer");
    assert_eq!(timed.spans, stepped.spans);
    assert_eq!(timed.bursts, stepped.bursts);
    assert_eq!(timed, stepped);
    assert!(first.memory == second.memory);
    timed
}

#[test]
fn events_and_steps_agree_on_random_programs() {
    let mut random = Random(1);
    let mut commands = 0;
    for number in 0..3000 {
        let seed = random.0;
        let program = unordered(&mut random);
        let outcome = std::panic::catch_unwind(|| compare(&program));
        match outcome {
            Ok(stepped) => commands += stepped.spans.len(),
            Err(_) => panic!("program {number}, seed {seed}: {:?}", program.accelerator),
        }
        // The whole machine as well, with its laws.
        Machine::of(&program).run(&[], &Options::default()).unwrap();
    }
    let (leaps, [several, full]) = (engine::reached::LEAPS.get(), engine::reached::BLOCKS.get());
    assert!(commands > 10_000, "{commands} commands");
    assert!(leaps > 300, "{leaps} leaps");
    assert!(several > 300 && full > 300, "{several} times several blocks at once, {full} times a full FIFO");
}

fn command(wait: u8, signal: u8, operation: Operation) -> Command {
    Command { wait, signal, operation }
}

#[test]
fn a_product_alone_takes_its_closed_form() {
    let mut random = Random(5);
    let mut checked = 0;
    while checked < 300 {
        let c = compute(&mut random);
        let accelerator = crate::random::accelerator(&mut random);
        let timing = timing::compute(&accelerator, &c);
        if timing.folds() < 2 {
            continue;
        }
        let Some(program) = alone(accelerator, Operation::Compute(c)) else { continue };
        let result = Machine::new(&program).run(&[], &Options::default()).unwrap();
        assert_eq!(result.spans[0].end - result.spans[0].start, timing.alone());
        checked += 1;
    }
}

/// Reference design, bus 16 bytes, latency 40, bursts of 16 beats.
fn spans(commands: &[Command]) -> Stepped {
    compare(&program(reference(), commands))
}

fn load(bytes: u32) -> Load {
    Load { blocks: 1, pixels: 1, channels: bytes, value_bits: 8, ..Load::default() }
}

#[test]
fn a_load_of_n_beats_takes_what_the_contract_says() {
    // The fetch of this program, 5 words (4 sets? no: groups that differ from zero) asks in cycle 1, is granted
    // in 2, its beats come in 42 and following, one word each; word i is seen in 43 + i, dispatched in
    // 43 + i, seen by its unit in 44 + i.
    for (beats, bursts) in [(1u64, 1u64), (16, 1), (17, 2), (64, 4), (65, 5), (200, 13)] {
        let program = program(reference(), &[command(0, 0, Operation::Load(load(16 * beats as u32)))]);
        let words = program.words.len() as u64;
        let stepped = compare(&program);
        let (_, start, end, _) = stepped.spans[0];
        // The exec is the word before the last.
        assert_eq!(start, 44 + words - 2);
        // Asked for in start + 5, granted in start + 6, first beat 40 cycles later. Four bursts cover
        // 64 cycles, more than the 43 from one request to its first beat: the bus never rests, until the
        // FIFO's 64 beats or the 4 outstanding bursts hold the fifth back. The fifth is granted once the
        // first is past: its beats lie in start + 46 .. start + 62, so grant in start + 62, data in
        // start + 102 at the earliest; but the fourth ends in start + 109 only. No gap.
        let last_beat = start + 46 + beats - 1;
        // Seen and written a cycle later, visible five more cycles later.
        assert_eq!(end, last_beat + 1 + 5, "{beats} beats");
        assert_eq!(stepped.bursts.len() as u64, 1 + bursts);
        // `end` is taken in the command's end, at the head since long before.
        assert_eq!(stepped.cycles, end + 1);
    }
}

#[test]
fn a_token_is_not_seen_before_the_end() {
    let stepped = spans(&[
        command(0, 1 << 1, Operation::Load(load(64))),
        command(1 << 0, 0, Operation::Compute(Compute::default())),
    ]);
    assert_eq!(stepped.spans[1].1, stepped.spans[0].2);
    assert!(stepped.spans[1].3[0] > 0);
}

#[test]
fn a_bank_is_free_in_the_cycle_of_the_end() {
    let vector = Vector { activation_read: 4, ..Vector::default() };
    let store = Store { activation_read: 4, value_bits: 8, ..Store::default() };
    let other = Store { activation_read: 2, ..store.clone() };
    let stepped =
        spans(&[command(0, 0, Operation::Vector(vector.clone())), command(0, 0, Operation::Store(store))]);
    assert_eq!(stepped.spans[1].1, stepped.spans[0].2);
    assert!(stepped.spans[1].3[1] > 0);
    let stepped = spans(&[command(0, 0, Operation::Vector(vector)), command(0, 0, Operation::Store(other))]);
    assert!(stepped.spans[1].1 < stepped.spans[0].2);
}

#[test]
fn a_barrier_waits_for_the_own_commands() {
    let stepped = spans(&[
        command(0, 0, Operation::Load(load(640))),
        command(1 << 0, 0, Operation::Load(load(16))),
        command(0, 0, Operation::Load(load(16))),
    ]);
    assert_eq!(stepped.spans[1].1, stepped.spans[0].2);
    // The request of the second is granted six cycles after its start; then the third may start.
    assert_eq!(stepped.spans[2].1, stepped.spans[1].1 + 7);
}

#[test]
fn the_store_answers_after_the_latency() {
    let stepped = spans(&[command(
        0,
        0,
        Operation::Store(Store { blocks: 1, pixels: 1, channels: 32, value_bits: 8, ..Store::default() }),
    )]);
    let (_, start, end, _) = stepped.spans[0];
    // Lines read in start + 3 and 4; both beats in the FIFO from start + 8; asked then, granted in + 9, on the
    // bus in + 49 and + 50, answered 41 cycles after.
    assert_eq!(end, start + 50 + 41);
}

#[test]
fn a_wait_without_a_signal_is_a_deadlock_and_not_a_hang() {
    let program = program(reference(), &[command(2, 0, Operation::Load(load(16)))]);
    let error = Machine::of(&program).run(&[], &Options::default()).unwrap_err();
    assert!(matches!(error, SimError::Deadlock { .. }), "{error}");
}

#[test]
fn images_in_a_row_do_not_see_each_other() {
    let mut random = Random(77);
    for _ in 0..50 {
        let mut machine = Machine::new(&random_program(&mut random));
        let first = machine.run(&[], &Options::default()).unwrap();
        let memory = machine.memory().to_vec();
        assert_eq!(machine.run(&[], &Options::default()).unwrap(), first);
        assert_eq!(machine.memory(), memory);
    }
}

#[test]
fn timing_alone_gives_the_same_cycles_and_refuses_zvc() {
    let mut random = Random(78);
    let (mut same, mut refused) = (0, 0);
    for _ in 0..200 {
        let mut machine = Machine::new(&random_program(&mut random));
        let with = machine.run(&[], &Options::default()).unwrap();
        match machine.run(&[], &Options { data: false, ..Options::default() }) {
            Ok(without) => {
                assert_eq!(with, without);
                same += 1;
            }
            Err(error) => {
                assert!(matches!(error, SimError::NeedsData { .. }), "{error}");
                refused += 1;
            }
        }
    }
    assert!(same > 0 && refused > 0);
}

/// An image after another on one machine, whose times and memory are kept from the one before, against a machine
/// of its own.
#[test]
fn a_machine_used_before_is_as_good_as_new() {
    let mut random = Random(21);
    let (runs, mut kept) = (300, 0);
    for _ in 0..runs {
        let mut machine = Machine::new(&random_program(&mut random));
        let mut used = machine.clone();
        let quiet = Options { trace: false, ..Options::default() };
        let first = machine.run(&[], &quiet).unwrap();
        for options in [&quiet, &quiet, &Options { anew: true, ..quiet.clone() }, &quiet] {
            assert_eq!(used.run(&[], options).unwrap(), first);
            assert!(used.memory() == machine.memory());
        }
        let timing = Options { data: false, ..quiet };
        kept += usize::from(machine.run(&[], &timing).is_ok());
    }
    assert!(kept > 20 && kept < runs, "{kept} of {runs} programs have times that no data decides");
}

/// Time this thread has run, where the host tells: other work on it does not count.
fn processor_time() -> std::time::Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    std::time::Duration::from_nanos(text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0))
}

/// A network of the size of EfficientNet-Lite0: 400 million multiply-accumulates in pointwise layers, 45
/// million on depthwise layers, 9 MB of traffic, about 10 000 commands. Run with `--ignored --nocapture`.
#[test]
#[ignore = "long tier: a timing, printed and not judged"]
fn cycles_a_second() {
    let mut commands = Vec::new();
    for tile in 0..1700u32 {
        let external = tile % 100 * 8192;
        let bank = tile % 4;
        commands.push(command(
            0,
            2,
            Operation::Load(Load {
                blocks: 1,
                pixels: 64,
                channels: 32,
                target: 1,
                value_bits: 4,
                codec: 1,
                pixel_stride: 2,
                line: bank * 2048,
                external_address: external,
                signed: 1,
                ..Load::default()
            }),
        ));
        commands.push(command(
            0,
            2,
            Operation::Load(Load {
                blocks: 1,
                pixels: 64,
                channels: 64,
                value_bits: 8,
                pixel_stride: 4,
                line: bank * 2048,
                external_address: external,
                ..Load::default()
            }),
        ));
        for half in 0..2 {
            commands.push(command(
                u8::from(half < 2),
                if half == 1 { 4 } else { 0 },
                Operation::Compute(Compute {
                    out_rows: 16,
                    out_cols: 8,
                    in_rows: 16,
                    in_cols: 16,
                    kernel_rows: 1,
                    kernel_cols: 1,
                    stride_rows: 1,
                    stride_cols: 1,
                    channels: 16 * (4 - 2 * half),
                    segments: 1,
                    pixel_stride: 9,
                    row_stride: 72,
                    outputs: 20,
                    weight_stride: 9,
                    output_line: 3000,
                    output_pixel_stride: 8,
                    activation_line: bank * 2048,
                    weight_line: bank * 1024,
                    clamp_low: -128,
                    clamp_high: 127,
                    activation_signed: 1,
                    ..Compute::default()
                }),
            ));
        }
        commands.push(command(
            2,
            8,
            Operation::Vector(Vector {
                function: 7,
                out_rows: 8,
                out_cols: 8,
                in_rows: 9,
                in_cols: 9,
                kernel_rows: 3,
                kernel_cols: 3,
                stride_rows: 1,
                stride_cols: 1,
                pad_top: 1,
                pad_left: 1,
                channels: 48,
                pixel_stride: 3,
                row_stride: 27,
                source_line: 3000,
                output_line: 6000,
                output_pixel_stride: 3,
                clamp_low: -128,
                clamp_high: 127,
                ..Vector::default()
            }),
        ));
        commands.push(command(
            4,
            0,
            Operation::Store(Store {
                blocks: 1,
                pixels: 64,
                channels: 12,
                value_bits: 8,
                pixel_stride: 3,
                line: 6000,
                external_address: external,
                ..Store::default()
            }),
        ));
    }
    let started = std::time::Instant::now();
    let mut machine = Machine::of(&program(reference(), &commands));
    println!("prepare {:?}", started.elapsed());
    for data in [false, true, true, true] {
        let started = processor_time();
        let result = machine.run(&[], &Options { data, trace: false, ..Options::default() }).unwrap();
        let time = processor_time() - started;
        let macs: u64 = result.layers.iter().map(|layer| layer.array_macs).sum();
        let vector: u64 = result.layers.iter().map(|layer| layer.vector_macs).sum();
        println!(
            "data {data}: {time:?}, {} commands, {} cycles, {macs} + {vector} MACs, {} bytes on the bus, {:.0} k commands/s, {:.1} GMAC/s",
            commands.len(),
            result.cycles,
            result.bus_beats * 16,
            commands.len() as f64 / time.as_secs_f64() / 1e3,
            (macs + vector) as f64 / time.as_secs_f64() / 1e9,
        );
    }
}
