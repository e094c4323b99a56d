//! From an integer graph and an accelerator description to a program.
//!
//! [`compile()`] places tensors in external memory, lowers each node to commands in their natural order
//! (`lower`), and lets one generic pass find every hazard between units and order it with tokens
//! (`hazards`, `tokens`). A lowering therefore never thinks about synchronization; it only chooses tiles,
//! with the closed forms of [`bitgauge_arch::timing`] as its cost.
//!
//! The compiler is pure and deterministic: same graph, accelerator and options, same bytes.

mod bound;
mod compile;
mod error;
mod hazards;
mod limits;
mod lower;
mod memory;
mod options;
mod order;
mod ranges;
mod scratch;
mod share;
mod survey;
mod tiling;
mod tokens;
mod view;
mod write;

pub use compile::compile;
pub use error::CompileError;
pub use options::Options;
