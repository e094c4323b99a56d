//! The driver: place, lower, order, encode.

use bitgauge_arch::Accelerator;
use bitgauge_arch::Program;
use bitgauge_arch::command::{Encoder, Operation, Word};
use bitgauge_arch::footprint::{Run, add_footprint};
use bitgauge_arch::program::LayerSymbol;
use bitgauge_models::integer::{IntGraph, validate};

use crate::bound;
use crate::emit::Emitter;
use crate::error::CompileError;
use crate::lower::units;
use crate::options::Options;
use crate::share::lower_next;
use crate::{memory, order, tokens};

/// What each operation reads and writes.
#[derive(Debug)]
pub(crate) struct Footprints {
    runs: Vec<Run>,
    /// Where each operation's end.
    ends: Vec<usize>,
}

impl Footprints {
    fn new(accelerator: &Accelerator, operations: &[Operation]) -> Footprints {
        let ends = Vec::with_capacity(operations.len());
        let mut all = Footprints { runs: Vec::with_capacity(4 * operations.len()), ends };
        for operation in operations {
            add_footprint(accelerator, operation, &mut all.runs);
            all.ends.push(all.runs.len());
        }
        all
    }

    /// Of operation `index`.
    pub fn of(&self, index: usize) -> &[Run] {
        let first = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.runs[first..self.ends[index]]
    }
}

/// Compiles a graph for an accelerator.
///
/// # Errors
/// A malformed graph or description, or the first layer that does not fit.
pub fn compile(
    graph: &IntGraph,
    accelerator: &Accelerator,
    options: &Options,
) -> Result<Program, CompileError> {
    validate(graph)?;
    accelerator.check().map_err(|problem| CompileError::Accelerator {
        table: problem.table,
        key: problem.key,
        message: problem.message,
    })?;
    let memory = memory::lay_out(graph, accelerator, options);
    let mut emitter = Emitter::new(accelerator, memory.end);
    let mut layers = Vec::with_capacity(graph.nodes.len());
    let mut beside = Vec::new();
    let units = units(&mut emitter, graph, &memory.views);
    while layers.len() < graph.nodes.len() {
        let lowered = lower_next(&mut emitter, graph, &memory.views, &units, layers.len())?;
        let nodes = &graph.nodes[layers.len()..];
        beside.resize(layers.len() + lowered.len(), lowered.len() > 1);
        layers.extend(lowered.into_iter().zip(nodes).map(|(lowered, node)| LayerSymbol {
            name: node.name.clone(),
            operator: lowered.operator.to_owned(),
            macs: graph.macs(node),
            product: lowered.product,
            mapping: lowered.mapping,
            bound_cycles: 0,
        }));
    }
    let Emitter { mut operations, symbols, segments: constants, end, .. } = emitter;
    let bounds = bound::bounds(accelerator, &operations, &symbols, layers.len());
    for (layer, bound_cycles) in layers.iter_mut().zip(bounds) {
        layer.bound_cycles = bound_cycles;
    }
    let footprints = Footprints::new(accelerator, &operations);
    let order = order::interleave(accelerator, &operations, &symbols, &footprints, memory.end, &beside);
    let symbols: Vec<_> = order.iter().map(|&index| symbols[index]).collect();
    // Nobody writes constants: nothing waits for them.
    let masks = tokens::insert(accelerator, memory.end, &mut operations, &footprints, &order);
    let mut encoder = Encoder::default();
    for ((&index, (wait, signal)), symbol) in order.iter().zip(masks).zip(&symbols) {
        encoder.push_operation(&operations[index], wait, signal).map_err(|source| CompileError::Encode {
            layer: layers.get(symbol.layer as usize).map_or_else(String::new, |layer| layer.name.clone()),
            source,
        })?;
    }
    let words = encoder.finish();
    let command_address = end.next_multiple_of(4096);
    let memory_bytes = (command_address + (words.len() * Word::BYTES) as u64).next_multiple_of(4096);
    if memory_bytes > u64::from(u32::MAX) {
        return Err(CompileError::DoesNotFit {
            layer: graph.name.clone(),
            what: "external memory, bytes",
            needed: memory_bytes,
            available: u64::from(u32::MAX),
            hint: "addresses have 32 bits; use a smaller model".to_owned(),
        });
    }
    let mut segments = memory.segments;
    segments.extend(constants);
    segments.sort_by_key(|segment| segment.address);
    Ok(Program {
        accelerator: accelerator.clone(),
        words,
        command_address,
        memory_bytes,
        segments,
        tensors: memory.symbols,
        layers,
        commands: symbols,
    })
}
