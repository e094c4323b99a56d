//! Closed-form costs that the tilings are chosen by.

use bitgauge_arch::Accelerator;
use bitgauge_arch::timing::store_fifo_beats;

use crate::view::{Move, View};

/// Cycles the bus is held by `blocks` blocks of `bytes` bytes. Four bursts may be outstanding, so short
/// bursts are bound by latency: four of them take at least the latency of one.
pub(crate) fn bus_cycles(accelerator: &Accelerator, blocks: u64, bytes: u64) -> u64 {
    let beats = bytes.div_ceil(u64::from(accelerator.bus_bytes()));
    let most = u64::from(accelerator.memory.max_burst_beats);
    let latency = u64::from(accelerator.memory.latency_cycles);
    let burst = |beats: u64| if beats == 0 { 0 } else { (4 * beats).max(latency + beats + 3) };
    blocks * ((beats / most) * burst(most) + burst(beats % most)) / 4
}

/// Bus cycles of moves of a tensor's codes.
pub(crate) fn moves_cycles(accelerator: &Accelerator, moves: &[Move], view: &View) -> u64 {
    moves
        .iter()
        .map(|part| bus_cycles(accelerator, part.blocks, view.block_bytes(part.pixels * part.channels)))
        .sum()
}

/// Cycles the store path needs for `blocks` blocks of `bytes` bytes. Beats stay in its FIFO until
/// they pass the bus, a latency later; that bounds how many bursts are on their way.
pub(crate) fn store_cycles(accelerator: &Accelerator, blocks: u64, bytes: u64) -> u64 {
    let beats = bytes.div_ceil(u64::from(accelerator.bus_bytes()));
    let most = u64::from(accelerator.memory.max_burst_beats);
    let latency = u64::from(accelerator.memory.latency_cycles);
    let fifo = store_fifo_beats(accelerator);
    let burst = |beats: u64| {
        if beats == 0 { 0 } else { (4 * beats).max(4 * (latency + beats + 8) / (fifo / beats).min(4)) }
    };
    blocks * ((beats / most) * burst(most) + burst(beats % most)) / 4
}

/// Store-path cycles of moves of a tensor's codes.
pub(crate) fn moves_store_cycles(accelerator: &Accelerator, moves: &[Move], view: &View) -> u64 {
    moves
        .iter()
        .map(|part| store_cycles(accelerator, part.blocks, view.block_bytes(part.pixels * part.channels)))
        .sum()
}

/// Work of the units in a layer, in cycles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// Bus: loads and stores.
    pub bus: u64,
    /// The store path alone.
    pub store: u64,
    /// Array or vector unit.
    pub unit: u64,
    /// The same for one tile.
    pub tile: u64,
    /// Work of the unit until the first rows are whole.
    pub band: u64,
    /// The part of the bus's work, and of the unit's, until all operands that stay on chip are there.
    pub head: (u64, u64),
    /// Before the first command of the unit can start.
    pub fill: u64,
    /// After its last.
    pub drain: u64,
}

impl Work {
    /// The work of one thing after another.
    pub fn then(&self, other: &Work) -> Work {
        Work {
            bus: self.bus + other.bus,
            store: self.store + other.store,
            unit: self.unit + other.unit,
            ..*other
        }
    }

    /// Cycles of the layer; without double buffering nothing overlaps.
    pub fn cycles(&self, double: bool) -> u64 {
        if double {
            // The bus carries the fill and the drain too, while the unit stands still; it waits for one tile
            // at least.
            let ends = self.fill + self.drain;
            let head = self.head.0.max(self.head.1 + self.fill);
            let rest = (self.bus - self.head.0.min(self.bus)).max(self.unit - self.head.1.min(self.unit));
            (head + rest + self.drain)
                .max(self.bus + self.tile + ends.min(64))
                .max(self.store + self.fill + self.tile)
        } else {
            self.bus.max(self.store) + self.unit + self.fill.min(64) + self.drain.min(64)
        }
    }

    /// The same where nothing overlaps within the layer: its unit stands still while the bus works for it.
    pub fn in_turns(&self) -> Work {
        Work {
            unit: self.unit + self.bus.max(self.store),
            band: self.band + self.bus.max(self.store),
            ..*self
        }
    }

    /// Of tilings of a layer that runs beside others, the least of this is best: its work, and how long the
    /// layer behind it waits for the first rows.
    pub fn beside(&self) -> u64 {
        self.bound() + self.band
    }

    /// What no schedule of this tiling beats.
    pub fn bound(&self) -> u64 {
        self.bus.max(self.unit).max(self.store)
    }
}

/// Numbers of parts worth trying for `total` things of which at most all are taken at once.
pub(crate) fn part_sizes(total: u64, step: u64) -> Vec<u64> {
    let step = step.max(1);
    let mut sizes = Vec::new();
    let mut parts = 1;
    while parts <= total {
        let size = total.div_ceil(parts).next_multiple_of(step).min(total);
        if sizes.last() != Some(&size) {
            sizes.push(size);
        }
        parts += 1 + parts / 6;
    }
    let least = step.min(total);
    if sizes.last() != Some(&least) {
        sizes.push(least);
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_sizes_fall_and_end_at_the_step() {
        let sizes = part_sizes(100, 16);
        assert_eq!(sizes.first(), Some(&100));
        assert_eq!(sizes.last(), Some(&16));
        assert!(sizes.windows(2).all(|pair| pair[0] > pair[1]));
        assert_eq!(part_sizes(3, 16), [3]);
    }
}
