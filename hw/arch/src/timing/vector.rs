//! The vector unit: L codes per cycle, one line read and one line written per cycle.
//!
//! With g = ceil(channels / L) groups of a pixel, P output pixels, and reads or writes of a group counted
//! in lines:
//!
//! | function | cycles of the body |
//! | --- | --- |
//! | copy | P ceil(container bytes of a pixel / W) |
//! | add | P g max(reads of both operands, writes) |
//! | table | P g |
//! | max_pool, average_pool, depthwise | P g kernel_rows kernel_cols, and at least P g writes |
//! | softmax | P (3 g + [`SOFTMAX_ROW_CYCLES`]): maximum, sum, normalize, one 16-step divide |
//! | layer_norm | P (g reads + g max(reads, writes) + [`LAYERNORM_ROW_CYCLES`]): sums, normalize, 30-step root, 16-step reciprocal |
//! | patch | P max(kernel_rows (1 + ceil((run_bytes - 1) / W)), ceil(kernel_rows run_bytes / W)): a run of any alignment |
//!
//! A command takes [`VECTOR_SETUP`] + body + [`VECTOR_LATENCY`] cycles and does not overlap the next.

use crate::Accelerator;
use crate::code::Container;
use crate::command::{Vector, VectorFunction};

/// Cycles from the `exec` to the first read.
pub const VECTOR_SETUP: u64 = 10;
/// Cycles from the last read to the last write being visible.
pub const VECTOR_LATENCY: u64 = 14;
/// Cycles of a softmax row beside its three passes.
pub const SOFTMAX_ROW_CYCLES: u64 = 24;
/// Cycles of a LayerNorm token beside its two passes.
pub const LAYERNORM_ROW_CYCLES: u64 = 58;

/// Cycles of a vector command from `exec` to end. An unknown function takes no time in its body.
#[must_use]
pub fn vector_cycles(accelerator: &Accelerator, command: &Vector) -> u64 {
    let line = u64::from(accelerator.line_bytes());
    let lanes = u64::from(accelerator.vector.lanes);
    let pixels = u64::from(command.out_rows) * u64::from(command.out_cols);
    let channels = u64::from(command.channels);
    let groups = channels.div_ceil(lanes);
    let lines = |container: Container| container.lines(lanes, line);
    let taps = u64::from(command.kernel_rows) * u64::from(command.kernel_cols);
    let body = match VectorFunction::from_code(command.function) {
        Some(VectorFunction::Copy) => pixels * command.source().lines(channels, line),
        Some(VectorFunction::Add) => {
            let second = command.second().map_or(0, lines);
            pixels * groups * (lines(command.source()) + second).max(lines(command.output()))
        }
        Some(VectorFunction::Table) => pixels * groups,
        Some(VectorFunction::MaxPool | VectorFunction::AveragePool | VectorFunction::Depthwise) => {
            pixels * groups * taps.max(lines(command.output()))
        }
        Some(VectorFunction::Softmax) => pixels * (3 * groups + SOFTMAX_ROW_CYCLES),
        Some(VectorFunction::LayerNorm) => {
            let reads = lines(command.source());
            let steps = groups * (reads + reads.max(lines(command.output())));
            pixels * (steps + LAYERNORM_ROW_CYCLES)
        }
        Some(VectorFunction::Patch) => {
            let run = u64::from(command.run_bytes);
            let reads = u64::from(command.kernel_rows) * (1 + run.saturating_sub(1).div_ceil(line));
            pixels * reads.max((u64::from(command.kernel_rows) * run).div_ceil(line))
        }
        None => 0,
    };
    VECTOR_SETUP + body + VECTOR_LATENCY
}
