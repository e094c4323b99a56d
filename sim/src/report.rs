//! From what the engine found out to the result, and the laws that every run obeys.

use bitgauge_arch::actions::{Action, ActionCounts};
use bitgauge_arch::command::Unit;

use crate::count::{self, Tally};
use crate::engine::Timed;
use crate::error::SimError;
use crate::plan::{Plan, Shape};
use crate::result::{LayerResult, RunResult};

/// What a program does in every run, whatever the data.
#[derive(Clone, Debug)]
pub(crate) struct Static {
    /// Actions per layer, without traffic.
    actions: Vec<ActionCounts>,
    /// Multiply-accumulates of each layer's compute commands, and how many there was room for.
    macs: Vec<[u64; 2]>,
    /// Multiply-accumulates of all compute commands.
    array_macs: u64,
    /// Cycles of feeding plus setup of all compute commands.
    compute_cycles: u64,
    /// Cycles of all vector commands.
    vector_cycles: u64,
}

impl Static {
    pub fn new(plan: &Plan) -> Static {
        let mut actions = vec![Tally::default(); plan.layers];
        let mut fixed = Static {
            actions: Vec::new(),
            macs: vec![[0; 2]; plan.layers],
            array_macs: 0,
            compute_cycles: 0,
            vector_cycles: 0,
        };
        for ((command, shape), shared) in plan.commands.iter().zip(&plan.shapes).zip(&plan.shared) {
            count::command(plan, &command.operation, shape, &mut actions[shared.layer as usize]);
            match shape {
                Shape::Compute(timing) => {
                    fixed.array_macs += timing.macs;
                    let [macs, slots] = &mut fixed.macs[shared.layer as usize];
                    (*macs, *slots) = (*macs + timing.macs, *slots + timing.slots);
                    fixed.compute_cycles += bitgauge_arch::timing::COMPUTE_SETUP + timing.feed_cycles();
                }
                Shape::Vector(cycles) => fixed.vector_cycles += cycles,
                Shape::Load(_) | Shape::Store(_) => {}
            }
        }
        fixed.actions = actions.iter().map(Tally::counts).collect();
        fixed
    }
}

fn law(law: &'static str, left: u64, right: u64) -> Result<(), SimError> {
    if left == right { Ok(()) } else { Err(SimError::Conservation { law, left, right }) }
}

/// The result of a run; `macs` is what the data path multiplied, where it ran.
pub(crate) fn assemble(
    plan: &Plan,
    fixed: &Static,
    timed: Timed,
    macs: Option<u64>,
) -> Result<RunResult, SimError> {
    let traffic = &timed.traffic;
    let mut layers: Vec<LayerResult> = fixed
        .actions
        .iter()
        .zip(&fixed.macs)
        .zip(&traffic.layers)
        .map(|((actions, &[macs, slots]), &[read, written])| {
            let mut actions = actions.clone();
            actions.add(Action::ExternalReadByte, read * plan.bus);
            actions.add(Action::ExternalWriteByte, written * plan.bus);
            LayerResult {
                start: u64::MAX,
                array_macs: macs,
                array_padded_macs: slots,
                vector_macs: actions.get(Action::VectorMac),
                bus_beats: read + written,
                actions,
                ..LayerResult::default()
            }
        })
        .collect();
    // Ends of a unit's commands never overtake, so a layer's union of spans needs only the last end.
    let mut counted = vec![[0u64; 4]; plan.layers];
    for span in &timed.spans {
        let index = plan.shared[span.command as usize].layer as usize;
        let (layer, unit) = (&mut layers[index], span.unit.index());
        layer.start = layer.start.min(span.start);
        layer.end = layer.end.max(span.end);
        let last = &mut counted[index][unit];
        layer.unit_busy[unit] += span.end - span.start.max(*last).min(span.end);
        *last = span.end.max(*last);
        for (total, waited) in layer.unit_waited[unit].iter_mut().zip(span.waited) {
            *total += waited;
        }
    }
    let mut feeds = vec![(u64::MAX, 0); plan.layers];
    for &(span, start, end) in &timed.feeds {
        let command = timed.spans[span].command as usize;
        let layer = plan.shared[command].layer as usize;
        if let Shape::Compute(timing) = &plan.shapes[command] {
            layers[layer].feed_cycles += timing.folds() * timing.beats;
        }
        let feed = &mut feeds[layer];
        *feed = (feed.0.min(start), feed.1.max(end));
    }
    for (layer, (start, end)) in layers.iter_mut().zip(feeds) {
        layer.array_span = end.saturating_sub(start);
    }
    let mut actions = ActionCounts::default();
    actions.add(Action::ExternalReadByte, traffic.fetch * plan.bus);
    for layer in &layers {
        actions.merge(&layer.actions);
    }
    let bound_cycles = traffic.beats.max(fixed.compute_cycles).max(fixed.vector_cycles);
    let result = RunResult {
        cycles: timed.cycles,
        bound_cycles,
        units: timed.units,
        bus_beats: traffic.beats,
        layers,
        actions,
        spans: timed.spans,
        bursts: timed.traffic.bursts,
    };
    conserve(plan, fixed, &result, macs)?;
    Ok(result)
}

/// The laws that every result obeys.
pub(crate) fn conserve(
    plan: &Plan,
    fixed: &Static,
    result: &RunResult,
    macs: Option<u64>,
) -> Result<(), SimError> {
    law("commands", result.spans.len() as u64, plan.commands.len() as u64)?;
    let macs_of_layers = result.layers.iter().map(|layer| layer.array_macs).sum();
    law("multiply-accumulates", macs_of_layers, fixed.array_macs)?;
    if let Some(macs) = macs {
        law("computed multiply-accumulates", macs, fixed.array_macs)?;
    }
    let external =
        result.actions.get(Action::ExternalReadByte) + result.actions.get(Action::ExternalWriteByte);
    law("bytes on the bus", external, result.bus_beats * plan.bus)?;
    if !result.bursts.is_empty() {
        law(
            "beats of the trace",
            result.bursts.iter().map(|burst| u64::from(burst.beats)).sum(),
            result.bus_beats,
        )?;
    }
    for unit in Unit::ALL {
        let cycles = &result.units[unit.index()];
        law("cycles of a unit", cycles.busy + cycles.stalled_total() + cycles.idle, result.cycles)?;
    }
    law("the lower bound", result.cycles.min(result.bound_cycles), result.bound_cycles)
}
