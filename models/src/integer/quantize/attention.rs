//! Products of activations and softmax.

use std::sync::Arc;

use bitgauge_arch::arith::softmax::{OutputCode, exponential_table};
use bitgauge_arch::arith::{ChannelParameter, Signedness};
use bitgauge_arch::code::Container;

use super::QuantizeError;
use super::lower::{Lowering, Place};
use super::reorder::Wanted;
use super::view::{Axis, View, whole};
use crate::float::Node;
use crate::integer::graph::{CodeType, IntOp, Shape};

impl Lowering<'_> {
    pub fn mat_mul(&mut self, node: &Node) -> Result<(), QuantizeError> {
        use Axis::{Channel, Group, Row};
        let (mut a, mut b) = (self.place(node, node.inputs[0])?, self.place(node, node.inputs[1])?);
        let fits = |place: &Place, shape: Shape, last: [Axis; 2]| {
            shape.cols == 1 && place.view.ends_with(shape, &[Group], &[&[last[0]], &[last[1]]])
        };
        let fit = fits(&a, self.shape_of(&a), [Row, Channel]) && fits(&b, self.shape_of(&b), [Channel, Row]);
        if !fit && a.view.0.len() == b.view.0.len() {
            a = self.arranged(node, node.inputs[0], &a, Wanted::Heads)?;
            b = self.arranged(node, node.inputs[1], &b, Wanted::HeadsTransposed)?;
        }
        let (from, other) = (self.shape_of(&a), self.shape_of(&b));
        // Both are stored with the sum's index in the channels; for in1 that is the float transpose.
        if !a.view.ends_with(from, &[Group], &[&[Row], &[Channel]])
            || !b.view.ends_with(other, &[Group], &[&[Channel], &[Row]])
            || from.cols != 1
            || other.cols != 1
            || from.groups != other.groups
        {
            return Err(self.unsupported(node, "the operands are no heads of linear layers' outputs"));
        }
        for place in [&a, &b] {
            let code = self.code_of(place);
            if code.zero_point != 0 || code.container() != Container::Byte {
                return Err(self.unsupported(node, "an operand has no 8-bit codes with zero point 0"));
            }
        }
        let shape = Shape { rows: from.rows, channels: other.rows, ..from };
        let mut dims = a.view.0.clone();
        dims.pop();
        dims.push(whole(shape, &[Channel]));
        let view = View(dims);
        let code = self.code_for(node.outputs[0]);
        let requant = self.requant(node, self.scale_of(&a) * self.scale_of(&b) / code.scale)?;
        let parameter = ChannelParameter { bias: 0, requant, negate: false, channel_shift: 0 };
        let op = IntOp::MatMul { parameter, post: Self::post(&code, None) };
        let output = self.tensor(node.outputs[0], shape, code, &view);
        self.emit(&node.name, op, vec![a.tensor, b.tensor], output, (node.outputs[0], view));
        Ok(())
    }

    pub fn softmax(&mut self, node: &Node, axis: usize) -> Result<(), QuantizeError> {
        let place: Place = self.place(node, node.inputs[0])?;
        if axis + 1 != place.view.0.len() {
            return Err(self.unsupported(node, "only the last axis is supported"));
        }
        let place = match place.view.0.last() == Some(&whole(self.shape_of(&place), &[Axis::Channel])) {
            true => place,
            false => self.arranged(node, node.inputs[0], &place, Wanted::Channels)?,
        };
        let shape = self.shape_of(&place);
        let bits = self.bits(node.outputs[0]);
        let tag_shift = self.tag_shift(node.outputs[0]);
        let scale = 1.0 / f64::from(OutputCode { bits, tag_shift }.levels());
        let code = CodeType { bits, sign: Signedness::Unsigned, scale, zero_point: 0, tag_shift };
        let output = self.tensor(node.outputs[0], shape, code, &place.view);
        let op = IntOp::Softmax { table: Arc::new(exponential_table(self.scale_of(&place))) };
        self.emit(&node.name, op, vec![place.tensor], output, (node.outputs[0], place.view));
        Ok(())
    }
}
