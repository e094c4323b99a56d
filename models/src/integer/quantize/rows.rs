//! Joining and cutting tokens.

use super::QuantizeError;
use super::channels::unshift;
use super::lower::{Lowering, Place};
use super::reorder::{Wanted, outermost};
use super::view::{Atom, Axis, View, joined};
use crate::float::Node;
use crate::float::ops::gather::Gather;
use crate::float::ops::slice::Slice;
use crate::integer::graph::{IntOp, Shape, TensorId};

use Axis::Row;

impl Lowering<'_> {
    pub fn concat(&mut self, node: &Node, axis: usize) -> Result<(), QuantizeError> {
        let out = self.float.shape(node.outputs[0]);
        let Some((&channels, lead)) = out.split_last().filter(|(_, lead)| axis < lead.len()) else {
            return Err(self.unsupported(node, "channels of a linear layer are not joined"));
        };
        let shape = Shape { groups: 1, rows: lead.iter().product(), cols: 1, channels };
        let each = shape.rows / out[axis].max(1);
        let view = outermost(out, axis);
        let code = self.code_for(node.outputs[0]);
        let mut inputs: Vec<TensorId> = Vec::new();
        for &operand in &node.inputs {
            let value = self.float.value(operand);
            let part = Shape { rows: value.shape[axis] * each, ..shape };
            let own = outermost(&value.shape, axis);
            if let Some(tensor) = &value.constant {
                if own.indices(part).into_iter().ne(0..part.elements()) {
                    return Err(
                        self.unsupported(node, "a constant is joined along another axis than the first")
                    );
                }
                self.trace.operands.insert((node.outputs[0], operand), code);
                let steps = self.shifts.get(&node.outputs[0]).cloned();
                let mut reals = tensor.data().to_vec();
                if let Some(shifts) = &steps {
                    unshift(shifts, &mut reals);
                }
                let constant = self.constant(&value.name, &reals, part, code);
                self.graph.tensors[constant.0].channel_shifts = steps;
                inputs.push(constant);
                continue;
            }
            let place = self.place(node, operand)?;
            let place = self.reordered(node, operand, &place, part, own)?;
            if self.code_of(&place) == code && place.factor == 1.0 {
                inputs.push(place.tensor);
                continue;
            }
            // Its producer could not take the join's codes: one change of scale.
            let first = self.residual(node, &place, code.scale)?;
            let op = IntOp::Add { first, second: None, post: Self::post(&code, None) };
            let rescaled = self.tensor(operand, part, code, &place.view);
            let name = format!("{}/rescale_{}", node.name, inputs.len());
            self.emit(&name, op, vec![place.tensor], rescaled, (operand, place.view.clone()));
            self.places[operand.0] = Some(place);
            self.trace.operands.insert((node.outputs[0], operand), code);
            inputs.push(rescaled);
        }
        let output = self.tensor(node.outputs[0], shape, code, &view);
        self.emit(&node.name, IntOp::ConcatRows, inputs, output, (node.outputs[0], view));
        Ok(())
    }

    pub fn slice(&mut self, node: &Node, slice: &Slice) -> Result<(), QuantizeError> {
        match slice.ranges[..] {
            [ref range] if range.step == 1 => self.cut(node, range.axis, range.start, range.len, true),
            _ => Err(self.unsupported(node, "only one range of step 1 is supported")),
        }
    }

    pub fn gather(&mut self, node: &Node, gather: &Gather) -> Result<(), QuantizeError> {
        let &[first, ..] = &gather.indices[..] else {
            return Err(self.unsupported(node, "no index"));
        };
        let consecutive = gather.indices.iter().copied().eq(first..first + gather.indices.len());
        if !consecutive || gather.index_shape.len() > 1 {
            return Err(self.unsupported(node, "only consecutive indices are supported"));
        }
        self.cut(node, gather.axis, first, gather.indices.len(), !gather.index_shape.is_empty())
    }

    fn cut(
        &mut self,
        node: &Node,
        axis: usize,
        start: usize,
        count: usize,
        keep: bool,
    ) -> Result<(), QuantizeError> {
        let mut place = self.place(node, node.inputs[0])?;
        let whole_axis = count == self.float.shape(node.inputs[0])[axis];
        if !whole_axis && !self.is_outermost(&place, axis) {
            if axis + 1 == place.view.0.len() {
                return Err(self.unsupported(node, "only the token axis can be cut"));
            }
            place = self.arranged(node, node.inputs[0], &place, Wanted::Outermost(axis))?;
        }
        let from = self.shape_of(&place);
        let mut dims = place.view.0.clone();
        let mut after = Place { ..place.clone() };
        if !whole_axis {
            let each = from.rows / self.float.shape(node.inputs[0])[axis].max(1);
            let shape = Shape { rows: count * each, ..from };
            dims[axis] = joined([Atom { axis: Row, stride: each, size: count }]);
            if !keep {
                dims.remove(axis);
            }
            after.view = View(dims);
            let code = self.code_of(&place);
            after.tensor = self.tensor(node.outputs[0], shape, code, &after.view);
            let op = IntOp::SliceRows { start: start * each };
            let at = (node.outputs[0], after.view.clone());
            self.emit(&node.name, op, vec![place.tensor], after.tensor, at);
        } else if !keep {
            // One row of one: a matter of dimensions alone.
            dims.remove(axis);
            after.view = View(dims);
        }
        self.places[node.outputs[0].0] = Some(after);
        Ok(())
    }

    /// Whether a step along an axis is a step over whole rows, as many at each.
    fn is_outermost(&self, place: &Place, axis: usize) -> bool {
        let shape = self.shape_of(place);
        let outermost = |dim: &Vec<Atom>| match dim[..] {
            [Atom { axis: Row, stride, size }] => stride * size == shape.rows,
            _ => false,
        };
        shape.groups == 1 && place.view.0.get(axis).is_some_and(outermost)
    }
}
