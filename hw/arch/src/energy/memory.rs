//! Which memory an action belongs to, and how large one bank of it is.

use std::fmt;

use crate::Accelerator;
use crate::actions::Action;
use crate::arith::PARAMETER_BYTES;

/// A memory on the chip whose price depends on its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Activation scratchpad.
    Activation,
    /// Weight scratchpad.
    Weight,
    /// Parameter memories of post-processor and vector unit, which are of one size.
    Parameter,
    /// A lane's copy of both tables: of 16-bit entries in the vector unit, of which it has the size here, and of
    /// 8-bit entries in the post-processor.
    Table,
}

/// Entries of both tables of a lane.
const TABLE_ENTRIES: f64 = 512.0;

impl Memory {
    /// The memory that an action reads or writes.
    #[must_use]
    pub fn of(action: Action) -> Option<Memory> {
        match action {
            Action::ActivationReadByte | Action::ActivationWriteByte => Some(Memory::Activation),
            Action::WeightReadByte | Action::WeightWriteByte => Some(Memory::Weight),
            Action::ParameterReadByte | Action::ParameterWriteByte => Some(Memory::Parameter),
            Action::TableReadByte | Action::TableWriteByte => Some(Memory::Table),
            Action::ArrayMac
            | Action::ArrayPaddingMac
            | Action::ArrayBitProduct
            | Action::ArrayPaddingBitProduct
            | Action::PeRegisterBit
            | Action::PeAccumulatorBit
            | Action::PostRequantize
            | Action::VectorMac
            | Action::VectorOperation
            | Action::ExternalReadByte
            | Action::ExternalWriteByte => None,
        }
    }

    /// KiB of one bank.
    #[must_use]
    pub fn bank_kib(self, accelerator: &Accelerator) -> f64 {
        let scratchpad = &accelerator.scratchpad;
        match self {
            Memory::Activation => f64::from(scratchpad.activation_kib) / f64::from(scratchpad.banks),
            Memory::Weight => f64::from(scratchpad.weight_kib) / f64::from(scratchpad.weight_banks),
            Memory::Parameter => {
                f64::from(accelerator.post.parameter_entries) * PARAMETER_BYTES as f64 / 1024.0
            }
            Memory::Table => 2.0 * TABLE_ENTRIES / 1024.0,
        }
    }

    /// Name in sentences.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Memory::Activation => "a bank of the activation scratchpad",
            Memory::Weight => "a bank of the weight scratchpad",
            Memory::Parameter => "a parameter memory",
            Memory::Table => "a lane's copy of the tables",
        }
    }
}

/// A memory whose size a table has no price for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outside {
    /// Which.
    pub memory: Memory,
    /// Size of one bank, KiB.
    pub kib: f64,
    /// Sizes between which the table has prices, KiB.
    pub range: [f64; 2],
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outside { memory, kib, range: [from, to] } = *self;
        write!(
            f,
            "{} has {kib} KiB, the energy table has prices from {from} to {to} KiB: it is priced as one of {} KiB",
            memory.name(),
            kib.clamp(from, to)
        )
    }
}
