//! What each operator asks of its operands, parameters and output.

use bitgauge_arch::arith::layernorm::MAX_CHANNELS;
use bitgauge_arch::arith::{ChannelParameter, Post, Requant, Residual, Signedness};
use bitgauge_arch::code::Container;

use super::{Check, channel_shifts, ensure, permutation};
use crate::integer::graph::{self, IntGraph, IntNode, IntOp, IntTensor, Shape, Weights, Window};

fn check_requant(requant: Requant) -> Check {
    ensure(requant.is_valid(), || format!("{requant:?} is not a factor the hardware holds"))
}

fn check_residual(residual: &Residual, operand: &IntTensor) -> Check {
    check_requant(residual.requant)?;
    ensure(residual.zero_point == operand.code.zero_point, || {
        format!("zero point {} is not that of `{}`", residual.zero_point, operand.name)
    })
}

/// The clamp must lie in the output's range; under a table it must address the table, hence 8 bits.
fn check_post(post: &Post, output: &IntTensor, through_table: bool) -> Check {
    let (low, high) = match (through_table, output.code.range()) {
        (false, range) => range,
        (true, _) => {
            ensure(output.code.container() == Container::Byte, || "a table emits 8 bits".to_owned())?;
            (-128, 255)
        }
    };
    ensure(low <= post.clamp_low && post.clamp_low <= post.clamp_high && post.clamp_high <= high, || {
        format!("clamp {}..={} does not lie in {low}..={high}", post.clamp_low, post.clamp_high)
    })?;
    ensure(through_table || post.zero_point == output.code.zero_point, || {
        format!("zero point {} is not the output's {}", post.zero_point, output.code.zero_point)
    })?;
    ensure((-(1 << 17)..1 << 17).contains(&post.zero_point), || "zero point passes 18 bits".to_owned())
}

/// Rows and columns of a window's output.
fn check_sizes(window: &Window, input: Shape) -> Result<[usize; 2], String> {
    let dims = window.kernel.iter().chain(&window.stride).chain(&window.dilation);
    ensure(dims.clone().all(|&d| (1..=65_535).contains(&d)), || {
        format!("{window:?} holds a size outside 1..=65535")
    })?;
    ensure(window.pad.iter().all(|&p| p <= 65_535), || format!("padding {:?}", window.pad))?;
    window
        .output(input.rows, input.cols)
        .ok_or_else(|| format!("{window:?} does not fit {} x {}", input.rows, input.cols))
}

fn check_window(window: &Window, input: Shape, output: Shape) -> Check {
    let [rows, cols] = check_sizes(window, input)?;
    // A map may be declared as tokens: the storage order is the same.
    ensure(rows * cols == output.rows * output.cols, || {
        format!("gives {rows} x {cols}, the output has {} x {}", output.rows, output.cols)
    })
}

fn check_parameters(parameters: &[ChannelParameter], count: usize) -> Check {
    ensure(parameters.len() == count, || format!("{} parameters, needs {count}", parameters.len()))?;
    parameters.iter().try_for_each(|p| check_requant(p.requant))
}

/// `max|code| * sum|w| + |bias|` below 2^31 proves that no partial sum in any order wraps.
fn check_accumulator(channel: usize, input: &IntTensor, magnitude: i64, bias: i32) -> Check {
    let (low, high) = input.code.value_range();
    let bound = i64::from(low.abs().max(high)) * magnitude + i64::from(bias).abs();
    ensure(bound < 1 << 31, || format!("output channel {channel} can reach {bound}, past 32 bits"))
}

fn check_weights(weight: &Weights) -> Check {
    ensure((2..=8).contains(&weight.bits), || {
        format!("weights of {} bits; possible are 2 to 8", weight.bits)
    })?;
    ensure(weight.fit(), || format!("a weight has more than {} bits", weight.bits))
}

fn eight_bits(tensor: &IntTensor) -> Check {
    ensure(tensor.code.container() == Container::Byte, || format!("`{}` must have 8-bit codes", tensor.name))
}

/// Operands of a product of two tensors.
fn factors(inputs: &[&IntTensor]) -> Check {
    inputs.iter().try_for_each(|operand| {
        eight_bits(operand)?;
        ensure(operand.code.zero_point == 0, || {
            format!("operand `{}` has zero point {}", operand.name, operand.code.zero_point)
        })
    })?;
    ensure(inputs.get(1).is_some_and(|other| other.code.sign == Signedness::Signed), || {
        "in1 must be signed".to_owned()
    })
}

/// Codes of two scales go from where a softmax or a table makes them to the rows of the array.
fn two_scales(node: &IntNode, inputs: &[&IntTensor], output: &IntTensor) -> Check {
    let makes =
        matches!(node.op, IntOp::Softmax { .. } | IntOp::Table { .. } | IntOp::Conv { table: Some(_), .. });
    ensure(output.code.tag_shift == 0 || makes, || {
        format!("`{}` has two scales, which only softmax and tables make", output.name)
    })?;
    let rows = usize::from(matches!(node.op, IntOp::Conv { transposed: false, .. } | IntOp::MatMul { .. }));
    let other = inputs.iter().skip(rows).find(|input| input.code.tag_shift > 0);
    ensure(other.is_none(), || {
        let name = other.map_or("", |input| &input.name);
        format!("`{name}` has two scales, which only the first operand of a product can have")
    })
}

fn same_shape(a: &IntTensor, b: &IntTensor) -> Check {
    ensure(a.shape == b.shape, || format!("`{}` is {:?}, `{}` is {:?}", a.name, a.shape, b.name, b.shape))
}

fn same_code(a: &IntTensor, b: &IntTensor) -> Check {
    ensure(a.code == b.code, || format!("`{}` has {:?}, `{}` has {:?}", a.name, a.code, b.name, b.code))
}

/// Checks a node whose ids are known.
pub fn check(graph: &IntGraph, node: &IntNode) -> Check {
    let inputs: Vec<&IntTensor> = node.inputs.iter().map(|&id| graph.tensor(id)).collect();
    let output = graph.tensor(node.output);
    let arity = match &node.op {
        IntOp::Conv { residual, .. } => 1 + usize::from(residual.is_some()),
        IntOp::Add { second, .. } => 1 + usize::from(second.is_some()),
        IntOp::MatMul { .. } | IntOp::Scale { .. } => 2,
        IntOp::ConcatRows => inputs.len().max(1),
        _ => 1,
    };
    ensure(inputs.len() == arity, || format!("{} inputs, needs {arity}", inputs.len()))?;
    let input = inputs[0];
    let (from, to) = (input.shape, output.shape);
    two_scales(node, &inputs, output)?;
    channel_shifts::check(node, &inputs, output)?;
    match &node.op {
        IntOp::Conv { window, parts, weight, parameters, post, table, residual, transposed } => {
            eight_bits(input)?;
            if *transposed {
                ensure(*window == Window::POINT && residual.is_none(), || {
                    "a transposed output needs a linear layer without residual".to_owned()
                })?;
                ensure(to.cols.checked_mul(to.channels) == Some(from.rows * from.cols), || {
                    format!("transposed output {to:?} does not fit input {from:?}")
                })?;
            } else {
                check_window(window, from, to)?;
            }
            let n = if *transposed { to.groups * to.rows } else { to.flat_channels() };
            let taps = window.kernel[0].checked_mul(window.kernel[1]);
            let of = |count: usize| {
                count.checked_div(*parts).filter(|part| part.checked_mul(*parts) == Some(count))
            };
            let (Some(channels), Some(_)) = (of(from.flat_channels()), of(n)) else {
                return Err(format!("{parts} parts divide neither channels of {from:?} and {n} outputs"));
            };
            ensure(*parts == 1 || (from.groups == 1 && to.groups == 1 && !transposed), || {
                format!("a convolution of {parts} parts needs maps of one group")
            })?;
            let k = taps.and_then(|t| t.checked_mul(channels));
            ensure(k.and_then(|k| k.checked_mul(n)) == Some(weight.len()), || {
                format!("{} weights, needs {k:?} for each of {n} outputs", weight.len())
            })?;
            check_weights(weight)?;
            check_parameters(parameters, n)?;
            check_post(post, output, table.is_some())?;
            for (channel, row) in weight.chunks_exact(k.unwrap_or(1).max(1)).enumerate() {
                // Adding up a large network's weights takes long, and most bounds hold for any weights.
                let most = 128 * row.len() as i64;
                if check_accumulator(channel, input, most, parameters[channel].bias).is_ok() {
                    continue;
                }
                let magnitude = row.iter().map(|w| i64::from(w.unsigned_abs())).sum();
                check_accumulator(channel, input, magnitude, parameters[channel].bias)?;
            }
            if let (Some(residual), Some(operand)) = (residual, inputs.get(1)) {
                check_residual(residual, operand)?;
                same_shape(operand, output)?;
            }
            Ok(())
        }
        IntOp::Depthwise { window, weight, parameters, post } => {
            eight_bits(input)?;
            check_window(window, from, to)?;
            ensure(from.groups == 1 && to.groups == 1 && from.channels == to.channels, || {
                format!("channels of {from:?} and {to:?} differ")
            })?;
            let taps = window.kernel[0].checked_mul(window.kernel[1]);
            ensure(taps.and_then(|t| t.checked_mul(to.channels)) == Some(weight.len()), || {
                format!("{} weights, needs {taps:?} x {}", weight.len(), to.channels)
            })?;
            check_weights(weight)?;
            check_parameters(parameters, to.channels)?;
            check_post(post, output, false)?;
            for (channel, parameter) in parameters.iter().enumerate() {
                let column = weight[channel..].iter().step_by(to.channels);
                let magnitude = column.map(|w| i64::from(w.unsigned_abs())).sum();
                check_accumulator(channel, input, magnitude, parameter.bias)?;
            }
            Ok(())
        }
        IntOp::Phased { phases, windows, weight, parameters, post } => {
            eight_bits(input)?;
            ensure(to.groups == 1, || format!("the output {to:?} has more than one group"))?;
            ensure(
                phases.iter().all(|p| (1..=255).contains(p)) && windows.len() == phases[0] * phases[1],
                || format!("{} windows for {phases:?} phases of 1 to 255", windows.len()),
            )?;
            let n = parameters.len() / windows.len();
            let row = to.cols * to.channels;
            ensure(n > 0 && n * windows.len() == parameters.len() && row.is_multiple_of(n), || {
                format!("{} parameters do not fit the phases and {to:?}", parameters.len())
            })?;
            check_parameters(parameters, parameters.len())?;
            ensure(to.rows >= phases[0] && row / n >= phases[1], || {
                format!("a phase has no part of {to:?}")
            })?;
            let mut taps = 0usize;
            for window in windows {
                check_sizes(window, from)?;
                taps = taps.saturating_add(window.kernel[0] * window.kernel[1]);
            }
            let k = taps.checked_mul(from.flat_channels()).and_then(|k| k.checked_mul(n));
            ensure(k == Some(weight.len()), || format!("{} weights, needs {k:?}", weight.len()))?;
            check_weights(weight)?;
            for phase in graph::phases(&node.op) {
                let (given, needed) = (check_sizes(&phase.window, from)?, phase.map(*phases, to));
                ensure((0..2).all(|axis| given[axis] >= needed[axis]), || {
                    format!("phase {:?} gives {given:?} pixels, the output has {needed:?} of it", phase.first)
                })?;
                let rows = phase.weight.chunks_exact((phase.weight.len() / n).max(1));
                for (channel, row) in rows.enumerate() {
                    let magnitude = row.iter().map(|w| i64::from(w.unsigned_abs())).sum();
                    check_accumulator(channel, input, magnitude, phase.parameters[channel].bias)?;
                }
            }
            check_post(post, output, false)
        }
        IntOp::Scale { parameter, post } => {
            factors(&inputs)?;
            let vector = Shape { groups: 1, rows: 1, cols: 1, channels: to.channels };
            ensure(from.groups == 1 && inputs[1].shape == vector, || {
                format!("{from:?} times {:?} is no map times its channels", inputs[1].shape)
            })?;
            same_shape(input, output)?;
            check_requant(parameter.requant)?;
            check_post(post, output, false)?;
            check_accumulator(0, input, 128, parameter.bias)
        }
        IntOp::MatMul { parameter, post } => {
            let other = inputs[1];
            factors(&inputs)?;
            let b = other.shape;
            let fits = from.cols == 1 && b.cols == 1 && to.cols == 1;
            let fits = fits && from.groups == b.groups && b.groups == to.groups;
            let fits = fits && from.channels == b.channels && to.rows == from.rows && to.channels == b.rows;
            ensure(fits, || format!("{from:?} times {b:?} does not give {to:?}"))?;
            check_requant(parameter.requant)?;
            check_post(post, output, false)?;
            check_accumulator(0, input, from.channels as i64 * 128, parameter.bias)
        }
        IntOp::Softmax { table } => {
            eight_bits(input)?;
            eight_bits(output)?;
            same_shape(input, output)?;
            ensure(from.channels <= 32_768, || "a row has more than 32768 codes".to_owned())?;
            ensure(table[0] > 0, || "the table's first entry is zero".to_owned())?;
            ensure(output.code.sign == Signedness::Unsigned && output.code.zero_point == 0, || {
                "the output must be unsigned with zero point 0".to_owned()
            })
        }
        IntOp::LayerNorm { parameters, post, .. } => {
            same_shape(input, output)?;
            ensure(from.groups == 1 && from.channels <= MAX_CHANNELS, || {
                format!("{from:?}: needs one group of at most {MAX_CHANNELS} channels")
            })?;
            check_parameters(parameters, from.channels)?;
            check_post(post, output, false)
        }
        IntOp::Add { first, second, post } => {
            same_shape(input, output)?;
            check_residual(first, input)?;
            if let (Some(second), Some(operand)) = (second, inputs.get(1)) {
                same_shape(operand, output)?;
                check_residual(second, operand)?;
            }
            check_post(post, output, false)
        }
        IntOp::MaxPool { window } => {
            check_window(window, from, to)?;
            check_pool(window, from, to)?;
            same_code(input, output)
        }
        IntOp::AveragePool { window, requant, post } => {
            check_window(window, from, to)?;
            check_pool(window, from, to)?;
            check_requant(*requant)?;
            // The requantizer takes 33 bits.
            ensure(window.kernel[0] * window.kernel[1] < 1 << 15, || "too many taps".to_owned())?;
            check_post(post, output, false)
        }
        IntOp::Table { .. } => {
            eight_bits(input)?;
            eight_bits(output)?;
            same_shape(input, output)
        }
        IntOp::ConcatRows => {
            let rows: usize = inputs.iter().map(|t| t.shape.rows).sum();
            inputs.iter().try_for_each(|t| {
                same_code(t, output)?;
                let Shape { groups, cols, channels, .. } = t.shape;
                ensure((groups, cols, channels) == (1, to.cols, to.channels) && to.groups == 1, || {
                    format!("rows of `{}` {:?} do not fit {to:?}", t.name, t.shape)
                })
            })?;
            ensure(rows == to.rows, || format!("{rows} rows, the output has {}", to.rows))
        }
        IntOp::SliceRows { start } => {
            same_code(input, output)?;
            let fits = (from.groups, to.groups) == (1, 1);
            let fits = fits && (from.cols, from.channels) == (to.cols, to.channels);
            let fits = fits && start.checked_add(to.rows).is_some_and(|end| end <= from.rows);
            ensure(fits, || format!("rows from {start} of {from:?} are not {to:?}"))
        }
        IntOp::Permute { dims, order } => {
            same_code(input, output)?;
            permutation::check(dims, order, from, to)
        }
        IntOp::Reshape => {
            same_code(input, output)?;
            let fits = (from.groups, to.groups) == (1, 1) && from.elements() == to.elements();
            let fits = fits && (from.rows == to.rows || from.channels == to.channels);
            ensure(fits, || format!("{from:?} does not read as {to:?}"))
        }
    }
}

/// A window all in the padding would have no code to take.
fn check_pool(window: &Window, from: Shape, to: Shape) -> Check {
    ensure(from.groups == 1 && to.groups == 1 && from.channels == to.channels, || {
        format!("channels of {from:?} and {to:?} differ")
    })?;
    let inside = (0..2).all(|axis| {
        let span = window.dilation[axis].saturating_mul(window.kernel[axis] - 1);
        window.pad[axis] <= span && window.pad[axis + 2] <= span
    });
    ensure(inside, || format!("padding {:?} is not below the kernel", window.pad))
}
