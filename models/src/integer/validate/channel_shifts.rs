//! Tensors whose channels have steps of their own: who may make them, and who reads them.

use bitgauge_arch::arith::ChannelParameter;
use bitgauge_arch::arith::post::MAX_CHANNEL_SHIFT;
use bitgauge_arch::code::Container;

use super::{Check, ensure};
use crate::integer::graph::{IntNode, IntOp, IntTensor};

/// Whether a tensor by itself can have the steps that it says.
pub fn check_tensor(tensor: &IntTensor) -> Check {
    let Some(shifts) = &tensor.channel_shifts else { return Ok(()) };
    let (code, shape) = (&tensor.code, tensor.shape);
    let plain = code.container() == Container::Byte && code.zero_point == 0 && code.tag_shift == 0;
    ensure(plain && shape.groups == 1, || {
        "steps of its channels need byte codes of one scale, zero point 0 and one group".to_owned()
    })?;
    let fits = shifts.iter().all(|&shift| shift <= MAX_CHANNEL_SHIFT as u8);
    ensure(shifts.len() == shape.channels && fits, || {
        format!("{} channel shifts, needs {} from 0 to {MAX_CHANNEL_SHIFT}", shifts.len(), shape.channels)
    })
}

/// Whether a node knows the steps of what it reads and makes.
pub fn check(node: &IntNode, inputs: &[&IntTensor], output: &IntTensor) -> Check {
    match &node.op {
        IntOp::LayerNorm { parameters, .. } => {
            none(output)?;
            let from = inputs.first().copied();
            entries(parameters, |channel| from.map_or(0, |input| shift(input, channel)))
        }
        IntOp::Conv { parameters, table, transposed, .. } => {
            inputs.iter().take(1).try_for_each(|input| none(input))?;
            if *transposed || table.is_some() {
                none(output)?;
            }
            let residual = inputs.get(1).copied();
            entries(parameters, |n| residual.map_or(0, |from| shift(output, n) - shift(from, n)))
        }
        IntOp::Add { .. } | IntOp::ConcatRows | IntOp::SliceRows { .. } => {
            let other = inputs.iter().find(|input| input.channel_shifts != output.channel_shifts);
            ensure(other.is_none(), || {
                let name = other.map_or("", |input| &input.name);
                format!("channels of `{name}` and of `{}` have unlike steps", output.name)
            })
        }
        IntOp::Depthwise { parameters, .. } | IntOp::Phased { parameters, .. } => {
            inputs.iter().copied().chain([output]).try_for_each(none)?;
            entries(parameters, |_| 0)
        }
        IntOp::Scale { parameter, .. } | IntOp::MatMul { parameter, .. } => {
            inputs.iter().copied().chain([output]).try_for_each(none)?;
            entries(std::slice::from_ref(parameter), |_| 0)
        }
        _ => inputs.iter().copied().chain([output]).try_for_each(none),
    }
}

fn none(tensor: &IntTensor) -> Check {
    ensure(tensor.channel_shifts.is_none(), || {
        format!(
            "channels of `{}` have steps of their own, which only LayerNorm, additions and copies of rows read, and only \
             convolutions, additions and copies make",
            tensor.name
        )
    })
}

/// The shift of a channel; 0 where the tensor has one step.
fn shift(tensor: &IntTensor, channel: usize) -> i8 {
    let shift = tensor.channel_shifts.as_ref().and_then(|shifts| shifts.get(channel));
    shift.map_or(0, |&shift| shift as i8)
}

fn entries(parameters: &[ChannelParameter], wanted: impl Fn(usize) -> i8) -> Check {
    let found = parameters.iter().map(|parameter| parameter.channel_shift).enumerate();
    let other = found.map(|(n, found)| (n, found, wanted(n))).find(|(_, found, wanted)| found != wanted);
    ensure(other.is_none(), || {
        let (n, found, wanted) = other.unwrap_or_default();
        format!("the entry of channel {n} has a shift of {found}, its operands need {wanted}")
    })
}
