//! Bytes on the bus by layer, operand and direction.

use bitgauge_arch::actions::Action;
use bitgauge_arch::program::Operand;
use serde::Serialize;

use crate::ReportInput;

/// Bytes on the bus. Where the run has no burst trace, reads and writes come from the counters and
/// operands are unknown.
#[derive(Clone, Debug, Serialize)]
pub struct Traffic {
    /// Whether operands are known.
    pub traced: bool,
    /// What flows, in the order of legends; only what occurs.
    pub series: Vec<TrafficSeries>,
    /// Bytes per layer and series.
    pub layers: Vec<Vec<u64>>,
    /// Bytes per series that belong to no layer: command fetch.
    pub fetch: Vec<u64>,
    /// Bytes of the last beats that carry nothing.
    pub padding_bytes: u64,
}

/// One kind of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TrafficSeries {
    /// What the bytes are; `None` without a trace.
    pub operand: Option<Operand>,
    /// Direction.
    pub write: bool,
}

impl TrafficSeries {
    /// Name in legends.
    #[must_use]
    pub fn name(self) -> String {
        let direction = if self.write { "write" } else { "read" };
        match self.operand {
            Some(operand) => format!("{} ({direction})", operand.name()),
            None => direction.to_owned(),
        }
    }
}

impl Traffic {
    /// All bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.layers.iter().flatten().sum::<u64>() + self.fetch.iter().sum::<u64>()
    }

    /// Bytes of a layer in one direction.
    #[must_use]
    pub fn layer(&self, layer: usize, write: bool) -> u64 {
        let Some(bytes) = self.layers.get(layer) else { return 0 };
        self.series
            .iter()
            .zip(bytes)
            .filter(|(series, _)| series.write == write)
            .map(|(_, bytes)| bytes)
            .sum()
    }
}

pub(super) fn traffic(input: &ReportInput<'_>) -> Traffic {
    if input.run.bursts.is_empty() { from_counters(input) } else { from_bursts(input) }
}

fn from_bursts(input: &ReportInput<'_>) -> Traffic {
    let bus_bytes = u64::from(input.program.accelerator.bus_bytes());
    let column = |operand: Operand, write: bool| 2 * operand as usize + usize::from(write);
    let columns = 2 * Operand::ALL.len();
    let mut layers = vec![vec![0; columns]; input.run.layers.len()];
    let mut fetch = vec![0; columns];
    let mut padding_bytes = 0;
    for burst in &input.run.bursts {
        let bytes = u64::from(burst.beats) * bus_bytes;
        padding_bytes += bytes.saturating_sub(u64::from(burst.bytes));
        let row = layers.get_mut(burst.layer as usize).unwrap_or(&mut fetch);
        row[column(burst.operand, burst.write)] += bytes;
    }
    let mut series = Vec::new();
    let mut kept = Vec::new();
    for operand in Operand::ALL {
        for write in [false, true] {
            let index = column(operand, write);
            if fetch[index] > 0 || layers.iter().any(|layer| layer[index] > 0) {
                series.push(TrafficSeries { operand: Some(operand), write });
                kept.push(index);
            }
        }
    }
    let keep = |row: &Vec<u64>| kept.iter().map(|&index| row[index]).collect::<Vec<u64>>();
    Traffic {
        traced: true,
        series,
        layers: layers.iter().map(keep).collect(),
        fetch: keep(&fetch),
        padding_bytes,
    }
}

fn from_counters(input: &ReportInput<'_>) -> Traffic {
    let directions = [Action::ExternalReadByte, Action::ExternalWriteByte];
    let layers: Vec<Vec<u64>> = input
        .run
        .layers
        .iter()
        .map(|layer| directions.iter().map(|&action| layer.actions.get(action)).collect())
        .collect();
    let fetch = directions
        .iter()
        .enumerate()
        .map(|(index, &action)| {
            let in_layers: u64 = layers.iter().map(|layer| layer[index]).sum();
            input.run.actions.get(action).saturating_sub(in_layers)
        })
        .collect();
    let series = [false, true].into_iter().map(|write| TrafficSeries { operand: None, write }).collect();
    Traffic { traced: false, series, layers, fetch, padding_bytes: 0 }
}
