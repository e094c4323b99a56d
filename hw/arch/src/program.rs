//! The program container: command words, what lies in external memory, and the names of things.

mod bytes;
mod order;
mod text;

pub use bytes::Bytes;
pub use order::ElementOrder;
pub use text::{ProgramTextError, from_text, to_text};

use serde::{Deserialize, Serialize};

use crate::Accelerator;
use crate::command::{Command, Decoded, Decoder, Word};

/// A compiled network for one accelerator.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// What it was compiled for.
    pub accelerator: Accelerator,
    /// Command words; they lie at `command_address` in external memory, 16 bytes each.
    pub words: Vec<Word>,
    /// Byte address of the first command word, aligned to the memory bus.
    pub command_address: u64,
    /// Size of external memory, bytes. Memory not named by a segment starts as zero.
    pub memory_bytes: u64,
    /// Constants: weights, parameters, tables. Sorted by address, not overlapping.
    pub segments: Vec<Segment>,
    /// Tensors that have a place in external memory.
    pub tensors: Vec<TensorSymbol>,
    /// Outputs in the order of the network's.
    pub outputs: Vec<OutputSymbol>,
    /// Layers in execution order.
    pub layers: Vec<LayerSymbol>,
    /// One entry per `exec`, in program order.
    pub commands: Vec<CommandSymbol>,
}

/// Bytes that are in external memory at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Byte address.
    pub address: u64,
    /// Content.
    pub bytes: Bytes,
}

/// What a tensor is to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TensorRole {
    /// Written by the user before the run.
    Input,
    /// Read by the user after the run.
    Output,
    /// Between layers; its place may be reused once it is dead.
    Internal,
    /// In a segment.
    Constant,
}

/// Where a tensor lies in external memory: `groups x rows`, each row a block of `cols * channels` codes at
/// `address + group * group_stride + row * row_stride`. Where rows are contiguous a token tensor may be
/// read as longer blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorSymbol {
    /// Name.
    pub name: String,
    /// Role.
    pub role: TensorRole,
    /// Byte address.
    pub address: u64,
    /// Groups.
    pub groups: u64,
    /// Rows.
    pub rows: u64,
    /// Columns.
    pub cols: u64,
    /// Channels.
    pub channels: u64,
    /// Bits of a code.
    pub value_bits: u32,
    /// Whether codes are signed; programs of earlier versions do not say it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signed: bool,
    /// Codec of its blocks.
    pub codec: crate::codec::Codec,
    /// Code left out by `zvc`.
    pub zero_code: u8,
    /// Bytes from a row to the next.
    pub row_stride: u64,
    /// Bytes from a group to the next.
    pub group_stride: u64,
    /// Byte address of the table of coded lengths, one entry per row of every group; `zvc` only.
    pub length_table: u64,
    /// Index of the tensor in the integer graph.
    pub graph_tensor: u64,
}

/// An output of the network: which tensor it is, and where its elements are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputSymbol {
    /// Name, from the network.
    pub name: String,
    /// Index into [`Program::tensors`].
    pub tensor: u64,
    /// Order of its elements.
    pub order: ElementOrder,
}

/// A layer of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerSymbol {
    /// Name.
    pub name: String,
    /// Operator: `conv`, `linear`, `depthwise`, `matmul`, `softmax`, ...
    pub operator: String,
    /// Useful multiply-accumulates.
    pub macs: u64,
    /// M, N, K of the matrix product, where it is one.
    pub product: Option<[u64; 3]>,
    /// Which unit does the work, and how it was tiled; one line for people.
    pub mapping: String,
    /// The compiler's closed-form lower bound on the layer's cycles.
    pub bound_cycles: u64,
}

/// What an `exec` belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandSymbol {
    /// Index into [`Program::layers`].
    pub layer: u32,
    /// What a load or store moves.
    pub operand: Operand,
}

/// What the bytes of a burst are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// Activations read.
    Input,
    /// Weights.
    Weight,
    /// Biases, scales, tables.
    Parameter,
    /// Second operand of an addition.
    Residual,
    /// Activations written.
    Output,
    /// Command words.
    Command,
    /// Tables of coded lengths.
    LengthTable,
}

impl Operand {
    /// All operands, in the order of legends.
    pub const ALL: [Operand; 7] = [
        Operand::Input,
        Operand::Weight,
        Operand::Parameter,
        Operand::Residual,
        Operand::Output,
        Operand::Command,
        Operand::LengthTable,
    ];

    /// Name in legends and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Operand::Input => "input",
            Operand::Weight => "weight",
            Operand::Parameter => "parameter",
            Operand::Residual => "residual",
            Operand::Output => "output",
            Operand::Command => "command",
            Operand::LengthTable => "length table",
        }
    }
}

impl Program {
    /// The commands in program order with their registers resolved, each with the index of its word. Words
    /// that do not decode are skipped; the validator refuses them.
    pub fn resolved(&self) -> impl Iterator<Item = (usize, Command)> + '_ {
        let mut decoder = Decoder::default();
        self.words.iter().enumerate().filter_map(move |(index, word)| {
            let decoded = word.decode()?;
            if decoded == Decoded::End {
                return None;
            }
            decoder.step(&decoded).map(|command| (index, command))
        })
    }

    /// External memory as it is before the run: segments and command words.
    #[must_use]
    pub fn initial_memory(&self) -> Vec<u8> {
        let mut memory = vec![0; self.memory_bytes as usize];
        for segment in &self.segments {
            memory[segment.address as usize..][..segment.bytes.len()].copy_from_slice(&segment.bytes);
        }
        for (index, word) in self.words.iter().enumerate() {
            memory[self.command_address as usize + index * Word::BYTES..][..Word::BYTES]
                .copy_from_slice(&word.0.to_le_bytes());
        }
        memory
    }

    /// The containers of an output in the order of ONNX, from external memory after a run; `None` where the
    /// program does not say which tensor it is.
    #[must_use]
    pub fn output(&self, output: &OutputSymbol, memory: &[u8]) -> Option<Vec<u8>> {
        let tensor = self.tensors.get(output.tensor as usize)?;
        let stored = tensor.read(memory, u64::from(self.accelerator.bus_bytes()));
        let width = tensor.format().container().bytes();
        let fits = output.order.covers((stored.len() / width) as u64);
        fits.then(|| output.order.take(&stored, width))
    }

    /// The tensor of a name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&TensorSymbol> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }
}

impl TensorSymbol {
    /// The format of its blocks.
    #[must_use]
    pub fn format(&self) -> crate::codec::Format {
        crate::codec::Format {
            codec: self.codec,
            value_bits: self.value_bits,
            zero_code: self.zero_code,
            signed: self.signed,
        }
    }

    /// Bytes from the first to one past the last.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.groups * self.group_stride
    }

    /// Bytes of all its codes in their containers on chip.
    #[must_use]
    pub fn containers_bytes(&self) -> u64 {
        self.groups * self.rows * self.cols * self.channels * self.format().container().bytes() as u64
    }

    fn row_containers(&self) -> usize {
        (self.cols * self.channels) as usize * self.format().container().bytes()
    }

    /// Writes containers in storage order (groups, rows, cols, channels) to memory; `none` and `pack` only,
    /// as nobody but the store unit writes `zvc`.
    pub fn write(&self, memory: &mut [u8], containers: &[u8]) {
        let mut format = self.format();
        if format.codec == crate::codec::Codec::Zvc {
            format.codec = crate::codec::Codec::Pack;
        }
        let row = self.row_containers();
        for (index, chunk) in containers.chunks(row.max(1)).enumerate() {
            let (group, line) = (index as u64 / self.rows.max(1), index as u64 % self.rows.max(1));
            let at = (self.address + group * self.group_stride + line * self.row_stride) as usize;
            let coded = crate::codec::encode(format, chunk, 1);
            memory[at..at + coded.bytes.len()].copy_from_slice(&coded.bytes);
        }
    }

    /// Reads containers in storage order from memory.
    #[must_use]
    pub fn read(&self, memory: &[u8], bus_bytes: u64) -> Vec<u8> {
        let format = self.format();
        let count = (self.cols * self.channels) as usize;
        let slot = format.raw_bytes(count as u64).next_multiple_of(bus_bytes) as usize;
        let mut containers = Vec::with_capacity(self.row_containers() * (self.groups * self.rows) as usize);
        for index in 0..self.groups * self.rows {
            let (group, row) = (index / self.rows, index % self.rows);
            let at = (self.address + group * self.group_stride + row * self.row_stride) as usize;
            let escaped = format.codec != crate::codec::Codec::Zvc || {
                let entry = (self.length_table + 2 * index) as usize;
                memory.get(entry + 1).is_some_and(|high| high >> 7 == 1)
            };
            let block = &memory[at.min(memory.len())..(at + slot).min(memory.len())];
            containers.extend(crate::codec::decode(format, block, count, escaped));
        }
        containers
    }
}
