//! Import: ONNX bytes -> validated float graph with all shapes inferred.
//!
//! Contract: no panic and no recursion over the graph on any input; every refusal names the node,
//! its operator and what is supported. Source: the ONNX specification, opset 11 to 21.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use prost::Message as _;
use thiserror::Error;

use super::constants::{Constant, decode};
use super::generated::tensor_proto::DataType;
use super::generated::tensor_shape_proto::dimension;
use super::generated::type_proto;
use super::generated::{GraphProto, ModelProto, NodeProto, ValueInfoProto};
use super::reader::{NodeReader, Operand};
use super::shape_arithmetic;
use crate::float::graph::{FixedDim, FloatGraph, GraphError, Node, Value, ValueId};
use crate::float::ops::{self, OpError};
use crate::float::tensor::{MAX_ELEMENTS, TensorError, element_count};

/// Oldest operator set that import reads.
pub const MIN_OPSET: i64 = 11;
/// Newest operator set that import reads.
pub const MAX_OPSET: i64 = 21;

/// Why a file is refused.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ImportError {
    /// The bytes are no protobuf message (truncated, or no ONNX file).
    #[error("not an ONNX file, or truncated: {0}")]
    Decode(#[from] prost::DecodeError),
    /// There is no graph in the file.
    #[error("the file holds no graph")]
    NoGraph,
    /// The operator set is missing or out of range.
    #[error("operator set {found} is not supported (supported: {MIN_OPSET} to {MAX_OPSET})")]
    Opset {
        /// What the file asks for.
        found: String,
    },
    /// A feature of ONNX that has no place here.
    #[error("{0}")]
    Unsupported(String),
    /// An operator that is not in the table.
    #[error("node `{node}`: operator `{op}` is not supported (supported: {supported})")]
    UnknownOperator {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// All operators in the table.
        supported: String,
    },
    /// An attribute that the operator's builder does not know.
    #[error("node `{node}` ({op}): attribute `{attribute}` is not supported (supported: {supported})")]
    UnknownAttribute {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// The attribute.
        attribute: String,
        /// What the builder knows.
        supported: String,
    },
    /// An operator refuses its attributes or operands.
    #[error("node `{node}` ({op}): {source}")]
    Node {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// What is wrong.
        source: OpError,
    },
    /// A stored tensor is not usable.
    #[error("tensor `{name}`: {reason}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A graph input is not usable.
    #[error("input `{name}`: {reason}")]
    Input {
        /// The input.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A shape is too large.
    #[error("`{name}`: {source}")]
    Size {
        /// The value.
        name: String,
        /// What is wrong.
        source: TensorError,
    },
    /// All values together are too large.
    #[error("the tensors of the graph have more than {MAX_ELEMENTS} elements together")]
    TotalSize,
    /// Nodes feed each other in a circle.
    #[error("node `{node}` ({op}) is part of a cycle, or fed by one")]
    Cycle {
        /// A node on or behind the cycle.
        node: String,
        /// Its operator.
        op: String,
    },
    /// A name that nothing defines.
    #[error("`{node}` reads `{input}`, which no input, initializer or node defines")]
    Undefined {
        /// The reader.
        node: String,
        /// The name.
        input: String,
    },
    /// A name that is defined twice.
    #[error("`{value}` is defined twice, the second time by `{node}`")]
    Duplicate {
        /// The second definition.
        node: String,
        /// The name.
        value: String,
    },
    /// The result does not pass [`FloatGraph::validate`].
    #[error(transparent)]
    Invalid(#[from] GraphError),
}

/// Reads an ONNX model. The batch (axis 0 of every graph input) becomes 1 and is recorded in
/// [`FloatGraph::fixed_dims`]; integer tensors are folded away; nothing else is simplified.
pub fn import(bytes: &[u8]) -> Result<FloatGraph, ImportError> {
    let model = ModelProto::decode(bytes)?;
    let opset = opset(&model)?;
    if !model.functions.is_empty() {
        return Err(ImportError::Unsupported("model-local functions are not supported".to_owned()));
    }
    let graph = model.graph.as_ref().ok_or(ImportError::NoGraph)?;
    if !graph.sparse_initializer.is_empty() {
        return Err(ImportError::Unsupported("sparse initializers are not supported".to_owned()));
    }
    let mut importer = Importer {
        opset,
        graph: FloatGraph { name: graph.name().to_owned(), ..FloatGraph::default() },
        names: BTreeMap::new(),
        elements: 0,
    };
    for t in &graph.initializer {
        let constant =
            decode(t).map_err(|reason| ImportError::Tensor { name: t.name().to_owned(), reason })?;
        importer.define_constant("initializer", t.name(), constant)?;
    }
    for input in &graph.input {
        importer.input(input)?;
    }
    for index in topological_order(graph)? {
        importer.node(index, &graph.node[index])?;
    }
    for output in &graph.output {
        match importer.names.get(output.name()) {
            Some(Operand::Float { id, .. }) => importer.graph.outputs.push(*id),
            Some(Operand::Int(_)) => {
                return Err(ImportError::Unsupported(format!(
                    "output `{}` is an integer constant; only float outputs are supported",
                    output.name()
                )));
            }
            None => {
                return Err(ImportError::Undefined {
                    node: "output".to_owned(),
                    input: output.name().to_owned(),
                });
            }
        }
    }
    if importer.graph.outputs.is_empty() {
        return Err(ImportError::Unsupported("the graph has no outputs".to_owned()));
    }
    importer.graph.validate()?;
    Ok(importer.graph)
}

fn opset(model: &ModelProto) -> Result<i64, ImportError> {
    let default = model.opset_import.iter().find(|o| matches!(o.domain(), "" | "ai.onnx"));
    match default.map(|o| o.version()) {
        Some(v) if (MIN_OPSET..=MAX_OPSET).contains(&v) => Ok(v),
        Some(v) => Err(ImportError::Opset { found: v.to_string() }),
        None => Err(ImportError::Opset { found: "(none)".to_owned() }),
    }
}

fn node_name(node: &NodeProto, index: usize) -> String {
    match node.name() {
        "" => format!("{}_{index}", node.op_type()),
        name => name.to_owned(),
    }
}

/// Indices of the nodes, producers first; among ready nodes the file's order. (The specification
/// wants the file sorted already, but some exporters do not sort.)
fn topological_order(graph: &GraphProto) -> Result<Vec<usize>, ImportError> {
    let mut producer: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, node) in graph.node.iter().enumerate() {
        for out in node.output.iter().filter(|o| !o.is_empty()) {
            if producer.insert(out, i).is_some() {
                return Err(ImportError::Duplicate { node: node_name(node, i), value: out.clone() });
            }
        }
    }
    let mut waits = vec![0usize; graph.node.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); graph.node.len()];
    for (i, node) in graph.node.iter().enumerate() {
        for p in node.input.iter().filter_map(|name| producer.get(name.as_str())) {
            waits[i] += 1;
            readers[*p].push(i);
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..waits.len()).filter(|&i| waits[i] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(Reverse(i)) = ready.pop() {
        order.push(i);
        for &r in &readers[i] {
            waits[r] -= 1;
            if waits[r] == 0 {
                ready.push(Reverse(r));
            }
        }
    }
    match waits.iter().position(|&w| w > 0) {
        None => Ok(order),
        Some(i) => Err(ImportError::Cycle {
            node: node_name(&graph.node[i], i),
            op: graph.node[i].op_type().to_owned(),
        }),
    }
}

struct Importer {
    opset: i64,
    graph: FloatGraph,
    names: BTreeMap<String, Operand>,
    elements: usize,
}

impl Importer {
    fn define(&mut self, by: &str, name: &str, operand: Operand) -> Result<(), ImportError> {
        if name.is_empty() || self.names.contains_key(name) {
            return Err(ImportError::Duplicate { node: by.to_owned(), value: name.to_owned() });
        }
        self.names.insert(name.to_owned(), operand);
        Ok(())
    }

    fn define_float(
        &mut self,
        by: &str,
        name: &str,
        shape: Vec<usize>,
        constant: Option<Arc<crate::float::Tensor>>,
    ) -> Result<ValueId, ImportError> {
        let n =
            element_count(&shape).map_err(|source| ImportError::Size { name: name.to_owned(), source })?;
        if n == 0 {
            return Err(ImportError::Tensor {
                name: name.to_owned(),
                reason: format!("float tensors without elements are not supported ({shape:?})"),
            });
        }
        self.elements = self.elements.saturating_add(n);
        if self.elements > MAX_ELEMENTS {
            return Err(ImportError::TotalSize);
        }
        let id = ValueId(self.graph.values.len());
        let operand = Operand::Float { id, shape: shape.clone(), constant: constant.clone() };
        self.define(by, name, operand)?;
        self.graph.values.push(Value { name: name.to_owned(), shape, constant });
        Ok(id)
    }

    fn define_constant(&mut self, by: &str, name: &str, constant: Constant) -> Result<(), ImportError> {
        match constant {
            Constant::Float(t) => self.define_float(by, name, t.shape().to_vec(), Some(t)).map(|_| ()),
            Constant::Int(t) => self.define(by, name, Operand::Int(t)),
        }
    }

    fn input(&mut self, input: &ValueInfoProto) -> Result<(), ImportError> {
        let name = input.name();
        let refuse = |reason: String| ImportError::Input { name: name.to_owned(), reason };
        // Files of IR version 3 list the initializers among the inputs.
        if matches!(self.names.get(name), Some(Operand::Int(_) | Operand::Float { constant: Some(_), .. })) {
            return Ok(());
        }
        let Some(type_proto::Value::TensorType(tensor)) =
            input.r#type.as_ref().and_then(|t| t.value.as_ref())
        else {
            return Err(refuse("is not a tensor".to_owned()));
        };
        if tensor.elem_type() != DataType::Float as i32 {
            return Err(refuse("its element type is not FLOAT (supported: FLOAT)".to_owned()));
        }
        let dims = tensor.shape.as_ref().ok_or_else(|| refuse("has no shape".to_owned()))?;
        let mut shape = Vec::new();
        for (axis, dim) in dims.dim.iter().enumerate() {
            let (size, was) = match &dim.value {
                Some(dimension::Value::DimValue(d)) => (usize::try_from(*d).ok(), d.to_string()),
                Some(dimension::Value::DimParam(p)) => (None, p.clone()),
                None => (None, "?".to_owned()),
            };
            match size {
                Some(n) if n > 0 && (axis > 0 || n == 1) => shape.push(n),
                _ if axis == 0 => {
                    shape.push(1);
                    let input = name.to_owned();
                    self.graph.fixed_dims.push(FixedDim { input, axis, was });
                }
                _ => {
                    return Err(refuse(format!(
                        "dimension {axis} is `{was}`; only the batch (dimension 0) may be \
                         symbolic, export the model with fixed sizes"
                    )));
                }
            }
        }
        let id = self.define_float("input", name, shape, None)?;
        self.graph.inputs.push(id);
        Ok(())
    }

    fn node(&mut self, index: usize, node: &NodeProto) -> Result<(), ImportError> {
        let name = node_name(node, index);
        let op = node.op_type().to_owned();
        let unknown = || ImportError::UnknownOperator {
            node: name.clone(),
            op: match node.domain() {
                "" | "ai.onnx" => op.clone(),
                domain => format!("{domain}.{op}"),
            },
            supported: supported_operators(),
        };
        if !matches!(node.domain(), "" | "ai.onnx") {
            return Err(unknown());
        }
        let builder = ops::builder(&op);
        if builder.is_none() && !shape_arithmetic::OPERATORS.contains(&op.as_str()) {
            return Err(unknown());
        }
        let mut operands = Vec::with_capacity(node.input.len());
        for input in &node.input {
            operands.push(match self.names.get(input) {
                _ if input.is_empty() => None,
                Some(operand) => Some(operand.clone()),
                None => {
                    return Err(ImportError::Undefined {
                        node: format!("{name} ({op})"),
                        input: input.clone(),
                    });
                }
            });
        }
        while matches!(operands.last(), Some(None)) {
            operands.pop();
        }
        let fail = |source| ImportError::Node { node: name.clone(), op: op.clone(), source };
        let mut reader = NodeReader::new(node, self.opset, operands);
        let folded = shape_arithmetic::fold(&mut reader).map_err(fail)?;
        if let Some(constant) = folded {
            self.check_attributes(&name, &op, &reader)?;
            let [output] = &node.output[..] else {
                return Err(fail(OpError::new("must have one output")));
            };
            return self.define_constant(&name, output, constant);
        }
        let Some(build) = builder else {
            return Err(fail(OpError::new(
                "is supported only where it can be folded at import (integer constants)",
            )));
        };
        let built = build(&mut reader).map_err(fail)?;
        self.check_attributes(&name, &op, &reader)?;
        let shapes: Vec<&[usize]> = built.inputs.iter().map(|&v| self.graph.shape(v)).collect();
        let shapes = built.op.operator().infer_shape(&shapes).map_err(fail)?;
        // A second output that no one names needs no value (the mask of Dropout).
        let named = node.output.iter().rposition(|o| !o.is_empty()).map_or(0, |i| i + 1);
        let missing = node.output[..named.min(shapes.len())].iter().any(String::is_empty);
        let extra = named > shapes.len() && op != "Dropout";
        if named < shapes.len() || missing || extra {
            return Err(fail(OpError::new(format!(
                "names {named} outputs, supported are exactly {}",
                shapes.len()
            ))));
        }
        let mut outputs = Vec::with_capacity(shapes.len());
        for (output, shape) in node.output.iter().zip(shapes) {
            outputs.push(self.define_float(&name, output, shape, None)?);
        }
        self.graph.nodes.push(Node { name, op: built.op, inputs: built.inputs, outputs });
        Ok(())
    }

    fn check_attributes(&self, node: &str, op: &str, reader: &NodeReader<'_>) -> Result<(), ImportError> {
        match reader.unknown_attribute() {
            None => Ok(()),
            Some((attribute, supported)) => Err(ImportError::UnknownAttribute {
                node: node.to_owned(),
                op: op.to_owned(),
                attribute,
                supported,
            }),
        }
    }
}

/// Every operator name that import accepts, sorted.
fn supported_operators() -> String {
    let mut all: Vec<&str> = ops::onnx_names().collect();
    all.extend(shape_arithmetic::OPERATORS);
    all.sort_unstable();
    all.dedup();
    all.join(", ")
}
