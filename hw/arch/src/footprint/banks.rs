//! Which banks accesses touch.

use super::{Access, Port, Space, footprint};
use crate::Accelerator;
use crate::command::{Command, Operation};

/// Banks of a scratchpad that the accesses touch through a port, as a mask; lines beyond the last bank are
/// left out.
#[must_use]
pub fn banks(accelerator: &Accelerator, accesses: &[Access], space: Space, port: Port) -> u32 {
    let (bank_lines, count) = match space {
        Space::Activation => (accelerator.activation_bank_lines(), accelerator.scratchpad.banks),
        Space::Weight => (accelerator.weight_bank_lines(), accelerator.scratchpad.weight_banks),
        _ => return 0,
    };
    let mut mask = 0;
    // The bank of the last access: the next is mostly in it as well.
    let mut bank = 0..0;
    for access in accesses.iter().filter(|access| access.space == space && access.port == port) {
        if bank.start <= access.start && access.end <= bank.end {
            continue;
        }
        let first = access.start / u64::from(bank_lines);
        let last = (access.end - 1) / u64::from(bank_lines);
        for bank in first..=last.min(u64::from(count) - 1) {
            mask |= 1 << bank;
        }
        bank = last * u64::from(bank_lines)..(last + 1) * u64::from(bank_lines);
    }
    mask
}

/// Sets a command's bank masks to exactly the banks it touches.
pub fn fill_bank_masks(accelerator: &Accelerator, command: &mut Command) {
    let accesses = footprint(accelerator, command);
    fill_masks(accelerator, &mut command.operation, &accesses);
}

/// The same for an operation whose accesses are known.
pub fn fill_masks(accelerator: &Accelerator, operation: &mut Operation, accesses: &[Access]) {
    let of = |space, port| banks(accelerator, accesses, space, port);
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
