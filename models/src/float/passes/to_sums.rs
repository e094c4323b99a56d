//! Writes functions of two operands as sums of functions of one, which the accelerator has.

use crate::float::graph::{FloatGraph, Node, ValueId};
use crate::float::ops::binary::Binary;
use crate::float::ops::conv::Conv;
use crate::float::ops::unary::Unary;
use crate::float::ops::window::Window;
use crate::float::ops::{Op, OpError};
use crate::float::tensor::Tensor;

use super::replace_each;

/// `a - b` => `a + (-b)`; `max(a, b)` => `a + relu(b - a)`; `min(a, b)` => `a + -relu(a - b)`; `PRelu(x, s)` of a
/// map with a slope for each channel => `relu(x)` plus a depthwise `Conv` of `relu(-x)`
pub fn run(graph: &mut FloatGraph) -> Result<usize, OpError> {
    replace_each(graph, sums)
}

/// The nodes that replace one; none where it stays.
fn sums(graph: &mut FloatGraph, i: usize) -> Result<Vec<Node>, OpError> {
    let node = graph.nodes[i].clone();
    let (&Op::Binary(op), &[a, b], &[y]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
        return Ok(Vec::new());
    };
    let shape = graph.shape(y).to_vec();
    // What is broadcast is computed once for each of its own elements.
    let alike = graph.shape(a) == shape && graph.shape(b) == shape;
    let computed = graph.constant(a).is_none() && graph.constant(b).is_none();
    let mut steps = Steps { graph, name: &node.name, nodes: Vec::new() };
    match op {
        Binary::Sub => {
            let b = steps.negative(b)?;
            steps.last(Op::Binary(Binary::Add), &[a, b], y);
        }
        Binary::Max if alike && computed => {
            let rest = steps.difference(b, a)?;
            let rest = steps.unary(Unary::Relu, rest);
            steps.last(Op::Binary(Binary::Add), &[a, rest], y);
        }
        Binary::Min if alike && computed => {
            let rest = steps.difference(a, b)?;
            let rest = steps.unary(Unary::Relu, rest);
            let rest = steps.negative(rest)?;
            steps.last(Op::Binary(Binary::Add), &[a, rest], y);
        }
        Binary::PRelu => steps.prelu(a, b, y)?,
        _ => {}
    }
    Ok(steps.nodes)
}

/// The nodes that replace one.
struct Steps<'a> {
    graph: &'a mut FloatGraph,
    name: &'a str,
    nodes: Vec<Node>,
}

impl Steps<'_> {
    fn last(&mut self, op: Op, inputs: &[ValueId], y: ValueId) {
        let name = match self.nodes.len() {
            0 => self.name.to_owned(),
            step => format!("{}.{step}", self.name),
        };
        self.nodes.push(Node { name, op, inputs: inputs.to_vec(), outputs: vec![y] });
    }

    fn step(&mut self, op: Op, inputs: &[ValueId], shape: Vec<usize>) -> ValueId {
        let y = self.graph.add_value(&format!("{}.step_{}", self.name, self.nodes.len()), shape);
        self.last(op, inputs, y);
        y
    }

    fn unary(&mut self, op: Unary, x: ValueId) -> ValueId {
        let shape = self.graph.shape(x).to_vec();
        self.step(Op::Unary(op), &[x], shape)
    }

    fn negative(&mut self, x: ValueId) -> Result<ValueId, OpError> {
        let Some(constant) = self.graph.constant(x) else { return Ok(self.unary(Unary::Neg, x)) };
        let negative = constant.data().iter().map(|x| -x).collect();
        let tensor = Tensor::new(constant.shape().to_vec(), negative)?;
        Ok(self.graph.add_constant(&format!("{}.negative", self.name), tensor))
    }

    fn difference(&mut self, a: ValueId, b: ValueId) -> Result<ValueId, OpError> {
        let b = self.negative(b)?;
        let shape = self.graph.shape(a).to_vec();
        Ok(self.step(Op::Binary(Binary::Add), &[a, b], shape))
    }

    /// `relu(x) - slope * relu(-x)`.
    fn prelu(&mut self, x: ValueId, slope: ValueId, y: ValueId) -> Result<(), OpError> {
        let &[_, channels, _, _] = self.graph.shape(x) else { return Ok(()) };
        let Some(slope) = self.graph.constant(slope) else { return Ok(()) };
        let weights: Vec<f32> = match (slope.as_scalar(), slope.shape()) {
            (Some(slope), _) => vec![-slope; channels],
            (None, &[.., c, 1, 1]) if c == channels && slope.data().len() == channels => {
                slope.data().iter().map(|slope| -slope).collect()
            }
            _ => return Ok(()),
        };
        let weight = Tensor::new(vec![channels, 1, 1, 1], weights)?;
        let weight = self.graph.add_constant(&format!("{}.slopes", self.name), weight);
        let above = self.unary(Unary::Relu, x);
        let below = self.unary(Unary::Neg, x);
        let below = self.unary(Unary::Relu, below);
        let shape = self.graph.shape(x).to_vec();
        let conv = Op::Conv(Conv { window: Window::POINT, groups: channels });
        let scaled = self.step(conv, &[below, weight], shape);
        self.last(Op::Binary(Binary::Add), &[scaled, above], y);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::passes::testing::Sketch;

    #[test]
    fn two_computed_operands() {
        let cases: [(Binary, &[&str]); 3] = [
            (Binary::Sub, &["Unary", "Binary"]),
            (Binary::Max, &["Unary", "Binary", "Unary", "Binary"]),
            (Binary::Min, &["Unary", "Binary", "Unary", "Unary", "Binary"]),
        ];
        for (op, kinds) in cases {
            let mut s = Sketch::new();
            let a = s.input(&[2, 5]);
            let b = s.node(Op::Unary(Unary::Sin), &[a]);
            let y = s.node(Op::Binary(op), &[a, b]);
            s.check(&[y], run, &[&["Unary"], kinds].concat());
        }
    }

    #[test]
    fn constants() {
        let mut s = Sketch::new();
        let x = s.input(&[2, 2]);
        let c = s.constant(&[2], &[3.0, -1.0]);
        let y = s.node(Op::Binary(Binary::Sub), &[x, c]);
        s.check(&[y], run, &["Binary"]);
    }

    #[test]
    fn slopes_of_channels() {
        for (shape, slopes) in [(&[2, 1, 1][..], &[0.25, -0.5][..]), (&[1], &[0.1])] {
            let mut s = Sketch::new();
            let x = s.input(&[1, 2, 3, 3]);
            let c = s.constant(shape, slopes);
            let y = s.node(Op::Binary(Binary::PRelu), &[x, c]);
            s.check(&[y], run, &["Unary", "Unary", "Unary", "Conv", "Binary"]);
        }
    }
}
