//! Names and comments of modules, and the macro that takes the comments from the Rust documentation.

use rust_hdl::core::ast::VerilogLiteral;
use rust_hdl::core::constraint::PinConstraint;
use rust_hdl::core::synth::VCDValue;
use rust_hdl::core::type_descriptor::{TypeDescriptor, TypeKind};
use rust_hdl::prelude::{Atom, AtomKind, Block, Logic, Probe};

/// The documentation of a unit as [`documented!`](crate::documented) collects it.
#[derive(Clone, Copy, Debug)]
pub struct Docs {
    /// The lines about the unit.
    pub unit: &'static [&'static str],
    /// The fields with their lines.
    pub fields: &'static [(&'static str, &'static [&'static str])],
}

/// Names the module that a block becomes and carries its comments into the Verilog.
///
/// The name is lower case and should contain every number that shapes the body (`pe_a9_w8_acc24`).
#[derive(Clone, Debug)]
pub struct Named {
    name: String,
    doc: String,
    ports: Vec<(String, String)>,
    restart: String,
}

/// What the printer finds of a [`Named`] in the descriptor of its atom.
pub(crate) const NAME_MARK: &str = "bitgauge module ";
/// What follows the name where the unit has a [`Named::restart`].
pub(crate) const RESTART_MARK: &str = " restart ";

impl Named {
    /// A name without comments.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Named {
        Named { name: name.into(), doc: String::new(), ports: vec![], restart: String::new() }
    }

    /// A name with the documentation of the unit's type.
    #[must_use]
    pub fn of(name: impl Into<String>, docs: &Docs) -> Named {
        let join = |lines: &[&str]| lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n");
        let ports = docs.fields.iter().filter(|field| !field.1.is_empty());
        Named {
            name: name.into(),
            doc: join(docs.unit),
            ports: ports.map(|(field, lines)| ((*field).to_string(), join(lines))).collect(),
            restart: String::new(),
        }
    }

    /// Makes a signal of the unit, high for a cycle, return all registers inside its parts to their reset
    /// values, but for the parts named in `spared`. The design needs a reset port; the Rust model does not
    /// show it.
    #[must_use]
    pub fn restart(mut self, signal: &str, spared: &[&str]) -> Named {
        self.restart = format!("{RESTART_MARK}{signal} {}", spared.join(" "));
        self
    }

    /// Sets the comment of the module.
    #[must_use]
    pub fn doc(mut self, text: &str) -> Named {
        self.doc = text.to_string();
        self
    }

    /// Adds the comment of a port; for a vector of ports the field's name stands for all.
    #[must_use]
    pub fn port(mut self, name: &str, text: &str) -> Named {
        self.ports.push((name.to_string(), text.to_string()));
        self
    }
}

impl Atom for Named {
    fn bits(&self) -> usize {
        1
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
        // The module's comment first, then name and comment of each port in turn.
        let ports = self.ports.iter().flat_map(|(name, text)| [name.clone(), text.clone()]);
        let kind = TypeKind::Enum(std::iter::once(self.doc.clone()).chain(ports).collect());
        TypeDescriptor { name: format!("{NAME_MARK}{}{}", self.name, self.restart), kind }
    }
    fn vcd(&self) -> VCDValue {
        VCDValue::Single(vcd::Value::V0)
    }
    fn id(&self) -> usize {
        0
    }
    fn verilog(&self) -> VerilogLiteral {
        false.into()
    }
    fn constraints(&self) -> Vec<PinConstraint> {
        vec![]
    }
}

impl Logic for Named {
    fn update(&mut self) {}
}

impl Block for Named {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {}
    fn has_changed(&self) -> bool {
        false
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}

/// Defines a unit's struct and keeps its documentation as `Self::DOCS`, for [`Named::of`]: what the Rust
/// reader sees of unit and ports stands in the Verilog too.
#[macro_export]
macro_rules! documented {
    (
        $(#[doc = $unit:literal])*
        #[derive($($derive:ident),* $(,)?)]
        $visibility:vis struct $name:ident {
            $( $(#[doc = $line:literal])* $field_visibility:vis $field:ident : $ty:ty ),* $(,)?
        }
    ) => {
        $(#[doc = $unit])*
        #[derive($($derive),*)]
        $visibility struct $name {
            $( $(#[doc = $line])* $field_visibility $field: $ty ),*
        }
        impl $name {
            /// The documentation of the unit and its ports.
            pub const DOCS: $crate::module::Docs = $crate::module::Docs {
                unit: &[$($unit),*],
                fields: &[$( (stringify!($field), &[$($line),*]) ),*],
            };
        }
    };
}
