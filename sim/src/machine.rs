//! A program on a machine: made once, run for any number of images, without allocating memories anew.

use bitgauge_arch::Program;
use bitgauge_arch::footprint::Space;
use bitgauge_arch::program::{TensorRole, TensorSymbol};
use bitgauge_arch::validate::Validated;

use crate::engine::{self, DataPath as _};
use crate::error::SimError;
use crate::exec::{Executor, NoData, State};
use crate::image::Image;
use crate::plan::{Plan, is_zvc};
use crate::report::{Static, assemble, conserve};
use crate::result::RunResult;

/// What a run computes and keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Keep every burst. Spans are kept in any case.
    pub trace: bool,
    /// Compute data. Without, cycles alone are found, and programs whose cycles depend on data are refused.
    pub data: bool,
    /// Give up after so many cycles.
    pub cycle_limit: u64,
    /// Find anew what earlier runs of the machine found, times and packed weights: to measure how long that takes.
    pub anew: bool,
    /// Bytes put into memories before the start: space, first byte, bytes. For tests.
    pub preload: Vec<(Space, u64, Vec<u8>)>,
}

impl Default for Options {
    fn default() -> Self {
        Options { trace: true, data: true, cycle_limit: u64::MAX, anew: false, preload: Vec::new() }
    }
}

/// A program made ready, and the memories it runs on.
#[derive(Clone, Debug)]
pub struct Machine {
    plan: Plan,
    fixed: Static,
    /// External memory before inputs.
    image: Image,
    tensors: Vec<TensorSymbol>,
    state: State,
    /// What the engine found out in an earlier run, where no data decides it: only the lengths of `zvc` blocks
    /// can.
    known: Option<RunResult>,
    /// The first command whose cycles data decide.
    unsteady: Option<usize>,
}

impl Machine {
    /// Makes a program ready and allocates memories.
    #[must_use]
    pub fn new(program: &Validated<Program>) -> Machine {
        Machine::of(program)
    }

    pub(crate) fn of(program: &Program) -> Machine {
        let plan = Plan::new(program);
        let image = Image::new(program);
        let state = State::new(&plan, 0);
        let unsteady = plan.commands.iter().position(|command| is_zvc(&command.operation));
        let fixed = Static::new(&plan);
        Machine { fixed, plan, image, tensors: program.tensors.clone(), state, known: None, unsteady }
    }

    /// Runs once from a clean state. `inputs` are containers in storage order, by name.
    ///
    /// Where data cannot decide the cycles, and no trace is asked for, the second image and those after it take
    /// the times that the first one found.
    ///
    /// # Errors
    /// An input that does not fit, a deadlock, or a command that data leads astray.
    pub fn run(&mut self, inputs: &[(&str, &[u8])], options: &Options) -> Result<RunResult, SimError> {
        // Times alone need no memory, which is as large as the network.
        if options.data || !inputs.is_empty() || !options.preload.is_empty() {
            self.state.reset(&self.image);
        }
        if options.anew {
            self.state.forget_constants();
        }
        for (name, containers) in inputs {
            self.write_input(name, containers)?;
        }
        for (space, start, bytes) in &options.preload {
            self.preload(*space, *start, bytes)?;
        }
        let plan = &self.plan;
        if !options.data {
            if let Some(command) = self.unsteady {
                return Err(SimError::NeedsData { command });
            }
            let timed = engine::run(plan, &mut NoData, options.trace, options.cycle_limit)?;
            return assemble(plan, &self.fixed, timed, None);
        }
        let mut executor = Executor { plan, state: &mut self.state };
        let usable =
            |known: &&RunResult| !options.trace && !options.anew && known.cycles <= options.cycle_limit;
        if let Some(known) = self.known.as_ref().filter(usable) {
            for span in &known.spans {
                executor.execute(span.command as usize)?;
            }
            executor.state.settle();
            conserve(plan, &self.fixed, known, Some(self.state.macs))?;
            return Ok(known.clone());
        }
        let timed = engine::run(plan, &mut executor, options.trace, options.cycle_limit);
        self.state.settle();
        let timed = timed?;
        let result = assemble(plan, &self.fixed, timed, Some(self.state.macs))?;
        if self.unsteady.is_none() && !options.trace && self.known.is_none() {
            self.known = Some(result.clone());
        }
        Ok(result)
    }

    /// External memory as the last run that computed data left it.
    #[must_use]
    pub fn memory(&self) -> &[u8] {
        &self.state.memory
    }

    /// A scratchpad or parameter memory as the last run left it, as bytes.
    #[must_use]
    pub fn space(&self, space: Space) -> &[u8] {
        match space {
            Space::External => &self.state.memory,
            Space::Activation => &self.state.activation,
            Space::Weight => &self.state.weight,
            Space::PostParameter => &self.state.post_parameter,
            Space::VectorParameter => &self.state.vector_parameter,
            Space::PostTable => &self.state.post_table,
            Space::VectorTable => &self.state.vector_table,
        }
    }

    /// A tensor in storage order, as the last run left it.
    ///
    /// # Errors
    /// A tensor that the program does not have or that lies outside memory.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, SimError> {
        read_tensor(&self.tensors, self.plan.bus, &self.state.memory, name)
    }

    /// Takes external memory away; the next run allocates it anew.
    pub(crate) fn take_memory(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.state.memory)
    }

    fn write_input(&mut self, name: &str, containers: &[u8]) -> Result<(), SimError> {
        let fail = |reason: String| SimError::Input { name: name.to_owned(), reason };
        let tensor = find(&self.tensors, name)?;
        if tensor.role != TensorRole::Input {
            return Err(fail("is not an input of the program".to_owned()));
        }
        let expected = tensor.containers_bytes();
        if containers.len() as u64 != expected {
            return Err(fail(format!("has {} bytes, {expected} expected", containers.len())));
        }
        tensor.write(&mut self.state.memory, containers);
        let last = tensor.address
            + (tensor.groups - 1) * tensor.group_stride
            + (tensor.rows - 1) * tensor.row_stride;
        // Two bytes a code are the most.
        self.state.written.note(tensor.address as usize, (last + 2 * tensor.cols * tensor.channels) as usize);
        Ok(())
    }

    fn preload(&mut self, space: Space, start: u64, bytes: &[u8]) -> Result<(), SimError> {
        if space == Space::Weight {
            self.state.weights_changed(0, u64::MAX, 1);
        }
        let state = &mut self.state;
        if space == Space::External {
            // Preloads are for tests: all is put back.
            state.written.note(0, state.memory.len());
        }
        let target = match space {
            Space::External => &mut state.memory,
            Space::Activation => &mut state.activation,
            Space::Weight => &mut state.weight,
            Space::PostParameter => &mut state.post_parameter,
            Space::VectorParameter => &mut state.vector_parameter,
            Space::PostTable => &mut state.post_table,
            Space::VectorTable => &mut state.vector_table,
        };
        let end = start.saturating_add(bytes.len() as u64);
        let range = usize::try_from(start).unwrap_or(usize::MAX)..usize::try_from(end).unwrap_or(usize::MAX);
        let fail = SimError::Preload { space: space.name(), start, end };
        target.get_mut(range).ok_or(fail)?.copy_from_slice(bytes);
        Ok(())
    }
}

fn find<'a>(tensors: &'a [TensorSymbol], name: &str) -> Result<&'a TensorSymbol, SimError> {
    let missing =
        || SimError::Input { name: name.to_owned(), reason: "the program has no such tensor".to_owned() };
    tensors.iter().find(|tensor| tensor.name == name).ok_or_else(missing)
}

/// A tensor in storage order.
pub(crate) fn read_tensor(
    tensors: &[TensorSymbol],
    bus: u64,
    memory: &[u8],
    name: &str,
) -> Result<Vec<u8>, SimError> {
    Ok(find(tensors, name)?.read(memory, bus))
}
