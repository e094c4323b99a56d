//! The integer interpreter: the golden model of simulator and hardware.
//!
//! Contract: the bytes follow from the graph and the inputs alone; nothing wraps and nothing panics
//! on a graph that [`validate`](super::validate()) accepts, which [`Prepared::new`] makes sure of.

use std::borrow::Cow;

use thiserror::Error;

use super::graph::{IntGraph, IntOutput};
use super::kernels::{self, Prework};
use super::validate::{ValidateError, validate};

/// Why a graph cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RunError {
    /// The graph does not keep its contract.
    #[error(transparent)]
    Invalid(#[from] ValidateError),
    /// The number of inputs is wrong.
    #[error("the graph has {expected} inputs, {given} are given")]
    InputCount {
        /// Inputs of the graph.
        expected: usize,
        /// Inputs given.
        given: usize,
    },
    /// An input has the wrong length.
    #[error("input `{name}` has {expected} bytes, {given} are given")]
    InputLength {
        /// The input.
        name: String,
        /// Its bytes.
        expected: usize,
        /// Bytes given.
        given: usize,
    },
}

/// A graph with its weights packed: made once, run for many images and from many threads.
pub struct Prepared<'g> {
    graph: &'g IntGraph,
    /// Of each node; `None` where it is made when the node is run.
    work: Option<Vec<Prework>>,
    /// For each node, the tensors that nobody reads after it.
    frees: Vec<Vec<usize>>,
}

/// Every tensor's containers; constants included.
pub fn run(graph: &IntGraph, inputs: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, RunError> {
    Prepared::for_one(graph)?.run(inputs)
}

/// The outputs' containers, in the graph's order.
pub fn run_outputs(graph: &IntGraph, inputs: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, RunError> {
    Prepared::for_one(graph)?.run_outputs(inputs)
}

impl<'g> Prepared<'g> {
    /// Validates the graph and packs its weights.
    pub fn new(graph: &'g IntGraph) -> Result<Self, RunError> {
        let mut prepared = Self::for_one(graph)?;
        prepared.work = Some(graph.nodes.iter().map(Prework::new).collect());
        Ok(prepared)
    }

    /// As [`Prepared::new`], for a single image: the weights of a node are packed when it is run, and not held after.
    pub fn for_one(graph: &'g IntGraph) -> Result<Self, RunError> {
        validate(graph)?;
        Ok(Self { graph, work: None, frees: frees(graph) })
    }

    /// The graph.
    #[must_use]
    pub fn graph(&self) -> &'g IntGraph {
        self.graph
    }

    /// Every tensor's containers; `None` for a tensor that nothing defines.
    pub fn run(&self, inputs: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, RunError> {
        let slots = self.execute(inputs, false)?;
        Ok(slots.into_iter().map(|slot| slot.map(Cow::into_owned)).collect())
    }

    /// The outputs' containers, in the graph's order; every other tensor is freed after its last use.
    pub fn run_outputs(&self, inputs: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, RunError> {
        let slots = self.execute(inputs, true)?;
        let output =
            |output: &IntOutput| slots[output.tensor.0].clone().map(Cow::into_owned).unwrap_or_default();
        Ok(self.graph.outputs.iter().map(output).collect())
    }

    fn execute<'a>(
        &'a self,
        inputs: &'a [Vec<u8>],
        free: bool,
    ) -> Result<Vec<Option<Cow<'a, [u8]>>>, RunError> {
        let graph = self.graph;
        if inputs.len() != graph.inputs.len() {
            return Err(RunError::InputCount { expected: graph.inputs.len(), given: inputs.len() });
        }
        let constant = |t: &'a super::IntTensor| t.constant.as_ref().map(|bytes| Cow::Borrowed(&bytes[..]));
        let mut slots: Vec<Option<Cow<'a, [u8]>>> = graph.tensors.iter().map(constant).collect();
        for (id, bytes) in graph.inputs.iter().zip(inputs) {
            let tensor = graph.tensor(*id);
            let expected = tensor.shape.elements() * tensor.code.container().bytes();
            if bytes.len() != expected {
                let name = tensor.name.clone();
                return Err(RunError::InputLength { name, expected, given: bytes.len() });
            }
            slots[id.0] = Some(Cow::Borrowed(bytes));
        }
        let mut scratch = kernels::Scratch::default();
        for (at, (node, frees)) in graph.nodes.iter().zip(&self.frees).enumerate() {
            let made;
            let work = match &self.work {
                Some(work) => &work[at],
                None => {
                    made = Prework::new(node);
                    &made
                }
            };
            let output = graph.tensor(node.output);
            let mut bytes = vec![0; output.shape.elements() * output.code.container().bytes()];
            let operands: Vec<kernels::Operand<'_>> = node
                .inputs
                .iter()
                .map(|id| kernels::Operand {
                    tensor: graph.tensor(*id),
                    bytes: slots[id.0].as_deref().unwrap_or_default(),
                })
                .collect();
            kernels::compute(node, work, &operands, output, &mut bytes, &mut scratch);
            slots[node.output.0] = Some(Cow::Owned(bytes));
            if free {
                for &tensor in frees {
                    slots[tensor] = None;
                }
            }
        }
        Ok(slots)
    }
}

fn frees(graph: &IntGraph) -> Vec<Vec<usize>> {
    let mut last = vec![None; graph.tensors.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        for id in node.inputs.iter().chain([&node.output]) {
            last[id.0] = Some(index);
        }
    }
    for output in &graph.outputs {
        last[output.tensor.0] = None;
    }
    let mut frees = vec![Vec::new(); graph.nodes.len()];
    for (tensor, index) in last.iter().enumerate() {
        if let Some(index) = index {
            frees[*index].push(tensor);
        }
    }
    frees
}
