//! Small questions that the patterns ask about a graph.

use crate::float::graph::{FloatGraph, Links, Node, ValueId};
use crate::float::ops::Op;
use crate::float::ops::binary::Binary;
use crate::float::ops::unary::Unary;

/// A graph with its links, for pattern matching.
pub struct Matcher<'a> {
    pub graph: &'a FloatGraph,
    pub links: Links,
}

impl<'a> Matcher<'a> {
    pub fn new(graph: &'a FloatGraph) -> Self {
        let links = graph.links();
        Self { graph, links }
    }

    /// The node that makes `v`.
    pub fn maker(&self, v: ValueId) -> Option<&'a Node> {
        self.graph.nodes.get(self.links.producer(v)?.0)
    }

    /// The operands of `v`, if `op` makes it.
    pub fn binary(&self, v: ValueId, op: Binary) -> Option<[ValueId; 2]> {
        let node = self.maker(v)?;
        match (&node.op, &node.inputs[..]) {
            (Op::Binary(b), &[x, y]) if *b == op => Some([x, y]),
            _ => None,
        }
    }

    /// The operand of `v`, if `op` makes it.
    pub fn unary(&self, v: ValueId, op: Unary) -> Option<ValueId> {
        let node = self.maker(v)?;
        match (&node.op, &node.inputs[..]) {
            (Op::Unary(u), &[x]) if *u == op => Some(x),
            _ => None,
        }
    }

    /// The other operand and the scalar, if commutative `op` with a constant scalar makes `v`.
    pub fn with_scalar(&self, v: ValueId, op: Binary) -> Option<(ValueId, f32)> {
        let [x, y] = self.binary(v, op)?;
        match (self.graph.scalar(x), self.graph.scalar(y)) {
            (None, Some(c)) => Some((x, c)),
            (Some(c), None) => Some((y, c)),
            _ => None,
        }
    }
}

/// Whether two constants are equal up to the rounding of an exporter.
pub fn near(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-5 * b.abs()
}
