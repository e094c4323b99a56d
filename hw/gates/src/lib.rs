//! What the exported units cost in energy on a library of cells.
//!
//! Yosys maps a unit onto the library ([`mapping`]), the netlist is read back ([`netlist`]) and simulated event by event
//! with the cells' delays ([`simulate`]): glitches are a third of an element's energy, and without delays there are none.
//! Operands come in the order of the feeder ([`order`]), by class of activity ([`operands`]). Each edge takes what the
//! library says ([`liberty`]): energy inside the cell by its state, half of C V^2 for the net, the clock's pins, leakage.
//!
//! There is no layout: no wires, no clock tree. Sums are held to plain arithmetic in every run.

pub mod calibrate;
pub mod circuit;
pub mod element;
mod error;
pub mod liberty;
pub mod mapping;
pub mod netlist;
pub mod operands;
pub mod order;
pub mod requantizer;
pub mod rest;
pub mod simulate;
pub mod unit;

pub use error::GatesError;
