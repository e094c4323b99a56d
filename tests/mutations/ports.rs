//! Do the units of the Verilog touch what the footprints of their commands say, and write all that these say is written?
//!
//! Compiler and validator take a footprint's word for what a command touches, and `tests/touched.rs` holds it against
//! the simulator's data path. Here the bench notes every address at the ports of the memories on the chip and at the
//! AXI port, and each has to be of a command that its unit has in flight in that cycle. What a command writes by its
//! footprint must be written between its start and its end.

use std::collections::BTreeMap;
use std::ops::Range;

use super::bus;
use super::places::{Place, Step, places};
use bitgauge_arch::codec::Codec;
use bitgauge_arch::command::{Command, Operation, Target, Word};
use bitgauge_arch::footprint::{Access, Port, Space, footprint};
use bitgauge_arch::{Accelerator, Program};
use bitgauge_cosim::{RtlRun, RunOptions};
use bitgauge_testing::{Random, programs};
use bitgauge_tests::recovery::small;
use bitgauge_tests::verilog::{Simulated, verilator};

/// An access at a port: what was touched, and when.
struct Touch {
    cycle: u64,
    units: Range<u64>,
}

/// Units of the space that a line of the record touches.
fn touched(place: &Place, accelerator: &Accelerator, address: u64, more: u64) -> Vec<Range<u64>> {
    let line = u64::from(accelerator.line_bytes());
    let one = |range: Range<u64>| std::iter::once(range).collect();
    match place.step {
        Step::Line => one(address..address + 1),
        Step::Group(entries) => one(address * entries..(address + 1) * entries),
        Step::Entry(entries) => one(address / entries..address / entries + 1),
        Step::Bytes(bytes) => (0..line)
            .filter(|byte| more >> byte & 1 == 1)
            .map(|byte| (address * line + byte) / bytes)
            .map(|unit| unit..unit + 1)
            .collect(),
        Step::Burst => one(address..address + (more + 1) * u64::from(accelerator.bus_bytes())),
    }
}

/// A command with the cycles in which its unit had it.
struct Flight {
    command: Command,
    accesses: Vec<Access>,
    cycles: Range<u64>,
}

/// The commands of each unit in their order.
fn flights(program: &Program, run: &RtlRun) -> [Vec<Flight>; 4] {
    let mut flights: [Vec<Flight>; 4] = Default::default();
    for (_, command) in program.resolved() {
        let unit = command.operation.unit().index();
        let span = run.spans[unit][flights[unit].len()];
        let accesses = footprint(&program.accelerator, &command);
        flights[unit].push(Flight { command, accesses, cycles: span.start..span.end });
    }
    flights
}

/// Whether the accesses of a kind cover the units; groups count as a whole where one entry of them does.
fn covers(accesses: &[Access], place: &Place, units: &Range<u64>) -> bool {
    let of = accesses.iter().filter(|access| access.space == place.space && access.port == place.port);
    let mut of: Vec<(u64, u64)> = of.map(|access| (access.start, access.end)).collect();
    if let Step::Group(_) = place.step {
        return of.iter().any(|&(start, end)| start < units.end && units.start < end);
    }
    of.sort_unstable();
    let mut at = units.start;
    for (start, end) in of {
        if start <= at {
            at = at.max(end);
        }
    }
    at >= units.end
}

/// Holds a run's record against the footprints; counts accesses by port.
fn check(program: &Program, run: &RtlRun, record: &str, counts: &mut BTreeMap<String, u64>) {
    let accelerator = &program.accelerator;
    let places = places(accelerator);
    let by_name: BTreeMap<&str, usize> =
        places.iter().enumerate().map(|(index, place)| (place.name.as_str(), index)).collect();
    let flights = flights(program, run);
    let bytes = (program.words.len() * Word::BYTES) as u64;
    let fetched = program.command_address
        ..program.command_address + bytes.next_multiple_of(u64::from(accelerator.bus_bytes()));
    let mut touches: Vec<Vec<Touch>> = places.iter().map(|_| Vec::new()).collect();
    for text in record.lines() {
        let words: Vec<&str> = text.split(' ').collect();
        let [cycle, address, more] =
            [1, 2, 3].map(|at: usize| words[at].parse::<u64>().unwrap_or_else(|_| panic!("{text}")));
        let index = by_name[words[0]];
        let place = &places[index];
        *counts.entry(place.name.clone()).or_default() += 1;
        for units in touched(place, accelerator, address, more) {
            let in_flight =
                flights[place.unit.index()].iter().filter(|flight| flight.cycles.contains(&cycle));
            let accesses: Vec<Access> =
                in_flight.flat_map(|flight| flight.accesses.iter().copied()).collect();
            let command_words = place.space == Space::External
                && place.port == Port::Read
                && fetched.start <= units.start
                && units.end <= fetched.end;
            assert!(
                command_words || covers(&accesses, place, &units),
                "port {} touches {units:?} of the {} in cycle {cycle}, and the commands in flight do not: {accesses:?}",
                place.name,
                place.space.name()
            );
            touches[index].push(Touch { cycle, units });
        }
    }
    for (unit, flights) in flights.iter().enumerate() {
        for flight in flights {
            // How long blocks of `zvc` are, data decide.
            let zvc = Codec::Zvc.code();
            if matches!(&flight.command.operation, Operation::Store(store) if store.codec == zvc) {
                continue;
            }
            for access in flight.accesses.iter().filter(|access| access.port == Port::Write) {
                let mut written = vec![false; (access.end - access.start) as usize];
                let of = places.iter().zip(&touches).filter(|(place, _)| {
                    (place.unit.index(), place.space, place.port) == (unit, access.space, Port::Write)
                });
                for touch in
                    of.flat_map(|(_, touches)| touches).filter(|touch| flight.cycles.contains(&touch.cycle))
                {
                    for at in touch.units.start.max(access.start)..touch.units.end.min(access.end) {
                        written[(at - access.start) as usize] = true;
                    }
                }
                let missing = written.iter().position(|written| !written);
                assert!(
                    missing.is_none(),
                    "{missing:?} of {access:?} is never written by {:?}",
                    flight.command
                );
            }
        }
    }
}

/// The memories of constants that a program loads anew between two commands that read them.
fn reloaded(program: &Program) -> Vec<Space> {
    let spaces = [
        (Target::PostParameter, Space::PostParameter),
        (Target::VectorParameter, Space::VectorParameter),
        (Target::PostTable, Space::PostTable),
        (Target::VectorTable, Space::VectorTable),
    ];
    let commands: Vec<(Option<Target>, Vec<Access>)> = program
        .resolved()
        .map(|(_, command)| {
            let target = match &command.operation {
                Operation::Load(load) if load.blocks > 0 => load.target(),
                _ => None,
            };
            (target, footprint(&program.accelerator, &command))
        })
        .collect();
    let reads = |space: Space, of: &[(Option<Target>, Vec<Access>)]| {
        of.iter().any(|(_, accesses)| {
            accesses.iter().any(|access| access.space == space && access.port == Port::Read)
        })
    };
    let between = |&(target, space): &(Target, Space)| {
        (0..commands.len()).any(|at| {
            commands[at].0 == Some(target)
                && reads(space, &commands[..at])
                && reads(space, &commands[at + 1..])
        })
    };
    spaces.iter().filter(|pair| between(pair)).map(|(_, space)| *space).collect()
}

/// Random programs.
const PROGRAMS: u64 = 20;

#[test]
fn what_is_touched_at_the_ports_is_what_footprints_say() {
    if !verilator() {
        return;
    }
    let accelerator = small();
    let (mut counts, mut again) = (BTreeMap::new(), BTreeMap::new());
    for seed in 100..100 + PROGRAMS {
        let program = programs::reloading(&mut Random(seed), &accelerator, 30);
        for space in reloaded(&program) {
            *again.entry(space).or_insert(0) += 1;
        }
        let simulated = Simulated::new(&program, &[]).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("ports.txt");
        let options =
            RunOptions { arguments: vec![format!("ports={}", path.display())], ..RunOptions::default() };
        let (run, differences) = simulated.run(bus::bench(), &options).unwrap();
        assert!(differences.is_empty(), "seed {seed}: {}", differences[0]);
        check(&program, &run, &std::fs::read_to_string(&path).unwrap(), &mut counts);
    }
    eprintln!("accesses {counts:#?}, programs that load constants anew {again:?}");
    // Every port was looked at, and every memory of constants is loaded between commands that read it.
    for place in places(&accelerator) {
        assert!(counts.get(&place.name).is_some_and(|&count| count >= 20), "{}: {counts:?}", place.name);
    }
    for space in [Space::PostParameter, Space::VectorParameter, Space::PostTable, Space::VectorTable] {
        assert!(again.get(&space).is_some_and(|&count| count >= 3), "{}: {again:?}", space.name());
    }
}
