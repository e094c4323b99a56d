//! The keys of the description.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codec::Codec;
use crate::command::TOKEN_MAX;

/// A whole accelerator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accelerator {
    /// Name for reports.
    pub name: String,
    /// The array of processing elements.
    pub array: Array,
    /// On-chip memories.
    pub scratchpad: Scratchpad,
    /// The post-processor behind the array.
    pub post: PostUnit,
    /// The vector unit.
    pub vector: VectorUnit,
    /// Activation compression.
    #[serde(default)]
    pub compression: Compression,
    /// External memory and its bus.
    pub memory: Memory,
    /// Command fetch and queues.
    #[serde(default)]
    pub controller: Controller,
    /// Clock, used to turn cycles into seconds and bytes per cycle into bytes per second.
    pub clock: Clock,
    /// Choices of the Verilog export.
    #[serde(default)]
    pub synthesis: Synthesis,
    /// The energy table.
    #[serde(default)]
    pub energy: Energy,
}

/// `[array]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Array {
    /// Rows: output pixels or tokens in flight. 2 to 64.
    pub rows: u32,
    /// Columns: output channels in flight. 2 to 64.
    pub cols: u32,
    /// What a processing element is.
    #[serde(default)]
    pub mac: MacKind,
    /// Greatest width of an operand, 2 to 8 bits: of `fixed`, the width of its multipliers; 8 for the others.
    #[serde(default = "eight")]
    pub operand_bits: u32,
    /// Codes that an element takes at once: `fixed` multiplies 1, 2, 4 or 8 and adds the products, `serial` takes a
    /// bit of 8, 16, 32 or 64.
    #[serde(default = "one")]
    pub lanes: u32,
    /// `serial`: bits of each weight in a cycle: 1, 2, 4 or 8.
    #[serde(default = "one")]
    pub slice_bits: u32,
    /// The greatest shift of activations of two scales (V-2SF), 1 to 8: a coarse step is at most two to the power of so
    /// many fine ones. 0, the default: no gates for such codes.
    #[serde(default)]
    pub tag_shift: u32,
    /// Which operand stays in the array.
    #[serde(default)]
    pub dataflow: Dataflow,
    /// Accumulator width; accumulators wrap.
    #[serde(default = "thirty_two")]
    pub accumulator_bits: u32,
    /// Bits that a row, and a column, receives in a cycle, on average; with the array's size this makes the line of
    /// the scratchpads. 0, the default: 8 for each of `fixed`'s lanes, 32 for the others.
    #[serde(default)]
    pub port_bits: u32,
}

/// What a processing element is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MacKind {
    /// `lanes` multipliers of full width.
    #[default]
    Fixed,
    /// `lanes` products by bits: one bit of each activation and `slice_bits` of each weight in a cycle, so that
    /// narrower codes take fewer cycles.
    Serial,
    /// Sixteen multipliers of two bits, which join to products of 4 and 8 bits: 1, 4 or 16 products at 8, 4 or 2 bits.
    Fusible,
}

/// Which operand stays in the array.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dataflow {
    /// Sums stay, operands move.
    #[default]
    OutputStationary,
}

/// `[scratchpad]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scratchpad {
    /// Activation scratchpad, KiB.
    pub activation_kib: u32,
    /// Weight scratchpad, KiB.
    pub weight_kib: u32,
    /// Banks of the activation scratchpad, by high address bits; one read and one write port each.
    /// 4 or 8.
    #[serde(default = "eight")]
    pub banks: u32,
    /// Banks of the weight scratchpad. 2, 4 or 8.
    #[serde(default = "four")]
    pub weight_banks: u32,
}

/// `[post]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostUnit {
    /// Columns drained and requantized in a cycle: a power of two that divides `array.cols`.
    pub lanes: u32,
    /// Entries of the parameter memory (bias, scale; 8 bytes each), for the post-processor and for the
    /// vector unit alike. A power of two.
    #[serde(default = "default_parameter_entries")]
    pub parameter_entries: u32,
}

/// `[vector]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VectorUnit {
    /// Codes handled in a cycle: a power of two, at most the bytes of a scratchpad line.
    pub lanes: u32,
    /// Whether channels of what LayerNorm reads, and of residuals, can have steps of their own, powers of two apart
    /// (O-2SF, power-of-two factors). Off by default: no gates for it.
    #[serde(default)]
    pub channel_shifts: bool,
}

/// `[compression]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compression {
    /// Codecs in the load and store paths, beside `none`.
    pub codecs: Vec<Codec>,
    /// Reserved: groups of eight codes that `zvc` handles in a cycle, a power of two. The codec takes one group
    /// at a time for now, so this changes nothing yet.
    pub lanes: u32,
}

impl Default for Compression {
    fn default() -> Self {
        Compression { codecs: vec![Codec::Pack, Codec::Zvc], lanes: 2 }
    }
}

/// `[memory]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Width of the data bus: 32, 64 or 128.
    pub bus_bits: u32,
    /// Cycles from the grant of a burst to its first beat.
    pub latency_cycles: u32,
    /// Longest burst: a power of two, at most 256 beats and 4096 bytes.
    pub max_burst_beats: u32,
    /// Timing model.
    #[serde(default)]
    pub model: MemoryModel,
}

/// Timing model of the external memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemoryModel {
    /// Constant latency, one beat per cycle, up to four bursts outstanding.
    #[default]
    Fixed,
}

/// `[controller]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    /// Command words each unit's queue holds: a power of two, 4 to 256.
    pub queue_words: u32,
    /// Command words the prefetch buffer holds: a power of two, at least two bursts.
    pub prefetch_words: u32,
}

impl Default for Controller {
    fn default() -> Self {
        Controller { queue_words: 64, prefetch_words: 64 }
    }
}

impl Controller {
    /// Tokens of a pair of units that a program may leave untaken at any place, so that no counter passes
    /// [`TOKEN_MAX`]: a giver may be ahead of program order by as many waits as the taker's queue can hold,
    /// and the one at its head.
    #[must_use]
    pub fn most_untaken_tokens(&self) -> usize {
        TOKEN_MAX.saturating_sub(self.queue_words + 1) as usize
    }
}

/// `[clock]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Frequency, MHz.
    pub mhz: u32,
}

/// `[synthesis]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Synthesis {
    /// When multipliers become DSP blocks.
    #[serde(default)]
    pub dsp: DspPolicy,
    /// Reset style of control registers.
    #[serde(default)]
    pub reset: Reset,
}

/// When multipliers become DSP blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DspPolicy {
    /// From 5 bits up.
    #[default]
    Auto,
    /// Never.
    Never,
    /// Always.
    Always,
}

/// Reset style of control registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// Synchronous, active high.
    #[default]
    Sync,
    /// Asynchronous, active high.
    Async,
}

/// `[energy]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Energy {
    /// Name of a table that ships (`horowitz-45nm`, `bitfusion-45nm`) or the path of a TOML file.
    pub table: String,
}

impl Default for Energy {
    fn default() -> Self {
        Energy { table: "horowitz-45nm".to_owned() }
    }
}

fn one() -> u32 {
    1
}

fn four() -> u32 {
    4
}

fn eight() -> u32 {
    8
}

fn thirty_two() -> u32 {
    32
}

fn default_parameter_entries() -> u32 {
    2048
}
