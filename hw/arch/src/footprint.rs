//! What a command reads and writes: the ground of token insertion, race checks and bank-port checks.

mod banks;
mod dma;
mod units;

use crate::Accelerator;
use crate::command::{Command, Operation};

pub use banks::{banks, fill_bank_masks, fill_masks};
pub use dma::{format_is_valid, length_table_bytes};

/// An address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// External memory, bytes.
    External,
    /// Activation scratchpad, lines.
    Activation,
    /// Weight scratchpad, lines.
    Weight,
    /// Parameter memory of the post-processor, entries.
    PostParameter,
    /// Parameter memory of the vector unit, entries.
    VectorParameter,
    /// Tables of the post-processor, tables.
    PostTable,
    /// Tables of the vector unit, tables.
    VectorTable,
}

impl Space {
    /// All spaces.
    pub const ALL: [Space; 7] = [
        Space::External,
        Space::Activation,
        Space::Weight,
        Space::PostParameter,
        Space::VectorParameter,
        Space::PostTable,
        Space::VectorTable,
    ];

    /// Name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Space::External => "external memory",
            Space::Activation => "activation scratchpad",
            Space::Weight => "weight scratchpad",
            Space::PostParameter => "post-processor parameters",
            Space::VectorParameter => "vector parameters",
            Space::PostTable => "post-processor tables",
            Space::VectorTable => "vector tables",
        }
    }

    /// Size in the space's own unit.
    #[must_use]
    pub fn size(self, accelerator: &Accelerator, memory_bytes: u64) -> u64 {
        match self {
            Space::External => memory_bytes,
            Space::Activation => u64::from(accelerator.activation_lines()),
            Space::Weight => u64::from(accelerator.weight_lines()),
            Space::PostParameter | Space::VectorParameter => u64::from(accelerator.post.parameter_entries),
            Space::PostTable | Space::VectorTable => 2,
        }
    }
}

/// Which port of the unit an access goes through; a command may use several read ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Port {
    /// Main read.
    Read,
    /// Residual read of the compute unit.
    Residual,
    /// Write.
    Write,
}

/// A half-open range of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Where.
    pub space: Space,
    /// How.
    pub port: Port,
    /// First unit.
    pub start: u64,
    /// One past the last unit.
    pub end: u64,
}

/// Collects ranges, joining neighbours.
struct Collector<'a> {
    accesses: &'a mut Vec<Access>,
    /// How many are of other commands.
    others: usize,
}

impl Collector<'_> {
    fn push(&mut self, space: Space, port: Port, start: u64, length: u64) {
        if length == 0 {
            return;
        }
        let end = start + length;
        if let Some(last) = self.accesses[self.others..].last_mut()
            && last.space == space
            && last.port == port
            && last.start <= start
            && start <= last.end
        {
            last.end = last.end.max(end);
            return;
        }
        self.accesses.push(Access { space, port, start, end });
    }

    /// `count` runs of `length`, `stride` apart.
    fn strided(&mut self, space: Space, port: Port, start: u64, count: u64, stride: u64, length: u64) {
        if count > 0 && stride <= length {
            return self.push(space, port, start, (count - 1) * stride + length);
        }
        for index in 0..count {
            self.push(space, port, start + index * stride, length);
        }
    }
}

/// Every access of a command. Addresses may lie outside their space: the validator checks.
#[must_use]
pub fn footprint(accelerator: &Accelerator, command: &Command) -> Vec<Access> {
    let mut accesses = Vec::new();
    add_footprint(accelerator, &command.operation, &mut accesses);
    accesses
}

/// Adds every access of an operation to a list, as [`footprint`] finds them.
pub fn add_footprint(accelerator: &Accelerator, operation: &Operation, accesses: &mut Vec<Access>) {
    let collector = &mut Collector { others: accesses.len(), accesses };
    match operation {
        Operation::Load(load) => dma::of_load(collector, accelerator, load),
        Operation::Store(store) => dma::of_store(collector, accelerator, store),
        Operation::Compute(compute) => units::of_compute(collector, accelerator, compute),
        Operation::Vector(vector) => units::of_vector(collector, accelerator, vector),
    }
}
