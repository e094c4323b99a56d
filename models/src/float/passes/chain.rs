//! The nodes that a pass puts in the place of one: named after it, with shapes by their operators' rules.

use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::ops::binary::Binary;
use crate::float::ops::reshape::Reshape;
use crate::float::ops::transpose::Transpose;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

/// Nodes under construction, in order.
pub struct Chain<'a> {
    pub graph: &'a mut FloatGraph,
    name: String,
    nodes: Vec<Node>,
}

impl<'a> Chain<'a> {
    /// An empty chain that is to replace the node `name`.
    pub fn new(graph: &'a mut FloatGraph, name: &str) -> Self {
        Self { graph, name: name.to_owned(), nodes: Vec::new() }
    }

    /// Adds a node of one result; an empty `part` gives it the replaced node's own name.
    pub fn step(&mut self, part: &str, op: Op, inputs: &[ValueId]) -> Result<ValueId, OpError> {
        let name = match part {
            "" => self.name.clone(),
            part => format!("{}.{part}", self.name),
        };
        let mut node = Node { name, op, inputs: inputs.to_vec(), outputs: Vec::new() };
        let shape = self.graph.infer(&node)?.pop().ok_or_else(|| OpError::new("has no result"))?;
        let y = self.graph.add_value(&format!("{}.{part}_out", self.name), shape);
        node.outputs.push(y);
        self.nodes.push(node);
        Ok(y)
    }

    /// Adds a constant.
    pub fn constant(&mut self, part: &str, tensor: Tensor) -> ValueId {
        self.graph.add_constant(&format!("{}.{part}", self.name), tensor)
    }

    /// `x` in another shape of as many elements; itself where it has it.
    pub fn reshape(&mut self, part: &str, x: ValueId, shape: &[usize]) -> Result<ValueId, OpError> {
        if self.graph.shape(x) == shape {
            return Ok(x);
        }
        self.step(part, Op::Reshape(Reshape { shape: shape.to_vec() }), &[x])
    }

    /// `x` with its axes in another order; itself where they have it.
    pub fn transpose(&mut self, part: &str, x: ValueId, perm: &[usize]) -> Result<ValueId, OpError> {
        if perm.iter().copied().eq(0..perm.len()) {
            return Ok(x);
        }
        self.step(part, Op::Transpose(Transpose { perm: perm.to_vec() }), &[x])
    }

    /// `x` times a number; itself where that is 1.
    pub fn times(&mut self, part: &str, x: ValueId, factor: f32) -> Result<ValueId, OpError> {
        if factor == 1.0 {
            return Ok(x);
        }
        let factor = self.constant(&format!("{part}_factor"), Tensor::scalar(factor));
        self.step(part, Op::Binary(Binary::Mul), &[x, factor])
    }

    /// The nodes; the last one makes `y`, which the replaced node made. None where there are none.
    pub fn finish(mut self, y: ValueId) -> Vec<Node> {
        if let Some(last) = self.nodes.last_mut() {
            last.outputs = vec![y];
        }
        self.nodes
    }
}
