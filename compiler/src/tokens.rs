//! Tokens: the least waits and signals that keep every hazard.
//!
//! A unit starts its commands in order and ends them in order. So waiting for command p of unit v means
//! that all of v's commands up to p have ended, and all that p knew at its start. Each command carries a
//! vector clock of what is known to have ended when it starts; a dependency within it needs no token. A
//! wait is always for a later command than the wait before it on the same pair, so the k-th signal of a pair
//! belongs to its k-th wait.
//!
//! A counter has a limit. Where commands wait for what is so far back that a pair's signals since then pass it, waits
//! are placed a second time, and none reaches further back than that many of the first time's signals: it waits for
//! a later command instead, which is always right. The second time's signals are among the first time's, as each
//! command knows at least as much at its start; so no more of them can be open.

use std::collections::VecDeque;

use bitgauge_arch::command::{Operation, Unit};

use crate::hazards::{Hazards, Needs};
use crate::survey::{Side, Survey};

/// Waits and signals of a list of commands, from what each depends on.
#[derive(Debug)]
struct Clocks {
    /// For each command: per unit, latest command known to have ended at its start, plus one.
    known: Vec<[u32; 4]>,
    last: [Option<usize>; 4],
    masks: Vec<(u8, u8)>,
}

/// Waits and signals of commands of these units that depend on these, with at most `limit` signals of a pair open.
fn place(commands: &[(Unit, Needs)], limit: usize) -> Vec<(u8, u8)> {
    let mut clocks = Clocks::new(commands.len());
    for (unit, needs) in commands {
        clocks.push(*unit, *needs, [0; 4]);
    }
    if most_open(commands, &clocks.masks) <= limit {
        return clocks.masks;
    }
    let signals = clocks.masks;
    let mut reach = Reach::new(limit);
    let mut clocks = Clocks::new(commands.len());
    for (index, ((unit, needs), (_, signal))) in commands.iter().zip(signals).enumerate() {
        clocks.push(*unit, *needs, reach.of(*unit));
        reach.visit(index, *unit, signal);
    }
    clocks.masks
}

/// The most signals of any pair that are open at any place.
fn most_open(commands: &[(Unit, Needs)], masks: &[(u8, u8)]) -> usize {
    let mut open = [[0usize; 4]; 4];
    let mut most = 0;
    for ((unit, _), (wait, signal)) in commands.iter().zip(masks) {
        let own = unit.index();
        for other in (0..4).filter(|&other| other != own) {
            let (given, taken) = (usize::from(signal >> other & 1), usize::from(wait >> other & 1));
            open[other][own] = open[other][own].saturating_sub(taken);
            open[own][other] += given;
            most = most.max(open[own][other]);
        }
    }
    most
}

/// How far back a wait may reach: the latest signals of each pair, by giver and taker.
#[derive(Debug)]
struct Reach {
    /// Commands, plus one.
    signals: [[VecDeque<u32>; 4]; 4],
    limit: usize,
}

impl Reach {
    fn new(limit: usize) -> Reach {
        Reach { signals: Default::default(), limit }
    }

    /// For each giver, its earliest command, plus one, that a command of `taker` may wait for now.
    fn of(&self, taker: Unit) -> [u32; 4] {
        std::array::from_fn(|giver| {
            let signals = &self.signals[giver][taker.index()];
            if signals.len() < self.limit { 0 } else { signals.front().copied().unwrap_or(0) }
        })
    }

    /// Registers the signals of command `index`.
    fn visit(&mut self, index: usize, giver: Unit, signal: u8) {
        for taker in (0..4).filter(|taker| signal >> taker & 1 == 1) {
            let signals = &mut self.signals[giver.index()][taker];
            signals.push_back(index as u32 + 1);
            if signals.len() > self.limit {
                signals.pop_front();
            }
        }
    }
}

impl Clocks {
    fn new(commands: usize) -> Clocks {
        let (known, masks) = (Vec::with_capacity(commands), Vec::with_capacity(commands));
        Clocks { known, masks, last: [None; 4] }
    }

    /// Places the next command; a wait names no command of a unit before that in `earliest`.
    fn push(&mut self, unit: Unit, needs: Needs, earliest: [u32; 4]) {
        let own = unit.index();
        let mut known = self.last[own].map_or([0; 4], |last| self.known[last]);
        let mut wait = 0;
        // Latest first: what it knows may cover the others.
        let mut order = [0, 1, 2, 3];
        order.sort_by_key(|&other| std::cmp::Reverse(needs.latest[other]));
        for other in order {
            let needed = needs.latest[other];
            if other == own || needed <= known[other] {
                continue;
            }
            let needed = needed.max(earliest[other]);
            let from = needed as usize - 1;
            wait |= 1 << other;
            self.masks[from].1 |= 1 << own;
            let theirs = self.known[from];
            for (mine, theirs) in known.iter_mut().zip(theirs) {
                *mine = (*mine).max(theirs);
            }
            known[other] = known[other].max(needed);
        }
        if needs.own > known[own] {
            wait |= 1 << own;
            known[own] = self.last[own].map_or(0, |last| last as u32 + 1);
        }
        self.last[own] = Some(self.known.len());
        self.known.push(known);
        self.masks.push((wait, 0));
    }
}

/// The latest compute command that reads its residual from each bank, plus one.
///
/// A bank has one read port. While a command reads its residual, the feeder of the next must not read there.
#[derive(Debug, Default)]
struct Residuals([u32; 8]);

impl Residuals {
    /// Registers command `index` and returns the compute command, plus one, that must have ended before it
    /// feeds.
    fn visit(&mut self, index: usize, operation: &Operation) -> u32 {
        let Operation::Compute(compute) = operation else { return 0 };
        let mut needed = 0;
        for (bank, last) in self.0.iter_mut().enumerate() {
            if compute.activation_read >> bank & 1 == 1 {
                needed = needed.max(*last);
            }
            if compute.residual_read >> bank & 1 == 1 {
                *last = index as u32 + 1;
            }
        }
        needed
    }
}

/// Waits and signals of the operations in this order, of which at most `limit` of a pair of units are open at once.
pub(crate) fn insert(survey: &Survey, order: &[usize], limit: usize) -> Vec<(u8, u8)> {
    let hazards = |side| {
        move || -> Vec<Needs> {
            let mut hazards = Hazards::default();
            let places = order.iter().enumerate();
            let visit = |(index, &place): (usize, &usize)| {
                hazards.visit(index, survey.cost(place).unit, survey.runs(place, side))
            };
            places.map(visit).collect()
        }
    };
    let (external, on_chip) = rayon::join(hazards(Side::External), hazards(Side::OnChip));
    let mut residuals = Residuals::default();
    let places = order.iter().zip(external).zip(on_chip).enumerate();
    let commands: Vec<_> = places
        .map(|(index, ((&place, mut needs), on_chip))| {
            let operation = survey.operation(place);
            needs.add(on_chip);
            needs.own = needs.own.max(residuals.visit(index, operation));
            (operation.unit(), needs)
        })
        .collect();
    place(&commands, limit)
}

#[cfg(test)]
mod tests {
    use bitgauge_arch::command::Compute;

    use super::*;

    fn needs(latest: [u32; 4]) -> Needs {
        Needs { latest, own: 0 }
    }

    #[test]
    fn what_is_known_needs_no_token() {
        let commands = [
            (Unit::Load, needs([0; 4])),
            (Unit::Load, needs([0; 4])),
            (Unit::Compute, needs([2, 0, 0, 0])),
            (Unit::Compute, needs([1, 0, 0, 0])),
            // The store waits for compute, which waited for the loads.
            (Unit::Store, needs([2, 4, 0, 0])),
        ];
        assert_eq!(place(&commands, 190), [(0, 0), (0, 2), (1, 0), (0, 8), (2, 0)]);
    }

    #[test]
    fn a_feeder_waits_for_the_residual_in_its_bank() {
        let compute = |activation_read, residual_read| {
            Operation::Compute(Compute { activation_read, residual_read, ..Compute::default() })
        };
        let commands = [compute(1, 2), compute(1, 4), compute(2, 0), compute(6, 0), compute(9, 0)];
        let mut residuals = Residuals::default();
        let needed: Vec<u32> =
            commands.iter().enumerate().map(|(index, command)| residuals.visit(index, command)).collect();
        assert_eq!(needed, [0, 0, 1, 2, 0]);
        // One wait is enough for both.
        let commands: Vec<_> =
            needed.iter().map(|&own| (Unit::Compute, Needs { own, ..Needs::default() })).collect();
        assert_eq!(place(&commands, 190), [(0, 0), (0, 0), (2, 0), (0, 0), (0, 0)]);
    }

    /// Commands of random units, which depend on commands up to `back` before them.
    fn random(seed: u32, back: usize) -> Vec<(Unit, Needs)> {
        let mut state = seed;
        let mut commands: Vec<(Unit, Needs)> = Vec::new();
        for index in 0..1500usize {
            let mut below = |limit: usize| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as usize % limit
            };
            // Several commands of one unit in a row, as loads ahead of few computes are.
            let last = commands.last().map_or(Unit::Load, |(unit, _)| *unit);
            let unit = if below(8) == 0 { Unit::ALL[below(4)] } else { last };
            let mut needs = Needs::default();
            for _ in 0..below(3) {
                let before = index.saturating_sub(1 + below(back));
                if let Some((other, _)) = commands.get(before) {
                    let place =
                        if *other == unit { &mut needs.own } else { &mut needs.latest[other.index()] };
                    *place = (*place).max(before as u32 + 1);
                }
            }
            if unit != Unit::Compute {
                needs.own = 0;
            }
            commands.push((unit, needs));
        }
        commands
    }

    /// Replays the tokens as the counters do, each with what its giver knew: what a command needs has ended at its
    /// start, no pair has more than `limit` tokens open, and none is left over.
    fn replay(commands: &[(Unit, Needs)], masks: &[(u8, u8)], limit: usize) {
        let mut queues: [[VecDeque<[u32; 4]>; 4]; 4] = Default::default();
        let mut clocks = [[0u32; 4]; 4];
        let mut before = [0u32; 4];
        for (index, ((unit, needs), (wait, signal))) in commands.iter().zip(masks).enumerate() {
            let own = unit.index();
            let mut clock = clocks[own];
            for giver in (0..4).filter(|giver| wait >> giver & 1 == 1) {
                let known = if giver == own {
                    let mut known = [0; 4];
                    known[own] = before[own];
                    known
                } else {
                    queues[giver][own].pop_front().expect("an earlier command gives what this one takes")
                };
                clock = std::array::from_fn(|unit| clock[unit].max(known[unit]));
            }
            for other in (0..4).filter(|&other| other != own) {
                assert!(clock[other] >= needs.latest[other], "command {index} starts too early");
            }
            assert!(clock[own] >= needs.own, "command {index} starts before its own unit is done");
            clocks[own] = clock;
            before[own] = index as u32 + 1;
            for taker in (0..4).filter(|taker| signal >> taker & 1 == 1) {
                let mut known = clock;
                known[own] = index as u32 + 1;
                queues[own][taker].push_back(known);
                assert!(queues[own][taker].len() <= limit, "command {index} leaves too many tokens");
            }
        }
        assert!(queues.iter().flatten().all(VecDeque::is_empty));
    }

    #[test]
    fn no_order_of_commands_leaves_more_tokens_than_a_counter_holds() {
        let mut beyond = 0;
        for seed in 0..200 {
            let commands = random(seed, [9, 60, 300, 1500][seed as usize % 4]);
            let free = place(&commands, usize::MAX);
            replay(&commands, &free, usize::MAX);
            for limit in [1, 2, 7, 30] {
                beyond += u32::from(most_open(&commands, &free) > limit);
                replay(&commands, &place(&commands, limit), limit);
            }
        }
        assert!(beyond > 300, "only {beyond} streams need the limit");
    }

    #[test]
    fn many_loads_ahead_of_few_computes_wait_together() {
        let mut commands = vec![(Unit::Load, Needs::default()); 500];
        commands.extend((0..500).map(|load| (Unit::Compute, needs([load + 1, 0, 0, 0]))));
        let free = place(&commands, usize::MAX);
        assert_eq!(most_open(&commands, &free), 500);
        let masks = place(&commands, 190);
        assert_eq!(most_open(&commands, &masks), 190);
        replay(&commands, &masks, 190);
        // The first waits for all that the counter cannot keep apart, and the others for theirs.
        assert_eq!(masks[500].0, 1);
        assert_eq!(masks.iter().filter(|(wait, _)| *wait == 1).count(), 190);
    }
}
