//! The float graph: named values with known shapes, and nodes in topological order.
//!
//! Contract: after [`FloatGraph::validate`] every id is in range, every value has exactly one
//! definition (an input, a constant or one node output) before its first use, every stored shape
//! is the one that the operator's shape rule gives, and every constant is finite.

use std::collections::BTreeSet;
use std::sync::Arc;

use thiserror::Error;

use super::grid::Grid;
use super::ops::{Op, OpError};
use super::tensor::{Tensor, TensorError, element_count};

/// Index into [`FloatGraph::values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub usize);

/// Index into [`FloatGraph::nodes`]; it changes when a pass removes nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

/// A named tensor of the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// Name in the ONNX file, or one derived from it; unique in the graph.
    pub name: String,
    /// Dimensions, outermost first; images are `[1, C, H, W]`.
    pub shape: Vec<usize>,
    /// The data, where the value is a constant.
    pub constant: Option<Arc<Tensor>>,
    /// The codes that the model gives it, if it does.
    pub grid: Option<Arc<Grid>>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Name in the ONNX file (or `OpType_index` where the file gives none).
    pub name: String,
    /// The operation with its attributes.
    pub op: Op,
    /// Operands, in the order that the operator documents; omitted optional ones are absent.
    pub inputs: Vec<ValueId>,
    /// Results.
    pub outputs: Vec<ValueId>,
}

/// A dimension that import fixed: the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedDim {
    /// The graph input.
    pub input: String,
    /// The axis, 0 for the batch.
    pub axis: usize,
    /// What the file says there: a symbol or a number.
    pub was: String,
}

/// A float model with batch 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FloatGraph {
    /// Name of the ONNX graph.
    pub name: String,
    /// All values; [`ValueId`] indexes it.
    pub values: Vec<Value>,
    /// Operations, every producer before its consumers.
    pub nodes: Vec<Node>,
    /// Inputs, in the file's order.
    pub inputs: Vec<ValueId>,
    /// Outputs, in the file's order.
    pub outputs: Vec<ValueId>,
    /// Batch dimensions that import set to 1.
    pub fixed_dims: Vec<FixedDim>,
    /// What of the model a pass could not keep, a sentence each.
    pub notes: Vec<String>,
}

/// Who makes and who reads each value: a snapshot, indexed by [`ValueId`].
#[derive(Debug, Clone)]
pub struct Links {
    producer: Vec<Option<NodeId>>,
    consumers: Vec<Vec<NodeId>>,
    is_output: Vec<bool>,
}

impl Links {
    /// The node that makes `value`; `None` for inputs and constants.
    #[must_use]
    pub fn producer(&self, value: ValueId) -> Option<NodeId> {
        self.producer.get(value.0).copied().flatten()
    }

    /// The nodes that read `value`, in order, once per use.
    #[must_use]
    pub fn consumers(&self, value: ValueId) -> &[NodeId] {
        self.consumers.get(value.0).map_or(&[], Vec::as_slice)
    }

    /// Whether `value` is a graph output.
    #[must_use]
    pub fn is_output(&self, value: ValueId) -> bool {
        self.is_output.get(value.0).copied().unwrap_or(false)
    }

    /// The only reader of `value`, if it has exactly one and is no graph output.
    #[must_use]
    pub fn sole_consumer(&self, value: ValueId) -> Option<NodeId> {
        match self.consumers(value) {
            [one] if !self.is_output(value) => Some(*one),
            _ => None,
        }
    }
}

/// Why a graph is not valid.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum GraphError {
    /// An id that is not in the table.
    #[error("{place}: value id {id} is not in the graph")]
    BadId {
        /// Where the id stands.
        place: String,
        /// The id.
        id: usize,
    },
    /// A value is read before anything defines it.
    #[error("node `{node}` reads `{value}`, which nothing defines before it")]
    Undefined {
        /// The reader (or `output`).
        node: String,
        /// The value.
        value: String,
    },
    /// A value is defined twice.
    #[error("`{value}` is defined twice, the second time by `{node}`")]
    Duplicate {
        /// The second definition.
        node: String,
        /// The value.
        value: String,
    },
    /// An operator rejects its operands.
    #[error("node `{node}` ({op}): {source}")]
    Node {
        /// The node.
        node: String,
        /// Its operator.
        op: &'static str,
        /// What is wrong.
        source: OpError,
    },
    /// A stored shape is not the inferred one.
    #[error("`{value}` is stored as {stored:?}, its definition gives {inferred:?}")]
    Shape {
        /// The value.
        value: String,
        /// Shape in the value table.
        stored: Vec<usize>,
        /// Shape by the operator's rule.
        inferred: Vec<usize>,
    },
    /// A constant holds NaN or infinity.
    #[error("constant `{value}` holds a value that is not finite")]
    NotFinite {
        /// The constant.
        value: String,
    },
    /// A shape is too large.
    #[error("`{value}`: {source}")]
    Size {
        /// The value.
        value: String,
        /// What is wrong.
        source: TensorError,
    },
    /// Two values bear one name.
    #[error("two values bear the name `{0}`")]
    Name(String),
}

impl FloatGraph {
    /// The value behind an id of this graph. Panics, as indexing does, on an id of another graph.
    #[must_use]
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// The node behind an id. Panics, as indexing does, on an id of another graph.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// Shape of a value.
    #[must_use]
    pub fn shape(&self, id: ValueId) -> &[usize] {
        &self.values[id.0].shape
    }

    /// The data of a constant; `None` where the value is computed.
    #[must_use]
    pub fn constant(&self, id: ValueId) -> Option<&Arc<Tensor>> {
        self.values[id.0].constant.as_ref()
    }

    /// The codes that the model gives a value.
    #[must_use]
    pub fn grid(&self, id: ValueId) -> Option<&Arc<Grid>> {
        self.values[id.0].grid.as_ref()
    }

    /// The value of a one-element constant.
    #[must_use]
    pub fn scalar(&self, id: ValueId) -> Option<f32> {
        self.constant(id)?.as_scalar()
    }

    /// The value with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ValueId> {
        self.values.iter().position(|v| v.name == name).map(ValueId)
    }

    /// Producers and consumers of every value, as the graph stands now.
    #[must_use]
    pub fn links(&self) -> Links {
        let n = self.values.len();
        let mut links =
            Links { producer: vec![None; n], consumers: vec![Vec::new(); n], is_output: vec![false; n] };
        for (i, node) in self.nodes.iter().enumerate() {
            for v in &node.inputs {
                if let Some(c) = links.consumers.get_mut(v.0) {
                    c.push(NodeId(i));
                }
            }
            for v in &node.outputs {
                if let Some(p) = links.producer.get_mut(v.0) {
                    *p = Some(NodeId(i));
                }
            }
        }
        for v in &self.outputs {
            if let Some(o) = links.is_output.get_mut(v.0) {
                *o = true;
            }
        }
        links
    }

    /// Adds a value; the name gets a suffix where it is taken.
    pub fn add_value(&mut self, name: &str, shape: Vec<usize>) -> ValueId {
        let mut unique = name.to_owned();
        let mut suffix = 1;
        while self.find(&unique).is_some() {
            unique = format!("{name}.{suffix}");
            suffix += 1;
        }
        self.values.push(Value { name: unique, shape, constant: None, grid: None });
        ValueId(self.values.len() - 1)
    }

    /// Adds a constant; the name gets a suffix where it is taken.
    pub fn add_constant(&mut self, name: &str, tensor: Tensor) -> ValueId {
        let id = self.add_value(name, tensor.shape().to_vec());
        self.values[id.0].constant = Some(Arc::new(tensor));
        id
    }

    /// Makes every reader of `old` (nodes and outputs) read `new`.
    pub fn replace_uses(&mut self, old: ValueId, new: ValueId) {
        let inputs = self.nodes.iter_mut().flat_map(|n| n.inputs.iter_mut());
        for v in inputs.chain(self.outputs.iter_mut()) {
            if *v == old {
                *v = new;
            }
        }
    }

    /// Removes nodes that no output needs.
    pub fn remove_dead_nodes(&mut self) {
        let mut live = vec![false; self.values.len()];
        for v in &self.outputs {
            live[v.0] = true;
        }
        let mut keep = vec![false; self.nodes.len()];
        for (i, node) in self.nodes.iter().enumerate().rev() {
            if node.outputs.iter().any(|v| live[v.0]) {
                keep[i] = true;
                for v in &node.inputs {
                    live[v.0] = true;
                }
            }
        }
        let mut flags = keep.into_iter();
        self.nodes.retain(|_| flags.next().unwrap_or(true));
    }

    /// Removes dead nodes and unused values, and renumbers the values that stay.
    pub fn compact(&mut self) {
        self.remove_dead_nodes();
        let mut used = vec![false; self.values.len()];
        let ids = self.nodes.iter().flat_map(|n| n.inputs.iter().chain(&n.outputs));
        for v in ids.chain(&self.inputs).chain(&self.outputs) {
            used[v.0] = true;
        }
        let mut map = vec![ValueId(0); used.len()];
        let mut next = 0;
        for (slot, &u) in map.iter_mut().zip(&used) {
            *slot = ValueId(next);
            next += usize::from(u);
        }
        let mut flags = used.into_iter();
        self.values.retain(|_| flags.next().unwrap_or(false));
        let ids = self.nodes.iter_mut().flat_map(|n| n.inputs.iter_mut().chain(n.outputs.iter_mut()));
        for v in ids.chain(self.inputs.iter_mut()).chain(self.outputs.iter_mut()) {
            *v = map[v.0];
        }
    }

    /// Output shapes of `node` by its operator's rule.
    pub fn infer(&self, node: &Node) -> Result<Vec<Vec<usize>>, OpError> {
        let shapes: Vec<&[usize]> = node.inputs.iter().map(|&v| self.shape(v)).collect();
        node.op.operator().infer_shape(&shapes)
    }

    /// Multiply-accumulates of every node, in node order (see [`super::Operator::macs`]).
    #[must_use]
    pub fn macs(&self) -> Vec<u64> {
        let of = |node: &Node| {
            let ins: Vec<&[usize]> = node.inputs.iter().map(|&v| self.shape(v)).collect();
            let outs: Vec<&[usize]> = node.outputs.iter().map(|&v| self.shape(v)).collect();
            node.op.operator().macs(&ins, &outs)
        };
        self.nodes.iter().map(of).collect()
    }

    /// Constant elements that every node reads, in node order; a shared constant counts at each.
    #[must_use]
    pub fn parameters_per_node(&self) -> Vec<usize> {
        let of = |v: &ValueId| self.constant(*v).map_or(0, |t| t.len());
        self.nodes.iter().map(|n| n.inputs.iter().map(of).sum()).collect()
    }

    /// Constant elements that the nodes read, each constant counted once.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        let used: BTreeSet<ValueId> = self.nodes.iter().flat_map(|n| n.inputs.clone()).collect();
        used.iter().map(|&v| self.constant(v).map_or(0, |t| t.len())).sum()
    }

    /// Checks the whole contract of the module; the first violation is the error.
    pub fn validate(&self) -> Result<(), GraphError> {
        let mut names = BTreeSet::new();
        let mut defined = vec![false; self.values.len()];
        for (i, value) in self.values.iter().enumerate() {
            if !names.insert(value.name.as_str()) {
                return Err(GraphError::Name(value.name.clone()));
            }
            element_count(&value.shape)
                .map_err(|source| GraphError::Size { value: value.name.clone(), source })?;
            if let Some(t) = &value.constant {
                same_shape(value, t.shape())?;
                if !t.data().iter().all(|x| x.is_finite()) {
                    let value = value.name.clone();
                    return Err(GraphError::NotFinite { value });
                }
                defined[i] = true;
            }
        }
        let check = |place: &str, v: ValueId| match self.values.get(v.0) {
            Some(value) => Ok(value),
            None => Err(GraphError::BadId { place: place.to_owned(), id: v.0 }),
        };
        let define = |node: &str, v: ValueId, defined: &mut [bool]| {
            let value = check(node, v)?;
            if std::mem::replace(&mut defined[v.0], true) {
                return Err(GraphError::Duplicate { node: node.to_owned(), value: value.name.clone() });
            }
            Ok(())
        };
        let needs = |node: &str, v: ValueId, defined: &[bool]| {
            let value = check(node, v)?;
            if defined[v.0] {
                return Ok(());
            }
            Err(GraphError::Undefined { node: node.to_owned(), value: value.name.clone() })
        };
        for &v in &self.inputs {
            define("input", v, &mut defined)?;
        }
        for node in &self.nodes {
            for &v in &node.inputs {
                needs(&node.name, v, &defined)?;
            }
            let fail = |source| GraphError::Node { node: node.name.clone(), op: node.op.kind(), source };
            let shapes = self.infer(node).map_err(fail)?;
            if shapes.len() != node.outputs.len() {
                return Err(fail(OpError::new(format!(
                    "gives {} outputs, the node names {}",
                    shapes.len(),
                    node.outputs.len()
                ))));
            }
            for (&v, shape) in node.outputs.iter().zip(&shapes) {
                define(&node.name, v, &mut defined)?;
                same_shape(self.value(v), shape)?;
            }
        }
        self.outputs.iter().try_for_each(|&v| needs("output", v, &defined))
    }
}

fn same_shape(value: &Value, inferred: &[usize]) -> Result<(), GraphError> {
    if value.shape == inferred {
        return Ok(());
    }
    Err(GraphError::Shape {
        value: value.name.clone(),
        stored: value.shape.clone(),
        inferred: inferred.to_vec(),
    })
}
