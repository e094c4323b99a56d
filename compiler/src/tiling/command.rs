//! What a command takes, by the closed forms.

use bitgauge_arch::Accelerator;
use bitgauge_arch::command::{Operation, Unit};
use bitgauge_arch::timing;

use super::cost::{bus_cycles, store_cycles};

/// What a command takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub unit: Unit,
    /// Until its unit can take the next.
    pub busy: u64,
    /// Until its effects are there.
    pub whole: u64,
    /// Beats on the bus.
    pub beats: u64,
}

impl Cost {
    pub fn new(accelerator: &Accelerator, operation: &Operation) -> Cost {
        let latency = u64::from(accelerator.memory.latency_cycles);
        let unit = operation.unit();
        let (busy, whole, beats) = match operation {
            Operation::Load(load) => {
                let shape = timing::load_shape(accelerator, load);
                let busy = bus_cycles(accelerator, shape.blocks, shape.raw_bytes);
                (
                    busy,
                    busy + latency + timing::UNPACK_LATENCY + 4,
                    shape.blocks * shape.raw_beats(accelerator),
                )
            }
            Operation::Store(store) => {
                let shape = timing::store_shape(accelerator, store);
                let busy = store_cycles(accelerator, shape.blocks, shape.raw_bytes);
                (busy, busy + 2 * latency, shape.blocks * shape.raw_beats(accelerator))
            }
            Operation::Compute(compute) => {
                let timing = timing::compute(accelerator, compute);
                (timing::COMPUTE_SETUP + timing.feed_cycles(), timing.alone(), 0)
            }
            Operation::Vector(vector) => {
                let cycles = timing::vector_cycles(accelerator, vector);
                (cycles, cycles, 0)
            }
        };
        Cost { unit, busy, whole, beats }
    }
}
