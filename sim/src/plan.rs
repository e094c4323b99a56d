//! A program made ready to run: words decoded, registers resolved, every address checked, closed forms
//! evaluated. Made once, used for any number of images.
//!
//! After [`Plan::new`] the data path may index memories without further checks; only lengths that are read
//! from external memory (`zvc`) are checked later.

use bitgauge_arch::codec::Format;
use bitgauge_arch::command::{Codec, Command, Decoded, Decoder, Operation, Target, Unit, Word};
use bitgauge_arch::program::Operand;
use bitgauge_arch::timing::{self, ComputeTiming, DmaShape};
use bitgauge_arch::{Accelerator, Program};

use crate::check;
use crate::error::SimError;

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

/// How long a command takes, or what it moves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Of a load or store.
    Dma(DmaShape),
    /// Of a compute command.
    Compute(ComputeTiming),
    /// Cycles of a vector command.
    Vector(u64),
}

/// Bank ports: eight bits each for activation read, activation write, weight read, weight write.
pub(crate) type Ports = u32;

/// One `exec`.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub command: Command,
    pub unit: Unit,
    pub layer: u32,
    pub operand: Operand,
    pub shape: Shape,
}

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
}

impl Shared {
    /// All ports it holds.
    pub fn ports(&self) -> Ports {
        self.early_ports | self.late_ports
    }
}

impl Planned {
    /// The shape of a load or store.
    pub fn dma(&self) -> Option<DmaShape> {
        if let Shape::Dma(shape) = self.shape { Some(shape) } else { None }
    }

    /// Bits in external memory of a whole line of a load or store, and of the last line of a pixel; without
    /// `zvc`.
    pub fn line_bits(&self, line: u64) -> (u64, u64) {
        let Some(shape) = self.dma() else { return (0, 0) };
        let (format, codec) = match &self.command.operation {
            Operation::Load(load) if !matches!(load.target(), Some(Target::Activation | Target::Weight)) => {
                (Format::BYTES, Codec::None.code())
            }
            Operation::Load(load) => (load.format(), load.codec),
            Operation::Store(store) => (store.format(), store.codec),
            _ => return (0, 0),
        };
        let container = format.container_bytes() as u64;
        let bits = if codec == Codec::None.code() { 8 * container } else { u64::from(format.value_bits) };
        let last_bytes = shape.pixel_bytes - shape.pixel_lines.saturating_sub(1) * line;
        (line / container * bits, last_bytes / container * bits)
    }

    /// Whether lengths depend on data.
    pub fn is_zvc(&self) -> bool {
        let zvc = Codec::Zvc.code();
        match &self.command.operation {
            Operation::Load(load) => load.codec == zvc,
            Operation::Store(store) => store.codec == zvc,
            _ => false,
        }
    }
}

/// A program made ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub accelerator: Accelerator,
    pub steps: Vec<Step>,
    pub commands: Vec<Planned>,
    /// Of each command.
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
    /// Decodes and checks.
    pub fn new(program: &Program) -> Result<Plan, SimError> {
        let accelerator = program.accelerator.clone();
        accelerator.check().map_err(|problem| {
            SimError::Accelerator(format!("{}.{}: {}", problem.table, problem.key, problem.message))
        })?;
        check::program(program)?;
        let mut plan = Plan {
            steps: Vec::with_capacity(program.words.len()),
            commands: Vec::with_capacity(program.commands.len()),
            shared: Vec::with_capacity(program.commands.len()),
            layers: program.layers.len(),
            command_address: program.command_address,
            line: u64::from(accelerator.line_bytes()),
            bus: u64::from(accelerator.bus_bytes()),
            latency: u64::from(accelerator.memory.latency_cycles),
            max_burst_beats: u64::from(accelerator.memory.max_burst_beats),
            accelerator,
        };
        let mut decoder = Decoder::default();
        for (index, word) in program.words.iter().enumerate() {
            plan.push(program, &mut decoder, index, *word)?;
        }
        if plan.commands.len() != program.commands.len() {
            return Err(SimError::Program(format!(
                "{} exec words, but {} command symbols",
                plan.commands.len(),
                program.commands.len()
            )));
        }
        Ok(plan)
    }

    fn push(
        &mut self,
        program: &Program,
        decoder: &mut Decoder,
        index: usize,
        word: Word,
    ) -> Result<(), SimError> {
        let bad = |what: &str| SimError::Program(format!("word {index}: {what}"));
        let last = index + 1 == program.words.len();
        let decoded = word.decode().ok_or_else(|| bad("not a command word"))?;
        if (decoded == Decoded::End) != last {
            return Err(bad("`end` must be the last word and no other"));
        }
        let command = decoder.step(&decoded);
        self.steps.push(match (decoded, command) {
            (Decoded::Exec { unit, .. }, Some(command)) => {
                let number = self.commands.len();
                let (shape, shared, operand) = self.resolve(program, number, &command)?;
                let layer = shared.layer;
                self.commands.push(Planned { command, unit, layer, operand, shape });
                self.shared.push(shared);
                Step::Exec(unit, number as u32)
            }
            (Decoded::Set { unit, .. }, _) => Step::Set(unit),
            _ => Step::End,
        });
        Ok(())
    }

    fn resolve(
        &self,
        program: &Program,
        number: usize,
        command: &Command,
    ) -> Result<(Shape, Shared, Operand), SimError> {
        let unit = command.operation.unit();
        let fail = |reason: String| SimError::Command { command: number, unit, reason };
        let symbol = program.commands.get(number).ok_or_else(|| fail("has no symbol".to_owned()))?;
        if symbol.layer as usize >= self.layers {
            return Err(fail(format!("belongs to layer {} of {}", symbol.layer, self.layers)));
        }
        check::command(&self.accelerator, program.memory_bytes, command).map_err(fail)?;
        let accelerator = &self.accelerator;
        let ports = |activation_read: u32, activation_write: u32, weight_read: u32, weight_write: u32| {
            activation_read | activation_write << 8 | weight_read << 16 | weight_write << 24
        };
        let (shape, early_ports, late_ports) = match &command.operation {
            Operation::Load(c) => (
                Shape::Dma(timing::load_shape(accelerator, c)),
                0,
                ports(0, c.activation_write, 0, c.weight_write),
            ),
            Operation::Store(c) => {
                (Shape::Dma(timing::store_shape(accelerator, c)), 0, ports(c.activation_read, 0, 0, 0))
            }
            Operation::Compute(c) => (
                Shape::Compute(timing::compute(accelerator, c)),
                ports(c.activation_read, 0, c.weight_read, 0),
                ports(c.residual_read, c.activation_write, 0, 0),
            ),
            Operation::Vector(c) => (
                Shape::Vector(timing::vector_cycles(accelerator, c)),
                0,
                ports(c.activation_read, c.activation_write, c.weight_read, c.weight_write),
            ),
        };
        let (wait, signal, layer) = (command.wait, command.signal, symbol.layer);
        Ok((shape, Shared { layer, early_ports, late_ports, wait, signal }, symbol.operand))
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
