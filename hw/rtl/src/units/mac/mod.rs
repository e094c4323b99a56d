//! What differs between kinds of processing elements: widths of what travels, and the core that makes a term of it.
//!
//! A kind is a core here, a lane of the feeder and a sequence of positions in `compute/feed`, and a line in each of the
//! functions of [`MacShape`].

pub mod fixed;
pub mod fusible;
pub mod serial;

use crate::prelude::*;
use bitgauge_arch::code::OperandContainer;
use bitgauge_arch::description::{Array, MacKind};
use rust_hdl::prelude::clog2;

/// Kind and sizes of a processing element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MacShape {
    /// The kind.
    pub kind: MacKind,
    /// Bits of a code.
    pub operand: usize,
    /// `fixed`: bits of a code's place in an operand line.
    pub container: usize,
    /// Codes taken at once.
    pub lanes: usize,
    /// Serial kinds: bits of each weight in a cycle.
    pub slice: usize,
    /// The greatest shift of activations of two scales; 0 where they have one.
    pub tag_shift: usize,
    /// Bits of the accumulator.
    pub accumulator: usize,
}

/// Places of the flags that travel with a term.
pub mod flag {
    /// It belongs to a fold.
    pub const VALID: usize = 0;
    /// It is the first of its fold.
    pub const FIRST: usize = 1;
    /// It is the last of its fold.
    pub const LAST: usize = 2;
    /// Serial kinds: it is subtracted.
    pub const NEGATE: usize = 3;
    /// Serial kinds: its place, from this bit on.
    pub const SHIFT: usize = 4;
    /// Other kinds with two scales: its place, from this bit on.
    pub const FIXED_SHIFT: usize = 3;
}

/// Places of the bits that travel with the operands.
pub mod mode {
    /// All but serial kinds: activations are signed.
    pub const SIGNED: usize = 0;
    /// `fusible`: which digits are joined, from this bit on.
    pub const JOIN: usize = 1;
    /// Of those: the second digit of activations.
    pub const I0: usize = 0;
    /// The third and fourth.
    pub const I1: usize = 1;
    /// The second digit of weights.
    pub const J0: usize = 2;
    /// The third and fourth.
    pub const J1: usize = 3;
    /// Serial kinds: a new slice of the weights comes.
    pub const LOAD: usize = 0;
    /// Serial kinds: it is the weights' highest slice.
    pub const TOP: usize = 1;
}

/// Bits that say which digits `fusible` joins.
pub const JOIN_BITS: usize = 4;

impl MacShape {
    /// Of a checked description.
    #[must_use]
    pub fn of(array: &Array) -> MacShape {
        MacShape {
            kind: array.mac,
            operand: array.operand_bits as usize,
            container: OperandContainer::of_bits(array.operand_bits).bits() as usize,
            lanes: array.lanes as usize,
            slice: array.slice_bits as usize,
            tag_shift: array.tag_shift as usize,
            accumulator: array.accumulator_bits as usize,
        }
    }

    /// One multiplier of so many bits.
    #[must_use]
    pub fn multiplier(operand: usize, accumulator: usize) -> MacShape {
        let container = OperandContainer::of_bits(operand as u32).bits() as usize;
        MacShape { kind: MacKind::Fixed, operand, container, lanes: 1, slice: 1, tag_shift: 0, accumulator }
    }

    /// Whether terms come bit by bit, with a place and a sign.
    #[must_use]
    pub fn serial(&self) -> bool {
        self.kind == MacKind::Serial
    }

    /// The part of module names that tells kind and sizes.
    #[must_use]
    pub fn name(&self) -> String {
        let MacShape { operand, lanes, slice, tag_shift, accumulator, .. } = self;
        let tag = if *tag_shift > 0 { format!("_t{tag_shift}") } else { String::new() };
        match self.kind {
            MacKind::Fixed => format!("fixed{operand}_v{lanes}{tag}_acc{accumulator}"),
            MacKind::Fusible => format!("fusible{tag}_acc{accumulator}"),
            MacKind::Serial => format!("serial_v{lanes}_s{slice}{tag}_acc{accumulator}"),
        }
    }

    /// The activations of a row: signals and their type.
    #[must_use]
    pub fn activation(&self) -> (usize, Ty) {
        match self.kind {
            MacKind::Fixed => (self.lanes, u(self.operand)),
            // Sixteen digits of two bits.
            MacKind::Fusible => (1, u(32)),
            // A plane: a bit of each.
            MacKind::Serial => (1, u(self.lanes)),
        }
    }

    /// The weights of a column: signals and their type.
    #[must_use]
    pub fn weight(&self) -> (usize, Ty) {
        match self.kind {
            MacKind::Fixed => (self.lanes, s(self.operand)),
            MacKind::Fusible => (1, u(32)),
            MacKind::Serial if self.slice == 1 => (1, u(self.lanes)),
            MacKind::Serial => (self.lanes, u(self.slice)),
        }
    }

    /// Bits that travel with the operands, see [`mode`].
    #[must_use]
    pub fn mode_bits(&self) -> usize {
        match self.kind {
            MacKind::Fixed => 1,
            MacKind::Fusible => mode::JOIN + JOIN_BITS,
            MacKind::Serial => 2,
        }
    }

    /// Flags that travel with the term, see [`flag`].
    #[must_use]
    pub fn flag_bits(&self) -> usize {
        match self.kind {
            MacKind::Fixed | MacKind::Fusible => flag::FIXED_SHIFT + self.shift_bits(),
            MacKind::Serial => flag::SHIFT + self.shift_bits(),
        }
    }

    /// The flag with the lowest bit of a term's place.
    #[must_use]
    pub fn shift_low(&self) -> usize {
        match self.kind {
            MacKind::Fixed | MacKind::Fusible => flag::FIXED_SHIFT,
            MacKind::Serial => flag::SHIFT,
        }
    }

    /// Bits of a term's place; none where terms are not shifted.
    #[must_use]
    pub fn shift_bits(&self) -> usize {
        match (self.kind, self.tag_shift) {
            (MacKind::Fixed | MacKind::Fusible, 0) => 0,
            (MacKind::Fixed | MacKind::Fusible, most) => clog2(most + 1),
            // Planes up to 7 and slices up to 7; and a shift of 8.
            (MacKind::Serial, 0) => 4,
            (MacKind::Serial, _) => 5,
        }
    }

    /// Whether several codes share the place of a term, so that a line of two scales is dealt twice; serial kinds count
    /// that among their own passes.
    #[must_use]
    pub fn dealt_twice(&self) -> bool {
        match self.kind {
            MacKind::Fixed => self.tag_shift > 0 && self.lanes > 1,
            MacKind::Fusible => self.tag_shift > 0,
            MacKind::Serial => false,
        }
    }

    /// Whether products are of digits.
    #[must_use]
    pub fn fusible(&self) -> bool {
        self.kind == MacKind::Fusible
    }

    /// Whether commands choose the containers of operand lines.
    #[must_use]
    pub fn any_container(&self) -> bool {
        self.kind != MacKind::Fixed
    }

    /// What a core makes of operands.
    #[must_use]
    pub fn term(&self) -> Ty {
        match self.kind {
            MacKind::Fixed => s(2 * self.operand + 1 + clog2(self.lanes)),
            MacKind::Fusible => s(17),
            MacKind::Serial if self.slice == 1 => u(1 + clog2(self.lanes)),
            MacKind::Serial => s(self.slice + 1 + clog2(self.lanes)),
        }
    }
}
