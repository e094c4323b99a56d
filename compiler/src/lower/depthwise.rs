//! Depthwise convolution: tap by tap on the vector unit, or on the array as a product with block-diagonal
//! weights.
//!
//! On the array an output reads the one line of the input that holds its channel; all weights of that line
//! but the channel's own are zero. One multiplication in a line is useful; that pays where the array has more
//! multipliers than the vector unit's lanes times the codes of a line.

use bitgauge_arch::Accelerator;
use bitgauge_arch::code::OperandContainer;
use bitgauge_arch::command::{Target, Vector, VectorFunction};
use bitgauge_arch::program::{Bytes, Operand};
use bitgauge_models::integer::{IntOp, Window};

use super::windows::sweep;
use super::{Context, Lowered};
use crate::error::CompileError;
use crate::scratch::Slots;
use crate::tiling::blocks::Blocks;
use crate::tiling::geometry::Geometry;
use crate::tiling::long::is_short;
use crate::tiling::plan::describe;
use crate::tiling::sweep::Sweep;
use crate::view::reg;
use crate::write::{Chip, parameter_bytes};
use crate::write::{Parameters, Product, Weights};

/// The array is chosen where it takes less than this share of the vector unit's cycles: beside the vector
/// unit the array is free for the layers before and after, so that ties go to the vector unit.
const SHARE: (u64, u64) = (15, 16);

/// Whether the layer runs on the array, by the closed forms of both with all on-chip memories to
/// themselves.
pub(super) fn on_array(context: &Context<'_, '_>) -> bool {
    let none = Bytes::from(Vec::new());
    let Some(product) = product(context, &none) else { return false };
    let Ok(array) = context.plan(&product).map(|plan| plan.cycles()) else { return false };
    match vector_sweep(context).and_then(|sweep| sweep.cycles(context)) {
        Ok(vector) => array * SHARE.1 < vector * SHARE.0,
        Err(_) => true,
    }
}

/// Lowers to the unit that the context names.
pub(super) fn lower(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    if context.vector { on_vector_unit(context) } else { lower_to_array(context) }
}

fn lower_to_array(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let IntOp::Depthwise { weight, .. } = &context.node.op else {
        return Err(context.unsupported("not a depthwise convolution"));
    };
    let line = context.emitter.line() as usize;
    let channels = context.input(0)?.channels as usize;
    let expanded: Vec<u8> =
        block_diagonal(weight, channels, line).into_iter().map(|code| code as u8).collect();
    let expanded = Bytes::from(expanded);
    let product = product(context, &expanded)
        .ok_or_else(|| context.unsupported("a line of outputs must be whole folds of the array"))?;
    let plan = context.plan(&product)?;
    product.emit(context.emitter, &plan);
    Ok(Lowered {
        operator: "depthwise",
        product: None,
        mapping: describe(&plan, &product.geometry),
        work: plan.work,
    })
}

/// Codes of a line of the input, as the array reads it; `None` where the array's folds do not divide lines:
/// a fold's outputs must all find their channels in one line.
fn segment(accelerator: &Accelerator, channels: u64) -> Option<u64> {
    let (line, cols) = (u64::from(accelerator.line_bytes()), u64::from(accelerator.array.cols));
    (line.is_multiple_of(cols) && cols.next_power_of_two() <= line).then(|| line.min(channels))
}

/// `[tap][channel]` to `[channel][tap][code of the channel's line]`.
fn block_diagonal(weight: &[i8], channels: usize, line: usize) -> Vec<i8> {
    let segment = line.min(channels);
    let taps = weight.len() / channels.max(1);
    let mut expanded = vec![0; channels * taps * segment];
    for (row, channel) in expanded.chunks_exact_mut((taps * segment).max(1)).zip(0..) {
        for (target, tap) in row.chunks_exact_mut(segment).zip(weight.chunks_exact(channels)) {
            target[channel % line] = tap[channel];
        }
    }
    expanded
}

/// The layer as a product of the array; planning needs no weights.
fn product<'p, 'a: 'p>(context: &Context<'a, '_>, expanded: &'p Bytes) -> Option<Product<'p>> {
    let IntOp::Depthwise { window, weight, parameters, post } = &context.node.op else { return None };
    let (input, output) = (context.input(0).ok()?, context.output());
    // A block is a line of bytes, on chip and of the output.
    let bytes = context.emitter.accelerator.array.takes(OperandContainer::Bits8);
    if !bytes || input.container != 1 || input.groups != 1 || !is_short(window) {
        return None;
    }
    let segment = segment(context.emitter.accelerator, input.channels)?;
    let line = context.emitter.line();
    let [rows, cols] = window.output(input.rows as usize, input.cols as usize)?;
    let mut product = Product {
        geometry: Geometry {
            input,
            window: *window,
            output: output.reshaped(rows as u64, cols as u64)?,
            residual: None,
            outputs: output.channels,
            weights: None,
            weight_bits: context.emitter.stored_bits(weight.bits),
            operands: context.operands_with(weight.bits),
            parameter_per_row: false,
            patch: None,
            long: None,
            blocks: Some(Blocks { channels: segment, outputs: line, walked: true }),
        },
        weights: Weights::Constant(expanded),
        parameters: Parameters::Each(parameters),
        post: *post,
        residual: None,
        pad_code: u32::from(context.graph.tensor(context.node.inputs[0]).code.zero_point as u8),
        table: None,
        input_operand: Operand::Input,
        weight_operand: Operand::Weight,
    };
    product.flatten();
    Some(product)
}

/// The layer as a sweep of the vector unit.
fn vector_sweep(context: &Context<'_, '_>) -> Result<Sweep, CompileError> {
    let (name, window, post) = match &context.node.op {
        IntOp::Depthwise { window, post, .. } => ("depthwise", *window, post),
        IntOp::Scale { post, .. } => ("scale", Window::POINT, post),
        _ => return Err(context.unsupported("not a depthwise convolution")),
    };
    let registers = Vector {
        function: VectorFunction::Depthwise.code(),
        zero_point: post.zero_point,
        clamp_low: post.clamp_low,
        clamp_high: post.clamp_high,
        ..Vector::default()
    };
    let taps = (window.kernel[0] * window.kernel[1]) as u64;
    let (_, total) = context.emitter.area.weights;
    let entries = u64::from(context.emitter.accelerator.post.parameter_entries);
    if taps > total {
        let hint = "raise [scratchpad] weight_kib";
        return Err(context.does_not_fit("weight scratchpad, lines of the taps", taps, total, hint));
    }
    let most = entries.min(total / taps * context.emitter.line());
    sweep(context, name, &window, registers, most)
}

/// A map times a vector: a depthwise convolution of one tap, whose weights were computed.
pub(super) fn scale(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let IntOp::Scale { parameter, .. } = &context.node.op else {
        return Err(context.unsupported("not a product with a vector"));
    };
    let factors = context.input(1)?;
    let line = context.emitter.line();
    let (from, total) = context.emitter.area.weights;
    vector_sweep(context)?.run(context, |emitter, (first, end), registers| {
        let count = end - first;
        let words = count.div_ceil(line);
        let mut slots = Slots::new(from, total, words, 1, emitter.weight_cursor);
        let (start, _) = slots.get(0);
        emitter.weight_cursor = slots.cursor();
        let chip = Chip { line: start, pixel_stride: words };
        emitter.load(&factors, 0, (0, 1), (first, end), Target::Weight, chip, Operand::Input);
        let bytes = parameter_bytes(std::iter::repeat_n(*parameter, count as usize));
        let address = emitter.constant(bytes);
        registers.parameter_base = reg(emitter.load_parameters(address, count, true));
        registers.second_line = reg(start);
    })
}

fn on_vector_unit(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let IntOp::Depthwise { window, weight, parameters, .. } = &context.node.op else {
        return Err(context.unsupported("not a depthwise convolution"));
    };
    let taps = (window.kernel[0] * window.kernel[1]) as u64;
    let line = context.emitter.line();
    let (from, total) = context.emitter.area.weights;
    let all = parameters.len();
    vector_sweep(context)?.run(context, |emitter, (first, end), registers| {
        let range = first as usize..end as usize;
        let count = end - first;
        let words = count.div_ceil(line);
        let cut = |tap: &[i8]| {
            tap.get(range.clone()).unwrap_or_default().iter().map(|&code| code as u8).collect::<Vec<u8>>()
        };
        let bits = emitter.stored_bits(weight.bits);
        let codes: Vec<u8> = weight.chunks(all.max(1)).flat_map(cut).collect();
        let weights = emitter.codes(codes.into(), bits);
        let mut slots = Slots::new(from, total, taps * words, 1, emitter.weight_cursor);
        let (start, _) = slots.get(0);
        emitter.weight_cursor = slots.cursor();
        emitter.load_codes(
            weights,
            start,
            [taps, count, words],
            (bits, OperandContainer::Bits8),
            Operand::Weight,
        );
        let bytes = parameter_bytes(parameters.iter().skip(range.start).take(range.len()).copied());
        let address = emitter.constant(bytes);
        registers.parameter_base = reg(emitter.load_parameters(address, count, true));
        registers.second_line = reg(start);
    })
}

#[cfg(test)]
mod tests {
    use super::block_diagonal;

    #[test]
    fn a_channel_multiplies_its_own_code_of_its_line() {
        // Two taps of three channels, lines of two codes.
        let expanded = block_diagonal(&[1, 2, 3, 4, 5, 6], 3, 2);
        assert_eq!(expanded, [1, 0, 4, 0, 0, 2, 0, 5, 3, 0, 6, 0]);
        assert_eq!(block_diagonal(&[7, 8, 9], 3, 4), [7, 0, 0, 0, 8, 0, 0, 0, 9]);
    }
}
