//! Register files as tables of named bit fields: one table makes the Rust struct, the encoding, the text
//! form and the documentation, so that they cannot drift apart.

use thiserror::Error;

/// One named field of a register file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in texts.
    pub name: &'static str,
    /// Register number; group = register / 3.
    pub register: usize,
    /// Lowest bit.
    pub low: u32,
    /// Number of bits.
    pub width: u32,
    /// Two's complement.
    pub signed: bool,
}

impl Field {
    /// Least and greatest value.
    #[must_use]
    #[inline]
    pub const fn range(&self) -> (i64, i64) {
        if self.signed {
            (-(1 << (self.width - 1)), (1 << (self.width - 1)) - 1)
        } else {
            (0, (1 << self.width) - 1)
        }
    }

    /// The field's value in its register.
    #[must_use]
    #[inline]
    pub fn extract(&self, register: u32) -> i64 {
        let raw = (u64::from(register) >> self.low) & ((1u64 << self.width) - 1);
        if self.signed && raw >> (self.width - 1) == 1 {
            raw as i64 - (1i64 << self.width)
        } else {
            raw as i64
        }
    }

    /// `value` at the field's place.
    #[must_use]
    #[inline]
    pub fn insert(&self, value: i64) -> u32 {
        (((value as u64) & ((1u64 << self.width) - 1)) << self.low) as u32
    }
}

/// A value that its field cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field} = {value} does not fit; allowed: {low} to {high}")]
pub struct FieldError {
    /// Name of the field.
    pub field: &'static str,
    /// The value.
    pub value: i64,
    /// Least value.
    pub low: i64,
    /// Greatest value.
    pub high: i64,
}

/// A unit's registers.
pub trait RegisterFile: Sized + Default {
    /// Groups of three registers.
    const GROUPS: usize;
    /// All fields in order.
    const FIELDS: &'static [Field];

    /// Field values in the order of [`RegisterFile::FIELDS`].
    fn values(&self) -> Vec<i64>;
    /// The reverse of [`RegisterFile::values`]; missing values are zero.
    fn from_values(values: &[i64]) -> Self;

    /// All registers.
    type Registers: AsRef<[u32]>;

    /// The registers.
    ///
    /// # Errors
    /// The first field whose value does not fit.
    fn registers(&self) -> Result<Self::Registers, FieldError>;

    /// The registers, as a list.
    ///
    /// # Errors
    /// The first field whose value does not fit.
    fn to_registers(&self) -> Result<Vec<u32>, FieldError> {
        Ok(self.registers()?.as_ref().to_vec())
    }

    /// Reads the registers; there must be three for each group.
    fn from_registers(registers: &[u32]) -> Self;
}

/// Declares a register file. Each field: `name: u32|i32 @ register, low bit, width`.
macro_rules! register_file {
    ($(#[$meta:meta])* $name:ident, $groups:literal {
        $($(#[$field_meta:meta])* $field:ident : $kind:ident @ $register:literal, $low:literal, $width:literal;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $kind,)* }

        impl RegisterFile for $name {
            const GROUPS: usize = $groups;
            const FIELDS: &'static [Field] = &[$(Field {
                name: stringify!($field), register: $register, low: $low, width: $width,
                signed: $kind::MIN != 0,
            },)*];
            fn values(&self) -> Vec<i64> { vec![$(i64::from(self.$field),)*] }
            fn from_values(values: &[i64]) -> Self {
                let mut values = values.iter().copied();
                $(let $field = values.next().unwrap_or(0) as $kind;)*
                $name { $($field,)* }
            }

            // Field by field with constants: a program has tens of thousands of commands.
            type Registers = [u32; 3 * $groups];
            fn registers(&self) -> Result<Self::Registers, FieldError> {
                let mut registers = [0; 3 * $groups];
                $({
                    const FIELD: Field = Field {
                        name: stringify!($field), register: $register, low: $low, width: $width,
                        signed: $kind::MIN != 0,
                    };
                    let value = i64::from(self.$field);
                    let (low, high) = const { FIELD.range() };
                    if value < low || value > high {
                        return Err(FieldError { field: FIELD.name, value, low, high });
                    }
                    registers[$register] |= FIELD.insert(value);
                })*
                Ok(registers)
            }
            fn from_registers(registers: &[u32]) -> Self {
                let registers: Self::Registers =
                    std::array::from_fn(|register| registers.get(register).copied().unwrap_or(0));
                $name { $($field: {
                    const FIELD: Field = Field {
                        name: stringify!($field), register: $register, low: $low, width: $width,
                        signed: $kind::MIN != 0,
                    };
                    FIELD.extract(registers[$register]) as $kind
                },)* }
            }
        }
    };
}
pub(super) use register_file;

#[cfg(test)]
mod tests {
    use super::super::{Compute, Load, Store, Vector};
    use super::*;

    fn fields_do_not_overlap<R: RegisterFile>() {
        let mut used = vec![0u32; 3 * R::GROUPS];
        for field in R::FIELDS {
            assert!(field.low + field.width <= 32, "{field:?}");
            let mask = field.insert(-1);
            assert_eq!(used[field.register] & mask, 0, "{field:?}");
            used[field.register] |= mask;
        }
    }

    #[test]
    fn no_two_fields_share_a_bit() {
        fields_do_not_overlap::<Load>();
        fields_do_not_overlap::<Compute>();
        fields_do_not_overlap::<Vector>();
        fields_do_not_overlap::<Store>();
    }
}
