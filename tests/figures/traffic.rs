//! Bytes on the bus: every burst, by layer and operand, over time, by address.

use bitgauge_sim::result::Burst;

use crate::cases::{Case, cases};
use crate::forms::OPERANDS;
use crate::table::{Cell, hold};

/// Bytes of bursts: beats times the bus.
fn bytes<'a>(case: &Case, bursts: impl Iterator<Item = &'a Burst>) -> u64 {
    bursts.map(|burst| u64::from(burst.beats) * case.hardware.bus()).sum()
}

#[test]
fn bursts() {
    let header = ["cycle", "address", "bytes", "beats", "write", "operand", "layer"];
    for case in cases() {
        let row = |burst: &Burst| -> Vec<Cell> {
            let layer = (burst.layer != u32::MAX).then_some(u64::from(burst.layer));
            vec![
                burst.cycle.into(),
                burst.address.into(),
                u64::from(burst.bytes).into(),
                u64::from(burst.beats).into(),
                u64::from(burst.write).into(),
                OPERANDS[burst.operand as usize].into(),
                layer.into(),
            ]
        };
        let rows: Vec<Vec<Cell>> = case.run.bursts.iter().map(row).collect();
        hold(case, "bursts.csv", &header, &rows);
        hold(case, "data/memory_access.csv", &header, &rows);
        // The bursts that were counted are those that were seen.
        assert_eq!(bytes(case, case.run.bursts.iter()), case.run.bus_beats * case.hardware.bus());
    }
}

#[test]
fn traffic_by_layer_operand_and_direction() {
    for case in cases() {
        let layers = 0..case.program.layers.len();
        let of = |layer: Option<usize>, operand: usize, write: bool| {
            let own = case.bursts(layer).filter(move |burst| burst.operand as usize == operand);
            bytes(case, own.filter(move |burst| burst.write == write))
        };
        let places: Vec<Option<usize>> = layers.clone().map(Some).chain([None]).collect();
        let mut header = vec!["layer".to_owned()];
        let mut columns = Vec::new();
        for (operand, name) in OPERANDS.iter().enumerate() {
            for (write, direction) in [(false, "read"), (true, "write")] {
                let column: Vec<u64> = places.iter().map(|&place| of(place, operand, write)).collect();
                if column.iter().any(|bytes| *bytes > 0) {
                    header.push(format!("{name} ({direction}) bytes"));
                    columns.push(column);
                }
            }
        }
        let rows: Vec<Vec<Cell>> = places
            .iter()
            .enumerate()
            .map(|(row, place)| {
                let label = place.map_or_else(|| "command fetch".to_owned(), |layer| case.label(layer));
                [label.into()].into_iter().chain(columns.iter().map(|column| column[row].into())).collect()
            })
            .collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        hold(case, "data/traffic.csv", &header, &rows);
    }
}

#[test]
fn bandwidth_over_time() {
    for case in cases() {
        let cycles = case.run.cycles;
        // The least of 1, 2, 5 times a power of ten that makes at most 280 windows, of 16 cycles at least.
        let round = (0..12).flat_map(|decade| [1, 2, 5].map(|step| step * 10u64.pow(decade)));
        let window = round.into_iter().find(|&size| size >= 16 && size * 280 >= cycles).unwrap();
        let mut rows = vec![[0u64; 7]; cycles.div_ceil(window) as usize];
        for burst in &case.run.bursts {
            for beat in 0..u64::from(burst.beats) {
                rows[((burst.cycle + beat) / window) as usize][burst.operand as usize] += case.hardware.bus();
            }
        }
        let header: Vec<String> = OPERANDS.iter().map(|operand| format!("{operand} bytes")).collect();
        let header: Vec<&str> =
            ["first_cycle", "cycles"].into_iter().chain(header.iter().map(String::as_str)).collect();
        let rows: Vec<Vec<Cell>> = rows
            .iter()
            .enumerate()
            .map(|(index, bytes)| {
                let first = index as u64 * window;
                [first, window.min(cycles - first)].iter().chain(bytes).map(|&value| value.into()).collect()
            })
            .collect();
        hold(case, "data/bandwidth.csv", &header, &rows);
    }
}

#[test]
fn addresses_of_operands() {
    let header = ["operand", "first_address", "end_address", "bus_bytes", "bursts", "of_them_writes"];
    for case in cases() {
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        for (operand, name) in OPERANDS.iter().enumerate() {
            let own = || case.run.bursts.iter().filter(move |burst| burst.operand as usize == operand);
            let Some(first) = own().map(|burst| burst.address).min() else { continue };
            let end = |burst: &Burst| burst.address + u64::from(burst.beats) * case.hardware.bus();
            let writes = own().filter(|burst| burst.write).count() as u64;
            let counts =
                [first, own().map(end).max().unwrap(), bytes(case, own()), own().count() as u64, writes];
            rows.push([Cell::from(*name)].into_iter().chain(counts.map(Cell::from)).collect());
        }
        hold(case, "data/memory_access_by_operand.csv", &header, &rows);
    }
}
