//! The contract between the parts of Bitgauge: what an accelerator is, what a command means, which
//! integers its units compute and how long they take.
//!
//! Reference interpreter, simulator and exported Verilog agree because each of them follows this
//! crate; the simulator and the Verilog share nothing else. The crate is pure: no files, no clock, no
//! randomness.

pub mod actions;
pub mod arith;
pub mod code;
pub mod codec;
pub mod command;
pub mod description;
pub mod energy;
pub mod footprint;
pub mod mac;
pub mod program;
pub mod timing;
pub mod validate;

pub use description::Accelerator;
pub use program::Program;
