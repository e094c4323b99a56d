//! The order of commands across layers.
//!
//! Lowerings emit a layer's commands in their natural order, layer after layer. Units take their commands in
//! order, so a load of the next layer would wait behind all loads of this one, and the array would stand
//! still while the vector unit works. Here commands of neighbouring layers are interleaved: at every moment
//! the command that can start first, by the closed forms, comes next. A command never passes one that it
//! conflicts with, so the new order means what the natural order means; where layers share on-chip lines,
//! the conflicts keep them apart, and where they do not, they overlap.

mod clock;
mod conflicts;

use bitgauge_arch::Accelerator;
use bitgauge_arch::command::{Operation, Unit};
use bitgauge_arch::footprint::Space;
use bitgauge_arch::program::CommandSymbol;

use crate::compile::Footprints;
use clock::{Clock, Cost};
use conflicts::{Conflicts, coarse};

/// Layers that may be under way at once.
pub(crate) const WINDOW: usize = 6;

/// Commands of one layer for one unit, in their order.
type Queue = Vec<u32>;

/// The positions of all commands in their new order; `beside`: layers that share the on-chip memories with
/// their neighbours. The others stay as they are. External memory behind `written` is never written.
pub(crate) fn interleave(
    accelerator: &Accelerator,
    operations: &[Operation],
    symbols: &[CommandSymbol],
    footprints: &Footprints,
    written: u64,
    beside: &[bool],
) -> Vec<usize> {
    let layers = symbols.last().map_or(0, |symbol| symbol.layer as usize + 1);
    let mut queues: Vec<[Queue; 4]> = vec![Default::default(); layers];
    let mut conflicts = Conflicts::default();
    // Commands that each command must come after, one list behind the other.
    let mut before: Vec<u32> = Vec::new();
    let mut first_before = Vec::with_capacity(operations.len() + 1);
    let mut costs = Vec::with_capacity(operations.len());
    let mut ranges = Vec::new();
    for (index, (operation, symbol)) in operations.iter().zip(symbols).enumerate() {
        let unit = operation.unit().index();
        queues[symbol.layer as usize][unit].push(index as u32);
        first_before.push(before.len());
        coarse(footprints.of(index), &mut ranges);
        ranges.retain(|range| range.space != Space::External || range.start < written);
        conflicts.visit(index as u32, symbol.layer * 4 + unit as u32, &ranges, &mut before);
        costs.push(Cost::new(accelerator, operation));
    }
    first_before.push(before.len());

    let mut clock = Clock::new(operations.len());
    let mut heads = vec![[0usize; 4]; layers];
    let mut left: Vec<usize> = queues.iter().map(|queues| queues.iter().map(Vec::len).sum()).collect();
    let mut order = Vec::with_capacity(operations.len());
    let mut oldest = 0;
    while order.len() < operations.len() {
        while oldest < layers && left[oldest] == 0 {
            oldest += 1;
        }
        let alone = |layer: usize| !beside.get(layer).copied().unwrap_or(false);
        let window = (oldest..(oldest + WINDOW).min(layers))
            .take_while(|&layer| layer == oldest || !(alone(layer) || alone(oldest)));
        let mut best: Option<(u64, usize, Unit, u32)> = None;
        for layer in window {
            for unit in Unit::ALL {
                let Some(&command) = queues[layer][unit.index()].get(heads[layer][unit.index()]) else {
                    continue;
                };
                let index = command as usize;
                let needs = &before[first_before[index]..first_before[index + 1]];
                let Some(start) = clock.start(&costs[index], unit, needs, &costs) else { continue };
                // A layer alone keeps its natural order.
                let key = if alone(layer) { u64::from(command) } else { start };
                if best.is_none_or(|(least, ..)| key < least) {
                    best = Some((key, layer, unit, command));
                }
            }
        }
        // The first command of the natural order that is left can always come next.
        let Some((_, layer, unit, command)) = best else { break };
        let index = command as usize;
        let needs = &before[first_before[index]..first_before[index + 1]];
        let start = clock.start(&costs[index], unit, needs, &costs).unwrap_or_default();
        clock.run(index, &costs[index], unit, start);
        heads[layer][unit.index()] += 1;
        left[layer] -= 1;
        order.push(index);
    }
    order
}
