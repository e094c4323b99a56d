//! Convolutions and linear layers on the array.

use bitgauge_arch::code::OperandContainer;
use bitgauge_arch::codec::Codec;
use bitgauge_arch::command::{Vector, VectorFunction};
use bitgauge_arch::mac::Operands;
use bitgauge_arch::program::{Bytes, Operand};
use bitgauge_models::integer::{IntOp, Window};

use super::{Context, Lowered};
use crate::error::CompileError;
use crate::memory::padded;
use crate::tiling::blocks::{Blocks, expand};
use crate::tiling::geometry::{Geometry, Patch};
use crate::tiling::long::{self, Taps};
use crate::tiling::plan::describe;
use crate::view::reg;
use crate::view::{MOST, View};
use crate::write::{Parameters, Product, Weights};

pub(crate) fn lower(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let node = context.node;
    let IntOp::Conv { window, parts, weight, parameters, post, table, residual, transposed } = &node.op
    else {
        return Err(context.unsupported("not a convolution"));
    };
    let mut input = context.input(0)?;
    let output = context.output();
    let (mut window, taps) = (*window, window.kernel[0] * window.kernel[1]);
    let linear = window == Window::POINT && input.cols == 1;
    if *parts == 1
        && !transposed
        && let Some(read) = long::as_channels(&input, &window, MOST, context.emitter.line())
    {
        (input, window) = read;
    }
    let outputs = parameters.len();
    let (blocks, mut codes) = if *parts == 1 {
        (None, Bytes::of_codes(&weight.codes, 0..weight.len()))
    } else {
        let channels = input.channels / *parts as u64;
        let blocks =
            Blocks::of_parts(*parts as u64, channels, (outputs / parts) as u64, context.emitter.line());
        let together = blocks.map_or(*parts as u64, |blocks| blocks.channels / channels.max(1));
        let expanded = if context.emitter.trial {
            Vec::new()
        } else {
            expand(weight, *parts, outputs, taps, together as usize)
        };
        (blocks, Bytes::from(expanded))
    };
    let table = table.as_ref().map(|table| context.emitter.post_table(table));
    let mut product = if *transposed {
        let geometry = transposed_geometry(context, &input, &output, &codes, weight.bits)?;
        Product {
            weights: Weights::Tensor(geometry.weights.unwrap_or(input)),
            geometry,
            parameters: Parameters::Each(parameters),
            post: *post,
            residual: None,
            pad_code: 0,
            table,
            input_operand: Operand::Weight,
            weight_operand: Operand::Input,
        }
    } else {
        let [rows, cols] = window
            .output(input.rows as usize, input.cols as usize)
            .ok_or_else(|| context.unsupported("the kernel does not fit the map"))?;
        let reshape = |view: View| {
            view.reshaped(rows as u64, cols as u64)
                .ok_or_else(|| context.unsupported("the output's rows cannot be written as the map's"))
        };
        let residual_view = match residual {
            Some(_) => Some(reshape(context.input(1)?)?),
            None => None,
        };
        if residual_view.is_some_and(|view| view.container == 1 && !view.signed) {
            return Err(context.unsupported("the array adds signed residuals only"));
        }
        let mut output = reshape(output)?;
        let mut cut = None;
        if !long::is_short(&window) {
            let along =
                long::along_rows(&input, &output, &window).filter(|_| residual.is_none() && *parts == 1);
            (input, output, window) = along.ok_or_else(|| context.unsupported(long::refusal(&window)))?;
            if !long::is_short(&window) {
                let long = long::long(&window, input.cols, Taps::Twice)
                    .map_err(|reason| context.unsupported(reason))?;
                if long.is_twice(&window) {
                    codes = Bytes::from(long.spread(weight, input.channels as usize, &window));
                }
                cut = Some(long);
            }
        }
        let line = context.emitter.line();
        let unaligned = |view: &View| !view.pixel_bytes().is_multiple_of(line);
        if output.groups > 1 && residual_view.is_some_and(|view| unaligned(&view) || unaligned(&output)) {
            return Err(context.unsupported("a residual needs output groups of whole scratchpad lines"));
        }
        Product {
            geometry: Geometry {
                input,
                window,
                output,
                residual: residual_view,
                outputs: output.groups * output.channels,
                weights: None,
                weight_bits: context.emitter.stored_bits(weight.bits),
                operands: context.operands_with(weight.bits),
                parameter_per_row: false,
                patch: None,
                long: cut,
                blocks,
            },
            weights: Weights::Constant(&codes),
            parameters: Parameters::Each(parameters),
            post: *post,
            residual: *residual,
            pad_code: u32::from(context.graph.tensor(node.inputs[0]).code.zero_code() as u8),
            table,
            input_operand: Operand::Input,
            weight_operand: Operand::Weight,
        }
    };
    product.flatten();
    let accelerator = context.emitter.accelerator;
    // The vector unit writes bytes.
    let gathered = patched(&product.geometry, context.emitter.bus(), product.pad_code)
        .filter(|_| accelerator.array.takes(OperandContainer::Bits8))
        .map(|geometry| Product { geometry, ..product.clone() });
    product.choose_container(accelerator).map_err(|reason| context.unsupported(reason))?;
    let direct = context.plan(&product);
    let plan = match (direct, gathered) {
        (direct, Some(gathered)) => match (direct, context.plan(&gathered)) {
            (Ok(direct), Ok(plan)) if direct.cycles() <= plan.cycles() => direct,
            (_, Ok(plan)) => {
                product = gathered;
                plan
            }
            (direct, Err(_)) => direct?,
        },
        (direct, None) => direct?,
    };
    product.emit(context.emitter, &plan);
    let geometry = &product.geometry;
    let m = geometry.output.rows * geometry.output.cols;
    let k = geometry.positions() * geometry.input.groups * geometry.segment();
    let [m, n] = if *transposed { [geometry.outputs, m] } else { [m, geometry.outputs] };
    Ok(Lowered {
        operator: if linear { "linear" } else { "conv" },
        product: Some([m, n, k]),
        mapping: describe(&plan, geometry),
        work: plan.work,
    })
}

/// Operands exchanged: weight rows are the array's rows, tokens its columns, so that each output channel
/// is written as a row.
fn transposed_geometry(
    context: &mut Context<'_, '_>,
    input: &View,
    output: &View,
    weight: &Bytes,
    bits: u8,
) -> Result<Geometry, CompileError> {
    if !input.signed {
        return Err(context.unsupported("a transposed output needs signed input codes"));
    }
    let tokens =
        input.flat().ok_or_else(|| context.unsupported("the input's pixels are not evenly spaced"))?;
    let joined = output
        .joined_groups()
        .filter(View::contiguous)
        .map(|view| View { cols: 1, channels: view.cols * view.channels, ..view })
        .ok_or_else(|| context.unsupported("the output's groups are not evenly spaced"))?;
    let bus = context.emitter.bus();
    let operands = context.operands_with(bits);
    let bits = context.emitter.stored_bits(bits);
    let codec = if bits < 8 { Codec::Pack } else { Codec::None };
    let mut rows = View {
        rows: joined.rows,
        cols: 1,
        signed: true,
        tag_shift: 0,
        codec,
        value_bits: reg(bits),
        ..*input
    };
    rows.row_stride = rows.block_bytes(rows.channels).next_multiple_of(bus);
    rows.col_bits = 8 * rows.row_stride;
    rows.group_stride = rows.rows * rows.row_stride;
    // `[n][group][channel]` becomes `[group][n][channel]`: a segment is loaded as a group.
    let (channels, each) = (input.channels as usize, (input.groups * input.channels) as usize);
    rows.address = if input.groups == 1 && rows.dense() {
        context.emitter.codes(weight.clone(), bits)
    } else {
        let mut bytes = Vec::with_capacity(weight.len());
        for group in 0..input.groups as usize {
            for row in weight.chunks_exact(each.max(1)) {
                bytes.extend_from_slice(&row[group * channels..][..channels]);
            }
        }
        context.emitter.constant(padded(&rows, &bytes))
    };
    Ok(Geometry {
        input: rows,
        window: Window::POINT,
        output: joined,
        residual: None,
        outputs: joined.channels,
        weights: Some(tokens),
        weight_bits: 8,
        // Exchanged, as rows and columns are.
        operands: Operands::uniform(operands.weight_bits, operands.activation_bits),
        parameter_per_row: true,
        patch: None,
        long: None,
        blocks: None,
    })
}

/// The same convolution over kernel windows that the vector unit gathers, where that can help: few input
/// channels fill little of a line.
fn patched(geometry: &Geometry, bus: u64, pad_code: u32) -> Option<Geometry> {
    let (input, window) = (&geometry.input, geometry.window);
    let channels = input.channels;
    let row_bytes = input.cols * channels;
    let run_bytes = window.kernel[1] as u64 * channels;
    let depth = window.kernel[0] as u64 * run_bytes;
    let pad_left = window.pad[1] as u64 * channels;
    let possible = input.groups == 1
        && input.contiguous()
        && geometry.blocks.is_none()
        && geometry.long.is_none()
        && window.kernel != [1, 1]
        && window.dilation[1] == 1
        && row_bytes.max(depth) <= MOST
        && pad_left <= 255
        && channels < 64;
    if !possible {
        return None;
    }
    let registers = Vector {
        function: VectorFunction::Patch.code(),
        kernel_rows: reg(window.kernel[0] as u64),
        kernel_cols: reg(window.kernel[1] as u64),
        stride_rows: reg(window.stride[0] as u64),
        stride_cols: reg(window.stride[1] as u64),
        dilation_rows: reg(window.dilation[0] as u64),
        dilation_cols: 1,
        pad_left: reg(pad_left),
        pad_code,
        channels: reg(depth),
        in_cols: reg(input.cols),
        run_bytes: reg(run_bytes),
        run_step_bytes: reg(window.stride[1] as u64 * channels),
        row_bytes: reg(row_bytes),
        ..Vector::default()
    };
    let map = View { cols: 1, channels: row_bytes, col_bits: 8 * input.row_stride, ..*input };
    let row_stride = (geometry.output.cols * depth).next_multiple_of(bus);
    let gathered = View {
        rows: geometry.output.rows,
        cols: geometry.output.cols,
        channels: depth,
        col_bits: 8 * depth,
        row_stride,
        codec: Codec::None,
        value_bits: 8,
        ..*input
    };
    Some(Geometry {
        input: gathered,
        window: Window::POINT,
        patch: Some(Patch { map, window, registers }),
        ..geometry.clone()
    })
}
