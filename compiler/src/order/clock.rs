//! Predicted times of commands, for choosing their order; nothing but speed depends on them.

use bitgauge_arch::Accelerator;
use bitgauge_arch::command::{Operation, Unit};
use bitgauge_arch::timing;

use crate::cost::{bus_cycles, store_cycles};
use crate::survey::Survey;

/// What a command takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub unit: Unit,
    /// Until its unit can take the next.
    busy: u64,
    /// Until its effects are there.
    whole: u64,
    /// Beats on the bus.
    beats: u64,
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

/// When units and commands are free and done.
#[derive(Debug)]
pub(super) struct Clock {
    free: [u64; 4],
    bus: u64,
    /// End of each command; `None` before it has its place.
    ends: Vec<Option<u64>>,
}

impl Clock {
    pub fn new(commands: usize) -> Clock {
        Clock { free: [0; 4], bus: 0, ends: vec![None; commands] }
    }

    /// When what a command of `unit` must come after is done; `None` while some of it has no place yet. Does not
    /// change any more once it is known.
    pub fn after(&self, unit: Unit, before: impl Iterator<Item = u32>, survey: &Survey) -> Option<u64> {
        let mut after = 0;
        for other in before {
            let end = self.ends[other as usize]?;
            // A unit ends its commands in order anyway.
            if survey.cost(other as usize).unit != unit {
                after = after.max(end);
            }
        }
        Some(after)
    }

    /// When a command can start that comes after what is done in cycle `after`.
    pub fn start(&self, cost: &Cost, after: u64) -> u64 {
        let start = self.free[cost.unit.index()].max(after);
        if cost.beats > 0 { start.max(self.bus) } else { start }
    }

    /// Gives a command its place.
    pub fn run(&mut self, command: usize, cost: &Cost, start: u64) {
        self.free[cost.unit.index()] = start + cost.busy;
        if cost.beats > 0 {
            self.bus = self.bus.max(start) + cost.beats;
        }
        self.ends[command] = Some(start + cost.whole);
    }
}
