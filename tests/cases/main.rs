//! Does a network that somebody reported run, and is what it gives right?
//!
//! One file per kind of network; each test builds its graph, runs the program on it as a user would, and holds
//! what comes out to what the float network gives.

// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod degenerate;
mod divisions;
mod environment;
mod exports;
mod folder;
mod heads;
mod inputs;
mod limits;
mod masks;
mod net;
mod norms;
mod order;
mod ort;
mod patches;
mod plain;
mod products;
mod qdq;
mod slices;
mod sound;
mod spellings;
mod sums;
