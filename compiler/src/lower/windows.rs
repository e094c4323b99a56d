//! Windows over maps on the vector unit: pooling, and what depthwise convolution shares with it.

use bitgauge_arch::command::{Vector, VectorFunction};
use bitgauge_models::integer::{IntOp, Window};

use super::{Context, Lowered};
use crate::error::CompileError;
use crate::tiling::long::{self, Taps};
use crate::tiling::sweep::Sweep;
use crate::view::reg;

/// The sweep of a window with its registers filled in.
pub(super) fn sweep(
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
    let taps = match VectorFunction::from_code(registers.function) {
        Some(VectorFunction::MaxPool) => Taps::Twice,
        Some(VectorFunction::AveragePool) => Taps::Sum,
        _ => Taps::Once,
    };
    let (input, output, window, long) = if long::is_short(window) {
        (input, output, *window, None)
    } else {
        let (input, output, window) = long::along_rows(&input, &output, window)
            .ok_or_else(|| context.unsupported(long::refusal(window)))?;
        let long = match long::is_short(&window) {
            true => None,
            false => {
                Some(long::long(&window, input.cols, taps).map_err(|reason| context.unsupported(reason))?)
            }
        };
        (input, output, window, long)
    };
    let kernel = long.map_or(window.kernel.map(|size| size as u64), |long| long.kernel);
    let zero_point = context.graph.tensor(context.node.inputs[0]).code.zero_point;
    let registers = Vector {
        kernel_rows: reg(kernel[0]),
        kernel_cols: reg(kernel[1]),
        stride_rows: reg(long.map_or(window.stride[0] as u64, |_| 1)),
        stride_cols: reg(window.stride[1] as u64),
        pad_left: reg(window.pad[1] as u64),
        dilation_rows: reg(long.map_or(window.dilation[0] as u64, |_| 1)),
        dilation_cols: reg(window.dilation[1] as u64),
        pad_code: u32::from(zero_point as u8),
        source_zero_point: zero_point,
        ..registers
    };
    Ok(Sweep {
        operator,
        inputs: vec![input],
        output,
        window: Some(window),
        long,
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
