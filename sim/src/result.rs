//! What a run tells: cycles, counters, actions and traces. No energy: joules are counts times a table.

use bitgauge_arch::actions::ActionCounts;
use bitgauge_arch::command::Unit;
use bitgauge_arch::program::Operand;
use serde::{Deserialize, Serialize};

/// Why a unit with a command at hand does not work, in order of priority: where several hold in one
/// cycle, the first is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StallReason {
    /// A token or the unit's own barrier is missing.
    Token,
    /// A bank port is held by another unit.
    Bank,
    /// A burst is asked for and not yet here, or its response is not.
    Memory,
    /// An operand is not yet in its FIFO (vector and array never wait here in this design).
    Operand,
    /// The codec is at work on an earlier line.
    Codec,
    /// The drain holds the feeder back.
    Drain,
}

impl StallReason {
    /// All reasons, in order of priority.
    pub const ALL: [StallReason; 6] = [
        StallReason::Token,
        StallReason::Bank,
        StallReason::Memory,
        StallReason::Operand,
        StallReason::Codec,
        StallReason::Drain,
    ];

    /// Name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        ["token", "bank", "memory", "operand", "codec", "drain"][self as usize]
    }
}

/// Where the cycles of one unit went: `busy + stalls + idle = cycles` of the run.
///
/// Clock: the accelerator's. Window: cycle 0, in which start is accepted, to the last cycle of the run.
/// Busy: load - the write side writes a line or the codec works; compute - the feeders run (setup
/// included) or, with no command in the first stage, the drain works; vector - a command is running; store -
/// a line is read, the codec works or a beat of its bursts is on the bus. Stalled, where not busy: token and
/// bank - the `exec` at the head waits for it; memory - load: a command has lines to write, store: a burst
/// is asked for and its response not seen; operand - store: anything else while a command runs; codec -
/// load: a last line is on its way through the unpacker; drain - compute: a command is in the first stage.
/// Idle: no `exec` at the head waits and none is running.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitCycles {
    /// Working.
    pub busy: u64,
    /// Waiting, by [`StallReason`] in the order of [`StallReason::ALL`].
    pub stalled: [u64; 6],
    /// Nothing to do.
    pub idle: u64,
}

impl UnitCycles {
    /// All stalled cycles.
    #[must_use]
    pub fn stalled_total(&self) -> u64 {
        self.stalled.iter().sum()
    }
}

/// One executed command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSpan {
    /// Position among the program's `exec`s.
    pub command: u32,
    /// Who ran it.
    pub unit: Unit,
    /// First cycle: the unit accepted the `exec`.
    pub start: u64,
    /// One past the last cycle: tokens are given, ports released.
    pub end: u64,
    /// Cycles the `exec` waited at the head of the queue before its start, by [`StallReason`] (token and
    /// bank occur; waiting for the unit itself is no stall).
    pub waited: [u64; 6],
}

/// One burst on the memory bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Burst {
    /// First data beat.
    pub cycle: u64,
    /// Byte address.
    pub address: u64,
    /// Beats.
    pub beats: u32,
    /// Bytes that carry data of the command; the rest of the last beat is padding.
    pub bytes: u32,
    /// Direction.
    pub write: bool,
    /// What the bytes are.
    pub operand: Operand,
    /// Index of the layer; `u32::MAX` for command fetch.
    pub layer: u32,
}

/// Totals of one layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerResult {
    /// Start of its first command (`u64::MAX` where it has none).
    pub start: u64,
    /// End of its last command.
    pub end: u64,
    /// Cycles per unit in which a command of this layer was running (a unit's commands may overlap).
    pub unit_busy: [u64; 4],
    /// Cycles that each unit's commands of this layer waited at the head of their queue, by reason.
    pub unit_waited: [[u64; 6]; 4],
    /// Cycles in which the array's feeders ran for this layer.
    pub feed_cycles: u64,
    /// Cycles from the first feeder read of this layer to its last.
    pub array_span: u64,
    /// Useful multiply-accumulates on the array.
    pub array_macs: u64,
    /// Multiply-accumulates of the array including padding.
    pub array_padded_macs: u64,
    /// Useful multiply-accumulates on the vector unit.
    pub vector_macs: u64,
    /// Beats on the bus.
    pub bus_beats: u64,
    /// Actions.
    pub actions: ActionCounts,
}

/// Result of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Cycles of the whole run.
    pub cycles: u64,
    /// The closed-form lower bound: the greatest of beats on the bus, cycles of feeding plus setup, and
    /// cycles of vector commands.
    pub bound_cycles: u64,
    /// Per unit, in the order of [`Unit::ALL`].
    pub units: [UnitCycles; 4],
    /// Beats on the bus.
    pub bus_beats: u64,
    /// Per layer, in the order of the program.
    pub layers: Vec<LayerResult>,
    /// Actions of the whole run, command fetch included.
    pub actions: ActionCounts,
    /// Every command in the order of starts.
    pub spans: Vec<CommandSpan>,
    /// Every burst in the order of grants; empty where the trace was switched off.
    pub bursts: Vec<Burst>,
}
