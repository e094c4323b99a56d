//! The driver: place, lower, order, encode.

use bitgauge_arch::Accelerator;
use bitgauge_arch::Program;
use bitgauge_arch::command::{Encoder, Word};
use bitgauge_arch::program::LayerSymbol;
use bitgauge_arch::validate::Validated;
use bitgauge_models::integer::{IntGraph, validate};
use rayon::Scope;

use crate::bound;
use crate::error::CompileError;
use crate::lower::units;
use crate::options::Options;
use crate::share::lower_next;
use crate::survey::{CHUNK, Surveyor};
use crate::view::View;
use crate::write::Emitter;
use crate::{limits, memory, order, tokens};

/// Compiles a graph for an accelerator.
///
/// # Errors
/// A malformed graph or description, the first layer that does not fit, or a program that the validator refuses: a
/// defect of this crate.
pub fn compile(
    graph: &IntGraph,
    accelerator: &Accelerator,
    options: &Options,
) -> Result<Validated<Program>, CompileError> {
    validate(graph)?;
    accelerator.check().map_err(|problem| CompileError::Accelerator {
        table: problem.table,
        key: problem.key,
        message: problem.message,
    })?;
    let memory = memory::lay_out(graph, accelerator, options);
    let mut emitter = Emitter::new(accelerator, memory.end, memory::packs(accelerator, options));
    let mut surveyor = Surveyor::new(accelerator, memory.end);
    let (mut layers, beside) =
        rayon::scope(|scope| lower_all(&mut emitter, graph, &memory.views, scope, &mut surveyor))?;
    let survey = surveyor.survey();
    let Emitter { symbols, segments: constants, end, .. } = emitter;
    let (bounds, order) = rayon::join(
        || bound::bounds(accelerator, survey.operations(), &symbols, layers.len()),
        || order::interleave(&symbols, &survey, &beside),
    );
    for (layer, bound_cycles) in layers.iter_mut().zip(bounds) {
        layer.bound_cycles = bound_cycles;
    }
    let symbols: Vec<_> = order.iter().map(|&index| symbols[index]).collect();
    let masks = tokens::insert(&survey, &order, accelerator.controller.most_untaken_tokens());
    let mut encoder = Encoder::default();
    for ((&index, (wait, signal)), symbol) in order.iter().zip(masks).zip(&symbols) {
        encoder.push_operation(survey.operation(index), wait, signal).map_err(|error| {
            let layer = layers.get(symbol.layer as usize).map_or("", |layer| layer.name.as_str());
            limits::beyond(layer, &error.source)
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
    let program = Program {
        accelerator: accelerator.clone(),
        words,
        command_address,
        memory_bytes,
        segments,
        tensors: memory.symbols,
        outputs: memory.outputs,
        layers,
        commands: symbols,
    };
    bitgauge_arch::validate::validate(program).map_err(CompileError::Invalid)
}

/// Lowers layer after layer; what each is, and whether it shares the on-chip memories with its neighbours.
fn lower_all<'scope, 'a: 'scope>(
    emitter: &mut Emitter<'a>,
    graph: &'a IntGraph,
    views: &'a [View],
    scope: &Scope<'scope>,
    surveyor: &mut Surveyor<'a>,
) -> Result<(Vec<LayerSymbol>, Vec<bool>), CompileError> {
    let mut layers = Vec::with_capacity(graph.nodes.len());
    let mut beside = Vec::new();
    let units = units(emitter, graph, views);
    while layers.len() < graph.nodes.len() {
        let lowered = lower_next(emitter, graph, views, &units, layers.len())?;
        while let Some(operations) = emitter.take(CHUNK) {
            surveyor.look(scope, operations);
        }
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
    surveyor.look(scope, emitter.take_rest());
    Ok((layers, beside))
}
