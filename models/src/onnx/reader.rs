//! What an operator's builder sees of an ONNX node: its attributes and operands.
//!
//! Contract: every attribute that a builder asks for is noted, and import refuses a node with an
//! attribute that no one asked for; so a builder cannot overlook one that changes the meaning.

use std::sync::Arc;

use super::constants::IntTensor;
use super::generated::attribute_proto::AttributeType;
use super::generated::{AttributeProto, NodeProto};
use crate::float::graph::ValueId;
use crate::float::ops::OpError;
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
}

/// A node under construction.
pub struct NodeReader<'a> {
    node: &'a NodeProto,
    opset: i64,
    operands: Vec<Option<Operand>>,
    asked: Vec<&'static str>,
}

impl<'a> NodeReader<'a> {
    pub(super) fn new(node: &'a NodeProto, opset: i64, operands: Vec<Option<Operand>>) -> Self {
        Self { node, opset, operands, asked: Vec::new() }
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
            None => Err(OpError::new(format!("input {i} is missing"))),
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
            None => Err(OpError::new(format!("input {i} is missing"))),
        }
    }

    /// The constant integers of operand `i`; `None` where it is omitted.
    pub fn const_ints(&self, i: usize) -> Result<Option<&IntTensor>, OpError> {
        match self.operand(i) {
            None => Ok(None),
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

    pub(super) fn attribute(
        &mut self,
        name: &'static str,
        kind: AttributeType,
    ) -> Result<Option<&'a AttributeProto>, OpError> {
        self.asked.push(name);
        let Some(a) = self.node.attribute.iter().find(|a| a.name() == name) else {
            return Ok(None);
        };
        if a.r#type() != kind || !a.ref_attr_name().is_empty() {
            return Err(OpError::new(format!(
                "attribute `{name}` has type {}, needs {}",
                a.r#type().as_str_name(),
                kind.as_str_name()
            )));
        }
        Ok(Some(a))
    }

    /// Integer attribute, if given.
    pub fn int_if(&mut self, name: &'static str) -> Result<Option<i64>, OpError> {
        Ok(self.attribute(name, AttributeType::Int)?.map(|a| a.i()))
    }

    /// Integer attribute with its default.
    pub fn int(&mut self, name: &'static str, default: i64) -> Result<i64, OpError> {
        Ok(self.int_if(name)?.unwrap_or(default))
    }

    /// Integer attribute that is 0 or 1.
    pub fn flag(&mut self, name: &'static str, default: bool) -> Result<bool, OpError> {
        Ok(self.int(name, i64::from(default))? != 0)
    }

    /// Float attribute with its default; refuses NaN and infinity.
    pub fn number(&mut self, name: &'static str, default: f32) -> Result<f32, OpError> {
        let x = self.attribute(name, AttributeType::Float)?.map_or(default, |a| a.f());
        if x.is_finite() {
            return Ok(x);
        }
        Err(OpError::new(format!("attribute `{name}` is {x}, not a finite number")))
    }

    /// List of integers, if given.
    pub fn ints(&mut self, name: &'static str) -> Result<Option<&'a [i64]>, OpError> {
        Ok(self.attribute(name, AttributeType::Ints)?.map(|a| a.ints.as_slice()))
    }

    /// Text attribute, if given.
    pub fn text(&mut self, name: &'static str) -> Result<Option<&'a str>, OpError> {
        let Some(a) = self.attribute(name, AttributeType::String)? else {
            return Ok(None);
        };
        match std::str::from_utf8(a.s()) {
            Ok(s) => Ok(Some(s)),
            Err(_) => Err(OpError::new(format!("attribute `{name}` is not UTF-8"))),
        }
    }

    /// Notes an attribute that does not change inference.
    pub fn ignore(&mut self, name: &'static str) {
        self.asked.push(name);
    }

    /// Integers that older opsets give as attribute and newer ones as operand `i`.
    pub fn ints_from(&mut self, name: &'static str, i: usize) -> Result<Option<Vec<i64>>, OpError> {
        if let Some(v) = self.ints(name)? {
            return Ok(Some(v.to_vec()));
        }
        Ok(self.const_ints(i)?.map(|t| t.data.clone()))
    }

    /// The first attribute that no one asked for, with the list of those supported.
    pub(super) fn unknown_attribute(&self) -> Option<(String, String)> {
        let unknown = self.node.attribute.iter().map(AttributeProto::name);
        let name = unknown.into_iter().find(|n| !self.asked.contains(n))?;
        Some((name.to_owned(), self.asked.join(", ")))
    }
}
