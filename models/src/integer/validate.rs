//! Whether an integer graph keeps its contract.
//!
//! After [`validate`] the interpreter and the compiler index freely: every id, shape and length
//! fits, every code range holds what is written into it, and no accumulator can pass 32 bits.

mod channel_shifts;
mod operators;
mod permutation;

use bitgauge_arch::arith::Signedness;
use bitgauge_arch::code::two_scale::{LEAST_BITS, MOST_SHIFT};
use thiserror::Error;

use super::graph::{IntGraph, IntOp, IntOutput, IntTensor, Shape, TensorId};

/// Most channels of a group.
pub const MAX_GROUP_CHANNELS: usize = 65_535;
/// Most elements of a tensor; more is taken for a broken file.
pub const MAX_ELEMENTS: usize = 1 << 31;

/// What is wrong with a graph.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ValidateError {
    /// A tensor by itself.
    #[error("tensor `{name}`: {reason}")]
    Tensor {
        /// Name of the tensor.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A node.
    #[error("node `{name}` ({op}): {reason}")]
    Node {
        /// Name of the node.
        name: String,
        /// Its operator.
        op: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The lists of inputs and outputs.
    #[error("graph: {0}")]
    Graph(String),
}

type Check = Result<(), String>;

fn ensure(condition: bool, reason: impl FnOnce() -> String) -> Check {
    if condition { Ok(()) } else { Err(reason()) }
}

impl IntOp {
    /// Name of the operator.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            IntOp::Conv { .. } => "Conv",
            IntOp::Depthwise { .. } => "Depthwise",
            IntOp::Phased { .. } => "Phased",
            IntOp::MatMul { .. } => "MatMul",
            IntOp::Scale { .. } => "Scale",
            IntOp::Softmax { .. } => "Softmax",
            IntOp::LayerNorm { .. } => "LayerNorm",
            IntOp::Add { .. } => "Add",
            IntOp::MaxPool { .. } => "MaxPool",
            IntOp::AveragePool { .. } => "AveragePool",
            IntOp::Table { .. } => "Table",
            IntOp::ConcatRows => "ConcatRows",
            IntOp::SliceRows { .. } => "SliceRows",
            IntOp::Reshape => "Reshape",
            IntOp::Permute { .. } => "Permute",
        }
    }
}

/// Checks the whole contract; the first violation is the error.
pub fn validate(graph: &IntGraph) -> Result<(), ValidateError> {
    for tensor in &graph.tensors {
        check_tensor(tensor).map_err(|reason| ValidateError::Tensor { name: tensor.name.clone(), reason })?;
    }
    let known = |id: &TensorId| id.0 < graph.tensors.len();
    let mut defined: Vec<bool> = graph.tensors.iter().map(|t| t.constant.is_some()).collect();
    for id in &graph.inputs {
        if graph.tensors.get(id.0).is_some_and(|input| input.channel_shifts.is_some()) {
            return Err(ValidateError::Graph(format!("channels of input {} have steps of their own", id.0)));
        }
        if !known(id) || std::mem::replace(&mut defined[id.0], true) {
            return Err(ValidateError::Graph(format!("input {} is unknown or defined twice", id.0)));
        }
    }
    for node in &graph.nodes {
        let fail = |reason| ValidateError::Node { name: node.name.clone(), op: node.op.kind(), reason };
        for id in node.inputs.iter().chain([&node.output]) {
            ensure(known(id), || format!("tensor {} is not in the graph", id.0)).map_err(fail)?;
        }
        for id in &node.inputs {
            ensure(defined[id.0], || {
                format!("reads `{}` before anything defines it", graph.tensors[id.0].name)
            })
            .map_err(fail)?;
        }
        ensure(!std::mem::replace(&mut defined[node.output.0], true), || {
            format!("defines `{}` a second time", graph.tensors[node.output.0].name)
        })
        .map_err(fail)?;
        operators::check(graph, node).map_err(fail)?;
    }
    for IntOutput { name, tensor, order, head } in &graph.outputs {
        let fail = |reason: &str| Err(ValidateError::Graph(format!("output `{name}`: {reason}")));
        if !known(tensor) || !defined[tensor.0] {
            return fail("nothing defines its tensor");
        }
        if graph.tensor(*tensor).channel_shifts.is_some() {
            return fail("channels of its tensor have steps of their own");
        }
        if !order.covers(graph.tensor(*tensor).shape.elements() as u64) {
            return fail("its order does not meet each element of its tensor once");
        }
        let mut elements = graph.tensor(*tensor).shape.elements();
        for step in head {
            if step.elements() != Some(elements) || step.size == 0 {
                return fail("its head is of another size");
            }
            elements = step.results();
        }
    }
    Ok(())
}

fn check_tensor(tensor: &IntTensor) -> Check {
    let Shape { groups, rows, cols, channels } = tensor.shape;
    let elements = [groups, rows, cols, channels]
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d))
        .filter(|n| (1..=MAX_ELEMENTS).contains(n));
    let elements = elements.ok_or_else(|| format!("shape {:?} is empty or too large", tensor.shape))?;
    let flat = groups * channels;
    ensure(flat <= MAX_GROUP_CHANNELS, || {
        format!("{flat} channels, at most {MAX_GROUP_CHANNELS} are possible")
    })?;
    let code = &tensor.code;
    let bits_fit = match code.sign {
        Signedness::Signed => (2..=16).contains(&code.bits),
        Signedness::Unsigned => (1..=8).contains(&code.bits),
    };
    ensure(bits_fit, || format!("codes of {} bits, {:?}", code.bits, code.sign))?;
    ensure(code.scale.is_finite() && code.scale > 0.0, || format!("scale {}", code.scale))?;
    if let Some(scale) = code.two_scale() {
        let fits = (LEAST_BITS..=8).contains(&scale.bits) && scale.shift <= MOST_SHIFT;
        ensure(fits && code.sign == Signedness::Unsigned && tensor.constant.is_none(), || {
            format!(
                "codes of two scales, {scale:?}: {LEAST_BITS} to 8 unsigned bits, computed, shifts to {MOST_SHIFT}"
            )
        })?;
        ensure(scale.decode(scale.encode(code.zero_point)) == code.zero_point, || {
            format!("no code of two scales has the value {} of zero", code.zero_point)
        })?;
    }
    let (low, high) = code.value_range();
    ensure((low..=high).contains(&code.zero_point), || {
        format!("zero point {} is outside {low}..={high}", code.zero_point)
    })?;
    channel_shifts::check_tensor(tensor)?;
    if let Some(source) = &tensor.float_source {
        ensure(source.order.covers(elements as u64), || {
            format!("its order does not meet each of its {elements} elements once")
        })?;
    }
    if let Some(bytes) = &tensor.constant {
        let needed = elements * code.container().bytes();
        ensure(bytes.len() == needed, || format!("{} constant bytes, needs {needed}", bytes.len()))?;
        let outside = (0..elements).map(|i| code.read(bytes, i)).find(|c| !(low..=high).contains(c));
        ensure(outside.is_none(), || format!("constant code {outside:?} is outside {low}..={high}"))?;
    }
    Ok(())
}
