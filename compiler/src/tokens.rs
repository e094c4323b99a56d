//! Tokens: the least waits and signals that keep every hazard.
//!
//! A unit starts its commands in order and ends them in order. So waiting for command p of unit v means
//! that all of v's commands up to p have ended, and all that p knew at its start. Each command carries a
//! vector clock of what is known to have ended when it starts; a dependency within it needs no token. A
//! wait is always for a later command than the wait before it on the same pair, so the k-th signal of a pair
//! belongs to its k-th wait.

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

impl Clocks {
    fn new(commands: usize) -> Clocks {
        let (known, masks) = (Vec::with_capacity(commands), Vec::with_capacity(commands));
        Clocks { known, masks, last: [None; 4] }
    }

    fn push(&mut self, unit: Unit, needs: Needs) {
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

/// Waits and signals of the operations in this order.
pub(crate) fn insert(survey: &Survey, order: &[usize]) -> Vec<(u8, u8)> {
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
    let mut clocks = Clocks::new(order.len());
    for ((&place, mut needs), on_chip) in order.iter().zip(external).zip(on_chip) {
        let operation = survey.operation(place);
        needs.add(on_chip);
        needs.own = needs.own.max(residuals.visit(clocks.known.len(), operation));
        clocks.push(operation.unit(), needs);
    }
    clocks.masks
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
        let mut clocks = Clocks::new(0);
        clocks.push(Unit::Load, needs([0; 4]));
        clocks.push(Unit::Load, needs([0; 4]));
        clocks.push(Unit::Compute, needs([2, 0, 0, 0]));
        clocks.push(Unit::Compute, needs([1, 0, 0, 0]));
        // The store waits for compute, which waited for the loads.
        clocks.push(Unit::Store, needs([2, 4, 0, 0]));
        assert_eq!(clocks.masks, [(0, 0), (0, 2), (1, 0), (0, 8), (2, 0)]);
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
        let mut clocks = Clocks::new(0);
        for own in needed {
            clocks.push(Unit::Compute, Needs { own, ..Needs::default() });
        }
        assert_eq!(clocks.masks, [(0, 0), (0, 0), (2, 0), (0, 0), (0, 0)]);
    }

    #[test]
    fn signals_and_waits_of_a_pair_balance() {
        let mut clocks = Clocks::new(0);
        let mut state = 1u32;
        let mut units = Vec::new();
        for index in 0..2000u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let unit = Unit::ALL[(state >> 16) as usize % 4];
            let mut latest = [0; 4];
            for (before, other) in units.iter().enumerate() {
                let other: &Unit = other;
                if *other != unit
                    && (before as u32 * 7 + state).is_multiple_of(5)
                    && index - (before as u32) < 9
                {
                    latest[other.index()] = before as u32 + 1;
                }
            }
            clocks.push(unit, needs(latest));
            units.push(unit);
        }
        // k-th signal before k-th wait in program order, none left over.
        for from in Unit::ALL {
            for to in Unit::ALL {
                let mut open = 0i32;
                for (unit, (wait, signal)) in units.iter().zip(&clocks.masks) {
                    if *unit == to && from != to && wait >> from.index() & 1 == 1 {
                        open -= 1;
                    }
                    assert!(open >= 0);
                    if *unit == from && signal >> to.index() & 1 == 1 {
                        open += 1;
                    }
                }
                assert_eq!(open, 0);
            }
        }
    }
}
