//! What each resource must do for a layer at least: closed forms of its commands, whatever the schedule.

use bitgauge_arch::Program;
use bitgauge_arch::command::Operation;
use bitgauge_arch::mac::Operands;
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
    /// The resource that needs most cycles, and how many.
    #[must_use]
    pub fn greatest(&self) -> (&'static str, u64) {
        // The last of equal ones would be taken; the array goes first.
        self.each().into_iter().rev().max_by_key(|(_, cycles)| *cycles).unwrap_or(("array", 0))
    }

    /// Names and cycles, the array first so that it wins a tie.
    #[must_use]
    pub fn each(&self) -> [(&'static str, u64); 5] {
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
    /// Products that an element has time for in a fold, which is K as the array pads it; `None` where the layer's
    /// commands differ in it, or none is known.
    pub padded_k: Option<u64>,
    /// Cycles of one element for all multiply-accumulates of the array, at the codes' widths.
    pub peak_cycles: u64,
    /// Widths of what the array multiplies; of several, those that take the fewest cycles. `None` where it does nothing.
    pub operands: Option<Operands>,
}

/// Per layer, from the commands alone. A `zvc` block counts as long as it is without: how long it is only data
/// say.
#[must_use]
pub fn planned_loads(program: &Program) -> Vec<Loads> {
    closed_forms(program).into_iter().map(|layer| layer.loads).collect()
}

fn closed_forms(program: &Program) -> Vec<LayerLoads> {
    let mut all = vec![LayerLoads::default(); program.layers.len()];
    let mut beats: Vec<Option<u64>> = vec![None; all.len()];
    let mut differ = vec![false; all.len()];
    let accelerator = &program.accelerator;
    for ((_, command), symbol) in program.resolved().zip(&program.commands) {
        let index = symbol.layer as usize;
        let Some(layer) = all.get_mut(index) else { continue };
        let loads = &mut layer.loads;
        match &command.operation {
            Operation::Load(load) => {
                let shape = timing::load_shape(accelerator, load);
                loads.load_lines += shape.lines();
                loads.bus += shape.blocks * shape.raw_beats(accelerator);
            }
            Operation::Store(store) => {
                let shape = timing::store_shape(accelerator, store);
                loads.store_lines += shape.lines();
                loads.bus += shape.blocks * shape.raw_beats(accelerator);
            }
            Operation::Vector(vector) => loads.vector += timing::vector_cycles(accelerator, vector),
            Operation::Compute(compute) => {
                let timing = timing::compute(accelerator, compute);
                loads.array += COMPUTE_SETUP + timing.feed_cycles();
                // A command has room for so many products in an element's fold: padded K.
                let rate = accelerator.array.rate(compute.operands());
                let room = rate.products_in(timing.beats);
                differ[index] |= beats[index].is_some_and(|known| known != room);
                beats[index] = Some(room);
                layer.peak_cycles += rate.cycles_of(timing.macs);
                let one = |operands: &Operands| accelerator.array.rate(*operands).cycles;
                layer.operands = layer.operands.into_iter().chain([compute.operands()]).min_by_key(one);
            }
        }
    }
    for ((layer, beats), differ) in all.iter_mut().zip(beats).zip(differ) {
        layer.padded_k = beats.filter(|_| !differ);
    }
    all
}

/// Per layer, with the beats that were counted. A program without command words (they may be left out of a
/// report's input) has no lines, and its array and vector cycles come from the run's counters, which leave out
/// setup.
pub(super) fn loads(input: &ReportInput<'_>) -> Vec<LayerLoads> {
    let (program, run) = (input.program, input.run);
    if program.resolved().count() != program.commands.len() {
        return run.layers.iter().map(from_counters).collect();
    }
    let mut all = closed_forms(program);
    for (layer, counted) in all.iter_mut().zip(&run.layers) {
        layer.loads.bus = counted.bus_beats;
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
    LayerLoads { loads, padded_k: None, peak_cycles: layer.array_macs, operands: None }
}
