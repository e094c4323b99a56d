//! The data path: what commands do to memories. One file per unit; all arithmetic is
//! `bitgauge_arch::arith`'s, all formats `bitgauge_arch::codec`'s.
//!
//! A command takes effect as a whole. Addresses were checked when the plan was made.

mod compute;
mod deferred;
mod load;
mod map;
mod packed;
mod store;
#[cfg(test)]
mod tests;
mod vector;
mod weights;

use std::rc::Rc;

use bitgauge_arch::arith::rows;
use bitgauge_arch::command::Operation;

use crate::engine::DataPath;
use crate::error::SimError;
use crate::image::{Image, Written};
use crate::plan::{Plan, Shape};

/// Lengths of the blocks of a `zvc` command, which depend on data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coded {
    pub blocks: Vec<CodedBlock>,
    /// Load only: bits of the block taken up to the end of each line, line after line.
    pub line_bits: Vec<u32>,
}

/// One block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodedBlock {
    pub bytes: u32,
    pub beats: u32,
}

/// All memories, and buffers that outlive a command.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub memory: Vec<u8>,
    pub written: Written,
    pub activation: Vec<u8>,
    pub weight: Vec<u8>,
    pub post_parameter: Vec<u8>,
    pub vector_parameter: Vec<u8>,
    pub post_table: Vec<u8>,
    pub vector_table: Vec<u8>,
    /// Multiply-accumulates of the array that belong to layers, as computed.
    pub macs: u64,
    /// Counts writes to each bank of the weight scratchpad.
    pub weight_versions: [u64; 8],
    weights: weights::Weights,
    buffers: Buffers,
}

/// Scratch memory.
#[derive(Clone, Debug, Default)]
struct Buffers {
    rows: Vec<u8>,
    sums: Vec<i32>,
    /// Rows and sums of coarse codes, where activations have two scales.
    coarse: Vec<u8>,
    coarse_sums: Vec<i32>,
    /// Sums that stay in the array for the next command.
    kept: Vec<i32>,
    codes: Vec<i32>,
    bytes: Vec<u8>,
    /// Operand lines of narrow codes.
    lines: Vec<u8>,
    /// Scales of depthwise convolutions, and of the array's commands.
    scales: rows::ManyScales,
    array_scales: rows::ManyScales,
    /// Scales of one row, and of a residual.
    row_scales: rows::Scales,
    residual_scales: rows::Scales,
    rescaled: Vec<i32>,
}

impl State {
    /// Memories of the right sizes, all zero.
    pub fn new(plan: &Plan, memory_bytes: usize) -> State {
        let entries = plan.accelerator.post.parameter_entries as usize;
        State {
            memory: vec![0; memory_bytes],
            written: Written::default(),
            activation: vec![0; plan.accelerator.activation_lines() as usize * plan.line as usize],
            weight: vec![0; plan.accelerator.weight_lines() as usize * plan.line as usize],
            post_parameter: vec![0; 8 * entries],
            vector_parameter: vec![0; 8 * entries],
            post_table: vec![0; 2 * 256],
            vector_table: vec![0; 2 * 512],
            macs: 0,
            weight_versions: [0; 8],
            weights: weights::Weights::default(),
            buffers: Buffers::default(),
        }
    }

    /// Back to the state before a run.
    pub fn reset(&mut self, image: &Image) {
        self.written.restore(&mut self.memory, image);
        for space in [
            &mut self.activation,
            &mut self.weight,
            &mut self.post_parameter,
            &mut self.vector_parameter,
            &mut self.post_table,
            &mut self.vector_table,
        ] {
            space.fill(0);
        }
        self.macs = 0;
        self.buffers.kept.clear();
        self.weights.reset();
        self.weights_changed(0, u64::MAX, 1);
    }

    /// Forgets what was made of constants in earlier runs.
    pub fn forget_constants(&mut self) {
        self.weights.forget();
    }

    /// Carries out the loads that wait.
    pub fn settle(&mut self) {
        self.weights.waiting.settle(&mut self.weight, &self.memory);
    }

    /// Notes a write to lines `start..end` of the weight scratchpad.
    pub fn weights_changed(&mut self, start: u64, end: u64, bank_lines: u64) {
        for (bank, version) in self.weight_versions.iter_mut().enumerate() {
            let first = bank as u64 * bank_lines;
            if start < first + bank_lines && first < end || end == u64::MAX {
                *version += 1;
            }
        }
    }
}

/// Executes commands on a state.
pub(crate) struct Executor<'a> {
    pub plan: &'a Plan,
    pub state: &'a mut State,
}

impl DataPath for Executor<'_> {
    fn execute(&mut self, command: usize) -> Result<Option<Rc<Coded>>, SimError> {
        let coded = match (&self.plan.commands[command].operation, &self.plan.shapes[command]) {
            (Operation::Load(load), Shape::Load(transfer)) => self.load(command, &transfer.shape, load)?,
            (Operation::Store(store), Shape::Store(transfer)) => self.store(&transfer.shape, store),
            (Operation::Compute(compute), _) => {
                self.compute(compute);
                None
            }
            (Operation::Vector(vector), _) => {
                self.vector(vector);
                None
            }
            _ => None,
        };
        Ok(coded.map(Rc::new))
    }
}

/// Executes nothing: for timing alone, of programs whose cycles no data decide.
pub(crate) struct NoData;

impl DataPath for NoData {
    fn execute(&mut self, _command: usize) -> Result<Option<Rc<Coded>>, SimError> {
        Ok(None)
    }
}
