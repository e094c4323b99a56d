//! Command words: encoding with unchanged registers left out, and decoding with registers tracked.

use thiserror::Error;

use super::fields::{FieldError, RegisterFile};
use super::{Command, Compute, Load, Operation, Store, Unit, Vector};

/// One 128-bit command word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Word(pub u128);

const KIND_SET: u32 = 0;
const KIND_EXEC: u32 = 1;
const KIND_END: u32 = 2;

/// What a word says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// Write a register group.
    Set {
        /// Whose registers.
        unit: Unit,
        /// Which group, 1 and up.
        group: usize,
        /// The three registers.
        registers: [u32; 3],
    },
    /// Write group 0 and start.
    Exec {
        /// The unit to start.
        unit: Unit,
        /// Wait mask.
        wait: u8,
        /// Signal mask.
        signal: u8,
        /// Registers of group 0.
        registers: [u32; 3],
    },
    /// The program ends when all units are idle.
    End,
}

/// Groups of a unit's register file.
pub(super) fn groups(unit: Unit) -> usize {
    match unit {
        Unit::Load => Load::GROUPS,
        Unit::Compute => Compute::GROUPS,
        Unit::Vector => Vector::GROUPS,
        Unit::Store => Store::GROUPS,
    }
}

impl Word {
    /// Bytes of a word.
    pub const BYTES: usize = 16;

    /// The word for `decoded`.
    #[must_use]
    pub fn encode(decoded: Decoded) -> Word {
        let word = |unit: u32, kind: u32, byte: u32, registers: [u32; 3]| {
            let header = unit << 28 | kind << 24 | byte << 16;
            Word(
                u128::from(header) << 96
                    | u128::from(registers[2]) << 64
                    | u128::from(registers[1]) << 32
                    | u128::from(registers[0]),
            )
        };
        match decoded {
            Decoded::Set { unit, group, registers } => {
                word(unit as u32 + 1, KIND_SET, group as u32, registers)
            }
            Decoded::Exec { unit, wait, signal, registers } => word(
                unit as u32 + 1,
                KIND_EXEC,
                u32::from(wait & 15) << 4 | u32::from(signal & 15),
                registers,
            ),
            Decoded::End => word(0, KIND_END, 0, [0; 3]),
        }
    }

    /// What the word says; `None` for a word that no encoder makes.
    #[must_use]
    pub fn decode(self) -> Option<Decoded> {
        let header = (self.0 >> 96) as u32;
        let registers = [self.0 as u32, (self.0 >> 32) as u32, (self.0 >> 64) as u32];
        let (kind, byte) = (header >> 24 & 15, header >> 16 & 255);
        if header & 0xffff != 0 {
            return None;
        }
        if header >> 28 == 0 {
            return (kind == KIND_END && byte == 0 && registers == [0; 3]).then_some(Decoded::End);
        }
        let unit = *Unit::ALL.get((header >> 28) as usize - 1)?;
        match kind {
            KIND_SET if (1..groups(unit)).contains(&(byte as usize)) => {
                Some(Decoded::Set { unit, group: byte as usize, registers })
            }
            KIND_EXEC => {
                Some(Decoded::Exec { unit, wait: (byte >> 4) as u8, signal: (byte & 15) as u8, registers })
            }
            _ => None,
        }
    }
}

/// Why a program could not be encoded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{unit} command: {source}", unit = unit.name())]
pub struct EncodeError {
    /// The unit.
    pub unit: Unit,
    /// The field at fault.
    pub source: FieldError,
}

/// Turns commands into words, leaving out `set`s of groups that already hold the right values.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    words: Vec<Word>,
    registers: [Option<Vec<u32>>; 4],
}

impl Encoder {
    /// Appends the words of one command; returns the index of its `exec` word.
    ///
    /// # Errors
    /// A field that cannot hold its value.
    pub fn push(&mut self, command: &Command) -> Result<usize, EncodeError> {
        self.push_operation(&command.operation, command.wait, command.signal)
    }

    /// The same for a command in parts: what it does, and its wait and signal masks.
    ///
    /// # Errors
    /// A field that cannot hold its value.
    pub fn push_operation(
        &mut self,
        operation: &Operation,
        wait: u8,
        signal: u8,
    ) -> Result<usize, EncodeError> {
        let unit = operation.unit();
        let error = |source| EncodeError { unit, source };
        match operation {
            Operation::Load(load) => self.set(unit, &load.registers().map_err(error)?),
            Operation::Compute(compute) => self.set(unit, &compute.registers().map_err(error)?),
            Operation::Vector(vector) => self.set(unit, &vector.registers().map_err(error)?),
            Operation::Store(store) => self.set(unit, &store.registers().map_err(error)?),
        }
        let first = self.registers[unit.index()].as_deref().unwrap_or_default();
        let registers = std::array::from_fn(|register| first.get(register).copied().unwrap_or(0));
        self.words.push(Word::encode(Decoded::Exec { unit, wait, signal, registers }));
        Ok(self.words.len() - 1)
    }

    /// Appends the `set`s of a unit's registers but for the first group.
    fn set(&mut self, unit: Unit, registers: &[u32]) {
        let current = self.registers[unit.index()].get_or_insert_with(|| vec![0; registers.len()]);
        let groups = registers.chunks_exact(3).zip(current.chunks_exact_mut(3)).enumerate();
        for (group, (new, current)) in groups {
            if group > 0 && new != current {
                let registers = [new[0], new[1], new[2]];
                self.words.push(Word::encode(Decoded::Set { unit, group, registers }));
            }
            current.copy_from_slice(new);
        }
    }

    /// The words, with the `end` appended.
    #[must_use]
    pub fn finish(mut self) -> Vec<Word> {
        self.words.push(Word::encode(Decoded::End));
        self.words
    }
}

/// Follows the registers through a stream of words. All registers start at zero.
#[derive(Clone, Debug)]
pub struct Decoder {
    registers: [Vec<u32>; 4],
}

impl Default for Decoder {
    fn default() -> Self {
        Decoder { registers: Unit::ALL.map(|unit| vec![0; 3 * groups(unit)]) }
    }
}

impl Decoder {
    /// Applies one decoded word; gives the resolved command for an `exec`.
    pub fn step(&mut self, decoded: &Decoded) -> Option<Command> {
        match *decoded {
            Decoded::End => None,
            Decoded::Set { unit, group, registers } => {
                self.registers[unit.index()][3 * group..3 * group + 3].copy_from_slice(&registers);
                None
            }
            Decoded::Exec { unit, wait, signal, registers } => {
                let file = &mut self.registers[unit.index()];
                file[..3].copy_from_slice(&registers);
                let operation = match unit {
                    Unit::Load => Operation::Load(Load::from_registers(file)),
                    Unit::Compute => Operation::Compute(Compute::from_registers(file)),
                    Unit::Vector => Operation::Vector(Vector::from_registers(file)),
                    Unit::Store => Operation::Store(Store::from_registers(file)),
                };
                Some(Command { wait, signal, operation })
            }
        }
    }
}
