//! Tensors read in another shape: tokens as a map, a map of one channel as rows of channels.

use super::QuantizeError;
use super::lower::{Lowering, Place};
use super::reorder::Wanted;
use super::view::{Atom, Axis, View, whole};
use crate::float::{Node, ValueId};
use crate::integer::graph::{IntOp, Shape};

use Axis::{Channel, Col, Group, Row};

impl Lowering<'_> {
    /// Where an operand lives as a map `[1, channels, rows, cols]`; others are copied.
    pub fn map_place(&mut self, node: &Node, operand: ValueId) -> Result<Place, QuantizeError> {
        let place = self.place(node, operand)?;
        let from = self.shape_of(&place);
        if place.view.is_map(from) {
            return Ok(place);
        }
        let &[1, channels, rows, cols] = self.float.shape(operand) else {
            return Err(self.unsupported(node, "the input is no map of channels, rows and columns"));
        };
        let to = Shape { groups: 1, rows, cols, channels };
        // Runs of length 1 have no atom.
        let run = |stride, size| Some(Atom { axis: Row, stride, size }).filter(|atom| atom.size > 1);
        let tokens = [
            vec![],
            whole(to, &[Channel]),
            run(cols, rows).into_iter().collect(),
            run(1, cols).into_iter().collect::<Vec<_>>(),
        ];
        if from != (Shape { rows: rows * cols, cols: 1, ..to }) || place.view.0 != tokens {
            let view = View::of(to, &[&[], &[Channel], &[Row], &[Col]]);
            return self.reordered(node, operand, &place, to, view);
        }
        self.reshaped(node, operand, &place, to, &[&[], &[Channel], &[Row], &[Col]])
    }

    /// Where an operand lives as `[.., rows, channels]`, or as the map that its last dimension is; others are copied.
    pub fn channel_place(&mut self, node: &Node, operand: ValueId) -> Result<Place, QuantizeError> {
        let place = self.place(node, operand)?;
        let from = self.shape_of(&place);
        let whole_map = place.view.ends_with(from, &[], &[&[Group, Channel, Row, Col]]);
        if place.view.is_tokens(from) || whole_map {
            return Ok(place);
        }
        let flat = from.channels == 1 && from.groups == 1 && from.cols > 1;
        if !flat || !place.view.ends_with(from, &[Group, Channel, Row], &[&[Col]]) {
            return self.arranged(node, operand, &place, Wanted::Channels);
        }
        let to = Shape { groups: 1, rows: from.rows, cols: 1, channels: from.cols };
        let mut dims: Vec<&[Axis]> = vec![&[]; place.view.0.len()];
        let last = dims.len() - 1;
        dims[last] = &[Channel];
        if let Some(row) = place.view.0.iter().position(|dim| dim.iter().any(|atom| atom.axis == Row)) {
            dims[row] = &[Row];
        }
        self.reshaped(node, operand, &place, to, &dims)
    }

    fn reshaped(
        &mut self,
        node: &Node,
        operand: ValueId,
        place: &Place,
        to: Shape,
        dims: &[&[Axis]],
    ) -> Result<Place, QuantizeError> {
        let view = View::of(to, dims);
        let code = self.code_of(place);
        let tensor = self.tensor(operand, to, code, &view);
        let name = format!("{}/reshape", node.name);
        self.emit(&name, IntOp::Reshape, vec![place.tensor], tensor, (operand, view.clone()));
        // Other readers take it as it was.
        self.places[operand.0] = Some(place.clone());
        Ok(Place { tensor, view, ..place.clone() })
    }
}
