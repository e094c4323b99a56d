//! The accelerator as Verilog.
//!
//! rust-hdl serves as front end only: its traits, its derive, `#[hdl_gen]`, its syntax tree and its VCD
//! writer. Number types, registers, memories and the Verilog printer are this crate's own, because widths,
//! rows and columns are numbers of a description, known at run time.
//!
//! The semantics is one sentence: an expression is an exact integer, and a value is cut to the width of
//! its signal when it is assigned. The Rust model computes so; [`verilog::elaborate`] prints Verilog with
//! the same meaning.
//!
//! # A unit
//!
//! ```
//! use bitgauge_rtl::prelude::*;
//! use bitgauge_rtl::verilog::{Options, Reset, elaborate};
//! use rust_hdl::prelude::*;
//!
//! documented! {
//!     /// Adds up what arrives. These lines stand in the Verilog too.
//!     #[derive(LogicBlock)]
//!     pub struct Adder {
//!         name: Named,
//!         /// clock
//!         pub clock: Signal<In, Clock>,
//!         /// value to add
//!         pub x: Sig,
//!         /// sum so far
//!         pub sum: Sig,
//!         total: Reg
//!     }
//! }
//!
//! impl Adder {
//!     pub fn new(width: usize) -> Adder {
//!         Adder {
//!             name: Named::of(format!("adder_{width}"), &Adder::DOCS),
//!             clock: Signal::default(),
//!             x: Sig::input(s(width)),
//!             sum: Sig::output(s(2 * width)),
//!             total: Reg::new(s(2 * width)),
//!         }
//!     }
//! }
//!
//! impl Logic for Adder {
//!     #[hdl_gen]
//!     fn update(&mut self) {
//!         dff_setup!(self, clock, total);
//!         self.total.d.next = self.total.q.val() + self.x.val();
//!         self.sum.next = self.total.q.val();
//!     }
//! }
//!
//! let options = Options { reset: Reset::Synchronous, ..Options::default() };
//! let design = elaborate(&Adder::new(8), &options)?;
//! assert!(design.text().contains("module adder_8 ("));
//! # Ok::<(), bitgauge_rtl::verilog::Error>(())
//! ```
//!
//! # Rules in kernels
//!
//! - No `let`, no helper functions, no `match` on tuples. `for` runs over literals, loop variables and
//!   fields that start with `_`; such loops are unrolled in the Verilog.
//! - An index is made of loop variables, numbers, and fields `_n` that have a [`signal::Const`] called `n`
//!   beside them.
//! - No loop variable inside [`value::bits_w`]: assign to a narrower [`signal::Sig`] instead, it cuts.
//! - Every signal is assigned before it is read, and on every path: give it a default first.
//! - Flags are `Signal<_, Bit>`, states `State<E>` with `#[derive(LogicState)]` on the enum; never
//!   rust-hdl's own `Bits`, `Signed` and `bit_cast`, whose Verilog means something else than its Rust.

pub mod bench;
pub mod export;
pub mod hash;
pub mod memory;
pub mod module;
pub mod register;
pub mod signal;
pub mod units;
pub mod value;
pub mod verilog;

/// What a file that defines a unit imports, beside `rust_hdl::prelude::*`.
pub mod prelude {
    pub use crate::documented;
    pub use crate::memory::Mem;
    pub use crate::module::Named;
    pub use crate::register::{Reg, State};
    pub use crate::signal::{Const, Sig, Ty, s, u};
    pub use crate::value::{Value, Word, bits_w, signed_cast_w};
}
