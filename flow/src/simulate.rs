//! Simulated images: each compared with the interpreter, and their activations measured.

use bitgauge_arch::code::Container;
use bitgauge_arch::codec::{Codec, Format as CodeFormat, encode};
use bitgauge_arch::footprint::format_is_valid;
use bitgauge_arch::program::TensorRole;
use bitgauge_arch::validate::Validated;
use bitgauge_arch::{Accelerator, Program};
use bitgauge_models::integer::evaluate::{EvaluateError, encode_inputs};
use bitgauge_models::integer::{IntGraph, IntTensor, Prepared};
use bitgauge_reports::ActivationSize;
use bitgauge_sim::result::RunResult;
use bitgauge_sim::{Machine, Options};
use rayon::prelude::*;

use crate::error::FlowError;
use crate::images::Images;
use crate::progress::{Progress, Stage};

/// What the simulated images gave.
pub struct Simulated {
    /// The run of the first image.
    pub result: RunResult,
    /// Images.
    pub images: usize,
    /// Fewest and most cycles of an image.
    pub cycles: [u64; 2],
    /// Output bytes that were compared, all equal.
    pub compared_bytes: u64,
    /// Sizes of activations, mean over the images.
    pub activation_sizes: Vec<ActivationSize>,
}

/// Simulates the first images, side by side, and holds each output to the interpreter's.
///
/// # Errors
/// The images are not the network's, the program cannot be run, or its outputs are not the interpreter's.
pub fn simulated(
    program: &Validated<Program>,
    graph: &IntGraph,
    images: &Images,
    count: usize,
    progress: &dyn Progress,
) -> Result<Simulated, FlowError> {
    let count = count.clamp(1, images.len());
    let running = progress.begin(Stage::Simulate, Some(count));
    let prepared = Prepared::new(graph).map_err(EvaluateError::from)?;
    let machine = Machine::new(program);
    let names: Vec<&str> = graph.inputs.iter().map(|&id| graph.tensor(id).name.as_str()).collect();
    let one = |machine: &mut Machine, index: usize| -> Result<(RunResult, u64, Vec<[u64; 4]>), FlowError> {
        let inputs = encode_inputs(graph, &[images.tensor(index)])?;
        let wanted = prepared.run(&inputs).map_err(EvaluateError::from)?;
        let named: Vec<(&str, &[u8])> = names.iter().copied().zip(inputs.iter().map(Vec::as_slice)).collect();
        // Only the first image's traffic is drawn.
        let options = Options { trace: index == 0, ..Options::default() };
        let result = machine.run(&named, &options)?;
        let bytes = compare(program, machine.memory(), &wanted, index)?;
        running.step();
        Ok((result, bytes, sizes(&program.accelerator, graph, &wanted)))
    };
    let each: Vec<_> = (0..count)
        .into_par_iter()
        .map_init(|| machine.clone(), |machine, index| one(machine, index))
        .collect::<Result<_, FlowError>>()?;
    let cycles = extremes(each.iter().map(|(result, ..)| result.cycles));
    let compared_bytes = each.iter().map(|(_, bytes, _)| bytes).sum();
    let activation_sizes =
        mean_sizes(graph, &each.iter().map(|(_, _, sizes)| &sizes[..]).collect::<Vec<_>>());
    let result = each.into_iter().next().map(|(result, ..)| result).unwrap_or_default();
    Ok(Simulated { result, images: count, cycles, compared_bytes, activation_sizes })
}

/// The least and the greatest.
fn extremes(cycles: impl Iterator<Item = u64> + Clone) -> [u64; 2] {
    [cycles.clone().min().unwrap_or(0), cycles.max().unwrap_or(0)]
}

/// Compares every output with the interpreter's; gives the bytes compared.
fn compare(
    program: &Program,
    memory: &[u8],
    wanted: &[Option<Vec<u8>>],
    image: usize,
) -> Result<u64, FlowError> {
    let bus_bytes = u64::from(program.accelerator.bus_bytes());
    let mut compared = 0;
    for symbol in program.tensors.iter().filter(|symbol| symbol.role == TensorRole::Output) {
        let found = symbol.read(memory, bus_bytes);
        let wanted = wanted.get(symbol.graph_tensor as usize).and_then(Option::as_deref).unwrap_or_default();
        if let Some(at) = (0..found.len().max(wanted.len())).find(|&at| found.get(at) != wanted.get(at)) {
            return Err(FlowError::Differs {
                image,
                output: symbol.name.clone(),
                byte: at,
                found: found.get(at).copied(),
                wanted: wanted.get(at).copied(),
            });
        }
        compared += found.len() as u64;
    }
    if compared == 0 && program.outputs.is_empty() {
        return Err(FlowError::NoOutput);
    }
    Ok(compared)
}

/// Per node's output: bytes raw, packed, zero-value compressed; codes that are the zero code.
fn sizes(accelerator: &Accelerator, graph: &IntGraph, tensors: &[Option<Vec<u8>>]) -> Vec<[u64; 4]> {
    let size = |tensor: &IntTensor, bytes: &[u8]| {
        let wide = tensor.code.container() == Container::Word;
        let format = CodeFormat {
            codec: Codec::Zvc,
            value_bits: if wide { 16 } else { u32::from(tensor.code.bits).max(2) },
            zero_code: tensor.code.zero_point as u8,
            signed: false,
        };
        let block = tensor.shape.cols * tensor.shape.channels * tensor.code.container().bytes();
        let coded = |codec: Codec| -> u64 {
            let format = CodeFormat { codec, ..format };
            let codec = if format_is_valid(format, codec.code()) { codec } else { Codec::None };
            let format = CodeFormat { codec, ..format };
            let blocks = bytes.chunks(block.max(1));
            blocks
                .map(|block| encode(format, block, accelerator.bus_bytes() as usize).bytes.len() as u64)
                .sum()
        };
        let codes = 0..tensor.shape.elements();
        let zeros = codes.filter(|&index| tensor.code.read(bytes, index) == tensor.code.zero_point).count();
        [bytes.len() as u64, coded(Codec::Pack), coded(Codec::Zvc), zeros as u64]
    };
    let outputs = graph.nodes.iter().map(|node| node.output);
    outputs.map(|id| size(graph.tensor(id), tensors[id.0].as_deref().unwrap_or_default())).collect()
}

fn mean_sizes(graph: &IntGraph, each: &[&[[u64; 4]]]) -> Vec<ActivationSize> {
    let count = each.len().max(1) as u64;
    let mean = |node: usize, what: usize| each.iter().map(|sizes| sizes[node][what]).sum::<u64>() / count;
    let size = |(index, node): (usize, &bitgauge_models::integer::IntNode)| {
        let tensor = graph.tensor(node.output);
        let zeros: u64 = each.iter().map(|sizes| sizes[index][3]).sum();
        ActivationSize {
            tensor: tensor.name.clone(),
            layer: node.name.clone(),
            raw_bytes: mean(index, 0),
            packed_bytes: mean(index, 1),
            zvc_bytes: mean(index, 2),
            zero_fraction: zeros as f64 / (tensor.shape.elements().max(1) as u64 * count) as f64,
        }
    };
    graph.nodes.iter().enumerate().map(size).collect()
}

#[cfg(test)]
mod tests;
