//! The graph under construction: names, inputs, and the walk from one node to what it becomes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::constants::Constant;
use super::error::ImportError;
use super::generated::tensor_proto::DataType;
use super::generated::tensor_shape_proto::dimension;
use super::generated::type_proto;
use super::generated::{GraphProto, NodeProto, ValueInfoProto};
use super::import::{MAX_OPSET, node_name};
use super::reader::{NodeReader, Operand, Part};
use super::{operators_page, shape_arithmetic};
use crate::float::graph::{FixedDim, FloatGraph, Node, Value, ValueId};
use crate::float::ops::{self, Op, OpError};
use crate::float::tensor::{MAX_ELEMENTS, Tensor, element_count};

/// Float tensors up to this size are computed at import where they depend on constants alone: exporters scale
/// shapes in float. Larger ones are left to the pass that folds constants.
const MAX_FOLDED: usize = 1 << 10;

pub struct Importer {
    opset: i64,
    keep_batch: bool,
    pub graph: FloatGraph,
    pub names: BTreeMap<String, Operand>,
    elements: usize,
    /// Names that a node or the graph's outputs read.
    read: BTreeSet<String>,
}

impl Importer {
    pub fn new(opset: i64, keep_batch: bool, file: &GraphProto) -> Self {
        let graph = FloatGraph { name: file.name().to_owned(), ..FloatGraph::default() };
        let outputs = file.output.iter().map(|output| output.name().to_owned());
        let read = file.node.iter().flat_map(|node| node.input.iter().cloned()).chain(outputs).collect();
        Self { opset, keep_batch, graph, names: BTreeMap::new(), elements: 0, read }
    }

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
        constant: Option<Arc<Tensor>>,
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
        self.graph.values.push(Value { name: name.to_owned(), shape, constant, grid: None });
        Ok(id)
    }

    pub fn define_constant(&mut self, by: &str, name: &str, constant: Constant) -> Result<(), ImportError> {
        match constant {
            // Exporters write an omitted operand of Resize so.
            Constant::Float(t) if t.is_empty() => self.define(by, name, Operand::Empty),
            Constant::Float(t) => self.define_float(by, name, t.shape().to_vec(), Some(t)).map(|_| ()),
            Constant::Int(t) => self.define(by, name, Operand::Int(t)),
        }
    }

    pub fn input(&mut self, input: &ValueInfoProto) -> Result<(), ImportError> {
        let name = input.name();
        let refuse = |reason: String| ImportError::Input { name: name.to_owned(), reason };
        // Files of IR version 3 list the initializers among the inputs.
        let known = self.names.get(name);
        if known.is_some_and(|o| !matches!(o, Operand::Float { constant: None, .. })) {
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
                Some(n) if n > 0 && (axis > 0 || n == 1 || self.keep_batch) => shape.push(n),
                Some(n) if n > 1 => {
                    return Err(refuse(format!(
                        "dimension 0, the batch, is {n}; one image is run at a time: export the model with batch 1, \
                         or with a symbolic batch"
                    )));
                }
                _ if axis == 0 && !(self.keep_batch && size == Some(0)) => {
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

    pub fn node(&mut self, index: usize, node: &NodeProto) -> Result<(), ImportError> {
        let name = node_name(node, index);
        let op = node.op_type().to_owned();
        // Operators of ONNX Runtime's own domain that mean what ONNX's newest of the name does.
        let as_onnx = node.domain() == ops::MICROSOFT_DOMAIN && ops::MICROSOFT.contains(&op.as_str());
        let own = as_onnx || matches!(node.domain(), "" | "ai.onnx");
        let opset = if as_onnx { MAX_OPSET } else { self.opset };
        let builder = ops::builder(&op);
        if !own || (builder.is_none() && !shape_arithmetic::is_folded(&op)) {
            let domain = if own { String::new() } else { format!("{}.", node.domain()) };
            let supported = operators_page::operator_names().join(", ");
            return Err(ImportError::UnknownOperator { node: name, op: format!("{domain}{op}"), supported });
        }
        let operands = self.operands(&name, node)?;
        let fail = |source| ImportError::Node { node: name.clone(), op: op.clone(), source };
        let mut reader = NodeReader::new(node, opset, operands, self.graph.values.len());
        if let Some(constants) = shape_arithmetic::fold(&mut reader).map_err(fail)? {
            check_attributes(&name, &op, &reader)?;
            if constants.len() != node.output.len() {
                return Err(fail(OpError::new(format!("must have {} outputs", constants.len()))));
            }
            for (output, constant) in node.output.iter().zip(constants) {
                self.define_constant(&name, output, constant)?;
            }
            return Ok(());
        }
        let Some(build) = builder else {
            return Err(fail(OpError::new(
                "is supported only where it can be folded at import (integer constants)",
            )));
        };
        let built = build(&mut reader).map_err(fail)?;
        check_attributes(&name, &op, &reader)?;
        let further = reader.take_further();
        for (i, part) in reader.into_parts().into_iter().enumerate() {
            // The mark keeps it apart from the names of the file.
            let output = format!("{}~{i}", node.output.first().map_or("", String::as_str));
            match part {
                Part::Constant(t) => {
                    self.define_float(&name, &output, t.shape().to_vec(), Some(Arc::new(t)))?;
                }
                Part::Node { op: part, inputs, .. } => {
                    self.push(&format!("{name}~{i}"), part, inputs, &[output]).map_err(|e| match e {
                        PushError::Op(source) => fail(source),
                        PushError::Import(e) => e,
                    })?;
                }
            }
        }
        for &(i, id) in &further {
            if let Some(output) = node.output.get(i).filter(|output| !output.is_empty()) {
                let shape = self.graph.shape(id).to_vec();
                self.define(&name, output, Operand::Float { id, shape, constant: None })?;
            }
        }
        // Further outputs that no one reads need no value: masks, indices, statistics.
        let first = !node.output.is_empty();
        let defined = |place: usize| further.iter().any(|&(i, _)| i == place);
        let read = |(i, o): (usize, &String)| !o.is_empty() && self.read.contains(o) && !defined(i);
        let unread = !matches!(built.op, Op::Split(_)) && !node.output.iter().enumerate().skip(1).any(read);
        let named = node.output.iter().rposition(|o| !o.is_empty()).map_or(0, |i| i + 1);
        let mut outputs = node.output[..if unread { usize::from(first) } else { named }].to_vec();
        if matches!(built.op, Op::Split(_)) {
            // Every part is a value, whether someone reads it or not.
            outputs.resize(node.output.len(), String::new());
            for (i, output) in outputs.iter_mut().enumerate().filter(|(_, output)| output.is_empty()) {
                *output = format!("{name}~part_{i}");
            }
        }
        self.graph.origins.insert(name.clone(), op.clone());
        self.push(&name, built.op, built.inputs, &outputs).map_err(|e| match e {
            PushError::Op(source) => fail(source),
            PushError::Import(e) => e,
        })
    }

    fn operands(&self, name: &str, node: &NodeProto) -> Result<Vec<Option<Operand>>, ImportError> {
        let mut operands = Vec::with_capacity(node.input.len());
        for input in &node.input {
            operands.push(match self.names.get(input) {
                _ if input.is_empty() => None,
                Some(Operand::Empty) => None,
                Some(operand) => Some(operand.clone()),
                None => {
                    return Err(ImportError::Undefined {
                        node: format!("{name} ({})", node.op_type()),
                        input: input.clone(),
                    });
                }
            });
        }
        // What is written as omitted is not there; what has no elements stays to be complained about.
        let named = node.input.iter().rposition(|name| !name.is_empty()).map_or(0, |i| i + 1);
        operands.truncate(named);
        Ok(operands)
    }

    /// Adds a node, or the constants that it computes.
    fn push(
        &mut self,
        name: &str,
        op: Op,
        inputs: Vec<ValueId>,
        outputs: &[String],
    ) -> Result<(), PushError> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|&v| self.graph.shape(v)).collect();
        let shapes = op.operator().infer_shape(&shapes)?;
        if outputs.len() != shapes.len() || outputs.iter().any(String::is_empty) {
            let reason = match outputs.get(shapes.len()) {
                Some(further) => format!("its output `{further}` is read; only the first is supported"),
                None => format!("names {} outputs, supported are exactly {}", outputs.len(), shapes.len()),
            };
            return Err(PushError::Op(OpError::new(reason)));
        }
        if let Some(results) = self.folded(&op, &inputs, &shapes)? {
            for (output, t) in outputs.iter().zip(results) {
                self.define_float(name, output, t.shape().to_vec(), Some(Arc::new(t)))?;
            }
            return Ok(());
        }
        let mut ids = Vec::with_capacity(shapes.len());
        for (output, shape) in outputs.iter().zip(shapes) {
            ids.push(self.define_float(name, output, shape, None)?);
        }
        self.graph.nodes.push(Node { name: name.to_owned(), op, inputs, outputs: ids });
        Ok(())
    }

    /// The results of a node whose operands are small constants.
    fn folded(
        &self,
        op: &Op,
        inputs: &[ValueId],
        shapes: &[Vec<usize>],
    ) -> Result<Option<Vec<Tensor>>, OpError> {
        // Stored codes and their scales stay to be seen.
        let codes = matches!(op, Op::QuantizeLinear(_) | Op::DequantizeLinear(_));
        if codes || !shapes.iter().all(|s| element_count(s).is_ok_and(|n| n <= MAX_FOLDED)) {
            return Ok(None);
        }
        let constants: Option<Vec<&Tensor>> =
            inputs.iter().map(|&v| self.graph.constant(v).map(Arc::as_ref)).collect();
        let Some(constants) = constants.filter(|c| c.iter().all(|t| t.len() <= MAX_FOLDED)) else {
            return Ok(None);
        };
        let results = op.operator().eval(&constants)?;
        let finite = results.iter().all(|t| t.data().iter().all(|x| x.is_finite()));
        Ok(finite.then_some(results))
    }
}

/// Why a node could not be added.
enum PushError {
    Op(OpError),
    Import(ImportError),
}

impl From<OpError> for PushError {
    fn from(e: OpError) -> Self {
        Self::Op(e)
    }
}

impl From<ImportError> for PushError {
    fn from(e: ImportError) -> Self {
        Self::Import(e)
    }
}

fn check_attributes(node: &str, op: &str, reader: &NodeReader<'_>) -> Result<(), ImportError> {
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
