//! Small questions that the patterns ask about a graph.

use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::nodes::Links;
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

    /// The node that makes `v`, or the sum whose codes alone bound it: where codes begin at zero behind a sum,
    /// [`super::take_codes`] puts a Clip, which says nothing new of what is never below zero, as a variance is.
    pub fn sum(&self, v: ValueId) -> Option<&'a Node> {
        let node = self.maker(v)?;
        let Op::Clip(clip) = &node.op else { return Some(node) };
        let by_codes = self.graph.grid(v)?.reals() == Some((clip.min, clip.max)) && clip.min == 0.0;
        if by_codes { self.maker(*node.inputs.first()?) } else { Some(node) }
    }

    /// The operands of `v`, if `op` makes it.
    pub fn binary(&self, v: ValueId, op: Binary) -> Option<[ValueId; 2]> {
        let node = if op == Binary::Add { self.sum(v)? } else { self.maker(v)? };
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

    /// The product that makes `v`: its constant, and its other factors with their multiplicity. Opens Mul, Div
    /// by a constant and small whole powers, but nothing of `closed`, and at most [`MAX_FACTORS`] nodes.
    pub fn product(&self, v: ValueId, closed: &[ValueId]) -> (f32, Vec<ValueId>) {
        let (mut scalar, mut factors) = (1.0, Vec::new());
        let (mut open, mut opened) = (vec![v], 0);
        while let Some(v) = open.pop() {
            if let Some(c) = self.graph.scalar(v) {
                scalar *= c;
                continue;
            }
            let parts = if closed.contains(&v) || opened >= MAX_FACTORS { None } else { self.factors(v) };
            opened += 1;
            match parts {
                Some((divisor, parts)) => {
                    scalar /= divisor;
                    open.extend(parts);
                }
                None => factors.push(v),
            }
        }
        (scalar, factors)
    }

    /// A constant divisor and the factors, if a product, quotient or whole power makes `v`.
    fn factors(&self, v: ValueId) -> Option<(f32, Vec<ValueId>)> {
        if let Some(both) = self.binary(v, Binary::Mul) {
            return Some((1.0, both.to_vec()));
        }
        if let Some([a, b]) = self.binary(v, Binary::Div) {
            return Some((self.graph.scalar(b)?, vec![a]));
        }
        let [base, exponent] = self.binary(v, Binary::Pow)?;
        match self.graph.scalar(exponent)? {
            2.0 => Some((1.0, vec![base; 2])),
            3.0 => Some((1.0, vec![base; 3])),
            _ => None,
        }
    }

    /// Whether `v` is `scalar` times exactly these factors, in any order and grouping.
    pub fn is_product(&self, v: ValueId, scalar: f32, of: &[ValueId]) -> bool {
        let (found, mut factors) = self.product(v, of);
        let mut wanted = of.to_vec();
        factors.sort_unstable();
        wanted.sort_unstable();
        near(found, scalar) && factors == wanted
    }
}

/// Longest product that is opened.
const MAX_FACTORS: usize = 12;

/// Whether two constants are equal up to the rounding of an exporter.
pub fn near(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-5 * b.abs()
}
