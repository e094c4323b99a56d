//! Where a register field stands, as plain numbers for kernels.
//!
//! ```
//! use bitgauge_arch::command::Compute;
//! use bitgauge_rtl::units::fields::field;
//!
//! let channels = field::<Compute>("channels");
//! assert_eq!((channels.register, channels.low, channels.width, channels.signed), (7, 0, 16, false));
//! ```
//!
//! A kernel reads a field by assigning it to a signal of the field's type, which cuts:
//! `self.channels.next = self.registers[self._channels_register].val() >> self.channels_low.val();`
//! with `channels: field.local()`, `_channels_register: field.register`, `channels_register:
//! field.register_const()` and `channels_low: field.low_const()` beside each other.

use crate::prelude::*;
use bitgauge_arch::command::{Field, RegisterFile};

/// The place and type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldAt {
    /// Register number.
    pub register: usize,
    /// Lowest bit in its register.
    pub low: usize,
    /// Number of bits.
    pub width: usize,
    /// Two's complement.
    pub signed: bool,
}

/// The field of `R` with this name. An unknown name gives a field without bits, of which no Verilog can
/// be made.
#[must_use]
pub fn field<R: RegisterFile>(name: &str) -> FieldAt {
    let found = R::FIELDS.iter().find(|field| field.name == name);
    debug_assert!(found.is_some(), "no field `{name}`");
    found.map_or(FieldAt { register: 0, low: 0, width: 0, signed: false }, FieldAt::of)
}

impl FieldAt {
    fn of(field: &Field) -> FieldAt {
        FieldAt {
            register: field.register,
            low: field.low as usize,
            width: field.width as usize,
            signed: field.signed,
        }
    }

    /// The field's type.
    #[must_use]
    pub fn ty(self) -> Ty {
        if self.signed { s(self.width) } else { u(self.width) }
    }

    /// A local signal that holds the field.
    #[must_use]
    pub fn local(self) -> Sig {
        Sig::local(self.ty())
    }

    /// A register that holds the field.
    #[must_use]
    pub fn reg(self) -> Reg {
        Reg::new(self.ty())
    }

    /// The register number, for an index in a kernel.
    #[must_use]
    pub fn register_const(self) -> Const {
        Const::new(self.register)
    }

    /// The lowest bit, for a shift in a kernel.
    #[must_use]
    pub fn low_const(self) -> Const {
        Const::new(self.low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitgauge_arch::command::{Load, Store, Vector};

    fn agree<R: RegisterFile>() {
        for wanted in R::FIELDS {
            let found = field::<R>(wanted.name);
            assert_eq!(found.ty().width, wanted.width as usize);
            assert_eq!(found.ty().signed, wanted.signed);
            let register = wanted.insert(-1);
            let raw = i128::from(register >> found.low);
            assert_eq!(found.ty().cut(raw), i128::from(wanted.extract(register)), "{}", wanted.name);
        }
    }

    #[test]
    fn every_field_is_found_where_it_is() {
        agree::<Load>();
        agree::<Store>();
        agree::<Vector>();
        assert_eq!(field::<Store>("group_width").register, 8);
    }
}
