//! Steps of their own for the channels of a transformer's stream, powers of two apart: O-2SF of TSPTQ-ViT where there
//! are two of them, power-of-two factors of FQ-ViT where there are more.
//!
//! A few channels of what LayerNorm reads reach many times as far as the others. LayerNorm and the residual's
//! requantizer shift a code of such a channel; nothing else knows of it. So all that such a value is copied from, copied
//! to or added to without a convolution has the same steps, or none has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bitgauge_arch::arith::Signedness;

use super::QuantizeError;
use super::assignment::Assignment;
use super::lower::Lowering;
use crate::float::ops::binary::Binary;
use crate::float::{FloatGraph, Node, NodeId, Op, ValueId};
use crate::integer::graph::CodeType;

/// The values of which calibration has to keep each channel's greatest magnitude, and the dimension of the channels.
#[must_use]
pub fn observed(graph: &FloatGraph, bits: &Assignment) -> Vec<(ValueId, usize)> {
    if bits.channel_shifts.is_off() {
        return Vec::new();
    }
    let normal: BTreeSet<usize> = graph.nodes.iter().filter_map(|node| normalized(graph, node)).collect();
    let axis = |shape: &[usize]| {
        let axis = if shape.len() == 4 { 1 } else { shape.len().checked_sub(1)? };
        normal.contains(shape.get(axis)?).then_some(axis)
    };
    let values = graph.values.iter().enumerate().filter(|(_, value)| value.constant.is_none());
    values.filter_map(|(id, value)| Some((ValueId(id), axis(&value.shape)?))).collect()
}

/// Channels of a LayerNorm over the last dimension.
fn normalized(graph: &FloatGraph, node: &Node) -> Option<usize> {
    let Op::LayerNorm(norm) = &node.op else { return None };
    let shape = graph.shape(node.inputs[0]);
    (norm.axis + 1 == shape.len()).then(|| shape[norm.axis])
}

impl Lowering<'_> {
    /// Decides which values have channels with steps of their own.
    ///
    /// # Errors
    /// A list of shifts of another length than the value has channels.
    pub fn plan_channel_shifts(&mut self) -> Result<(), QuantizeError> {
        let asked = &self.options.bits.channel_shifts;
        if asked.is_off() {
            return Ok(());
        }
        let float = self.float;
        for (norm, channels) in float.nodes.iter().filter_map(|node| Some((node, normalized(float, node)?))) {
            let value = norm.inputs[0];
            if self.shifts.contains_key(&value) {
                continue;
            }
            let Some(group) = self.tied(value) else { continue };
            let named = group.iter().map(|&id| &float.value(id).name);
            let named = named.filter_map(|name| Some((name, asked.of(name)?))).next();
            let shifts = match named {
                Some((name, shifts)) if shifts.len() != channels => {
                    return Err(QuantizeError::Shifts {
                        name: name.clone(),
                        given: shifts.len(),
                        needed: channels,
                    });
                }
                Some((_, shifts)) => shifts,
                None if asked.greatest > 0 => self.by_range(&group, channels, asked.greatest),
                None => continue,
            };
            if shifts.iter().any(|&shift| shift > 0) {
                let shifts: Arc<[u8]> = shifts.into();
                self.shifts.extend(group.into_iter().map(|id| (id, Arc::clone(&shifts))));
            }
        }
        Ok(())
    }

    /// The code of a value whose channels have steps of their own: no channel is cut off.
    pub fn shifted_code(&self, value: ValueId) -> Option<CodeType> {
        let shifts = self.shifts.get(&value)?;
        let bits = self.bits(value);
        let magnitudes = self.calibration.channels(value);
        let scale = match magnitudes {
            Some(magnitudes) => finest(magnitudes, shifts, bits),
            // What calibration did not look at channel by channel has the step that fits the whole.
            None => self.calibration.of(value).map_or(0.0, |seen| {
                let reach = f64::from(seen.max).max(-f64::from(seen.min));
                reach / f64::from((1i32 << (bits - 1)) - 1)
            }),
        };
        Some(shifted(bits, scale))
    }

    /// The code of a constant with such steps, and the constant in steps of the finest channel's; channels lie innermost.
    pub fn shifted_constant(bits: u8, shifts: &[u8], reals: &mut [f32]) -> CodeType {
        let mut magnitudes = vec![0f32; shifts.len()];
        for row in reals.chunks(shifts.len()) {
            magnitudes.iter_mut().zip(row).for_each(|(most, x)| *most = most.max(x.abs()));
        }
        let scale = finest(&magnitudes, shifts, bits);
        unshift(shifts, reals);
        shifted(bits, scale)
    }

    /// The greatest step is that of the channel that reaches farthest; others have as much finer ones as they can.
    fn by_range(&self, group: &BTreeSet<ValueId>, channels: usize, greatest: u8) -> Vec<u8> {
        let mut reach = vec![0f32; channels];
        for magnitudes in group.iter().filter_map(|&id| self.calibration.channels(id)) {
            reach.iter_mut().zip(magnitudes).for_each(|(most, &x)| *most = most.max(x));
        }
        let most = reach.iter().copied().fold(0f32, f32::max);
        let finer = |reach: f32| {
            let room = f64::from(most) / f64::from(reach);
            // As often as it can be doubled; what is always zero can be as fine as can be.
            let finer = if room.is_finite() { room.log2().floor().max(0.0) } else { f64::from(greatest) };
            greatest - finer.min(f64::from(greatest)) as u8
        };
        let mut shifts: Vec<u8> = reach.into_iter().map(finer).collect();
        let least = shifts.iter().copied().min().unwrap_or(0);
        shifts.iter_mut().for_each(|shift| *shift -= least);
        shifts
    }

    /// All values that must have a value's steps; `None` where one of them cannot have any.
    fn tied(&self, value: ValueId) -> Option<BTreeSet<ValueId>> {
        let (mut group, mut open) = (BTreeSet::new(), vec![value]);
        while let Some(value) = open.pop() {
            if self.float.constant(value).is_some() || !group.insert(value) {
                continue;
            }
            if self.links.is_output(value) || self.given(value).is_some() {
                return None;
            }
            let maker = self.float.node(self.links.producer(value)?);
            match &maker.op {
                Op::Conv(conv) if conv.groups == 1 => {}
                Op::Linear(_) => {}
                Op::Binary(Binary::Add) if self.added_on(maker).is_some() => {}
                Op::Binary(Binary::Add) => open.extend(&maker.inputs),
                Op::Concat(concat) if concat.axis + 1 < self.float.shape(value).len() => {
                    open.extend(&maker.inputs);
                }
                _ => open.push(copied(maker)?),
            }
            for &id in self.links.consumers(value) {
                let reader = self.float.node(id);
                match &reader.op {
                    Op::LayerNorm(_) if reader.inputs[0] == value => {}
                    // What a convolution adds on has steps of its own.
                    Op::Binary(Binary::Add) if self.added_on(reader).is_some() => {}
                    Op::Binary(Binary::Add) | Op::Concat(_) => open.push(reader.outputs[0]),
                    _ => {
                        copied(reader)?;
                        open.push(reader.outputs[0]);
                    }
                }
            }
        }
        Some(group)
    }

    /// The operand of an addition that a convolution or a linear layer makes, which adds the other one on.
    fn added_on(&self, add: &Node) -> Option<ValueId> {
        let made = |value: ValueId| self.links.producer(value);
        add.inputs.iter().copied().find(|&value| {
            let other = add.inputs.iter().copied().find(|&other| other != value);
            let (Some(id), Some(NodeId(before))) = (made(value), other.and_then(made)) else { return false };
            let dense = match &self.float.node(id).op {
                Op::Conv(conv) => conv.groups == 1,
                Op::Linear(_) => true,
                _ => false,
            };
            let alone = self.links.sole_consumer(value);
            dense && before < id.0 && alone.is_some_and(|id| self.float.node(id).outputs == add.outputs)
        })
    }
}

/// What a node copies without a change of codes.
fn copied(node: &Node) -> Option<ValueId> {
    let copies =
        matches!(node.op, Op::Reshape(_) | Op::Transpose(_) | Op::Identity(_) | Op::Slice(_) | Op::Gather(_));
    if copies { node.inputs.first().copied() } else { None }
}

/// The finest step that cuts no channel off.
fn finest(magnitudes: &[f32], shifts: &[u8], bits: u8) -> f64 {
    let most = f64::from((1i32 << (bits - 1)) - 1);
    let step = |(&reach, &shift): (&f32, &u8)| f64::from(reach) / (most * f64::from(1u32 << shift));
    magnitudes.iter().zip(shifts).map(step).fold(0.0, f64::max)
}

fn shifted(bits: u8, scale: f64) -> CodeType {
    let scale = if scale > 0.0 && scale.is_finite() { scale } else { 1.0 };
    CodeType { bits, sign: Signedness::Signed, scale, zero_point: 0, tag_shift: 0 }
}

/// Brings reals to steps of the finest channel, so that one step codes them all. Exact.
pub fn unshift(shifts: &[u8], reals: &mut [f32]) {
    for row in reals.chunks_mut(shifts.len()) {
        row.iter_mut().zip(shifts).for_each(|(x, &shift)| *x /= f32::from(1u8 << shift));
    }
}

/// Shifts by value.
pub type Shifts = BTreeMap<ValueId, Arc<[u8]>>;
