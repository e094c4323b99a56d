//! The walk over the float graph and what all operators share.

use std::collections::BTreeMap;
use std::sync::Arc;

use bitgauge_arch::arith::{Post, Requant, Residual};

use super::QuantizeError;
use super::channels::Shifts;
use super::options::{InputCode, QuantizeOptions};
use super::scale::factors;
use super::trace::{Layer, Quantized, Trace};
use super::view::{Axis, View};
use crate::float::ops::binary::Binary;
use crate::float::{FloatGraph, Links, Node, NodeId, Op, ValueId};
use crate::integer::calibrate::Calibration;
use crate::integer::code::encode;
use crate::integer::graph::{
    CodeType, FloatSource, IntGraph, IntNode, IntOp, IntOutput, IntTensor, Shape, TensorId,
};

/// Where a float value lives: `value = factor * real of the tensor's codes`, element by `view`.
#[derive(Clone, Debug)]
pub struct Place {
    pub tensor: TensorId,
    pub view: View,
    pub factor: f64,
    /// What the true zero point has beyond the tensor's whole one; only inputs have it.
    pub fraction: f64,
}

/// A lowering under way.
pub struct Lowering<'a> {
    pub float: &'a FloatGraph,
    pub links: Links,
    pub calibration: &'a Calibration,
    pub options: &'a QuantizeOptions,
    pub graph: IntGraph,
    pub places: Vec<Option<Place>>,
    /// Float nodes that are part of an integer node already.
    pub done: Vec<bool>,
    /// Whether the network has a LayerNorm.
    pub has_norm: bool,
    pub trace: Trace,
    /// Least and greatest of what is not masked, of sums with a mask.
    pub open: BTreeMap<ValueId, (f64, f64)>,
    /// Values whose channels have steps of their own.
    pub shifts: Shifts,
}

/// The greatest factor of a requantizer.
const GREATEST: f64 = 65_535.0 / 2.0;

type Lowered = Result<(), QuantizeError>;

/// The factor of a multiplication by a positive constant, and the operand's position.
pub fn scalar_factor(float: &FloatGraph, node: &Node) -> Option<(f64, ValueId)> {
    let (&a, &b) = (node.inputs.first()?, node.inputs.get(1)?);
    let (factor, operand) = match node.op {
        Op::Binary(Binary::Mul) => match (float.scalar(a), float.scalar(b)) {
            (_, Some(factor)) => (f64::from(factor), a),
            (Some(factor), _) => (f64::from(factor), b),
            _ => return None,
        },
        _ => return None,
    };
    (factor.is_finite() && factor > 0.0).then_some((factor, operand))
}

impl<'a> Lowering<'a> {
    pub fn new(float: &'a FloatGraph, calibration: &'a Calibration, options: &'a QuantizeOptions) -> Self {
        Self {
            float,
            links: float.links(),
            calibration,
            options,
            graph: IntGraph { name: float.name.clone(), ..IntGraph::default() },
            places: vec![None; float.values.len()],
            done: vec![false; float.nodes.len()],
            has_norm: float.nodes.iter().any(|node| matches!(node.op, Op::LayerNorm(_))),
            trace: Trace::default(),
            open: BTreeMap::new(),
            shifts: Shifts::new(),
        }
    }

    pub fn run(mut self) -> Result<Quantized, QuantizeError> {
        self.plan_channel_shifts()?;
        for &input in &self.float.inputs {
            self.input(input)?;
        }
        for index in 0..self.float.nodes.len() {
            if !self.done[index] {
                self.node(NodeId(index))?;
            }
        }
        for &output in &self.float.outputs {
            let place = self.places[output.0].clone();
            let place = place.ok_or_else(|| QuantizeError::Output(self.float.value(output).name.clone()))?;
            let place = self.in_own_steps(output, place);
            let (name, order) =
                (self.float.value(output).name.clone(), place.view.order(self.shape_of(&place)));
            self.graph.outputs.push(IntOutput { name, tensor: place.tensor, order, head: Vec::new() });
        }
        // Views have the codes of what they show; a factor leaves the steps.
        for (id, place) in self.places.iter().enumerate() {
            if let Some(place) = place.as_ref().filter(|place| place.factor == 1.0) {
                let code = self.graph.tensor(place.tensor).code;
                self.trace.codes.entry(ValueId(id)).or_insert(code);
            }
        }
        self.compare_given();
        Ok(Quantized { graph: self.graph, trace: self.trace })
    }

    /// An output as a tensor whose codes stand for the output itself, and which a node computes.
    fn in_own_steps(&mut self, output: ValueId, place: Place) -> Place {
        let computed = self.graph.nodes.iter().any(|node| node.output == place.tensor);
        if place.factor == 1.0 && place.fraction == 0.0 && computed {
            return place;
        }
        let from = self.code_of(&place);
        let code = CodeType { scale: from.scale * place.factor, ..from };
        let first = Residual { zero_point: from.zero_point, requant: Requant::ONE };
        let op = IntOp::Add { first, second: None, post: Self::post(&code, None) };
        let tensor = self.tensor(output, self.shape_of(&place), code, &place.view);
        let name = format!("{}/steps", self.float.value(output).name);
        self.emit(&name, op, vec![place.tensor], tensor, (output, place.view.clone()));
        Place { tensor, factor: 1.0, ..place }
    }

    fn node(&mut self, id: NodeId) -> Lowered {
        let float = self.float;
        let node = float.node(id);
        match &node.op {
            Op::Conv(_) | Op::Linear(_) => self.conv(id),
            Op::ConvTranspose(conv) => self.conv_transpose(id, conv),
            Op::MatMul(_) => self.mat_mul(node),
            Op::Softmax(softmax) => self.softmax(node, softmax.axis),
            Op::LayerNorm(norm) => self.layer_norm(node, norm),
            op if op.is_function() => self.table(node),
            Op::Binary(Binary::Add) => self.add(id),
            Op::Pool(pool) => self.pool(node, pool),
            Op::GlobalAveragePool(_) => self.mean(node, &[2, 3], true),
            Op::ReduceMean(mean) => self.mean(node, &mean.axes, mean.keep_dims),
            Op::Concat(concat) => self.concat(node, concat.axis),
            Op::Slice(slice) => self.slice(node, slice),
            Op::Gather(gather) => self.gather(node, gather),
            Op::Reshape(_) | Op::Transpose(_) | Op::Identity(_) => self.relabel(node, node.inputs[0], 1.0),
            Op::Resize(_) => Err(self.unsupported(
                node,
                "only rows and columns of maps are resized, and not by a cut (tf_crop_and_resize)",
            )),
            Op::Binary(_) => match (scalar_factor(float, node), factors(float, node)) {
                (Some((factor, operand)), _) => self.relabel(node, operand, factor),
                (None, Some(factors)) => self.scale(node, factors),
                (None, None) => Err(self.unsupported(
                    node,
                    "products are of a constant, or of a map and a number for each of its channels; quotients and \
                     powers of constants without a zero",
                )),
            },
            Op::DynamicQuantizeLinear(_) => Err(self.unsupported(
                node,
                "steps that are found while the network runs are supported only where MatMulInteger or ConvInteger \
                 reads the codes and Mul brings the scale back; quantize_static gives fixed ones",
            )),
            _ => Err(self.unsupported(node, "the operator is not supported")),
        }
    }

    /// A node that moves no data: the tensor stays, the view or the factor changes.
    fn relabel(&mut self, node: &Node, operand: ValueId, factor: f64) -> Lowered {
        let place = self.place(node, operand)?;
        let view = self.view_after(node, &place.view).ok_or_else(|| {
            self.unsupported(node, "the new dimensions cut across heads, tokens or channels")
        })?;
        let factor = place.factor * factor;
        self.places[node.outputs[0].0] = Some(Place { view, factor, ..place });
        Ok(())
    }

    /// The view of a view operator's output; `None` for other operators too.
    pub fn view_after(&self, node: &Node, view: &View) -> Option<View> {
        match &node.op {
            Op::Reshape(_) => view.reshape(self.float.shape(node.outputs[0])),
            Op::Transpose(transpose) => Some(view.transpose(&transpose.perm)),
            Op::Identity(_) => Some(view.clone()),
            Op::Binary(_) => {
                let (_, operand) = scalar_factor(self.float, node)?;
                // A constant of higher rank would add dimensions.
                (self.float.shape(operand) == self.float.shape(node.outputs[0])).then(|| view.clone())
            }
            _ => None,
        }
    }

    fn input(&mut self, id: ValueId) -> Lowered {
        let value = self.float.value(id);
        let (shape, view) = of_input(&value.shape);
        let (code, fraction) = match self.options.input {
            _ if self.given(id).is_some() => (self.code_for(id), 0.0),
            InputCode::Calibrated => (self.code_for(id), 0.0),
            // Who names the input's bits wants fewer than pixels have.
            InputCode::Pixels { .. } if self.options.bits.narrows(&value.name) => (self.code_for(id), 0.0),
            InputCode::Pixels { mean, std } => {
                let zero_point = mean.round() as i32 - 128;
                let code = CodeType { bits: 8, scale: 1.0 / std, zero_point, ..self.code_for(id) };
                (code, mean - mean.round())
            }
        };
        let tensor = self.tensor(id, shape, code, &view);
        self.graph.inputs.push(tensor);
        self.trace.codes.insert(id, code);
        self.places[id.0] = Some(Place { tensor, view, factor: 1.0, fraction });
        Ok(())
    }

    /// A new tensor for a value, which lies in it as the view says.
    pub fn tensor(&mut self, value: ValueId, shape: Shape, code: CodeType, view: &View) -> TensorId {
        let name = self.float.value(value).name.clone();
        let float_source = Some(FloatSource { value: name.clone(), order: view.order(shape) });
        let fits = |shifts: &&Arc<[u8]>| shape.groups == 1 && shifts.len() == shape.channels;
        let channel_shifts = self.shifts.get(&value).filter(fits).cloned();
        if let Some(shifts) = &channel_shifts {
            self.trace.channel_shifts.insert(value, Arc::clone(shifts));
        }
        self.push_tensor(IntTensor { name, shape, code, channel_shifts, constant: None, float_source })
    }

    fn push_tensor(&mut self, tensor: IntTensor) -> TensorId {
        self.graph.tensors.push(tensor);
        TensorId(self.graph.tensors.len() - 1)
    }

    /// A constant tensor of reals that lie as it is stored.
    pub fn constant(&mut self, name: &str, reals: &[f32], shape: Shape, code: CodeType) -> TensorId {
        let constant = Some(Arc::from(encode(reals, &shape.stored(), &code)));
        let (name, channel_shifts) = (name.to_owned(), None);
        self.push_tensor(IntTensor { name, shape, code, channel_shifts, constant, float_source: None })
    }

    /// Shifts of the channels of what lies here.
    pub fn shifts_of(&self, place: &Place) -> Option<Arc<[u8]>> {
        self.graph.tensor(place.tensor).channel_shifts.clone()
    }

    /// Adds a node and places its output.
    pub fn emit(
        &mut self,
        name: &str,
        op: IntOp,
        inputs: Vec<TensorId>,
        output: TensorId,
        at: (ValueId, View),
    ) {
        self.graph.nodes.push(IntNode { name: name.to_owned(), op, inputs, output });
        // What only one reader takes in another order or in other codes is the same value.
        self.trace.codes.entry(at.0).or_insert(self.graph.tensor(output).code);
        self.places[at.0.0] = Some(Place { tensor: output, view: at.1, factor: 1.0, fraction: 0.0 });
    }

    /// Notes that the next node emitted has the parameters of the float node which makes `value`.
    pub fn trace_layer(&mut self, value: ValueId, from: &Place, to: CodeType) {
        let (node, code) = (self.graph.nodes.len(), self.code_of(from));
        self.trace.layers.insert(value, Layer { node, from: code, factor: from.factor, to });
    }

    /// Where an operand lives.
    pub fn place(&self, node: &Node, operand: ValueId) -> Result<Place, QuantizeError> {
        self.places[operand.0].clone().ok_or_else(|| {
            let name = &self.float.value(operand).name;
            self.unsupported(node, &format!("operand `{name}` is a constant here"))
        })
    }

    pub fn shape_of(&self, place: &Place) -> Shape {
        self.graph.tensor(place.tensor).shape
    }

    pub fn code_of(&self, place: &Place) -> CodeType {
        self.graph.tensor(place.tensor).code
    }

    /// Step of the value, not of the tensor.
    pub fn scale_of(&self, place: &Place) -> f64 {
        self.code_of(place).scale * place.factor
    }

    pub fn requant(&self, node: &Node, factor: f64) -> Result<Requant, QuantizeError> {
        Requant::from_real(factor).ok_or_else(|| {
            self.unrepresentable(
                node,
                format!(
                    "a step of its operands is {factor} steps of its result, and the requantizer multiplies by less \
                     than 32768: the calibration images may be all alike, or the result next to nothing"
                ),
            )
        })
    }

    pub fn residual(&self, node: &Node, place: &Place, scale: f64) -> Result<Residual, QuantizeError> {
        // A step that is greater yet stands for codes that are never seen: a sum's step holds its operands.
        let factor = self.scale_of(place) / scale;
        let requant = self.requant(node, if factor > GREATEST { GREATEST } else { factor })?;
        Ok(Residual { zero_point: self.code_of(place).zero_point, requant })
    }

    /// The post-processing into a code, with an activation's bounds.
    pub fn post(code: &CodeType, clamp: Option<(f64, f64)>) -> Post {
        let (low, high) = code.range();
        let (clamp_low, clamp_high) = clamp.map_or((low, high), |(a, b)| (code.encode(a), code.encode(b)));
        Post { zero_point: code.zero_point, clamp_low, clamp_high }
    }

    pub fn unsupported(&self, node: &Node, reason: &str) -> QuantizeError {
        let (node, op) = self.float.origin(node);
        QuantizeError::Unsupported { node, op, reason: reason.to_owned() }
    }

    pub fn unrepresentable(&self, node: &Node, reason: String) -> QuantizeError {
        let (node, op) = self.float.origin(node);
        QuantizeError::Unrepresentable { node, op, reason }
    }
}

/// How a graph input lies: a map `[1, C, H, W]`; else the last two dimensions are tokens and their channels, and
/// those before them groups.
fn of_input(dims: &[usize]) -> (Shape, View) {
    use Axis::{Channel, Col, Group, Row};
    if let &[1, channels, rows, cols] = dims {
        let shape = Shape { groups: 1, rows, cols, channels };
        return (shape, View::of(shape, &[&[], &[Channel], &[Row], &[Col]]));
    }
    let (outer, inner) = dims.split_at(dims.len().saturating_sub(2));
    let (rows, channels) = match *inner {
        [rows, channels] => (rows, channels),
        [channels] => (1, channels),
        _ => (1, 1),
    };
    let shape = Shape { groups: outer.iter().product(), rows, cols: 1, channels };
    let of = |axis| View::of(shape, &[&[axis]]).0.remove(0);
    let flat = View([of(Group), of(Row), of(Channel)].to_vec());
    // Groups are cut, never tokens or channels, so that this has an answer.
    let view = flat.reshape(dims).unwrap_or(flat);
    (shape, view)
}
