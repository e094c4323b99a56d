//! Codes moved unchanged: concatenation, slices and other shapes, as loads and stores.

use bitgauge_arch::command::Target;
use bitgauge_arch::program::Operand;
use bitgauge_models::integer::IntOp;

use super::{Context, Lowered};
use crate::error::CompileError;
use crate::scratch::Slots;
use crate::tiling::cost::{Work, moves_cycles};
use crate::view::{MOST, View};
use crate::write::Chip;

/// The same rows as one pixel each, where a pixel may be so long: fewer lines on chip.
fn as_rows(view: &View) -> View {
    let channels = view.cols * view.channels;
    if channels > MOST || view.cols == 1 || !view.contiguous() {
        return *view;
    }
    View { cols: 1, channels, col_bits: 8 * view.row_stride, ..*view }
}

/// Both views in whole rows, where both can be read so.
fn alike(from: &View, to: &View) -> (View, View) {
    let rows = (as_rows(from), as_rows(to));
    if (rows.0.cols, rows.0.channels) == (rows.1.cols, rows.1.channels) { rows } else { (*from, *to) }
}

/// Copies all rows of `from` to `to`; returns the bus cycles.
fn copy(context: &mut Context<'_, '_>, from: &View, to: &View) -> Result<u64, CompileError> {
    let (from, to) = alike(from, to);
    let parts = from.parts_of_pixels();
    let (from, to) = match (from.cut_pixels(parts), to.cut_pixels(parts)) {
        (Some(from), Some(to)) => (from, to),
        _ => (from, to),
    };
    let emitter = &mut *context.emitter;
    let row = from.cols * from.words(emitter.line());
    let lines = u64::from(emitter.accelerator.activation_lines());
    if row > lines {
        let hint = "raise [scratchpad] activation_kib";
        return Err(context.does_not_fit("activation scratchpad, lines of a row", row, lines, hint));
    }
    // A quarter at a time, so that loads run ahead of stores.
    let step = from.row_step(emitter.bus()).max(to.row_step(emitter.bus()));
    let most = (MOST / from.cols).min(from.rows);
    let count = (lines / 4 / row / step * step).clamp(1, most);
    let mut slots = Slots::new(0, lines, count * row, 4, emitter.region_cursors[0]);
    let mut cycles = 0;
    for (key, first) in (0..from.rows).step_by(count as usize).enumerate() {
        let rows = (first, (first + count).min(from.rows));
        let (line, _) = slots.get(key as u64);
        let chip = Chip { line, pixel_stride: from.words(emitter.line()) };
        emitter.load(&from, 0, rows, (0, from.channels), Target::Activation, chip, Operand::Input);
        emitter.store(&to, 0, rows, (0, to.channels), chip);
        let moves = from.moves(0, rows, (0, from.channels));
        cycles += 2 * moves_cycles(emitter.accelerator, &moves, &from);
    }
    emitter.region_cursors[0] = slots.cursor();
    Ok(cycles)
}

fn lowered(operator: &'static str, bus: u64) -> Lowered {
    let work = Work { bus, ..Work::default() };
    Lowered { operator, product: None, mapping: "load and store".to_owned(), work }
}

pub(crate) fn concat(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let output = context.output();
    let (mut at, mut bus) = (0, 0);
    for index in 0..context.node.inputs.len() {
        let input = context.input(index)?;
        bus += copy(context, &input, &output.skip_rows(at, input.rows))?;
        at += input.rows;
    }
    Ok(lowered("concat", bus))
}

pub(crate) fn slice(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let IntOp::SliceRows { start } = &context.node.op else {
        return Err(context.unsupported("not a slice"));
    };
    let (input, output) = (context.input(0)?, context.output());
    let bus = copy(context, &input.skip_rows(*start as u64, output.rows), &output)?;
    Ok(lowered("slice", bus))
}

pub(crate) fn reshape(context: &mut Context<'_, '_>) -> Result<Lowered, CompileError> {
    let (input, output) = (context.input(0)?, context.output());
    // Where the number of rows changes, one side is a column of pixels, each of which starts bus-aligned.
    let views = if input.rows == output.rows {
        Some((input, output))
    } else if input.cols == 1 {
        input.reshaped(output.rows, output.cols).map(|input| (input, output))
    } else {
        output.reshaped(input.rows, input.cols).map(|output| (input, output))
    };
    let (input, output) =
        views.ok_or_else(|| context.unsupported("neither shape is a column of evenly spaced pixels"))?;
    let bus = copy(context, &input, &output)?;
    Ok(lowered("reshape", bus))
}
