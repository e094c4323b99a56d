//! The command set.
//!
//! A command word has 128 bits. Its header (bits 96 to 127) names the unit and the kind; its payload
//! (bits 0 to 95) is three 32-bit registers, one register group:
//!
//! | bits | `set` | `exec` | `end` |
//! | --- | --- | --- | --- |
//! | 124..128 | unit: 1 load, 2 compute, 3 vector, 4 store | unit | 0 |
//! | 120..124 | 0 | 1 | 2 |
//! | 112..120 | register group, 1 and up | bits 116..120 wait mask, 112..116 signal mask | 0 |
//! | 96..112 | 0, reserved | 0, reserved | 0 |
//! | 0..96 | the group's three registers | registers of group 0 | 0 |
//!
//! `set` writes a group in queue order and takes one cycle. `exec` writes group 0 and starts the unit
//! with the registers as they then stand. Registers keep their values from command to command.
//!
//! **Tokens.** There is one counter for each ordered pair of different units. An `exec` whose wait mask
//! names unit U starts when the counter from U to itself is not zero, and takes one from it; when it
//! ends it adds one to the counter towards each unit of its signal mask. The unit's own bit in the wait
//! mask is a barrier: wait until all earlier commands of this unit have ended. The own bit in the signal
//! mask is reserved.

mod encode;
mod fields;
mod registers;
mod text;

pub use encode::{Decoded, Decoder, EncodeError, Encoder, Word};
pub use fields::{Field, FieldError, RegisterFile};
pub use registers::{Compute, Load, Store, Target, Vector, VectorFunction};
pub use text::{TextError, from_text, to_text};

use serde::{Deserialize, Serialize};

/// A unit with a command queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// External memory to on-chip memories.
    Load,
    /// The array with feeders, drain and post-processor.
    Compute,
    /// The vector unit.
    Vector,
    /// Activation scratchpad to external memory.
    Store,
}

impl Unit {
    /// All units, in the order that decides ties.
    pub const ALL: [Unit; 4] = [Unit::Load, Unit::Compute, Unit::Vector, Unit::Store];

    /// Position in [`Unit::ALL`], and the unit's bit in token masks.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// Name in texts, traces and signals.
    #[must_use]
    pub fn name(self) -> &'static str {
        ["load", "compute", "vector", "store"][self.index()]
    }
}

/// Largest value of a token counter.
pub const TOKEN_MAX: u32 = 255;

/// The registers of the unit that a command starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// See [`Load`].
    Load(Load),
    /// See [`Compute`].
    Compute(Compute),
    /// See [`Vector`].
    Vector(Vector),
    /// See [`Store`].
    Store(Store),
}

impl Operation {
    /// The unit that runs it.
    #[must_use]
    pub fn unit(&self) -> Unit {
        match self {
            Operation::Load(_) => Unit::Load,
            Operation::Compute(_) => Unit::Compute,
            Operation::Vector(_) => Unit::Vector,
            Operation::Store(_) => Unit::Store,
        }
    }
}

/// One `exec` with all its registers resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Bit per unit ([`Unit::index`]): take one token from it before the start; own bit: barrier.
    pub wait: u8,
    /// Bit per unit: give it one token at the end.
    pub signal: u8,
    /// What to do.
    pub operation: Operation,
}
