//! What each resource must do for a layer at least: closed forms of its commands, whatever the schedule.

use bitgauge_arch::command::Operation;
use bitgauge_arch::timing::{self, COMPUTE_SETUP};
use bitgauge_sim::result::LayerResult;
use serde::Serialize;

use crate::ReportInput;

/// Cycles that a layer's commands need of each resource, each taken alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Loads {
    /// Array: feeding plus setup.
    pub array: u64,
    /// Memory bus: beats, both directions.
    pub bus: u64,
    /// Vector unit: cycles of its commands.
    pub vector: u64,
    /// Load unit: lines written into scratchpads, one a cycle.
    pub load_lines: u64,
    /// Store unit: lines read from scratchpads, one a cycle.
    pub store_lines: u64,
}

impl Loads {
    /// Names and cycles, the array first so that it wins a tie.
    pub(super) fn each(&self) -> [(&'static str, u64); 5] {
        [
            ("array", self.array),
            ("memory bus", self.bus),
            ("vector unit", self.vector),
            ("load lines", self.load_lines),
            ("store lines", self.store_lines),
        ]
    }
}

/// What the commands of a layer say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LayerLoads {
    pub loads: Loads,
    /// Beats of a fold, which is K as the array pads it; `None` where the layer's commands differ in it, or
    /// none is known.
    pub padded_k: Option<u64>,
}

/// Per layer. A program without command words (they may be left out of a report's input) has no lines, and
/// its array and vector cycles come from the run's counters, which leave out setup.
pub(super) fn loads(input: &ReportInput<'_>) -> Vec<LayerLoads> {
    let (program, run) = (input.program, input.run);
    let mut all: Vec<LayerLoads> = run.layers.iter().map(from_counters).collect();
    let commands: Vec<_> = program.resolved().map(|(_, command)| command).collect();
    if commands.len() != program.commands.len() {
        return all;
    }
    for layer in &mut all {
        (layer.loads.array, layer.loads.vector) = (0, 0);
    }
    let mut beats: Vec<Option<u64>> = vec![None; all.len()];
    let mut differ = vec![false; all.len()];
    for (command, symbol) in commands.iter().zip(&program.commands) {
        let index = symbol.layer as usize;
        let Some(layer) = all.get_mut(index) else { continue };
        let loads = &mut layer.loads;
        match &command.operation {
            Operation::Load(load) => {
                loads.load_lines += timing::load_shape(&program.accelerator, load).lines();
            }
            Operation::Store(store) => {
                loads.store_lines += timing::store_shape(&program.accelerator, store).lines();
            }
            Operation::Vector(vector) => loads.vector += timing::vector_cycles(&program.accelerator, vector),
            Operation::Compute(compute) => {
                let timing = timing::compute(&program.accelerator, compute);
                loads.array += COMPUTE_SETUP + timing.feed_cycles();
                differ[index] |= beats[index].is_some_and(|known| known != timing.beats);
                beats[index] = Some(timing.beats);
            }
        }
    }
    for ((layer, beats), differ) in all.iter_mut().zip(beats).zip(differ) {
        layer.padded_k = beats.filter(|_| !differ);
    }
    all
}

fn from_counters(layer: &LayerResult) -> LayerLoads {
    let loads = Loads {
        array: layer.feed_cycles,
        bus: layer.bus_beats,
        vector: layer.unit_busy[bitgauge_arch::command::Unit::Vector.index()],
        ..Loads::default()
    };
    LayerLoads { loads, padded_k: None }
}
