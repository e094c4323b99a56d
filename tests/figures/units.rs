//! Where units' cycles went, over the run and by layer, and when commands ran.

use crate::bottleneck::seen;
use crate::cases::cases;
use crate::forms::{REASONS, UNITS, forms, union};
use crate::table::{Cell, hold};

#[test]
fn busy_stalled_and_idle_cycles_of_units() {
    for case in cases() {
        let header: Vec<&str> = ["unit", "busy"].into_iter().chain(REASONS).chain(["idle"]).collect();
        let row = |unit: usize| -> Vec<Cell> {
            let cycles = &case.run.units[unit];
            let counts = [cycles.busy].into_iter().chain(cycles.stalled).chain([cycles.idle]);
            [Cell::from(UNITS[unit])].into_iter().chain(counts.map(Cell::from)).collect()
        };
        hold(case, "data/unit_cycles.csv", &header, &[row(0), row(1), row(2), row(3)]);
        // The vector unit does nothing but run commands; all counts of a unit together are the run.
        let vector = case.run.spans.iter().filter(|span| span.unit as usize == 2);
        let table = case.table("data/unit_cycles.csv");
        let busy = table.numbers("busy")[2];
        assert_eq!(busy, union(vector.map(|span| (span.start, span.end))) as f64, "{}", case.name);
        for unit in &table.rows {
            let all: u64 = unit[1..].iter().map(|cell| cell.parse::<u64>().unwrap()).sum();
            assert_eq!(all, case.run.cycles, "{}: {}", case.name, unit[0]);
        }
        // Tokens and banks are waited for at the head of a queue, before a command starts.
        for (unit, name) in UNITS.iter().enumerate() {
            for (reason, word) in REASONS.iter().enumerate().take(2) {
                let waits = case.run.spans.iter().filter(|span| span.unit as usize == unit);
                let waited: u64 = waits.map(|span| span.waited[reason]).sum();
                let stalled = table.numbers(word)[unit];
                // Cycles in which a command before still runs are busy.
                assert!(stalled <= waited as f64, "{}: {name}, {word}", case.name);
            }
        }
    }
}

#[test]
fn cycles_of_layers_and_what_they_wait_for() {
    for case in cases() {
        let (seen, forms) = (seen(case), forms(case));
        let rows: Vec<(Vec<Cell>, Vec<u64>)> = seen
            .iter()
            .zip(&forms)
            .zip(&case.program.layers)
            .map(|((seen, forms), symbol)| {
                let (unit, busy) = (seen.main_unit(), seen.busy[seen.main_unit()]);
                let working = [0, forms.feed.min(busy), busy, 0][unit];
                let cycles = [working, busy - working].into_iter().chain(seen.waited[unit]).collect();
                (vec![symbol.name.as_str().into(), UNITS[unit].into()], cycles)
            })
            .collect();
        let names =
            ["feeding the array, or vector work", "command running otherwise (setup, drain, transfer)"];
        let reasons = REASONS.iter().map(|reason| format!("waiting: {reason}"));
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).chain(reasons).collect();
        // A reason for which no layer's main unit waits has no column.
        let kept: Vec<usize> =
            (0..8).filter(|&at| at < 2 || rows.iter().any(|(_, cycles)| cycles[at] > 0)).collect();
        let header: Vec<&str> =
            ["layer", "main_unit"].into_iter().chain(kept.iter().map(|&at| names[at].as_str())).collect();
        let cells: Vec<Vec<Cell>> = rows
            .iter()
            .map(|(head, cycles)| {
                head.iter().cloned().chain(kept.iter().map(|&at| cycles[at].into())).collect()
            })
            .collect();
        hold(case, "data/layer_cycles.csv", &header, &cells);
        assert!(kept.len() >= 4, "{}: tokens and banks are waited for", case.name);
    }
}

#[test]
fn commands_of_the_timeline() {
    for case in cases() {
        let cells: Vec<Vec<Cell>> = case
            .run
            .spans
            .iter()
            .map(|span| {
                let place = [u64::from(span.command).into(), UNITS[span.unit as usize].into()];
                let times = [case.layer_of(span) as u64, span.start, span.end].map(Cell::from);
                place.into_iter().chain(times).collect()
            })
            .collect();
        hold(case, "data/timeline.csv", &["command", "unit", "layer", "start", "end"], &cells);
    }
}
