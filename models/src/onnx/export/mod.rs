//! Export: a quantized network -> ONNX bytes with QuantizeLinear and DequantizeLinear (QDQ).
//!
//! The float graph is written node by node; where the integer graph stores codes stands a pair of
//! QuantizeLinear and DequantizeLinear, and weights and biases are stored as codes. A runtime that computes in
//! float between the pairs then rounds where the accelerator does: the scales of weights are those that the
//! requantizers stand for, and the operands of an addition are rounded to the sum's step before they are added.
//!
//! Contract: the bytes follow from the graph alone; what cannot be written is an error that names it.
//! Source: the ONNX operator specification, opset 21 (the first with 4-bit and 16-bit codes).

mod codes;
mod exact;
mod file;
mod layers;
mod operators;
mod read;

use std::collections::BTreeMap;

use thiserror::Error;

use super::generated::tensor_proto::DataType;
use crate::float::ops::pool::PoolKind;
use crate::float::{FloatGraph, Node, Op, ValueId};
use crate::integer::{IntGraph, IntNode, Quantized, Trace};
use file::File;

pub use exact::export_exact;
pub(super) use read::is_integer;
pub use read::{ReadError, integer_network};

/// Operator set of what is written.
pub const EXPORT_OPSET: i64 = 21;

/// Why a network cannot be written as ONNX.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExportError {
    /// ONNX has no such operator, or this use of it.
    #[error("node `{node}` ({op}) cannot be written with codes of ONNX: {reason}")]
    Node {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// What is missing.
        reason: String,
    },
    /// The float graph is not the one that was quantized.
    #[error("`{0}` is not what was quantized")]
    Foreign(String),
}

type Written<T> = Result<T, ExportError>;

/// Writes a network as ONNX; `float` is the graph that was quantized.
pub fn export(float: &FloatGraph, quantized: &Quantized) -> Result<Vec<u8>, ExportError> {
    one_scale(&quantized.graph)?;
    let computed = float.values.iter().filter(|value| value.constant.is_none());
    let file = File::new(computed.map(|value| value.name.as_str()));
    let trace = &quantized.trace;
    let mut export = Export { float, quantized, trace, file, names: BTreeMap::new() };
    export.inputs();
    for node in &float.nodes {
        export.node(node)?;
    }
    export.outputs()?;
    Ok(export.file.into_bytes(&float.name))
}

/// ONNX has no codes of two scales, and additions of codes know one step for all channels.
fn one_scale(graph: &IntGraph) -> Written<()> {
    let shifted = |node: &&IntNode| graph.tensor(node.output).channel_shifts.is_some();
    if let Some(node) = graph.nodes.iter().find(shifted) {
        return Err(ExportError::Node {
            node: node.name.clone(),
            op: node.op.kind().to_owned(),
            reason: "channels of its codes have steps of their own; take [channel_shifts] out".to_owned(),
        });
    }
    let two = |node: &&IntNode| graph.tensor(node.output).code.tag_shift > 0;
    graph.nodes.iter().find(two).map_or(Ok(()), |node| {
        Err(ExportError::Node {
            node: node.name.clone(),
            op: node.op.kind().to_owned(),
            reason: "its codes have two scales; take it out of [activations.two_scales]".to_owned(),
        })
    })
}

struct Export<'a> {
    float: &'a FloatGraph,
    quantized: &'a Quantized,
    trace: &'a Trace,
    file: File,
    /// By what name nodes read a value.
    names: BTreeMap<ValueId, String>,
}

impl Export<'_> {
    fn inputs(&mut self) {
        for &id in &self.float.inputs {
            let value = self.float.value(id);
            self.file.input(&value.name, &value.shape);
            self.stored(id, &value.name, false);
        }
    }

    fn outputs(&mut self) -> Written<()> {
        for &id in &self.float.outputs {
            let value = self.float.value(id);
            let name =
                self.names.get(&id).cloned().ok_or_else(|| ExportError::Foreign(value.name.clone()))?;
            // The name is the value's but where that is an input, or two values have one place.
            if name != value.name {
                self.file.node("Identity", &value.name, vec![name], &value.name, vec![]);
            }
            let kind = self.element(id);
            self.file.output(&value.name, &value.shape, kind);
        }
        Ok(())
    }

    /// The element type of an output: indices of an ArgMax are integers, moved or not.
    fn element(&self, output: ValueId) -> DataType {
        let producer = |value: ValueId| self.float.nodes.iter().find(|node| node.outputs.contains(&value));
        let mut at = output;
        loop {
            match producer(at).map(|node| (&node.op, node.inputs.first())) {
                Some((Op::ArgMax(_), _)) => return DataType::Int64,
                Some((Op::Reshape(_) | Op::Transpose(_), Some(&operand))) => at = operand,
                _ => return DataType::Float,
            }
        }
    }

    /// Names what a node makes of `value`, and what others read: after the codes, where it has some.
    fn define(&mut self, value: ValueId) -> String {
        let name = self.float.value(value).name.clone();
        if !self.trace.codes.contains_key(&value) {
            self.names.insert(value, name.clone());
            return name;
        }
        match self.float.outputs.contains(&value) {
            true => self.file.unique(&format!("{name}_QuantizeLinear_Input")),
            false => name,
        }
    }

    /// Puts the codes behind a value that was written by the name of `raw`; what only moved has them already.
    fn stored(&mut self, value: ValueId, raw: &str, moved: bool) {
        let Some(code) = self.trace.codes.get(&value) else {
            self.names.entry(value).or_insert_with(|| raw.to_owned());
            return;
        };
        let name = &self.float.value(value).name;
        // An output keeps its name.
        let after = (self.float.outputs.contains(&value) && raw != name).then_some(name.as_str());
        let bounded = if moved { raw.to_owned() } else { codes::bounded(&mut self.file, raw, code) };
        let read = codes::pair(&mut self.file, &bounded, code, after);
        self.names.insert(value, read);
    }

    fn node(&mut self, node: &Node) -> Written<()> {
        let &[output] = &node.outputs[..] else {
            return Err(refuse(node, "more than one result".to_owned()));
        };
        let raw = self.define(output);
        match &node.op {
            Op::Conv(conv) => self.conv(node, conv, &raw)?,
            Op::Linear(_) => self.linear(node, &raw)?,
            Op::ConvTranspose(conv) => self.conv_transpose(node, conv, &raw)?,
            Op::LayerNorm(norm) => self.layer_norm(node, norm, &raw)?,
            _ => {
                let operands =
                    node.inputs.iter().map(|&v| self.operand(output, v)).collect::<Written<Vec<_>>>()?;
                operators::write(&mut self.file, node, self.float.shape(output), operands, &raw)?;
            }
        }
        let moves = matches!(
            node.op,
            Op::Reshape(_)
                | Op::Transpose(_)
                | Op::Identity(_)
                | Op::Slice(_)
                | Op::Gather(_)
                | Op::Concat(_)
        );
        let moves = moves || matches!(&node.op, Op::Pool(pool) if pool.kind == PoolKind::Max);
        self.stored(output, &raw, moves);
        Ok(())
    }

    /// The name by which the node that makes `reader` reads `value`.
    fn operand(&mut self, reader: ValueId, value: ValueId) -> Written<String> {
        let own = self.trace.operands.get(&(reader, value));
        let sum = self.trace.sums.get(&reader).map(|&step| codes::sum(step));
        let constant = self.float.constant(value);
        let (name, at) = match (constant, own) {
            (Some(tensor), Some(code)) => {
                (codes::constant(&mut self.file, &self.float.value(value).name, tensor, code), Some(*code))
            }
            (Some(tensor), None) => (self.file.floats(&self.float.value(value).name, tensor), None),
            (None, own) => {
                let name = self.names.get(&value).cloned();
                let name = name.ok_or_else(|| ExportError::Foreign(self.float.value(value).name.clone()))?;
                match own {
                    Some(code) => (codes::pair(&mut self.file, &name, code, None), Some(*code)),
                    None => (name, self.trace.codes.get(&value).copied()),
                }
            }
        };
        // What lies on the step already stays there.
        Ok(match sum.filter(|step| at.is_none_or(|code| code.scale != step.scale)) {
            Some(step) => codes::pair(&mut self.file, &name, &step, None),
            None => name,
        })
    }
}

fn refuse(node: &Node, reason: String) -> ExportError {
    ExportError::Node { node: node.name.clone(), op: node.op.onnx_name(), reason }
}
