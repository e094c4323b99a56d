//! Export: an integer network -> ONNX bytes whose every result is the integer network's, bit for bit.
//!
//! Pairs of QuantizeLinear and DequantizeLinear cannot promise that: a runtime sums in single precision between
//! them, and the accelerator's requantizers have mantissas of their own. Here the arithmetic of
//! [`bitgauge_arch::arith`] is written with operators of ONNX that every runtime computes alike: sums of products
//! in single precision that stay below 2^24, so that every partial sum is a number that single precision holds;
//! requantizers in double precision, whose 53 bits hold every product; tables as Gather; the square root of a
//! LayerNorm in 64-bit integers. What a runtime may do to such a graph (order of sums, fused multiplication and
//! addition) changes no bit.
//!
//! Codes lie as the integer network stores them, groups x rows x columns x channels, in tensors that are named
//! after what they stand for; image and results have the network's own dimensions.
//!
//! Contract: the bytes follow from the graphs alone; [`super::read::integer_network`] gives the same network again.

mod ends;
mod functions;
mod layers;
mod moves;
mod nodes;

use std::collections::BTreeMap;

use super::codes;
use super::file::File;
use super::read;
use super::{ExportError, Written};
use crate::float::FloatGraph;
use crate::integer::{IntGraph, IntNode, IntOp, IntTensor, TensorId};
use nodes::Nodes;

/// Writes an integer network as ONNX; `float` is the graph that was quantized, and names inputs and outputs.
///
/// # Errors
/// `float` is another graph.
pub fn export_exact(float: &FloatGraph, graph: &IntGraph) -> Result<Vec<u8>, ExportError> {
    super::one_scale(graph)?;
    let ends = float.inputs.iter().chain(&float.outputs).map(|&id| float.value(id).name.as_str());
    let mut export = Exact { graph, file: File::new(ends), names: BTreeMap::new(), stored: Vec::new() };
    export.inputs(float)?;
    for (index, tensor) in graph.tensors.iter().enumerate().filter(|(_, tensor)| tensor.constant.is_some()) {
        export.constant(TensorId(index), tensor);
    }
    for node in &graph.nodes {
        export.node(node)?;
    }
    export.outputs(float)?;
    let Exact { mut file, stored, .. } = export;
    read::describe(&mut file, graph, &stored);
    Ok(file.into_bytes(&graph.name))
}

struct Exact<'a> {
    graph: &'a IntGraph,
    file: File,
    /// The codes of a tensor.
    names: BTreeMap<TensorId, String>,
    /// Places of the initializers that hold weights and constants as the integer network does, in its order.
    stored: Vec<usize>,
}

/// A node under construction: what it reads and gives.
struct Place<'a> {
    from: &'a IntTensor,
    to: &'a IntTensor,
    x: String,
}

impl Exact<'_> {
    /// Names the codes of a tensor.
    fn name(&mut self, id: TensorId) -> String {
        let name = self.file.unique(&format!("{}_quantized", self.graph.tensor(id).name));
        self.names.insert(id, name.clone());
        name
    }

    fn codes(&self, id: TensorId) -> Written<String> {
        let foreign = || ExportError::Foreign(self.graph.tensor(id).name.clone());
        self.names.get(&id).cloned().ok_or_else(foreign)
    }

    fn constant(&mut self, id: TensorId, tensor: &IntTensor) {
        let name = self.name(id);
        let bytes = tensor.constant.as_deref().unwrap_or_default().to_vec();
        self.stored.push(self.file.own_tensor(&name, codes::element(&tensor.code), &stored(tensor), bytes));
    }

    fn node(&mut self, node: &IntNode) -> Written<()> {
        let graph = self.graph;
        let operand = |index: usize| {
            let id = node.inputs.get(index).ok_or_else(|| ExportError::Foreign(node.name.clone()))?;
            Ok((self.codes(*id)?, graph.tensor(*id)))
        };
        let (x, from) = operand(0)?;
        let other = operand(1).ok();
        let all = node.inputs.iter().map(|&id| self.codes(id)).collect::<Written<Vec<_>>>()?;
        let place = Place { from, to: graph.tensor(node.output), x };
        let result = self.name(node.output);
        let mut nodes = Nodes::new(&mut self.file, &node.name);
        match (&node.op, other) {
            (IntOp::Conv { .. } | IntOp::Depthwise { .. }, other) => {
                self.stored.push(nodes.convolution(&node.op, &place, other, &result));
            }
            (IntOp::Phased { .. }, _) => self.stored.push(nodes.phased(&node.op, &place, &result)),
            (IntOp::MatMul { parameter, post }, Some(other)) => {
                nodes.product(parameter, post, &place, &other, &result);
            }
            (IntOp::Scale { parameter, post }, Some((other, _))) => {
                nodes.scale(parameter, post, &place, &other, &result);
            }
            (IntOp::Softmax { table }, _) => nodes.softmax(table, &place, &result),
            (IntOp::LayerNorm { parameters, epsilon, post }, _) => {
                nodes.layer_norm(parameters, *epsilon, post, &place, &result);
            }
            (IntOp::Add { first, second, post }, other) => {
                let second = second.as_ref().zip(other.as_ref().map(|(name, _)| name.as_str()));
                nodes.sum(first, second, post, &place, &result);
            }
            (IntOp::MaxPool { window }, _) => nodes.greatest(window, &place, &result),
            (IntOp::AveragePool { window, requant, post }, _) => {
                nodes.average(window, *requant, post, &place, &result);
            }
            (IntOp::Table { table }, _) => nodes.table(table, &place, &result),
            (IntOp::ConcatRows, _) => nodes.join(&all, &result),
            (IntOp::SliceRows { start }, _) => nodes.rows(*start, &place, &result),
            (IntOp::Reshape, _) => nodes.view(&place, &result),
            (IntOp::Permute { dims, order }, _) => nodes.permuted(dims, order, &place, &result),
            (IntOp::MatMul { .. } | IntOp::Scale { .. }, None) => {
                return Err(ExportError::Foreign(node.name.clone()));
            }
        }
        Ok(())
    }
}

/// The dimensions in which a tensor is stored.
fn stored(tensor: &IntTensor) -> [usize; 4] {
    let shape = tensor.shape;
    [shape.groups, shape.rows, shape.cols, shape.channels]
}
