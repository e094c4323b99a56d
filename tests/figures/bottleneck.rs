//! What binds a layer: the rule as the report's page states it, from spans and commands.

use std::collections::BTreeMap;

use crate::cases::Case;
use crate::forms::{Forms, REASONS, UNITS, union, vector_cycles};

/// What a layer's spans say.
pub struct Seen {
    pub start: u64,
    pub end: u64,
    /// Cycles with a command of the layer running, by unit.
    pub busy: [u64; 4],
    /// Waits of commands within the layer's window, by unit and reason.
    pub waited: [[u64; 6]; 4],
    /// Cycles of waits for tokens by unit, and the unit and layer at their root.
    roots: BTreeMap<(usize, (usize, usize)), u64>,
}

/// Whose command ended each command's wait for tokens, where it had one: tokens of a pair of units are taken in the
/// order in which they are given, and of several the last to come counts.
fn enders(case: &Case) -> Vec<Option<usize>> {
    let commands: Vec<_> = case.program.resolved().map(|(_, command)| command).collect();
    let ends: BTreeMap<u32, u64> = case.run.spans.iter().map(|span| (span.command, span.end)).collect();
    let mut enders: Vec<Option<usize>> = vec![None; commands.len()];
    for from in 0..4 {
        for to in (0..4).filter(|to| *to != from) {
            let of = |unit: usize, mask: fn(&bitgauge_arch::command::Command) -> u8, other: usize| {
                let all = commands.iter().enumerate();
                all.filter(move |(_, command)| {
                    command.operation.unit() as usize == unit && mask(command) >> other & 1 == 1
                })
            };
            let given = of(from, |command| command.signal, to);
            let taken = of(to, |command| command.wait, from);
            for ((giver, _), (taker, _)) in given.zip(taken) {
                let best = &mut enders[taker];
                if best.is_none_or(|best| ends[&(giver as u32)] > ends[&(best as u32)]) {
                    *best = Some(giver);
                }
            }
        }
    }
    enders
}

/// Per layer.
pub fn seen(case: &Case) -> Vec<Seen> {
    let enders = enders(case);
    let layer = |command: usize| case.program.commands[command].layer as usize;
    let span_of: BTreeMap<usize, _> =
        case.run.spans.iter().map(|span| (span.command as usize, span)).collect();
    let of = |index: usize| {
        let start = case.spans(index).map(|span| span.start).min().unwrap();
        let end = case.spans(index).map(|span| span.end).max().unwrap();
        let running = |unit: usize| case.spans(index).filter(move |span| span.unit as usize == unit);
        let busy = [0, 1, 2, 3].map(|unit| union(running(unit).map(|span| (span.start, span.end))));
        let (mut waited, mut roots) = ([[0; 6]; 4], BTreeMap::new());
        for span in case.spans(index) {
            // A command waits up to its start, for its reasons in their order; what lies before the window is cut.
            let mut at = span.start - span.waited.iter().sum::<u64>().min(span.start);
            let unit = span.unit as usize;
            for (reason, cycles) in span.waited.into_iter().enumerate() {
                let inside = (at + cycles).saturating_sub(at.max(start));
                waited[unit][reason] += inside;
                at += cycles;
                if reason == 0 && inside > 0 {
                    let mut root = None;
                    let mut command = span.command as usize;
                    for _ in 0..8 {
                        let Some(by) = enders[command] else { break };
                        root = Some((span_of[&by].unit as usize, layer(by)));
                        if layer(by) != index || span_of[&by].waited[0] == 0 {
                            break;
                        }
                        command = by;
                    }
                    if let Some(root) = root {
                        *roots.entry((unit, root)).or_default() += inside;
                    }
                }
            }
        }
        Seen { start, end, busy, waited, roots }
    };
    (0..case.program.layers.len()).map(of).collect()
}

impl Seen {
    pub fn window(&self) -> u64 {
        self.end - self.start
    }

    /// The array or the vector unit, whichever is busy longer, the array on a tie; else the longer transfer, the load
    /// on a tie.
    pub fn main_unit(&self) -> usize {
        let [load, compute, vector, store] = self.busy;
        if compute > 0 || vector > 0 {
            if compute >= vector { 1 } else { 2 }
        } else if store > load {
            3
        } else {
            0
        }
    }

    /// The cycles in which a unit ran commands of other layers within the window, and the layer of most of them.
    fn others(&self, case: &Case, index: usize, unit: usize) -> (u64, Option<usize>) {
        let mut by_layer: BTreeMap<usize, u64> = BTreeMap::new();
        for span in case.run.spans.iter().filter(|span| span.unit as usize == unit) {
            let cycles = span.end.min(self.end).saturating_sub(span.start.max(self.start));
            if case.layer_of(span) != index && cycles > 0 {
                *by_layer.entry(case.layer_of(span)).or_default() += cycles;
            }
        }
        let most = by_layer.iter().max_by_key(|(_, cycles)| **cycles).map(|(layer, _)| *layer);
        (by_layer.values().sum::<u64>().min(self.window()), most)
    }
}

/// Name, share of the window (of the span for the array), and whose commands ended a wait.
pub fn bottleneck(
    case: &Case,
    index: usize,
    seen: &Seen,
    forms: &Forms,
) -> (String, f64, Option<(usize, usize)>) {
    let beats = |write: bool| -> u64 {
        case.bursts(Some(index))
            .filter(|burst| burst.write == write)
            .map(|burst| u64::from(burst.beats))
            .sum()
    };
    let needs = [
        ("array", forms.array),
        ("memory bus", beats(false) + beats(true)),
        ("vector unit", vector_cycles(case, index)),
        ("load lines", forms.load_lines),
        ("store lines", forms.store_lines),
    ];
    let most = needs.iter().map(|(_, cycles)| *cycles).max().unwrap();
    let (name, _) = needs.iter().find(|(_, cycles)| *cycles == most).unwrap();
    let time = if *name == "array" { case.run.layers[index].array_span } else { seen.window() };
    let share = if time == 0 { 0.0 } else { (most as f64 / time as f64).min(1.0) };
    if share >= 0.85 {
        return ((*name).to_owned(), share, None);
    }
    let main = seen.main_unit();
    let (others, other_layer) = seen.others(case, index, main);
    let mut waits: Vec<(usize, &str, u64)> =
        REASONS.iter().zip(seen.waited[main]).map(|(reason, cycles)| (main, *reason, cycles)).collect();
    waits.push((0, "memory", seen.busy[0].saturating_sub(forms.load_lines.max(beats(false)))));
    waits.push((3, "memory", seen.busy[3].saturating_sub(forms.store_lines.max(beats(true)))));
    waits.push((main, "others", others));
    let longest = waits.iter().map(|(_, _, cycles)| *cycles).max().unwrap();
    let (unit, reason, cycles) = *waits.iter().find(|(_, _, cycles)| *cycles == longest).unwrap();
    if cycles == 0 {
        return ("nothing for long".to_owned(), 0.0, None);
    }
    let share = (cycles as f64 / seen.window() as f64).min(1.0);
    if reason == "others" {
        let name = format!("waiting: {} busy with other layers", UNITS[unit]);
        return (name, share, other_layer.map(|layer| (unit, layer)));
    }
    let roots = seen.roots.iter().filter(|((waiting, _), _)| *waiting == unit);
    let most = roots.clone().map(|(_, cycles)| *cycles).max();
    let root = roots.clone().find(|(_, cycles)| Some(**cycles) == most).map(|((_, root), _)| *root);
    let by = if reason == "token" { root } else { None };
    (format!("waiting: {} for {reason}", UNITS[unit]), share, by)
}
