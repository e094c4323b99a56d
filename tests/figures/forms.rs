//! What a layer's commands need of each resource, and what its spans and bursts show: from the fields of commands and
//! the rules of docs/reference/cycles.md, written down a second time.

use bitgauge_arch::command::{Compute, Load, Operation, Store, Target};

use crate::cases::{Case, Hardware};

/// docs/reference/cycles.md: cycles from a compute command's start to its first read.
const COMPUTE_SETUP: u64 = 4;
/// Bursts that may be outstanding.
const OUTSTANDING: u64 = 4;

/// Units in their order.
pub const UNITS: [&str; 4] = ["load", "compute", "vector", "store"];
/// Reasons in their order of priority.
pub const REASONS: [&str; 6] = ["token", "bank", "memory", "operand", "codec", "drain"];
/// Operands in their order.
pub const OPERANDS: [&str; 7] =
    ["input", "weight", "parameter", "residual", "output", "command", "length table"];

/// Sums over a layer's commands.
#[derive(Clone, Debug, Default)]
pub struct Forms {
    pub array: u64,
    pub load_lines: u64,
    pub store_lines: u64,
    /// Multiply-accumulates of compute commands, useful and with padding.
    pub macs: u64,
    pub padded_macs: u64,
    /// Cycles of feeding.
    pub feed: u64,
    /// K with padding, of each compute command.
    pub padded_k: Vec<u64>,
    /// Cycles of places for outstanding bursts, and of entries of the store's buffer.
    places: u64,
    entries: u64,
    pub beats: u64,
}

/// Per layer.
pub fn forms(case: &Case) -> Vec<Forms> {
    let mut all = vec![Forms::default(); case.program.layers.len()];
    for ((_, command), symbol) in case.program.resolved().zip(&case.program.commands) {
        let forms = &mut all[symbol.layer as usize];
        match &command.operation {
            Operation::Compute(compute) => forms.compute(&case.hardware, compute),
            Operation::Load(load) => forms.load(&case.hardware, load),
            Operation::Store(store) => forms.store(&case.hardware, store),
            // A vector command does not overlap the next: its span is its time.
            Operation::Vector(_) => {}
        }
    }
    all
}

impl Forms {
    fn compute(&mut self, hardware: &Hardware, command: &Compute) {
        let positions = u64::from(command.kernel_rows * command.kernel_cols * command.segments);
        let (channels, line) = (u64::from(command.channels), hardware.line());
        // docs/reference/cycles.md: a line of `fixed` takes a cycle for each of its codes or lanes of codes, and as many
        // as there are rows or columns to read for.
        let codes = channels.min(line).div_ceil(hardware.lanes());
        let line_beats = codes.max(hardware.rows()).max(hardware.cols()).max(4);
        let beats = positions * channels.div_ceil(line) * line_beats;
        let pixels = u64::from(command.out_rows * command.out_cols);
        let folds = pixels.div_ceil(hardware.rows()) * u64::from(command.outputs).div_ceil(hardware.cols());
        let interval = beats.max(drain_interval(hardware, command));
        self.array += COMPUTE_SETUP + (folds - 1) * interval + beats;
        self.feed += folds * beats;
        self.padded_macs += folds * beats * hardware.rows() * hardware.cols() * hardware.lanes();
        let channels = if command.grouped == 1 { 1 } else { u64::from(command.channels) };
        self.macs += pixels * u64::from(command.outputs) * positions * channels;
        self.padded_k.push(beats);
    }

    fn load(&mut self, hardware: &Hardware, load: &Load) {
        let (pixels, channels) = (u64::from(load.pixels), u64::from(load.channels));
        let (lines, bytes) = match load.target() {
            Some(Target::Activation | Target::Weight) | None => {
                let width = 1 + u64::from(load.format().value_bits > 8);
                let lines = pixels * (channels * width).div_ceil(hardware.line());
                (lines, coded(load.format().codec as u32, load.format().value_bits, pixels * channels))
            }
            Some(_) => ((pixels * channels).div_ceil(hardware.line()), pixels * channels),
        };
        self.load_lines += u64::from(load.blocks) * lines;
        self.moved(hardware, u64::from(load.blocks), bytes);
    }

    fn store(&mut self, hardware: &Hardware, store: &Store) {
        let (pixels, channels) = (u64::from(store.pixels), u64::from(store.channels));
        let width = 1 + u64::from(store.format().value_bits > 8);
        let blocks = u64::from(store.blocks);
        self.store_lines += blocks * pixels * (channels * width).div_ceil(hardware.line());
        let bytes = coded(store.format().codec as u32, store.format().value_bits, pixels * channels);
        self.entries += blocks * bytes.div_ceil(hardware.bus()) * hardware.get("memory", "latency_cycles");
        self.moved(hardware, blocks, bytes);
    }

    fn moved(&mut self, hardware: &Hardware, blocks: u64, bytes: u64) {
        let beats = bytes.div_ceil(hardware.bus());
        let bursts = beats.div_ceil(hardware.get("memory", "max_burst_beats"));
        self.beats += blocks * beats;
        self.places += blocks * (beats + bursts * hardware.get("memory", "latency_cycles"));
    }

    /// The most that any resource is held; `vector` are the cycles of vector commands.
    pub fn bound(&self, hardware: &Hardware, vector: u64) -> u64 {
        // Two bursts, or a block of `zvc`, or what a line completes.
        let burst = hardware.get("memory", "max_burst_beats");
        let entries =
            (2 * burst).max(burst + hardware.line() / hardware.bus() + 2).max(4096 / hardware.bus());
        let entries = self.entries / entries.next_power_of_two();
        [self.array, vector, self.beats, self.places / OUTSTANDING, entries].into_iter().max().unwrap()
    }
}

/// Bytes of so many codes under `none` (0) and `pack` (1).
fn coded(codec: u32, bits: u32, codes: u64) -> u64 {
    match codec {
        0 => codes * (1 + u64::from(bits > 8)),
        1 => (codes * u64::from(bits)).div_ceil(8),
        _ => panic!("no program here has another codec"),
    }
}

/// The least distance of folds at which no sum is overwritten before it is taken, over all elements of the array.
fn drain_interval(hardware: &Hardware, command: &Compute) -> u64 {
    let (rows, cols, lanes) = (hardware.rows(), hardware.cols(), hardware.get("post", "lanes"));
    let bytes = |wide: u32| lanes * u64::from(1 + wide);
    let residual = if command.residual_enable == 1 { bytes(command.residual_wide) } else { 0 };
    let steps = bytes(command.output_wide).max(residual).div_ceil(hardware.line()).max(1);
    let turns: Vec<[u64; 3]> = (0..rows)
        .flat_map(|row| (0..cols / lanes).map(move |group| [row, group, steps * (group * rows + row)]))
        .collect();
    let ready = turns.iter().map(|[row, group, turn]| (row + (group + 1) * lanes).saturating_sub(*turn));
    let offset = ready.max().unwrap();
    let kept = turns.iter().map(|[row, group, turn]| (offset + turn).saturating_sub(row + group * lanes));
    kept.max().unwrap().max(steps * rows * cols / lanes)
}

/// Cycles in at least one of some intervals.
pub fn union(intervals: impl IntoIterator<Item = (u64, u64)>) -> u64 {
    let mut all: Vec<(u64, u64)> = intervals.into_iter().filter(|(start, end)| start < end).collect();
    all.sort_unstable();
    let (mut cycles, mut until) = (0, 0);
    for (start, end) in all {
        cycles += end.saturating_sub(start.max(until));
        until = until.max(end);
    }
    cycles
}

/// Cycles of a layer's vector commands.
pub fn vector_cycles(case: &Case, layer: usize) -> u64 {
    case.spans(layer).filter(|span| span.unit as usize == 2).map(|span| span.end - span.start).sum()
}
