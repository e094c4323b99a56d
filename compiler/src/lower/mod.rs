//! Lowerings: one node to commands, one file per family.

mod conv;
mod depthwise;
mod matmul;
mod permute;
mod phased;
mod pixels;
mod rows;
mod sweep;
mod windows;

use bitgauge_arch::mac::Operands;
use bitgauge_models::integer::{IntGraph, IntNode, IntOp, TensorId};

use crate::error::CompileError;
use crate::tiling::cost::Work;
use crate::tiling::plan::{Plan, Shortage};
use crate::view::View;
use crate::write::{Emitter, Product};

/// What a lowering works with.
pub(crate) struct Context<'a, 'b> {
    pub graph: &'a IntGraph,
    pub node: &'a IntNode,
    pub views: &'a [View],
    pub emitter: &'b mut Emitter<'a>,
    /// An operator that either unit can do runs on the vector unit.
    pub vector: bool,
}

/// What a lowering says about its layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lowered {
    pub operator: &'static str,
    pub product: Option<[u64; 3]>,
    pub mapping: String,
    pub work: Work,
}

type Lowering = fn(&mut Context<'_, '_>) -> Result<Lowered, CompileError>;

/// The lowering of an operator.
fn lowering(op: &IntOp) -> Lowering {
    match op {
        IntOp::Conv { .. } => conv::lower,
        IntOp::MatMul { .. } => matmul::lower,
        IntOp::Depthwise { .. } => depthwise::lower,
        IntOp::Scale { .. } => depthwise::scale,
        IntOp::MaxPool { .. } => windows::max_pool,
        IntOp::AveragePool { .. } => windows::average_pool,
        IntOp::Softmax { .. } => pixels::softmax,
        IntOp::LayerNorm { .. } => pixels::layer_norm,
        IntOp::Add { .. } => pixels::add,
        IntOp::Table { .. } => pixels::table,
        IntOp::ConcatRows => rows::concat,
        IntOp::SliceRows { .. } => rows::slice,
        IntOp::Reshape => rows::reshape,
        IntOp::Permute { .. } => permute::lower,
        IntOp::Phased { .. } => phased::lower,
    }
}

/// The unit that works on each layer: whether it is the vector unit; `None` for layers that only move.
pub(crate) fn units<'a>(
    emitter: &mut Emitter<'a>,
    graph: &'a IntGraph,
    views: &'a [View],
) -> Vec<Option<bool>> {
    let unit = |node: &'a IntNode| match node.op {
        IntOp::Conv { .. } | IntOp::MatMul { .. } | IntOp::Phased { .. } => Some(false),
        IntOp::ConcatRows | IntOp::SliceRows { .. } | IntOp::Reshape | IntOp::Permute { .. } => None,
        IntOp::Depthwise { .. } => {
            Some(!depthwise::on_array(&Context { graph, node, views, emitter: &mut *emitter, vector: true }))
        }
        _ => Some(true),
    };
    graph.nodes.iter().map(unit).collect()
}

/// Emits the commands of the context's node.
pub(crate) fn lower(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let mut tensors = context.node.inputs.iter().chain([&context.node.output]);
    let shifted = tensors.any(|&id| context.graph.tensor(id).channel_shifts.is_some());
    if shifted && !context.emitter.accelerator.vector.channel_shifts {
        return Err(context.unsupported(
            "channels of its codes have steps of their own, and this accelerator has no gates for that; set [vector] \
             channel_shifts = true, or quantize without channel shifts",
        ));
    }
    lowering(&context.node.op)(context)
}

impl Context<'_, '_> {
    /// The view of input number `index`; validated graphs have it.
    pub fn input(&self, index: usize) -> Result<View, CompileError> {
        let id = self.node.inputs.get(index).copied();
        id.map(|id| self.view(id)).ok_or_else(|| self.unsupported(format!("input {index} is missing")))
    }

    /// The view of the output.
    pub fn output(&self) -> View {
        self.view(self.node.output)
    }

    /// Widths of the codes of input `index` as the columns of a product, and of input 0 as its rows.
    pub fn operands(&self, index: usize) -> Operands {
        self.operands_with(self.node.inputs.get(index).map_or(8, |&id| self.graph.tensor(id).code.bits))
    }

    /// Widths of the codes of input 0 and of weights of `weight_bits`.
    pub fn operands_with(&self, weight_bits: u8) -> Operands {
        let activation = self.node.inputs.first().map(|&id| &self.graph.tensor(id).code);
        let bits = |bits: u8| u32::from(bits.clamp(2, 8));
        Operands {
            activation_bits: bits(activation.map_or(8, |code| code.bits)),
            weight_bits: bits(weight_bits),
            two_scaled: activation.is_some_and(|code| code.tag_shift > 0),
        }
    }

    fn view(&self, id: TensorId) -> View {
        self.views[id.0]
    }

    /// The plan of a product; the caller may plan once for several equal ones.
    pub fn plan(&self, product: &Product<'_>) -> Result<Plan, CompileError> {
        let emitter = &self.emitter;
        let planned = emitter.plans.product(&product.geometry, &emitter.area, emitter.accelerator);
        planned.map_err(|short| self.short(short))
    }

    pub fn unsupported(&self, reason: impl Into<String>) -> CompileError {
        CompileError::Unsupported { layer: self.node.layer().to_owned(), reason: reason.into() }
    }

    pub fn does_not_fit(&self, what: &'static str, needed: u64, available: u64, hint: &str) -> CompileError {
        let (layer, hint) = (self.node.layer().to_owned(), hint.to_owned());
        CompileError::DoesNotFit { layer, what, needed, available, hint }
    }

    fn short(&self, Shortage { what, needed, available, hint }: Shortage) -> CompileError {
        self.does_not_fit(what, needed, available, hint)
    }
}
