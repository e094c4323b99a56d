//! What follows from program, run and prices: one structure that page, plots and files all read, so that
//! no two of them can disagree.

mod bottleneck;
mod checks;
mod energy;
mod layers;
mod loads;
mod priced;
mod traffic;
mod waits;

pub(crate) use bottleneck::BINDING;
pub use checks::Check;
pub(crate) use energy::by_action;
pub use energy::{ActionEnergy, Component, EnergySummary, LayerEnergy};
pub use layers::LayerRow;
pub use loads::{Loads, planned_loads};
pub(crate) use priced::Priced;
pub use traffic::{Traffic, TrafficSeries};
pub use waits::WaitsFor;

use bitgauge_arch::mac::Operands;
use bitgauge_arch::program::{TensorRole, TensorSymbol};
use serde::Serialize;

use crate::number::ratio;
use crate::{ReportError, ReportInput};

/// Everything derived from the inputs.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// The numbers at the top of the page.
    pub headline: Headline,
    /// Per layer.
    pub layers: Vec<LayerRow>,
    /// Bytes on the bus.
    pub traffic: Traffic,
    /// Energy.
    pub energy: EnergySummary,
    /// Cross-checks and their outcome.
    pub checks: Vec<Check>,
}

/// The numbers at the top of the page.
#[derive(Clone, Debug, Serialize)]
pub struct Headline {
    /// Cycles of one inference.
    pub cycles: u64,
    /// Closed-form lower bound on them.
    pub bound_cycles: u64,
    /// What no program of the network beats: its products on all multipliers, or its weights and outputs on the bus,
    /// each once.
    pub network_bound_cycles: u64,
    /// Milliseconds at the described clock.
    pub milliseconds: f64,
    /// Inferences per second, one after another.
    pub inferences_per_second: f64,
    /// Picojoules of one inference.
    pub picojoules: f64,
    /// The same at the least price that a source gives for each action.
    pub low_picojoules: f64,
    /// The same at the most.
    pub high_picojoules: f64,
    /// Share of the picojoules that is priced by assumption, 0 to 1.
    pub assumed_energy_share: f64,
    /// Mean power while running, milliwatts.
    pub milliwatts: f64,
    /// Useful multiply-accumulates of the array over all it could have done in the run's cycles.
    pub mac_utilization: f64,
    /// Useful multiply-accumulates on the array.
    pub array_macs: u64,
    /// Bytes on the bus: beats times the bus width.
    pub bus_bytes: u64,
    /// Share of cycles with a beat on the bus.
    pub bus_occupancy: f64,
}

/// Derives everything.
///
/// # Errors
/// As [`crate::render`].
pub fn measure(input: &ReportInput<'_>) -> Result<Measured, ReportError> {
    let (program, run) = (input.program, input.run);
    if program.layers.len() != run.layers.len() {
        return Err(ReportError::Layers { program: program.layers.len(), run: run.layers.len() });
    }
    let energy = energy::energy(input)?;
    let traffic = traffic::traffic(input);
    let layers = layers::layers(input, &traffic, &energy);
    let checks = checks::checks(input, &traffic, &energy);

    let accelerator = &program.accelerator;
    let hertz = f64::from(accelerator.clock.mhz) * 1e6;
    let seconds = if hertz > 0.0 { run.cycles as f64 / hertz } else { 0.0 };
    let array_macs = run.layers.iter().map(|layer| layer.array_macs).sum();
    let peak_cycles = loads::loads(input).iter().map(|layer| layer.peak_cycles).sum();
    let elements = u64::from(accelerator.array.rows) * u64::from(accelerator.array.cols);
    let headline = Headline {
        cycles: run.cycles,
        bound_cycles: run.bound_cycles,
        network_bound_cycles: network_bound_cycles(input),
        milliseconds: seconds * 1e3,
        inferences_per_second: if seconds > 0.0 { 1.0 / seconds } else { 0.0 },
        picojoules: energy.total_picojoules,
        low_picojoules: energy.low_picojoules,
        high_picojoules: energy.high_picojoules,
        assumed_energy_share: energy.assumed_share,
        milliwatts: if seconds > 0.0 { energy.total_picojoules * 1e-9 / seconds } else { 0.0 },
        mac_utilization: ratio(peak_cycles, run.cycles.saturating_mul(elements)),
        array_macs,
        bus_bytes: run.bus_beats * u64::from(accelerator.bus_bytes()),
        bus_occupancy: ratio(run.bus_beats, run.cycles),
    };
    Ok(Measured { headline, layers, traffic, energy, checks })
}

/// The bound that is the network's alone. Inputs are left out: a network may read a part of them.
fn network_bound_cycles(input: &ReportInput<'_>) -> u64 {
    let outputs = input.program.tensors.iter().filter(|tensor| tensor.role == TensorRole::Output);
    let bytes = |tensor: &TensorSymbol| {
        let codes = tensor.groups * tensor.rows * tensor.cols * tensor.channels;
        codes * u64::from(tensor.value_bits.div_ceil(8))
    };
    let moved = outputs.map(bytes).sum::<u64>() + input.model.weight_bytes.unwrap_or(0);
    let layers = loads::loads(input).into_iter().zip(&input.program.layers);
    let mut products: Vec<(Operands, u64)> =
        layers.map(|(loads, layer)| (loads.operands.unwrap_or(Operands::NARROWEST), layer.macs)).collect();
    // What no layer of the program says.
    let said: u64 = products.iter().map(|(_, macs)| macs).sum();
    products.push((Operands::NARROWEST, input.model.macs.saturating_sub(said)));
    input.program.accelerator.network_bound_cycles(&products, moved)
}
