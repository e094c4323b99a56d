//! Places of tensors in external memory.
//!
//! Tensors come first, constants of the lowerings behind them, commands last. A row is a block of
//! `cols * channels` codes that starts bus-aligned. Internal tensors share an arena: a tensor takes the
//! first gap that no tensor living at the same time uses.

use bitgauge_arch::Accelerator;
use bitgauge_arch::arith::Signedness;
use bitgauge_arch::code::{Container, OperandContainer};
use bitgauge_arch::codec::Codec;
use bitgauge_arch::codec::encode;
use bitgauge_arch::program::{OutputSymbol, Segment, TensorRole, TensorSymbol};
use bitgauge_models::integer::{IntGraph, IntOp, IntOutput, IntTensor};

use crate::options::Options;
use crate::order::WINDOW;
use crate::view::View;

/// Places of all tensors, by index in the graph.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub views: Vec<View>,
    pub symbols: Vec<TensorSymbol>,
    pub outputs: Vec<OutputSymbol>,
    pub segments: Vec<Segment>,
    /// First byte behind the tensors.
    pub end: u64,
}

/// Alignment of tensors, so that bursts start at burst boundaries where rows allow.
const ALIGNMENT: u64 = 256;

/// Whether codes of less than 8 bits lie dense in external memory.
pub(crate) fn packs(accelerator: &Accelerator, options: &Options) -> bool {
    options.codec == Codec::Pack && accelerator.compression.codecs.contains(&Codec::Pack)
}

/// Lays out every tensor that a node reads or writes.
pub(crate) fn lay_out(graph: &IntGraph, accelerator: &Accelerator, options: &Options) -> Memory {
    let bus = u64::from(accelerator.bus_bytes());
    let mut memory = Memory::default();
    let (first, last) = lifetimes(graph, options);
    let roles: Vec<TensorRole> = (0..graph.tensors.len()).map(|index| role(graph, index)).collect();
    let packs = packs(accelerator, options);
    let mut packed = vec![packs; graph.tensors.len()];
    // What the array's feeders read, where that is no bytes.
    let array = &accelerator.array;
    let narrow = |one: &OperandContainer| !array.takes(OperandContainer::Bits8) && array.takes(*one);
    let only = OperandContainer::ALL.into_iter().find(narrow);
    for node in &graph.nodes {
        // Rows that are not written or read in one run have no packed form.
        match &node.op {
            IntOp::Reshape | IntOp::Permute { .. } => packed[node.inputs[0].0] = false,
            IntOp::Phased { phases, .. } if phases[1] > 1 => {}
            _ => continue,
        }
        packed[node.output.0] = false;
    }
    memory.views = (0..graph.tensors.len())
        .map(|index| view(&graph.tensors[index], roles[index], bus, packed[index], only))
        .collect();

    // Inputs, outputs and constants keep their places; the arena follows.
    let mut at = 0u64;
    let used = |index: usize| first[index] != usize::MAX;
    for (index, role) in roles.iter().enumerate() {
        if used(index) && *role != TensorRole::Internal {
            memory.views[index].address = at;
            at = (at + size(&memory.views[index])).next_multiple_of(ALIGNMENT);
        }
    }
    let mut order: Vec<usize> = (0..graph.tensors.len())
        .filter(|&index| used(index) && roles[index] == TensorRole::Internal)
        .collect();
    order.sort_by_key(|&index| (first[index], index));
    let mut living: Vec<(u64, u64, usize)> = Vec::new();
    let mut end = at;
    for index in order {
        living.retain(|&(_, _, until)| until >= first[index]);
        living.sort_unstable();
        let bytes = size(&memory.views[index]).next_multiple_of(ALIGNMENT);
        let mut place = at;
        for &(start, stop, _) in &living {
            if place + bytes <= start {
                break;
            }
            place = place.max(stop);
        }
        memory.views[index].address = place;
        living.push((place, place + bytes, last[index]));
        end = end.max(place + bytes);
    }
    for (index, tensor) in graph.tensors.iter().enumerate().filter(|(index, _)| used(*index)) {
        memory.symbols.push(symbol(&memory.views[index], tensor, roles[index], index));
        if let Some(bytes) = &tensor.constant {
            memory.segments.push(Segment {
                address: memory.views[index].address,
                bytes: padded(&memory.views[index], bytes).into(),
            });
        }
    }
    let symbol = |index: usize| memory.symbols.iter().position(|symbol| symbol.graph_tensor == index as u64);
    let output = |output: &IntOutput| {
        let tensor = symbol(output.tensor.0)? as u64;
        Some(OutputSymbol { name: output.name.clone(), tensor, order: output.order.clone() })
    };
    memory.outputs = graph.outputs.iter().filter_map(output).collect();
    memory.end = end.next_multiple_of(ALIGNMENT);
    memory
}

fn size(view: &View) -> u64 {
    view.groups * view.group_stride
}

/// First and last node that touches each tensor; `usize::MAX` for tensors nobody touches.
fn lifetimes(graph: &IntGraph, options: &Options) -> (Vec<usize>, Vec<usize>) {
    let mut first = vec![usize::MAX; graph.tensors.len()];
    let mut last = vec![0; graph.tensors.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        for id in node.inputs.iter().chain([&node.output]) {
            first[id.0] = first[id.0].min(index);
            // Layers overlap: a place that is free for a layer may still be read by one before it.
            last[id.0] = if options.reuse_memory { index + WINDOW } else { usize::MAX };
        }
    }
    for id in graph.inputs.iter().copied().chain(graph.outputs.iter().map(|output| output.tensor)) {
        first[id.0] = first[id.0].min(graph.nodes.len());
    }
    (first, last)
}

fn role(graph: &IntGraph, index: usize) -> TensorRole {
    if graph.tensors[index].constant.is_some() {
        TensorRole::Constant
    } else if graph.inputs.iter().any(|id| id.0 == index) {
        TensorRole::Input
    } else if graph.outputs.iter().any(|output| output.tensor.0 == index) {
        TensorRole::Output
    } else {
        TensorRole::Internal
    }
}

/// How a tensor lies: in bytes, or at its own width. Where rows without gaps would get some, or pixels would no longer
/// start on whole bytes, it lies at the next width at which neither happens: what reads it as other rows could not.
fn view(tensor: &IntTensor, role: TensorRole, bus: u64, packs: bool, only: Option<OperandContainer>) -> View {
    // Codes of 9 to 15 bits live in 16-bit containers; nothing is gained by packing them.
    let value_bits =
        if tensor.code.container() == Container::Word { 16 } else { u32::from(tensor.code.bits).max(2) };
    let bytes = coded(tensor, bus, Codec::None, value_bits);
    let kept = match role {
        TensorRole::Internal => false,
        // The host brings what the array's loads take.
        TensorRole::Input => only.is_none(),
        _ => true,
    };
    if !packs || kept {
        return bytes;
    }
    let regular = |view: &View| {
        let whole = view.rows == 1 || 8 * view.row_stride == view.cols * view.pixel_bits();
        whole && view.pixel_bits().is_multiple_of(8)
    };
    let mut dense = (value_bits..8).map(|bits| coded(tensor, bus, Codec::Pack, bits));
    let found = dense.find(|dense| regular(dense) || !regular(&bytes)).unwrap_or(bytes);
    // What the array's loads do not take helps nobody: rather gaps.
    let fits = |only: &OperandContainer| value_bits <= only.bits();
    match only.filter(fits) {
        Some(only) if found.codec == Codec::None || found.value_bits > only.bits() => {
            coded(tensor, bus, Codec::Pack, value_bits)
        }
        _ => found,
    }
}

fn coded(tensor: &IntTensor, bus: u64, codec: Codec, value_bits: u32) -> View {
    let shape = tensor.shape;
    let mut view = View {
        address: 0,
        groups: shape.groups as u64,
        rows: shape.rows as u64,
        cols: shape.cols as u64,
        channels: shape.channels as u64,
        group_stride: 0,
        row_stride: 0,
        col_bits: 0,
        container: tensor.code.container().bytes() as u64,
        operand: OperandContainer::Bits8,
        codec,
        value_bits,
        signed: tensor.code.sign == Signedness::Signed,
        tag_shift: u32::from(tensor.code.tag_shift),
    };
    view.col_bits = view.pixel_bits();
    view.row_stride = view.block_bytes(view.cols * view.channels).next_multiple_of(bus);
    view.group_stride = view.rows * view.row_stride;
    view
}

fn symbol(view: &View, tensor: &IntTensor, role: TensorRole, index: usize) -> TensorSymbol {
    TensorSymbol {
        name: tensor.name.clone(),
        role,
        address: view.address,
        groups: view.groups,
        rows: view.rows,
        cols: view.cols,
        channels: view.channels,
        value_bits: view.value_bits,
        signed: view.signed,
        codec: view.codec,
        zero_code: tensor.code.zero_code() as u8,
        row_stride: view.row_stride,
        group_stride: view.group_stride,
        length_table: 0,
        graph_tensor: index as u64,
    }
}

/// Containers as the view has them in external memory, every row filled up to its stride.
pub(crate) fn padded(view: &View, containers: &[u8]) -> Vec<u8> {
    let row = (view.cols * view.pixel_bytes()) as usize;
    let mut bytes = Vec::with_capacity((view.groups * view.group_stride) as usize);
    for chunk in containers.chunks(row.max(1)) {
        let end = bytes.len() + view.row_stride as usize;
        bytes.extend(encode(view.format(), chunk, 1).bytes);
        bytes.resize(end, 0);
    }
    bytes
}
