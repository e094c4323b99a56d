//! The typed Verilog printer: one module per distinct body, one file per module, explicit widths.
//!
//! Steps: `collect` walks a block with rust-hdl's probe, `lower` turns each kernel into typed
//! statements with loops unrolled, `reduce` drops what has no effect, `flow` checks that nothing latches and splits the statements into
//! groups, `text` prints expressions and `assemble` the modules.

mod assemble;
mod body;
mod build;
mod collect;
mod expr;
mod flow;
mod lower;
mod names;
mod reduce;
mod sections;
mod statement;
mod text;
mod tokens;

pub(crate) use collect::literal as literal_value;
pub use names::is_module_name;
pub(crate) use names::legal as legal_name;

use crate::hash::fnv1a;
use crate::signal::Ty;
use rust_hdl::prelude::Block;
use thiserror::Error;

/// Why a block cannot become Verilog.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Error {
    /// A signal has no bits or too many.
    #[error("signal `{signal}` has {width} bits; a signal has 1 to {limit}: use a vector of lanes", limit = crate::value::MAX_BITS)]
    Width {
        /// Path of the signal.
        signal: String,
        /// Its width.
        width: usize,
    },
    /// An intermediate value that has to be exact is too wide.
    #[error("module `{module}`: {what} needs {width} bits; at most {limit} can be exact: cut an operand first", limit = crate::value::MAX_BITS)]
    Exact {
        /// The module's name.
        module: String,
        /// Where the value is used.
        what: &'static str,
        /// The bits it would take.
        width: usize,
    },
    /// A module or signal name is not usable.
    #[error(
        "`{name}` is no name for a module: use lower case letters, digits and underscores, and no keyword"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A kernel uses something that does not translate, or is incomplete.
    #[error("module `{module}`: {message}")]
    Kernel {
        /// The module's name.
        module: String,
        /// What is wrong.
        message: String,
    },
}

/// How the registers of a design are reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reset {
    /// By initial values, as FPGAs load them; no reset port.
    #[default]
    Initial,
    /// A port `reset`, active high, sampled at the clock.
    Synchronous,
    /// A port `reset`, active high, that works at once.
    Asynchronous,
}

/// How modules are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// As their units are.
    #[default]
    Plain,
    /// With a hash of their text, so that modules of several designs that differ have different names.
    /// Memories keep theirs, which say all that there is to them.
    Hashed,
    /// With this before the name and an underscore.
    Prefixed(String),
}

impl Naming {
    fn name(&self, wanted: &str, text: &str, memory: bool) -> String {
        match self {
            Naming::Hashed if !memory => format!("{wanted}_{:08x}", fnv1a(text.as_bytes()) as u32),
            Naming::Prefixed(prefix) => format!("{prefix}_{wanted}"),
            _ => wanted.to_owned(),
        }
    }
}

/// Choices that hold for a whole design.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The registers' reset.
    pub reset: Reset,
    /// Lines of comment at the top of each file.
    pub header: String,
    /// The modules' names.
    pub naming: Naming,
}

/// One Verilog module, which is one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The module's name.
    pub name: String,
    /// The whole file.
    pub text: String,
}

impl Module {
    /// The file's name.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}.v", self.name)
    }
}

/// A port of the top module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The name in the Verilog.
    pub name: String,
    /// Width and sign.
    pub ty: Ty,
    /// Whether it is an input.
    pub input: bool,
}

/// A printed design.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Design {
    /// The name of the top module.
    pub top: String,
    /// All modules, sub-modules before those that use them.
    pub modules: Vec<Module>,
    /// The ports of the top module, without the reset that [`Options::reset`] adds.
    pub ports: Vec<Port>,
    /// Whether the top module has the port `reset`.
    pub reset_port: bool,
}

impl Design {
    /// All modules in one text.
    #[must_use]
    pub fn text(&self) -> String {
        self.modules.iter().map(|module| module.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The names of the files, one a line, sub-modules first: a file for `-f` of the usual tools.
    #[must_use]
    pub fn file_list(&self) -> String {
        self.modules.iter().map(|module| module.file() + "\n").collect()
    }
}

/// Checks a block and prints it with everything inside it.
///
/// # Errors
/// Where a value is too wide, a name unusable, a signal undriven, assigned on some paths only, or where a
/// kernel uses what does not translate.
pub fn elaborate(top: &dyn Block, options: &Options) -> Result<Design, Error> {
    let root = collect::collect(top)?;
    let ports = root.ports().map(|atom| Port {
        name: names::legal(&atom.name),
        ty: atom.ty,
        input: atom.kind == rust_hdl::prelude::AtomKind::InputParameter,
    });
    let ports = ports.collect();
    let mut printer = assemble::Assembler::new(options);
    let top = printer.module(&root, "")?;
    let reset_port = assemble::has_reset(&root, options.reset);
    Ok(Design { top, modules: printer.into_modules(), ports, reset_port })
}
