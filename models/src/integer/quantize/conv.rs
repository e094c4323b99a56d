//! Convolutions and linear layers, with what their post-processor takes in.

use std::borrow::Cow;
use std::sync::Arc;

use bitgauge_arch::arith::{ChannelParameter, Signedness};
use bitgauge_arch::code::Container;

use super::QuantizeError;
use super::fuse;
use super::lower::{Lowering, Place};
use super::masks;
use super::sums::Operand;
use super::view::{Axis, Layout, View};
use super::weights::{QuantizedWeights, quantize_rows};
use crate::float::ops::conv::Conv;
use crate::float::ops::window::Window as FloatWindow;
use crate::float::{Node, NodeId, Op, Tensor};
use crate::integer::graph::{CodeType, IntOp, Shape, Weights, Window};
use crate::integer::ranges::CodeKind;

/// Geometry and weights of the two kinds in one form.
pub struct Layer<'a> {
    pub window: Window,
    /// `[n][input channel][tap]`; where `taps` is 1, the order in which the accelerator reads a row.
    pub weight: Cow<'a, [f32]>,
    /// Innermost in `weight`, outermost in a row of codes.
    pub taps: usize,
    /// The model's own step for each n.
    pub steps: Option<Vec<f64>>,
    pub depthwise: bool,
    /// Of a grouped convolution that is not depthwise.
    pub parts: usize,
    /// Of the output under [`Layout::Map`].
    pub shape: Shape,
    pub view: View,
}

/// The integer form of a window.
pub fn window(float: &FloatWindow) -> Window {
    Window { kernel: float.kernel, stride: float.strides, pad: float.pads, dilation: float.dilations }
}

impl Lowering<'_> {
    pub fn conv(&mut self, id: NodeId) -> Result<(), QuantizeError> {
        let float = self.float;
        let node = float.node(id);
        let place = match node.op {
            Op::Conv(_) => self.map_place(node, node.inputs[0])?,
            _ => self.channel_place(node, node.inputs[0])?,
        };
        let weight = float.constant(node.inputs[1]);
        let weight = weight.ok_or_else(|| self.unsupported(node, "the weights must be constant"))?;
        let layer = match &node.op {
            Op::Conv(conv) => self.conv_layer(node, conv, &place, weight)?,
            _ => self.linear_layer(node, &place, weight)?,
        };
        let bias = match node.inputs.get(2) {
            Some(&bias) => match float.constant(bias) {
                Some(bias) => bias.data().to_vec(),
                None => return Err(self.unsupported(node, "the bias must be constant")),
            },
            None => vec![0.0; layer.shape.channels],
        };
        let tail = self.tail(node.outputs[0], &layer.view, layer.shape, layer.depthwise);
        let layout = match (&tail.residual, layer.depthwise) {
            (_, true) => Layout::Map,
            (residual, _) => match self.layout_for(tail.end, &layer.view, layer.shape) {
                Layout::Transposed(_) | Layout::TransposedMap(_)
                    if residual.is_some()
                        || layer.window != Window::POINT
                        || layer.parts > 1
                        || self.code_of(&place).sign == Signedness::Unsigned =>
                {
                    Layout::Map
                }
                layout => layout,
            },
        };
        let (view, shape) = layer.view.laid_out(layer.shape, layout);
        let code = match tail.function {
            Some(_) => self.code_of_table(tail.end, CodeKind::Affine { bits: self.bits(tail.end) }),
            None => self.code_for(tail.end),
        };
        let before = match tail.function {
            Some((value, _)) => self.calibrated(value, CodeKind::Affine { bits: self.bits(value) }),
            None => code,
        };
        let other = match tail.residual {
            Some(value) => Some((value, self.place(node, value)?)),
            None => None,
        };
        let (code, before) = match (&other, tail.sum) {
            (Some((value, other)), Some(sum)) => {
                let made = Operand { value: node.outputs[0], place: None };
                let operands = [made, Operand { value: *value, place: Some(other) }];
                let adding = self.links.producer(sum).map_or(node, |id| float.node(id));
                let held = self.holding(adding, sum, before, &operands);
                (if tail.function.is_some() { code } else { held }, held)
            }
            _ => (code, before),
        };
        let (mut parameters, weights) = self.parameters(node, &place, &layer, &bias, &before)?;
        let post = Self::post(&before, tail.clamp);
        let steps = self.shifts.get(&tail.end).cloned();
        let added = other.as_ref().and_then(|(_, other)| self.shifts_of(other));
        for (n, parameter) in parameters.iter_mut().enumerate() {
            let of = |shifts: &Option<Arc<[u8]>>| shifts.as_ref().map_or(0, |shifts| shifts[n] as i8);
            parameter.requant = parameter.requant.shifted(of(&steps));
            parameter.channel_shift = if other.is_some() { of(&steps) - of(&added) } else { 0 };
        }
        let mut inputs = vec![place.tensor];
        let mut residual = None;
        if let Some((_, other)) = other {
            if self.shape_of(&other) != shape {
                return Err(self.unsupported(node, "the added tensor has another layout"));
            }
            inputs.push(other.tensor);
            residual = Some(self.residual(node, &other, before.scale)?);
        }
        let table = match tail.function {
            Some((_, function)) => fuse::table(&float.node(function).op, &before, 1.0, &code).map(Arc::new),
            None => None,
        };
        if let Some((value, _)) = tail.function {
            self.trace.codes.insert(value, before);
        }
        if let Some(sum) = tail.sum {
            self.trace.sums.insert(sum, before.scale);
        }
        let output = self.tensor(tail.end, shape, code, &view);
        let op = if layer.depthwise {
            let (channels, taps) = (shape.channels, layer.window.kernel[0] * layer.window.kernel[1]);
            let transposed = (0..taps).flat_map(|tap| (0..channels).map(move |c| c * taps + tap));
            let codes: Vec<i8> = transposed.map(|index| weights.codes[index]).collect();
            let weight = Weights::new(codes, weights.bits);
            IntOp::Depthwise { window: layer.window, weight, parameters, post }
        } else {
            let transposed = matches!(layout, Layout::Transposed(_) | Layout::TransposedMap(_));
            let weight = Weights::new(weights.codes, weights.bits);
            let Layer { window, parts, .. } = layer;
            IntOp::Conv { window, parts, weight, parameters, post, table, residual, transposed }
        };
        self.trace_layer(node.outputs[0], &place, before);
        self.emit(&node.name, op, inputs, output, (tail.end, view));
        Ok(())
    }

    pub fn parameters(
        &mut self,
        node: &Node,
        place: &Place,
        layer: &Layer<'_>,
        bias: &[f32],
        to: &CodeType,
    ) -> Result<(Vec<ChannelParameter>, QuantizedWeights), QuantizeError> {
        let from = self.code_of(place);
        if from.container() != Container::Byte {
            return Err(self.unsupported(node, "the input has 16-bit codes"));
        }
        if bias.iter().any(|&bias| masks::is_unbounded(bias)) {
            return Err(self.unsupported(node, "what is added to its result has no bounds (infinity)"));
        }
        let scale = self.scale_of(place);
        let k = layer.weight.len() / layer.shape.channels.max(1);
        // A bias of up to 2^29 steps leaves room for the products.
        let least = |n: usize| f64::from(bias[n]).abs() / (scale * f64::from(1 << 29));
        let mut weights = match self.given_weights(node, &layer.weight, layer.steps.as_deref(), least) {
            Some(weights) => weights,
            None => {
                quantize_rows(&layer.weight, k, self.options.bits.of_weights(&node.name), self.options, least)
            }
        };
        weights.taps_outermost(layer.taps);
        let zero_point = f64::from(from.zero_point) + place.fraction;
        let channel = |n: usize| {
            let step = scale * weights.scales[n];
            let own = self.given_bias(node, n, step);
            let own = own.map_or(f64::from(bias[n]) / step, f64::from);
            let shifted = own - zero_point * weights.sums[n] as f64;
            let requant = self.requant(node, step / to.scale)?;
            Ok(ChannelParameter { bias: shifted.round() as i32, requant, negate: false, channel_shift: 0 })
        };
        let parameters = (0..layer.shape.channels).map(channel).collect::<Result<_, QuantizeError>>()?;
        Ok((parameters, weights))
    }

    fn conv_layer<'w>(
        &self,
        node: &Node,
        conv: &Conv,
        place: &Place,
        weight: &'w Tensor,
    ) -> Result<Layer<'w>, QuantizeError> {
        use Axis::{Channel, Col, Row};
        let from = self.shape_of(place);
        let (&[_, channels, rows, cols], &[n, depth, ..]) =
            (self.float.shape(node.outputs[0]), weight.shape())
        else {
            return Err(self.unsupported(node, "needs rank 4"));
        };
        if conv.groups > 1 && from.groups > 1 {
            return Err(
                self.unsupported(node, "a grouped convolution needs a map whose channels are in one group")
            );
        }
        let depthwise = conv.groups > 1 && conv.is_depthwise(weight.shape());
        let shape = Shape { groups: 1, rows, cols, channels };
        Ok(Layer {
            window: window(&conv.window),
            weight: weight.data().into(),
            taps: weight.len() / (n * depth).max(1),
            steps: self.steps(node, 0, n),
            depthwise,
            parts: if depthwise { 1 } else { conv.groups },
            shape,
            view: View::of(shape, &[&[], &[Channel], &[Row], &[Col]]),
        })
    }

    fn linear_layer<'w>(
        &self,
        node: &Node,
        place: &Place,
        weight: &'w Tensor,
    ) -> Result<Layer<'w>, QuantizeError> {
        let from = self.shape_of(place);
        let channels = weight.shape()[0];
        let steps = self.steps(node, 0, channels);
        let mut dims = place.view.0.clone();
        let channels_last = place.view.0.last() == Some(&super::view::whole(from, &[Axis::Channel]));
        if place.view.is_tokens(from) || (from.groups == 1 && channels_last) {
            let shape = Shape { groups: 1, channels, ..from };
            dims.pop();
            dims.push(super::view::whole(shape, &[Axis::Channel]));
            let (window, view) = (Window::POINT, View(dims));
            let weight = weight.data().into();
            return Ok(Layer { window, weight, taps: 1, steps, depthwise: false, parts: 1, shape, view });
        }
        // A flattened map is a convolution as large as the map.
        if place.view.ends_with(from, &[], &[&[Axis::Group, Axis::Channel, Axis::Row, Axis::Col]]) {
            let shape = Shape { groups: 1, rows: 1, cols: 1, channels };
            dims.pop();
            dims.push(super::view::whole(shape, &[Axis::Channel]));
            let (weight, taps) = (weight.data().into(), from.rows * from.cols);
            let window = Window { kernel: [from.rows, from.cols], ..Window::POINT };
            let view = View(dims);
            return Ok(Layer { window, weight, taps, steps, depthwise: false, parts: 1, shape, view });
        }
        Err(self.unsupported(node, "the last dimension of the input is not its channels"))
    }
}
