//! Commands in a row, each ordered behind all that it meets in a memory.

use bitgauge_arch::Accelerator;
use bitgauge_arch::command::{Command, Compute, Operation, Unit};
use bitgauge_arch::footprint::{Access, Port, fill_bank_masks, footprint};
use bitgauge_arch::program::Segment;
use bitgauge_arch::validate::problems;

use super::assemble;
use crate::Random;

/// Commands so far, and who waits for whom.
pub(super) struct Builder<'a> {
    accelerator: &'a Accelerator,
    /// Whether commands that meet in a memory are ordered; tokens are drawn where not.
    ordered: bool,
    pub(super) commands: Vec<Command>,
    accesses: Vec<Vec<Access>>,
    /// Last command of each giver that each taker has waited for, and last command of each unit: one more
    /// than the index, zero for none.
    waited: [[usize; 4]; 4],
    last: [usize; 4],
    /// Compute commands before this one have ended when the next starts.
    barrier: usize,
}

fn unit_of(command: &Command) -> usize {
    command.operation.unit().index()
}

impl<'a> Builder<'a> {
    pub(super) fn new(accelerator: &'a Accelerator, ordered: bool) -> Builder<'a> {
        Builder {
            accelerator,
            ordered,
            commands: Vec::new(),
            accesses: Vec::new(),
            waited: [[0; 4]; 4],
            last: [0; 4],
            barrier: 0,
        }
    }

    /// Appends a command that is valid by itself, ordered behind all that it meets where that is asked for; gives whether
    /// it did.
    /// `blocks` is what it needs in external memory beside the noise.
    pub(super) fn push(&mut self, random: &mut Random, operation: Operation, blocks: &[Segment]) -> bool {
        let mut command = Command { wait: 0, signal: 0, operation };
        fill_bank_masks(self.accelerator, &mut command);
        // By itself, but for what takes up the sums that it keeps.
        let mut alone = vec![command.clone()];
        if let Operation::Compute(compute) = &command.operation
            && compute.accumulate == 1
        {
            let mut next = Command {
                operation: Operation::Compute(Compute { accumulate: 0, ..compute.clone() }),
                wait: 1 << Unit::Compute.index(),
                ..command
            };
            fill_bank_masks(self.accelerator, &mut next);
            alone.push(next);
        }
        if !problems(&assemble(self.accelerator, &alone, blocks.to_vec(), super::COMMANDS)).is_empty() {
            return false;
        }
        let accesses = footprint(self.accelerator, &command);
        let me = unit_of(&command);
        // More tokens than needed, now and then.
        let mut needs = [false; 4];
        for (other, need) in needs.iter_mut().enumerate() {
            *need = other != me && random.once_in(6);
        }
        for (index, earlier) in self.commands.iter().enumerate() {
            let other = unit_of(earlier);
            let meets = self.ordered && meet(&self.accesses[index], &accesses);
            if other != me {
                needs[other] |= meets && self.waited[other][me] <= index;
            } else if self.ordered
                && index >= self.barrier
                && (meets || residual_in_the_way(earlier, &command))
            {
                command.wait |= u8::from(me == Unit::Compute.index()) << me;
            }
        }
        for other in (0..4).filter(|&other| other != me && needs[other]) {
            // The last command so far, if nobody of this unit has waited for it.
            if self.last[other] > self.waited[other][me] {
                self.commands[self.last[other] - 1].signal |= 1 << me;
                command.wait |= 1 << other;
                self.waited[other][me] = self.last[other];
            }
        }
        command.wait |= u8::from(random.once_in(8)) << me;
        if me == Unit::Compute.index() && command.wait >> me & 1 == 1 {
            self.barrier = self.commands.len();
        }
        self.commands.push(command);
        self.accesses.push(accesses);
        self.last[me] = self.commands.len();
        true
    }
}

/// Whether a compute command feeds from a bank from which an earlier one reads its residual.
fn residual_in_the_way(earlier: &Command, later: &Command) -> bool {
    match (&earlier.operation, &later.operation) {
        (Operation::Compute(earlier), Operation::Compute(later)) => {
            earlier.residual_read & later.activation_read != 0
        }
        _ => false,
    }
}

/// Whether two commands use a place that one of them writes.
fn meet(earlier: &[Access], later: &[Access]) -> bool {
    let writes = |access: &Access| access.port == Port::Write;
    earlier.iter().any(|a| {
        later
            .iter()
            .any(|b| a.space == b.space && a.start < b.end && b.start < a.end && (writes(a) || writes(b)))
    })
}
