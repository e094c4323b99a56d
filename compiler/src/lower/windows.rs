//! Windows over maps on the vector unit: depthwise convolution and pooling.

use bitgauge_arch::command::{Target, Vector, VectorFunction};
use bitgauge_arch::program::Operand;
use bitgauge_models::integer::{IntOp, Window};

use super::sweep::Sweep;
use super::{Context, Lowered};
use crate::emit::{parameter_bytes, reg};
use crate::error::CompileError;
use crate::scratch::Slots;

/// The sweep of a window with its registers filled in.
fn sweep(
    context: &Context<'_, '_>,
    operator: &'static str,
    window: &Window,
    registers: Vector,
    most_channels: u64,
) -> Result<Sweep, CompileError> {
    let input = context.input(0)?;
    if input.container != 1 {
        return Err(context.unsupported("windows slide over 8-bit codes"));
    }
    let [rows, cols] = window
        .output(input.rows as usize, input.cols as usize)
        .ok_or_else(|| context.unsupported("the kernel does not fit the map"))?;
    let output = context
        .output()
        .reshaped(rows as u64, cols as u64)
        .ok_or_else(|| context.unsupported("the output's rows cannot be written as the map's"))?;
    let zero_point = context.graph.tensor(context.node.inputs[0]).code.zero_point;
    let registers = Vector {
        kernel_rows: reg(window.kernel[0] as u64),
        kernel_cols: reg(window.kernel[1] as u64),
        stride_rows: reg(window.stride[0] as u64),
        stride_cols: reg(window.stride[1] as u64),
        pad_left: reg(window.pad[1] as u64),
        dilation_rows: reg(window.dilation[0] as u64),
        dilation_cols: reg(window.dilation[1] as u64),
        pad_code: u32::from(zero_point as u8),
        source_zero_point: zero_point,
        ..registers
    };
    Ok(Sweep {
        operator,
        inputs: vec![input],
        output,
        window: Some(*window),
        registers,
        most_channels,
        whole_pixels: false,
    })
}

pub(crate) fn max_pool(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let IntOp::MaxPool { window } = &context.node.op else {
        return Err(context.unsupported("not a max pool"));
    };
    let registers = Vector { function: VectorFunction::MaxPool.code(), ..Vector::default() };
    sweep(context, "max_pool", window, registers, u64::MAX)?.run(context, |_, _, _| {})
}

pub(crate) fn average_pool(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let IntOp::AveragePool { window, requant, post } = &context.node.op else {
        return Err(context.unsupported("not an average pool"));
    };
    let registers = Vector {
        function: VectorFunction::AveragePool.code(),
        zero_point: post.zero_point,
        clamp_low: post.clamp_low,
        clamp_high: post.clamp_high,
        source_mantissa: u32::from(requant.mantissa),
        source_shift: u32::from(requant.shift),
        ..Vector::default()
    };
    sweep(context, "average_pool", window, registers, u64::MAX)?.run(context, |_, _, _| {})
}

pub(crate) fn depthwise(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let IntOp::Depthwise { window, weight, parameters, post } = &context.node.op else {
        return Err(context.unsupported("not a depthwise convolution"));
    };
    let registers = Vector {
        function: VectorFunction::Depthwise.code(),
        zero_point: post.zero_point,
        clamp_low: post.clamp_low,
        clamp_high: post.clamp_high,
        ..Vector::default()
    };
    let taps = (window.kernel[0] * window.kernel[1]) as u64;
    let line = context.emitter.line();
    let (from, total) = context.emitter.area.weights;
    let entries = u64::from(context.emitter.accelerator.post.parameter_entries);
    if taps > total {
        let hint = "raise [scratchpad] weight_kib";
        return Err(context.does_not_fit("weight scratchpad, lines of the taps", taps, total, hint));
    }
    let most = entries.min(total / taps * line);
    let all = parameters.len();
    sweep(context, "depthwise", window, registers, most)?.run(context, |emitter, (first, end), registers| {
        let range = first as usize..end as usize;
        let count = end - first;
        let words = count.div_ceil(line);
        let cut = |tap: &[i8]| {
            tap.get(range.clone()).unwrap_or_default().iter().map(|&code| code as u8).collect::<Vec<u8>>()
        };
        let weights = emitter.constant(weight.chunks(all.max(1)).flat_map(cut).collect());
        let mut slots = Slots::new(from, total, taps * words, 1, emitter.weight_cursor);
        let (start, _) = slots.get(0);
        emitter.weight_cursor = slots.cursor();
        emitter.load_bytes(weights, Target::Weight, start, [taps, count, words], Operand::Weight);
        let bytes = parameter_bytes(parameters.iter().skip(range.start).take(range.len()).copied());
        let address = emitter.constant(bytes);
        registers.parameter_base = reg(emitter.load_parameters(address, count, true));
        registers.second_line = reg(start);
    })
}
