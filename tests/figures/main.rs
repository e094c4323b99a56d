//! Is every figure of a report what the raw counts, the description and the prices say?
//!
//! The program writes reports of both shipped models, on the reference design and on a lopsided one whose banks,
//! lanes, rows, columns, sizes, bus, clock and prices are all different from one another, so that a swapped column
//! or a wrong memory's size shows. Each test recomputes what a report says from commands, spans, bursts and counters
//! of a run of its own, from the description's keys as TOML has them, and from prices written here as numbers.
//! Nothing here calls `bitgauge-reports` or `src/`.
// Helpers outside of #[test] functions fail the test by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

mod accuracy;
mod activations;
mod answers;
mod bottleneck;
mod cases;
mod energy;
mod forms;
mod headline;
mod layers;
mod page;
mod plots;
mod result;
mod stated;
mod svg;
mod table;
mod traffic;
mod units;
