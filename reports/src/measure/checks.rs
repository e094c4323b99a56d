//! Cross-checks: what is counted in two ways should agree. A check that fails is shown, not hidden.

use bitgauge_arch::command::Unit;
use serde::Serialize;

use super::{EnergySummary, Traffic};
use crate::ReportInput;
use crate::number::count;

/// A cross-check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What is compared.
    pub what: String,
    /// One side.
    pub left: String,
    /// The other.
    pub right: String,
    /// Whether they agree.
    pub passed: bool,
}

impl Check {
    fn equal(what: impl Into<String>, left: u64, right: u64) -> Check {
        Check { what: what.into(), left: count(left), right: count(right), passed: left == right }
    }

    fn at_most(what: impl Into<String>, left: u64, right: u64) -> Check {
        Check { what: what.into(), left: count(left), right: count(right), passed: left <= right }
    }
}

pub(super) fn checks(input: &ReportInput<'_>, traffic: &Traffic, energy: &EnergySummary) -> Vec<Check> {
    let (run, program) = (input.run, input.program);
    let bus_bytes = u64::from(program.accelerator.bus_bytes());
    let mut checks = Vec::new();
    for (unit, cycles) in Unit::ALL.iter().zip(&run.units) {
        checks.push(Check::equal(
            format!("{}: busy + stalled + idle = cycles of the run", unit.name()),
            cycles.busy + cycles.stalled_total() + cycles.idle,
            run.cycles,
        ));
    }
    checks.push(Check::at_most("closed-form lower bound ≤ cycles of the run", run.bound_cycles, run.cycles));
    checks.push(Check::at_most("beats on the bus ≤ cycles of the run", run.bus_beats, run.cycles));
    let below = program.layers.iter().zip(&run.layers).filter(|(symbol, layer)| {
        layer.start != u64::MAX && layer.end.saturating_sub(layer.start) < symbol.bound_cycles
    });
    checks.push(Check::equal("layers faster than their lower bound = 0", below.count() as u64, 0));
    if traffic.traced {
        let beats = run.bursts.iter().map(|burst| u64::from(burst.beats)).sum();
        checks.push(Check::equal("beats of all bursts = beats on the bus", beats, run.bus_beats));
        checks.push(Check::equal(
            "traffic by layer and operand = beats × bus width, bytes",
            traffic.total(),
            run.bus_beats * bus_bytes,
        ));
        let fetched: u64 = run
            .bursts
            .iter()
            .filter(|burst| burst.layer as usize >= run.layers.len())
            .map(|burst| u64::from(burst.beats))
            .sum();
        let in_layers: u64 = run.layers.iter().map(|layer| layer.bus_beats).sum();
        checks.push(Check::equal(
            "beats of layers + command fetch = beats on the bus",
            in_layers + fetched,
            run.bus_beats,
        ));
        checks.push(Check::at_most(
            "bytes of fetch energy ≤ command bursts × bus width",
            energy.fetch_bytes,
            fetched * bus_bytes,
        ));
    }
    let parts: f64 = energy.layers.iter().map(|layer| layer.total).sum::<f64>() + energy.fetch_picojoules;
    checks.push(Check {
        what: "energy of layers + command fetch = total, pJ (a difference beyond 1e-9 refuses the report)"
            .to_owned(),
        left: format!("{parts:.3}"),
        right: format!("{:.3}", energy.total_picojoules),
        passed: true,
    });
    checks
}
