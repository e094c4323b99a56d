//! Additions and one-operand functions that no convolution took in.

use std::sync::Arc;

use super::QuantizeError;
use super::fuse;
use super::lower::{Lowering, Place};
use super::masks;
use super::sums::Operand;
use crate::float::ops::axis::{broadcast_strides, for_each_offset};
use crate::float::{Node, NodeId, ValueId};
use crate::integer::graph::{CodeType, IntOp};
use crate::integer::ranges::{CodeKind, Observation, RangeRule};
use bitgauge_arch::code::Container;

impl Lowering<'_> {
    /// A table; the input has 8-bit codes.
    pub fn table(&mut self, node: &Node) -> Result<(), QuantizeError> {
        let place = self.place(node, node.inputs[0])?;
        let from = self.code_of(&place);
        if from.container() != Container::Byte {
            return Err(self.unsupported(node, "the operand has 16-bit codes, a table takes 8"));
        }
        let bits = self.bits(node.outputs[0]);
        let code = self.code_of_table(node.outputs[0], CodeKind::Symmetric { bits });
        let table = fuse::table(&node.op, &from, place.factor, &code)
            .ok_or_else(|| self.unsupported(node, "no function of one operand"))?;
        let output = self.tensor(node.outputs[0], self.shape_of(&place), code, &place.view);
        let op = IntOp::Table { table: Arc::new(table) };
        self.emit(&node.name, op, vec![place.tensor], output, (node.outputs[0], place.view));
        Ok(())
    }

    pub fn add(&mut self, id: NodeId) -> Result<(), QuantizeError> {
        let float = self.float;
        let node = float.node(id);
        let (a, b) = (node.inputs[0], node.inputs[1]);
        // A constant comes second.
        let (a, b) = if float.constant(a).is_some() { (b, a) } else { (a, b) };
        let mut first = self.place(node, a)?;
        if float.shape(a) != float.shape(node.outputs[0]) {
            return Err(self.unsupported(node, "a computed operand is broadcast"));
        }
        let mut end = node.outputs[0];
        let follower = self.links.sole_consumer(end);
        let clamp = follower.and_then(|id| fuse::bounds(&float.node(id).op));
        if let (Some(id), Some(_)) = (follower, clamp) {
            self.done[id.0] = true;
            end = float.node(id).outputs[0];
        }
        let masked = float.constant(b).and_then(|_| self.masked(node, a, b));
        let code = masked.map_or_else(|| self.code_for(end), |masked| masked.sum);
        let second = match float.constant(b) {
            Some(tensor) if masked.is_none() && masks::is_unbounded(tensor.max_abs()) => {
                return Err(
                    self.unsupported(node, "a constant without bounds is added where no softmax masks by it")
                );
            }
            Some(_) => self.constant_operand(node, b, &first, &code, masked.map(|masked| masked.constant))?,
            None => self.place(node, b)?,
        };
        if float.shape(b) != float.shape(a) && float.constant(b).is_none() {
            return Err(self.unsupported(node, "a computed operand is broadcast"));
        }
        // Where the two lie differently, a map or tokens keep their order.
        let mut second = second;
        let plain = |place: &Place, shape| place.view.is_map(shape) || place.view.is_tokens(shape);
        let plain = [&first, &second].map(|place| plain(place, self.shape_of(place)));
        if plain == [false, true] {
            first = self.reordered(node, a, &first, self.shape_of(&second), second.view.clone())?;
        } else {
            second = self.reordered(node, b, &second, self.shape_of(&first), first.view.clone())?;
        }
        let shape = self.shape_of(&first);
        let operands =
            [(a, &first), (b, &second)].map(|(value, place)| Operand { value, place: Some(place) });
        let code = match masked {
            Some(_) => code,
            None => self.holding(node, node.outputs[0], code, &operands),
        };
        let op = IntOp::Add {
            first: self.residual(node, &first, code.scale)?,
            second: Some(self.residual(node, &second, code.scale)?),
            post: Self::post(&code, clamp),
        };
        self.trace.sums.insert(node.outputs[0], code.scale);
        if float.constant(b).is_some() {
            self.trace.operands.insert((node.outputs[0], b), self.code_of(&second));
        }
        let steps = self.shifts.get(&end).cloned();
        if [&first, &second].into_iter().any(|place| self.shifts_of(place) != steps) {
            return Err(
                self.unsupported(node, "channels of its operands have unlike steps ([channel_shifts])")
            );
        }
        let output = self.tensor(end, shape, code, &first.view);
        if masked.is_some() {
            // What is masked has no noise to speak of.
            self.graph.tensors[output.0].float_source = None;
        }
        self.emit(&node.name, op, vec![first.tensor, second.tensor], output, (end, first.view));
        Ok(())
    }

    /// A constant, broadcast to the other operand's shape, in given codes or else in codes of its own as wide as
    /// those; zeros alone have the step of the sum.
    fn constant_operand(
        &mut self,
        node: &Node,
        id: ValueId,
        like: &Place,
        sum: &CodeType,
        codes: Option<CodeType>,
    ) -> Result<Place, QuantizeError> {
        let value = self.float.value(id);
        let Some(tensor) = &value.constant else { return self.place(node, id) };
        let shape = self.shape_of(like);
        let target = self.float.shape(node.outputs[0]);
        let strides: Vec<isize> =
            broadcast_strides(tensor.shape(), target).into_iter().map(|s| s as isize).collect();
        let mut reals = Vec::with_capacity(shape.elements());
        for_each_offset(target, &strides, 0, |offset| reals.push(tensor.data()[offset]));
        let mut seen = Observation::new();
        seen.widen(&reals);
        let wide = self.code_of(like).container() == Container::Word;
        let bits = if wide { 16 } else { self.bits(id) };
        let kind = CodeKind::Symmetric { bits };
        let own = self.given_constant(id, bits);
        let code = match (codes, seen.range(RangeRule::MinMax, kind)) {
            (Some(codes), _) => codes,
            (None, (0.0, 0.0)) => CodeType { scale: sum.scale, ..kind.code((0.0, 0.0)) },
            (None, range) => own.unwrap_or_else(|| kind.code(range)),
        };
        let mut ordered = vec![0.0; reals.len()];
        for (&at, &real) in like.view.indices(shape).iter().zip(&reals) {
            ordered[at] = real;
        }
        let steps = self.shifts_of(like);
        let code = match &steps {
            Some(shifts) => Self::shifted_constant(bits, shifts, &mut ordered),
            None => code,
        };
        let tensor = self.constant(&value.name, &ordered, shape, code);
        self.graph.tensors[tensor.0].channel_shifts = steps;
        Ok(Place { tensor, view: like.view.clone(), factor: 1.0, fraction: 0.0 })
    }
}
