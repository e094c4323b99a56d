//! Pooling and means.

use super::QuantizeError;
use super::conv;
use super::lower::{Lowering, Place};
use super::reorder::Wanted;
use super::view::{Axis, View, joined, whole};
use crate::float::Node;
use crate::float::ops::pool::{Pool, PoolKind};
use crate::integer::graph::{IntOp, Shape, Window};

use Axis::{Channel, Col, Row};

impl Lowering<'_> {
    pub fn pool(&mut self, node: &Node, pool: &Pool) -> Result<(), QuantizeError> {
        let place = self.map_place(node, node.inputs[0])?;
        let from = self.shape_of(&place);
        if from.groups != 1 {
            return Err(self.unsupported(node, "the input is no map of channels, rows and columns"));
        }
        let (mut window, out) = (conv::window(&pool.window), self.float.shape(node.outputs[0]));
        let shape = Shape { rows: out[2], cols: out[3], ..from };
        if pool.kind == PoolKind::Max {
            // Where a window hangs over the end, what is outside does not count, as in the padding.
            for (axis, (size, out)) in
                [(from.rows, shape.rows), (from.cols, shape.cols)].into_iter().enumerate()
            {
                let reach = (out.max(1) - 1) * window.stride[axis]
                    + window.dilation[axis] * (window.kernel[axis] - 1)
                    + 1;
                window.pad[axis + 2] =
                    window.pad[axis + 2].max(reach.saturating_sub(size + window.pad[axis]));
            }
        }
        if window.output(from.rows, from.cols) != Some([shape.rows, shape.cols]) {
            return Err(self.unsupported(node, "windows that hang over the end (ceil_mode)"));
        }
        let view = View::of(shape, &[&[], &[Channel], &[Row], &[Col]]);
        match pool.kind {
            PoolKind::Max => {
                let mut after = place.clone();
                after.view = view.clone();
                let code = self.code_of(&place);
                after.tensor = self.tensor(node.outputs[0], shape, code, &view);
                let op = IntOp::MaxPool { window };
                self.emit(&node.name, op, vec![place.tensor], after.tensor, (node.outputs[0], view));
                self.places[node.outputs[0].0] = Some(after);
                Ok(())
            }
            PoolKind::Average { count_include_pad } if count_include_pad || window.pad == [0; 4] => {
                self.average(node, &place, window, shape, view)
            }
            PoolKind::Average { .. } => Err(self.unsupported(node, "an average that leaves out the padding")),
        }
    }

    /// Mean over the map or over the tokens.
    pub fn mean(&mut self, node: &Node, axes: &[usize], keep: bool) -> Result<(), QuantizeError> {
        let mut place = self.place(node, node.inputs[0])?;
        let fits = |place: &Place, from: Shape| {
            let dims = &place.view.0;
            // In whatever order: the mean is the same.
            let pixels: usize = axes.iter().flat_map(|&axis| &dims[axis]).map(|atom| atom.size).product();
            let kept = dims.iter().enumerate().filter(|(i, _)| !axes.contains(i));
            let kept = joined(kept.flat_map(|(_, dim)| dim.iter().copied()));
            pixels == from.rows * from.cols && kept == whole(from, &[Channel]) && from.groups == 1
        };
        let kept: Vec<usize> = (0..place.view.0.len()).filter(|axis| !axes.contains(axis)).collect();
        let last = kept.iter().rev().find(|&&axis| !place.view.0[axis].is_empty());
        if !fits(&place, self.shape_of(&place)) && last.is_none_or(|&axis| axis + 1 == place.view.0.len()) {
            place = self.arranged(node, node.inputs[0], &place, Wanted::Channels)?;
        }
        let from = self.shape_of(&place);
        let dims = &place.view.0;
        if !fits(&place, from) {
            return Err(self.unsupported(node, "only the mean over the whole map or all tokens is supported"));
        }
        let shape = Shape { rows: 1, cols: 1, ..from };
        let rest = dims.iter().enumerate().filter(|(i, _)| keep || !axes.contains(i));
        let view =
            View(rest.map(|(i, dim)| if axes.contains(&i) { Vec::new() } else { dim.clone() }).collect());
        let window = Window { kernel: [from.rows, from.cols], ..Window::POINT };
        self.average(node, &place, window, shape, view)
    }

    fn average(
        &mut self,
        node: &Node,
        place: &Place,
        window: Window,
        shape: Shape,
        view: View,
    ) -> Result<(), QuantizeError> {
        let code = self.code_for(node.outputs[0]);
        let taps = (window.kernel[0] * window.kernel[1]) as f64;
        let requant = self.requant(node, self.scale_of(place) / (taps * code.scale))?;
        let op = IntOp::AveragePool { window, requant, post: Self::post(&code, None) };
        let output = self.tensor(node.outputs[0], shape, code, &view);
        self.emit(&node.name, op, vec![place.tensor], output, (node.outputs[0], view));
        Ok(())
    }
}
