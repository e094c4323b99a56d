//! The float graph: named values with known shapes, and nodes in topological order.
//!
//! Contract: after [`FloatGraph::validate`] every id is in range, every value has exactly one
//! definition (an input, a constant or one node output) before its first use, every stored shape
//! is the one that the operator's shape rule gives, and every constant is finite.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use thiserror::Error;

use super::grid::Grid;
use super::nodes::{Links, Nodes};
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
    /// What the file says there: a symbol, `?` or `0`.
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
    pub nodes: Nodes,
    /// Inputs, in the file's order.
    pub inputs: Vec<ValueId>,
    /// Outputs, in the file's order.
    pub outputs: Vec<ValueId>,
    /// Batch dimensions that import set to 1.
    pub fixed_dims: Vec<FixedDim>,
    /// What of the model a pass could not keep, a sentence each.
    pub notes: Vec<String>,
    /// ONNX operator of each node of the file, by the node's name; passes leave it as it is.
    pub origins: BTreeMap<String, String>,
    /// Names that values bear, for [`FloatGraph::add_value`] alone.
    #[doc(hidden)]
    pub names: Names,
}

/// Names that values of a graph bear, or bore.
#[derive(Debug, Clone, Default)]
pub struct Names {
    taken: HashSet<String>,
    /// Values whose names are among them.
    values: usize,
}

impl Names {
    /// `name`, with a suffix where one of `values` bears it.
    fn unused(&mut self, name: &str, values: &[Value]) -> String {
        let known = self.values.min(values.len());
        self.taken.extend(values[known..].iter().map(|value| value.name.clone()));
        let mut suffixed = (1..).map(|suffix| format!("{name}.{suffix}"));
        let mut unused = name.to_owned();
        while !self.taken.insert(unused.clone()) {
            unused = suffixed.next().unwrap_or_default();
        }
        self.values = values.len() + 1;
        unused
    }
}

impl PartialEq for Names {
    /// They are no part of what a graph is.
    fn eq(&self, _: &Self) -> bool {
        true
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
        op: String,
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

    /// Name and operator of a node as the ONNX file has them: of the node that a pass made it of, if one did.
    #[must_use]
    pub fn origin(&self, node: &Node) -> (String, String) {
        // What passes make of a node has its name and more, behind a mark.
        let mut name = node.name.as_str();
        loop {
            if let Some(op) = self.origins.get(name) {
                return (name.to_owned(), op.clone());
            }
            match name.rfind(['.', '~']) {
                Some(end) => name = &name[..end],
                None => return (node.name.clone(), node.op.onnx_name()),
            }
        }
    }

    /// The value with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ValueId> {
        self.values.iter().position(|v| v.name == name).map(ValueId)
    }

    /// Producers and consumers of every value, as the graph stands now; cheap where little changed since the last
    /// time.
    #[must_use]
    pub fn links(&self) -> Links {
        self.nodes.links(self.values.len(), &self.outputs)
    }

    /// Adds a value; the name gets a suffix where it is taken.
    pub fn add_value(&mut self, name: &str, shape: Vec<usize>) -> ValueId {
        let name = self.names.unused(name, &self.values);
        self.values.push(Value { name, shape, constant: None, grid: None });
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
        let exchange = |v: &mut ValueId| {
            if *v == old {
                *v = new
            }
        };
        for id in self.links().consumers(old) {
            self.nodes[id.0].inputs.iter_mut().for_each(exchange);
        }
        self.outputs.iter_mut().for_each(exchange);
    }

    /// Drops the data of a constant that nothing reads any more, so that a network's weights and what a pass makes
    /// of them are not held both.
    pub fn drop_unread(&mut self, value: ValueId) {
        let links = self.links();
        if links.consumers(value).is_empty() && !links.is_output(value) {
            self.values[value.0].constant = None;
        }
    }

    /// Drops the data of all constants that nothing reads.
    pub fn drop_all_unread(&mut self) {
        let links = self.links();
        for (id, value) in self.values.iter_mut().enumerate() {
            let id = ValueId(id);
            if value.constant.is_some() && links.consumers(id).is_empty() && !links.is_output(id) {
                value.constant = None;
            }
        }
    }

    /// Removes nodes that no output needs.
    pub fn remove_dead_nodes(&mut self) {
        let live = self.live_nodes();
        if live.contains(&false) {
            let mut flags = live.into_iter();
            self.nodes.retain(|_| flags.next().unwrap_or(true));
        }
    }

    /// Buries nodes that no output needs, and drops the data that nothing reads then: the others keep their places.
    pub fn bury_dead_nodes(&mut self) {
        let live = self.live_nodes();
        for (at, _) in live.iter().enumerate().filter(|(_, live)| !**live) {
            self.nodes.bury(at);
        }
        self.drop_all_unread();
    }

    /// Which nodes an output needs.
    fn live_nodes(&self) -> Vec<bool> {
        let links = self.links();
        let mut live = vec![false; self.nodes.len()];
        let mut open = self.outputs.clone();
        while let Some(value) = open.pop() {
            if let Some(NodeId(i)) = links.producer(value)
                && !std::mem::replace(&mut live[i], true)
            {
                open.extend(&self.nodes[i].inputs);
            }
        }
        live
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
        self.names = Names::default();
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
                if !t.is_finite() {
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
            let fail = |source| {
                let (node, op) = self.origin(node);
                GraphError::Node { node, op, source }
            };
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
