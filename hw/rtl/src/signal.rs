//! Signals and constants whose width and sign are plain numbers.

use crate::value::{MAX_BITS, Value, Word, cut};
use rust_hdl::core::ast::VerilogLiteral;
use rust_hdl::core::constraint::PinConstraint;
use rust_hdl::core::signal::get_signal_id;
use rust_hdl::core::synth::VCDValue;
use rust_hdl::core::type_descriptor::{TypeDescriptor, TypeKind};
use rust_hdl::prelude::{Atom, AtomKind, Block, Logic, Probe};

/// The width and sign of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ty {
    /// Number of bits, at least 1 and at most [`MAX_BITS`]; elaboration refuses others.
    pub width: usize,
    /// Two's complement if set.
    pub signed: bool,
}

/// A signed type of `width` bits.
#[must_use]
pub fn s(width: usize) -> Ty {
    Ty { width, signed: true }
}

/// An unsigned type of `width` bits.
#[must_use]
pub fn u(width: usize) -> Ty {
    Ty { width, signed: false }
}

impl Ty {
    /// Whether a signal may have this type.
    #[must_use]
    pub fn is_valid(self) -> bool {
        (1..=MAX_BITS).contains(&self.width)
    }

    /// Cuts a value to this type.
    #[must_use]
    #[inline]
    pub fn cut(self, value: Value) -> Value {
        cut(value, self.width, self.signed)
    }

    fn descriptor(self) -> TypeDescriptor {
        let kind = if self.signed { TypeKind::Signed(self.width) } else { TypeKind::Bits(self.width) };
        TypeDescriptor { name: String::new(), kind }
    }
}

/// The bits of a value as rust-hdl writes them to a VCD file.
fn vcd_bits(value: Value, width: usize) -> VCDValue {
    let bit = |index: usize| if (value >> index) & 1 == 1 { vcd::Value::V1 } else { vcd::Value::V0 };
    VCDValue::Vector((0..width).rev().map(bit).collect())
}

/// The low bits of a value as a literal.
fn literal(value: Value, width: usize) -> VerilogLiteral {
    cut(value, width, false).cast_unsigned().into()
}

/// A port or local signal with a run-time width and sign.
///
/// Write to `next`, read with [`Sig::val`].
#[derive(Clone, Debug)]
pub struct Sig {
    /// The value to be assigned, exact; it is cut when the signal is read.
    pub next: Word,
    value: Value,
    changed: bool,
    claimed: bool,
    kind: AtomKind,
    ty: Ty,
    id: usize,
}

impl Sig {
    fn new(ty: Ty, kind: AtomKind) -> Sig {
        let next = Word::default();
        Sig { next, value: 0, changed: false, claimed: false, kind, ty, id: get_signal_id() }
    }

    /// An input port.
    #[must_use]
    pub fn input(ty: Ty) -> Sig {
        Sig::new(ty, AtomKind::InputParameter)
    }

    /// An output port.
    #[must_use]
    pub fn output(ty: Ty) -> Sig {
        Sig::new(ty, AtomKind::OutputParameter)
    }

    /// A signal inside the unit.
    #[must_use]
    pub fn local(ty: Ty) -> Sig {
        Sig::new(ty, AtomKind::LocalSignal)
    }

    /// `count` input ports.
    #[must_use]
    pub fn inputs(ty: Ty, count: usize) -> Vec<Sig> {
        (0..count).map(|_| Sig::input(ty)).collect()
    }

    /// `count` output ports.
    #[must_use]
    pub fn outputs(ty: Ty, count: usize) -> Vec<Sig> {
        (0..count).map(|_| Sig::output(ty)).collect()
    }

    /// `count` local signals.
    #[must_use]
    pub fn locals(ty: Ty, count: usize) -> Vec<Sig> {
        (0..count).map(|_| Sig::local(ty)).collect()
    }

    /// An output that starts at `value`.
    pub(crate) fn output_at(ty: Ty, value: Value) -> Sig {
        let mut signal = Sig::output(ty);
        signal.next = value.into();
        signal.value = ty.cut(value);
        signal
    }

    /// Width and sign.
    #[must_use]
    pub fn ty(&self) -> Ty {
        self.ty
    }

    /// The value: of an input what arrived, of others what was assigned last, cut to the type.
    #[must_use]
    #[inline]
    pub fn val(&self) -> Word {
        if self.kind == AtomKind::InputParameter { self.value } else { self.ty.cut(self.next.value()) }.into()
    }
}

impl Atom for Sig {
    fn bits(&self) -> usize {
        self.ty.width
    }
    fn connected(&self) -> bool {
        self.claimed
    }
    fn changed(&self) -> bool {
        self.changed
    }
    fn kind(&self) -> AtomKind {
        self.kind
    }
    fn descriptor(&self) -> TypeDescriptor {
        self.ty.descriptor()
    }
    fn vcd(&self) -> VCDValue {
        vcd_bits(self.value, self.ty.width)
    }
    fn id(&self) -> usize {
        self.id
    }
    fn verilog(&self) -> VerilogLiteral {
        literal(self.value, self.ty.width)
    }
    fn constraints(&self) -> Vec<PinConstraint> {
        vec![]
    }
}

impl Logic for Sig {
    fn update(&mut self) {}
    fn connect(&mut self) {
        self.claimed = true;
    }
}

impl Block for Sig {
    fn connect_all(&mut self) {}
    #[inline]
    fn update_all(&mut self) {
        let value = self.ty.cut(self.next.value());
        self.changed = value != self.value;
        self.value = value;
    }
    fn has_changed(&self) -> bool {
        self.changed
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}

/// A constant chosen at run time; the Verilog holds it as a literal.
#[derive(Clone, Debug)]
pub struct Const {
    value: Value,
}

impl Const {
    /// A constant; negative ones are fine.
    #[must_use]
    pub fn new(value: impl Into<Word>) -> Const {
        Const { value: value.into().value() }
    }

    /// The value.
    #[must_use]
    pub fn val(&self) -> Word {
        self.value.into()
    }

    fn ty(&self) -> Ty {
        let magnitude = if self.value < 0 { !self.value } else { self.value };
        let width = (Value::BITS - magnitude.leading_zeros()) as usize;
        if self.value < 0 { s(width + 1) } else { u(width.max(1)) }
    }
}

impl Atom for Const {
    fn bits(&self) -> usize {
        self.ty().width
    }
    fn connected(&self) -> bool {
        true
    }
    fn changed(&self) -> bool {
        false
    }
    fn kind(&self) -> AtomKind {
        AtomKind::Constant
    }
    fn descriptor(&self) -> TypeDescriptor {
        self.ty().descriptor()
    }
    fn vcd(&self) -> VCDValue {
        vcd_bits(self.value, self.ty().width)
    }
    fn id(&self) -> usize {
        0
    }
    fn verilog(&self) -> VerilogLiteral {
        literal(self.value, self.ty().width)
    }
    fn constraints(&self) -> Vec<PinConstraint> {
        vec![]
    }
}

impl Logic for Const {
    fn update(&mut self) {}
}

impl Block for Const {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {}
    fn has_changed(&self) -> bool {
        false
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_cuts_what_it_is_given() {
        let mut narrow = Sig::local(s(4));
        narrow.next = 8.into();
        assert_eq!(narrow.val().value(), -8);
        let mut bits = Sig::output(u(4));
        bits.next = (-1).into();
        assert_eq!(bits.val().value(), 15);
    }

    #[test]
    fn an_input_shows_its_value_only_after_an_update() {
        let mut port = Sig::input(u(4));
        port.next = 3.into();
        assert_eq!(port.val().value(), 0);
        port.update_all();
        assert!(port.has_changed());
        assert_eq!(port.val().value(), 3);
    }

    #[test]
    fn constants_know_their_width() {
        assert_eq!([0, 1, 255, 256].map(|v| Const::new(v).bits()), [1, 1, 8, 9]);
        assert_eq!([-1, -8, -9].map(|v| Const::new(v).ty()), [s(1), s(4), s(5)]);
    }
}
