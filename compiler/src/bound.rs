//! What no schedule of a layer's commands beats, in cycles: the most that any one resource is held by them.

use bitgauge_arch::Accelerator;
use bitgauge_arch::codec::Codec;
use bitgauge_arch::command::Operation;
use bitgauge_arch::program::CommandSymbol;
use bitgauge_arch::timing::{self, DmaShape, store_fifo_beats};

/// Bursts that may be outstanding (`docs/reference/cycles.md`).
const OUTSTANDING: u64 = 4;

/// How long a layer's commands hold each resource.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    array: u64,
    vector: u64,
    /// Beats on the bus.
    beats: u64,
    /// Cycles of all places for an outstanding burst together.
    places: u64,
    /// Cycles of all entries of the store's FIFO together: a beat stays until it passes the bus, a latency after
    /// its grant.
    entries: u64,
}

impl Held {
    fn add(&mut self, accelerator: &Accelerator, operation: &Operation) {
        match operation {
            Operation::Compute(compute) => {
                self.array += timing::COMPUTE_SETUP + timing::compute(accelerator, compute).feed_cycles();
            }
            Operation::Vector(vector) => self.vector += timing::vector_cycles(accelerator, vector),
            Operation::Load(load) => {
                self.moved(accelerator, &timing::load_shape(accelerator, load), load.codec);
            }
            Operation::Store(store) => {
                let beats = self.moved(accelerator, &timing::store_shape(accelerator, store), store.codec);
                self.entries += beats * u64::from(accelerator.memory.latency_cycles);
            }
        }
    }

    /// Beats of a load or store; how many `zvc` makes of them, data decide.
    fn moved(&mut self, accelerator: &Accelerator, shape: &DmaShape, codec: u32) -> u64 {
        if codec == Codec::Zvc.code() {
            return 0;
        }
        let beats = shape.raw_beats(accelerator);
        let bursts = beats.div_ceil(u64::from(accelerator.memory.max_burst_beats));
        self.beats += shape.blocks * beats;
        self.places += shape.blocks * (beats + bursts * u64::from(accelerator.memory.latency_cycles));
        shape.blocks * beats
    }

    fn cycles(&self, accelerator: &Accelerator) -> u64 {
        let held = [
            self.array,
            self.vector,
            self.beats,
            self.places / OUTSTANDING,
            self.entries / store_fifo_beats(accelerator).max(1),
        ];
        held.into_iter().max().unwrap_or(0)
    }
}

/// Bounds of `layers` layers, by the commands that belong to each.
pub(crate) fn bounds<'a>(
    accelerator: &Accelerator,
    operations: impl Iterator<Item = &'a Operation>,
    symbols: &[CommandSymbol],
    layers: usize,
) -> Vec<u64> {
    let mut held = vec![Held::default(); layers];
    for (operation, symbol) in operations.zip(symbols) {
        if let Some(held) = held.get_mut(symbol.layer as usize) {
            held.add(accelerator, operation);
        }
    }
    held.iter().map(|held| held.cycles(accelerator)).collect()
}
