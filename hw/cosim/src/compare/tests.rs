//! Does the comparison see every kind of difference, wherever it is, and nothing where there is none?

use std::time::Duration;

use super::*;

const MEMORY: [u8; 96] = [7; 96];

/// Counts of every action that are all different.
fn counted() -> ActionCounts {
    let mut counts = ActionCounts::default();
    for (index, action) in Action::ALL.iter().enumerate() {
        counts.add(*action, 1000 + index as u64);
    }
    counts
}

static ACTIONS: std::sync::LazyLock<ActionCounts> = std::sync::LazyLock::new(counted);

/// Three commands on two units, with counters that are all different.
fn agreeing() -> (Expected<'static>, RtlRun) {
    let span = |unit, start, end| Span { unit, start, end };
    let commands = vec![span(Unit::Load, 3, 20), span(Unit::Compute, 21, 40), span(Unit::Load, 22, 30)];
    let counters: [[u64; COUNTERS]; 4] =
        std::array::from_fn(|unit| std::array::from_fn(|index| (100 * unit + index) as u64));
    let mut spans: [Vec<Span>; 4] = Default::default();
    for command in &commands {
        spans[command.unit.index()].push(*command);
    }
    let expected = Expected { cycles: Some(60), counters, commands, actions: &ACTIONS, memory: &MEMORY };
    let memory = MEMORY.to_vec();
    let (accesses, complaints) = (counted(), Vec::new());
    let run = RtlRun { cycles: 60, counters, accesses, spans, memory, complaints, elapsed: Duration::ZERO };
    (expected, run)
}

/// The differences after a change of what the Verilog did.
fn seeded(change: impl FnOnce(&mut RtlRun)) -> Vec<Difference> {
    let (expected, mut run) = agreeing();
    change(&mut run);
    compare(&expected, &run)
}

#[test]
fn equal_runs_have_no_difference() {
    assert_eq!(seeded(|_| ()), []);
}

#[test]
fn every_start_and_every_end() {
    for (command, unit, place) in [(0, Unit::Load, 0), (1, Unit::Compute, 0), (2, Unit::Load, 1)] {
        let starts = seeded(|run| run.spans[unit.index()][place].start += 1);
        assert!(
            matches!(&starts[..], [Difference::Start { command: c, expected, found, .. }]
                if *c == command && *found == expected + 1),
            "{starts:?}"
        );
        let ends = seeded(|run| run.spans[unit.index()][place].end -= 1);
        assert!(
            matches!(&ends[..], [Difference::End { command: c, expected, found, .. }]
                if *c == command && *found == expected - 1),
            "{ends:?}"
        );
    }
}

#[test]
fn a_command_that_never_ran_and_one_too_many() {
    let missing = seeded(|run| {
        run.spans[Unit::Load.index()].pop();
    });
    assert_eq!(missing.len(), 2, "its start and its end: {missing:?}");
    let open = seeded(|run| run.spans[Unit::Compute.index()][0].end = u64::MAX);
    assert!(matches!(&open[..], [Difference::End { found: u64::MAX, .. }]), "{open:?}");
    let extra = seeded(|run| {
        run.spans[Unit::Store.index()].push(Span { unit: Unit::Store, start: 50, end: 55 });
    });
    assert!(matches!(&extra[..], [Difference::Start { unit: Unit::Store, found: 50, .. }]), "{extra:?}");
}

#[test]
fn the_total_and_every_counter() {
    assert_eq!(seeded(|run| run.cycles += 1), [Difference::Cycles { expected: 60, found: 61 }]);
    for unit in Unit::ALL {
        for (index, wanted) in NAMES.into_iter().enumerate() {
            let found = seeded(|run| run.counters[unit.index()][index] += 1);
            assert!(
                matches!(&found[..], [Difference::Counter { unit: u, name, .. }]
                    if *u == unit && *name == wanted),
                "{found:?}"
            );
        }
    }
}

#[test]
fn every_memory_in_both_directions_and_the_registers_of_the_array() {
    for action in ACCESSES {
        let was = counted().get(action);
        let found = seeded(|run| run.accesses.add(action, 1));
        assert_eq!(found, [Difference::Access { action, expected: was, found: was + 1 }]);
    }
    let none = seeded(|run| run.accesses = ActionCounts::default());
    assert_eq!(none.len(), ACCESSES.len(), "{none:?}");
    // Each memory has both directions, and no action stands for two.
    let names = ACCESSES.map(Action::name);
    for memory in ["activation", "weight", "parameter", "table", "external"] {
        for direction in ["read", "write"] {
            let name = format!("{memory}_{direction}_byte");
            assert_eq!(names.iter().filter(|known| **known == name).count(), 1, "{name}");
        }
    }
}

#[test]
fn every_byte_of_memory_and_its_size() {
    for address in 0..MEMORY.len() {
        let found = seeded(|run| run.memory[address] ^= 1);
        assert_eq!(found, [Difference::Memory { address, expected: 7, found: 6, count: 1 }]);
    }
    let several = seeded(|run| [5, 9, 95].iter().for_each(|&address| run.memory[address] = 0));
    assert_eq!(several, [Difference::Memory { address: 5, expected: 7, found: 0, count: 3 }]);
    assert_eq!(seeded(|run| run.memory.truncate(90)), [Difference::Size { expected: 96, found: 90 }]);
    assert_eq!(seeded(|run| run.memory.push(0)), [Difference::Size { expected: 96, found: 97 }]);
}

#[test]
fn the_bench_complains() {
    let found = seeded(|run| run.complaints.push("a breach".to_owned()));
    assert_eq!(found, [Difference::Complaint("a breach".to_owned())]);
}

#[test]
fn without_cycles_bits_accesses_and_complaints_are_still_compared() {
    let (mut expected, mut run) = agreeing();
    expected.cycles = None;
    run.cycles = 0;
    run.spans = Default::default();
    run.counters = [[0; COUNTERS]; 4];
    assert_eq!(compare(&expected, &run), []);
    run.memory[1] = 0;
    run.accesses.add(Action::WeightReadByte, 1);
    run.complaints.push("a breach".to_owned());
    assert_eq!(compare(&expected, &run).len(), 3);
}

#[test]
fn the_first_in_time_comes_first_and_every_difference_is_said() {
    let found = seeded(|run| {
        run.spans[Unit::Load.index()][0].end = 25;
        run.spans[Unit::Compute.index()][0].start = 10;
        run.cycles = 61;
        run.counters[3][7] = 0;
        run.accesses.add(Action::TableReadByte, 3);
        run.complaints.push("a breach".to_owned());
        run.memory[0] = 0;
        run.memory.pop();
    });
    let text: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        text,
        [
            "command 1: signal compute_start rises in cycle 10, expected in cycle 21",
            "command 0: signal load_end rises in cycle 25, expected in cycle 20",
            "61 cycles, expected 60",
            "counter store_idle is 0, expected 307",
            "accesses of `table_read_byte` at the ports are 1015, expected 1012",
            "the bench: a breach",
            "1 bytes of external memory differ, the first at 0x0: 0x00, expected 0x07",
            "the bench gave 95 bytes of external memory, expected 96",
        ]
    );
}
