//! Which banks accesses touch.

use super::{Port, Run, Space, add_footprint};
use crate::Accelerator;
use crate::command::{Command, Operation};

/// Banks of a scratchpad that the runs touch through a port, as a mask; lines beyond the last bank are left out.
#[must_use]
pub fn banks(accelerator: &Accelerator, runs: &[Run], space: Space, port: Port) -> u32 {
    let (bank_lines, count) = match space {
        Space::Activation => (accelerator.activation_bank_lines(), accelerator.scratchpad.banks),
        Space::Weight => (accelerator.weight_bank_lines(), accelerator.scratchpad.weight_banks),
        _ => return 0,
    };
    let (bank_lines, count) = (u64::from(bank_lines), u64::from(count));
    let mut mask = 0;
    let mut range = |start: u64, end: u64| {
        for bank in start / bank_lines..=((end - 1) / bank_lines).min(count - 1) {
            mask |= 1 << bank;
        }
    };
    for run in runs.iter().filter(|run| run.space == space && run.port == port) {
        // Ranges that are no further apart leave no bank out.
        if run.count == 1 || run.stride <= bank_lines {
            range(run.start, run.end());
        } else {
            run.accesses().for_each(|access| range(access.start, access.end));
        }
    }
    mask
}

/// Sets a command's bank masks to exactly the banks it touches.
pub fn fill_bank_masks(accelerator: &Accelerator, command: &mut Command) {
    let mut runs = Vec::new();
    add_footprint(accelerator, &command.operation, &mut runs);
    fill_masks(accelerator, &mut command.operation, &runs);
}

/// The same for an operation whose runs are known.
pub fn fill_masks(accelerator: &Accelerator, operation: &mut Operation, runs: &[Run]) {
    let of = |space, port| banks(accelerator, runs, space, port);
    match operation {
        Operation::Load(load) => {
            load.activation_write = of(Space::Activation, Port::Write);
            load.weight_write = of(Space::Weight, Port::Write);
        }
        Operation::Store(store) => store.activation_read = of(Space::Activation, Port::Read),
        Operation::Compute(compute) => {
            compute.activation_read = of(Space::Activation, Port::Read);
            compute.residual_read = of(Space::Activation, Port::Residual);
            compute.activation_write = of(Space::Activation, Port::Write);
            compute.weight_read = of(Space::Weight, Port::Read);
        }
        Operation::Vector(vector) => {
            vector.activation_read = of(Space::Activation, Port::Read);
            vector.activation_write = of(Space::Activation, Port::Write);
            vector.weight_read = of(Space::Weight, Port::Read);
            vector.weight_write = of(Space::Weight, Port::Write);
        }
    }
}
