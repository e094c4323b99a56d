//! The order between commands: token counters, vector clocks and the compute unit's two readers.

use std::collections::BTreeMap;

use super::{MAX_PROBLEMS, Problem, word_problem};
use crate::Program;
use crate::command::{Command, Compute, Operation, Unit};
use crate::footprint::{Access, Port, Space, footprint};

/// How many commands of each unit are known to have ended.
type Clock = [usize; 4];

/// A command as the race check sees it.
#[derive(Clone, Copy)]
struct Event {
    unit: Unit,
    /// Position among its unit's commands, from 1.
    position: usize,
    word: usize,
}

pub(super) fn check(program: &Program, problems: &mut Vec<Problem>) {
    let mut tokens = Tokens::new(program.accelerator.controller.most_untaken_tokens());
    let mut clocks: [Clock; 4] = [[0; 4]; 4];
    let mut counts = [0usize; 4];
    let mut spaces: BTreeMap<Space, Ranges> =
        Space::ALL.into_iter().map(|space| (space, Ranges::default())).collect();
    let mut residuals = Residuals::default();
    for (word, command) in program.resolved() {
        if problems.len() >= MAX_PROBLEMS {
            return;
        }
        let unit = command.operation.unit();
        counts[unit.index()] += 1;
        let event = Event { unit, position: counts[unit.index()], word };
        // A unit starts in order: what the command before knew, this one knows too.
        let mut clock = clocks[unit.index()];
        if let Err(message) = tokens.take(&command, unit, &mut clock) {
            problems.push(word_problem(program, word, message));
            return;
        }
        if command.wait >> unit.index() & 1 == 1 || unit == Unit::Vector {
            clock[unit.index()] = event.position - 1;
        }
        clocks[unit.index()] = clock;
        for access in footprint(&program.accelerator, &command) {
            let ranges = spaces.entry(access.space).or_default();
            if let Some(problem) = ranges.visit(&access, event, &clock) {
                problems.push(problem);
            }
        }
        if let Operation::Compute(compute) = &command.operation
            && let Err(message) = residuals.visit(compute, event.position, &clock)
        {
            problems.push(word_problem(program, word, message));
        }
        if let Err(message) = tokens.give(&command, unit, event.position, &clock) {
            problems.push(word_problem(program, word, message));
            return;
        }
    }
}

/// The token counters, with what the giver of each token knew.
struct Tokens {
    queues: [[std::collections::VecDeque<Clock>; 4]; 4],
    limit: usize,
}

impl Tokens {
    fn new(limit: usize) -> Tokens {
        Tokens { queues: Default::default(), limit }
    }

    fn take(&mut self, command: &Command, unit: Unit, clock: &mut Clock) -> Result<(), String> {
        for giver in
            Unit::ALL.into_iter().filter(|&giver| giver != unit && command.wait >> giver.index() & 1 == 1)
        {
            let Some(known) = self.queues[giver.index()][unit.index()].pop_front() else {
                return Err(format!("waits for a token of {} that no earlier command gives", giver.name()));
            };
            for (mine, theirs) in clock.iter_mut().zip(known) {
                *mine = (*mine).max(theirs);
            }
        }
        Ok(())
    }

    fn give(&mut self, command: &Command, unit: Unit, position: usize, clock: &Clock) -> Result<(), String> {
        for taker in Unit::ALL.into_iter().filter(|&taker| command.signal >> taker.index() & 1 == 1) {
            let queue = &mut self.queues[unit.index()][taker.index()];
            // At its end the command has ended, and with it all earlier ones of its unit.
            let mut known = *clock;
            known[unit.index()] = position;
            queue.push_back(known);
            if queue.len() > self.limit {
                return Err(format!("leaves more than {} tokens for {} untaken", self.limit, taker.name()));
            }
        }
        Ok(())
    }
}

/// The last compute command that reads its residual from each bank: its position, zero for none.
///
/// A bank has one read port, and a unit holds ports several times over. While a command drains, the next one
/// feeds: from a bank of the residual it would get the residual's lines.
#[derive(Default)]
struct Residuals([usize; 8]);

impl Residuals {
    fn visit(&mut self, compute: &Compute, position: usize, clock: &Clock) -> Result<(), String> {
        let names = |mask: u32, bank: usize| mask >> bank & 1 == 1;
        let meets = |(bank, &last): (usize, &usize)| {
            (names(compute.activation_read, bank) && last > clock[Unit::Compute.index()]).then_some(bank)
        };
        let met = self.0.iter().enumerate().find_map(meets);
        for (bank, last) in self.0.iter_mut().enumerate() {
            if names(compute.residual_read, bank) {
                *last = position;
            }
        }
        met.map_or(Ok(()), |bank| {
            Err(format!(
                "feeds from bank {bank}, from which an earlier compute command may still read its residual; \
                 wait for the own unit"
            ))
        })
    }
}

/// The last writer of each range of a space, and its last reader by unit since.
#[derive(Default)]
struct Ranges {
    /// By start: end and who used it.
    map: BTreeMap<u64, (u64, Users)>,
}

#[derive(Clone, Copy, Default)]
struct Users {
    writer: Option<Event>,
    readers: [Option<Event>; 4],
}

/// Whether `earlier` is known to be over, or ordered by the unit itself, where `later` has `clock`.
fn ordered(earlier: Event, later: Event, clock: &Clock, read_after_write: bool) -> bool {
    if clock[earlier.unit.index()] >= earlier.position {
        return true;
    }
    // Within a unit, writes land in order and a write never overtakes an earlier read; only the compute
    // unit may read what its drain has not yet written.
    earlier.unit == later.unit && !(read_after_write && later.unit == Unit::Compute)
}

impl Ranges {
    /// Checks one access and records it.
    fn visit(&mut self, access: &Access, event: Event, clock: &Clock) -> Option<Problem> {
        self.split(access.start);
        self.split(access.end);
        let write = access.port == Port::Write;
        let mut problem = None;
        let mut at = access.start;
        let mut missing = Vec::new();
        for (&start, (end, users)) in self.map.range_mut(access.start..access.end) {
            if start > at {
                missing.push((at, start));
            }
            at = *end;
            let mut conflict = users.writer.filter(|&writer| !ordered(writer, event, clock, !write));
            if write {
                let unordered = |reader: &Event| !ordered(*reader, event, clock, false);
                conflict = conflict.or_else(|| users.readers.iter().flatten().copied().find(unordered));
                *users = Users { writer: Some(event), readers: [None; 4] };
            } else {
                users.readers[event.unit.index()] = Some(event);
            }
            if let Some(earlier) = conflict
                && problem.is_none()
            {
                problem = Some(Problem::Race {
                    first: earlier.word,
                    second: event.word,
                    space: access.space.name(),
                    start: start.max(access.start),
                    end: (*end).min(access.end),
                });
            }
        }
        if at < access.end {
            missing.push((at, access.end));
        }
        for (start, end) in missing {
            let mut users = Users::default();
            if write {
                users.writer = Some(event);
            } else {
                users.readers[event.unit.index()] = Some(event);
            }
            self.map.insert(start, (end, users));
        }
        if write {
            self.join(access.start, access.end, event);
        }
        problem
    }

    /// Makes `at` a border of ranges.
    fn split(&mut self, at: u64) {
        if let Some((&start, &(end, users))) = self.map.range(..at).next_back()
            && at < end
        {
            self.map.insert(start, (at, users));
            self.map.insert(at, (end, users));
        }
    }

    /// A fresh write makes one range of all it covers.
    fn join(&mut self, start: u64, end: u64, event: Event) {
        let inner: Vec<u64> = self.map.range(start..end).map(|(&key, _)| key).collect();
        for key in inner {
            self.map.remove(&key);
        }
        self.map.insert(start, (end, Users { writer: Some(event), readers: [None; 4] }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;
    use crate::command::{Encoder, Load, Store};
    use crate::footprint::fill_bank_masks;
    use crate::program::{CommandSymbol, LayerSymbol, Operand};

    fn program(tokens: &[(u8, u8)]) -> Program {
        let load = Load {
            external_address: 4096,
            blocks: 1,
            pixels: 4,
            channels: 16,
            pixel_stride: 1,
            value_bits: 8,
            ..Load::default()
        };
        let store = Store {
            external_address: 8192,
            blocks: 1,
            pixels: 4,
            channels: 16,
            pixel_stride: 1,
            value_bits: 8,
            ..Store::default()
        };
        of([Operation::Load(load.clone()), Operation::Store(store), Operation::Load(load)], tokens)
    }

    fn of(operations: impl IntoIterator<Item = Operation>, tokens: &[(u8, u8)]) -> Program {
        let accelerator = crate::description::tests_support::reference();
        let mut encoder = Encoder::default();
        for (operation, &(wait, signal)) in operations.into_iter().zip(tokens) {
            let mut command = Command { wait, signal, operation };
            fill_bank_masks(&accelerator, &mut command);
            encoder.push(&command).unwrap();
        }
        let layer = LayerSymbol {
            name: "copy".into(),
            operator: "copy".into(),
            macs: 0,
            product: None,
            mapping: String::new(),
            bound_cycles: 0,
        };
        Program {
            accelerator,
            words: encoder.finish(),
            command_address: 0,
            memory_bytes: 16_384,
            segments: Vec::new(),
            tensors: Vec::new(),
            outputs: Vec::new(),
            layers: vec![layer],
            commands: vec![CommandSymbol { layer: 0, operand: Operand::Input }; tokens.len()],
        }
    }

    const LOAD: u8 = 1;
    const COMPUTE: u8 = 2;
    const STORE: u8 = 8;

    #[test]
    fn tokens_order_what_they_should() {
        assert_eq!(problems(&program(&[(0, STORE), (LOAD, LOAD), (STORE, 0)])), []);
        // The store reads what the load writes.
        assert!(matches!(
            problems(&program(&[(0, 0), (0, LOAD), (STORE, 0)]))[0],
            Problem::Race { space: "activation scratchpad", .. }
        ));
        // The second load overwrites what the store still reads.
        assert!(matches!(problems(&program(&[(0, STORE), (LOAD, 0), (0, 0)]))[0], Problem::Race { .. }));
    }

    #[test]
    fn a_wait_without_a_signal_is_refused() {
        let found = problems(&program(&[(STORE, STORE), (LOAD, LOAD), (0, 0)]));
        assert!(found[0].to_string().contains("no earlier command gives"), "{}", found[0]);
    }

    #[test]
    fn a_feeder_stays_out_of_the_bank_of_a_residual() {
        let bank = crate::description::tests_support::reference().activation_bank_lines();
        // Maps in banks of their own; only the banks of the feeder and the residual are in question.
        let compute = |from: u32, residual: Option<u32>| {
            Operation::Compute(Compute {
                activation_line: from * bank + 8,
                output_line: 3 * bank,
                out_rows: 1,
                out_cols: 1,
                in_rows: 1,
                in_cols: 1,
                kernel_rows: 1,
                kernel_cols: 1,
                stride_rows: 1,
                stride_cols: 1,
                dilation_rows: 1,
                dilation_cols: 1,
                channels: 1,
                segments: 1,
                outputs: 1,
                residual_enable: u32::from(residual.is_some()),
                residual_line: residual.unwrap_or(0) * bank,
                residual_mantissa: 1 << 15,
                residual_shift: 15,
                ..Compute::default()
            })
        };
        let with = |from, waits: [u8; 3]| {
            let commands = [compute(0, Some(1)), compute(0, None), compute(from, None)];
            problems(&of(commands, &waits.map(|wait| (wait, 0))))
        };
        assert_eq!(with(2, [0; 3]), []);
        // The command right before it still drains as well.
        let next = problems(&of([compute(0, Some(1)), compute(1, None)], &[(0, 0); 2]));
        assert!(next[0].to_string().contains("feeds from bank 1"), "{}", next[0]);
        let any = with(1, [0; 3]);
        assert!(any[0].to_string().contains("feeds from bank 1"), "{}", any[0]);
        assert_eq!(with(1, [0, 0, COMPUTE]), []);
        assert_eq!(with(1, [0, COMPUTE, 0]), []);
    }
}
