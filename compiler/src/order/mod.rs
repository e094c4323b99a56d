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

use bitgauge_arch::command::Unit;
use bitgauge_arch::program::CommandSymbol;

use crate::survey::{Side, Survey};
use clock::Clock;
use conflicts::Before;

/// Layers that may be under way at once.
pub(crate) const WINDOW: usize = 6;

/// Commands of one layer for one unit, in their order.
type Queue = Vec<u32>;

/// The positions of all commands in their new order; `beside`: layers that share the on-chip memories with
/// their neighbours. The others stay as they are.
pub(crate) fn interleave(symbols: &[CommandSymbol], survey: &Survey, beside: &[bool]) -> Vec<usize> {
    let layers = symbols.last().map_or(0, |symbol| symbol.layer as usize + 1);
    let mut queues: Vec<[Queue; 4]> = vec![Default::default(); layers];
    let mut numbers = Vec::with_capacity(symbols.len());
    for (index, symbol) in symbols.iter().enumerate() {
        let unit = survey.cost(index).unit.index();
        queues[symbol.layer as usize][unit].push(index as u32);
        numbers.push(symbol.layer * 4 + unit as u32);
    }
    let numbers = numbers.as_slice();
    let sides = |side| move || Before::new(survey, numbers, side);
    let (external, on_chip) = rayon::join(sides(Side::External), sides(Side::OnChip));
    let needs = |command: u32| external.of(command).iter().chain(on_chip.of(command)).copied();
    let mut clock = Clock::new(symbols.len());
    let mut heads = vec![[0usize; 4]; layers];
    // When what each head must come after is done, where that is known.
    let mut after = vec![[None; 4]; layers];
    let mut left: Vec<usize> = queues.iter().map(|queues| queues.iter().map(Vec::len).sum()).collect();
    let mut order = Vec::with_capacity(symbols.len());
    let mut oldest = 0;
    while order.len() < symbols.len() {
        while oldest < layers && left[oldest] == 0 {
            oldest += 1;
        }
        let alone = |layer: usize| !beside.get(layer).copied().unwrap_or(false);
        let head = |layer: usize, unit: usize| queues[layer][unit].get(heads[layer][unit]).copied();
        let mut best: Option<(u64, usize, usize, u32)> = None;
        if alone(oldest) {
            // A layer alone keeps its natural order, in which what a command needs comes before it.
            let commands = (0..4).filter_map(|unit| head(oldest, unit).map(|command| (command, unit)));
            best = commands.min().map(|(command, unit)| {
                let after = clock.after(Unit::ALL[unit], needs(command), survey).unwrap_or_default();
                (clock.start(survey.cost(command as usize), after), oldest, unit, command)
            });
        } else {
            let window = (oldest..(oldest + WINDOW).min(layers)).take_while(|&layer| !alone(layer));
            for (layer, unit) in window.flat_map(|layer| (0..4).map(move |unit| (layer, unit))) {
                let Some(command) = head(layer, unit) else { continue };
                let after = &mut after[layer][unit];
                if after.is_none() {
                    *after = clock.after(Unit::ALL[unit], needs(command), survey);
                }
                let Some(start) = after.map(|after| clock.start(survey.cost(command as usize), after)) else {
                    continue;
                };
                if best.is_none_or(|(least, ..)| start < least) {
                    best = Some((start, layer, unit, command));
                }
            }
        }
        // The first command of the natural order that is left can always come next.
        let Some((start, layer, unit, command)) = best else { break };
        clock.run(command as usize, survey.cost(command as usize), start);
        heads[layer][unit] += 1;
        after[layer][unit] = None;
        left[layer] -= 1;
        order.push(command as usize);
    }
    order
}
