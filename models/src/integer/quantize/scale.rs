//! A map times a computed vector of channels, as squeeze-and-excitation has it.

use bitgauge_arch::arith::ChannelParameter;
use bitgauge_arch::code::Container;

use super::QuantizeError;
use super::lower::Lowering;
use super::view::{Axis, View};
use crate::float::ops::binary::Binary;
use crate::float::{FloatGraph, Node, Op, ValueId};
use crate::integer::graph::{IntOp, Shape};

/// The operands of such a product: the map, and what scales it.
pub fn factors(float: &FloatGraph, node: &Node) -> Option<[ValueId; 2]> {
    let (Op::Binary(Binary::Mul), &[a, b]) = (&node.op, &node.inputs[..]) else { return None };
    let vector = |of: ValueId, map: ValueId| match (float.shape(of), float.shape(map)) {
        (&[1, c, 1, 1], &[1, channels, _, _]) => c == channels,
        _ => false,
    };
    let computed = [a, b].iter().all(|&operand| float.constant(operand).is_none());
    match () {
        () if !computed => None,
        () if vector(b, a) => Some([a, b]),
        () if vector(a, b) => Some([b, a]),
        () => None,
    }
}

impl Lowering<'_> {
    pub fn scale(&mut self, node: &Node, [map, vector]: [ValueId; 2]) -> Result<(), QuantizeError> {
        let (a, b) = (self.map_place(node, map)?, self.place(node, vector)?);
        let (from, other) = (self.shape_of(&a), self.shape_of(&b));
        let single = Shape { rows: 1, cols: 1, ..from };
        let flat = other.groups == 1 && other.rows * other.cols == 1;
        if from.groups != 1 || !flat || other.channels != single.channels {
            return Err(self.unsupported(node, "the factors are no map and one pixel of its channels"));
        }
        for place in [&a, &b] {
            let code = self.code_of(place);
            if code.zero_point != 0 || code.container() != Container::Byte || place.fraction != 0.0 {
                return Err(self.unsupported(node, "an operand has no 8-bit codes with zero point 0"));
            }
        }
        let view = View::of(from, &[&[], &[Axis::Channel], &[Axis::Row], &[Axis::Col]]);
        let tail = self.tail(node.outputs[0], &view, from, true);
        let code = self.code_for(tail.end);
        let requant = self.requant(node, self.scale_of(&a) * self.scale_of(&b) / code.scale)?;
        let parameter = ChannelParameter { bias: 0, requant, negate: false, channel_shift: 0 };
        let op = IntOp::Scale { parameter, post: Self::post(&code, tail.clamp) };
        let output = self.tensor(tail.end, from, code, &view);
        self.emit(&node.name, op, vec![a.tensor, b.tensor], output, (tail.end, view));
        Ok(())
    }
}
