//! What an operator's builder sees of an ONNX node: its attributes and operands.
//!
//! Contract: every attribute that a builder asks for is noted, and import refuses a node with an
//! attribute that no one asked for; so a builder cannot overlook one that changes the meaning.

use std::sync::Arc;

use super::constants::IntTensor;
use super::generated::NodeProto;
use crate::float::graph::ValueId;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// An operand during import.
#[derive(Debug, Clone)]
pub enum Operand {
    /// A value of the float graph.
    Float {
        /// Its id.
        id: ValueId,
        /// Its shape.
        shape: Vec<usize>,
        /// Its data, if constant.
        constant: Option<Arc<Tensor>>,
    },
    /// A folded integer constant.
    Int(Arc<IntTensor>),
    /// A float constant without elements; operators see it as omitted.
    Empty,
}

/// What a builder adds before the node that it returns; each makes one value.
pub enum Part {
    /// A constant.
    Constant(Tensor),
    /// A node, with the shape of its result.
    Node {
        /// Its operator.
        op: Op,
        /// Its operands.
        inputs: Vec<ValueId>,
        /// Shape of its result.
        shape: Vec<usize>,
    },
}

/// A node under construction.
pub struct NodeReader<'a> {
    pub(super) node: &'a NodeProto,
    opset: i64,
    operands: Vec<Option<Operand>>,
    pub(super) asked: Vec<&'static str>,
    parts: Vec<Part>,
    /// Outputs that parts make.
    further: Vec<(usize, ValueId)>,
    /// Id of the value that the first part makes.
    first_part: usize,
}

impl<'a> NodeReader<'a> {
    pub(super) fn new(
        node: &'a NodeProto,
        opset: i64,
        operands: Vec<Option<Operand>>,
        first_part: usize,
    ) -> Self {
        Self { node, opset, operands, asked: Vec::new(), parts: Vec::new(), further: Vec::new(), first_part }
    }

    /// The same node with other operands.
    pub(super) fn with_operands(&self, operands: Vec<Option<Operand>>) -> Self {
        Self::new(self.node, self.opset, operands, self.first_part)
    }

    /// Lets these values be the node's operands from here on: for operators that are another one, of what was made
    /// of their operands.
    pub fn read_instead(&mut self, operands: &[ValueId]) -> Result<(), OpError> {
        let operand = |&id: &ValueId| {
            Ok(Some(Operand::Float { id, shape: self.shape_of(id)?.to_vec(), constant: None }))
        };
        self.operands = operands.iter().map(operand).collect::<Result<_, OpError>>()?;
        Ok(())
    }

    /// Says that output `i`, which is not the first, is a value that was added.
    pub fn further_output(&mut self, i: usize, value: ValueId) {
        self.further.push((i, value));
    }

    /// Outputs beside the first that the builder named.
    pub(super) fn take_further(&mut self) -> Vec<(usize, ValueId)> {
        std::mem::take(&mut self.further)
    }

    /// What the builder added.
    pub(super) fn into_parts(self) -> Vec<Part> {
        self.parts
    }

    /// Id of the value that the first part makes.
    pub(super) fn first_part(&self) -> usize {
        self.first_part
    }

    /// Takes over which attributes another reader of the node asked for.
    pub(super) fn learn(&mut self, other: &Self) {
        self.asked.extend(&other.asked);
    }

    /// Adds a constant before the node.
    pub fn constant(&mut self, tensor: Tensor) -> ValueId {
        self.parts.push(Part::Constant(tensor));
        ValueId(self.first_part + self.parts.len() - 1)
    }

    /// Adds a node of one result before the node; an error where `op` refuses the operands.
    pub fn emit(&mut self, op: Op, inputs: Vec<ValueId>) -> Result<ValueId, OpError> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|&v| self.shape_of(v)).collect::<Result<_, _>>()?;
        let shape = op.operator().infer_shape(&shapes)?;
        let shape = shape.into_iter().next().ok_or_else(|| OpError::new("has no result"))?;
        self.parts.push(Part::Node { op, inputs, shape });
        Ok(ValueId(self.first_part + self.parts.len() - 1))
    }

    /// The shape of an operand or of something added.
    pub fn shape_of(&self, id: ValueId) -> Result<&[usize], OpError> {
        let own = |o: &'_ Option<Operand>| matches!(o, Some(Operand::Float { id: v, .. }) if *v == id);
        if let Some(Some(Operand::Float { shape, .. })) = self.operands.iter().find(|o| own(o)) {
            return Ok(shape);
        }
        match id.0.checked_sub(self.first_part).and_then(|i| self.parts.get(i)) {
            Some(Part::Constant(t)) => Ok(t.shape()),
            Some(Part::Node { shape, .. }) => Ok(shape),
            None => Err(OpError::new("refers to a value that is not there")),
        }
    }

    /// The operator set version of the file.
    #[must_use]
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// The ONNX operator name.
    #[must_use]
    pub fn op_type(&self) -> &str {
        self.node.op_type()
    }

    /// The file's node name, possibly empty.
    #[must_use]
    pub fn op_name(&self) -> &str {
        self.node.name()
    }

    /// Number of results that the node names.
    #[must_use]
    pub fn output_count(&self) -> usize {
        self.node.output.len()
    }

    /// Number of operands, omitted ones in the middle included.
    #[must_use]
    pub fn input_count(&self) -> usize {
        self.operands.len()
    }

    /// An error unless the number of operands lies in the range.
    pub fn expect_inputs(&self, least: usize, most: usize) -> Result<(), OpError> {
        let n = self.operands.len();
        if (least..=most).contains(&n) {
            return Ok(());
        }
        Err(OpError::new(format!("takes {least} to {most} inputs, has {n}")))
    }

    /// The operand, if present.
    #[must_use]
    pub fn operand(&self, i: usize) -> Option<&Operand> {
        self.operands.get(i)?.as_ref()
    }

    /// Whether operand `i` is present.
    #[must_use]
    pub fn has(&self, i: usize) -> bool {
        self.operand(i).is_some()
    }

    /// The float operand `i`; an error where it is omitted or integer.
    pub fn float(&self, i: usize) -> Result<ValueId, OpError> {
        match self.operand(i) {
            Some(Operand::Float { id, .. }) => Ok(*id),
            Some(Operand::Int(_)) => Err(OpError::new(format!(
                "input {i} is an integer tensor; this operator is supported on float only"
            ))),
            Some(Operand::Empty) | None => Err(OpError::new(format!("input {i} is missing or empty"))),
        }
    }

    /// Operand `i` as a float value; integers become a constant of the same numbers.
    pub fn as_float(&mut self, i: usize) -> Result<ValueId, OpError> {
        match self.operand(i).cloned() {
            Some(Operand::Int(t)) => {
                let tensor = Tensor::new(t.shape.clone(), t.floats())?;
                Ok(self.constant(tensor))
            }
            _ => self.float(i),
        }
    }

    /// Every operand as float, none omitted.
    pub fn floats(&self) -> Result<Vec<ValueId>, OpError> {
        (0..self.operands.len()).map(|i| self.float(i)).collect()
    }

    /// The shape of operand `i`.
    pub fn shape(&self, i: usize) -> Result<&[usize], OpError> {
        match self.operand(i) {
            Some(Operand::Float { shape, .. }) => Ok(shape),
            Some(Operand::Int(t)) => Ok(&t.shape),
            Some(Operand::Empty) | None => Err(OpError::new(format!("input {i} is missing"))),
        }
    }

    /// The constant integers of operand `i`; `None` where it is omitted.
    pub fn const_ints(&self, i: usize) -> Result<Option<&IntTensor>, OpError> {
        match self.operand(i) {
            None | Some(Operand::Empty) => Ok(None),
            Some(Operand::Int(t)) => Ok(Some(t)),
            Some(Operand::Float { .. }) => {
                Err(OpError::new(format!("input {i} must be a constant integer tensor")))
            }
        }
    }

    /// The constant float scalar of operand `i`; `None` where it is omitted.
    pub fn const_scalar(&self, i: usize) -> Result<Option<f32>, OpError> {
        match self.operand(i) {
            None => Ok(None),
            Some(Operand::Float { constant: Some(t), .. }) if t.len() == 1 => Ok(t.as_scalar()),
            Some(_) => Err(OpError::new(format!("input {i} must be a constant float scalar"))),
        }
    }

    /// The constant float tensor of operand `i`; `None` where it is omitted.
    pub fn const_floats(&self, i: usize) -> Result<Option<Arc<Tensor>>, OpError> {
        match self.operand(i) {
            None | Some(Operand::Empty) => Ok(None),
            Some(Operand::Float { constant: Some(t), .. }) => Ok(Some(Arc::clone(t))),
            Some(_) => Err(OpError::new(format!("input {i} must be a constant float tensor"))),
        }
    }
}
