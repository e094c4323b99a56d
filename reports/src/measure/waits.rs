//! What commands waited for: how long, and whose command ended the wait.

use std::collections::{BTreeMap, VecDeque};

use bitgauge_arch::command::{Command, Unit};
use bitgauge_sim::result::{CommandSpan, StallReason};
use serde::Serialize;

use super::bottleneck::main_unit;
use crate::ReportInput;

/// Hops from a waiting command to the one at the root of the wait.
const HOPS: usize = 8;

/// Whose commands a layer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct WaitsFor {
    /// Unit.
    pub unit: Unit,
    /// Layer.
    pub layer: usize,
}

/// Waits of a layer's commands at the head of their queues, within the layer's window.
#[derive(Clone, Debug, Default)]
pub(super) struct Waits {
    /// By unit and reason.
    pub inside: [[u64; 6]; 4],
    /// Cycles of waits for tokens by unit that waited and who ended them.
    tokens: BTreeMap<(usize, WaitsFor), u64>,
    /// Cycles of the window in which the layer's main unit ran commands of other layers.
    pub others: u64,
    /// The one of them that ran longest.
    pub most: Option<WaitsFor>,
}

impl Waits {
    /// Who ended most of a unit's waits for tokens, where spans and command words tell.
    pub fn ended_by(&self, unit: Unit) -> Option<WaitsFor> {
        self.tokens
            .iter()
            .filter(|((waiting, _), _)| *waiting == unit.index())
            // The first of equals, so that the order of keys decides.
            .max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)))
            .map(|((_, by), _)| *by)
    }
}

/// Per layer; without spans all waits are given and nobody is named. A command waits in one stretch up to
/// its start, so what lies before the window is its beginning, in which the reasons that come first hold.
pub(super) fn waits(input: &ReportInput<'_>) -> Vec<Waits> {
    let run = input.run;
    if run.spans.is_empty() {
        let all = |unit_waited| Waits { inside: unit_waited, ..Waits::default() };
        return run.layers.iter().map(|layer| all(layer.unit_waited)).collect();
    }
    let commands: Vec<Command> = input.program.resolved().map(|(_, command)| command).collect();
    let layers: Vec<usize> = input.program.commands.iter().map(|symbol| symbol.layer as usize).collect();
    let enders = enders(&commands, &run.spans);
    let mut all = vec![Waits::default(); run.layers.len()];
    for span in &run.spans {
        let Some(&index) = layers.get(span.command as usize) else { continue };
        let (Some(layer), Some(waits)) = (run.layers.get(index), all.get_mut(index)) else { continue };
        let room = span.start.saturating_sub(layer.start);
        let mut cut = span.waited.iter().sum::<u64>().saturating_sub(room);
        let mut token = 0;
        for (reason, waited) in span.waited.into_iter().enumerate() {
            let outside = waited.min(cut);
            cut -= outside;
            waits.inside[span.unit.index()][reason] += waited - outside;
            if reason == StallReason::Token as usize {
                token = waited - outside;
            }
        }
        if token > 0
            && let Some(by) = root(span, &enders, &layers)
        {
            *waits.tokens.entry((span.unit.index(), by)).or_default() += token;
        }
    }
    for (index, (layer, waits)) in run.layers.iter().zip(&mut all).enumerate() {
        let unit = main_unit(layer);
        let mut others: BTreeMap<usize, u64> = BTreeMap::new();
        for span in run.spans.iter().filter(|span| span.unit == unit) {
            let cycles = span.end.min(layer.end).saturating_sub(span.start.max(layer.start));
            match layers.get(span.command as usize) {
                Some(&other) if other != index && cycles > 0 => *others.entry(other).or_default() += cycles,
                _ => {}
            }
        }
        // Commands of a unit may overlap by their drains; the window is the most there can be.
        waits.others = others.values().sum::<u64>().min(layer.end.saturating_sub(layer.start));
        let most = others.iter().max_by_key(|(_, cycles)| **cycles);
        waits.most = most.map(|(&layer, _)| WaitsFor { unit, layer });
    }
    all
}

/// For each command the one of another unit whose token came last. Tokens of a pair of units are counted,
/// not named, and each unit runs in order: the n-th taken is the n-th given.
fn enders<'a>(commands: &[Command], spans: &'a [CommandSpan]) -> Vec<Option<&'a CommandSpan>> {
    let mut by_command: Vec<Option<&CommandSpan>> = vec![None; commands.len()];
    for span in spans {
        if let Some(slot) = by_command.get_mut(span.command as usize) {
            *slot = Some(span);
        }
    }
    let has = |mask: u8, unit: Unit| mask & 1 << unit.index() != 0;
    let mut given: BTreeMap<(usize, usize), VecDeque<usize>> = BTreeMap::new();
    for (number, command) in commands.iter().enumerate() {
        let from = command.operation.unit();
        for to in Unit::ALL.into_iter().filter(|to| *to != from && has(command.signal, *to)) {
            given.entry((from.index(), to.index())).or_default().push_back(number);
        }
    }
    let mut enders = Vec::with_capacity(commands.len());
    for command in commands {
        let to = command.operation.unit();
        let mut last: Option<&CommandSpan> = None;
        for from in Unit::ALL.into_iter().filter(|from| *from != to && has(command.wait, *from)) {
            let giver = given.get_mut(&(from.index(), to.index())).and_then(VecDeque::pop_front);
            if let Some(span) = giver.and_then(|giver| by_command[giver])
                && last.is_none_or(|last| span.end > last.end)
            {
                last = Some(span);
            }
        }
        enders.push(last);
    }
    enders
}

/// Follows a wait through commands of the same layer that themselves waited: the array waits for a load,
/// and that for the store of the layer before.
fn root(span: &CommandSpan, enders: &[Option<&CommandSpan>], layers: &[usize]) -> Option<WaitsFor> {
    let own = layers.get(span.command as usize)?;
    let (mut at, mut found) = (span, None);
    for _ in 0..HOPS {
        let Some(by) = enders.get(at.command as usize).copied().flatten() else { break };
        let layer = *layers.get(by.command as usize)?;
        found = Some(WaitsFor { unit: by.unit, layer });
        if layer != *own || by.waited[StallReason::Token as usize] == 0 {
            break;
        }
        at = by;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitgauge_arch::command::{Compute, Load, Operation, Store, Vector};

    fn span(command: u32, unit: Unit, start: u64, end: u64, token: u64) -> CommandSpan {
        CommandSpan { command, unit, start, end, waited: [token, 0, 0, 0, 0, 0] }
    }

    #[test]
    fn a_wait_is_followed_to_the_layer_that_caused_it() {
        let bit = |unit: Unit| 1u8 << unit.index();
        // Vector work and store of layer 0; load and compute of layer 1, one after another.
        let commands = [
            Command { wait: 0, signal: bit(Unit::Store), operation: Operation::Vector(Vector::default()) },
            Command {
                wait: bit(Unit::Vector),
                signal: bit(Unit::Load),
                operation: Operation::Store(Store::default()),
            },
            Command {
                wait: bit(Unit::Store),
                signal: bit(Unit::Compute),
                operation: Operation::Load(Load::default()),
            },
            Command { wait: bit(Unit::Load), signal: 0, operation: Operation::Compute(Compute::default()) },
        ];
        let spans = [
            span(0, Unit::Vector, 0, 100, 0),
            span(1, Unit::Store, 100, 150, 90),
            span(2, Unit::Load, 150, 180, 140),
            span(3, Unit::Compute, 180, 220, 170),
        ];
        let (enders, layers) = (enders(&commands, &spans), [0, 0, 1, 1]);
        let root = |index: usize| root(&spans[index], &enders, &layers);
        assert_eq!(root(3), Some(WaitsFor { unit: Unit::Store, layer: 0 }));
        assert_eq!(root(1), Some(WaitsFor { unit: Unit::Vector, layer: 0 }));
        assert_eq!(root(0), None);
    }
}
