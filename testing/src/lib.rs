//! What tests draw from: random numbers, random accelerators and random valid programs. One of each, for the tests
//! of every crate.

// What is drawn here is valid, or the test that asked for it fails.
#![allow(clippy::panic, clippy::missing_panics_doc)]

pub mod programs;
mod random;

pub use random::Random;
