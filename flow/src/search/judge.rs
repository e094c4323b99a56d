//! What bits are worth: how far the network is from its float network, and what it costs.

use bitgauge_arch::Accelerator;
use bitgauge_arch::energy::EnergyTable;
use bitgauge_compiler::Options;
use bitgauge_models::float::FloatGraph;
use bitgauge_models::integer::evaluate::Reference;
use bitgauge_models::integer::{Assignment, Calibration, IntGraph, QuantizeOptions, quantize_traced};
use bitgauge_reports::price::picojoules;
use bitgauge_sim::Machine;

use super::space::Bits;
use crate::error::FlowError;
use crate::images::Images;

/// What a step is to save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostKind {
    /// Bits of weights and activations.
    Bits,
    /// Picojoules of an inference.
    Energy,
    /// Cycles of an inference.
    Cycles,
    /// Bytes on the memory bus.
    Traffic,
}

/// What a step is to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossKind {
    /// Mean Kullback-Leibler divergence of the class distribution from the float network's, nats.
    Divergence,
    /// Squared error over squares, the mean over outputs.
    Error,
}

/// What bits are worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// The less the better.
    pub loss: f64,
    /// In the unit of the cost.
    pub cost: f64,
    /// Bits of the network's numbers.
    pub bits: Bits,
}

/// Judges bits.
pub trait Judge: Sync {
    /// Loss and cost of a network with these bits.
    ///
    /// # Errors
    /// There is no such network, or it does not run.
    fn judge(&self, bits: &Assignment) -> Result<Judged, FlowError>;
}

/// Judges by quantizing a network and running it over images.
pub struct Network<'a> {
    /// The float network.
    pub float: &'a FloatGraph,
    /// What its values take.
    pub calibration: &'a Calibration,
    /// Quantization, but for the bits.
    pub options: &'a QuantizeOptions,
    /// Images that measure the loss, from the first on.
    pub images: &'a Images,
    /// What the float network gives for them.
    pub reference: &'a Reference,
    /// The loss.
    pub loss: LossKind,
    /// The cost.
    pub cost: CostKind,
    /// Where the network runs, and its compilation; not asked for a cost of bits.
    pub accelerator: (&'a Accelerator, &'a Options),
    /// Prices of the actions.
    pub energy: &'a EnergyTable,
}

impl Network<'_> {
    fn cost(&self, graph: &IntGraph, bits: Bits) -> Result<f64, FlowError> {
        if self.cost == CostKind::Bits {
            return Ok(bits.total() as f64);
        }
        let (accelerator, options) = self.accelerator;
        let program = bitgauge_compiler::compile(graph, accelerator, options)?;
        let options = bitgauge_sim::Options { trace: false, data: false, ..bitgauge_sim::Options::default() };
        let run = Machine::new(&program).run(&[], &options)?;
        Ok(match self.cost {
            CostKind::Bits => bits.total() as f64,
            CostKind::Cycles => run.cycles as f64,
            CostKind::Traffic => (run.bus_beats * u64::from(accelerator.bus_bytes())) as f64,
            CostKind::Energy => picojoules(&program, &run.actions, self.energy)?,
        })
    }
}

impl Judge for Network<'_> {
    fn judge(&self, bits: &Assignment) -> Result<Judged, FlowError> {
        let options = QuantizeOptions { bits: bits.clone(), ..self.options.clone() };
        let graph = quantize_traced(self.float, self.calibration, &options)?.graph;
        let distance = self.reference.distance(&graph, |index| vec![self.images.tensor(index)])?;
        let loss = match self.loss {
            LossKind::Divergence => distance.divergence,
            LossKind::Error => distance.error,
        };
        let bits = Bits::of(&graph);
        Ok(Judged { loss, cost: self.cost(&graph, bits)?, bits })
    }
}
