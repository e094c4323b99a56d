//! A program made ready to run: words decoded, registers resolved, closed forms evaluated. Made once, used for any
//! number of images.
//!
//! The program is valid, so the data path may index memories without further checks; only lengths that are read from
//! external memory (`zvc`) are checked later.

use bitgauge_arch::codec::{Codec, Format};
use bitgauge_arch::command::{Command, Decoded, Decoder, Load, Operation, Store, Target, Unit};
use bitgauge_arch::program::{CommandSymbol, Operand};
use bitgauge_arch::timing::{self, ComputeTiming, DmaShape};
use bitgauge_arch::{Accelerator, Program};
use rayon::prelude::*;

/// One command word as dispatch sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A register write of a unit.
    Set(Unit),
    /// The start of a command.
    Exec(Unit, u32),
    /// The last word.
    End,
}

/// A load or store: what it moves, and where in external memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transfer {
    pub shape: DmaShape,
    pub external: u32,
    /// Bytes from a block to the next.
    pub stride: u32,
    /// The length table (`zvc`).
    pub table: u32,
    /// Bits in external memory of a whole line, and of the last line of a pixel; without `zvc`.
    pub line_bits: u32,
    pub last_bits: u32,
}

/// How long a command takes, or what it moves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Load(Transfer),
    Store(Transfer),
    /// Of a compute command.
    Compute(ComputeTiming),
    /// Cycles of a vector command.
    Vector(u64),
}

impl Shape {
    fn new(accelerator: &Accelerator, operation: &Operation) -> Shape {
        let transfer = |shape: DmaShape, external, stride, table, format: Format| {
            let container = 8 * format.container().bytes() as u64;
            let bits = if format.codec == Codec::None { container } else { u64::from(format.value_bits) };
            let of = |codes: u64| (codes * bits) as u32;
            let last =
                shape.codes / shape.pixels.max(1) - shape.pixel_lines.saturating_sub(1) * shape.line_codes;
            let (line_bits, last_bits) = (of(shape.line_codes), of(last));
            Transfer { shape, external, stride, table, line_bits, last_bits }
        };
        match operation {
            Operation::Load(load) => {
                let shape = timing::load_shape(accelerator, load);
                let codes = matches!(load.target(), Some(Target::Activation | Target::Weight));
                let format = if codes { load.format() } else { Format::BYTES };
                let Load { external_address, external_block_stride, length_table, .. } = *load;
                Shape::Load(transfer(shape, external_address, external_block_stride, length_table, format))
            }
            Operation::Store(store) => {
                let shape = timing::store_shape(accelerator, store);
                let Store { external_address, external_block_stride, length_table, .. } = *store;
                let format = store.format();
                Shape::Store(transfer(shape, external_address, external_block_stride, length_table, format))
            }
            Operation::Compute(compute) => Shape::Compute(timing::compute(accelerator, compute)),
            Operation::Vector(vector) => Shape::Vector(timing::vector_cycles(accelerator, vector)),
        }
    }
}

/// Bank ports: eight bits each for activation read, activation write, weight read, weight write.
pub(crate) type Ports = u32;

/// What a command shares with others: small, as it is looked at much more often than the rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared {
    pub layer: u32,
    /// Ports released when feeding ends.
    pub early_ports: Ports,
    /// Ports released at the end.
    pub late_ports: Ports,
    pub wait: u8,
    pub signal: u8,
    pub unit: Unit,
    pub operand: Operand,
}

impl Shared {
    fn new(command: &Command, symbol: &CommandSymbol) -> Shared {
        let ports = |activation_read: u32, activation_write: u32, weight_read: u32, weight_write: u32| {
            activation_read | activation_write << 8 | weight_read << 16 | weight_write << 24
        };
        let (early_ports, late_ports) = match &command.operation {
            Operation::Load(c) => (0, ports(0, c.activation_write, 0, c.weight_write)),
            Operation::Store(c) => (0, ports(c.activation_read, 0, 0, 0)),
            Operation::Compute(c) => (
                ports(c.activation_read, 0, c.weight_read, 0),
                ports(c.residual_read, c.activation_write, 0, 0),
            ),
            Operation::Vector(c) => {
                (0, ports(c.activation_read, c.activation_write, c.weight_read, c.weight_write))
            }
        };
        Shared {
            layer: symbol.layer,
            early_ports,
            late_ports,
            wait: command.wait,
            signal: command.signal,
            unit: command.operation.unit(),
            operand: symbol.operand,
        }
    }

    /// All ports it holds.
    pub fn ports(&self) -> Ports {
        self.early_ports | self.late_ports
    }
}

/// Whether data decide the lengths of what a command moves.
pub(crate) fn is_zvc(operation: &Operation) -> bool {
    let zvc = Codec::Zvc.code();
    match operation {
        Operation::Load(load) => load.codec == zvc,
        Operation::Store(store) => store.codec == zvc,
        _ => false,
    }
}

/// A program made ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub accelerator: Accelerator,
    pub steps: Vec<Step>,
    pub commands: Vec<Command>,
    /// Of each command, apart from its registers: finding the cycles takes no more than these.
    pub shapes: Vec<Shape>,
    pub shared: Vec<Shared>,
    pub layers: usize,
    pub command_address: u64,
    /// Bytes of a scratchpad line.
    pub line: u64,
    /// Bytes of a beat.
    pub bus: u64,
    pub latency: u64,
    pub max_burst_beats: u64,
}

impl Plan {
    /// Decodes. The program has to be a valid one.
    pub fn new(program: &Program) -> Plan {
        let accelerator = program.accelerator.clone();
        let (steps, commands) = decode(program);
        let layers = program.layers.len();
        let known = commands.par_iter().zip(&program.commands).map(|(command, symbol)| {
            (Shape::new(&accelerator, &command.operation), Shared::new(command, symbol))
        });
        let (shapes, shared) = known.unzip();
        Plan {
            steps,
            commands,
            shapes,
            shared,
            layers,
            command_address: program.command_address,
            line: u64::from(accelerator.line_bytes()),
            bus: u64::from(accelerator.bus_bytes()),
            latency: u64::from(accelerator.memory.latency_cycles),
            max_burst_beats: u64::from(accelerator.memory.max_burst_beats),
            accelerator,
        }
    }

    /// Beats of the load FIFO.
    pub fn load_fifo_beats(&self) -> u64 {
        timing::load_fifo_beats(&self.accelerator)
    }

    /// Beats of the store FIFO.
    pub fn store_fifo_beats(&self) -> u64 {
        timing::store_fifo_beats(&self.accelerator)
    }
}

/// The words as dispatch sees them, and the commands that they start.
fn decode(program: &Program) -> (Vec<Step>, Vec<Command>) {
    let mut steps = Vec::with_capacity(program.words.len());
    let mut commands = Vec::with_capacity(program.commands.len());
    let mut decoder = Decoder::default();
    for decoded in program.words.iter().filter_map(|word| word.decode()) {
        let command = decoder.step(&decoded);
        steps.push(match (decoded, command) {
            (Decoded::Exec { unit, .. }, Some(command)) => {
                commands.push(command);
                Step::Exec(unit, commands.len() as u32 - 1)
            }
            (Decoded::Set { unit, .. }, _) => Step::Set(unit),
            _ => Step::End,
        });
    }
    (steps, commands)
}
